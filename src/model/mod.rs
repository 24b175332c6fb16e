//! Networks: token ids, pixels or columns in, logits out. This module has never heard of a coalition.
//!
//! In comes a [`Checkpoint`], a folder in Hugging Face layout or the demo model that is built in; its `config.json`
//! chooses the [`Recipe`]. Out goes a [`Model`] whose [`Model::logits`] answers a [`TokenBatch`], or, for a network of numbers, by
//! its [`LayerRecipe`] a [`FeatureModel`].
//!
//! Tensor letters: B sequences in a batch, T tokens, R rows read, D width, H heads, K key heads, V vocabulary, C classes.

mod attention;
mod block;
mod checkpoint;
mod config;
pub mod hub;
mod layers;
mod linear;
mod norm;
mod recipe;
mod rope;
mod sight;
pub mod stock;
mod switch;
mod tensors;
mod transformer;
pub mod trie;
mod waves;
mod weights;

pub use checkpoint::{Checkpoint, WeightFiles};
pub use config::{Factors, ModelConfig};
pub use layers::{
    ConvRecipe, FeatureModel, InvertedRecipe, Labels, LabelsRecipe, LayerKind, LayerRecipe,
    PointwiseRecipe, PooledRecipe, Shape, ShortcutRecipe, StageRecipe, TokensRead, TokensRecipe,
};
pub use recipe::{BlockRecipe, ConfigKeys, Family, Recipe};
pub use rope::{RopeConfig, RopeScaling};
pub use switch::{
    Activation, Factor, HeadNorm, MlpKind, NormKind, NormPlace, PositionKind, PositionOffset,
    QkvLayout, Role, WindowLayers,
};
pub use transformer::TokenBatch;
pub use trie::Trie;
pub use waves::{Budget, Reads};

use candle_core::{DType, Device, Tensor};

use crate::{Error, Result};
use stock::Language;
use transformer::Transformer;
use weights::Weights;

/// A network on a device, ready to answer.
#[derive(Debug)]
pub struct Model {
    network: Network,
    config: ModelConfig,
    family: Family,
    parameters: usize,
    device: Device,
    dtype: DType,
}

#[derive(Debug)]
enum Network {
    /// By a recipe.
    Own(Box<Transformer>),
    /// Of candle-transformers.
    Stock(Language),
}

impl Model {
    /// Loads `checkpoint` onto `device` in `dtype`, whatever the dtype on disk.
    ///
    /// # Errors
    /// A model type without recipe, a size that is missing, a tensor that is missing, of the wrong shape or not finite, a
    /// damaged file.
    pub fn load(checkpoint: &Checkpoint, device: &Device, dtype: DType) -> Result<Self> {
        let model_type = checkpoint.config["model_type"].as_str().unwrap_or("(none)");
        let path = checkpoint.path.join("config.json");
        let (network, config, family, parameters) = if stock::MODEL_TYPES.contains(&model_type) {
            let config = stock::sizes(&checkpoint.config, &path)?;
            let network = Language::load(checkpoint, device, dtype)?;
            let parameters = network.parameters;
            (Network::Stock(network), config, Family::Decoder, parameters)
        } else {
            let recipe = Recipe::find(model_type)?;
            let config = ModelConfig::new(&checkpoint.config, &recipe, &path)?;
            let mut weights = Weights::open(checkpoint, &recipe, &config, device, dtype)?;
            let network = Transformer::load(&mut weights, &recipe, &config)?;
            let (network, parameters) = (Network::Own(Box::new(network)), weights.parameters());
            (network, config, recipe.family, parameters)
        };
        Ok(Self {
            network,
            family,
            parameters,
            config,
            device: device.clone(),
            dtype,
        })
    }

    /// The logits (B, R, C) in f32: over the vocabulary at the last R tokens of a decoder, over the classes of an encoder
    /// (R = 1).
    ///
    /// # Errors
    /// Whatever the device refuses, out of memory above all.
    ///
    /// # Panics
    /// If the ids are no multiple of T, or a decoder is read at more tokens than it is given.
    pub fn logits(&self, batch: &TokenBatch<'_>) -> Result<Tensor> {
        assert!(
            batch.tokens > 0 && batch.ids.len().is_multiple_of(batch.tokens),
            "sequences have one length"
        );
        assert!(
            (1..=batch.tokens).contains(&batch.read),
            "a decoder is read at its own tokens"
        );
        match &self.network {
            Network::Own(network) => network.logits(batch, &self.device),
            Network::Stock(network) => network.logits(batch, &self.device),
        }
    }

    /// Whether [`Model::read_trie`] runs: for decoders by recipe.
    pub fn takes_tries(&self) -> bool {
        self.family == Family::Decoder && matches!(self.network, Network::Own(_))
    }

    /// `answer(place, logits)` for each of the R tokens at which each sequence of `trie` is read, place 0 first; the logits
    /// (V) are those of [`Model::logits`]. Each distinct prefix goes through the network once, `budget` of them at a time.
    ///
    /// # Cost
    /// The floating-point operations of [`Trie::ids`] token positions and of the head where something is read; memory for
    /// some multiple of the budget times the depth of the trie.
    ///
    /// # Errors
    /// Whatever the device refuses.
    ///
    /// # Panics
    /// If the network is not one that [takes tries](Model::takes_tries).
    pub fn read_trie<T: Send>(
        &self,
        trie: &Trie,
        extra: Option<&Tensor>,
        budget: Budget,
        answer: impl Fn(usize, &[f32]) -> T + Sync,
    ) -> Result<Reads<T>> {
        match &self.network {
            Network::Own(network) if self.takes_tries() => {
                network.read_trie(trie, extra, budget, &self.device, answer)
            }
            _ => panic!(
                "an encoder's tokens see what follows them, and a stock network shares nothing"
            ),
        }
    }

    /// The mean (D) of all token embeddings.
    ///
    /// # Errors
    /// A stock network, which takes tokens only; whatever the device refuses.
    pub fn mean_embedding(&self) -> Result<Tensor> {
        match &self.network {
            Network::Own(network) => network.mean_embedding(),
            Network::Stock(_) => Err(Error::Input(
                "this network takes tokens only, no mean embedding".into(),
            )),
        }
    }

    /// Sizes and switches.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// What the network answers.
    pub fn family(&self) -> Family {
        self.family
    }

    /// How many numbers were loaded.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Where it runs.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The dtype of weights and activations.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The longest sequence, in tokens, that the network was built for.
    pub fn max_tokens(&self) -> usize {
        self.config
            .max_positions
            .saturating_sub(self.config.position_offset)
    }
}
