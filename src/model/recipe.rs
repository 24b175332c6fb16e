//! What differs between model families, as data: `models/*.toml`, parsed into a closed vocabulary.
//!
//! A recipe is an answer sheet: no expressions, no conditions, no inheritance. A family that needs a new mechanism adds a
//! variant here and its arm in the block; a family that does not adds one TOML file.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Error, Result};

/// All recipes, in the order in which `models list` prints them.
const SOURCES: [&str; 7] = [
    include_str!("../../models/llama.toml"),
    include_str!("../../models/mistral.toml"),
    include_str!("../../models/qwen2.toml"),
    include_str!("../../models/qwen3.toml"),
    include_str!("../../models/bert.toml"),
    include_str!("../../models/distilbert.toml"),
    include_str!("../../models/roberta.toml"),
];

/// One family of networks: how its block is built, what its `config.json` and its tensors are called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What the network answers.
    pub family: Family,
    /// The values of `model_type` in `config.json` that this recipe serves.
    pub model_types: Vec<String>,
    /// Names of the sizes in `config.json`.
    #[serde(default)]
    pub config: ConfigKeys,
    /// How a layer is built.
    pub block: BlockRecipe,
    /// Where each tensor stands in the checkpoint; `{i}` is the layer.
    pub tensors: BTreeMap<Role, String>,
}

/// What a network answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Reads left to right; logits over the vocabulary for the next token.
    Decoder,
    /// Reads both ways; logits over classes.
    Encoder,
}

/// Names of the sizes in `config.json`, those of most families by default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigKeys {
    /// D, the width of the residual stream.
    pub hidden: String,
    /// The number of layers.
    pub layers: String,
    /// H, the number of attention heads.
    pub heads: String,
    /// The width inside the feed-forward part.
    pub intermediate: String,
    /// The activation function.
    pub activation: String,
}

impl Default for ConfigKeys {
    fn default() -> Self {
        Self {
            hidden: "hidden_size".into(),
            layers: "num_hidden_layers".into(),
            heads: "num_attention_heads".into(),
            intermediate: "intermediate_size".into(),
            activation: "hidden_act".into(),
        }
    }
}

/// How a layer is built.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockRecipe {
    /// The kind of normalization.
    pub norm: NormKind,
    /// Where the normalization stands.
    pub norm_at: NormPlace,
    /// The ε of the norms where `config.json` does not carry it.
    pub norm_epsilon: Option<f64>,
    /// The feed-forward part.
    pub mlp: MlpKind,
    /// How positions enter.
    pub positions: PositionKind,
    /// Where learned positions begin.
    #[serde(default)]
    pub position_offset: PositionOffset,
    /// The linear maps that always carry a bias.
    #[serde(default)]
    pub bias: Vec<Role>,
    /// The linear maps that carry a bias where this flag of `config.json` is set.
    #[serde(default)]
    pub bias_when: BTreeMap<String, Vec<Role>>,
    /// Which layers attend within a sliding window only.
    #[serde(default)]
    pub window: WindowLayers,
    /// Whether every head of query and key is normalized.
    #[serde(default)]
    pub head_norm: bool,
    /// What stands between an encoder's pooler and its head.
    pub pooler_activation: Option<Activation>,
}

/// The kind of normalization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NormKind {
    /// x / √(mean x² + ε) · w
    Rms,
    /// (x − mean x) / √(var x + ε) · w + b
    Layer,
}

/// Where a block normalizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NormPlace {
    /// x + f(norm(x))
    Before,
    /// norm(x + f(x))
    After,
}

/// The feed-forward part of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MlpKind {
    /// down(act(gate(x)) ⊙ up(x))
    Gated,
    /// down(act(up(x)))
    Plain,
}

/// How positions enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PositionKind {
    /// Queries and keys are rotated by their position.
    Rotary,
    /// A learned vector per position is added to the embedding.
    Learned,
}

/// Where learned positions begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionOffset {
    /// At row 0 of the table.
    #[default]
    Zero,
    /// At the row behind the padding token's id.
    AfterPadding,
}

/// Which layers attend within a sliding window only, where `config.json` gives one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowLayers {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// Those from `max_window_layers` up, where `use_sliding_window` is set.
    UpperLayers,
}

/// Activation functions, by the names of published configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// x·σ(x)
    #[serde(alias = "swish")]
    Silu,
    /// x·Φ(x), exact
    Gelu,
    /// The tanh approximation of `gelu`.
    #[serde(alias = "gelu_pytorch_tanh", alias = "gelu_fast")]
    GeluNew,
    /// max(x, 0)
    Relu,
    /// tanh x
    Tanh,
}

/// What a tensor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Role {
    TokenEmbedding,
    PositionEmbedding,
    TypeEmbedding,
    EmbeddingNorm,
    AttentionNorm,
    Query,
    Key,
    Value,
    AttentionOutput,
    QueryNorm,
    KeyNorm,
    MlpNorm,
    Gate,
    Up,
    Down,
    FinalNorm,
    Pooler,
    Head,
}

impl Recipe {
    /// All recipes that this build knows.
    ///
    /// # Panics
    /// If an embedded recipe is malformed, which a test excludes.
    pub fn all() -> Vec<Self> {
        SOURCES
            .iter()
            .map(|source| toml::from_str(source).expect("embedded recipes are tested"))
            .collect()
    }

    /// The recipe for `model_type`.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], which lists the model types that have one.
    pub fn find(model_type: &str) -> Result<Self> {
        let all = Self::all();
        let known = || {
            all.iter()
                .flat_map(|recipe| recipe.model_types.clone())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let unknown = Error::UnknownModel {
            found: model_type.into(),
            known: known(),
        };
        all.into_iter()
            .find(|recipe| recipe.model_types.iter().any(|known| known == model_type))
            .ok_or(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_parses_and_is_found_by_its_model_types() {
        for recipe in Recipe::all() {
            for model_type in &recipe.model_types {
                assert_eq!(
                    Recipe::find(model_type).expect("known").family,
                    recipe.family
                );
            }
        }
    }

    #[test]
    fn an_unknown_model_type_lists_the_known_ones() {
        let message = Recipe::find("mamba").expect_err("no recipe").to_string();
        assert!(
            message.starts_with("model type `mamba` has no recipe; known: llama, mistral"),
            "{message}"
        );
    }
}
