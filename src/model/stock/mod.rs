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

use serde_json::{Value, json};

/// `config.json` with what the stock readers require and published files leave out or have elsewhere.
pub(crate) fn completed(config: &Value) -> Value {
    let mut config = config.clone();
    let nested = ["rope_parameters", "rope_scaling"].map(|key| config[key]["rope_theta"].clone());
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
