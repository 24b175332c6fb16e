//! One attention for every family: causal or not, grouped heads, sliding windows, normalized heads.

use candle_core::{D, DType, Tensor};

use super::config::ModelConfig;
use super::linear::{Linear, capped};
use super::norm::Norm;
use super::recipe::Recipe;
use super::rope::Angles;
use super::sight::{Rows, Sight};
use super::switch::{HeadNorm, QkvLayout, Role};
use super::weights::Weights;
use crate::Result;
use crate::ops::{Query, Scoring, Span, remembered, rows as row_by_row, tree_attention};

/// The attention of one layer.
#[derive(Clone, Debug)]
pub(crate) struct Attention {
    /// To all queries, all keys and all values.
    all: Linear,
    /// The parts of `all`.
    query: Linear,
    key_value: Linear,
    pub(crate) output: Linear,
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
        let all = all.laid_out()?;
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
                .times(config.factors.residual)?
                .laid_out()?,
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

    /// (B, T, D) → (B, `rows.count`, H·d), what `rows` see; keys and values of all tokens, queries of `rows` only.
    pub(crate) fn forward(&self, x: &Tensor, sight: &Sight, rows: Rows) -> Result<Tensor> {
        match row_by_row::taken(x) {
            true => self.by_rows(x, sight, rows),
            false => self.by_products(x, sight, rows),
        }
    }

    /// Every sequence is a branch of its own, and what it sees is a range of it.
    fn by_rows(&self, x: &Tensor, sight: &Sight, rows: Rows) -> Result<Tensor> {
        let (batch, tokens, width) = x.dims3()?;
        let flat = x.reshape((batch * tokens, width))?;
        let (asked, kept) = if rows.count == tokens {
            self.ask_and_remember(&flat, &sight.angles)?
        } else {
            let asked = x.narrow(1, rows.start, rows.count)?.contiguous()?;
            let asked = asked.reshape((batch * rows.count, width))?;
            let angles = sight.angles.iter();
            let angles = angles.map(|angles| angles.narrow(rows.start, rows.count));
            let angles: Vec<Angles> = angles.collect::<Result<_>>()?;
            (
                self.ask(&asked, &angles)?,
                self.remember(&flat, &sight.angles)?,
            )
        };
        let branch = |row: usize| Span {
            source: 0,
            start: row * tokens,
            count: tokens,
        };
        let branches: Vec<Vec<Span>> = (0..batch).map(|row| vec![branch(row)]).collect();
        let own = |row: usize| {
            (rows.start..rows.start + rows.count).map(move |query| Query {
                branch: row,
                seen: sight.seen(row, query, self.window),
            })
        };
        let queries: Vec<Query> = (0..batch).flat_map(own).collect();
        let seen = self.look(&asked, &[kept], &branches, &queries)?;
        Ok(seen.reshape((batch, rows.count, self.heads * self.head_dim))?)
    }

    /// With candle's products over whole batches, and scores that may not be seen pushed far down.
    fn by_products(&self, x: &Tensor, sight: &Sight, rows: Rows) -> Result<Tensor> {
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
        Ok(seen
            .transpose(1, 2)?
            .reshape((batch, rows.count, self.heads * d))?)
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

    /// Keys and values (P, K·d), as attention over a trie wants them, of tokens `x` (P, D) that later branches will see, each at its own angles.
    pub(crate) fn remember(&self, x: &Tensor, angles: &[Angles]) -> Result<(Tensor, Tensor)> {
        self.kept(&self.key_value, &self.key_value.product(x)?, 0, angles)
    }

    /// Keys and values among the outputs of `map`, from column `start` on.
    fn kept(
        &self,
        map: &Linear,
        product: &Tensor,
        start: usize,
        angles: &[Angles],
    ) -> Result<(Tensor, Tensor)> {
        let k = self.kv_heads * self.head_dim;
        let norm = self.norms.as_ref().map(|(_, key_norm)| key_norm);
        let key = self.turned(map, product, (start, k), norm, angles)?;
        let value = self.turned(map, product, (start + k, k), None, &[])?;
        Ok((
            remembered(key, self.kv_heads)?,
            remembered(value, self.kv_heads)?,
        ))
    }

    /// Queries (Q, H·d) of tokens `x` (Q, D), each at its own angles.
    pub(crate) fn ask(&self, x: &Tensor, angles: &[Angles]) -> Result<Tensor> {
        self.asked(&self.query, &self.query.product(x)?, angles)
    }

    /// Queries among the outputs of `map`.
    fn asked(&self, map: &Linear, product: &Tensor, angles: &[Angles]) -> Result<Tensor> {
        let norm = self.norms.as_ref().map(|(query_norm, _)| query_norm);
        let columns = (0, self.heads * self.head_dim);
        self.turned(map, product, columns, norm, angles)
    }

    /// Queries, and keys and values, of the same tokens: [`Self::ask`] and [`Self::remember`] in one product.
    pub(crate) fn ask_and_remember(
        &self,
        x: &Tensor,
        angles: &[Angles],
    ) -> Result<(Tensor, (Tensor, Tensor))> {
        let product = self.all.product(x)?;
        let kept = self.kept(&self.all, &product, self.heads * self.head_dim, angles)?;
        Ok((self.asked(&self.all, &product, angles)?, kept))
    }

    /// Some columns of what `map` gives a token each, with their bias, normed and rotated; `product` is without bias.
    fn turned(
        &self,
        map: &Linear,
        product: &Tensor,
        (start, columns): (usize, usize),
        norm: Option<&Norm>,
        angles: &[Angles],
    ) -> Result<Tensor> {
        let angles = angles.get(self.rope);
        let turn = row_by_row::Turn {
            columns: (start, columns),
            norm: norm.map(|norm| (&norm.scale, norm.shift.as_ref(), norm.epsilon)),
            angles: angles.map(|angles| (&angles.cos, &angles.sin)),
            head_dim: self.head_dim,
        };
        if let Some(turned) = row_by_row::turn(product, map.bias.as_ref(), &turn)? {
            return Ok(turned);
        }
        let mut x = product.narrow(1, start, columns)?;
        if let Some(bias) = &map.bias {
            x = x.broadcast_add(&bias.narrow(0, start, columns)?)?;
        }
        let heads = self.normed(x.contiguous()?, norm)?;
        let Some(angles) = angles else {
            return Ok(heads);
        };
        let tokens = product.dim(0)?;
        let heads = heads.reshape((tokens, 1, columns / self.head_dim, self.head_dim))?;
        Ok(angles.rotate_each(&heads)?.reshape((tokens, columns))?)
    }

    /// What the queries (Q, H·d) see of the branches, (Q, H·d). `sources` holds keys and values of this layer.
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
        tree_attention(asked, sources, branches, queries, scoring)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use candle_core::{DType, Device, Tensor};
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::model::transformer::Transformer;
    use crate::model::{Checkpoint, ModelConfig, Recipe};

    /// Norms of heads and of rows, parts of heads rotated, windows, caps, biases, grouped heads; and an encoder.
    #[test]
    fn rows_and_products_see_the_same() {
        let families = [
            "qwen3", "gemma2", "gemma3", "phi3", "olmo2", "gpt2", "mistral", "bert",
        ];
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(8);
        for family in families {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny");
            let checkpoint = Checkpoint::open(&folder.join(family)).expect("opens");
            let recipe = Recipe::find(checkpoint.config["model_type"].as_str().expect("a type"));
            let recipe = recipe.expect("known");
            let config = ModelConfig::new(&checkpoint.config, &recipe, &folder).expect("reads");
            let (cpu, f32) = (Device::Cpu, DType::F32);
            let mut weights =
                Weights::open(&checkpoint, &recipe, &config, &cpu, f32).expect("opens");
            let network = Transformer::load(&mut weights, &recipe, &config).expect("loads");
            let (batch, tokens) = (3, 11);
            for own_positions in [false, true] {
                let rows = if own_positions { batch } else { 1 };
                let positions: Vec<u32> = (0..rows)
                    .flat_map(|row| (0..tokens).map(move |at| (at + at / 4 * row) as u32))
                    .collect();
                let shape: &[usize] = if own_positions {
                    &[batch, tokens]
                } else {
                    &[tokens]
                };
                let angles = network
                    .angles(&positions, shape, f32, &cpu)
                    .expect("angles");
                let sight = Sight {
                    angles,
                    causal: family != "bert",
                    positions,
                    tokens,
                };
                let x: Vec<f32> = (0..batch * tokens * config.hidden)
                    .map(|_| rng.random_range(-2.0..2.0))
                    .collect();
                let x = Tensor::from_vec(x, (batch, tokens, config.hidden), &cpu).expect("x");
                let asked = [(0, tokens), (tokens - 2, 2), (0, 1)];
                for (block, (start, count)) in network
                    .blocks
                    .iter()
                    .flat_map(|block| asked.map(|rows| (block, rows)))
                {
                    let rows = Rows { start, count };
                    let attention = &block.attention;
                    let by_rows = attention.by_rows(&x, &sight, rows).expect("runs");
                    let by_products = attention.by_products(&x, &sight, rows).expect("runs");
                    assert_eq!(by_rows.dims(), by_products.dims());
                    let off = (by_rows - by_products).and_then(|off| off.abs()?.max_all());
                    let off = off
                        .and_then(|off| off.to_scalar::<f32>())
                        .expect("a number");
                    assert!(off < 2e-5, "{family}: {off:e}");
                }
            }
        }
    }
}
