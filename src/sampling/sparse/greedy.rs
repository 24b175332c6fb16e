//! Forward selection of terms, and backward again.

use super::design::{Design, Term, count, places};
use super::fit::Parts;
use super::pool::{Pool, dot};
use super::search::{Width, search};

/// Settings of [`greedy`].
#[derive(Clone, Copy, Debug)]
pub(super) struct GreedyOptions {
    pub(super) width: Width,
    /// The most terms chosen at a time.
    pub(super) terms: usize,
    /// Candidates held beside the chosen ones.
    pub(super) pool: usize,
    /// The mean squared error on the held-out part that has to be reached for a second pass to be worth it.
    pub(super) goal: f64,
}

/// Of the variance of v: below this a fit is exact.
const EXACT: f64 = 1e-12;

/// Of the best gain of a round: candidates at least this good are chosen before the next search.
const WORTH: f64 = 0.4;

/// Searches from a support and back at most.
const PASSES: usize = 4;

/// The terms whose least-squares fit to the fitted part predicts the held-out part best.
///
/// Forward selection takes in terms that only stood in for others which came later; backward elimination finds them, and a
/// search from what remains finds what they hid.
pub(super) fn greedy(parts: &Parts, options: &GreedyOptions) -> Vec<Term> {
    let (design, mean) = (&parts.fitted.design, parts.fitted.mean());
    let centred: Vec<f64> = parts.fitted.values.iter().map(|v| v - mean).collect();
    let total = dot(&centred, &centred);
    let scale = total / centred.len() as f64;
    let judge = Judge {
        design: &parts.held.design,
        values: parts.held.values.iter().map(|v| v - mean).collect(),
        samples: design.samples() as f64,
    };
    let mut pool = Pool::new(design, &centred);
    pool.add((0..design.players()).map(Term::single).collect());
    let (mut best, mut best_error) = (Vec::new(), judge.error(&[], &[], &[]));
    for _ in 0..PASSES {
        let before = best_error;
        forward(&mut pool, total, &judge, options, best_error);
        let (kept, error) = backward(design, &pool, &judge, scale * EXACT);
        pool.restart(&kept);
        if error < best_error {
            (best, best_error) = (pool.terms(), error);
        }
        let stuck = best_error > 0.9 * before || best_error > options.goal;
        if stuck || best_error <= EXACT * scale {
            break;
        }
    }
    best
}

struct Judge<'a> {
    design: &'a Design,
    /// Minus the mean of the values that are fitted.
    values: Vec<f64>,
    /// How many values are fitted.
    samples: f64,
}

impl Judge<'_> {
    /// Mean squared error of Σ coefficient · (column − its mean among the fitted samples).
    fn error(&self, columns: &[Vec<u64>], counts: &[u32], coefficients: &[f64]) -> f64 {
        let mut residual = self.values.clone();
        let mut shift = 0.0;
        for ((bits, count), coefficient) in columns.iter().zip(counts).zip(coefficients) {
            for sample in places(bits) {
                residual[sample] -= coefficient;
            }
            shift += coefficient * f64::from(*count) / self.samples;
        }
        residual.iter().map(|r| (r + shift).powi(2)).sum::<f64>() / residual.len().max(1) as f64
    }
}

/// Chooses until nothing is left to explain, the terms are as many as allowed, or held-out samples gain no more.
fn forward(
    pool: &mut Pool<'_>,
    total: f64,
    judge: &Judge<'_>,
    options: &GreedyOptions,
    start: f64,
) {
    let design = pool.design();
    let (mut best, mut best_at) = (start, pool.len());
    loop {
        let explained = dot(pool.shares(), pool.shares());
        if total - explained <= EXACT * total || pool.len() >= options.terms {
            return;
        }
        let residual = pool.residual();
        pool.thin(options.pool);
        pool.add(search(design, &residual, options.width));
        let Some((_, first)) = pool.best() else {
            return;
        };
        let most = (pool.len() / 3).max(4);
        for _ in 0..most {
            match pool.best() {
                Some((at, gain)) if gain >= WORTH * first && pool.len() < options.terms => {
                    pool.choose(at);
                }
                _ => break,
            }
        }
        let terms = pool.terms();
        let columns: Vec<_> = terms.iter().map(|t| judge.design.fires(t)).collect();
        let counts: Vec<_> = terms.iter().map(|t| count(&design.fires(t))).collect();
        let error = judge.error(&columns, &counts, &pool.coefficients(pool.len()));
        if error < best {
            (best, best_at) = (error, pool.len());
        }
        // A plateau this long is not left any more.
        if pool.len() > best_at + 20 + best_at / 2 {
            return;
        }
    }
}

/// Removes the term that explains least, again and again; returns the places of the support that predicts best, and its error.
fn backward(design: &Design, pool: &Pool<'_>, judge: &Judge<'_>, tiny: f64) -> (Vec<usize>, f64) {
    let terms = pool.terms();
    let size = terms.len();
    let bits: Vec<_> = terms.iter().map(|t| design.fires(t)).collect();
    let columns: Vec<_> = terms.iter().map(|t| judge.design.fires(t)).collect();
    let counts: Vec<_> = bits.iter().map(|b| count(b)).collect();
    let mut inverse = pool.inverse();
    let mut coefficients = pool.coefficients(size);
    let mut kept: Vec<usize> = (0..size).collect();
    let mut best = (kept.clone(), judge.error(&columns, &counts, &coefficients));
    while !kept.is_empty() {
        let cost = |&at: &usize| coefficients[at].powi(2) / inverse[at * size + at];
        let weakest = *kept
            .iter()
            .min_by(|a, b| cost(a).total_cmp(&cost(b)))
            .expect("kept is not empty");
        let pivot = inverse[weakest * size + weakest];
        let row: Vec<f64> = inverse[weakest * size..(weakest + 1) * size].to_vec();
        let step = coefficients[weakest] / pivot;
        kept.retain(|&at| at != weakest);
        for &at in &kept {
            coefficients[at] -= step * row[at];
            let factor = row[at] / pivot;
            for &other in &kept {
                inverse[at * size + other] -= factor * row[other];
            }
        }
        coefficients[weakest] = 0.0;
        let error = judge.error(&columns, &counts, &coefficients);
        if error < best.1 || error <= tiny {
            best = (kept.clone(), error);
        }
    }
    best
}
