//! A recipe and a checkpoint → layers whose shapes fit.

use candle_core::{DType, Device, Tensor};
use serde_json::Value;

use super::{ConvRecipe, LayerKind, LayerRecipe, ShortcutRecipe, StageRecipe};
use super::{Convolution, FeatureModel, Layer, Shape, Shortcut, wrong};
use crate::model::linear::Linear;
use crate::model::tensors::TensorFiles;
use crate::model::{Activation, Checkpoint};
use crate::ops::Kernel;
use crate::{Error, Result};

/// ε of a batch norm where `config.json` does not carry it: PyTorch's own.
const NORM_EPSILON: f64 = 1e-5;

/// More rows, columns or channels than any image that a network takes.
const LONGEST: u64 = 1 << 14;

pub(super) fn load(checkpoint: &Checkpoint, device: &Device, dtype: DType) -> Result<FeatureModel> {
    let config = &checkpoint.config;
    let recipe = LayerRecipe::expect(config)?;
    let input = input_shape(checkpoint)?;
    let named = ["activation", "hidden_act"]
        .into_iter()
        .find_map(|key| config.get(key));
    let activation = named
        .map(|name| {
            serde_json::from_value(name.clone())
                .map_err(|_| wrong(checkpoint, format!("activation {name} is not supported")))
        })
        .transpose()?;
    let mut builder = Builder {
        files: TensorFiles::open(checkpoint, device, dtype)?,
        activation,
        epsilon: config["bn_eps"].as_f64().unwrap_or(NORM_EPSILON),
        device,
        dtype,
        shape: input,
    };
    let (mut layers, mut shapes) = (Vec::new(), vec![input]);
    for kind in &recipe.layers {
        builder.kind(kind, |layer, shape| {
            layers.push(layer);
            shapes.push(shape);
        })?;
    }
    let [outputs, 1, 1] = builder.shape else {
        let [c, h, w] = builder.shape;
        return Err(wrong(
            checkpoint,
            format!("the network ends in {c} maps of {h} × {w}, not in classes"),
        ));
    };
    Ok(FeatureModel {
        layers,
        shapes,
        architecture: config["architecture"]
            .as_str()
            .or(config["model_type"].as_str())
            .unwrap_or_default()
            .into(),
        classes: classes(checkpoint, outputs)?,
        parameters: builder.files.parameters,
        device: device.clone(),
        dtype,
    })
}

/// What the network takes: `input.size` (C, H, W) or as many columns as `input.columns` names; else the keys of timm and
/// transformers.
fn input_shape(checkpoint: &Checkpoint) -> Result<Shape> {
    let config = &checkpoint.config;
    let size = |value: &Value| {
        value
            .as_u64()
            .filter(|size| (1..=LONGEST).contains(size))
            .map(|size| size as usize)
    };
    let triple = |value: &Value| -> Option<Shape> {
        let sizes: Option<Vec<usize>> = value.as_array()?.iter().map(size).collect();
        sizes?.try_into().ok()
    };
    if let Some(columns) = config["input"]["columns"].as_array() {
        return Ok([columns.len().max(1), 1, 1]);
    }
    let own = [
        &config["input"]["size"],
        &config["pretrained_cfg"]["input_size"],
        &config["input_size"],
    ];
    if let Some(shape) = own.into_iter().find_map(triple) {
        return Ok(shape);
    }
    let channels = size(&config["num_channels"]).unwrap_or(3);
    let prepared = checkpoint.preprocessor.as_ref().unwrap_or(&Value::Null);
    let side = [
        &config["image_size"],
        &prepared["crop_size"]["height"],
        &prepared["crop_size"],
        &prepared["size"]["height"],
        &prepared["size"]["shortest_edge"],
        &prepared["size"],
    ];
    match side.into_iter().find_map(size) {
        Some(side) => Ok([channels, side, side]),
        None => Err(wrong(checkpoint, "the configuration does not say what goes in; expected `input` with `size` [C, H, W] or `columns`".into())),
    }
}

/// `classes`, `label_names` or `id2label` by index, else numbered ones.
fn classes(checkpoint: &Checkpoint, outputs: usize) -> Result<Vec<String>> {
    let config = &checkpoint.config;
    let listed = ["classes", "label_names"]
        .into_iter()
        .find_map(|key| config[key].as_array());
    let names: Option<Vec<String>> = match (listed, config["id2label"].as_object()) {
        (Some(names), _) => names
            .iter()
            .map(|name| name.as_str().map(String::from))
            .collect(),
        (None, Some(names)) => (0..names.len())
            .map(|class| {
                names
                    .get(&class.to_string())
                    .and_then(Value::as_str)
                    .map(String::from)
            })
            .collect(),
        (None, None) => Some((0..outputs).map(|class| class.to_string()).collect()),
    };
    let names = names.ok_or_else(|| wrong(checkpoint, "the classes are not all named".into()))?;
    match names.len() == outputs {
        true => Ok(names),
        false => Err(wrong(
            checkpoint,
            format!(
                "the configuration names {} classes; the network answers {outputs}",
                names.len()
            ),
        )),
    }
}

struct Builder<'a> {
    files: TensorFiles<'a>,
    /// The activation that the configuration names.
    activation: Option<Activation>,
    epsilon: f64,
    device: &'a Device,
    dtype: DType,
    /// What the layers so far put out.
    shape: Shape,
}

impl Builder<'_> {
    /// Adds the layers that `kind` stands for.
    fn kind(&mut self, kind: &LayerKind, mut add: impl FnMut(Layer, Shape)) -> Result<()> {
        let [c, h, w] = self.shape;
        match kind {
            LayerKind::Conv(recipe) => {
                let conv = self.conv(recipe)?;
                add(Layer::Conv(conv), self.shape);
            }
            LayerKind::Activation(activation) => add(self.activate(*activation), self.shape),
            &LayerKind::MaxPool {
                size,
                stride,
                padding,
            } => {
                let along = |length: usize| self.windows(length, size, stride, padding);
                self.shape = [c, along(h)?, along(w)?];
                add(
                    Layer::MaxPool {
                        size,
                        stride,
                        padding,
                    },
                    self.shape,
                );
            }
            &LayerKind::AveragePool { size } => {
                self.shape = [c, size, size];
                add(Layer::AveragePool { size }, self.shape);
            }
            LayerKind::Flatten => {
                self.shape = [c * h * w, 1, 1];
                add(Layer::Flatten, self.shape);
            }
            LayerKind::Linear { name } => {
                let layer = self.linear(name)?;
                add(layer, self.shape);
            }
            LayerKind::Linears { name, activation } => {
                for i in 0.. {
                    let own = name.replace("{i}", &i.to_string());
                    if i > 0 && !self.files.has(&format!("{own}.weight")) {
                        break;
                    }
                    if i > 0 {
                        add(self.activate(*activation), self.shape);
                    }
                    let layer = self.linear(&own)?;
                    add(layer, self.shape);
                }
            }
            LayerKind::Stage(recipe) => {
                for i in 0.. {
                    let own = recipe.name.replace("{i}", &i.to_string());
                    let first = recipe
                        .convs
                        .iter()
                        .any(|conv| self.files.has(&format!("{own}.{conv}.weight")));
                    if i > 0 && !first {
                        break;
                    }
                    let stride = if i == 0 { recipe.stride } else { 1 };
                    let layer = self.block(recipe, &own, stride)?;
                    add(layer, self.shape);
                }
            }
        }
        Ok(())
    }

    fn activate(&self, activation: Activation) -> Layer {
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

    fn moved(&self, tensor: &Tensor) -> Result<Tensor> {
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
    fn conv(&mut self, recipe: &ConvRecipe) -> Result<Convolution> {
        let [channels, h, w] = self.shape;
        let name = format!("{}.weight", recipe.name);
        let found = self
            .files
            .shape(&name)
            .unwrap_or_else(|| vec![1, channels, 1, 1]);
        let &[outputs, own, kh, kw] = found.as_slice() else {
            return Err(Error::TensorShape {
                name,
                expected: vec![1, channels, 1, 1],
                got: found,
            });
        };
        let groups = channels.checked_div(own).unwrap_or(0);
        let fits = groups > 0 && groups * own == channels && outputs > 0 && outputs % groups == 0;
        let expected = [outputs, if fits { own } else { channels }, kh, kw];
        let mut weight = self.files.single(&name, &expected)?;
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

    /// One residual block.
    fn block(&mut self, recipe: &StageRecipe, name: &str, stride: usize) -> Result<Layer> {
        let entry = self.shape;
        let activation = self.activation.unwrap_or(Activation::Relu);
        let mut branch = Vec::new();
        let mut left = stride;
        for (conv, norm) in recipe.convs.iter().zip(&recipe.norms) {
            let conv = format!("{name}.{conv}");
            let found = self.files.shape(&format!("{conv}.weight"));
            // The list is as long as that of the longest kind of block.
            if found.is_none() && !branch.is_empty() {
                continue;
            }
            let size = found.and_then(|shape| shape.get(2).copied()).unwrap_or(1);
            let stride = if size > 1 {
                std::mem::replace(&mut left, 1)
            } else {
                1
            };
            if !branch.is_empty() {
                branch.push(Layer::Activation(activation));
            }
            let own = ConvRecipe {
                name: conv,
                norm: Some(format!("{name}.{norm}")),
                stride,
                padding: size.saturating_sub(1) / 2,
            };
            branch.push(Layer::Conv(self.conv(&own)?));
        }
        if branch.len() < 2 {
            return Err(self
                .files
                .wrong(format!("the block `{name}` has only one convolution")));
        }
        let exit = std::mem::replace(&mut self.shape, entry);
        let shortcut = match &recipe.shortcut {
            ShortcutRecipe::Conv { name: conv, norm }
                if entry != exit || self.files.has(&format!("{name}.{conv}.weight")) =>
            {
                let own = ConvRecipe {
                    name: format!("{name}.{conv}"),
                    norm: Some(format!("{name}.{norm}")),
                    stride,
                    padding: 0,
                };
                Shortcut::Conv(self.conv(&own)?)
            }
            ShortcutRecipe::Pad if entry != exit => {
                let more = exit[0].saturating_sub(entry[0]);
                self.shape = [
                    entry[0] + more,
                    entry[1].div_ceil(stride),
                    entry[2].div_ceil(stride),
                ];
                Shortcut::Pad {
                    stride,
                    before: more / 2,
                    behind: more - more / 2,
                }
            }
            _ => Shortcut::Identity,
        };
        if self.shape != exit {
            return Err(self.files.wrong(format!(
                "the block `{name}` adds maps of shape {exit:?} and {:?}",
                self.shape
            )));
        }
        Ok(Layer::Residual {
            branch,
            shortcut,
            activation,
        })
    }
}
