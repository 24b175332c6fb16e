//! Rotary positions: angle tables and the rotation of queries and keys.

use candle_core::{D, DType, Device, Tensor};
use serde_json::Value;

use crate::Result;

/// How rotary frequencies are stretched beyond the training length.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// Every frequency divided by a factor.
    Linear {
        /// The factor.
        factor: f64,
    },
    /// Llama 3: long waves divided by the factor, short ones kept, a linear blend between.
    Llama3 {
        /// The factor of the long waves.
        factor: f64,
        /// Waves longer than the training length over this are long.
        low: f64,
        /// Waves shorter than the training length over this are short.
        high: f64,
        /// The training length.
        original: f64,
    },
    /// LongRoPE within the training length: every frequency divided by a factor of its own, cos and sin multiplied. Beyond
    /// it other factors would hold for the whole sequence, its beginning included.
    Long {
        /// The factor of each frequency.
        factors: Vec<f64>,
        /// What cos and sin are multiplied by.
        amplitude: f64,
        /// The training length.
        original: usize,
    },
}

/// Rotary positions as the configuration has them.
#[derive(Clone, Debug, PartialEq)]
pub struct RopeConfig {
    /// θ, the base of the wavelengths.
    pub theta: f64,
    /// How many components of a head are rotated: the first ones.
    pub rotated: usize,
    /// How frequencies are stretched.
    pub scaling: RopeScaling,
}

impl RopeScaling {
    /// Reads `rope_scaling` or `rope_parameters` of a `config.json`, where `config` is the whole of it; the error is a reason
    /// for the caller's sentence.
    pub(crate) fn new(json: &Value, config: &Value) -> Result<Self, String> {
        let kind = json
            .get("rope_type")
            .or_else(|| json.get("type"))
            .and_then(Value::as_str)
            .unwrap_or("default");
        let positive = |value: &Value| value.as_f64().filter(|number| *number > 0.0);
        let number = |key: &str| {
            positive(&json[key]).ok_or(format!("rope scaling `{kind}` lacks a positive `{key}`"))
        };
        match kind {
            "default" => Ok(Self::None),
            "linear" => Ok(Self::Linear {
                factor: number("factor")?,
            }),
            "llama3" => Ok(Self::Llama3 {
                factor: number("factor")?,
                low: number("low_freq_factor")?,
                high: number("high_freq_factor")?,
                original: number("original_max_position_embeddings")?,
            }),
            // Phi-3 was first published with other names for the same.
            "longrope" | "su" | "yarn" if json.get("short_factor").is_some() => {
                let length = "original_max_position_embeddings";
                let original = positive(&config[length]).map_or_else(|| number(length), Ok)?;
                let longest = positive(&config["max_position_embeddings"]).unwrap_or(original);
                let factor = positive(&json["factor"]).unwrap_or(longest / original);
                let by_length = (1.0 + factor.ln() / original.ln()).sqrt();
                let factors = json["short_factor"].as_array().into_iter().flatten();
                Ok(Self::Long {
                    factors: factors.map(positive).collect::<Option<_>>().ok_or(format!(
                        "rope scaling `{kind}` has a factor that is not positive"
                    ))?,
                    amplitude: positive(&json["attention_factor"]).unwrap_or(match factor {
                        ..=1.0 => 1.0,
                        _ => by_length,
                    }),
                    original: original as usize,
                })
            }
            other => Err(format!(
                "rope scaling `{other}` is not supported; known: default, linear, llama3, longrope"
            )),
        }
    }

    /// What becomes of the frequency of pair `pair`.
    fn stretch(&self, pair: usize, frequency: f64) -> f64 {
        match self {
            Self::None => frequency,
            Self::Linear { factor } => frequency / factor,
            Self::Llama3 {
                factor,
                low,
                high,
                original,
            } => {
                let turns = original * frequency / (2.0 * std::f64::consts::PI);
                let kept = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                kept * frequency + (1.0 - kept) * frequency / factor
            }
            Self::Long { factors, .. } => frequency / factors[pair],
        }
    }
}

/// The angular frequencies of one network.
#[derive(Clone, Debug)]
pub(crate) struct Rope {
    frequencies: Vec<f64>,
    /// What cos and sin are multiplied by.
    amplitude: f64,
}

/// cos and sin of every angle of a batch, (T, d/2) when the rows share their positions, else (B, T, d/2).
pub(crate) struct Angles {
    pub(crate) cos: Tensor,
    pub(crate) sin: Tensor,
}

impl Rope {
    pub(crate) fn new(config: &RopeConfig) -> Self {
        let frequency = |pair: usize| {
            config
                .theta
                .powf(-2.0 * pair as f64 / config.rotated as f64)
        };
        let frequencies =
            (0..config.rotated / 2).map(|pair| config.scaling.stretch(pair, frequency(pair)));
        Self {
            frequencies: frequencies.collect(),
            amplitude: match config.scaling {
                RopeScaling::Long { amplitude, .. } => amplitude,
                _ => 1.0,
            },
        }
    }

    /// Angles are formed in f64: in f32 a position of some thousands already costs four digits.
    pub(crate) fn angles(
        &self,
        positions: &[u32],
        shape: &[usize],
        dtype: DType,
        device: &Device,
    ) -> Result<Angles> {
        let shape = [shape, &[self.frequencies.len()]].concat();
        let table = |of: fn(f64) -> f64| -> Result<Tensor> {
            let angle = |&position: &u32| {
                self.frequencies
                    .iter()
                    .map(move |f| (self.amplitude * of(f64::from(position) * f)) as f32)
            };
            let values: Vec<f32> = positions.iter().flat_map(angle).collect();
            Ok(Tensor::from_vec(values, shape.as_slice(), device)?.to_dtype(dtype)?)
        };
        Ok(Angles {
            cos: table(f64::cos)?,
            sin: table(f64::sin)?,
        })
    }
}

impl Angles {
    /// Rotates `x` (B, H, T, d), pairing component j with j + r/2 of the r that are rotated.
    pub(crate) fn rotate(&self, x: &Tensor) -> Result<Tensor> {
        self.first(x, |x| {
            Ok(candle_nn::rotary_emb::rope(x, &self.cos, &self.sin)?)
        })
    }

    /// Rotates `x` (P, 1, H, d), a token a row, each by its own angles (P, 1, r/2).
    pub(crate) fn rotate_each(&self, x: &Tensor) -> Result<Tensor> {
        self.first(x, |x| {
            Ok(candle_nn::rotary_emb::rope_thd(x, &self.cos, &self.sin)?)
        })
    }

    /// `rotate` on the components that are rotated, the others as they are.
    fn first(&self, x: &Tensor, rotate: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let (rotated, all) = (2 * self.cos.dim(D::Minus1)?, x.dim(D::Minus1)?);
        if rotated == all {
            return rotate(&x.contiguous()?);
        }
        let turned = rotate(&x.narrow(D::Minus1, 0, rotated)?.contiguous()?)?;
        let rest = x.narrow(D::Minus1, rotated, all - rotated)?;
        Ok(Tensor::cat(&[&turned, &rest], D::Minus1)?.contiguous()?)
    }

    /// The angles of the tokens `rows`, where each row is a token.
    pub(crate) fn select(&self, rows: &Tensor) -> Result<Self> {
        Ok(Self {
            cos: self.cos.index_select(rows, 0)?,
            sin: self.sin.index_select(rows, 0)?,
        })
    }

    /// The angles of `count` tokens from `start` on.
    pub(crate) fn narrow(&self, start: usize, count: usize) -> Result<Self> {
        let along = self.cos.rank() - 2;
        let part = |table: &Tensor| -> Result<Tensor> {
            Ok(table.narrow(along, start, count)?.contiguous()?)
        };
        Ok(Self {
            cos: part(&self.cos)?,
            sin: part(&self.sin)?,
        })
    }
}
