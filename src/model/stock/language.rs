//! Decoders: batches of equal length with a fresh cache each, since what a stock cache holds cannot be shared out.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{deepseek2, helium, mixtral, olmo, qwen2_moe, qwen3_moe};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ROPE_KEYS, completed};
use crate::model::tensors::all_finite;
use crate::model::{Checkpoint, TokenBatch, WeightFiles};
use crate::{Error, Result};

/// The values of `model_type` in `config.json` whose networks run this way; a test compares each with the reference.
pub const MODEL_TYPES: &[&str] = &[
    "mixtral",
    "qwen2_moe",
    "qwen3_moe",
    "deepseek_v2",
    "olmo",
    "helium",
];

/// One of the stock decoders. Each is kept with an empty cache and copied for every batch; weights are shared by the copies.
pub(crate) struct Language {
    kind: Kind,
    pub(crate) parameters: usize,
}

enum Kind {
    Mixtral(mixtral::Model),
    Qwen2Moe(qwen2_moe::Model),
    Qwen3Moe(qwen3_moe::ModelForCausalLM),
    /// It cannot be copied, so that its batches take turns.
    DeepSeek2(Box<Mutex<deepseek2::DeepSeekV2>>),
    Olmo(olmo::Model),
    Helium(helium::Model),
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stock decoder of {} parameters", self.parameters)
    }
}

impl Language {
    /// Loads the network of `checkpoint` in `dtype`.
    ///
    /// # Errors
    /// A key of the configuration that is missing or means what the stock network does not do, a tensor that is missing, of
    /// the wrong shape or not finite.
    pub(crate) fn load(checkpoint: &Checkpoint, device: &Device, dtype: DType) -> Result<Self> {
        let wrong = |reason: String| Error::Checkpoint {
            path: checkpoint.path.clone(),
            reason,
        };
        let model_type = checkpoint.config["model_type"].as_str().unwrap_or_default();
        refuse_unsupported(&checkpoint.config, model_type).map_err(wrong)?;
        let WeightFiles::Files(files) = &checkpoint.weights else {
            return Err(wrong("a stock network is loaded from a folder".into()));
        };
        let mut tensors = HashMap::new();
        for path in files {
            let loaded = candle_core::safetensors::load(path, &Device::Cpu);
            tensors.extend(loaded.map_err(Error::parse(path, "safetensors file"))?);
        }
        for (name, tensor) in &tensors {
            if !all_finite(&tensor.to_dtype(DType::F32)?) {
                return Err(wrong(format!(
                    "tensor `{name}` holds values that are not finite"
                )));
            }
        }
        let parameters = tensors.values().map(Tensor::elem_count).sum();
        let builder = VarBuilder::from_tensors(tensors, dtype, device);
        let config = completed(&checkpoint.config);
        let built = |error: candle_core::Error| wrong(format!("cannot be built: {error}"));
        fn read<T: DeserializeOwned>(config: Value) -> candle_core::Result<T> {
            serde_json::from_value(config).map_err(candle_core::Error::wrap)
        }
        let kind = match model_type {
            "mixtral" => read(config)
                .and_then(|config| mixtral::Model::new(&config, builder))
                .map(Kind::Mixtral),
            "qwen2_moe" => read(config)
                .and_then(|config| qwen2_moe::Model::new(&config, builder))
                .map(Kind::Qwen2Moe),
            "qwen3_moe" => read(config)
                .and_then(|config| qwen3_moe::ModelForCausalLM::new(&config, builder))
                .map(Kind::Qwen3Moe),
            "deepseek_v2" => read(config)
                .and_then(|config| deepseek2::DeepSeekV2::new(&config, builder))
                .map(|model| Kind::DeepSeek2(Box::new(Mutex::new(model)))),
            "olmo" => read(config)
                .and_then(|config| olmo::Model::new(&config, builder))
                .map(Kind::Olmo),
            "helium" => read(config)
                .and_then(|config| helium::Model::new(&config, builder))
                .map(Kind::Helium),
            other => return Err(wrong(format!("model type `{other}` has no stock network"))),
        };
        Ok(Self {
            kind: kind.map_err(built)?,
            parameters,
        })
    }

    /// The logits (B, R, V) in f32. The stock networks answer at the last token only, so that R passes are made.
    pub(crate) fn logits(&self, batch: &TokenBatch<'_>, device: &Device) -> Result<Tensor> {
        let (tokens, rows) = (batch.tokens, batch.ids.len() / batch.tokens);
        if batch.extra.is_some() {
            let sentence = "this network takes tokens only, no mean embedding";
            return Err(Error::Input(sentence.into()));
        }
        let in_order = |row: &[u32]| row.iter().enumerate().all(|(at, &p)| at == p as usize);
        if !batch.positions.chunks(tokens).all(in_order) {
            let sentence = "this network counts its positions itself, without gaps; use `remove` in place of `ignore`";
            return Err(Error::Input(sentence.into()));
        }
        let ids = Tensor::from_slice(&batch.ids, (rows, tokens), device)?;
        let at = |place: usize| -> Result<Tensor> {
            let ids = ids
                .narrow(1, 0, tokens - batch.read + 1 + place)?
                .contiguous()?;
            let logits = self.last(&ids)?.to_dtype(DType::F32)?;
            let outputs = logits.elem_count() / rows;
            Ok(logits.reshape((rows, 1, outputs))?)
        };
        let places: Vec<Tensor> = (0..batch.read).map(at).collect::<Result<_>>()?;
        Ok(Tensor::cat(&places, 1)?)
    }

    /// The logits at the last of `ids` (B, T).
    fn last(&self, ids: &Tensor) -> candle_core::Result<Tensor> {
        match &self.kind {
            Kind::Mixtral(model) => model.clone().forward(ids, 0),
            Kind::Qwen2Moe(model) => model.clone().forward(ids, 0),
            Kind::Qwen3Moe(model) => model.clone().forward(ids, 0),
            Kind::DeepSeek2(model) => {
                let mut model = model.lock().unwrap_or_else(PoisonError::into_inner);
                model.clear_kv_cache();
                model.forward(ids, 0)
            }
            Kind::Olmo(model) => model.clone().forward(ids, 0),
            Kind::Helium(model) => model.clone().forward(ids, 0),
        }
    }
}

/// What the stock networks read past: running on would answer something else.
fn refuse_unsupported(config: &Value, model_type: &str) -> Result<(), String> {
    let scaling = ROPE_KEYS
        .into_iter()
        .map(|key| (key, &config[key]))
        .find(|(_, scaling)| {
            let kind = [&scaling["rope_type"], &scaling["type"]];
            let named = kind.into_iter().find_map(Value::as_str);
            named.is_some_and(|kind| kind != "default")
        });
    match scaling {
        // DeepSeek's scaling is read, from the older key alone.
        Some((key, value)) if model_type != "deepseek_v2" || key != "rope_scaling" => {
            return Err(format!("`{key}` = {value} is not supported"));
        }
        _ => {}
    }
    if config["use_sliding_window"].as_bool() == Some(true) {
        return Err("`use_sliding_window` = true is not supported".into());
    }
    // The norm within DeepSeek's attention has 1e-6 by its definition, and what the configuration says in the stock network.
    match &config["rms_norm_eps"] {
        epsilon if model_type == "deepseek_v2" && epsilon.as_f64() != Some(1e-6) => Err(format!(
            "`rms_norm_eps` = {epsilon} is not supported; published checkpoints have 1e-6"
        )),
        _ => Ok(()),
    }
}
