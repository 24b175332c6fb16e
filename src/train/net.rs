//! Small networks with weights that can be trained: a perceptron of any depth, and LeNet.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use candle_core::{DType, Device, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::{Error, Result};

/// Which network; written and parsed as `lenet`, `mlp:128,128`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Design {
    /// Linear maps with ReLU between them; the widths of what lies between input and classes.
    Mlp(Vec<usize>),
    /// Two convolutions of 5 × 5 with 6 and 16 channels, each with ReLU and a maximum over 2 × 2, then 120, 84 and the classes.
    Lenet,
}

impl fmt::Display for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lenet => f.write_str("lenet"),
            Self::Mlp(widths) => {
                let widths: Vec<String> = widths.iter().map(usize::to_string).collect();
                write!(f, "mlp:{}", widths.join(","))
            }
        }
    }
}

impl FromStr for Design {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || Error::Parameter {
            parameter: "the network",
            must: "lenet, or mlp:WIDTH,WIDTH,… with widths above 0",
            got: format!("`{text}`"),
        };
        match text.split_once(':') {
            None if text == "lenet" => Ok(Self::Lenet),
            Some(("mlp", widths)) => widths
                .split(',')
                .map(|width| width.parse().ok().filter(|&width| width > 0))
                .collect::<Option<Vec<usize>>>()
                .map(Self::Mlp)
                .ok_or_else(unknown),
            _ => Err(unknown()),
        }
    }
}

/// A network whose weights are variables.
#[derive(Clone, Debug)]
pub struct TrainableNet {
    design: Design,
    /// (C, H, W) of an image.
    input: [usize; 3],
    classes: usize,
    /// By name, in the order of the layers.
    weights: Vec<(String, Var)>,
}

impl TrainableNet {
    /// A network for images of `input` (C, H, W), its weights drawn uniformly from ±1/√(inputs of a unit), as PyTorch does.
    ///
    /// # Errors
    /// Images that are too small for the convolutions, fewer than 2 classes, or what the device refuses.
    pub fn new(
        design: Design,
        input: [usize; 3],
        classes: usize,
        seed: u64,
        (device, dtype): (&Device, DType),
    ) -> Result<Self> {
        if classes < 2 {
            return Err(Error::Parameter {
                parameter: "the number of classes",
                must: "at least 2",
                got: classes.to_string(),
            });
        }
        let [channels, height, width] = input;
        let mut shapes: Vec<(String, Vec<usize>)> = Vec::new();
        let mut add = |name: &str, shape: &[usize]| {
            shapes.push((format!("{name}.weight"), shape.to_vec()));
            shapes.push((format!("{name}.bias"), vec![shape[0]]));
        };
        match &design {
            Design::Mlp(widths) => {
                let mut inputs = channels * height * width;
                for (at, &outputs) in widths.iter().chain([&classes]).enumerate() {
                    add(&format!("layers.{at}"), &[outputs, inputs]);
                    inputs = outputs;
                }
            }
            Design::Lenet => {
                let side = |length: usize| length.checked_sub(4).map(|length| length / 2);
                let twice = |length| side(length).and_then(side).filter(|&length| length > 0);
                let (Some(rows), Some(columns)) = (twice(height), twice(width)) else {
                    return Err(Error::Input(format!(
                        "LeNet needs images of at least 16 × 16 pixels, these have {height} × {width}"
                    )));
                };
                add("conv1", &[6, channels, 5, 5]);
                add("conv2", &[16, 6, 5, 5]);
                add("fc1", &[120, 16 * rows * columns]);
                add("fc2", &[84, 120]);
                add("fc3", &[classes, 84]);
            }
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut bound = 0.0;
        let weights = shapes.into_iter().map(|(name, shape)| {
            // A bias has the bound of the weight before it.
            if shape.len() > 1 {
                bound = 1.0 / (shape[1..].iter().product::<usize>() as f64).sqrt();
            }
            let count = shape.iter().product();
            let drawn: Vec<f64> = (0..count)
                .map(|_| rng.random_range(-bound..bound))
                .collect();
            let tensor = Tensor::from_vec(drawn, shape, device)?.to_dtype(dtype)?;
            Ok((name, Var::from_tensor(&tensor)?))
        });
        Ok(Self {
            weights: weights.collect::<Result<_>>()?,
            design,
            input,
            classes,
        })
    }

    /// The variables, in the order of the layers.
    pub fn variables(&self) -> impl Iterator<Item = &Var> {
        self.weights.iter().map(|(_, variable)| variable)
    }

    /// How many numbers are trained.
    pub fn parameters(&self) -> usize {
        self.variables().map(|variable| variable.elem_count()).sum()
    }

    /// (C, H, W) of an image.
    pub fn input(&self) -> [usize; 3] {
        self.input
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    fn pair(&self, layer: usize) -> (&Tensor, &Tensor) {
        (&self.weights[2 * layer].1, &self.weights[2 * layer + 1].1)
    }

    /// Images (B, C, H, W) → logits (B, classes).
    ///
    /// # Errors
    /// What the device refuses.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let (mut x, from) = match self.design {
            Design::Mlp(_) => (images.clone(), 0),
            Design::Lenet => {
                let x = pooled(&self.convolved(images, 0)?.relu()?)?;
                (pooled(&self.convolved(&x, 1)?.relu()?)?, 2)
            }
        };
        x = x.flatten_from(1)?;
        let last = self.weights.len() / 2 - 1;
        for layer in from..=last {
            let (weight, bias) = self.pair(layer);
            x = x.matmul(&weight.t()?)?.broadcast_add(bias)?;
            if layer < last {
                x = x.relu()?;
            }
        }
        Ok(x)
    }

    fn convolved(&self, x: &Tensor, layer: usize) -> Result<Tensor> {
        let (weight, bias) = self.pair(layer);
        let y = x.conv2d(weight, 0, 1, 1, 1)?;
        Ok(y.broadcast_add(&bias.reshape((1, (), 1, 1))?)?)
    }

    /// Writes the weights to a safetensors file, under the names that the recipes of this crate read.
    ///
    /// # Errors
    /// [`Error::Write`]
    pub fn save(&self, path: &Path) -> Result<()> {
        let tensors: HashMap<&str, Tensor> = self
            .weights
            .iter()
            .map(|(name, variable)| (name.as_str(), variable.as_tensor().clone()))
            .collect();
        let failed = |error: candle_core::Error| std::io::Error::other(error.to_string());
        candle_core::safetensors::save(&tensors, path)
            .map_err(failed)
            .map_err(Error::write(path))
    }

    /// `config.json` of the network, for images whose bytes are divided by 255 and then normalized with these numbers.
    pub fn config(&self, mean: &[f64], std: &[f64]) -> Value {
        let input = json!({
            "layout": "NCHW",
            "size": self.input,
            "scale": "pixel/255",
            "mean": mean,
            "std": std,
        });
        match &self.design {
            Design::Lenet => json!({
                "architecture": "lenet",
                "activation": "relu",
                "input": input,
                "num_classes": self.classes,
                "torch_dtype": "float32",
            }),
            Design::Mlp(widths) => {
                let inputs = self.input.iter().product();
                let dims: Vec<usize> = [inputs]
                    .into_iter()
                    .chain(widths.iter().copied())
                    .chain([self.classes])
                    .collect();
                json!({
                    "architecture": "mlp",
                    "dims": dims,
                    "activation": "relu",
                    "input": input,
                    "num_classes": self.classes,
                    "torch_dtype": "float32",
                })
            }
        }
    }
}

/// The maximum over windows of 2 × 2; an odd last row or column is dropped.
///
/// Not candle's own pooling, whose gradient is too small by the size of the window, nor its maximum along a dimension, which
/// gives the whole gradient to each of several equal numbers: where cells are dropped, whole windows are equal.
fn pooled(x: &Tensor) -> Result<Tensor> {
    let (b, c, h, w) = x.dims4()?;
    let x = x.narrow(2, 0, h / 2 * 2)?.narrow(3, 0, w / 2 * 2)?;
    let x = x.contiguous()?.reshape((b, c, h / 2, 2, w / 2, 2))?;
    let larger = |x: &Tensor, along: usize| -> Result<Tensor> {
        let (one, other) = (x.narrow(along, 0, 1)?, x.narrow(along, 1, 1)?);
        Ok(one.maximum(&other)?.squeeze(along)?)
    };
    larger(&larger(&x, 5)?, 3)
}
