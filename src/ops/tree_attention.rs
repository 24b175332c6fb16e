//! Attention of many branches over the keys of shared ancestors, with no copy of keys or values.
//!
//! `out[q,h] = Σ_k softmax_k(score(query[q,h] · key[k,h'])) · value[k,h']`, k over the keys that q sees, h' the key head of h
//!
//! A query sees a list of spans, rows of some of the sources; many queries see the same rows, and no row is ever repeated,
//! moved or masked. What a query gets does not depend on which others are asked with it, bit for bit.
//!
//! Letters: Q queries, H heads, K key heads, d the width of a head, P rows of a source.

use std::ops::Range;

use candle_core::{DType, Tensor};
use rayon::prelude::*;

use super::head_lanes::{Heads, Kept, Room, by_component, run};
use super::rows::with_numbers;
use super::tree_products::tree_products;
use crate::Result;
use crate::lanes::{Work, on_lanes};

/// Consecutive rows of one source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) source: usize,
    pub(crate) start: usize,
    pub(crate) count: usize,
}

/// What one query sees: keys `seen`, counted along its branch.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// The spans of branch i are its keys in order.
    pub(crate) branch: usize,
    pub(crate) seen: Range<usize>,
}

/// How a query scores a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scoring {
    /// d
    pub(crate) head_dim: usize,
    /// What the product is multiplied by, most often 1/√d.
    pub(crate) scale: f32,
    /// c: a score s becomes c·tanh(s/c).
    pub(crate) cap: Option<f32>,
}

/// Queries that one task answers: enough to outweigh handing it to another thread.
const TASK: usize = 32;

/// The attention of `query` (Q, H·d) over `sources`, pairs of keys and values (P, K·d) as [`remembered`] leaves them, on the CPU
/// in f32 → (Q, H·d) in the dtype of the queries. `branches` are lists of spans.
///
/// # Cost
/// 4·H·d FLOP per query and key seen. Allocates the result, and for every task the scores of eight heads.
///
/// # Errors
/// Whatever the device refuses.
pub(crate) fn tree_attention(
    query: &Tensor,
    sources: &[(Tensor, Tensor)],
    branches: &[Vec<Span>],
    queries: &[Query],
    scoring: Scoring,
) -> Result<Tensor> {
    if !query.device().is_cpu() {
        return tree_products(query, sources, branches, queries, scoring);
    }
    let (count, width) = query.dims2()?;
    let d = scoring.head_dim;
    let asked = query.to_dtype(DType::F32)?.contiguous()?;
    let kv_width = sources.first().map_or(Ok(width), |(key, _)| key.dim(1))?;
    let tensors = sources.iter().flat_map(|(key, value)| [key, value]);
    let tensors: Vec<&Tensor> = [&asked].into_iter().chain(tensors).collect();
    let out = with_numbers(&tensors, |numbers| {
        let asked = Asked {
            numbers: numbers[0],
            width,
            branches,
            queries,
        };
        let keys = kv_width / d;
        match run(keys) {
            1 => answer::<1>(asked, &numbers[1..], keys, scoring),
            2 => answer::<2>(asked, &numbers[1..], keys, scoring),
            3 => answer::<3>(asked, &numbers[1..], keys, scoring),
            4 => answer::<4>(asked, &numbers[1..], keys, scoring),
            5 => answer::<5>(asked, &numbers[1..], keys, scoring),
            6 => answer::<6>(asked, &numbers[1..], keys, scoring),
            7 => answer::<7>(asked, &numbers[1..], keys, scoring),
            _ => answer::<8>(asked, &numbers[1..], keys, scoring),
        }
    });
    let out = out.ok_or_else(|| {
        let message = "attention over a trie takes contiguous keys and values";
        candle_core::Error::Msg(message.into())
    })?;
    Ok(Tensor::from_vec(out, (count, width), query.device())?.to_dtype(query.dtype())?)
}

/// Keys or values `x` (P, K·d) of K `heads` as [`tree_attention`] wants them on their device: on the CPU in f32 and component by
/// component, elsewhere as they are.
///
/// # Errors
/// Whatever the device refuses.
pub(crate) fn remembered(x: Tensor, heads: usize) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return Ok(x);
    }
    by_component(&x.to_dtype(DType::F32)?.contiguous()?, heads)
}

/// All that is asked.
#[derive(Clone, Copy)]
struct Asked<'a> {
    /// (Q, H·d)
    numbers: &'a [f32],
    /// H·d
    width: usize,
    branches: &'a [Vec<Span>],
    queries: &'a [Query],
}

/// The attention of all queries, with R of `keys` key heads at a time; `sources` are keys and values, alternating.
fn answer<const R: usize>(
    asked: Asked<'_>,
    sources: &[&[f32]],
    keys: usize,
    scoring: Scoring,
) -> Vec<f32> {
    let heads = Heads::<R>::new(asked.width / scoring.head_dim, keys, scoring);
    let sources = Sources {
        numbers: sources
            .iter()
            .map(|numbers| numbers.as_chunks().0)
            .collect(),
        width: keys * scoring.head_dim / R,
    };
    let mut out = vec![0.0; asked.numbers.len()];
    let queries = asked.queries.par_chunks(TASK);
    let rows = asked.numbers.par_chunks(TASK * asked.width).zip(queries);
    let tasks = out.par_chunks_mut(TASK * asked.width).zip(rows);
    tasks.for_each(|(out, (numbers, queries))| {
        let asked = Asked {
            numbers,
            queries,
            ..asked
        };
        on_lanes(Task {
            asked,
            heads: &heads,
            sources: &sources,
            out,
        });
    });
    out
}

/// Keys and values of all sources, alternating, in runs of R heads.
struct Sources<'a, const R: usize> {
    numbers: Vec<&'a [[f32; R]]>,
    /// Runs of a row.
    width: usize,
}

impl<'a, const R: usize> Sources<'a, R> {
    /// The rows of `span`.
    fn rows(&self, span: &Span) -> impl Iterator<Item = Kept<'a, R>> {
        let rows = |which: usize| {
            let rows = &self.numbers[2 * span.source + which][span.start * self.width..];
            rows.chunks_exact(self.width).take(span.count)
        };
        rows(0).zip(rows(1)).map(|(key, value)| Kept { key, value })
    }
}

/// Some of the queries.
struct Task<'a, const R: usize> {
    asked: Asked<'a>,
    heads: &'a Heads<R>,
    sources: &'a Sources<'a, R>,
    out: &'a mut [f32],
}

impl<const R: usize> Work for Task<'_, R> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Asked {
            numbers,
            width,
            branches,
            queries,
        } = self.asked;
        let (mut room, mut kept, mut branch) = (Room::default(), Vec::new(), None);
        let rows = numbers.chunks(width).zip(self.out.chunks_mut(width));
        for (query, (asked, out)) in queries.iter().zip(rows) {
            if branch.replace(query.branch) != Some(query.branch) {
                let spans = &branches[query.branch];
                kept.clear();
                kept.extend(spans.iter().flat_map(|span| self.sources.rows(span)));
            }
            let kept = &kept[query.seen.clone()];
            self.heads.attend(asked, kept, &mut room, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The formula in f64, key by key.
    fn by_definition(
        query: &[f32],
        keys: &[(Vec<f32>, Vec<f32>)],
        group: usize,
        scoring: Scoring,
    ) -> Vec<f64> {
        let d = scoring.head_dim;
        let heads = query.chunks(d).enumerate();
        let head = |(head, query): (usize, &[f32])| {
            let column = head / group * d;
            let part = |row: &[f32]| row[column..column + d].to_vec();
            let score = |(key, _): &(Vec<f32>, Vec<f32>)| -> f64 {
                let products = part(key)
                    .into_iter()
                    .zip(query)
                    .map(|(k, q)| f64::from(k) * f64::from(*q));
                let score = products.sum::<f64>() * f64::from(scoring.scale);
                let cap = scoring.cap.map(f64::from);
                cap.map_or(score, |cap| cap * (score / cap).tanh()).exp()
            };
            let weights: Vec<f64> = keys.iter().map(score).collect();
            let total: f64 = weights.iter().sum();
            (0..d)
                .map(|c| {
                    keys.iter()
                        .zip(&weights)
                        .map(|((_, value), w)| w * f64::from(part(value)[c]))
                        .sum::<f64>()
                        / total
                })
                .collect::<Vec<_>>()
        };
        heads.flat_map(head).collect()
    }

    #[test]
    fn branches_over_shared_ancestors_equal_the_formula() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let shapes = [
            (4, 2, 8, None),
            (6, 6, 5, Some(0.7)),
            (8, 1, 32, None),
            (2, 1, 20, Some(3.0)),
            (9, 3, 4, None),
            (12, 12, 6, None),
            (11, 11, 2, None),
            (10, 5, 3, None),
            (14, 7, 3, None),
            (40, 20, 2, Some(2.0)),
        ];
        for (heads, kv, d, cap) in shapes {
            let scoring = Scoring {
                head_dim: d,
                scale: 1.1 / (d as f32).sqrt(),
                cap,
            };
            let mut random = |rows: usize, columns: usize| -> Vec<f32> {
                (0..rows * columns)
                    .map(|_| rng.random_range(-1.5..1.5))
                    .collect()
            };
            let sizes = [7, 40, 3];
            let sources: Vec<(Vec<f32>, Vec<f32>)> = sizes
                .iter()
                .map(|&rows| (random(rows, kv * d), random(rows, kv * d)))
                .collect();
            let span = |source, start, count| Span {
                source,
                start,
                count,
            };
            let branches = vec![
                vec![span(0, 0, 7), span(1, 3, 11), span(2, 1, 2)],
                vec![span(0, 0, 7), span(1, 20, 1)],
                vec![span(1, 0, 40)],
            ];
            let queries: Vec<Query> = (0..75)
                .map(|at: usize| {
                    let branch = at % 3;
                    let keys: usize = branches[branch].iter().map(|span| span.count).sum();
                    let first = at % 5;
                    Query {
                        branch,
                        seen: first..(first + 1 + at % 9).min(keys),
                    }
                })
                .collect();
            let asked = random(queries.len(), heads * d);
            let tensor = |values: &[f32], columns: usize| {
                Tensor::from_slice(values, (values.len() / columns, columns), &Device::Cpu)
                    .expect("a tensor")
            };
            let tensors: Vec<_> = sources
                .iter()
                .map(|(k, v)| (tensor(k, kv * d), tensor(v, kv * d)))
                .collect();
            let asked_tensor = tensor(&asked, heads * d);
            let sorted: Vec<_> = tensors
                .iter()
                .map(|(k, v)| [k, v].map(|x| remembered(x.clone(), kv).expect("sorted")))
                .map(|[k, v]| (k, v))
                .collect();
            let got =
                tree_attention(&asked_tensor, &sorted, &branches, &queries, scoring).expect("runs");
            let got = got.to_vec2::<f32>().expect("values");
            // The way of other devices; it wants queries in the order of their branches, neighbours with neighbours.
            let mut order: Vec<usize> = (0..queries.len()).collect();
            order.sort_by_key(|&at| queries[at].branch);
            let sorted: Vec<Query> = order.iter().map(|&at| queries[at].clone()).collect();
            let rows: Vec<u32> = order.iter().map(|&at| at as u32).collect();
            let rows = Tensor::new(rows.as_slice(), &Device::Cpu).expect("rows");
            let by_products = tree_products(
                &asked_tensor.index_select(&rows, 0).expect("sorted"),
                &tensors,
                &branches,
                &sorted,
                scoring,
            );
            let by_products = by_products.expect("runs").to_vec2::<f32>().expect("values");
            for (&at, other) in order.iter().zip(&by_products) {
                for (a, b) in got[at].iter().zip(other) {
                    assert!((a - b).abs() < 1e-5, "{a} {b}");
                }
            }
            for ((query, asked), got) in queries.iter().zip(asked.chunks(heads * d)).zip(got) {
                let keys = branches[query.branch].iter().flat_map(|span| {
                    (span.start..span.start + span.count).map(|row| {
                        let part = |rows: &[f32]| rows[row * kv * d..(row + 1) * kv * d].to_vec();
                        (part(&sources[span.source].0), part(&sources[span.source].1))
                    })
                });
                let keys: Vec<_> = keys.collect();
                let expected = by_definition(asked, &keys[query.seen.clone()], heads / kv, scoring);
                for (got, expected) in got.iter().zip(&expected) {
                    assert!(
                        (f64::from(*got) - expected).abs() < 1e-5,
                        "{got} {expected}"
                    );
                }
            }
        }
    }
}
