//! What differs between model families, as data: `models/*.toml`, parsed into a closed vocabulary.
//!
//! A recipe is an answer sheet: no expressions, no conditions, no inheritance. A family that needs a new mechanism adds a
//! variant here and its arm in the block; a family that does not adds one TOML file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::switch::{
    Activation, Factor, HeadNorm, MlpKind, NormKind, NormPlace, PositionKind, PositionOffset,
    QkvLayout, Role, WindowLayers,
};
use crate::{Error, Result};

/// All recipes, in the order in which `models list` prints them.
const SOURCES: &[&str] = &[
    include_str!("../../models/llama.toml"),
    include_str!("../../models/mistral.toml"),
    include_str!("../../models/qwen2.toml"),
    include_str!("../../models/qwen3.toml"),
    include_str!("../../models/gemma.toml"),
    include_str!("../../models/gemma2.toml"),
    include_str!("../../models/gemma3.toml"),
    include_str!("../../models/phi3.toml"),
    include_str!("../../models/olmo2.toml"),
    include_str!("../../models/granite.toml"),
    include_str!("../../models/gpt2.toml"),
    include_str!("../../models/gpt_neox.toml"),
    include_str!("../../models/opt.toml"),
    include_str!("../../models/phi.toml"),
    include_str!("../../models/starcoder2.toml"),
    include_str!("../../models/stablelm.toml"),
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
    /// What the names of all tensors begin with in some checkpoints of the family and not in others.
    #[serde(default)]
    pub optional_prefix: String,
    /// Switches of `config.json` that this recipe takes for granted: any other value is refused.
    #[serde(default)]
    pub fixed: BTreeMap<String, bool>,
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
    /// The longest sequence.
    pub max_positions: String,
    /// The ε of the norms; by default `rms_norm_eps` or `layer_norm_eps`.
    pub norm_epsilon: Option<String>,
    /// θ of the rotary positions.
    pub rope_theta: String,
    /// The share of a head that is rotated.
    pub rotary_share: String,
    /// Whether attention and feed-forward part stand side by side; yes where the key is absent.
    pub parallel: Option<String>,
}

impl Default for ConfigKeys {
    fn default() -> Self {
        Self {
            hidden: "hidden_size".into(),
            layers: "num_hidden_layers".into(),
            heads: "num_attention_heads".into(),
            intermediate: "intermediate_size".into(),
            activation: "hidden_act".into(),
            max_positions: "max_position_embeddings".into(),
            norm_epsilon: None,
            rope_theta: "rope_theta".into(),
            rotary_share: "partial_rotary_factor".into(),
            parallel: None,
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
    /// What is normalized of query and key.
    #[serde(default)]
    pub head_norm: HeadNorm,
    /// How query, key and value lie in the checkpoint.
    #[serde(default)]
    pub qkv: QkvLayout,
    /// Whether the linear maps of the blocks lie as (in, out) in the checkpoint.
    #[serde(default)]
    pub transposed: bool,
    /// The inner width in multiples of D where `config.json` does not carry it.
    pub widening: Option<usize>,
    /// The share of a head that is rotated where `config.json` does not carry it. Without, every head is rotated whole and
    /// another share refused.
    pub rotary_share: Option<f64>,
    /// θ of the layers with a window, where it is another: the key that carries it.
    pub local_rope_theta: Option<String>,
    /// What else the network is multiplied or capped by.
    #[serde(default)]
    pub factors: Vec<Factor>,
    /// Whether the head is the token embedding where `config.json` does not say.
    #[serde(default)]
    pub tied_head: bool,
    /// What stands between an encoder's pooler and its head.
    pub pooler_activation: Option<Activation>,
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
                .chain(super::stock::MODEL_TYPES.iter().map(ToString::to_string))
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
    fn what_is_folded_into_the_weights_of_a_part_is_not_normed_away_behind_it() {
        for recipe in Recipe::all() {
            let scaled = recipe.block.factors.contains(&Factor::ResidualMultiplier);
            let normed = !matches!(recipe.block.norm_at, NormPlace::Before | NormPlace::After);
            assert!(!(scaled && normed), "{:?}", recipe.model_types);
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
