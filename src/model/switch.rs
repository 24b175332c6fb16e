//! The closed vocabulary of recipes: what a block can be built of.

use serde::Deserialize;

/// The kind of normalization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormKind {
    /// x / √(mean x² + ε) · w
    Rms,
    /// x / √(mean x² + ε) · (1 + w)
    RmsOnePlus,
    /// (x − mean x) / √(var x + ε) · w + b
    Layer,
}

/// Where a block normalizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormPlace {
    /// x + f(norm(x))
    Before,
    /// norm(x + f(x))
    After,
    /// x + norm(f(x))
    Outcome,
    /// x + norm(f(norm(x)))
    Around,
}

/// What is normalized of query and key before they meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadNorm {
    /// Nothing.
    #[default]
    None,
    /// Every head by itself.
    Head,
    /// All heads of a token together.
    Row,
}

/// How query, key and value lie in a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QkvLayout {
    /// Three maps.
    #[default]
    Separate,
    /// One map: all queries, all keys, all values.
    Stacked,
    /// One map: query, key and value of the first head, then of the second, …
    ByHead,
}

/// The feed-forward part of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MlpKind {
    /// down(act(gate(x)) ⊙ up(x))
    Gated,
    /// The same, gate and up being one map.
    GatedStacked,
    /// down(act(up(x)))
    Plain,
}

/// How positions enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// At row 2 of a table that has two rows more than `config.json` says.
    TwoMore,
}

/// Which layers attend within a sliding window only, where `config.json` gives one and does not name the layers.
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
    /// All but every second.
    AllButSecond,
    /// All but every sixth, or whatever `sliding_window_pattern` says.
    AllButSixth,
}

/// A number of `config.json` that the network is multiplied or capped by somewhere; each is known by the key that it has
/// there, and has no effect where the key is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// No key: the embeddings are multiplied by √D.
    RootWidth,
    /// What the embeddings are multiplied by.
    EmbeddingMultiplier,
    /// What scores are multiplied by, in place of 1/√d.
    AttentionMultiplier,
    /// Scores are multiplied by one over its root, in place of 1/√d.
    QueryPreAttnScalar,
    /// What attention and feed-forward part are multiplied by before they are added.
    ResidualMultiplier,
    /// What the logits are divided by.
    LogitsScaling,
    /// c: scores s become c·tanh(s/c).
    AttnLogitSoftcapping,
    /// c: logits z become c·tanh(z/c).
    FinalLogitSoftcapping,
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
    /// x·σ(1.702 x)
    QuickGelu,
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
    QueryKeyValue,
    AttentionOutput,
    AttentionOutcomeNorm,
    QueryNorm,
    KeyNorm,
    MlpNorm,
    Gate,
    Up,
    GateUp,
    Down,
    MlpOutcomeNorm,
    FinalNorm,
    Pooler,
    Head,
}
