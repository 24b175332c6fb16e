//! Vision transformers: patches as tokens, blocks of attention and feed-forward, classes read off the first tokens.

use candle_core::{IndexOp, Tensor};
use serde::Deserialize;

use super::builder::Builder;
use super::pooled::{Pooled, PooledRecipe};
use super::token_block::{BlockNames, TokenBlock};
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
    #[serde(default)]
    pub front: Vec<String>,
    /// A row for each token.
    pub positions: String,
    /// The norm before the first block, where there is one.
    pub before: Option<String>,
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
    /// The activation of the feed-forward part where `config.json` names no other.
    #[serde(default = "gelu")]
    pub activation: Activation,
    /// What the heads read.
    pub read: TokensRead,
    /// Attention that pools all tokens, for heads that read that.
    pub pooled: Option<PooledRecipe>,
    /// The maps to classes; of several, the mean counts. Without any, what they would read comes out.
    #[serde(default)]
    pub heads: Vec<String>,
}

fn gelu() -> Activation {
    Activation::Gelu
}

/// What the heads of a vision transformer read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokensRead {
    /// Each its own learned token.
    Front,
    /// The first learned token and the mean of all patches, one behind the other.
    FirstAndMean,
    /// What `pooled` makes of all tokens.
    Pooled,
}

#[derive(Clone, Debug)]
pub(super) struct Tokens {
    /// (D, C, p, p) as (C·p·p, D)
    patches: Linear,
    size: usize,
    /// (F, D), positions added; none where F is 0
    front: Option<Tensor>,
    /// (P, D)
    positions: Tensor,
    before: Option<Norm>,
    blocks: Vec<TokenBlock>,
    norm: Norm,
    read: TokensRead,
    pooled: Option<Pooled>,
    heads: Vec<Linear>,
}

impl TokensRecipe {
    fn blocks(&self, epsilon: f64) -> BlockNames<'_> {
        BlockNames {
            block: &self.block,
            norms: &self.norms,
            attention: &self.attention,
            output: &self.output,
            mlp: &self.mlp,
            scales: self.scales.as_ref(),
            epsilon,
            activation: self.activation,
        }
    }
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
        let mut x = match &self.front {
            Some(front) => {
                let (count, width) = front.dims2()?;
                let front = front.broadcast_as((images, count, width))?;
                Tensor::cat(&[&front.contiguous()?, &x], 1)?
            }
            None => x,
        };
        if let Some(norm) = &self.before {
            x = norm.forward(&x)?;
        }
        for block in &self.blocks {
            x = block.forward(&x, None)?;
        }
        let x = self.norm.forward(&x)?;
        let read = match (self.read, &self.pooled) {
            (TokensRead::Pooled, Some(pooled)) => pooled.forward(&x)?,
            (TokensRead::FirstAndMean, _) => {
                let front = x.dim(1)? - rows * columns;
                let patches = x.narrow(1, front, rows * columns)?.mean(1)?;
                Tensor::cat(&[&x.i((.., 0))?.contiguous()?, &patches], 1)?
            }
            _ => x.i((.., 0))?.contiguous()?,
        };
        let Some(first) = self.heads.first() else {
            return Ok(read);
        };
        let mut sum = first.forward(&read)?;
        for (token, head) in self.heads.iter().enumerate().skip(1) {
            sum = (sum + head.forward(&x.i((.., token))?.contiguous()?)?)?;
        }
        Ok((sum / self.heads.len() as f64)?)
    }
}

impl Builder<'_> {
    /// A vision transformer, from the image to the classes.
    pub(super) fn tokens(&mut self, recipe: &TokensRecipe) -> Result<Tokens> {
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
        let epsilon = self.config["layer_norm_eps"]
            .as_f64()
            .unwrap_or(recipe.epsilon);
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
            bias: match self.files.has(&format!("{}.bias", recipe.patches)) {
                true => Some(
                    self.files
                        .tensor(&format!("{}.bias", recipe.patches), &[width])?,
                ),
                false => None,
            },
        };
        let count = recipe.front.len();
        let all = self.table(&recipe.positions, width)?;
        let Some(of_patches) = all.dim(0)?.checked_sub(count).filter(|&rows| rows > 0) else {
            return Err(self.files.wrong(format!(
                "`{}` has no position for a patch",
                recipe.positions
            )));
        };
        let places = self.stretched(&all.narrow(0, count, of_patches)?, rows, columns)?;
        let mut front = Vec::new();
        for (at, name) in recipe.front.iter().enumerate() {
            let own = self.table(name, width)?.narrow(0, 0, 1)?;
            front.push((own + all.narrow(0, at, 1)?)?);
        }
        let front = match front.is_empty() {
            true => None,
            false => Some(self.moved(&Tensor::cat(&front, 0)?)?),
        };
        let before = match &recipe.before {
            Some(name) => Some(self.layer_norm(name, width, epsilon)?),
            None => None,
        };
        let blocks = self.token_blocks(recipe.blocks(epsilon), width)?;
        let norm = self.layer_norm(&recipe.norm, width, epsilon)?;
        let activation = self.activation.unwrap_or(recipe.activation);
        let pooled = match &recipe.pooled {
            Some(recipe) => Some(self.pooled(recipe, width, epsilon, activation)?),
            None => None,
        };
        let reads = match recipe.read {
            TokensRead::Front | TokensRead::Pooled => width,
            TokensRead::FirstAndMean => 2 * width,
        };
        self.shape = [reads, 1, 1];
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
            front,
            positions: self.moved(&places)?,
            before,
            blocks,
            norm,
            read: recipe.read,
            pooled,
            heads: maps,
        })
    }

    /// The tensor `name`, (D), (R, D) or (1, R, D), as (R, D) in f32 on the CPU.
    pub(super) fn table(&mut self, name: &str, width: usize) -> Result<Tensor> {
        let found = self.files.shape(name).unwrap_or_default();
        let rows = match found.as_slice() {
            [_] => 1,
            [rows, _] | [1, rows, _] => *rows,
            _ => 1,
        };
        let expected = match found.len() {
            1 => vec![width],
            3 => vec![1, rows, width],
            _ => vec![rows, width],
        };
        Ok(self.files.single(name, &expected)?.reshape((rows, width))?)
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
