//! RMS and layer normalization over the last dimension.

use candle_core::Tensor;

use super::recipe::NormKind;
use crate::Result;

/// A normalization with its learned scale, and shift where it has one.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    pub(crate) kind: NormKind,
    /// (D)
    pub(crate) scale: Tensor,
    /// (D); zeros for a kind without shift.
    pub(crate) shift: Tensor,
    pub(crate) epsilon: f32,
}

impl Norm {
    /// (…, D) → (…, D)
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.contiguous()?;
        Ok(match self.kind {
            NormKind::Rms => candle_nn::ops::rms_norm(&x, &self.scale, self.epsilon)?,
            NormKind::Layer => {
                candle_nn::ops::layer_norm(&x, &self.scale, &self.shift, self.epsilon)?
            }
        })
    }
}
