//! RMS and layer normalization over the last dimension.

use candle_core::Tensor;

use crate::Result;
use crate::ops::rows;

/// A normalization with its learned scale, and shift where it has one.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    /// (D)
    pub(crate) scale: Tensor,
    /// (D), and then the mean is taken off first; none for RMS.
    pub(crate) shift: Option<Tensor>,
    pub(crate) epsilon: f32,
}

impl Norm {
    /// (…, D) → (…, D)
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.contiguous()?;
        if let Some(normed) = rows::norm(&x, &self.scale, self.shift.as_ref(), self.epsilon)? {
            return Ok(normed);
        }
        Ok(match &self.shift {
            None => candle_nn::ops::rms_norm(&x, &self.scale, self.epsilon)?,
            Some(shift) => candle_nn::ops::layer_norm(&x, &self.scale, shift, self.epsilon)?,
        })
    }

    /// The norm times a number.
    pub(crate) fn times(self, factor: f64) -> Result<Self> {
        if factor == 1.0 {
            return Ok(self);
        }
        Ok(Self {
            scale: (self.scale * factor)?,
            shift: self.shift.map(|shift| shift * factor).transpose()?,
            epsilon: self.epsilon,
        })
    }
}
