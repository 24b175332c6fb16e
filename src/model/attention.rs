//! One attention for every family: causal or not, grouped heads, sliding windows, normalized heads.

use candle_core::{D, DType, Device, Tensor};

use super::config::ModelConfig;
use super::linear::{Linear, capped};
use super::norm::Norm;
use super::recipe::Recipe;
use super::rope::Angles;
use super::switch::{HeadNorm, QkvLayout, Role};
use super::weights::Weights;
use crate::Result;
use crate::ops::{Query, Scoring, Span, tree_attention};

/// Added to the score of a key that may not be seen: far below any score, and finite, so that no row becomes NaN.
const HIDDEN: f32 = -1e30;

/// The attention of one layer.
#[derive(Clone, Debug)]
pub(crate) struct Attention {
    /// To all queries, all keys and all values.
    all: Linear,
    /// The parts of `all`.
    query: Linear,
    key_value: Linear,
    output: Linear,
    head_norm: HeadNorm,
    /// Norms of query and key.
    norms: Option<(Norm, Norm)>,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    /// What scores are multiplied by.
    scale: f64,
    /// c: scores s become c·tanh(s/c).
    cap: Option<f64>,
    pub(crate) window: Option<usize>,
    /// Which of the network's rotary positions this layer has.
    rope: usize,
}

/// Which tokens of a sequence a layer computes: all of them as keys and values, these as queries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) start: usize,
    pub(crate) count: usize,
}

/// What the positions of a batch mean to every layer.
pub(crate) struct Sight {
    /// Rotary angles for each kind of layer, where positions are rotary.
    pub(crate) angles: Vec<Angles>,
    /// Whether a token sees only itself and the tokens before it.
    pub(crate) causal: bool,
    /// The positions of the tokens: one row of T that all share, or B rows.
    pub(crate) positions: Vec<u32>,
    /// T
    pub(crate) tokens: usize,
}

impl Sight {
    /// What is added to the scores (B or 1, 1, 1, queries, T) for a layer with this window; `None` when all is seen.
    ///
    /// A key is seen when it stands at or before the query and, under a window of w, fewer than w positions back.
    pub(crate) fn hidden(
        &self,
        window: Option<usize>,
        rows: Rows,
        device: &Device,
    ) -> Result<Option<Tensor>> {
        let span = |row: &[u32]| {
            row.iter()
                .max()
                .zip(row.iter().min())
                .map_or(0, |(max, min)| (max - min) as usize)
        };
        let narrow = window.filter(|&window| {
            self.positions
                .chunks(self.tokens)
                .any(|row| span(row) >= window)
        });
        if !self.causal || (rows.count == 1 && rows.start + 1 == self.tokens && narrow.is_none()) {
            return Ok(None);
        }
        // Without a window only the order counts, and that is the same in every row.
        let distinct = if narrow.is_some() {
            self.positions.len() / self.tokens
        } else {
            1
        };
        let mut values = Vec::with_capacity(distinct * rows.count * self.tokens);
        for row in self.positions.chunks(self.tokens).take(distinct) {
            for query in rows.start..rows.start + rows.count {
                values.extend((0..self.tokens).map(|key| {
                    let near = narrow.is_none_or(|window| {
                        ((row[query] - row[key.min(query)]) as usize) < window
                    });
                    if key <= query && near { 0.0 } else { HIDDEN }
                }));
            }
        }
        Ok(Some(Tensor::from_vec(
            values,
            (distinct, 1, 1, rows.count, self.tokens),
            device,
        )?))
    }
}

impl Attention {
    pub(crate) fn load(
        weights: &mut Weights<'_>,
        recipe: &Recipe,
        config: &ModelConfig,
        layer: usize,
    ) -> Result<Self> {
        let (hidden, d) = (config.hidden, config.head_dim);
        let (q, kv) = (config.heads * d, config.kv_heads * d);
        let apart = [(Role::Query, q), (Role::Key, kv), (Role::Value, kv)];
        let together = [(Role::QueryKeyValue, q + 2 * kv)];
        let all = match recipe.block.qkv {
            QkvLayout::Separate => weights.stacked(&apart, layer, hidden)?,
            QkvLayout::Stacked => weights.stacked(&together, layer, hidden)?,
            QkvLayout::ByHead => {
                let all = weights.stacked(&together, layer, hidden)?;
                let sorted = |rows: &Tensor| -> candle_core::Result<Tensor> {
                    let by_head = [&[config.heads, 3, d], &rows.dims()[1..]].concat();
                    rows.reshape(by_head)?
                        .transpose(0, 1)?
                        .reshape(rows.shape())
                };
                Linear {
                    weight: sorted(&all.weight)?,
                    bias: all.bias.as_ref().map(sorted).transpose()?,
                }
            }
        };
        let widths = match recipe.block.head_norm {
            HeadNorm::None => None,
            HeadNorm::Head => Some((d, d)),
            HeadNorm::Row => Some((q, kv)),
        };
        let norms = match widths {
            Some((query, key)) => Some((
                weights.norm(Role::QueryNorm, layer, query)?,
                weights.norm(Role::KeyNorm, layer, key)?,
            )),
            None => None,
        };
        Ok(Self {
            query: all.outputs(0..q)?,
            key_value: all.outputs(q..q + 2 * kv)?,
            all,
            output: weights
                .linear(Role::AttentionOutput, layer, hidden, q)?
                .times(config.factors.residual)?,
            head_norm: recipe.block.head_norm,
            norms,
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: d,
            scale: config.factors.attention,
            cap: config.factors.score_cap,
            window: config.windows[layer],
            rope: config.rope_of(layer),
        })
    }

    /// (B, T, D) → (B, `rows.count`, D); keys and values of all tokens, queries of `rows` only.
    pub(crate) fn forward(&self, x: &Tensor, sight: &Sight, rows: Rows) -> Result<Tensor> {
        let (batch, tokens, _) = x.dims3()?;
        let (kv, group, d) = (self.kv_heads, self.heads / self.kv_heads, self.head_dim);
        let (q, k) = (self.heads * d, kv * d);
        let (query, key, value) = if rows.count == tokens {
            let all = self.all.forward(x)?;
            (
                all.narrow(D::Minus1, 0, q)?,
                all.narrow(D::Minus1, q, k)?,
                all.narrow(D::Minus1, q + k, k)?,
            )
        } else {
            let asked = x.narrow(1, rows.start, rows.count)?.contiguous()?;
            let key_value = self.key_value.forward(x)?;
            (
                self.query.forward(&asked)?,
                key_value.narrow(D::Minus1, 0, k)?,
                key_value.narrow(D::Minus1, k, k)?,
            )
        };
        let split = |y: Tensor, heads: usize| -> Result<Tensor> {
            let tokens = y.dim(1)?;
            Ok(y.reshape((batch, tokens, heads, d))?
                .transpose(1, 2)?
                .contiguous()?)
        };
        let norms = self.norms.as_ref();
        let mut query = split(self.normed(query, norms.map(|norms| &norms.0))?, self.heads)?;
        let mut key = split(self.normed(key, norms.map(|norms| &norms.1))?, kv)?;
        let value = split(value, kv)?;
        if let Some(angles) = sight.angles.get(self.rope) {
            query = angles.narrow(rows.start, rows.count)?.rotate(&query)?;
            key = angles.rotate(&key)?;
        }
        // Query heads that share a key head become rows of one product: keys and values are never repeated.
        let query = (query.reshape((batch, kv, group * rows.count, d))? * self.scale)?;
        let scores = query.matmul(&key.t()?)?.to_dtype(DType::F32)?;
        let scores = capped(scores, self.cap)?;
        let scores = match sight.hidden(self.window, rows, x.device())? {
            Some(hidden) => scores
                .reshape((batch, kv, group, rows.count, tokens))?
                .broadcast_add(&hidden)?
                .reshape(scores.shape())?,
            None => scores,
        };
        let weights = candle_nn::ops::softmax(&scores, D::Minus1)?.to_dtype(x.dtype())?;
        let seen = weights
            .matmul(&value)?
            .reshape((batch, self.heads, rows.count, d))?;
        self.output.forward(
            &seen
                .transpose(1, 2)?
                .reshape((batch, rows.count, self.heads * d))?,
        )
    }

    /// `x` (…, heads·d) under `norm`, over each head or over all.
    fn normed(&self, x: Tensor, norm: Option<&Norm>) -> Result<Tensor> {
        let Some(norm) = norm else {
            return Ok(x);
        };
        match self.head_norm {
            HeadNorm::None | HeadNorm::Row => norm.forward(&x),
            HeadNorm::Head => {
                let by_head = (x.elem_count() / self.head_dim, self.head_dim);
                Ok(norm
                    .forward(&x.contiguous()?.reshape(by_head)?)?
                    .reshape(x.shape())?)
            }
        }
    }

    /// Keys and values (P, K·d) in f32 of tokens `x` (P, D) that later branches will see, each at its own angles.
    pub(crate) fn remember(&self, x: &Tensor, angles: &[Angles]) -> Result<(Tensor, Tensor)> {
        let k = self.kv_heads * self.head_dim;
        let key_value = self.key_value.forward(x)?;
        self.kept(
            &key_value.narrow(1, 0, k)?,
            &key_value.narrow(1, k, k)?,
            angles,
        )
    }

    fn kept(&self, key: &Tensor, value: &Tensor, angles: &[Angles]) -> Result<(Tensor, Tensor)> {
        let norm = self.norms.as_ref().map(|(_, key_norm)| key_norm);
        let key = self.turned(key, norm, angles)?.to_dtype(DType::F32)?;
        Ok((key, value.to_dtype(DType::F32)?.contiguous()?))
    }

    /// Queries (Q, H·d) of tokens `x` (Q, D), each at its own angles.
    pub(crate) fn ask(&self, x: &Tensor, angles: &[Angles]) -> Result<Tensor> {
        let norm = self.norms.as_ref().map(|(query_norm, _)| query_norm);
        self.turned(&self.query.forward(x)?, norm, angles)
    }

    /// Queries, and keys and values, of the same tokens: [`Self::ask`] and [`Self::remember`] in one product.
    pub(crate) fn ask_and_remember(
        &self,
        x: &Tensor,
        angles: &[Angles],
    ) -> Result<(Tensor, (Tensor, Tensor))> {
        let (q, k) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let all = self.all.forward(x)?;
        let norm = self.norms.as_ref().map(|(query_norm, _)| query_norm);
        let query = self.turned(&all.narrow(1, 0, q)?, norm, angles)?;
        let kept = self.kept(&all.narrow(1, q, k)?, &all.narrow(1, q + k, k)?, angles)?;
        Ok((query, kept))
    }

    /// What the queries (Q, H·d) see of the branches → (Q, D). `sources` holds keys and values of this layer.
    pub(crate) fn look(
        &self,
        asked: &Tensor,
        sources: &[(Tensor, Tensor)],
        branches: &[Vec<Span>],
        queries: &[Query],
    ) -> Result<Tensor> {
        let scoring = Scoring {
            head_dim: self.head_dim,
            scale: self.scale as f32,
            cap: self.cap.map(|cap| cap as f32),
        };
        let seen = tree_attention(asked, sources, branches, queries, scoring)?;
        self.output.forward(&seen)
    }

    /// Heads (P, heads·d), normed and rotated.
    fn turned(&self, x: &Tensor, norm: Option<&Norm>, angles: &[Angles]) -> Result<Tensor> {
        let (tokens, width) = x.dims2()?;
        let heads = self.normed(x.contiguous()?, norm)?;
        let Some(angles) = angles.get(self.rope) else {
            return Ok(heads);
        };
        let heads = heads.reshape((tokens, 1, width / self.head_dim, self.head_dim))?;
        Ok(angles.rotate_each(&heads)?.reshape((tokens, width))?)
    }
}
