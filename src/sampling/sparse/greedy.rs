//! Forward selection of terms, and backward again.

use super::design::{Design, Term, count, places};
use super::fit::Parts;
use super::pool::Pool;
use super::search::{Search, Width};
use super::sums::{add_rows, dot};

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

/// Terms that one search may add, or a third of those that are there.
const AT_ONCE: usize = 4;

/// Candidates beside the chosen ones that are held when the search starts again.
const AGAIN: usize = 200;

/// Searches from a support and back at most.
const PASSES: usize = 4;

/// Of the variance of v: where more is left and nothing more is found, the search is widened, once.
const UNEXPLAINED: f64 = 0.02;

/// The terms whose least-squares fit to the fitted part predicts the held-out part best, and the mean squared error there.
///
/// Forward selection takes in terms that only stood in for others which came later; backward elimination finds them, and a
/// search from what remains finds what they hid.
pub(super) fn greedy(parts: &Parts, options: &GreedyOptions) -> (Vec<Term>, f64) {
    let (design, mean) = (&parts.fitted.design, parts.fitted.mean());
    let centred: Vec<f64> = parts.fitted.values.iter().map(|v| v - mean).collect();
    let total = dot(&centred, &centred);
    let scale = total / centred.len() as f64;
    let judge = Judge {
        fitted: design,
        held: &parts.held.design,
        values: parts.held.values.iter().map(|v| v - mean).collect(),
    };
    let mut pool = Pool::new(design, &centred);
    pool.add((0..design.players()).map(Term::single).collect());
    let mut search = Search::new(design, options.width);
    let (mut best, mut best_error) = (Vec::new(), judge.error(&[], &[]));
    for _ in 0..PASSES {
        let before = best_error;
        let columns = forward(&mut pool, &mut search, total, &judge, options, best_error);
        let (kept, error) = backward(&pool, &judge, &columns, scale * EXACT);
        pool.thin(AGAIN);
        pool.restart(&kept);
        if error < best_error {
            (best, best_error) = (pool.terms(), error);
        }
        let stuck = best_error > 0.9 * before || best_error > options.goal;
        let mut widened = || best_error > UNEXPLAINED * scale && search.widen();
        if best_error <= EXACT * scale || stuck && !widened() {
            break;
        }
    }
    (best, best_error)
}

struct Judge<'a> {
    fitted: &'a Design,
    held: &'a Design,
    /// Held out, minus the mean of the values that are fitted.
    values: Vec<f64>,
}

impl Judge<'_> {
    /// Appends a term's column at the held-out samples, minus its mean among the fitted ones.
    fn append(&self, columns: &mut Vec<f64>, term: &Term) {
        let mean = f64::from(count(&self.fitted.fires(term))) / self.fitted.samples() as f64;
        let start = columns.len();
        columns.resize(start + self.values.len(), -mean);
        for sample in places(&self.held.fires(term)) {
            columns[start + sample] += 1.0;
        }
    }

    /// Mean squared error of Σ coefficient · column, one column after the other.
    fn error(&self, columns: &[f64], coefficients: &[f64]) -> f64 {
        let mut residual = self.values.clone();
        let minus: Vec<f64> = coefficients.iter().map(|c| -c).collect();
        add_rows(&mut residual, &minus, columns);
        dot(&residual, &residual) / residual.len().max(1) as f64
    }
}

/// Chooses until nothing is left to explain, the terms are as many as allowed, or held-out samples gain no more. Returns the
/// columns of the chosen terms at those.
fn forward(
    pool: &mut Pool<'_>,
    search: &mut Search<'_>,
    total: f64,
    judge: &Judge<'_>,
    options: &GreedyOptions,
    start: f64,
) -> Vec<f64> {
    let mut columns = Vec::new();
    for term in pool.terms() {
        judge.append(&mut columns, &term);
    }
    let mut curve: Vec<(f64, f64)> = Vec::new();
    let (mut best, mut best_at) = (start, pool.len());
    loop {
        let explained = dot(pool.shares(), pool.shares());
        if total - explained <= EXACT * total || pool.len() >= options.terms {
            return columns;
        }
        let residual = pool.residual();
        pool.thin(options.pool);
        pool.add(search.terms(&residual));
        let Some((_, first)) = pool.best() else {
            return columns;
        };
        let known = pool.len();
        let most = (known / 3).max(AT_ONCE);
        for _ in 0..most {
            match pool.best() {
                Some((at, gain)) if gain >= WORTH * first && pool.len() < options.terms => {
                    pool.choose(at);
                }
                _ => break,
            }
        }
        for term in &pool.terms()[known..] {
            judge.append(&mut columns, term);
        }
        let error = judge.error(&columns, &pool.coefficients(pool.len()));
        if error < best {
            (best, best_at) = (error, pool.len());
        }
        curve.push((pool.len() as f64, error));
        if is_hopeless(&curve, options) {
            return columns;
        }
        // A plateau this long is not left any more.
        if pool.len() > best_at + 20 + best_at / 2 {
            return columns;
        }
    }
}

/// Terms from which on the course of the errors tells something.
const COURSE: f64 = 20.0;

/// Whether errors that go on falling as a power of the number of terms stay above four fifths of the goal: as they fell since
/// it was half as large, or by the last step if that was steeper.
fn is_hopeless(curve: &[(f64, f64)], options: &GreedyOptions) -> bool {
    let Some((&(terms, error), earlier)) = curve.split_last() else {
        return false;
    };
    let half = earlier.iter().rev().find(|(fewer, _)| 2.0 * fewer <= terms);
    let (Some(half), Some(last)) = (half, earlier.last()) else {
        return false;
    };
    let ahead = (options.terms as f64 / terms).ln();
    let fall = |&(fewer, before): &(f64, f64)| (before / error).ln() / (terms / fewer).ln();
    terms >= COURSE && error * (-fall(half).max(fall(last)) * ahead).exp() > 0.8 * options.goal
}

/// Removes the term that explains least, again and again; returns the places of the support that predicts best, and its error.
fn backward(pool: &Pool<'_>, judge: &Judge<'_>, columns: &[f64], tiny: f64) -> (Vec<usize>, f64) {
    let size = pool.len();
    let mut inverse = pool.inverse();
    let mut coefficients = pool.coefficients(size);
    let mut kept: Vec<usize> = (0..size).collect();
    let mut best = (kept.clone(), judge.error(columns, &coefficients));
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
            let own = &mut inverse[at * size..(at + 1) * size];
            add_rows(own, &[-row[at] / pivot], &row);
        }
        coefficients[weakest] = 0.0;
        let error = judge.error(columns, &coefficients);
        if error < best.1 || error <= tiny {
            best = (kept.clone(), error);
        }
    }
    best
}
