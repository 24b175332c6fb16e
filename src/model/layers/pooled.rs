//! All tokens of an image as one vector: a learned token attends to them, then a feed-forward part (Zhai et al. 2022).

use candle_core::{D, DType, IndexOp, Tensor};
use serde::Deserialize;

use super::builder::Builder;
use crate::Result;
use crate::model::Activation;
use crate::model::linear::Linear;
use crate::model::norm::Norm;

/// Where the tensors of attention that pools stand.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PooledRecipe {
    /// The learned token.
    pub probe: String,
    /// What the names of the attention begin with, its three maps being one tensor as in PyTorch.
    pub attention: String,
    /// The norm before the feed-forward part.
    pub norm: String,
    /// The two maps of the feed-forward part.
    pub mlp: [String; 2],
}

#[derive(Clone, Debug)]
pub(super) struct Pooled {
    /// The query of the learned token, (1, H, 1, D / H), divided by √(D / H)
    query: Tensor,
    /// (2·D, D)
    key_value: Linear,
    output: Linear,
    norm: Norm,
    mlp: [Linear; 2],
    activation: Activation,
    heads: usize,
}

impl Pooled {
    /// (B, T, D) → (B, D)
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (images, tokens, width) = x.dims3()?;
        let own = width / self.heads;
        let both = self.key_value.forward(x)?;
        let both = both.reshape((images, tokens, 2, self.heads, own))?;
        let part = |part: usize| -> Result<Tensor> {
            Ok(both.i((.., .., part))?.transpose(1, 2)?.contiguous()?)
        };
        let (key, value) = (part(0)?, part(1)?);
        let query = self
            .query
            .broadcast_as((images, self.heads, 1, own))?
            .contiguous()?;
        let scores = query.matmul(&key.t()?)?.to_dtype(DType::F32)?;
        let weights = candle_nn::ops::softmax(&scores, D::Minus1)?.to_dtype(value.dtype())?;
        let y = weights.matmul(&value)?.reshape((images, width))?;
        let x = self.output.forward(&y)?;
        let y = self.mlp[0].forward(&self.norm.forward(&x)?)?;
        let y = self.mlp[1].forward(&self.activation.forward(&y)?)?;
        Ok((x + y)?)
    }
}

impl Builder<'_> {
    pub(super) fn pooled(
        &mut self,
        recipe: &PooledRecipe,
        width: usize,
        epsilon: f64,
        activation: Activation,
    ) -> Result<Pooled> {
        let heads = self.heads(width)?;
        let own = width / heads;
        let names = ["in_proj_weight", "in_proj_bias"];
        let [weight, bias] = names.map(|name| format!("{}.{name}", recipe.attention));
        let weight = self.files.single(&weight, &[3 * width, width])?;
        let bias = self.files.single(&bias, &[3 * width])?;
        let probe = self.table(&recipe.probe, width)?.narrow(0, 0, 1)?;
        let query = probe
            .matmul(&weight.narrow(0, 0, width)?.t()?)?
            .broadcast_add(&bias.narrow(0, 0, width)?)?;
        let query = (query.reshape((1, heads, 1, own))? * (own as f64).sqrt().recip())?;
        let inner = self.files.shape(&format!("{}.weight", recipe.mlp[0]));
        let inner = inner.and_then(|shape| shape.first().copied()).unwrap_or(0);
        Ok(Pooled {
            query: self.moved(&query)?,
            key_value: Linear {
                weight: self.moved(&weight.narrow(0, width, 2 * width)?)?,
                bias: Some(self.moved(&bias.narrow(0, width, 2 * width)?)?),
            },
            output: self.map(&format!("{}.out_proj", recipe.attention), width, width)?,
            norm: self.layer_norm(&recipe.norm, width, epsilon)?,
            mlp: [
                self.map(&recipe.mlp[0], inner, width)?,
                self.map(&recipe.mlp[1], width, inner)?,
            ],
            activation,
            heads,
        })
    }
}
