//! Terms that go with a residual, grown from pairs upwards.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::dense::Dense;
use super::design::{DENSE_PLAYERS, Design, Rule, Term, places};
use super::sums::add_inlined;
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

/// Samples whose rows are in cache together while all pairs are summed.
const BLOCK: usize = 64;

/// What finds terms for one residual after the other.
pub(super) enum Search<'a> {
    /// Of few players all terms are scored.
    Dense(Dense<'a>),
    /// Of many, those that grow from the strongest pairs.
    Beam(&'a Design, Width),
}

impl<'a> Search<'a> {
    pub(super) fn new(design: &'a Design, width: Width) -> Self {
        match design.players() <= DENSE_PLAYERS {
            true => Self::Dense(Dense::new(design, width)),
            false => Self::Beam(design, width),
        }
    }

    /// The terms of order 2 and more that correlate most with `residual`, which sums to 0.
    pub(super) fn terms(&mut self, residual: &[f64]) -> Vec<Term> {
        let residual: Vec<f32> = residual.iter().map(|&r| r as f32).collect();
        match self {
            Self::Dense(dense) => dense.search(&residual),
            Self::Beam(design, width) => beam(design, &residual, *width),
        }
    }
}

/// All pairs are scored, Σ_s r_s x_si x_sj, and from then on every strong term is extended by every player, over the samples
/// only where the term fires. The score of a term is its sum times 2^(order/2), which is proportional to its correlation where
/// every player is present in half of the samples.
///
/// # Cost
/// n²m/2 for the pairs, n·m·beam/2^k for order k.
fn beam(design: &Design, residual: &[f32], width: Width) -> Vec<Term> {
    let pairs = pairs(design, residual);
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

/// Σ_s r_s x_si x_sj for i < j, row by row; the rest of the matrix is not filled.
fn pairs(design: &Design, residual: &[f32]) -> Vec<f32> {
    let (players, stride) = (design.players(), design.stride());
    let mut sums = vec![0.0f32; players * stride];
    let chunk = players.div_ceil(4 * rayon::current_num_threads()).max(8);
    sums.par_chunks_mut(chunk * stride)
        .enumerate()
        .for_each(|(at, sums)| {
            on_lanes(Pairs {
                design,
                residual,
                first: at * chunk,
                sums,
            });
        });
    sums
}

/// The rows of some players, from `first`.
struct Pairs<'a> {
    design: &'a Design,
    residual: &'a [f32],
    first: usize,
    sums: &'a mut [f32],
}

impl Work for Pairs<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let design = self.design;
        for start in (0..design.samples()).step_by(BLOCK) {
            for (offset, sums) in self.sums.chunks_exact_mut(design.stride()).enumerate() {
                let player = self.first + offset;
                let from = player / 16 * 16;
                let mut word = design.column(player)[start / 64];
                while word != 0 {
                    let sample = start + word.trailing_zeros() as usize;
                    word &= word - 1;
                    let row = &design.row(sample)[from..];
                    add_inlined(&mut sums[from..], self.residual[sample], row);
                }
            }
        }
    }
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

/// Σ of the residual over the samples of `bits` with each player; returns the sum over all of them.
struct Within<'a> {
    design: &'a Design,
    residual: &'a [f32],
    bits: &'a [u64],
    sums: &'a mut [f32],
}

impl Work for Within<'_> {
    type Output = f32;

    #[inline(always)]
    fn call(self) -> f32 {
        let mut all = 0.0;
        for (block, &word) in self.bits.iter().enumerate() {
            let mut word = word;
            while word != 0 {
                let sample = 64 * block + word.trailing_zeros() as usize;
                word &= word - 1;
                add_inlined(self.sums, self.residual[sample], self.design.row(sample));
                all += self.residual[sample];
            }
        }
        all
    }
}

/// Extensions of one term that may enter the next level.
const BRANCHES: usize = 12;

/// The strongest terms of one order more, each of which extends a term of `level`.
fn extended(design: &Design, residual: &[f32], level: &[Term], beam: usize) -> Vec<Term> {
    let mut scored: Vec<(f32, Term)> = level
        .par_iter()
        .map(|term| {
            let mut sums = vec![0.0f32; design.stride()];
            let all = on_lanes(Within {
                design,
                residual,
                bits: &design.fires(term),
                sums: &mut sums,
            });
            if term.rule == Rule::None {
                sums.iter_mut().for_each(|sum| *sum = all - *sum);
            }
            let mut best: Vec<(f32, Term)> = Vec::with_capacity(BRANCHES);
            let mut places: Vec<u16> = (0..design.players() as u16).collect();
            let order = |a: &u16, b: &u16| {
                let size = |player: u16| sums[usize::from(player)].abs();
                size(*b).total_cmp(&size(*a)).then(a.cmp(b))
            };
            let most = BRANCHES + term.players.len();
            if places.len() > most {
                places.select_nth_unstable_by(most, order);
                places.truncate(most);
            }
            places.sort_unstable_by(order);
            for player in places {
                if let Some(longer) = term.with(player) {
                    best.push((sums[usize::from(player)].abs(), longer));
                }
            }
            best.truncate(BRANCHES);
            best
        })
        .flatten_iter()
        .collect();
    scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut seen = BTreeSet::new();
    let mut next = Vec::with_capacity(beam);
    for (_, term) in scored {
        if next.len() == beam {
            break;
        }
        if seen.insert(term.players.clone()) {
            next.push(term);
        }
    }
    next
}
