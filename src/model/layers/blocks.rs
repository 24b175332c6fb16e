//! Blocks of ConvNeXt and EfficientNet: depthwise convolutions with what stands around them.

use candle_core::{D, Tensor};
use serde::Deserialize;

use super::builder::Builder;
use super::{ConvRecipe, Convolution};
use crate::Result;
use crate::model::Activation;
use crate::model::linear::Linear;
use crate::model::norm::Norm;

/// Blocks of Liu et al. 2022 (ConvNeXt), as many as the checkpoint has:
/// x + γ ⊙ down(grn(act(up(norm(depthwise(x)))))), the parts in brackets where it has them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointwiseRecipe {
    /// What the names of a block begin with; `{i}` is the block.
    pub name: String,
    /// The depthwise convolution.
    pub depthwise: String,
    /// The norm over channels.
    pub norm: String,
    /// The two maps over channels.
    pub mlp: [String; 2],
    /// The factors γ of Woo et al. 2023's response normalization, `.weight` and `.bias`.
    pub response: String,
    /// The layer scale.
    pub scale: String,
}

/// Blocks of Tan and Le 2019 (EfficientNet), as many as the checkpoint has, in the naming of timm: a convolution of one pixel
/// that widens (where there is one), a depthwise one, squeeze and excitation, one of a pixel that narrows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvertedRecipe {
    /// What the names of a block begin with; `{i}` is the block.
    pub name: String,
    /// The stride of the first block.
    pub stride: usize,
}

/// A layer norm over the channels of every pixel.
#[derive(Clone, Debug)]
pub(super) struct ChannelNorm(pub(super) Norm);

#[derive(Clone, Debug)]
pub(super) struct Pointwise {
    depthwise: Convolution,
    norm: Norm,
    mlp: [Linear; 2],
    activation: Activation,
    /// γ and β
    response: Option<[Tensor; 2]>,
    scale: Option<Tensor>,
}

#[derive(Clone, Debug)]
pub(super) struct Inverted {
    widen: Option<Convolution>,
    depthwise: Convolution,
    excite: Option<[Convolution; 2]>,
    narrow: Convolution,
    activation: Activation,
    adds: bool,
}

/// (B, C, H, W) → (B, H, W, C)
fn last(x: &Tensor) -> Result<Tensor> {
    Ok(x.permute((0, 2, 3, 1))?.contiguous()?)
}

/// (B, H, W, C) → (B, C, H, W)
fn first(x: &Tensor) -> Result<Tensor> {
    Ok(x.permute((0, 3, 1, 2))?.contiguous()?)
}

impl ChannelNorm {
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        first(&self.0.forward(&last(x)?)?)
    }
}

impl Pointwise {
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.norm.forward(&last(&self.depthwise.forward(x)?)?)?;
        let mut y = self.activation.forward(&self.mlp[0].forward(&y)?)?;
        if let Some([gamma, beta]) = &self.response {
            // ‖y‖ over the image, over its mean among channels.
            let size = y.sqr()?.sum_keepdim((1, 2))?.sqrt()?;
            let relative = size.broadcast_div(&(size.mean_keepdim(D::Minus1)? + 1e-6)?)?;
            let scaled = y
                .broadcast_mul(&relative)?
                .broadcast_mul(gamma)?
                .broadcast_add(beta)?;
            y = (y + scaled)?;
        }
        let mut y = self.mlp[1].forward(&y)?;
        if let Some(scale) = &self.scale {
            y = y.broadcast_mul(scale)?;
        }
        Ok((x + first(&y)?)?)
    }
}

impl Inverted {
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let act = |y: Tensor| self.activation.forward(&y);
        let mut y = match &self.widen {
            Some(widen) => act(widen.forward(x)?)?,
            None => x.clone(),
        };
        y = act(self.depthwise.forward(&y)?)?;
        if let Some([squeeze, excite]) = &self.excite {
            let whole = act(squeeze.forward(&y.mean_keepdim((2, 3))?)?)?;
            let gate = candle_nn::ops::sigmoid(&excite.forward(&whole)?)?;
            y = y.broadcast_mul(&gate)?;
        }
        let y = self.narrow.forward(&y)?;
        Ok(if self.adds { (y + x)? } else { y })
    }
}

impl Builder<'_> {
    /// One block of ConvNeXt.
    pub(super) fn pointwise(&mut self, recipe: &PointwiseRecipe, name: &str) -> Result<Pointwise> {
        let part = |part: &str| format!("{name}.{part}");
        let width = self.shape[0];
        let size = self
            .files
            .shape(&format!("{}.weight", part(&recipe.depthwise)));
        let size = size.and_then(|shape| shape.get(2).copied()).unwrap_or(1);
        let depthwise = self.conv(&ConvRecipe {
            name: part(&recipe.depthwise),
            norm: None,
            stride: 1,
            padding: size / 2,
            depthwise: true,
        })?;
        let up = part(&recipe.mlp[0]);
        let inner = self.files.shape(&format!("{up}.weight"));
        let inner = inner.and_then(|shape| shape.first().copied()).unwrap_or(0);
        let response = part(&recipe.response);
        let response = match self.files.has(&format!("{response}.weight")) {
            true => Some([
                self.files.tensor(&format!("{response}.weight"), &[inner])?,
                self.files.tensor(&format!("{response}.bias"), &[inner])?,
            ]),
            false => None,
        };
        let scale = part(&recipe.scale);
        let scale = match self.files.has(&scale) {
            true => Some(self.files.tensor(&scale, &[width])?),
            false => None,
        };
        Ok(Pointwise {
            depthwise,
            norm: self.layer_norm(&part(&recipe.norm), width, super::builder::MAP_EPSILON)?,
            mlp: [
                self.map(&up, inner, width)?,
                self.map(&part(&recipe.mlp[1]), width, inner)?,
            ],
            activation: self.activation.unwrap_or(Activation::Gelu),
            response,
            scale,
        })
    }

    /// One block of EfficientNet.
    pub(super) fn inverted(&mut self, name: &str, stride: usize) -> Result<Inverted> {
        let entry = self.shape;
        let part = |part: &str| format!("{name}.{part}");
        let widens = self.files.has(&part("conv_pwl.weight"));
        let pixel = |own: &str, norm: Option<&str>| ConvRecipe {
            name: part(own),
            norm: norm.map(part),
            stride: 1,
            padding: 0,
            depthwise: false,
        };
        let widen = match widens {
            true => Some(self.conv(&pixel("conv_pw", Some("bn1")))?),
            false => None,
        };
        let size = self.files.shape(&part("conv_dw.weight"));
        let size = size.and_then(|shape| shape.get(2).copied()).unwrap_or(1);
        let depthwise = self.conv(&ConvRecipe {
            name: part("conv_dw"),
            norm: Some(part(if widens { "bn2" } else { "bn1" })),
            stride,
            padding: size.saturating_sub(1) / 2,
            depthwise: true,
        })?;
        let inside = self.shape;
        let excite = match self.files.has(&part("se.conv_reduce.weight")) {
            true => {
                self.shape = [inside[0], 1, 1];
                let squeeze = self.conv(&pixel("se.conv_reduce", None))?;
                let excite = self.conv(&pixel("se.conv_expand", None))?;
                if self.shape[0] != inside[0] {
                    return Err(self.files.wrong(format!(
                        "`{}` gates {} channels of {}",
                        part("se.conv_expand"),
                        self.shape[0],
                        inside[0]
                    )));
                }
                self.shape = inside;
                Some([squeeze, excite])
            }
            false => None,
        };
        let (own, norm) = if widens {
            ("conv_pwl", "bn3")
        } else {
            ("conv_pw", "bn2")
        };
        let narrow = self.conv(&pixel(own, Some(norm)))?;
        Ok(Inverted {
            widen,
            depthwise,
            excite,
            narrow,
            activation: self.activation.unwrap_or(Activation::Silu),
            adds: self.shape == entry && stride == 1,
        })
    }
}
