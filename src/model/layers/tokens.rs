//! Vision transformers: patches as tokens, blocks of attention and feed-forward, classes read off the first tokens.
//!
//! x ← x + γ₁ ⊙ attend(norm(x)), x ← x + γ₂ ⊙ mlp(norm(x)) with γ = 1 where there is no layer scale.

use candle_core::{D, DType, IndexOp, Tensor};
use serde::Deserialize;

use super::builder::Builder;
use crate::Result;
use crate::model::Activation;
use crate::model::linear::Linear;
use crate::model::norm::Norm;

/// Where the tensors of a vision transformer stand; `{i}` is the block.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensRecipe {
    /// The map from a patch to its token.
    pub patches: String,
    /// The learned tokens before those of the patches.
    pub front: Vec<String>,
    /// A row for each token.
    pub positions: String,
    /// What the names of a block begin with.
    pub block: String,
    /// The norms before the attention and before the feed-forward part.
    pub norms: [String; 2],
    /// Query, key and value, or all three as one.
    pub attention: Vec<String>,
    /// The map behind the attention.
    pub output: String,
    /// The two maps of the feed-forward part.
    pub mlp: [String; 2],
    /// What the attention and the feed-forward part are multiplied by, where the checkpoint has it.
    pub scales: Option<[String; 2]>,
    /// The norm behind the last block.
    pub norm: String,
    /// ε of the norms where `config.json` has no `layer_norm_eps`.
    pub epsilon: f64,
    /// What the heads read.
    pub read: TokensRead,
    /// The maps to classes; of several, the mean counts.
    pub heads: Vec<String>,
}

/// What the heads of a vision transformer read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokensRead {
    /// Each its own learned token.
    Front,
    /// The first learned token and the mean of all patches, one behind the other.
    FirstAndMean,
}

#[derive(Clone, Debug)]
pub(super) struct Tokens {
    /// (D, C, p, p) as (C·p·p, D)
    patches: Linear,
    size: usize,
    /// (F, D), positions added
    front: Tensor,
    /// (P, D)
    positions: Tensor,
    blocks: Vec<Block>,
    norm: Norm,
    read: TokensRead,
    heads: Vec<Linear>,
}

#[derive(Clone, Debug)]
struct Block {
    norms: [Norm; 2],
    /// (3·D, D)
    attention: Linear,
    output: Linear,
    mlp: [Linear; 2],
    activation: Activation,
    scales: Option<[Tensor; 2]>,
    heads: usize,
}

impl Tokens {
    /// (B, C, H, W) → (B, classes)
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (images, c, h, w) = x.dims4()?;
        let p = self.size;
        let (rows, columns) = (h / p, w / p);
        // Patches side by side, so that the convolution with stride p is one product.
        let x = x.narrow(2, 0, rows * p)?.narrow(3, 0, columns * p)?;
        let x = x
            .reshape(&[images, c, rows, p, columns, p])?
            .permute([0, 2, 4, 1, 3, 5].as_slice())?;
        let x = self.patches.forward(&x.contiguous()?.reshape((
            images,
            rows * columns,
            c * p * p,
        ))?)?;
        let x = x.broadcast_add(&self.positions)?;
        let (front, width) = self.front.dims2()?;
        let mut x = Tensor::cat(
            &[
                &self
                    .front
                    .broadcast_as((images, front, width))?
                    .contiguous()?,
                &x,
            ],
            1,
        )?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        let x = self.norm.forward(&x)?;
        if self.read == TokensRead::FirstAndMean {
            let patches = x.narrow(1, front, x.dim(1)? - front)?.mean(1)?;
            let read = Tensor::cat(&[&x.i((.., 0))?.contiguous()?, &patches], 1)?;
            return self.heads[0].forward(&read);
        }
        let mut sum = self.heads[0].forward(&x.i((.., 0))?.contiguous()?)?;
        for (token, head) in self.heads.iter().enumerate().skip(1) {
            sum = (sum + head.forward(&x.i((.., token))?.contiguous()?)?)?;
        }
        Ok((sum / self.heads.len() as f64)?)
    }
}

impl Block {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let scaled = |y: Tensor, part: usize| match &self.scales {
            Some(scales) => y.broadcast_mul(&scales[part]),
            None => Ok(y),
        };
        let y = self.attend(&self.norms[0].forward(x)?)?;
        let x = (x + scaled(y, 0)?)?;
        let y = self.mlp[0].forward(&self.norms[1].forward(&x)?)?;
        let y = self.mlp[1].forward(&self.activation.forward(&y)?)?;
        Ok((&x + scaled(y, 1)?)?)
    }

    /// softmax(q kᵀ / √d) v in every head.
    fn attend(&self, x: &Tensor) -> Result<Tensor> {
        let (images, tokens, width) = x.dims3()?;
        let own = width / self.heads;
        let all = self
            .attention
            .forward(x)?
            .reshape((images, tokens, 3, self.heads, own))?;
        let part = |part: usize| -> Result<Tensor> {
            Ok(all.i((.., .., part))?.transpose(1, 2)?.contiguous()?)
        };
        let (q, k, v) = (part(0)?, part(1)?, part(2)?);
        let scores = (q.matmul(&k.t()?)? * (own as f64).sqrt().recip())?;
        // Half precision loses too much in the sum of the weights.
        let weights = candle_nn::ops::softmax(&scores.to_dtype(DType::F32)?, D::Minus1)?
            .to_dtype(v.dtype())?;
        let y = weights
            .matmul(&v)?
            .transpose(1, 2)?
            .reshape((images, tokens, width))?;
        self.output.forward(&y)
    }
}

impl Builder<'_> {
    /// A vision transformer, from the image to the classes.
    pub(super) fn tokens(
        &mut self,
        recipe: &TokensRecipe,
        config: &serde_json::Value,
    ) -> Result<Tokens> {
        let [c, h, w] = self.shape;
        let weight = format!("{}.weight", recipe.patches);
        let found = self.files.shape(&weight).unwrap_or_default();
        let (width, size) = match found.as_slice() {
            [] => return Err(self.files.wrong(format!("tensor `{weight}` is missing"))),
            &[width, _, size, _] if size > 0 && width > 0 => (width, size),
            _ => {
                return Err(self.files.wrong(format!(
                    "tensor `{weight}` has shape {found:?}; expected one of patches"
                )));
            }
        };
        let epsilon = config["layer_norm_eps"].as_f64().unwrap_or(recipe.epsilon);
        let heads = config["num_attention_heads"]
            .as_u64()
            .or(config["model_args"]["num_heads"].as_u64());
        // Where a configuration does not say, a head is 64 wide, as in every published size.
        let heads = heads.map_or((width / 64).max(1), |heads| heads as usize);
        if heads == 0 || width % heads != 0 {
            return Err(self.files.wrong(format!(
                "a width of {width} does not divide into {heads} heads"
            )));
        }
        let (rows, columns) = (h / size, w / size);
        if rows == 0 || columns == 0 {
            return Err(self.files.wrong(format!(
                "images of {h} × {w} pixels hold no patch of {size} × {size}"
            )));
        }
        let patches = Linear {
            weight: self
                .files
                .tensor(&weight, &[width, c, size, size])?
                .reshape((width, c * size * size))?,
            bias: Some(
                self.files
                    .tensor(&format!("{}.bias", recipe.patches), &[width])?,
            ),
        };
        let count = recipe.front.len();
        let learned = self
            .files
            .shape(&recipe.positions)
            .and_then(|shape| shape.get(1).copied())
            .unwrap_or(0);
        let all = self
            .files
            .single(&recipe.positions, &[1, learned.max(count + 1), width])?
            .squeeze(0)?;
        let places = self.stretched(&all.narrow(0, count, all.dim(0)? - count)?, rows, columns)?;
        let mut front = Vec::new();
        for name in &recipe.front {
            front.push(self.files.single(name, &[1, 1, width])?.squeeze(0)?);
        }
        let front = (Tensor::cat(&front, 0)? + all.narrow(0, 0, count)?)?;
        let mut blocks = Vec::new();
        for i in 0.. {
            let own = recipe.block.replace("{i}", &i.to_string());
            if i > 0 && !self.files.has(&format!("{own}.{}.weight", recipe.norms[0])) {
                break;
            }
            blocks.push(self.token_block(recipe, &own, width, heads, epsilon)?);
        }
        let norm = self.layer_norm(&recipe.norm, width, epsilon)?;
        let reads = match recipe.read {
            TokensRead::Front => width,
            TokensRead::FirstAndMean => 2 * width,
        };
        let mut maps = Vec::new();
        for name in &recipe.heads {
            let own = self.files.shape(&format!("{name}.weight"));
            let outputs = own.and_then(|shape| shape.first().copied()).unwrap_or(0);
            maps.push(self.map(name, outputs, reads)?);
            self.shape = [outputs, 1, 1];
        }
        Ok(Tokens {
            patches,
            size,
            front: self.moved(&front)?,
            positions: self.moved(&places)?,
            blocks,
            norm,
            read: recipe.read,
            heads: maps,
        })
    }

    fn token_block(
        &mut self,
        recipe: &TokensRecipe,
        name: &str,
        width: usize,
        heads: usize,
        epsilon: f64,
    ) -> Result<Block> {
        let inner = self
            .files
            .shape(&format!("{name}.{}.weight", recipe.mlp[0]));
        let inner = inner.and_then(|shape| shape.first().copied()).unwrap_or(0);
        let parts = recipe.attention.len();
        let (mut weights, mut biases) = (Vec::new(), Vec::new());
        for part in &recipe.attention {
            let Linear { weight, bias } =
                self.map(&format!("{name}.{part}"), 3 * width / parts, width)?;
            biases.push(match bias {
                Some(bias) => bias,
                None => Tensor::zeros(3 * width / parts, weight.dtype(), weight.device())?,
            });
            weights.push(weight);
        }
        let norm = |builder: &mut Self, part: &str| {
            builder.layer_norm(&format!("{name}.{part}"), width, epsilon)
        };
        let scales = match &recipe.scales {
            Some([first, second]) if self.files.has(&format!("{name}.{first}")) => Some([
                self.files.tensor(&format!("{name}.{first}"), &[width])?,
                self.files.tensor(&format!("{name}.{second}"), &[width])?,
            ]),
            _ => None,
        };
        Ok(Block {
            norms: [norm(self, &recipe.norms[0])?, norm(self, &recipe.norms[1])?],
            attention: Linear {
                weight: Tensor::cat(&weights, 0)?,
                bias: Some(Tensor::cat(&biases, 0)?),
            },
            output: self.map(&format!("{name}.{}", recipe.output), width, width)?,
            mlp: [
                self.map(&format!("{name}.{}", recipe.mlp[0]), inner, width)?,
                self.map(&format!("{name}.{}", recipe.mlp[1]), width, inner)?,
            ],
            activation: self.activation.unwrap_or(Activation::Gelu),
            scales,
            heads,
        })
    }

    /// Positions (S·S, D) of a square of patches as (rows·columns, D): as they are where they fit, else between them by cubic
    /// convolution (Keys 1981, a = −3/4), as PyTorch's `interpolate` does it without aligned corners.
    fn stretched(&self, positions: &Tensor, rows: usize, columns: usize) -> Result<Tensor> {
        let (places, width) = positions.dims2()?;
        if places == rows * columns {
            return Ok(positions.clone());
        }
        let side = places.isqrt();
        if side * side != places {
            return Err(self
                .files
                .wrong(format!("{places} positions are no square of patches")));
        }
        let values: Vec<f32> = positions.flatten_all()?.to_vec1()?;
        let along = |target: usize, count: usize| {
            let at = (target as f64 + 0.5) * side as f64 / count as f64 - 0.5;
            let taps = (-1..=2).map(move |off| {
                let place = at.floor() + f64::from(off);
                (
                    place.clamp(0.0, side as f64 - 1.0) as usize,
                    cubic(at - place),
                )
            });
            taps.collect::<Vec<_>>()
        };
        let mut out = vec![0.0f32; rows * columns * width];
        for (place, out) in out.chunks_exact_mut(width).enumerate() {
            let (down, across) = (
                along(place / columns, rows),
                along(place % columns, columns),
            );
            for (d, out) in out.iter_mut().enumerate() {
                let line = |y: usize| {
                    across
                        .iter()
                        .map(|&(x, t)| t * f64::from(values[(y * side + x) * width + d]))
                        .sum::<f64>()
                };
                *out = down.iter().map(|&(y, t)| t * line(y)).sum::<f64>() as f32;
            }
        }
        Ok(Tensor::from_vec(
            out,
            (rows * columns, width),
            positions.device(),
        )?)
    }
}

/// The weight of a point at distance `x`.
fn cubic(x: f64) -> f64 {
    let (x, a) = (x.abs(), -0.75);
    match x {
        _ if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
        _ if x < 2.0 => ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a,
        _ => 0.0,
    }
}
