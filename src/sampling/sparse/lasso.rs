//! Least squares with the L1 norm of the effects as a price.
//!
//! minimises ½ Σ_s (v_s − f(s))² + λ Σ_j ‖x_j‖ |β_j| over a constant and the coefficients of a dictionary of ANDs and ORs
//! that is grown from what the fit leaves over. Coordinate descent on the Gram matrix of the columns, which are centred and
//! scaled to norm 1; it stops by the duality gap (Tibshirani 1996; Friedman, Hastie and Tibshirani 2010).

use rayon::prelude::*;

use super::design::{Design, Term, common, count, places};
use super::fit::{Fit, Part, Parts};
use super::search::{Search, Width};

/// Columns of the dictionary at most.
const COLUMNS: usize = 1200;

/// Rounds in which the dictionary grows.
const GROWTH: usize = 4;

/// Prices per decade, and how far below the one at which every coefficient is 0 they go.
const STEP: f64 = 0.7;
const STEPS: usize = 20;

/// Duality gap, as a share of ½ Σ v², at which a fit is good enough.
const GAP: f64 = 1e-5;
const SWEEPS: usize = 400;

/// A dictionary and a price.
#[derive(Clone, Debug)]
pub(super) struct Penalty {
    pub(super) terms: Vec<Term>,
    /// λ divided by the square root of the number of samples, by which the effects of columns of norm 1 grow.
    pub(super) price: f64,
}

/// The dictionary, and the price at which the fit predicts the held-out part best.
pub(super) fn choose(parts: &Parts, width: Width) -> Penalty {
    let (design, mean) = (&parts.fitted.design, parts.fitted.mean());
    let centred: Vec<f64> = parts.fitted.values.iter().map(|v| v - mean).collect();
    let root = (centred.len() as f64).sqrt();
    let mut problem = Problem::new(design, &centred);
    problem.add((0..design.players()).map(Term::single).collect());
    let mut beta: Vec<f64> = Vec::new();
    let mut search = Search::new(design, width);
    for round in 0..GROWTH {
        problem.add(search.terms(&problem.residual(&beta)));
        beta.resize(problem.columns.len(), 0.0);
        let price = problem.highest() * 0.3f64.powi(round as i32 + 1);
        problem.descend(&mut beta, price);
    }
    let mut price = problem.highest();
    beta = vec![0.0; problem.columns.len()];
    let mut best = (price, f64::INFINITY);
    for _ in 0..STEPS {
        price *= STEP;
        problem.descend(&mut beta, price);
        let fit = problem.fit(&beta, mean);
        let error = parts.held.error(&fit.explain(&parts.held.design));
        if error < best.1 {
            best = (price, error);
        }
    }
    Penalty {
        terms: problem
            .columns
            .into_iter()
            .map(|column| column.term)
            .collect(),
        price: best.0 / root,
    }
}

/// The fit of `part`, at the price that was chosen.
pub(super) fn lasso(part: &Part, penalty: &Penalty) -> Fit {
    let mean = part.mean();
    let centred: Vec<f64> = part.values.iter().map(|v| v - mean).collect();
    let mut problem = Problem::new(&part.design, &centred);
    problem.add(penalty.terms.clone());
    let mut beta = vec![0.0; problem.columns.len()];
    problem.descend(&mut beta, penalty.price * (centred.len() as f64).sqrt());
    problem.fit(&beta, mean)
}

struct Column {
    term: Term,
    bits: Vec<u64>,
    count: f64,
    /// ‖x‖ of the centred column.
    norm: f64,
    /// ⟨x, v⟩/‖x‖
    product: f64,
}

struct Problem<'a> {
    design: &'a Design,
    values: &'a [f64],
    square: f64,
    columns: Vec<Column>,
    /// Row j holds ⟨x_j, x_k⟩/(‖x_j‖‖x_k‖) for k ≤ j.
    gram: Vec<Vec<f64>>,
}

impl<'a> Problem<'a> {
    fn new(design: &'a Design, values: &'a [f64]) -> Self {
        Self {
            design,
            values,
            square: values.iter().map(|v| v * v).sum(),
            columns: Vec::new(),
            gram: Vec::new(),
        }
    }

    /// Takes in the terms that are new and vary, as long as there is room.
    fn add(&mut self, terms: Vec<Term>) {
        let samples = self.design.samples() as f64;
        for term in terms {
            if self.columns.len() >= COLUMNS.max(self.design.players()) {
                return;
            }
            if self.columns.iter().any(|column| column.term == term) {
                continue;
            }
            let bits = self.design.fires(&term);
            let count = f64::from(count(&bits));
            let square = count - count * count / samples;
            if square < 1.0 {
                continue;
            }
            let norm = square.sqrt();
            let product = places(&bits).map(|s| self.values[s]).sum::<f64>() / norm;
            let mut row: Vec<f64> = self
                .columns
                .par_iter()
                .with_min_len(64)
                .map(|other| {
                    let both = f64::from(common(&bits, &other.bits));
                    (both - count * other.count / samples) / (norm * other.norm)
                })
                .collect();
            row.push(1.0);
            self.gram.push(row);
            self.columns.push(Column {
                term,
                bits,
                count,
                norm,
                product,
            });
        }
    }

    /// The least price at which every coefficient is 0.
    fn highest(&self) -> f64 {
        self.columns
            .iter()
            .fold(0.0, |most, column| most.max(column.product.abs()))
    }

    fn gram(&self, a: usize, b: usize) -> f64 {
        self.gram[a.max(b)][a.min(b)]
    }

    /// Coordinate descent from `beta` until the duality gap is small: whole sweeps, and between them sweeps over the
    /// coefficients that are not 0.
    fn descend(&self, beta: &mut [f64], price: f64) {
        let size = beta.len();
        let mut slopes: Vec<f64> = (0..size)
            .into_par_iter()
            .with_min_len(64)
            .map(|j| {
                let used = (0..size).filter(|&k| beta[k] != 0.0);
                self.columns[j].product - used.map(|k| self.gram(j, k) * beta[k]).sum::<f64>()
            })
            .collect();
        for sweep in 0..SWEEPS {
            let whole = sweep % 5 == 0;
            for j in 0..size {
                if !whole && beta[j] == 0.0 {
                    continue;
                }
                let free = beta[j] + slopes[j];
                let new = free.signum() * (free.abs() - price).max(0.0);
                let step = new - beta[j];
                if step != 0.0 {
                    beta[j] = new;
                    for (k, slope) in slopes.iter_mut().enumerate() {
                        *slope -= step * self.gram(j, k);
                    }
                }
            }
            if whole && self.gap(beta, &slopes, price) <= GAP * self.square / 2.0 {
                return;
            }
        }
    }

    /// The value of the fit minus that of the dual problem at the scaled residual: no fit is better than this one by more.
    fn gap(&self, beta: &[f64], slopes: &[f64], price: f64) -> f64 {
        let steepest = slopes
            .iter()
            .fold(0.0f64, |most, slope| most.max(slope.abs()));
        let scale = if steepest > price {
            price / steepest
        } else {
            1.0
        };
        let explained: f64 = beta
            .iter()
            .zip(&self.columns)
            .map(|(b, c)| b * c.product)
            .sum();
        let bent: f64 = beta.iter().zip(slopes).map(|(b, s)| b * s).sum();
        let (with_values, rest) = (self.square - explained, self.square - explained - bent);
        let strength: f64 = beta.iter().map(|b| b.abs()).sum();
        rest / 2.0 + price * strength - (scale * with_values - scale * scale * rest / 2.0)
    }

    fn residual(&self, beta: &[f64]) -> Vec<f64> {
        let fit = self.fit(beta, 0.0);
        let explained = fit.explain(self.design);
        self.values
            .iter()
            .zip(explained)
            .map(|(v, e)| v - e)
            .collect()
    }

    fn fit(&self, beta: &[f64], mean: f64) -> Fit {
        let mut fit = Fit {
            constant: mean,
            terms: Vec::new(),
        };
        for (column, beta) in self.columns.iter().zip(beta).filter(|(_, b)| **b != 0.0) {
            let coefficient = beta / column.norm;
            fit.constant -= coefficient * column.count / self.design.samples() as f64;
            fit.terms.push((column.term.clone(), coefficient));
        }
        fit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::{ask, synthetic};
    use crate::sampling::sparse::plan;

    #[test]
    fn no_coefficient_can_be_moved_for_the_better() {
        let mut game = synthetic::parse("n=12; and(0,1)*2 - or(2,3,4) + and(5) + noise(0.3,1)")
            .expect("a game");
        let samples = ask(&mut game, plan(12, 300, 1).expect("a plan"), |_| ()).expect("values");
        let part = Part::new(
            12,
            samples
                .coalitions()
                .iter()
                .zip(samples.values().iter().copied()),
        );
        let terms: Vec<Term> = (0..12)
            .map(Term::single)
            .chain((1..12).map(|i| Term::walsh(&[0, i])))
            .collect();
        let penalty = Penalty { terms, price: 0.35 };
        let fit = lasso(&part, &penalty);
        assert!(fit.terms.len() > 2 && fit.terms.len() < 23);
        // The specification: the objective, written out.
        let objective = |fit: &Fit| {
            let norm = |term: &Term| {
                let count = f64::from(count(&part.design.fires(term)));
                (count - count * count / 300.0).sqrt()
            };
            let error = part.error(&fit.explain(&part.design)) * 300.0 / 2.0;
            error
                + 0.02
                    * 300.0
                    * fit
                        .terms
                        .iter()
                        .map(|(t, c)| norm(t) * c.abs())
                        .sum::<f64>()
        };
        let least = objective(&fit);
        for at in 0..fit.terms.len() {
            for step in [-0.03, 0.03] {
                let mut moved = fit.clone();
                moved.terms[at].1 += step;
                assert!(objective(&moved) > least);
            }
        }
    }
}
