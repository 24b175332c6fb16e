//! Tensors of a checkpoint by name, with shape and values checked as they are loaded.

use std::path::PathBuf;

use candle_core::safetensors::{MmapedSafetensors, SliceSafetensors};
use candle_core::{CpuStorage, DType, Device, Storage, Tensor};

use super::checkpoint::{Checkpoint, WeightFiles};
use crate::{Error, Result};

/// The open weight files of a checkpoint.
enum Open {
    Mapped(MmapedSafetensors),
    Embedded(SliceSafetensors<'static>),
}

/// Loads tensors of one checkpoint by their names.
pub(crate) struct TensorFiles<'a> {
    open: Open,
    path: PathBuf,
    device: &'a Device,
    dtype: DType,
    /// Numbers loaded so far.
    pub(crate) parameters: usize,
}

impl<'a> TensorFiles<'a> {
    pub(crate) fn open(checkpoint: &Checkpoint, device: &'a Device, dtype: DType) -> Result<Self> {
        let open = match &checkpoint.weights {
            WeightFiles::Embedded(bytes) => Open::Embedded(SliceSafetensors::new(bytes)?),
            WeightFiles::Files(files) => Open::Mapped(map(files)?),
        };
        Ok(Self {
            open,
            path: checkpoint.path.clone(),
            device,
            dtype,
            parameters: 0,
        })
    }

    pub(crate) fn wrong(&self, reason: String) -> Error {
        Error::Checkpoint {
            path: self.path.clone(),
            reason,
        }
    }

    /// The shape of tensor `name`, where there is one.
    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let view = match &self.open {
            Open::Mapped(tensors) => tensors.get(name),
            Open::Embedded(tensors) => tensors.get(name),
        };
        view.ok().map(|view| view.shape().to_vec())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.shape(name).is_some()
    }

    /// The tensor `name`, of exactly `shape`, every number finite.
    pub(crate) fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let single = self.single(name, shape)?;
        Ok(single.to_dtype(self.dtype)?.to_device(self.device)?)
    }

    /// The same in f32 on the CPU.
    pub(crate) fn single(&mut self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let got = self
            .shape(name)
            .ok_or_else(|| self.wrong(format!("tensor `{name}` is missing")))?;
        if got != shape {
            return Err(Error::TensorShape {
                name: name.into(),
                expected: shape.into(),
                got,
            });
        }
        let loaded = match &self.open {
            Open::Mapped(tensors) => tensors.load(name, &Device::Cpu),
            Open::Embedded(tensors) => tensors.load(name, &Device::Cpu),
        }?;
        let single = loaded.to_dtype(DType::F32)?;
        if !all_finite(&single) {
            return Err(self.wrong(format!("tensor `{name}` holds values that are not finite")));
        }
        self.parameters += single.elem_count();
        Ok(single)
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
