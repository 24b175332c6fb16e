//! Dense linear maps.

use std::ops::Range;

use candle_core::{Tensor, shape::ShapeWithOneHole};

use super::switch::Activation;
use crate::Result;
use crate::ops::rows::{self, Curve};

/// x Wᵀ + b
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    /// (out, in)
    pub(crate) weight: Tensor,
    /// (out)
    pub(crate) bias: Option<Tensor>,
}

impl Linear {
    /// (…, in) → (…, out)
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.product(x)?;
        match &self.bias {
            Some(bias) => Ok(y.broadcast_add(bias)?),
            None => Ok(y),
        }
    }

    /// x Wᵀ without b, as one product of two matrices.
    pub(crate) fn product(&self, x: &Tensor) -> Result<Tensor> {
        let (out, width) = self.weight.dims2()?;
        let rows = ((), width).into_shape(x.elem_count())?;
        let y = x.reshape(rows)?.matmul(&self.weight.t()?)?;
        let mut shape = x.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = out;
        }
        Ok(y.reshape(shape)?)
    }

    /// The activation of the map, or that of the first half of its outputs times the second half.
    pub(crate) fn activated(
        &self,
        x: &Tensor,
        activation: Activation,
        gated: bool,
    ) -> Result<Tensor> {
        let product = self.product(x)?;
        let bias = self.bias.as_ref();
        if let Some(inner) = rows::activate(&product, bias, activation.curve(), gated)? {
            return Ok(inner);
        }
        let inner = match bias {
            Some(bias) => product.broadcast_add(bias)?,
            None => product,
        };
        match gated {
            true => {
                let halves = inner.chunk(2, inner.rank() - 1)?;
                Ok((activation.forward(&halves[0])? * &halves[1])?)
            }
            false => activation.forward(&inner),
        }
    }

    /// `x` + the map of `y`.
    pub(crate) fn added_to(&self, x: &Tensor, y: &Tensor) -> Result<Tensor> {
        let product = self.product(y)?;
        if let Some(sum) = rows::add(x, &product, self.bias.as_ref())? {
            return Ok(sum);
        }
        let sum = (x + product)?;
        Ok(match &self.bias {
            Some(bias) => sum.broadcast_add(bias)?,
            None => sum,
        })
    }

    /// The map to some of the outputs; no weight is copied.
    pub(crate) fn outputs(&self, which: Range<usize>) -> Result<Self> {
        let part = |tensor: &Tensor| tensor.narrow(0, which.start, which.len());
        Ok(Self {
            weight: part(&self.weight)?,
            bias: self.bias.as_ref().map(part).transpose()?,
        })
    }

    /// The same map, its weight laid out for products of `gemm` on the CPU, where rows of inputs are read as they are and rows
    /// of outputs would be sorted anew for every product. Other libraries take either order, but no part of a transposed
    /// matrix.
    pub(crate) fn laid_out(self) -> Result<Self> {
        let by_gemm = !cfg!(any(feature = "mkl", feature = "accelerate"));
        if !self.weight.device().is_cpu() || !by_gemm {
            return Ok(self);
        }
        Ok(Self {
            weight: self.weight.t()?.contiguous()?.t()?,
            bias: self.bias,
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
    fn curve(self) -> Curve {
        match self {
            Self::Silu => Curve::Silu,
            Self::Gelu => Curve::Gelu,
            Self::GeluNew => Curve::GeluTanh,
            Self::QuickGelu => Curve::QuickGelu,
            Self::Relu => Curve::Relu,
            Self::Tanh => Curve::Tanh,
        }
    }

    /// Element by element.
    pub(crate) fn forward(self, x: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Silu => x.silu()?,
            Self::Gelu => x.gelu_erf()?,
            Self::GeluNew => x.gelu()?,
            // σ(y) = (1 + tanh(y / 2)) / 2
            Self::QuickGelu => ((x * 0.5)? * ((x * 0.851)?.tanh()? + 1.0)?)?,
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
            Self::QuickGelu => x / (1.0 + (-1.702 * x).exp()),
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
