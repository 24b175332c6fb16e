//! One attention for every family: causal or not, grouped heads, sliding windows, normalized heads.

use candle_core::{D, DType, Device, Tensor};

use super::linear::Linear;
use super::norm::Norm;
use super::rope::Angles;
use crate::Result;
use crate::ops::{Query, Span, tree_attention};

/// Added to the score of a key that may not be seen: far below any score, and finite, so that no row becomes NaN.
const HIDDEN: f32 = -1e30;

/// The attention of one layer.
#[derive(Clone, Debug)]
pub(crate) struct Attention {
    pub(crate) query: Linear,
    pub(crate) key: Linear,
    pub(crate) value: Linear,
    pub(crate) output: Linear,
    /// Norms of each head of query and key.
    pub(crate) head_norms: Option<(Norm, Norm)>,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) window: Option<usize>,
}

/// Which tokens of a sequence a layer computes: all of them as keys and values, these as queries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) start: usize,
    pub(crate) count: usize,
}

/// What the positions of a batch mean to every layer.
pub(crate) struct Sight {
    /// Rotary angles, where positions are rotary.
    pub(crate) angles: Option<Angles>,
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
    /// (B, T, D) → (B, `rows.count`, D); keys and values of all tokens, queries of `rows` only.
    pub(crate) fn forward(&self, x: &Tensor, sight: &Sight, rows: Rows) -> Result<Tensor> {
        let (batch, tokens, _) = x.dims3()?;
        let (kv, group, d) = (self.kv_heads, self.heads / self.kv_heads, self.head_dim);
        let split = |y: Tensor, tokens: usize, heads: usize| -> Result<Tensor> {
            Ok(y.reshape((batch, tokens, heads, d))?
                .transpose(1, 2)?
                .contiguous()?)
        };
        let asked = x.narrow(1, rows.start, rows.count)?.contiguous()?;
        let mut query = split(self.query.forward(&asked)?, rows.count, self.heads)?;
        let mut key = split(self.key.forward(x)?, tokens, kv)?;
        let value = split(self.value.forward(x)?, tokens, kv)?;
        if let Some((query_norm, key_norm)) = &self.head_norms {
            query = query_norm.forward(&query)?;
            key = key_norm.forward(&key)?;
        }
        if let Some(angles) = &sight.angles {
            query = angles.narrow(rows.start, rows.count)?.rotate(&query)?;
            key = angles.rotate(&key)?;
        }
        // Query heads that share a key head become rows of one product: keys and values are never repeated.
        let query = (query.reshape((batch, kv, group * rows.count, d))? / (d as f64).sqrt())?;
        let scores = query.matmul(&key.t()?)?.to_dtype(DType::F32)?;
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

    /// Keys and values (P, K·d) in f32 of tokens `x` (P, D) that later branches will see, each at its own angles.
    pub(crate) fn remember(&self, x: &Tensor, angles: Option<&Angles>) -> Result<(Tensor, Tensor)> {
        let norm = self.head_norms.as_ref().map(|(_, key_norm)| key_norm);
        let key = self.turned(&self.key.forward(x)?, norm, angles)?;
        let value = self.value.forward(x)?;
        Ok((key.to_dtype(DType::F32)?, value.to_dtype(DType::F32)?))
    }

    /// (Q, D) → (Q, D): what `queries` see of the branches, each at its own angles. `sources` holds keys and values of
    /// this layer.
    pub(crate) fn look(
        &self,
        x: &Tensor,
        angles: Option<&Angles>,
        sources: &[(Tensor, Tensor)],
        branches: &[Vec<Span>],
        queries: &[Query],
    ) -> Result<Tensor> {
        let norm = self.head_norms.as_ref().map(|(query_norm, _)| query_norm);
        let query = self.turned(&self.query.forward(x)?, norm, angles)?;
        let seen = tree_attention(&query, sources, branches, queries, self.head_dim)?;
        self.output.forward(&seen)
    }

    /// Heads (P, heads·d), normed and rotated.
    fn turned(&self, x: &Tensor, norm: Option<&Norm>, angles: Option<&Angles>) -> Result<Tensor> {
        let (tokens, width) = x.dims2()?;
        let mut heads = x.reshape((tokens, 1, width / self.head_dim, self.head_dim))?;
        if let Some(norm) = norm {
            heads = norm.forward(&heads)?;
        }
        if let Some(angles) = angles {
            heads = angles.rotate_each(&heads)?;
        }
        Ok(heads.reshape((tokens, width))?)
    }
}
