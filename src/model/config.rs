//! A checkpoint's `config.json`, read through its recipe: sizes and switches, all resolved.

mod factors;
mod source;

use std::path::Path;

use serde_json::Value;

pub use factors::Factors;
use source::Source;

use super::recipe::{Family, Recipe};
use super::rope::{RopeConfig, RopeScaling};
use super::switch::{Activation, NormKind, PositionKind, PositionOffset, Role, WindowLayers};
use crate::Result;

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
    /// Rotary positions: of all layers, or of those without a window and of those with one.
    pub ropes: Vec<RopeConfig>,
    /// What the network is multiplied and capped by.
    pub factors: Factors,
    /// Whether attention and feed-forward part stand side by side.
    pub parallel: bool,
    /// Per layer, how many positions back it attends; `None` is all of them.
    pub windows: Vec<Option<usize>>,
    /// The linear maps with a bias.
    pub biased: Vec<Role>,
    /// Whether the head is the token embedding.
    pub tied_head: bool,
    /// Class names by index, for a classifier.
    pub classes: Vec<String>,
}

impl ModelConfig {
    /// Reads `json`, the content of the file at `path`, through `recipe`.
    ///
    /// # Errors
    /// [`Error::Checkpoint`](crate::Error::Checkpoint) when a size is missing, out of range or contradicts another.
    pub fn new(json: &Value, recipe: &Recipe, path: &Path) -> Result<Self> {
        let config = Self::sizes(json, recipe, path)?;
        refuse_unsupported(&Source { json, path }, recipe)?;
        Ok(config)
    }

    /// As [`ModelConfig::new`], whatever `json` says that the recipe does not know.
    pub(crate) fn sizes(json: &Value, recipe: &Recipe, path: &Path) -> Result<Self> {
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
        let norm_key = match (&keys.norm_epsilon, block.norm) {
            (Some(key), _) => key,
            (None, NormKind::Rms | NormKind::RmsOnePlus) => "rms_norm_eps",
            (None, NormKind::Layer) => "layer_norm_eps",
        };
        let norm_epsilon = source.optional_number(norm_key)?.or(block.norm_epsilon);
        let position_offset = match block.position_offset {
            PositionOffset::Zero => 0,
            PositionOffset::AfterPadding => source.json["pad_token_id"]
                .as_u64()
                .map_or(2, |id| id.min(1 << 24) as usize + 1),
            PositionOffset::TwoMore => 2,
        };
        let intermediate = match (source.optional_size(&keys.intermediate)?, block.widening) {
            (Some(size), _) => size,
            (None, Some(times)) => times * hidden,
            (None, None) => source.size(&keys.intermediate)?,
        };
        let ropes = ropes(&source, recipe, head_dim)?;
        let mut max_positions = source.size(&keys.max_positions)?;
        if block.position_offset == PositionOffset::TwoMore {
            max_positions += 2;
        }
        for rope in &ropes {
            if let RopeScaling::Long { original, .. } = rope.scaling {
                max_positions = max_positions.min(original);
            }
        }
        Ok(Self {
            model_type: json["model_type"].as_str().unwrap_or_default().into(),
            hidden,
            layers,
            heads,
            kv_heads,
            head_dim,
            intermediate,
            vocabulary: source.size("vocab_size")?,
            max_positions,
            position_offset,
            token_types: source.optional_size("type_vocab_size")?.unwrap_or(0),
            norm_epsilon: norm_epsilon
                .ok_or_else(|| source.wrong(format!("`{norm_key}` is missing")))?,
            activation,
            ropes,
            factors: Factors::new(&source, block, hidden, head_dim)?,
            parallel: match &keys.parallel {
                Some(key) => source.flag_or(key, true),
                None => false,
            },
            windows: windows(&source, block.window, layers)?,
            biased: biased(&source, recipe),
            tied_head: source.flag_or("tie_word_embeddings", block.tied_head),
            classes: classes(&source)?,
        })
    }

    /// Whether `role` carries a bias.
    pub fn has_bias(&self, role: Role) -> bool {
        self.biased.contains(&role)
    }

    /// Which of the rotary positions hold in layer `layer`.
    pub fn rope_of(&self, layer: usize) -> usize {
        usize::from(self.ropes.len() > 1 && self.windows[layer].is_some())
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
    for (key, expected) in &recipe.fixed {
        match source.present(key) {
            Some(value) if value != *expected => return refuse(key, value),
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
        WindowLayers::UpperLayers => source.flag("use_sliding_window"),
        WindowLayers::All | WindowLayers::AllButSecond | WindowLayers::AllButSixth => true,
    };
    let every = match which {
        WindowLayers::AllButSecond => 2,
        WindowLayers::AllButSixth => source.optional_size("sliding_window_pattern")?.unwrap_or(6),
        _ => usize::MAX,
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
        None => switched && layer >= first && !(layer + 1).is_multiple_of(every),
    };
    Ok((0..layers)
        .map(|layer| window.filter(|_| slides(layer)))
        .collect())
}

/// θ, share and scaling, in the classic keys or in `rope_parameters`, there once or by the kind of layer.
fn ropes(source: &Source<'_>, recipe: &Recipe, head_dim: usize) -> Result<Vec<RopeConfig>> {
    let (keys, block) = (&recipe.config, &recipe.block);
    let nested = source
        .present("rope_parameters")
        .or_else(|| source.present("rope_scaling"))
        .unwrap_or(&Value::Null);
    let all = nested.get("full_attention").unwrap_or(nested);
    let share = source
        .optional_number(&keys.rotary_share)?
        .or_else(|| all["partial_rotary_factor"].as_f64());
    let rotated = (share.or(block.rotary_share).unwrap_or(1.0) * head_dim as f64) as usize;
    if rotated != head_dim && block.rotary_share.is_none() {
        let (key, share) = (&keys.rotary_share, share.unwrap_or_default());
        return Err(source.wrong(format!("`{key}` = {share} is not supported")));
    }
    let rope = |key: &str, json: &Value| -> Result<RopeConfig> {
        let theta = source
            .optional_number(key)?
            .or_else(|| json["rope_theta"].as_f64())
            .unwrap_or(10_000.0);
        if theta.is_nan() || theta <= 0.0 {
            return Err(source.wrong(format!("`{key}` must be positive, got {theta}")));
        }
        let scaling = RopeScaling::new(json, source.json).map_err(|reason| source.wrong(reason))?;
        match &scaling {
            RopeScaling::Long { factors, .. } if factors.len() != rotated / 2 => {
                let (found, needed) = (factors.len(), rotated / 2);
                let sentence = format!("`short_factor` has {found} numbers; expected {needed}");
                return Err(source.wrong(sentence));
            }
            _ => {}
        }
        Ok(RopeConfig {
            theta,
            rotated,
            scaling,
        })
    };
    if block.positions != PositionKind::Rotary {
        return Ok(Vec::new());
    }
    if !(1..=head_dim).contains(&rotated) || !rotated.is_multiple_of(2) {
        return Err(source.wrong(format!(
            "of a head of {head_dim}, {rotated} components cannot be rotated"
        )));
    }
    let mut ropes = vec![rope(&keys.rope_theta, all)?];
    if let Some(key) = &block.local_rope_theta {
        ropes.push(rope(key, &nested["sliding_attention"])?);
    }
    Ok(ropes)
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
