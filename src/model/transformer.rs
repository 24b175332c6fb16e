//! Tokens → logits, for decoders and encoders: embeddings, blocks, and a head on the rows that are read.

use candle_core::{D, DType, Device, Tensor};

use super::block::Block;
use super::config::ModelConfig;
use super::linear::{Linear, capped};
use super::norm::Norm;
use super::recipe::{Family, Recipe};
use super::rope::{Angles, Rope};
use super::sight::{Rows, Sight};
use super::switch::{Activation, PositionKind, Role};
use super::weights::Weights;
use crate::Result;

/// Token sequences of one length, and which of their rows are read.
#[derive(Clone, Debug)]
pub struct TokenBatch<'a> {
    /// B·T token ids, row by row. The id V, one behind the vocabulary, stands for `extra`.
    pub ids: Vec<u32>,
    /// Positions: T that all rows share, or B·T.
    pub positions: Vec<u32>,
    /// T, the length of every sequence.
    pub tokens: usize,
    /// R: a decoder is read at the last R tokens; an encoder is always read at its first.
    pub read: usize,
    /// An embedding (D) that is no token's.
    pub extra: Option<&'a Tensor>,
}

/// A transformer as its recipe describes it.
#[derive(Clone, Debug)]
pub(crate) struct Transformer {
    family: Family,
    /// (V, D)
    embedding: Tensor,
    /// What its rows are multiplied by.
    embedding_factor: f64,
    learned: Option<LearnedPositions>,
    /// Rotary positions, of all layers or by kind of layer.
    ropes: Vec<Rope>,
    pub(crate) blocks: Vec<Block>,
    /// A decoder's norm in front of its head.
    final_norm: Option<Norm>,
    /// An encoder's dense layer in front of its head.
    pooler: Option<(Linear, Activation)>,
    head: Linear,
    /// c: logits z become c·tanh(z/c).
    logit_cap: Option<f64>,
}

/// What is added to a token's embedding, and the norm over the sum.
#[derive(Clone, Debug)]
struct LearnedPositions {
    /// (positions, D)
    table: Tensor,
    offset: usize,
    /// (D), the embedding of the first token type.
    token_type: Option<Tensor>,
    norm: Option<Norm>,
}

impl Transformer {
    pub(crate) fn load(
        weights: &mut Weights<'_>,
        recipe: &Recipe,
        config: &ModelConfig,
    ) -> Result<Self> {
        let embedding = weights.table(Role::TokenEmbedding, config.vocabulary)?;
        let decoder = recipe.family == Family::Decoder;
        let learned = recipe.block.positions == PositionKind::Learned;
        let blocks = (0..config.layers)
            .map(|layer| Block::load(weights, recipe, config, layer))
            .collect::<Result<_>>()?;
        let pooler = match recipe.block.pooler_activation {
            Some(activation) => Some((
                weights.linear(Role::Pooler, 0, config.hidden, config.hidden)?,
                activation,
            )),
            None => None,
        };
        let head = match recipe.family {
            Family::Decoder if config.tied_head => Linear {
                weight: embedding.clone(),
                bias: None,
            },
            Family::Decoder => weights
                .linear(Role::Head, 0, config.vocabulary, config.hidden)?
                .laid_out()?,
            Family::Encoder => {
                weights.linear(Role::Head, 0, config.classes.len(), config.hidden)?
            }
        };
        Ok(Self {
            family: recipe.family,
            learned: learned
                .then(|| LearnedPositions::load(weights, recipe, config))
                .transpose()?,
            ropes: config.ropes.iter().map(Rope::new).collect(),
            blocks,
            // What the logits are multiplied by goes into the norm: the head is linear, and may be the embedding.
            final_norm: match decoder {
                true => {
                    let norm = weights.norm(Role::FinalNorm, 0, config.hidden)?;
                    Some(norm.times(config.factors.logits)?)
                }
                false => None,
            },
            pooler,
            head,
            logit_cap: config.factors.logit_cap,
            embedding_factor: config.factors.embedding,
            embedding,
        })
    }

    /// The logits (B, R, C) in f32 of the rows that are read.
    pub(crate) fn logits(&self, batch: &TokenBatch<'_>, device: &Device) -> Result<Tensor> {
        let (tokens, rows) = (batch.tokens, batch.ids.len() / batch.tokens);
        let read = match self.family {
            Family::Decoder => Rows {
                start: tokens - batch.read,
                count: batch.read,
            },
            Family::Encoder => Rows { start: 0, count: 1 },
        };
        let shape: &[usize] = if batch.positions.len() == tokens {
            &[tokens]
        } else {
            &[rows, tokens]
        };
        let (mut x, angles) = self.enter(batch, shape, device)?;
        let sight = Sight {
            angles,
            causal: self.family == Family::Decoder,
            positions: batch.positions.clone(),
            tokens,
        };
        for (layer, block) in self.blocks.iter().enumerate() {
            // In the last layer only the rows that are read need more than keys and values.
            let last = layer + 1 == self.blocks.len();
            x = block.forward(
                &x,
                &sight,
                if last {
                    read
                } else {
                    Rows {
                        start: 0,
                        count: tokens,
                    }
                },
            )?;
        }
        self.answer(x)
    }

    /// What the blocks are given: embeddings (B, T, D), positions of `shape` added where they are learned, and the angles
    /// where they are rotary, for each kind of layer.
    pub(crate) fn enter(
        &self,
        batch: &TokenBatch<'_>,
        shape: &[usize],
        device: &Device,
    ) -> Result<(Tensor, Vec<Angles>)> {
        let mut x = self.embed(batch, device)?;
        if self.embedding_factor != 1.0 {
            x = (x * self.embedding_factor)?;
        }
        if let Some(learned) = &self.learned {
            x = learned.add(&x, &batch.positions, shape)?;
        }
        let angles = self.angles(&batch.positions, shape, x.dtype(), device)?;
        Ok((x, angles))
    }

    /// The rotary angles of `positions` for each kind of layer.
    pub(crate) fn angles(
        &self,
        positions: &[u32],
        shape: &[usize],
        dtype: DType,
        device: &Device,
    ) -> Result<Vec<Angles>> {
        let ropes = self.ropes.iter();
        ropes
            .map(|rope| rope.angles(positions, shape, dtype, device))
            .collect()
    }

    /// The number of logits.
    pub(crate) fn outputs(&self) -> Result<usize> {
        Ok(self.head.weight.dim(0)?)
    }

    /// (…, D) behind the blocks → logits (…, C) in f32.
    pub(crate) fn answer(&self, mut x: Tensor) -> Result<Tensor> {
        if let Some(norm) = &self.final_norm {
            x = norm.forward(&x)?;
        }
        if let Some((pooler, activation)) = &self.pooler {
            x = activation.forward(&pooler.forward(&x)?)?;
        }
        let logits = self.head.forward(&x)?.to_dtype(DType::F32)?;
        capped(logits, self.logit_cap)
    }

    /// (B, T, D)
    fn embed(&self, batch: &TokenBatch<'_>, device: &Device) -> Result<Tensor> {
        let (vocabulary, width) = self.embedding.dims2()?;
        let shape = (batch.ids.len() / batch.tokens, batch.tokens, width);
        // The place of `extra` is filled below; any other id beyond the vocabulary is the lookup's to refuse.
        let stands_for_extra = |id: u32| batch.extra.is_some() && id as usize == vocabulary;
        let known = batch
            .ids
            .iter()
            .map(|&id| if stands_for_extra(id) { 0 } else { id });
        let ids = Tensor::from_vec(known.collect::<Vec<u32>>(), batch.ids.len(), device)?;
        let x = self.embedding.index_select(&ids, 0)?;
        let x = match batch.extra {
            Some(extra) => {
                let beyond = batch.ids.iter().map(|&id| u8::from(stands_for_extra(id)));
                let beyond =
                    Tensor::from_vec(beyond.collect::<Vec<u8>>(), (batch.ids.len(), 1), device)?;
                beyond
                    .broadcast_as(x.shape())?
                    .where_cond(&extra.broadcast_as(x.shape())?, &x)?
            }
            None => x,
        };
        Ok(x.reshape(shape)?)
    }

    /// The mean (D) of all token embeddings.
    pub(crate) fn mean_embedding(&self) -> Result<Tensor> {
        // In half precision the sum over a vocabulary would stall long before its end.
        let mean = self.embedding.to_dtype(DType::F32)?.mean(0)?;
        Ok(mean.to_dtype(self.embedding.dtype())?)
    }
}

impl LearnedPositions {
    fn load(weights: &mut Weights<'_>, recipe: &Recipe, config: &ModelConfig) -> Result<Self> {
        let normed = recipe.tensors.contains_key(&Role::EmbeddingNorm);
        let token_type = match config.token_types {
            0 => None,
            count => Some(weights.table(Role::TypeEmbedding, count)?.get(0)?),
        };
        Ok(Self {
            table: weights.table(Role::PositionEmbedding, config.max_positions)?,
            offset: config.position_offset,
            token_type,
            norm: normed
                .then(|| weights.norm(Role::EmbeddingNorm, 0, config.hidden))
                .transpose()?,
        })
    }

    fn add(&self, x: &Tensor, positions: &[u32], shape: &[usize]) -> Result<Tensor> {
        let rows: Vec<u32> = positions
            .iter()
            .map(|position| position + self.offset as u32)
            .collect();
        let rows = Tensor::from_vec(rows, positions.len(), x.device())?;
        let added = self
            .table
            .index_select(&rows, 0)?
            .reshape([shape, &[x.dim(D::Minus1)?]].concat())?;
        let x = x.broadcast_add(&added)?;
        let x = match &self.token_type {
            Some(token_type) => x.broadcast_add(token_type)?,
            None => x,
        };
        match &self.norm {
            Some(norm) => norm.forward(&x),
            None => Ok(x),
        }
    }
}
