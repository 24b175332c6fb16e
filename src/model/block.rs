//! One transformer block for decoders and encoders.

use candle_core::Tensor;

use super::attention::{Attention, Rows, Sight};
use super::linear::Linear;
use super::norm::Norm;
use super::recipe::{Activation, NormPlace};
use crate::Result;

/// Attention and feed-forward part, each with its norm and its residual.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) place: NormPlace,
    pub(crate) attention: Attention,
    pub(crate) attention_norm: Norm,
    pub(crate) mlp: Mlp,
    pub(crate) mlp_norm: Norm,
}

/// The feed-forward part: gated where `gate` is there.
#[derive(Clone, Debug)]
pub(crate) struct Mlp {
    pub(crate) gate: Option<Linear>,
    pub(crate) up: Linear,
    pub(crate) down: Linear,
    pub(crate) activation: Activation,
}

impl Mlp {
    /// (B, T, D) → (B, T, D)
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let inner = match &self.gate {
            Some(gate) => (self.activation.forward(&gate.forward(x)?)? * self.up.forward(x)?)?,
            None => self.activation.forward(&self.up.forward(x)?)?,
        };
        self.down.forward(&inner)
    }
}

impl Block {
    /// (B, T, D) → (B, `rows.count`, D): the tokens outside `rows` serve as keys and values only.
    pub(crate) fn forward(&self, x: &Tensor, sight: &Sight, rows: Rows) -> Result<Tensor> {
        let kept = x.narrow(1, rows.start, rows.count)?;
        self.around(x, &kept, |x| self.attention.forward(x, sight, rows))
    }

    /// What attention is given.
    pub(crate) fn before_attention(&self, x: &Tensor) -> Result<Tensor> {
        match self.place {
            NormPlace::Before => self.attention_norm.forward(x),
            NormPlace::After => Ok(x.clone()),
        }
    }

    /// The block around `attend`, which turns what attention is given, for all tokens `x` (…, D), into what it adds to
    /// those that are `kept`.
    pub(crate) fn around(
        &self,
        x: &Tensor,
        kept: &Tensor,
        attend: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let attended = (kept + attend(&self.before_attention(x)?)?)?;
        match self.place {
            NormPlace::Before => {
                let fed = self.mlp.forward(&self.mlp_norm.forward(&attended)?)?;
                Ok((attended + fed)?)
            }
            NormPlace::After => {
                let x = self.attention_norm.forward(&attended)?;
                self.mlp_norm.forward(&(&x + self.mlp.forward(&x)?)?)
            }
        }
    }
}
