//! No stock networks in this build.

use candle_core::{DType, Device, Tensor};

use crate::model::{Checkpoint, TokenBatch};
use crate::{Error, Result};

/// The values of `model_type` in `config.json` whose networks run this way.
pub const MODEL_TYPES: &[&str] = &[];

/// None of the stock decoders.
#[derive(Debug)]
pub(crate) struct Language {
    pub(crate) parameters: usize,
}

impl Language {
    pub(crate) fn load(_: &Checkpoint, _: &Device, _: DType) -> Result<Self> {
        Err(Error::MissingBackend { feature: "stock" })
    }

    pub(crate) fn logits(&self, _: &TokenBatch<'_>, _: &Device) -> Result<Tensor> {
        Err(Error::MissingBackend { feature: "stock" })
    }
}
