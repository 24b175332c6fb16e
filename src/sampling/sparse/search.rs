//! Terms that go with a residual, grown from pairs upwards.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use rayon::prelude::*;

use super::dense::Dense;
use super::design::{DENSE_PLAYERS, Design, Rule, Term, places};
use crate::lanes::{Work, on_lanes};

/// How far the search goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Width {
    /// Terms of each order from which the next order is grown, of each polarity.
    pub(super) beam: usize,
    /// Terms of each order that are handed out, of each polarity.
    pub(super) kept: usize,
    /// The highest order.
    pub(super) order: usize,
}

/// Of many players, the samples at most over which terms are searched; what is found is judged by all.
const MOST_SAMPLES: usize = 2048;

/// What finds terms for one residual after the other.
pub(super) enum Search<'a> {
    /// Of few players all terms are scored.
    Dense(Dense<'a>),
    /// Of many, those that grow from the strongest pairs.
    Beam(Cow<'a, Design>, Width, Reach),
}

/// Whether a beam is as wide as asked for, or wider.
pub(super) enum Reach {
    Narrow,
    Wide,
}

impl<'a> Search<'a> {
    pub(super) fn new(design: &'a Design, width: Width) -> Self {
        if design.players() <= DENSE_PLAYERS {
            return Self::Dense(Dense::new(design, width));
        }
        match design.samples() > MOST_SAMPLES {
            true => Self::Beam(Cow::Owned(design.first(MOST_SAMPLES)), width, Reach::Narrow),
            false => Self::Beam(Cow::Borrowed(design), width, Reach::Narrow),
        }
    }

    /// Doubles the width, the first time that it is asked for; `false` where nothing changes.
    pub(super) fn widen(&mut self) -> bool {
        match self {
            Self::Beam(_, width, reach @ Reach::Narrow) => {
                (width.beam, width.kept) = (2 * width.beam, 2 * width.kept);
                *reach = Reach::Wide;
                true
            }
            _ => false,
        }
    }

    /// The terms of order 2 and more that correlate most with `residual`, which sums to 0.
    pub(super) fn terms(&mut self, residual: &[f64]) -> Vec<Term> {
        match self {
            Self::Dense(dense) => dense.search(&single(residual)),
            Self::Beam(design, width, _) => {
                let residual = single(&residual[..design.samples()]);
                beam(design, &residual, *width)
            }
        }
    }
}

/// A residual in single precision, which has a small range, and with sum 0: only ratios count.
fn single(residual: &[f64]) -> Vec<f32> {
    let mean = residual.iter().sum::<f64>() / residual.len() as f64;
    let largest = residual
        .iter()
        .fold(0.0f64, |most, r| most.max((r - mean).abs()));
    let unit = if largest > 0.0 { largest } else { 1.0 };
    residual
        .iter()
        .map(|r| ((r - mean) / unit) as f32)
        .collect()
}

/// All pairs are scored, Σ_s r_s x_si x_sj, and from then on every strong term is extended by every player, over the samples
/// only where the term fires. The score of a term is its sum times 2^(order/2), which is proportional to its correlation where
/// every player is present in half of the samples.
///
/// # Cost
/// n²m/2 for the pairs, n·m·beam/2^k for order k.
fn beam(design: &Design, residual: &[f32], width: Width) -> Vec<Term> {
    let singles: Vec<&[u64]> = (0..design.players()).map(|i| design.column(i)).collect();
    // Of pairs only i < j count.
    let firsts: Vec<usize> = (0..design.players()).collect();
    let pairs = sums_within(design, residual, &singles, &firsts);
    let mut found = Vec::new();
    for rule in [Rule::All, Rule::None] {
        let mut level = strongest_pairs(design, residual, &pairs, rule, width.beam);
        for order in 2..=width.order.min(design.players()) {
            found.extend(level.iter().take(width.kept).cloned());
            if order == width.order {
                break;
            }
            level = extended(design, residual, &level, width.beam);
        }
    }
    found
}

fn strongest_pairs(
    design: &Design,
    residual: &[f32],
    pairs: &[f32],
    rule: Rule,
    beam: usize,
) -> Vec<Term> {
    let (players, stride) = (design.players(), design.stride());
    let singles: Vec<f32> = (0..players)
        .map(|i| places(design.column(i)).map(|s| residual[s]).sum())
        .collect();
    let mut scored: Vec<(f32, u16, u16)> = Vec::with_capacity(players * (players - 1) / 2);
    for i in 0..players {
        for j in i + 1..players {
            let both = pairs[i * stride + j];
            // Σ r (1 − x_i)(1 − x_j), where r sums to 0.
            let sum = if rule == Rule::None {
                both - singles[i] - singles[j]
            } else {
                both
            };
            scored.push((sum.abs(), i as u16, j as u16));
        }
    }
    let order = |a: &(f32, u16, u16), b: &(f32, u16, u16)| {
        b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2)))
    };
    if scored.len() > beam {
        scored.select_nth_unstable_by(beam, order);
        scored.truncate(beam);
    }
    scored.sort_unstable_by(order);
    scored
        .into_iter()
        .map(|(_, i, j)| Term {
            rule,
            players: vec![i, j],
        })
        .collect()
}

/// Extensions of one term that may enter the next level.
const BRANCHES: usize = 12;

/// The strongest terms of one order more, each of which extends a term of `level`.
fn extended(design: &Design, residual: &[f32], level: &[Term], beam: usize) -> Vec<Term> {
    let fires: Vec<Vec<u64>> = level.par_iter().map(|term| design.fires(term)).collect();
    let bits: Vec<&[u64]> = fires.iter().map(Vec::as_slice).collect();
    let sums = sums_within(design, residual, &bits, &vec![0; level.len()]);
    let mut scored: BinaryHeap<Extension> = level
        .par_iter()
        .zip(sums.par_chunks_exact(design.stride()))
        .enumerate()
        .map(|(at, (term, sums))| {
            let all: f32 = match term.rule {
                Rule::None => places(bits[at]).map(|s| residual[s]).sum(),
                Rule::All | Rule::Odd => 0.0,
            };
            let mut best: Vec<(f32, u16)> = Vec::with_capacity(BRANCHES + 1);
            for (player, sum) in (0..design.players() as u16).zip(sums) {
                // Σ r (1 − x_i) where players are absent.
                let score = (sum - all).abs();
                let weakest = best.last().filter(|_| best.len() == BRANCHES);
                if weakest.is_some_and(|weakest| weakest.0 >= score)
                    || term.players.contains(&player)
                {
                    continue;
                }
                let place = best.partition_point(|other| other.0 >= score);
                best.insert(place, (score, player));
                best.truncate(BRANCHES);
            }
            let best = best.into_iter();
            // Floats that are not negative are ordered as their bits are.
            best.map(move |(score, player)| (score.to_bits(), Reverse(at), Reverse(player)))
        })
        .flatten_iter()
        .collect();
    let mut seen = HashSet::new();
    let mut next = Vec::with_capacity(beam);
    while next.len() < beam
        && let Some((_, Reverse(at), Reverse(player))) = scored.pop()
    {
        let longer = level[at].with(player);
        if let Some(longer) = longer.filter(|longer| seen.insert(longer.players.clone())) {
            next.push(longer);
        }
    }
    next
}

/// The bits of a score, the term that is extended and the player that it gets: the strongest is the largest, and of equal ones
/// the first.
type Extension = (u32, Reverse<usize>, Reverse<u16>);

/// Players of a tile, whose sums stay in registers.
const TILE: usize = 64;

/// For every term, which fires in the samples of its `bits`, Σ of the residual over these with each player from its entry of
/// `firsts` on: a row of the design's stride for each term.
fn sums_within(design: &Design, residual: &[f32], bits: &[&[u64]], firsts: &[usize]) -> Vec<f32> {
    let stride = design.stride();
    let mut sums = vec![0.0f32; bits.len() * stride];
    // Every task reads all rows, so that there are as few tasks as there are threads.
    let chunk = bits.len().div_ceil(rayon::current_num_threads()).max(1);
    sums.par_chunks_mut(chunk * stride)
        .zip(bits.par_chunks(chunk).zip(firsts.par_chunks(chunk)))
        .for_each(|(sums, (bits, firsts))| {
            on_lanes(Within {
                design,
                residual,
                bits,
                firsts,
                sums,
            });
        });
    sums
}

struct Within<'a> {
    design: &'a Design,
    residual: &'a [f32],
    bits: &'a [&'a [u64]],
    firsts: &'a [usize],
    sums: &'a mut [f32],
}

impl Work for Within<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (design, stride) = (self.design, self.design.stride());
        // 64 samples of a tile of players, side by side: they stay in the first-level cache for all terms.
        let mut tile = vec![[0.0f32; TILE]; 64];
        for start in (0..stride).step_by(TILE) {
            let end = stride.min(start + TILE);
            for block in 0..design.words() {
                let samples = (64 * block..design.samples()).take(64);
                for (tile, sample) in tile.iter_mut().zip(samples) {
                    tile[..end - start].copy_from_slice(&design.row(sample)[start..end]);
                }
                let rows = self.sums.chunks_exact_mut(stride);
                let terms = self.bits.iter().zip(self.firsts);
                for (sums, (bits, _)) in rows.zip(terms).filter(|(_, (_, first))| **first < end) {
                    let sums = &mut sums[start..end];
                    let mut here = [0.0f32; TILE];
                    here[..end - start].copy_from_slice(sums);
                    let mut word = bits[block];
                    while word != 0 {
                        let at = word.trailing_zeros() as usize;
                        word &= word - 1;
                        let weight = self.residual[64 * block + at];
                        for lane in 0..TILE {
                            here[lane] += weight * tile[at][lane];
                        }
                    }
                    sums.copy_from_slice(&here[..end - start]);
                }
            }
        }
    }
}
