//! Networks of candle-transformers that no recipe covers, each through a thin adapter: plain batches, nothing shared.
//!
//! Without the feature `stock` there are none, and the code behind is the same.

#[cfg(feature = "stock")]
mod language;
#[cfg(not(feature = "stock"))]
#[path = "absent.rs"]
mod language;

pub(crate) use language::Language;
pub use language::MODEL_TYPES;

use std::path::Path;

use serde_json::{Value, json};

use super::{ModelConfig, Recipe};
use crate::Result;

/// Where a configuration says how rotary positions are scaled: the name of today, and the one before.
pub(crate) const ROPE_KEYS: [&str; 2] = ["rope_parameters", "rope_scaling"];

/// The sizes of a stock network, in `config`, the content of the file at `path`: they have the names of Llama's. How its
/// positions are scaled is the network's own matter.
pub(crate) fn sizes(config: &Value, path: &Path) -> Result<ModelConfig> {
    let mut config = completed(config);
    for key in ROPE_KEYS {
        config[key] = Value::Null;
    }
    ModelConfig::sizes(&config, &Recipe::find("llama")?, path)
}

/// `config.json` with what the stock readers require and published files leave out or have elsewhere.
pub(crate) fn completed(config: &Value) -> Value {
    let mut config = config.clone();
    let nested = ROPE_KEYS.map(|key| config[key]["rope_theta"].clone());
    let longest = config["max_position_embeddings"].clone();
    let defaults = [
        ("rope_theta", nested.into_iter().find(Value::is_number)),
        ("rope_theta", Some(json!(10_000.0))),
        ("rms_norm_eps", Some(json!(1e-5))),
        ("attention_bias", Some(json!(false))),
        ("tie_word_embeddings", Some(json!(false))),
        ("use_flash_attn", Some(json!(false))),
        ("use_sliding_window", Some(json!(false))),
        ("max_window_layers", Some(json!(0))),
        // No window is a window over everything.
        ("sliding_window", Some(longest)),
    ];
    for (key, value) in defaults {
        if let (Value::Null, Some(value)) = (&config[key], value) {
            config[key] = value;
        }
    }
    config
}
