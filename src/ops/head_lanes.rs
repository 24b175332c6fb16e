//! The attention of single queries on the CPU, with a head in every lane of a vector.
//!
//! Keys and values lie component by component: of each row first component 0 of all K heads, then component 1. The scores of all
//! heads are then sums of d vectors, and so is what they see: nothing is summed across lanes, and narrow heads cost what wide
//! ones do.

use candle_core::Tensor;

use super::Scoring;
use super::lanes;
use super::rows::{Fill, rows, with_numbers};
use crate::Result;

/// Heads that are answered side by side.
const LANES: usize = 8;

/// One number of each of these heads.
type Lane = [f32; LANES];

/// Keys that are scored, or values that are summed, at a time: each number of a query is read once for so many.
const KEYS: usize = 4;

/// `x` (P, K·d) on the CPU in f32 from head by head to component by component: component c of head k goes to column c·K + k.
pub(super) fn by_component(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (count, width) = x.dims2()?;
    let sorted = with_numbers(&[x], |numbers| {
        let sort = Sort {
            x: numbers[0],
            heads,
        };
        rows(count, width, &sort)
    });
    let sorted = sorted.ok_or_else(|| {
        candle_core::Error::Msg("keys and values in f32 on the CPU are sorted".into())
    })?;
    Ok(Tensor::from_vec(sorted, (count, width), x.device())?)
}

/// Rows sorted by component.
struct Sort<'a> {
    x: &'a [f32],
    heads: usize,
}

impl Fill for Sort<'_> {
    #[inline(always)]
    fn fill(&self, row: usize, out: &mut [f32]) {
        let width = out.len();
        let row = &self.x[row * width..][..width];
        for (component, out) in out.chunks_exact_mut(self.heads).enumerate() {
            for (out, head) in out.iter_mut().zip(row.chunks_exact(width / self.heads)) {
                *out = head[component];
            }
        }
    }
}

/// Key and value of a token, component by component, R heads in a run.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a, const R: usize> {
    pub(super) key: &'a [[f32; R]],
    pub(super) value: &'a [[f32; R]],
}

/// R for K key heads: as many of them as divide them all and have lanes.
pub(super) fn run(keys: usize) -> usize {
    (1..=LANES)
        .rev()
        .find(|&run| keys.is_multiple_of(run))
        .unwrap_or(1)
}

/// Query heads in lanes; where they are fewer than lanes, some stand twice. Their key heads are one run, over and over.
struct Side {
    heads: [usize; LANES],
    /// Which run of the key heads.
    run: usize,
}

/// How the heads of a layer are answered, R key heads at a time.
pub(super) struct Heads<const R: usize> {
    sides: Vec<Side>,
    /// K/R
    runs: usize,
    scoring: Scoring,
}

/// What answering a query needs room for: the query, what it sees, and a score of every key.
#[derive(Default)]
pub(super) struct Room {
    query: Vec<Lane>,
    seen: Vec<Lane>,
    scores: Vec<Lane>,
}

impl<const R: usize> Heads<R> {
    /// `heads` query heads, of which as many neighbours share each of `keys` key heads.
    pub(super) fn new(heads: usize, keys: usize, scoring: Scoring) -> Self {
        let (group, runs) = (heads / keys, keys / R);
        let side = |run: usize, first: usize| Side {
            heads: std::array::from_fn(|lane| {
                (run * R + lane % R) * group + (first + lane / R).min(group - 1)
            }),
            run,
        };
        let firsts = || (0..group).step_by(LANES / R);
        let sides = (0..runs).flat_map(|run| firsts().map(move |first| side(run, first)));
        Self {
            sides: sides.collect(),
            runs,
            scoring,
        }
    }

    /// What `query` (H·d), head by head, sees of `kept` goes to `out`, head by head.
    #[inline(always)]
    pub(super) fn attend(
        &self,
        query: &[f32],
        kept: &[Kept<'_, R>],
        room: &mut Room,
        out: &mut [f32],
    ) {
        let Scoring {
            head_dim: d,
            scale,
            cap,
        } = self.scoring;
        let (fours, rest) = kept.as_chunks();
        for Side { heads, run } in &self.sides {
            room.query.resize(d, [0.0; LANES]);
            for (component, numbers) in room.query.iter_mut().enumerate() {
                for lane in 0..LANES {
                    numbers[lane] = query[heads[lane] * d + component] * scale;
                }
            }
            room.scores.resize(kept.len(), [0.0; LANES]);
            let (scores, scores_of_rest) = room.scores.as_chunks_mut();
            for ([a, b, c, d], scores) in fours.iter().zip(scores) {
                let keys = [a.key, b.key, c.key, d.key];
                *scores = self.scores::<KEYS>(&room.query, keys, *run);
            }
            for (kept, score) in rest.iter().zip(scores_of_rest) {
                [*score] = self.scores(&room.query, [kept.key], *run);
            }
            if let Some(cap) = cap {
                for score in room.scores.as_flattened_mut() {
                    *score = cap * lanes::tanh(*score / cap);
                }
            }
            let factor = exponentials(&mut room.scores);
            room.seen.clear();
            room.seen.resize(d, [0.0; LANES]);
            let (weights, weights_of_rest) = room.scores.as_chunks();
            for ([a, b, c, d], weights) in fours.iter().zip(weights) {
                let values = [a.value, b.value, c.value, d.value];
                self.add::<KEYS>(&mut room.seen, weights, values, *run);
            }
            for (kept, weight) in rest.iter().zip(weights_of_rest) {
                self.add(&mut room.seen, &[*weight], [kept.value], *run);
            }
            for (component, seen) in room.seen.iter().enumerate() {
                for lane in 0..LANES {
                    out[heads[lane] * d + component] = seen[lane] * factor[lane];
                }
            }
        }
    }

    /// Σ_c query_c · key_c of N keys.
    #[inline(always)]
    fn scores<const N: usize>(
        &self,
        query: &[Lane],
        keys: [&[[f32; R]]; N],
        run: usize,
    ) -> [Lane; N] {
        let mut sums = [[0.0; LANES]; N];
        let mut at = run;
        for query in query {
            for (sum, key) in sums.iter_mut().zip(keys) {
                let key = &key[at];
                for lane in 0..LANES {
                    sum[lane] += query[lane] * key[lane % R];
                }
            }
            at += self.runs;
        }
        sums
    }

    /// seen_c += weight · value_c of N values, one after the other.
    #[inline(always)]
    fn add<const N: usize>(
        &self,
        seen: &mut [Lane],
        weights: &[Lane; N],
        values: [&[[f32; R]]; N],
        run: usize,
    ) {
        let mut at = run;
        for seen in seen {
            let mut sum = *seen;
            for (weight, value) in weights.iter().zip(values) {
                let value = &value[at];
                for lane in 0..LANES {
                    sum[lane] += weight[lane] * value[lane % R];
                }
            }
            *seen = sum;
            at += self.runs;
        }
    }
}

/// Scores s → e^(s − max), head by head; returns 1 / Σ.
#[inline(always)]
fn exponentials(scores: &mut [Lane]) -> Lane {
    let mut max = [f32::NEG_INFINITY; LANES];
    for score in &*scores {
        for lane in 0..LANES {
            max[lane] = if score[lane] > max[lane] {
                score[lane]
            } else {
                max[lane]
            };
        }
    }
    let mut sum = [0.0; LANES];
    for score in scores {
        for lane in 0..LANES {
            score[lane] = lanes::exp(score[lane] - max[lane]);
            sum[lane] += score[lane];
        }
    }
    sum.map(|sum| 1.0 / sum)
}
