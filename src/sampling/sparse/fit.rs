//! What the methods take and give: samples in two parts, and a sum of terms.

use std::cmp::Reverse;
use std::ops::Range;

use super::design::{Design, Rule, Term, places};
use super::pool::Pool;
use crate::game::synthetic::{Shape, Synthetic, Term as Summand};
use crate::{Coalition, Result};

/// Samples of which one part is fitted and the other kept for judging.
pub(super) struct Parts {
    pub(super) fitted: Part,
    pub(super) held: Part,
}

/// Coalitions and their values.
pub(super) struct Part {
    pub(super) design: Design,
    pub(super) values: Vec<f64>,
}

impl Part {
    pub(super) fn new<'a>(
        players: usize,
        samples: impl IntoIterator<Item = (&'a Coalition, f64)>,
    ) -> Self {
        let (coalitions, values): (Vec<_>, Vec<_>) = samples.into_iter().unzip();
        Self {
            design: Design::new(players, &coalitions),
            values,
        }
    }

    /// Some of the samples, which follow each other.
    pub(super) fn part(&self, samples: Range<usize>) -> Self {
        Self {
            design: self.design.part(samples.clone()),
            values: self.values[samples].to_vec(),
        }
    }

    pub(super) fn mean(&self) -> f64 {
        mean(&self.values)
    }

    /// Mean squared difference between the values and `explained`.
    pub(super) fn error(&self, explained: &[f64]) -> f64 {
        let squares = self
            .values
            .iter()
            .zip(explained)
            .map(|(v, e)| (v - e).powi(2));
        squares.sum::<f64>() / self.values.len().max(1) as f64
    }
}

/// The mean, of equal values exactly their value.
pub(super) fn mean(values: &[f64]) -> f64 {
    let first = values.first().copied().unwrap_or(0.0);
    let off = values.iter().map(|v| v - first).sum::<f64>();
    first + off / values.len().max(1) as f64
}

/// A constant and terms with coefficients.
#[derive(Clone, Debug, Default)]
pub(super) struct Fit {
    pub(super) constant: f64,
    pub(super) terms: Vec<(Term, f64)>,
}

impl Fit {
    /// What the sum is for every sample of `design`.
    pub(super) fn explain(&self, design: &Design) -> Vec<f64> {
        let mut explained = vec![self.constant; design.samples()];
        for (term, coefficient) in &self.terms {
            for sample in places(&design.fires(term)) {
                explained[sample] += coefficient;
            }
        }
        explained
    }
}

/// The least-squares fit of `terms` to `part`.
pub(super) fn least_squares(part: &Part, terms: &[Term]) -> Fit {
    Pool::least_squares(&part.design, &part.values, terms)
}

/// The fit, whose coefficients are in `unit`, as a game of ANDs and ORs: c·Π(1 − x_i) is c − c·OR, and a parity is Σ (−2)^(t−1) AND over its subsets of t ≥ 1.
pub(super) fn model(players: usize, fit: &Fit, unit: f64) -> Result<Synthetic> {
    let mut constant = fit.constant;
    let mut effects: Vec<(bool, Coalition, f64)> = Vec::with_capacity(fit.terms.len());
    for (term, coefficient) in &fit.terms {
        match term.rule {
            Rule::All => effects.push((false, term.coalition(), *coefficient)),
            Rule::None => {
                constant += coefficient;
                effects.push((true, term.coalition(), -coefficient));
            }
            Rule::Odd => {
                for subset in 1u32..1 << term.players.len() {
                    let within = (0..term.players.len()).filter(|at| subset >> at & 1 == 1);
                    let set = Coalition::from_players(within.map(|at| term.players[at].into()));
                    let factor = (-2f64).powi(subset.count_ones() as i32 - 1);
                    effects.push((false, set, factor * coefficient));
                }
            }
        }
    }
    // Parities share their subsets; other terms are all different.
    if fit.terms.iter().any(|(term, _)| term.rule == Rule::Odd) {
        effects.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)).then(a.2.total_cmp(&b.2)));
        effects.dedup_by(|next, sum| {
            let same = (next.0, &next.1) == (sum.0, &sum.1);
            if same {
                sum.2 += next.2;
            }
            same
        });
    }
    effects.retain(|(_, _, effect)| *effect != 0.0);
    // The largest first, of equal ones the first; floats that are not negative are ordered as their bits are.
    let keys = effects.iter().map(|(_, _, effect)| effect.abs().to_bits());
    let mut order: Vec<(u64, u32)> = keys.zip(0..).collect();
    order.sort_unstable_by_key(|(key, _)| Reverse(*key));
    for equal in order.chunk_by_mut(|a, b| a.0 == b.0) {
        equal.sort_unstable_by_key(|(_, at)| *at);
    }
    let terms = order.into_iter().map(|(_, at)| {
        let (or, set, coefficient) = &effects[at as usize];
        let shape = if *or { Shape::Or } else { Shape::And };
        Summand {
            coefficient: unit * coefficient,
            shape: shape(set.clone()),
        }
    });
    let constant = Summand {
        coefficient: unit * constant,
        shape: Shape::Constant,
    };
    Synthetic::new(players, std::iter::once(constant).chain(terms).collect())
}
