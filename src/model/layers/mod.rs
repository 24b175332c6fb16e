//! Networks of numbers: an image or a row in, the logits of classes out. Lists of layers, each with the shape it needs.
//!
//! Batch norm always uses its stored statistics, as in evaluation, and is folded into the convolution before it.

mod blocks;
mod builder;
mod labels;
mod load;
mod plain;
mod pooled;
mod quick;
mod recipe;
mod stages;
mod token_block;
mod tokens;

pub use blocks::{InvertedRecipe, PointwiseRecipe};
pub use labels::{Labels, LabelsRecipe};
pub use pooled::PooledRecipe;
pub use recipe::{ConvRecipe, LayerKind, LayerRecipe, ShortcutRecipe, StageRecipe};
pub use tokens::{TokensRead, TokensRecipe};

use candle_core::{DType, Device, Tensor};

use blocks::{ChannelNorm, Inverted, Pointwise};
use labels::Likeness;
use tokens::Tokens;

use super::linear::Linear;
use super::{Activation, Checkpoint};
use crate::ops::Kernel;
use crate::{Error, Result};

/// (C, H, W); a row of D numbers is (D, 1, 1).
pub type Shape = [usize; 3];

/// A network on a device, ready to answer images or rows.
#[derive(Clone, Debug)]
pub struct FeatureModel {
    layers: Vec<Layer>,
    /// What enters each layer, and behind the last what comes out.
    shapes: Vec<Shape>,
    /// What each layer is called.
    names: Vec<String>,
    architecture: String,
    classes: Vec<String>,
    parameters: usize,
    device: Device,
    dtype: DType,
}

/// A layer whose shapes fit those around it.
#[derive(Clone, Debug)]
enum Layer {
    Conv(Convolution),
    Activation(Activation),
    MaxPool {
        size: usize,
        stride: usize,
        padding: usize,
    },
    AveragePool {
        size: usize,
    },
    Flatten,
    Linear(Linear, Option<Kernel>),
    /// x ↦ act(branch(x) + shortcut(x))
    Residual {
        branch: Vec<Layer>,
        shortcut: Shortcut,
        activation: Activation,
    },
    ChannelNorm(ChannelNorm),
    Pointwise(Box<Pointwise>),
    Inverted(Box<Inverted>),
    Tokens(Box<Tokens>),
    Likeness(Box<Likeness>),
}

#[derive(Clone, Debug)]
struct Convolution {
    /// (O, C / groups, kh, kw)
    weight: Tensor,
    /// (O)
    bias: Tensor,
    stride: usize,
    padding: usize,
    groups: usize,
    /// The same weights for the CPU, where it computes.
    kernel: Option<Kernel>,
}

#[derive(Clone, Debug)]
enum Shortcut {
    Identity,
    Conv(Convolution),
    /// Every stride-th pixel, with so many channels of zeros before and behind.
    Pad {
        stride: usize,
        before: usize,
        behind: usize,
    },
}

impl FeatureModel {
    /// Loads `checkpoint` onto `device` in `dtype`, whatever the dtype on disk.
    ///
    /// # Errors
    /// An architecture without recipe, a configuration that does not say what goes in, a tensor that is missing, of a
    /// shape that does not fit or not finite, a damaged file.
    pub fn load(checkpoint: &Checkpoint, device: &Device, dtype: DType) -> Result<Self> {
        load::load(checkpoint, None, device, dtype)
    }

    /// The same for a network that compares images with texts, whose classes are `labels`. The texts are encoded once.
    ///
    /// # Errors
    /// As [`FeatureModel::load`]; another network, fewer than 2 texts, a text that is too long for the network.
    pub fn of_labels(
        checkpoint: &Checkpoint,
        labels: &Labels,
        device: &Device,
        dtype: DType,
    ) -> Result<Self> {
        load::load(checkpoint, Some(labels), device, dtype)
    }

    /// The logits (B, C), row by row, of the `values` (B, C, H, W), each of the shape that enters `layer`: 0 for images
    /// and rows, a later one for what [`FeatureModel::features`] gave.
    ///
    /// # Errors
    /// Whatever the device refuses, out of memory above all.
    ///
    /// # Panics
    /// If there is no such layer, or the values are no multiple of its input.
    pub fn logits(&self, values: &[f32], layer: usize) -> Result<Vec<f32>> {
        self.run(values, layer, self.layers.len())
    }

    /// What enters `layer` for the images or rows `values`, in the same order.
    ///
    /// # Errors
    /// As [`FeatureModel::logits`].
    ///
    /// # Panics
    /// As [`FeatureModel::logits`].
    pub fn features(&self, values: &[f32], layer: usize) -> Result<Vec<f32>> {
        self.run(values, 0, layer)
    }

    fn run(&self, values: &[f32], from: usize, to: usize) -> Result<Vec<f32>> {
        let shape = self.shapes[from];
        let size: usize = shape.iter().product();
        assert!(values.len().is_multiple_of(size), "whole images or rows");
        if self.is_quick() {
            return Ok(quick::run(&self.layers[from..to], values, shape));
        }
        self.plain(values, from, to)
    }

    /// Whether the layers run on kernels of our own.
    fn is_quick(&self) -> bool {
        self.device.is_cpu() && self.dtype == DType::F32 && self.layers.iter().all(Layer::is_quick)
    }

    /// The same through candle, on every device: the specification of the quick path.
    pub(crate) fn plain(&self, values: &[f32], from: usize, to: usize) -> Result<Vec<f32>> {
        let [c, h, w] = self.shapes[from];
        let images = values.len() / (c * h * w);
        let mut x =
            Tensor::from_slice(values, (images, c, h, w), &self.device)?.to_dtype(self.dtype)?;
        for layer in &self.layers[from..to] {
            x = layer.forward(&x)?;
        }
        Ok(x.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
    }

    /// What enters layer `layer`.
    pub fn shape(&self, layer: usize) -> Shape {
        self.shapes[layer]
    }

    /// What the layers are called, first to last: by the tensors that they have, else by what they follow.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of the layer that takes what the one called `name` puts out.
    ///
    /// # Errors
    /// [`Error::Input`], naming the layers that put out maps of more than one cell.
    pub fn behind(&self, name: &str) -> Result<usize> {
        let is_map = |layer: usize| {
            let [_, h, w] = self.shapes[layer + 1];
            h * w > 1
        };
        let found = self.names.iter().position(|own| own == name);
        found
            .filter(|&layer| is_map(layer))
            .map(|layer| layer + 1)
            .ok_or_else(|| {
                let maps = self
                    .names
                    .iter()
                    .enumerate()
                    .filter(|(layer, _)| is_map(*layer));
                let known: Vec<&str> = maps.map(|(_, name)| name.as_str()).collect();
                Error::Input(format!(
                    "no layer `{name}` puts out a map; those that do: {}",
                    known.join(", ")
                ))
            })
    }

    /// The most numbers that one image or row becomes on its way.
    pub fn widest(&self) -> usize {
        self.shapes
            .iter()
            .map(|shape| shape.iter().product())
            .max()
            .unwrap_or(0)
    }

    /// Class names by index.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// What `config.json` calls the network.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// How many numbers were loaded.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Where it runs.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The dtype of weights and activations.
    pub fn dtype(&self) -> DType {
        self.dtype
    }
}

impl Layer {
    fn is_quick(&self) -> bool {
        match self {
            Self::Conv(conv) => conv.kernel.is_some(),
            Self::Residual { branch, .. } => branch.iter().all(Self::is_quick),
            Self::ChannelNorm(_)
            | Self::Pointwise(_)
            | Self::Inverted(_)
            | Self::Tokens(_)
            | Self::Likeness(_) => false,
            _ => true,
        }
    }
}

/// A checkpoint that does not hold what it should.
fn wrong(checkpoint: &Checkpoint, reason: String) -> Error {
    Error::Checkpoint {
        path: checkpoint.path.clone(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The quick path, and the plain one beside it.
    #[test]
    fn our_kernels_and_candle_answer_alike_and_images_alone_as_in_company() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for name in [
            "cifar_resnet",
            "lenet",
            "mlp",
            "resnet",
            "resnet_transformers",
            "vgg_bn",
            "alexnet",
        ] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/fixtures/vision")
                .join(name);
            let checkpoint = Checkpoint::open(&folder).expect("opens");
            let model = FeatureModel::load(&checkpoint, &Device::Cpu, DType::F32).expect("loads");
            assert!(model.is_quick(), "{name}");
            let size: usize = model.shape(0).iter().product();
            let images: Vec<f32> = (0..5 * size).map(|_| rng.random_range(-2.0..2.0)).collect();
            for layer in 1..=model.layers.len() {
                let quick = model.run(&images, 0, layer).expect("runs");
                let plain = model.plain(&images, 0, layer).expect("runs");
                let most = plain.iter().fold(0.0f32, |most, x| most.max(x.abs()));
                for (quick, plain) in quick.iter().zip(&plain) {
                    let off = (quick - plain).abs() / most;
                    assert!(
                        off < 2e-5,
                        "{name} behind layer {layer}: {quick} and {plain}"
                    );
                }
                let alone = model.run(&images[size..2 * size], 0, layer).expect("runs");
                assert_eq!(
                    alone,
                    quick[alone.len()..2 * alone.len()],
                    "{name} behind layer {layer}"
                );
            }
        }
    }
}
