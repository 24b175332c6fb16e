//! Rotary positions: angle tables and the rotation of queries and keys.

use candle_core::{DType, Device, Tensor};
use serde_json::Value;

use super::ModelConfig;
use crate::Result;

/// How rotary frequencies are stretched beyond the training length.
#[derive(Clone, Copy, Debug, PartialEq)]
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
}

impl RopeScaling {
    /// Reads `rope_scaling` or `rope_parameters` of a `config.json`; the error is a reason for the caller's sentence.
    pub(crate) fn new(json: &Value) -> Result<Self, String> {
        let kind = json
            .get("rope_type")
            .or_else(|| json.get("type"))
            .and_then(Value::as_str)
            .unwrap_or("default");
        let number = |key: &str| {
            let number = json[key].as_f64().filter(|number| *number > 0.0);
            number.ok_or(format!("rope scaling `{kind}` lacks a positive `{key}`"))
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
            other => Err(format!(
                "rope scaling `{other}` is not supported; known: default, linear, llama3"
            )),
        }
    }

    fn stretch(self, frequency: f64) -> f64 {
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
        }
    }
}

/// The angular frequencies of one network.
#[derive(Clone, Debug)]
pub(crate) struct Rope {
    frequencies: Vec<f64>,
}

/// cos and sin of every angle of a batch, (T, d/2) when the rows share their positions, else (B, T, d/2).
pub(crate) struct Angles {
    cos: Tensor,
    sin: Tensor,
}

impl Rope {
    pub(crate) fn new(config: &ModelConfig) -> Self {
        let frequency = |pair: usize| {
            config
                .rope_theta
                .powf(-2.0 * pair as f64 / config.head_dim as f64)
        };
        let frequencies =
            (0..config.head_dim / 2).map(|pair| config.rope_scaling.stretch(frequency(pair)));
        Self {
            frequencies: frequencies.collect(),
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
                    .map(move |f| of(f64::from(position) * f) as f32)
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
    /// Rotates `x` (B, H, T, d), pairing component j with j + d/2.
    pub(crate) fn rotate(&self, x: &Tensor) -> Result<Tensor> {
        Ok(candle_nn::rotary_emb::rope(
            &x.contiguous()?,
            &self.cos,
            &self.sin,
        )?)
    }

    /// Rotates `x` (P, 1, H, d), a token a row, each by its own angles (P, 1, d/2).
    pub(crate) fn rotate_each(&self, x: &Tensor) -> Result<Tensor> {
        Ok(candle_nn::rotary_emb::rope_thd(
            &x.contiguous()?,
            &self.cos,
            &self.sin,
        )?)
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
