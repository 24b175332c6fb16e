//! Dense linear maps.

use std::ops::Range;

use candle_core::{Tensor, shape::ShapeWithOneHole};

use super::switch::Activation;
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

    /// The map to some of the outputs; no weight is copied.
    pub(crate) fn outputs(&self, which: Range<usize>) -> Result<Self> {
        let part = |tensor: &Tensor| tensor.narrow(0, which.start, which.len());
        Ok(Self {
            weight: part(&self.weight)?,
            bias: self.bias.as_ref().map(part).transpose()?,
        })
    }

    /// The map times a number.
    pub(crate) fn times(self, factor: f64) -> Result<Self> {
        if factor == 1.0 {
            return Ok(self);
        }
        Ok(Self {
            weight: (self.weight * factor)?,
            bias: self.bias.map(|bias| bias * factor).transpose()?,
        })
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

    /// The same for one number.
    pub(crate) fn of(self, x: f32) -> f32 {
        match self {
            Self::Silu => x / (1.0 + (-x).exp()),
            Self::Gelu => {
                let x = f64::from(x);
                (0.5 * x * (1.0 + candle_core::cpu::erf::erf_f64(x / std::f64::consts::SQRT_2)))
                    as f32
            }
            Self::GeluNew => {
                let inner = (2.0 / std::f32::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }
            Self::Relu => x.max(0.0),
            Self::Tanh => x.tanh(),
        }
    }
}

/// `x` softly held within ±cap: cap·tanh(x/cap).
pub(crate) fn capped(x: Tensor, cap: Option<f64>) -> Result<Tensor> {
    match cap {
        Some(cap) => Ok(((x / cap)?.tanh()? * cap)?),
        None => Ok(x),
    }
}
