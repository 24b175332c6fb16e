//! Attention of many branches with candle's batched products: what [`tree_attention`](fn@super::tree_attention) computes on
//! devices other than the CPU.
//!
//! Spans are taken level by level: first the oldest span of every branch, then the next. Where neighbouring branches share a
//! span it is one product with all their queries; where neighbouring spans of equal length each have as many queries they are
//! one batch of products. Keys are never repeated for the rows that see them. The levels are joined by running maxima and
//! sums (Milakov and Gimelshein 2018).

use std::ops::Range;

use candle_core::{D, DType, Tensor};

use super::{Query, Scoring, Span};
use crate::Result;

/// The score of a key that may not be seen: far below any, and finite, so that nothing becomes NaN.
const HIDDEN: f32 = -1e30;

/// Spans of one length, one behind the other in one source, each seen by as many queries, one behind the other.
struct Group {
    source: usize,
    start: usize,
    /// Keys of each span.
    keys: usize,
    /// The first query.
    first: usize,
    /// Queries of each span.
    rows: usize,
    spans: usize,
}

/// What a level adds to every query and head.
struct Level {
    /// (Q, H, 1), the largest score.
    max: Tensor,
    /// (Q, H, 1), Σ e^(score − max)
    sum: Tensor,
    /// (Q, H, d), Σ e^(score − max) · value
    seen: Tensor,
}

/// Attention as in [`tree_attention`](fn@super::tree_attention), queries standing in the order of their branches.
///
/// # Cost
/// Of every level: one copy of its distinct keys and values and of the queries, and some twenty launches for each group.
pub(super) fn tree_products(
    query: &Tensor,
    sources: &[(Tensor, Tensor)],
    branches: &[Vec<Span>],
    queries: &[Query],
    scoring: Scoring,
) -> Result<Tensor> {
    let (count, width) = query.dims2()?;
    let d = scoring.head_dim;
    let asked = (query.reshape((count, width / d, d))? * f64::from(scoring.scale))?;
    let depth = branches.iter().map(Vec::len).max().unwrap_or(0);
    let mut joined: Option<Level> = None;
    for level in 0..depth {
        let own = run_level(&asked, sources, branches, queries, scoring, level)?;
        joined = Some(match joined {
            Some(before) => before.join(own)?,
            None => own,
        });
    }
    let joined = joined.ok_or_else(|| candle_core::Error::Msg("a branch has no keys".into()))?;
    let seen = joined.seen.broadcast_div(&joined.sum)?;
    Ok(seen.reshape((count, width))?.to_dtype(query.dtype())?)
}

impl Level {
    fn join(self, other: Self) -> Result<Self> {
        let max = self.max.maximum(&other.max)?;
        let (mine, others) = ((self.max - &max)?.exp()?, (other.max - &max)?.exp()?);
        Ok(Self {
            sum: ((self.sum * &mine)? + (other.sum * &others)?)?,
            seen: (self.seen.broadcast_mul(&mine)? + other.seen.broadcast_mul(&others)?)?,
            max,
        })
    }

    fn stacked(parts: &[Self]) -> Result<Self> {
        let all = |of: fn(&Self) -> &Tensor| {
            let parts: Vec<&Tensor> = parts.iter().map(of).collect();
            Tensor::cat(&parts, 0)
        };
        Ok(Self {
            max: all(|part| &part.max)?,
            sum: all(|part| &part.sum)?,
            seen: all(|part| &part.seen)?,
        })
    }
}

/// The span at `level` of the branch of each query, and the number of keys in front of it.
fn span_at(branch: &[Span], level: usize) -> Option<(Span, usize)> {
    let before = branch.iter().take(level).map(|span| span.count).sum();
    branch.get(level).map(|&span| (span, before))
}

/// Queries in groups, `None` for those whose branches have no such level.
fn groups(
    branches: &[Vec<Span>],
    queries: &[Query],
    level: usize,
) -> Vec<(Range<usize>, Option<Group>)> {
    let span = |at: usize| span_at(&branches[queries[at].branch], level).map(|(span, _)| span);
    let same = |a: &Option<Span>, b: &Option<Span>| match (a, b) {
        (Some(a), Some(b)) => (a.source, a.start, a.count) == (b.source, b.start, b.count),
        (None, None) => true,
        _ => false,
    };
    let mut groups: Vec<(Range<usize>, Option<Group>)> = Vec::new();
    let mut at = 0;
    while at < queries.len() {
        let own = span(at);
        let mut end = at + 1;
        while end < queries.len() && same(&span(end), &own) {
            end += 1;
        }
        let rows = end - at;
        match (groups.last_mut(), own) {
            (Some((range, Some(group))), Some(own))
                if group.source == own.source
                    && group.keys == own.count
                    && group.rows == rows
                    && group.start + group.spans * group.keys == own.start =>
            {
                group.spans += 1;
                range.end = end;
            }
            (_, own) => {
                let group = own.map(|own| Group {
                    source: own.source,
                    start: own.start,
                    keys: own.count,
                    first: at,
                    rows,
                    spans: 1,
                });
                groups.push((at..end, group));
            }
        }
        at = end;
    }
    groups
}

fn run_level(
    asked: &Tensor,
    sources: &[(Tensor, Tensor)],
    branches: &[Vec<Span>],
    queries: &[Query],
    scoring: Scoring,
    level: usize,
) -> Result<Level> {
    let (_, heads, d) = asked.dims3()?;
    let part = |(range, group): &(Range<usize>, Option<Group>)| -> Result<Level> {
        let Some(group) = group else {
            let shape = |last: usize| (range.len(), heads, last);
            let zeros = |last| Tensor::zeros(shape(last), DType::F32, asked.device());
            return Ok(Level {
                max: (zeros(1)? + f64::from(HIDDEN))?,
                sum: zeros(1)?,
                seen: zeros(d)?,
            });
        };
        let hidden = hidden(branches, &queries[range.clone()], level, group);
        group.attend(asked, &sources[group.source], hidden, scoring)
    };
    let groups = groups(branches, queries, level);
    Level::stacked(&groups.iter().map(part).collect::<Result<Vec<_>>>()?)
}

/// What is added to the scores (spans, rows, keys); `None` where all is seen.
fn hidden(
    branches: &[Vec<Span>],
    queries: &[Query],
    level: usize,
    group: &Group,
) -> Option<Vec<f32>> {
    let before = |query: &Query| span_at(&branches[query.branch], level).map_or(0, |(_, n)| n);
    let whole = |query: &Query| {
        let before = before(query);
        query.seen.start <= before && before + group.keys <= query.seen.end
    };
    if queries.iter().all(whole) {
        return None;
    }
    let row = |query: &Query| {
        let (before, seen) = (before(query), query.seen.clone());
        (before..before + group.keys).map(move |key| match seen.contains(&key) {
            true => 0.0,
            false => HIDDEN,
        })
    };
    Some(queries.iter().flat_map(row).collect())
}

impl Group {
    fn attend(
        &self,
        asked: &Tensor,
        (key, value): &(Tensor, Tensor),
        hidden: Option<Vec<f32>>,
        scoring: Scoring,
    ) -> Result<Level> {
        let (_, heads, d) = asked.dims3()?;
        let (n, rows, keys) = (self.spans, self.rows, self.keys);
        let kv = key.dim(1)? / d;
        let group = heads / kv;
        // (N, K, R·g, d) against (N, K, keys, d)
        let query = asked
            .narrow(0, self.first, n * rows)?
            .reshape((n, rows, kv, group, d))?
            .transpose(1, 2)?
            .contiguous()?
            .reshape((n * kv, rows * group, d))?;
        let by_head = |x: &Tensor| -> Result<Tensor> {
            Ok(x.narrow(0, self.start, n * keys)?
                .to_dtype(asked.dtype())?
                .reshape((n, keys, kv, d))?
                .transpose(1, 2)?
                .contiguous()?
                .reshape((n * kv, keys, d))?)
        };
        let scores = query.matmul(&by_head(key)?.t()?)?.to_dtype(DType::F32)?;
        let mut scores = match scoring.cap.map(f64::from) {
            Some(cap) => ((scores / cap)?.tanh()? * cap)?,
            None => scores,
        };
        if let Some(hidden) = hidden {
            let hidden = Tensor::from_vec(hidden, (n, 1, rows, 1, keys), asked.device())?;
            scores = scores
                .reshape((n, kv, rows, group, keys))?
                .broadcast_add(&hidden)?
                .reshape((n * kv, rows * group, keys))?;
        }
        let max = scores.max_keepdim(D::Minus1)?;
        let weights = scores.broadcast_sub(&max)?.exp()?;
        let sum = weights.sum_keepdim(D::Minus1)?;
        let seen = weights
            .to_dtype(asked.dtype())?
            .matmul(&by_head(value)?)?
            .to_dtype(DType::F32)?;
        // Back to one row a query.
        let by_row = |x: Tensor, last: usize| -> Result<Tensor> {
            Ok(x.reshape((n, kv, rows, group, last))?
                .transpose(1, 2)?
                .contiguous()?
                .reshape((n * rows, heads, last))?)
        };
        Ok(Level {
            max: by_row(max, 1)?,
            sum: by_row(sum, 1)?,
            seen: by_row(seen, d)?,
        })
    }
}
