//! Dense linear maps.

use candle_core::{Tensor, shape::ShapeWithOneHole};

use super::recipe::Activation;
use crate::Result;

/// x Wᵀ + b
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    /// (out, in)
    pub(crate) weight: Tensor,
    /// (out)
    pub(crate) bias: Option<Tensor>,
}

impl Linear {
    /// (…, in) → (…, out), as one product of two matrices.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (out, width) = self.weight.dims2()?;
        let rows = ((), width).into_shape(x.elem_count())?;
        let y = x.reshape(rows)?.matmul(&self.weight.t()?)?;
        let y = match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        };
        let mut shape = x.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = out;
        }
        Ok(y.reshape(shape)?)
    }
}

impl Activation {
    /// Element by element.
    pub(crate) fn forward(self, x: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Silu => x.silu()?,
            Self::Gelu => x.gelu_erf()?,
            Self::GeluNew => x.gelu()?,
            Self::Relu => x.relu()?,
            Self::Tanh => x.tanh()?,
        })
    }
}
