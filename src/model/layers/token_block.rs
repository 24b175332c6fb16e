//! Blocks of attention and feed-forward over tokens, of images and of the texts that name their classes.
//!
//! x ← x + γ₁ ⊙ attend(norm(x)), x ← x + γ₂ ⊙ mlp(norm(x)) with γ = 1 where there is no layer scale.

use candle_core::{D, DType, IndexOp, Tensor};

use super::builder::Builder;
use crate::Result;
use crate::model::Activation;
use crate::model::linear::Linear;
use crate::model::norm::Norm;

/// Where the tensors of blocks stand; `{i}` is the block.
pub(super) struct BlockNames<'a> {
    /// What the names of a block begin with.
    pub(super) block: &'a str,
    /// The norms before the attention and before the feed-forward part.
    pub(super) norms: &'a [String; 2],
    /// Query, key and value, or all three as one.
    pub(super) attention: &'a [String],
    /// The map behind the attention.
    pub(super) output: &'a str,
    /// The two maps of the feed-forward part.
    pub(super) mlp: &'a [String; 2],
    /// What both parts are multiplied by, where the checkpoint has it.
    pub(super) scales: Option<&'a [String; 2]>,
    /// ε of the norms.
    pub(super) epsilon: f64,
    /// Where `config.json` names no other.
    pub(super) activation: Activation,
}

#[derive(Clone, Debug)]
pub(super) struct TokenBlock {
    norms: [Norm; 2],
    /// (3·D, D)
    attention: Linear,
    output: Linear,
    mlp: [Linear; 2],
    activation: Activation,
    scales: Option<[Tensor; 2]>,
    heads: usize,
}

impl TokenBlock {
    /// (B, T, D) → (B, T, D); `mask` (T, T) is added to the scores.
    pub(super) fn forward(&self, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let scaled = |y: Tensor, part: usize| match &self.scales {
            Some(scales) => y.broadcast_mul(&scales[part]),
            None => Ok(y),
        };
        let y = self.attend(&self.norms[0].forward(x)?, mask)?;
        let x = (x + scaled(y, 0)?)?;
        let y = self.mlp[0].forward(&self.norms[1].forward(&x)?)?;
        let y = self.mlp[1].forward(&self.activation.forward(&y)?)?;
        Ok((&x + scaled(y, 1)?)?)
    }

    /// softmax(q kᵀ / √d) v in every head.
    fn attend(&self, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
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
        let scores = scores.to_dtype(DType::F32)?;
        let scores = match mask {
            Some(mask) => scores.broadcast_add(mask)?,
            None => scores,
        };
        let weights = candle_nn::ops::softmax(&scores, D::Minus1)?.to_dtype(v.dtype())?;
        let y = weights
            .matmul(&v)?
            .transpose(1, 2)?
            .reshape((images, tokens, width))?;
        self.output.forward(&y)
    }
}

impl Builder<'_> {
    /// How many heads the configuration says there are in `width` components.
    pub(super) fn heads(&self, width: usize) -> Result<usize> {
        let heads = self.config["num_attention_heads"]
            .as_u64()
            .or(self.config["model_args"]["num_heads"].as_u64());
        // Where a configuration does not say, a head is 64 wide, as in every published size.
        let heads = heads.map_or((width / 64).max(1), |heads| heads as usize);
        if heads == 0 || !width.is_multiple_of(heads) {
            return Err(self.files.wrong(format!(
                "a width of {width} does not divide into {heads} heads"
            )));
        }
        Ok(heads)
    }

    /// As many blocks as the checkpoint has, `width` wide.
    pub(super) fn token_blocks(
        &mut self,
        recipe: BlockNames<'_>,
        width: usize,
    ) -> Result<Vec<TokenBlock>> {
        let heads = self.heads(width)?;
        let mut blocks = Vec::new();
        for i in 0.. {
            let own = recipe.block.replace("{i}", &i.to_string());
            if i > 0 && !self.files.has(&format!("{own}.{}.weight", recipe.norms[0])) {
                break;
            }
            blocks.push(self.token_block(&recipe, &own, width, heads)?);
        }
        Ok(blocks)
    }

    fn token_block(
        &mut self,
        recipe: &BlockNames<'_>,
        name: &str,
        width: usize,
        heads: usize,
    ) -> Result<TokenBlock> {
        let inner = self
            .files
            .shape(&format!("{name}.{}.weight", recipe.mlp[0]));
        let inner = inner.and_then(|shape| shape.first().copied()).unwrap_or(0);
        let parts = recipe.attention.len();
        let (mut weights, mut biases) = (Vec::new(), Vec::new());
        for part in recipe.attention {
            let Linear { weight, bias } =
                self.map(&format!("{name}.{part}"), 3 * width / parts, width)?;
            biases.push(match bias {
                Some(bias) => bias,
                None => Tensor::zeros(3 * width / parts, weight.dtype(), weight.device())?,
            });
            weights.push(weight);
        }
        let norm = |builder: &mut Self, part: &str| {
            builder.layer_norm(&format!("{name}.{part}"), width, recipe.epsilon)
        };
        let scales = match recipe.scales {
            Some([first, second]) if self.files.has(&format!("{name}.{first}")) => Some([
                self.files.tensor(&format!("{name}.{first}"), &[width])?,
                self.files.tensor(&format!("{name}.{second}"), &[width])?,
            ]),
            _ => None,
        };
        Ok(TokenBlock {
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
            activation: self.activation.unwrap_or(recipe.activation),
            scales,
            heads,
        })
    }
}
