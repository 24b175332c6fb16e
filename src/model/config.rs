//! A checkpoint's `config.json`, read through its recipe: sizes and switches, all resolved.

use std::path::Path;

use serde_json::Value;

use super::recipe::{Activation, Family, NormKind, PositionOffset, Recipe, Role, WindowLayers};
use super::rope::RopeScaling;
use crate::{Error, Result};

/// Sizes and switches of one network.
#[derive(Clone, Debug)]
pub struct ModelConfig {
    /// What `config.json` calls itself.
    pub model_type: String,
    /// D, the width of the residual stream.
    pub hidden: usize,
    /// The number of layers.
    pub layers: usize,
    /// H, the number of attention heads.
    pub heads: usize,
    /// K, the number of key and value heads.
    pub kv_heads: usize,
    /// The width of a head.
    pub head_dim: usize,
    /// The width inside the feed-forward part.
    pub intermediate: usize,
    /// V, the number of rows of the token embedding.
    pub vocabulary: usize,
    /// The longest sequence that the network was built for.
    pub max_positions: usize,
    /// The row of the position table where position 0 stands.
    pub position_offset: usize,
    /// The number of token types, where there are any.
    pub token_types: usize,
    /// The ε of the norms.
    pub norm_epsilon: f64,
    /// The activation of the feed-forward part.
    pub activation: Activation,
    /// θ of the rotary positions.
    pub rope_theta: f64,
    /// How rotary frequencies are stretched.
    pub rope_scaling: RopeScaling,
    /// Per layer, how many positions back it attends; `None` is all of them.
    pub windows: Vec<Option<usize>>,
    /// The linear maps with a bias.
    pub biased: Vec<Role>,
    /// Whether the head is the token embedding.
    pub tied_head: bool,
    /// Class names by index, for a classifier.
    pub classes: Vec<String>,
}

/// `config.json` with the path that its errors name.
struct Source<'a> {
    json: &'a Value,
    path: &'a Path,
}

impl Source<'_> {
    fn wrong(&self, reason: String) -> Error {
        Error::Checkpoint {
            path: self.path.into(),
            reason,
        }
    }

    fn present(&self, key: &str) -> Option<&Value> {
        self.json.get(key).filter(|value| !value.is_null())
    }

    fn size(&self, key: &str) -> Result<usize> {
        self.optional_size(key)?
            .ok_or_else(|| self.wrong(format!("`{key}` is missing")))
    }

    fn optional_size(&self, key: &str) -> Result<Option<usize>> {
        let Some(value) = self.present(key) else {
            return Ok(None);
        };
        match value.as_u64() {
            // Beyond any real network, and small enough that nothing made from it overflows or fills the memory.
            Some(size) if (1..=1 << 24).contains(&size) => Ok(Some(size as usize)),
            _ => Err(self.wrong(format!(
                "`{key}` must be an integer from 1 to 2^24, got {value}"
            ))),
        }
    }

    fn optional_number(&self, key: &str) -> Result<Option<f64>> {
        let Some(value) = self.present(key) else {
            return Ok(None);
        };
        value
            .as_f64()
            .map(Some)
            .ok_or_else(|| self.wrong(format!("`{key}` must be a number, got {value}")))
    }

    fn flag(&self, key: &str) -> bool {
        self.present(key).and_then(Value::as_bool).unwrap_or(false)
    }
}

impl ModelConfig {
    /// Reads `json`, the content of the file at `path`, through `recipe`.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when a size is missing, out of range or contradicts another.
    pub fn new(json: &Value, recipe: &Recipe, path: &Path) -> Result<Self> {
        let source = Source { json, path };
        let (keys, block) = (&recipe.config, &recipe.block);
        let hidden = source.size(&keys.hidden)?;
        let heads = source.size(&keys.heads)?;
        let kv_heads = source
            .optional_size("num_key_value_heads")?
            .unwrap_or(heads);
        let head_dim = match source.optional_size("head_dim")? {
            Some(head_dim) => head_dim,
            None if hidden % heads == 0 => hidden / heads,
            None => {
                return Err(source.wrong(format!(
                    "a width of {hidden} does not divide into {heads} heads"
                )));
            }
        };
        if heads % kv_heads != 0 {
            return Err(source.wrong(format!(
                "{heads} heads do not divide into {kv_heads} key and value heads"
            )));
        }
        let layers = source.size(&keys.layers)?;
        if layers > 1 << 12 {
            return Err(source.wrong(format!("{layers} layers are more than any network has")));
        }
        let activation = source
            .present(&keys.activation)
            .cloned()
            .unwrap_or(Value::Null);
        let activation = serde_json::from_value(activation.clone())
            .map_err(|_| source.wrong(format!("activation {activation} is not supported")))?;
        let norm_key = match block.norm {
            NormKind::Rms => "rms_norm_eps",
            NormKind::Layer => "layer_norm_eps",
        };
        let norm_epsilon = source.optional_number(norm_key)?.or(block.norm_epsilon);
        let position_offset = match block.position_offset {
            PositionOffset::Zero => 0,
            PositionOffset::AfterPadding => source.json["pad_token_id"]
                .as_u64()
                .map_or(2, |id| id.min(1 << 24) as usize + 1),
        };
        let (rope_theta, rope_scaling) = rope(&source)?;
        refuse_unsupported(&source, recipe)?;
        Ok(Self {
            model_type: json["model_type"].as_str().unwrap_or_default().into(),
            hidden,
            layers,
            heads,
            kv_heads,
            head_dim,
            intermediate: source.size(&keys.intermediate)?,
            vocabulary: source.size("vocab_size")?,
            max_positions: source.size("max_position_embeddings")?,
            position_offset,
            token_types: source.optional_size("type_vocab_size")?.unwrap_or(0),
            norm_epsilon: norm_epsilon
                .ok_or_else(|| source.wrong(format!("`{norm_key}` is missing")))?,
            activation,
            rope_theta,
            rope_scaling,
            windows: windows(&source, block.window, layers)?,
            biased: biased(&source, recipe),
            tied_head: source.flag("tie_word_embeddings"),
            classes: classes(&source)?,
        })
    }

    /// Whether `role` carries a bias.
    pub fn has_bias(&self, role: Role) -> bool {
        self.biased.contains(&role)
    }
}

/// Switches that change what a network computes and that no recipe knows: running on would answer something else.
fn refuse_unsupported(source: &Source<'_>, recipe: &Recipe) -> Result<()> {
    let refuse =
        |key: &str, value: &Value| Err(source.wrong(format!("`{key}` = {value} is not supported")));
    match source.present("position_embedding_type") {
        Some(kind) if kind != "absolute" => return refuse("position_embedding_type", kind),
        _ => {}
    }
    for holder in [
        Some(source.json),
        source.present("rope_parameters"),
        source.present("rope_scaling"),
    ] {
        match holder.and_then(|holder| holder.get("partial_rotary_factor")) {
            Some(share) if !share.is_null() && share.as_f64() != Some(1.0) => {
                return refuse("partial_rotary_factor", share);
            }
            _ => {}
        }
    }
    let architectures = source.json["architectures"]
        .as_array()
        .into_iter()
        .flatten();
    let heads = match recipe.family {
        Family::Decoder => ["ForCausalLM", "LMHeadModel"],
        Family::Encoder => ["ForSequenceClassification", "ForSequenceClassification"],
    };
    for name in architectures.filter_map(Value::as_str) {
        if !heads.iter().any(|head| name.ends_with(head)) {
            return Err(source.wrong(format!(
                "the architecture `{name}` is not supported; expected one that ends in `{}`",
                heads[0]
            )));
        }
    }
    Ok(())
}

fn biased(source: &Source<'_>, recipe: &Recipe) -> Vec<Role> {
    let switched = recipe
        .block
        .bias_when
        .iter()
        .filter(|(flag, _)| source.flag(flag))
        .flat_map(|(_, roles)| roles);
    recipe.block.bias.iter().chain(switched).copied().collect()
}

fn windows(source: &Source<'_>, which: WindowLayers, layers: usize) -> Result<Vec<Option<usize>>> {
    let switched = match which {
        WindowLayers::None => false,
        WindowLayers::All => true,
        WindowLayers::UpperLayers => source.flag("use_sliding_window"),
    };
    let first = match which {
        // The default of transformers, where a configuration leaves it out.
        WindowLayers::UpperLayers => {
            source.optional_number("max_window_layers")?.unwrap_or(28.0) as usize
        }
        _ => 0,
    };
    let window = source.optional_size("sliding_window")?;
    // Newer configurations name the kind of each layer; that list wins.
    let slides = |layer: usize| match source.json["layer_types"].get(layer) {
        Some(kind) => switched && kind == "sliding_attention",
        None => switched && layer >= first,
    };
    Ok((0..layers)
        .map(|layer| window.filter(|_| slides(layer)))
        .collect())
}

/// θ and scaling, in the classic keys or in `rope_parameters`.
fn rope(source: &Source<'_>) -> Result<(f64, RopeScaling)> {
    let nested = source
        .present("rope_parameters")
        .or_else(|| source.present("rope_scaling"))
        .unwrap_or(&Value::Null);
    let theta = source
        .optional_number("rope_theta")?
        .or_else(|| nested["rope_theta"].as_f64())
        .unwrap_or(10_000.0);
    if theta.is_nan() || theta <= 0.0 {
        return Err(source.wrong(format!("`rope_theta` must be positive, got {theta}")));
    }
    let scaling = RopeScaling::new(nested).map_err(|reason| source.wrong(reason))?;
    Ok((theta, scaling))
}

/// `id2label` by index, or `num_labels` numbered classes; transformers' own default is two.
fn classes(source: &Source<'_>) -> Result<Vec<String>> {
    let Some(labels) = source.present("id2label").and_then(Value::as_object) else {
        let count = source.optional_size("num_labels")?.unwrap_or(2);
        return Ok((0..count).map(|class| format!("LABEL_{class}")).collect());
    };
    if labels.is_empty() {
        return Err(source.wrong("`id2label` names no class".into()));
    }
    (0..labels.len())
        .map(|class| {
            labels
                .get(&class.to_string())
                .and_then(Value::as_str)
                .map(String::from)
        })
        .collect::<Option<_>>()
        .ok_or_else(|| source.wrong("`id2label` does not name the classes 0, 1, …".into()))
}
