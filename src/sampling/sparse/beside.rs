//! Covariances beside functions that are fitted as they stand, without a prior.
//!
//! With an orthonormal basis B of what these functions span on the samples, and B' the same functions elsewhere, the part of v
//! that they leave has covariance Q K Q, Q = 1 − B Bᵀ, and what weights a = Q a say elsewhere is K' a − B' Bᵀ K a: the functions
//! are fitted to what K a leaves (universal kriging; Matheron 1969). Linear effects are the largest by far; without them an
//! iteration needs half as many steps.

use super::covariance::Covariance;
use super::design::{Design, count, places};
use super::pool::RARE;
use super::sums::{add_rows, dot};

/// The constant and every single player that is neither rare nor rarely absent, orthonormal on the samples; a function after the other, the samples first and behind
/// them the others.
#[derive(Default)]
pub(super) struct Span {
    basis: Vec<f32>,
    rows: usize,
    samples: usize,
}

/// Of its squared norm: what is less is spanned by the functions before, and where less is left rounding is felt.
const SPANNED: f64 = 1e-9;
const LITTLE: f64 = 0.01;

impl Span {
    /// The span, and what least squares in it leaves of `values`, those of the samples and behind them those of the others.
    pub(super) fn of_singles(
        own: &Design,
        others: Option<&Design>,
        mut values: Vec<f64>,
    ) -> (Self, Vec<f64>) {
        let samples = own.samples();
        let rows = samples + others.map_or(0, Design::samples);
        let mut functions: Vec<Vec<f64>> = vec![vec![1.0; rows]];
        // What is too rare to be fitted in the end is not taken off before.
        let often = |player: &usize| {
            let present = count(own.column(*player));
            present >= RARE && samples as u32 - present >= RARE
        };
        for player in (0..own.players()).filter(often) {
            let mut present = vec![0.0; rows];
            for sample in places(own.column(player)) {
                present[sample] = 1.0;
            }
            for sample in others
                .iter()
                .flat_map(|others| places(others.column(player)))
            {
                present[samples + sample] = 1.0;
            }
            functions.push(present);
        }
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for mut function in functions {
            let square = dot(&function[..samples], &function[..samples]);
            let mut rest = square;
            // Again where little is left, so that rounding leaves nothing of the others.
            for _ in 0..2 {
                for other in &basis {
                    let share = dot(&function[..samples], &other[..samples]);
                    add_rows(&mut function, &[-share], other);
                }
                rest = dot(&function[..samples], &function[..samples]);
                if rest > LITTLE * square {
                    break;
                }
            }
            if rest > SPANNED * square {
                let norm = rest.sqrt();
                function.iter_mut().for_each(|x| *x /= norm);
                let share = dot(&function[..samples], &values[..samples]);
                add_rows(&mut values, &[-share], &function);
                basis.push(function);
            }
        }
        let basis = basis.iter().flatten().map(|x| *x as f32);
        let span = Self {
            basis: basis.collect(),
            rows,
            samples,
        };
        (span, values)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.basis.is_empty()
    }

    /// Takes off what the functions explain of the samples, everywhere.
    fn project(&self, image: &mut [f32]) {
        if self.is_empty() {
            return;
        }
        let functions = self.basis.chunks_exact(self.rows);
        let shares =
            functions.map(|function| -dot(&function[..self.samples], &image[..self.samples]));
        let shares: Vec<f32> = shares.collect();
        add_rows(image, &shares, &self.basis);
    }
}

/// A covariance beside the functions of a span.
pub(super) struct Beside<'a> {
    pub(super) covariance: &'a mut dyn Covariance,
    pub(super) span: &'a Span,
}

impl Beside<'_> {
    /// The prior variance of v beside the functions.
    pub(super) fn variance(&self) -> f64 {
        self.covariance.variance()
    }

    /// Q K x at the samples, and behind them what is said of the others.
    pub(super) fn apply(&mut self, x: &[f32]) -> Vec<f32> {
        let mut image = self.covariance.apply(x);
        self.span.project(&mut image);
        image
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::sparse::design::Term;
    use crate::sampling::sparse::plan;
    use crate::sampling::sparse::pool::Pool;

    #[test]
    fn a_span_leaves_nothing_of_linear_functions_anywhere() {
        let coalitions = plan(9, 120, 8).expect("a plan");
        let coalitions: Vec<_> = coalitions.iter().collect();
        let (own, others) = (
            Design::new(9, &coalitions[..80]),
            Design::new(9, &coalitions[80..]),
        );
        let values: Vec<f64> = (0..120).map(|at| f64::from(at).sin()).collect();
        let (span, left) = Span::of_singles(&own, Some(&others), values.clone());
        assert_eq!(span.basis.len(), 10 * 120);
        let singles: Vec<Term> = (0..9).map(Term::single).collect();
        let fit = Pool::least_squares(&own, &values[..80], &singles);
        let explained = [fit.explain(&own), fit.explain(&others)].concat();
        for ((left, value), explained) in left.iter().zip(&values).zip(&explained) {
            assert!((left - (value - explained)).abs() < 1e-9, "{left}");
        }
        let linear = |c: &&crate::Coalition| -> f32 {
            3.0 + c.players().map(|i| i as f32 - 2.5).sum::<f32>()
        };
        let mut image: Vec<f32> = coalitions.iter().map(linear).collect();
        span.project(&mut image);
        assert!(image.iter().all(|x| x.abs() < 1e-4), "{image:?}");
    }
}
