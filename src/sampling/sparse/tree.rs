//! Boosted trees as a guide: the Walsh functions in which they are large are the ones that are fitted.
//!
//! A tree splits the samples by the presence of one player after another; a leaf is a product of players present and players
//! absent, which is a sum of Walsh functions of subsets of them. The ensemble is trained with squared loss and stops where the
//! held-out samples gain no more; its spectrum is summed exactly, and the largest functions, as many as predict the held-out
//! samples best, are fitted anew by least squares (the idea of ProxySPEX; Butler et al. 2025).

use std::collections::BTreeMap;

use super::design::{Rows, Term};
use super::fit::{Parts, least_squares};

/// The part of each tree's answer that is added.
const RATE: f64 = 0.1;

/// Trees at most.
const TREES: usize = 400;

/// Trees without a gain on the held-out samples before growing stops.
const PATIENCE: usize = 20;

/// Samples to a leaf at least.
const LEAF: usize = 5;

struct Leaf {
    /// The players on the way, and whether they are present.
    path: Vec<(u16, bool)>,
    value: f64,
}

/// The Walsh functions that matter to boosted trees of depth `order`, as many as predict the held-out part best.
///
/// # Cost
/// n·m additions for each level of each tree.
pub(super) fn tree(parts: &Parts, order: usize) -> Vec<Term> {
    let spectrum = spectrum(&boosted(parts, order));
    let mut strongest: Vec<(Term, f64)> = spectrum
        .into_iter()
        .map(|(players, weight)| (Term::walsh(&players), weight))
        .collect();
    strongest.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    let terms: Vec<Term> = strongest.into_iter().map(|(term, _)| term).collect();
    best_prefix(parts, terms)
}

/// As many of `terms`, from the first, as predict the held-out part best when fitted to the others, a third of the samples at
/// most.
pub(super) fn best_prefix(parts: &Parts, mut terms: Vec<Term>) -> Vec<Term> {
    let most = terms.len().min(parts.fitted.values.len() / 3);
    let mut best = (
        0,
        parts
            .held
            .error(&vec![parts.fitted.mean(); parts.held.values.len()]),
    );
    let mut count = 1;
    loop {
        count = (count + 1 + count / 3).min(most);
        let fit = least_squares(&parts.fitted, &terms[..count]);
        let error = parts.held.error(&fit.explain(&parts.held.design));
        if error < best.1 {
            best = (count, error);
        }
        if count == most {
            break;
        }
    }
    terms.truncate(best.0);
    terms
}

/// The leaves of all trees that were kept.
fn boosted(parts: &Parts, depth: usize) -> Vec<Leaf> {
    let (rows, held) = (parts.fitted.design.rows(), parts.held.design.rows());
    let mean = parts.fitted.mean();
    let mut residual: Vec<f64> = parts.fitted.values.iter().map(|v| v - mean).collect();
    let mut explained = vec![mean; parts.held.values.len()];
    let mut best = (parts.held.error(&explained), 0);
    let mut leaves: Vec<Leaf> = Vec::new();
    let mut trees = 0;
    while trees < TREES && trees < best.1 + PATIENCE {
        let from = leaves.len();
        grow(
            &rows,
            &mut residual,
            &(0..parts.fitted.values.len()).collect::<Vec<_>>(),
            &mut Vec::new(),
            depth,
            &mut leaves,
        );
        for leaf in &leaves[from..] {
            for (at, explained) in explained.iter_mut().enumerate() {
                let row = held.row(at);
                let here =
                    |&(player, present): &(u16, bool)| (row[usize::from(player)] > 0.0) == present;
                if leaf.path.iter().all(here) {
                    *explained += leaf.value;
                }
            }
        }
        trees += 1;
        let error = parts.held.error(&explained);
        if error < best.0 {
            best = (error, trees);
        }
    }
    leaves
}

/// Splits `samples` by the player that leaves the least squared residual, down to `depth` players on the way, and takes what
/// each leaf explains off the residual.
fn grow(
    rows: &Rows,
    residual: &mut [f64],
    samples: &[usize],
    path: &mut Vec<(u16, bool)>,
    depth: usize,
    leaves: &mut Vec<Leaf>,
) {
    let total: f64 = samples.iter().map(|&s| residual[s]).sum();
    let split = (path.len() < depth && samples.len() >= 2 * LEAF)
        .then(|| best_split(rows, residual, samples, total))
        .flatten();
    let Some(player) = split else {
        let value = RATE * total / samples.len() as f64;
        samples.iter().for_each(|&s| residual[s] -= value);
        leaves.push(Leaf {
            path: path.clone(),
            value,
        });
        return;
    };
    let (with, without): (Vec<usize>, Vec<usize>) = samples
        .iter()
        .partition(|&&s| rows.row(s)[usize::from(player)] > 0.0);
    for (part, present) in [(with, true), (without, false)] {
        path.push((player, present));
        grow(rows, residual, &part, path, depth, leaves);
        path.pop();
    }
}

fn best_split(rows: &Rows, residual: &[f64], samples: &[usize], total: f64) -> Option<u16> {
    let mut sums = vec![0.0f32; rows.row(0).len()];
    let mut counts = sums.clone();
    for &sample in samples {
        let weight = residual[sample] as f32;
        for ((sum, count), x) in sums.iter_mut().zip(&mut counts).zip(rows.row(sample)) {
            *sum += weight * x;
            *count += x;
        }
    }
    let all = samples.len() as f64;
    let mut best = (1e-12 * total * total / all, None);
    for player in 0..sums.len() {
        let (sum, count) = (f64::from(sums[player]), f64::from(counts[player]));
        if count < LEAF as f64 || all - count < LEAF as f64 {
            continue;
        }
        let gain = sum * sum / count + (total - sum).powi(2) / (all - count) - total * total / all;
        if gain > best.0 {
            best = (gain, Some(player as u16));
        }
    }
    best.1
}

/// The coefficient of every Walsh function of one player and more: a leaf of d players adds value·2^−d times 1 or −1 to that
/// of every subset of them.
fn spectrum(leaves: &[Leaf]) -> BTreeMap<Vec<u16>, f64> {
    let mut spectrum: BTreeMap<Vec<u16>, f64> = BTreeMap::new();
    for Leaf { path, value } in leaves {
        let mut path = path.clone();
        path.sort_unstable();
        let share = value * 0.5f64.powi(path.len() as i32);
        for subset in 1u32..1 << path.len() {
            let within = (0..path.len()).filter(|at| subset >> at & 1 == 1);
            // A factor is (1 − χ)/2 for a player present and (1 + χ)/2 for one absent.
            let sign = within
                .clone()
                .fold(1.0, |sign, at| if path[at].1 { -sign } else { sign });
            let players = within.map(|at| path[at].0).collect();
            *spectrum.entry(players).or_default() += sign * share;
        }
    }
    spectrum
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::Coalition;

    #[test]
    fn the_spectrum_is_that_of_the_leaves() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(4);
        let leaves: Vec<Leaf> = (0..30)
            .map(|_| {
                let mut path: Vec<(u16, bool)> = Vec::new();
                for player in 0..6 {
                    if rng.random_range(0..2) == 0 {
                        path.push((player, rng.random()));
                    }
                }
                Leaf {
                    path,
                    value: rng.random_range(-1.0..1.0),
                }
            })
            .collect();
        let spectrum = spectrum(&leaves);
        let constant: f64 = leaves
            .iter()
            .map(|leaf| leaf.value * 0.5f64.powi(leaf.path.len() as i32))
            .sum();
        for s in 0..64 {
            let s = Coalition::from_index(s);
            let slow: f64 = leaves
                .iter()
                .filter(|leaf| {
                    leaf.path
                        .iter()
                        .all(|&(i, here)| s.contains(i.into()) == here)
                })
                .map(|leaf| leaf.value)
                .sum();
            let fast: f64 = spectrum
                .iter()
                .map(|(players, weight)| {
                    let present = players.iter().filter(|&&i| s.contains(i.into())).count();
                    if present % 2 == 1 { -weight } else { *weight }
                })
                .sum();
            assert!((slow - fast - constant).abs() < 1e-12);
        }
    }
}
