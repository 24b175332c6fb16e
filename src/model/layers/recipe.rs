//! Networks that are a list of layers, as data: `models/*.toml` again, in a vocabulary of layers.
//!
//! Sizes are read off the tensors of the checkpoint, so that one recipe serves every depth and width of its family.

use serde::Deserialize;

use super::{InvertedRecipe, LabelsRecipe, PointwiseRecipe, TokensRecipe};
use crate::model::Activation;

/// All recipes, in the order in which `models list` prints them.
const SOURCES: [&str; 19] = [
    include_str!("../../../models/cifar_resnet.toml"),
    include_str!("../../../models/resnet.toml"),
    include_str!("../../../models/resnet_transformers.toml"),
    include_str!("../../../models/vgg_timm.toml"),
    include_str!("../../../models/vgg.toml"),
    include_str!("../../../models/alexnet.toml"),
    include_str!("../../../models/lenet.toml"),
    include_str!("../../../models/mlp.toml"),
    include_str!("../../../models/vit.toml"),
    include_str!("../../../models/vit_timm_distilled.toml"),
    include_str!("../../../models/vit_timm.toml"),
    include_str!("../../../models/deit.toml"),
    include_str!("../../../models/deit_teacher.toml"),
    include_str!("../../../models/dinov2.toml"),
    include_str!("../../../models/convnext.toml"),
    include_str!("../../../models/convnext_transformers.toml"),
    include_str!("../../../models/efficientnet.toml"),
    include_str!("../../../models/clip.toml"),
    include_str!("../../../models/siglip.toml"),
];

/// One family of networks: its layers, and what their tensors are called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerRecipe {
    /// The values of `architecture` in `config.json` that this recipe serves.
    #[serde(default)]
    pub architectures: Vec<String>,
    /// The values of `model_type` in `config.json` that it serves.
    #[serde(default)]
    pub model_types: Vec<String>,
    /// A tensor that tells this naming from others of the same name, where there are several.
    pub needs: Option<String>,
    /// Switches of `config.json` that this recipe does not serve.
    #[serde(default)]
    pub unless: Vec<String>,
    /// The part of `config.json` that speaks of the layers, where it has parts.
    pub part: Option<String>,
    /// The layers, first to last.
    pub layers: Vec<LayerKind>,
    /// The tower that turns texts into classes, for a network that compares images with texts.
    pub labels: Option<LabelsRecipe>,
}

/// A layer, or several that are called alike.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerKind {
    /// A convolution.
    Conv(ConvRecipe),
    /// `config.json` may name another activation, which then stands in place of all of these.
    Activation(Activation),
    /// The largest of a window.
    MaxPool {
        /// Rows and columns of the window.
        size: usize,
        /// Pixels from window to window.
        stride: usize,
        /// Rows and columns that count as −∞ at every side.
        #[serde(default)]
        padding: usize,
    },
    /// The mean over each of `size` × `size` parts of the image.
    AveragePool {
        /// Rows and columns of what comes out.
        size: usize,
    },
    /// (C, H, W) as one vector, channel by channel.
    Flatten,
    /// A linear map.
    Linear {
        /// What stands before `.weight` and `.bias`.
        name: String,
    },
    /// As many linear maps as the checkpoint has, `{i}` counting from 0, with an activation between them.
    Linears {
        /// What stands before `.weight` and `.bias`.
        name: String,
        /// The activation between them.
        activation: Activation,
    },
    /// Residual blocks, as many as the checkpoint has.
    Stage(StageRecipe),
    /// A layer norm over the channels of every pixel, ε being 1e-6.
    ChannelNorm {
        /// What stands before `.weight` and `.bias`.
        name: String,
    },
    /// A layer norm over a vector.
    VectorNorm {
        /// What stands before `.weight` and `.bias`.
        name: String,
        /// ε, where `config.json` has no `layer_norm_eps`.
        epsilon: f64,
    },
    /// Blocks of ConvNeXt.
    Pointwise(PointwiseRecipe),
    /// Blocks of EfficientNet.
    Inverted(InvertedRecipe),
    /// A vision transformer.
    Tokens(Box<TokensRecipe>),
    /// The convolutions of a numbered list, `{i}` being the number. One with running statistics behind it has a batch norm.
    /// Behind each stands a ReLU, which has a number and no tensors; where two numbers are without tensors, or at the end,
    /// the second one is a pool.
    Sequence {
        /// What stands before `.weight`.
        name: String,
        /// Rows and columns of zeros at every side of each convolution.
        padding: usize,
        /// Size and stride of a pool.
        pool: usize,
    },
}

/// A convolution, and the batch norm behind it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvRecipe {
    /// What stands before `.weight`, and before `.bias` where there is one.
    pub name: String,
    /// What stands before the tensors of its batch norm.
    pub norm: Option<String>,
    /// Pixels from window to window.
    #[serde(default = "one")]
    pub stride: usize,
    /// Rows and columns of zeros at every side.
    #[serde(default)]
    pub padding: usize,
    /// Whether every channel has a kernel of its own.
    #[serde(default)]
    pub depthwise: bool,
}

/// Residual blocks: act(convolutions(x) + shortcut(x)).
///
/// A block has the convolutions of the list that the checkpoint has, the activation between them, each padded so that the
/// size of the image stays.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageRecipe {
    /// What the names of a block begin with; `{i}` is the block.
    pub name: String,
    /// Names of the convolutions.
    pub convs: Vec<String>,
    /// Names of their batch norms.
    pub norms: Vec<String>,
    /// The stride of the first block, in its first convolution that is larger than a pixel, and in its shortcut.
    #[serde(default = "one")]
    pub stride: usize,
    /// What x goes through where its shape changes.
    pub shortcut: ShortcutRecipe,
}

/// What stands beside the convolutions of a residual block whose output has another shape than its input.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ShortcutRecipe {
    /// Every stride-th pixel, and channels of zeros on either side (He et al. 2016, option A).
    Pad,
    /// A convolution of one pixel with its batch norm (option B).
    Conv {
        /// Its name within the block.
        name: String,
        /// The name of its batch norm.
        norm: String,
    },
}

fn one() -> usize {
    1
}

impl LayerRecipe {
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

    /// The recipes for a `config.json`, by its `architecture` or its `model_type`; none for a network of another kind.
    pub fn find(config: &serde_json::Value) -> Vec<Self> {
        let named = |key: &str, names: &[String]| {
            config[key]
                .as_str()
                .is_some_and(|own| names.iter().any(|name| name == own))
        };
        let mut all = Self::all();
        all.retain(|recipe| {
            named("architecture", &recipe.architectures) || named("model_type", &recipe.model_types)
        });
        all
    }

    /// Every name that it serves.
    pub fn names(&self) -> Vec<String> {
        self.architectures
            .iter()
            .chain(&self.model_types)
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_parses_and_is_found_by_its_names() {
        for recipe in LayerRecipe::all() {
            assert!(!recipe.layers.is_empty());
            for name in &recipe.architectures {
                let found = LayerRecipe::find(&serde_json::json!({ "architecture": name }));
                assert!(found.iter().any(|found| found.names() == recipe.names()));
            }
        }
        assert!(LayerRecipe::find(&serde_json::json!({ "architecture": "swin" })).is_empty());
    }
}
