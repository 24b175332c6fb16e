//! Layers through candle, on every device: the specification of the quick path.

use candle_core::{D, DType, Tensor};

use super::{Convolution, Layer, Shortcut};
use crate::Result;

impl Layer {
    /// (B, C, H, W) → (B, C', H', W')
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Conv(conv) => conv.forward(x)?,
            Self::ChannelNorm(norm) => norm.forward(x)?,
            Self::Pointwise(block) => block.forward(x)?,
            Self::Inverted(block) => block.forward(x)?,
            Self::Tokens(tokens) => {
                let y = tokens.forward(x)?;
                let (images, outputs) = y.dims2()?;
                y.reshape((images, outputs, 1, 1))?
            }
            Self::Likeness(likeness) => {
                let y = likeness.forward(x)?;
                let (images, outputs) = y.dims2()?;
                y.reshape((images, outputs, 1, 1))?
            }
            Self::Activation(activation) => activation.forward(x)?,
            Self::MaxPool {
                size,
                stride,
                padding,
            } => {
                // Far below every activation, and finite: candle has no padding by −∞.
                let x = match padding {
                    0 => x.clone(),
                    _ => pad_with(x, *padding, -1e30)?,
                };
                x.max_pool2d_with_stride(*size, *stride)?
            }
            Self::AveragePool { size } => average_pool(x, *size)?,
            Self::Flatten => {
                let (images, c, h, w) = x.dims4()?;
                x.reshape((images, c * h * w, 1, 1))?
            }
            Self::Linear(linear, _) => {
                let (images, width, _, _) = x.dims4()?;
                let y = linear.forward(&x.reshape((images, width))?)?;
                let outputs = y.dim(D::Minus1)?;
                y.reshape((images, outputs, 1, 1))?
            }
            Self::Residual {
                branch,
                shortcut,
                activation,
            } => {
                let mut y = x.clone();
                for layer in branch {
                    y = layer.forward(&y)?;
                }
                let x = match shortcut {
                    Shortcut::Identity => x.clone(),
                    Shortcut::Conv(conv) => conv.forward(x)?,
                    Shortcut::Pad {
                        stride,
                        before,
                        behind,
                    } => every(x, *stride)?.pad_with_zeros(1, *before, *behind)?,
                };
                activation.forward(&(y + x)?)?
            }
        })
    }
}

impl Convolution {
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let of = |x: &Tensor, weight: &Tensor| {
            x.conv2d(weight, self.padding, self.stride, 1, self.groups)
        };
        // candle has no convolution in bf16 on the CPU.
        let y = match x.device().is_cpu() && x.dtype() == DType::BF16 {
            true => of(&x.to_dtype(DType::F32)?, &self.weight.to_dtype(DType::F32)?)?
                .to_dtype(DType::BF16)?,
            false => of(x, &self.weight)?,
        };
        Ok(y.broadcast_add(&self.bias.reshape((1, (), 1, 1))?)?)
    }
}

/// Every stride-th row and column.
fn every(x: &Tensor, stride: usize) -> Result<Tensor> {
    let along = |length: usize| -> Result<Tensor> {
        let places: Vec<u32> = (0..length as u32).step_by(stride).collect();
        Ok(Tensor::new(places, x.device())?)
    };
    let (_, _, h, w) = x.dims4()?;
    Ok(x.index_select(&along(h)?, 2)?.index_select(&along(w)?, 3)?)
}

fn pad_with(x: &Tensor, padding: usize, value: f64) -> Result<Tensor> {
    let inside = x
        .ones_like()?
        .pad_with_zeros(2, padding, padding)?
        .pad_with_zeros(3, padding, padding)?;
    let x = x
        .pad_with_zeros(2, padding, padding)?
        .pad_with_zeros(3, padding, padding)?;
    Ok((x + inside.affine(-value, value)?)?)
}

/// Part i of `size` parts of a length: floor(i·length / size) up to ceil((i + 1)·length / size), which may overlap.
pub(super) fn part(i: usize, length: usize, size: usize) -> (usize, usize) {
    (i * length / size, ((i + 1) * length).div_ceil(size))
}

fn average_pool(x: &Tensor, size: usize) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let mut rows = Vec::with_capacity(size);
    for i in 0..size {
        let (top, bottom) = part(i, h, size);
        let band = x.narrow(2, top, bottom - top)?;
        let mut cells = Vec::with_capacity(size);
        for j in 0..size {
            let (left, right) = part(j, w, size);
            cells.push(band.narrow(3, left, right - left)?.mean_keepdim((2, 3))?);
        }
        rows.push(Tensor::cat(&cells, 3)?);
    }
    Ok(Tensor::cat(&rows, 2)?)
}
