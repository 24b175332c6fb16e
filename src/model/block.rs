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
        match self.place {
            NormPlace::Before => {
                let normed = self.attention_norm.forward(x)?;
                let x = (kept + self.attention.forward(&normed, sight, rows)?)?;
                let fed = self.mlp.forward(&self.mlp_norm.forward(&x)?)?;
                Ok((x + fed)?)
            }
            NormPlace::After => {
                let x = self
                    .attention_norm
                    .forward(&(kept + self.attention.forward(x, sight, rows)?)?)?;
                self.mlp_norm.forward(&(&x + self.mlp.forward(&x)?)?)
            }
        }
    }
}
