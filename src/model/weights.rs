//! Tensors of a checkpoint by name, with shape and values checked as they are loaded.

use std::path::PathBuf;

use candle_core::safetensors::{MmapedSafetensors, SliceSafetensors};
use candle_core::{CpuStorage, DType, Device, Storage, Tensor};

use super::checkpoint::{Checkpoint, WeightFiles};
use super::config::ModelConfig;
use super::linear::Linear;
use super::norm::Norm;
use super::recipe::Recipe;
use super::switch::{NormKind, Role};
use crate::{Error, Result};

/// The open weight files of a checkpoint.
enum Tensors {
    Mapped(MmapedSafetensors),
    Embedded(SliceSafetensors<'static>),
}

/// Loads the tensors of one checkpoint in the roles that its recipe gives them.
pub(crate) struct Weights<'a> {
    tensors: Tensors,
    path: PathBuf,
    recipe: &'a Recipe,
    config: &'a ModelConfig,
    device: &'a Device,
    dtype: DType,
    /// Numbers loaded so far.
    pub(crate) parameters: usize,
}

impl<'a> Weights<'a> {
    pub(crate) fn open(
        checkpoint: &Checkpoint,
        recipe: &'a Recipe,
        config: &'a ModelConfig,
        device: &'a Device,
        dtype: DType,
    ) -> Result<Self> {
        let tensors = match &checkpoint.weights {
            WeightFiles::Embedded(bytes) => Tensors::Embedded(SliceSafetensors::new(bytes)?),
            WeightFiles::Files(files) => Tensors::Mapped(map(files)?),
        };
        Ok(Self {
            tensors,
            path: checkpoint.path.clone(),
            recipe,
            config,
            device,
            dtype,
            parameters: 0,
        })
    }

    /// The name of `role` in layer `layer`.
    fn name(&self, role: Role, layer: usize) -> Result<String> {
        let name = self
            .recipe
            .tensors
            .get(&role)
            .ok_or_else(|| self.wrong(format!("the recipe has no {role:?}")))?;
        let name = name.replace("{i}", &layer.to_string());
        let without = name.strip_prefix(&self.recipe.optional_prefix);
        let stands = |name: &str| self.has(&format!("{name}.weight"));
        Ok(match without {
            Some(without) if !stands(&name) && stands(without) => without.into(),
            _ => name,
        })
    }

    fn wrong(&self, reason: String) -> Error {
        Error::Checkpoint {
            path: self.path.clone(),
            reason,
        }
    }

    fn has(&self, name: &str) -> bool {
        match &self.tensors {
            Tensors::Mapped(tensors) => tensors.get(name).is_ok(),
            Tensors::Embedded(tensors) => tensors.get(name).is_ok(),
        }
    }

    /// The tensor `name`, of exactly `shape`, every number finite.
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let view = match &self.tensors {
            Tensors::Mapped(tensors) => tensors.get(name),
            Tensors::Embedded(tensors) => tensors.get(name),
        };
        let got = view
            .map_err(|_| self.wrong(format!("tensor `{name}` is missing")))?
            .shape()
            .to_vec();
        if got != shape {
            return Err(Error::TensorShape {
                name: name.into(),
                expected: shape.into(),
                got,
            });
        }
        let loaded = match &self.tensors {
            Tensors::Mapped(tensors) => tensors.load(name, &Device::Cpu),
            Tensors::Embedded(tensors) => tensors.load(name, &Device::Cpu),
        }?;
        let single = loaded.to_dtype(DType::F32)?;
        if !all_finite(&single) {
            return Err(self.wrong(format!("tensor `{name}` holds values that are not finite")));
        }
        self.parameters += single.elem_count();
        Ok(single.to_dtype(self.dtype)?.to_device(self.device)?)
    }

    /// An embedding table (rows, D).
    pub(crate) fn table(&mut self, role: Role, rows: usize) -> Result<Tensor> {
        let name = format!("{}.weight", self.name(role, 0)?);
        self.tensor(&name, &[rows, self.config.hidden])
    }

    /// A linear map, with its bias where the configuration says that it has one.
    pub(crate) fn linear(
        &mut self,
        role: Role,
        layer: usize,
        out: usize,
        width: usize,
    ) -> Result<Linear> {
        let name = self.name(role, layer)?;
        let file = format!("{name}.weight");
        // The maps of a block may lie the other way round; the embedding and the head never do.
        let weight = match self.recipe.block.transposed && role != Role::Head {
            true => self.tensor(&file, &[width, out])?.t()?.contiguous()?,
            false => self.tensor(&file, &[out, width])?,
        };
        let has_bias = self.config.has_bias(role);
        let bias = has_bias
            .then(|| self.tensor(&format!("{name}.bias"), &[out]))
            .transpose()?;
        Ok(Linear { weight, bias })
    }

    /// Several maps of one input as one, their outputs in order: one product instead of some.
    pub(crate) fn stacked(
        &mut self,
        roles: &[(Role, usize)],
        layer: usize,
        width: usize,
    ) -> Result<Linear> {
        let parts: Vec<Linear> = roles
            .iter()
            .map(|&(role, out)| self.linear(role, layer, out, width))
            .collect::<Result<_>>()?;
        let weights: Vec<&Tensor> = parts.iter().map(|part| &part.weight).collect();
        let weight = Tensor::cat(&weights, 0)?;
        let bias = match parts.iter().any(|part| part.bias.is_some()) {
            true => {
                let bias = |part: &Linear| match &part.bias {
                    Some(bias) => Ok(bias.clone()),
                    None => Tensor::zeros(part.weight.dim(0)?, weight.dtype(), weight.device()),
                };
                let biases = parts
                    .iter()
                    .map(bias)
                    .collect::<candle_core::Result<Vec<_>>>()?;
                Some(Tensor::cat(&biases, 0)?)
            }
            false => None,
        };
        Ok(Linear { weight, bias })
    }

    /// A norm over `width` components.
    pub(crate) fn norm(&mut self, role: Role, layer: usize, width: usize) -> Result<Norm> {
        let (name, kind) = (self.name(role, layer)?, self.recipe.block.norm);
        // The first BERT checkpoints call scale and shift gamma and beta.
        let old = self.has(&format!("{name}.gamma"));
        let (scale, shift) = if old {
            ("gamma", "beta")
        } else {
            ("weight", "bias")
        };
        let mut scale = self.tensor(&format!("{name}.{scale}"), &[width])?;
        if kind == NormKind::RmsOnePlus {
            scale = (scale + 1.0)?;
        }
        let shift = match kind {
            NormKind::Rms | NormKind::RmsOnePlus => None,
            NormKind::Layer => Some(self.tensor(&format!("{name}.{shift}"), &[width])?),
        };
        Ok(Norm {
            scale,
            shift,
            epsilon: self.config.norm_epsilon as f32,
        })
    }
}

#[expect(
    unsafe_code,
    reason = "weights are mapped, not read, so that only what is used is loaded"
)]
fn map(files: &[PathBuf]) -> Result<MmapedSafetensors> {
    for path in files {
        std::fs::File::open(path).map_err(Error::read(path))?;
        // SAFETY: the file must not change under the map. It is opened for reading, and the map does not outlive the
        // loading: every tensor is copied out of it. Another program that truncates it meanwhile is outside our reach.
        // Each file is also opened alone first, so that the error names the damaged one.
        unsafe { MmapedSafetensors::new(path) }.map_err(Error::parse(path, "safetensors file"))?;
    }
    // SAFETY: as above.
    let all = unsafe { MmapedSafetensors::multi(files) };
    Ok(all?)
}

/// Whether every number of an f32 tensor on the CPU is finite.
pub(crate) fn all_finite(tensor: &Tensor) -> bool {
    let (storage, _) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => values.iter().all(|value| value.is_finite()),
        _ => true,
    }
}
