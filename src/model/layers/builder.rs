//! Layers from the tensors of a checkpoint, one kind after the other, each checked against the shape before it.

use candle_core::{DType, Device, Tensor};

use super::blocks::ChannelNorm;
use super::{ConvRecipe, LayerKind};
use super::{Convolution, Layer, Shape};
use crate::model::Activation;
use crate::model::linear::Linear;
use crate::model::norm::Norm;
use crate::model::tensors::TensorFiles;
use crate::ops::Kernel;
use crate::{Error, Result};

/// ε of the norms over the channels of maps, in every published ConvNeXt.
pub(super) const MAP_EPSILON: f64 = 1e-6;

pub(super) struct Builder<'a> {
    pub(super) files: TensorFiles<'a>,
    /// The activation that the configuration names.
    pub(super) activation: Option<Activation>,
    pub(super) epsilon: f64,
    pub(super) config: &'a serde_json::Value,
    pub(super) device: &'a Device,
    pub(super) dtype: DType,
    /// What the layers so far put out.
    pub(super) shape: Shape,
}

impl Builder<'_> {
    /// Adds the layers that `kind` stands for; each is told with its shape and name.
    pub(super) fn kind(
        &mut self,
        kind: &LayerKind,
        mut add: impl FnMut(Layer, Shape, &str),
    ) -> Result<()> {
        let [c, h, w] = self.shape;
        match kind {
            LayerKind::Conv(recipe) => {
                let conv = self.conv(recipe)?;
                add(Layer::Conv(conv), self.shape, &recipe.name);
            }
            LayerKind::Activation(activation) => {
                add(self.activate(*activation), self.shape, ".activation")
            }
            &LayerKind::MaxPool {
                size,
                stride,
                padding,
            } => {
                let layer = self.max_pool(size, stride, padding)?;
                add(layer, self.shape, ".pool");
            }
            &LayerKind::AveragePool { size } => {
                self.shape = [c, size, size];
                add(Layer::AveragePool { size }, self.shape, "average");
            }
            LayerKind::Flatten => {
                self.shape = [c * h * w, 1, 1];
                add(Layer::Flatten, self.shape, "flat");
            }
            LayerKind::Linear { name } => {
                let layer = self.linear(name)?;
                add(layer, self.shape, name);
            }
            LayerKind::Linears { name, activation } => {
                for i in 0.. {
                    let own = name.replace("{i}", &i.to_string());
                    if i > 0 && !self.files.has(&format!("{own}.weight")) {
                        break;
                    }
                    if i > 0 {
                        add(self.activate(*activation), self.shape, ".activation");
                    }
                    let layer = self.linear(&own)?;
                    add(layer, self.shape, &own);
                }
            }
            LayerKind::Stage(recipe) => {
                for i in 0.. {
                    let own = recipe.name.replace("{i}", &i.to_string());
                    let is_there = |conv: &String| self.files.has(&format!("{own}.{conv}.weight"));
                    if i > 0 && !recipe.convs.iter().any(is_there) {
                        break;
                    }
                    let stride = if i == 0 { recipe.stride } else { 1 };
                    let layer = self.block(recipe, &own, stride)?;
                    add(layer, self.shape, &own);
                }
            }
            LayerKind::ChannelNorm { name } => {
                let norm = self.layer_norm(name, c, MAP_EPSILON)?;
                add(Layer::ChannelNorm(ChannelNorm(norm)), self.shape, name);
            }
            LayerKind::VectorNorm { name, epsilon } => {
                let epsilon = self.config["layer_norm_eps"].as_f64().unwrap_or(*epsilon);
                let norm = self.layer_norm(name, c, epsilon)?;
                add(Layer::ChannelNorm(ChannelNorm(norm)), self.shape, name);
            }
            LayerKind::Pointwise(recipe) => {
                for i in 0.. {
                    let own = recipe.name.replace("{i}", &i.to_string());
                    if i > 0
                        && !self
                            .files
                            .has(&format!("{own}.{}.weight", recipe.depthwise))
                    {
                        break;
                    }
                    let block = self.pointwise(recipe, &own)?;
                    add(Layer::Pointwise(Box::new(block)), self.shape, &own);
                }
            }
            LayerKind::Inverted(recipe) => {
                for i in 0.. {
                    let own = recipe.name.replace("{i}", &i.to_string());
                    if i > 0 && !self.files.has(&format!("{own}.conv_dw.weight")) {
                        break;
                    }
                    let block = self.inverted(&own, if i == 0 { recipe.stride } else { 1 })?;
                    add(Layer::Inverted(Box::new(block)), self.shape, &own);
                }
            }
            LayerKind::Tokens(recipe) => {
                let tokens = self.tokens(recipe)?;
                add(Layer::Tokens(Box::new(tokens)), self.shape, "tokens");
            }
            LayerKind::Sequence {
                name,
                padding,
                pool,
            } => self.sequence(name, *padding, *pool, add)?,
        }
        Ok(())
    }

    pub(super) fn max_pool(&mut self, size: usize, stride: usize, padding: usize) -> Result<Layer> {
        let [c, h, w] = self.shape;
        self.shape = [
            c,
            self.windows(h, size, stride, padding)?,
            self.windows(w, size, stride, padding)?,
        ];
        Ok(Layer::MaxPool {
            size,
            stride,
            padding,
        })
    }

    pub(super) fn activate(&self, activation: Activation) -> Layer {
        Layer::Activation(self.activation.unwrap_or(activation))
    }

    /// How many windows fit into a length.
    fn windows(&self, length: usize, size: usize, stride: usize, padding: usize) -> Result<usize> {
        match (length + 2 * padding).checked_sub(size) {
            Some(rest) if size > 0 && stride > 0 => Ok(rest / stride + 1),
            _ => Err(self.files.wrong(format!(
                "a window of {size} pixels does not fit into maps of {length}; the images are too small for this network"
            ))),
        }
    }

    /// A map (out, in) that stands within a layer; as a convolution of one pixel it is the same.
    pub(super) fn map(&mut self, name: &str, outputs: usize, inputs: usize) -> Result<Linear> {
        let weight = format!("{name}.weight");
        let flat = match self.files.shape(&weight) {
            Some(shape) if shape == [outputs, inputs, 1, 1] => {
                let own = self.files.tensor(&weight, &[outputs, inputs, 1, 1])?;
                own.reshape((outputs, inputs))?
            }
            _ => self.files.tensor(&weight, &[outputs, inputs])?,
        };
        let bias = format!("{name}.bias");
        let bias = match self.files.has(&bias) {
            true => Some(self.files.tensor(&bias, &[outputs])?),
            false => None,
        };
        Ok(Linear { weight: flat, bias })
    }

    /// A layer norm over `width` components.
    pub(super) fn layer_norm(&mut self, name: &str, width: usize, epsilon: f64) -> Result<Norm> {
        Ok(Norm {
            scale: self.files.tensor(&format!("{name}.weight"), &[width])?,
            shift: Some(self.files.tensor(&format!("{name}.bias"), &[width])?),
            epsilon: epsilon as f32,
        })
    }

    /// A map (out, in) with its bias, where it has one.
    fn linear(&mut self, name: &str) -> Result<Layer> {
        let [c, h, w] = self.shape;
        let weight_name = format!("{name}.weight");
        let outputs = self
            .files
            .shape(&weight_name)
            .and_then(|shape| shape.first().copied())
            .unwrap_or(0);
        let weight = self.files.single(&weight_name, &[outputs, c * h * w])?;
        let bias = match self.files.has(&format!("{name}.bias")) {
            true => self.files.single(&format!("{name}.bias"), &[outputs])?,
            false => Tensor::zeros(outputs, DType::F32, &Device::Cpu)?,
        };
        self.shape = [outputs, 1, 1];
        let kernel = self.kernel(&weight, &bias, c * h * w, (1, 1), 1)?;
        let linear = Linear {
            weight: self.moved(&weight)?,
            bias: Some(self.moved(&bias)?),
        };
        Ok(Layer::Linear(linear, kernel))
    }

    pub(super) fn moved(&self, tensor: &Tensor) -> Result<Tensor> {
        Ok(tensor.to_dtype(self.dtype)?.to_device(self.device)?)
    }

    /// The packed weights for the CPU, where it computes in f32.
    fn kernel(
        &self,
        weight: &Tensor,
        bias: &Tensor,
        channels: usize,
        size: (usize, usize),
        stride: usize,
    ) -> Result<Option<Kernel>> {
        if !self.device.is_cpu() || self.dtype != DType::F32 {
            return Ok(None);
        }
        let (weight, bias): (Vec<f32>, Vec<f32>) =
            (weight.flatten_all()?.to_vec1()?, bias.to_vec1()?);
        Ok(Some(Kernel::new(&weight, &bias, channels, size, stride)))
    }

    /// A convolution with its batch norm folded in.
    pub(super) fn conv(&mut self, recipe: &ConvRecipe) -> Result<Convolution> {
        let [channels, h, w] = self.shape;
        let name = format!("{}.weight", recipe.name);
        let found = self
            .files
            .shape(&name)
            .unwrap_or_else(|| vec![1, channels, 1, 1]);
        let &[outputs, _, kh, kw] = found.as_slice() else {
            return Err(Error::TensorShape {
                name,
                expected: vec![1, channels, 1, 1],
                got: found,
            });
        };
        let (groups, own) = if recipe.depthwise {
            (channels, 1)
        } else {
            (1, channels)
        };
        let outputs = if recipe.depthwise { channels } else { outputs };
        let mut weight = self.files.single(&name, &[outputs, own, kh, kw])?;
        let mut bias = match self.files.has(&format!("{}.bias", recipe.name)) {
            true => self
                .files
                .single(&format!("{}.bias", recipe.name), &[outputs])?,
            false => Tensor::zeros(outputs, DType::F32, &Device::Cpu)?,
        };
        if let Some(norm) = &recipe.norm {
            (weight, bias) = self.folded(norm, &weight, &bias)?;
        }
        let (stride, padding) = (recipe.stride, recipe.padding);
        self.shape = [
            outputs,
            self.windows(h, kh, stride, padding)?,
            self.windows(w, kw, stride, padding)?,
        ];
        let kernel = match groups {
            1 => self.kernel(&weight, &bias, channels, (kh, kw), stride)?,
            _ => None,
        };
        Ok(Convolution {
            weight: self.moved(&weight)?,
            bias: self.moved(&bias)?,
            stride,
            padding,
            groups,
            kernel,
        })
    }

    /// norm(conv(x)) = (γ/√(σ² + ε)) · conv(x) + β − μ·γ/√(σ² + ε), as one convolution; the factors in f64.
    fn folded(&mut self, norm: &str, weight: &Tensor, bias: &Tensor) -> Result<(Tensor, Tensor)> {
        let outputs = bias.dim(0)?;
        let mut read = |part: &str| -> Result<Tensor> {
            Ok(self
                .files
                .single(&format!("{norm}.{part}"), &[outputs])?
                .to_dtype(DType::F64)?)
        };
        let (gamma, beta) = (read("weight")?, read("bias")?);
        let (mean, variance) = (read("running_mean")?, read("running_var")?);
        let smallest: f64 = variance.min(0)?.to_scalar()?;
        if smallest < 0.0 {
            return Err(self.files.wrong(format!(
                "`{norm}.running_var` holds {smallest}; a variance is not below 0"
            )));
        }
        let factor = (gamma / (variance + self.epsilon)?.sqrt()?)?;
        let bias = (bias.to_dtype(DType::F64)?.sub(&mean)?.mul(&factor)? + beta)?;
        let weight = weight
            .to_dtype(DType::F64)?
            .broadcast_mul(&factor.reshape((outputs, 1, 1, 1))?)?;
        Ok((weight.to_dtype(DType::F32)?, bias.to_dtype(DType::F32)?))
    }
}
