//! Regularised fits of everything at once, for games that are not sparse.
//!
//! v is expanded in the Walsh functions χ_U(S) = Π_{i∈U} (1 − 2x_i) up to an order, with a prior that gives the coefficient of
//! χ_U the variance Π_{i∈U} ρ_i: players that matter more alone are expected to matter more together, and every further
//! player makes an effect smaller. The fit minimises Σ_s (v_s − f(s))² + σ² Σ_U w_U²/Π ρ_i, which has one solution however
//! few samples there are. Where samples are many for few players, the effects of single players have no such price.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::beside::{Beside, Span};
use super::covariance::{Covariance, covariance};
use super::design::{DENSE_PLAYERS, Design, Term};
use super::fit::{Fit, Part, Parts};
use super::kernel::{best_noise, solve};
use super::pool::Pool;

/// With more players, functions of one and two players are fitted, from at most this many samples.
const MOST_SAMPLES: usize = 8192;

/// The prior.
#[derive(Clone, Debug)]
pub(super) struct Prior {
    /// ρ_i
    pub(super) scales: Vec<f64>,
    /// The highest order.
    pub(super) order: usize,
}

/// Whether a ridge takes a problem of this size.
pub(super) fn fits(players: usize, samples: usize) -> bool {
    players <= DENSE_PLAYERS || samples <= MOST_SAMPLES
}

/// With more than 16 players, the samples from which a prior is chosen.
const DECIDING: usize = 768;

/// The mean of ρ over the players. Pairs grow with n², so that a prior that weighs them alike at any n shrinks with it beyond 16
/// players.
const SCALE: f64 = 0.15;

/// The noises that are tried, as shares of the prior variance of v; one run serves them all.
const NOISES: [f64; 9] = [1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];

/// A prior that was chosen, with what is known of the covariance under it.
pub(super) struct Ridge {
    noise: f64,
    /// Whether what single players explain is fitted beforehand, as it stands.
    linear: bool,
    covariance: Box<dyn Covariance>,
}

/// The ridge under the prior whose fit predicts the held-out samples best, and the mean squared error there: players weigh by
/// their linear effects, or alike.
pub(super) fn choose(parts: &Parts, order: usize) -> (Ridge, f64) {
    let relevance = relevance(&parts.fitted);
    let players = relevance.len();
    let many = players > DENSE_PLAYERS && parts.fitted.values.len() > DECIDING;
    let few = many.then(|| parts.fitted.part(0..DECIDING));
    let fitted = few.as_ref().unwrap_or(&parts.fitted);
    let linear = players <= DENSE_PLAYERS && fitted.values.len() >= LINEAR * players;
    let start = Start::new(fitted, Some(&parts.held), linear);
    let scale = SCALE * (DENSE_PLAYERS as f64 / players as f64).min(1.0);
    let even = vec![1.0; players];
    let mut best: Option<(Ridge, f64)> = None;
    for shape in [relevance, even] {
        let scales = shape.iter().map(|s| (s * scale).clamp(1e-6, 0.95));
        let prior = Prior {
            scales: scales.collect(),
            order,
        };
        let least = if linear { 2 } else { 1 };
        let mut covariance = covariance(&fitted.design, Some(&parts.held.design), &prior, least);
        let mut k = Beside {
            covariance: &mut *covariance,
            span: &start.span,
        };
        let to_beat = best.as_ref().map_or(f64::INFINITY, |best| best.1);
        let (noise, error) = best_noise(&mut k, start.own(), start.others(), &NOISES, to_beat);
        if error < to_beat || best.is_none() {
            let ridge = Ridge {
                noise,
                linear,
                covariance,
            };
            best = Some((ridge, error));
        }
    }
    let (ridge, error) = best.expect("two were tried");
    (ridge, error * start.unit * start.unit)
}

/// Samples for each player from which its linear effect is fitted beforehand, as it stands.
const LINEAR: usize = 10;

/// Of the largest value: what is left of all values by rounding alone.
const ROUNDING: f64 = 1e-12;

/// Where a ridge begins.
struct Start {
    /// What is left of v by single players, where samples are many and players few, otherwise by the mean: at the samples and
    /// behind them at the others, in units of the largest value at the samples, since single precision has a small range.
    left: Vec<f32>,
    samples: usize,
    unit: f64,
    /// What single players span.
    span: Span,
}

impl Start {
    fn new(part: &Part, others: Option<&Part>, linear: bool) -> Self {
        let samples = part.values.len();
        let values = others.map_or(&[][..], |others| &others.values);
        let values = [&part.values, values].concat();
        let (span, left) = match linear {
            true => Span::of_singles(&part.design, others.map(|others| &others.design), values),
            false => {
                let mean = part.mean();
                let left = values.iter().map(|v| v - mean);
                (Span::default(), left.collect())
            }
        };
        let largest = |values: &[f64]| values.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        let (most, of) = (largest(&left[..samples]), largest(&part.values));
        // What rounding leaves is nothing.
        let (unit, share) = match most > ROUNDING * of {
            true => (most, 1.0 / most),
            false => (1.0, 0.0),
        };
        Self {
            left: left.iter().map(|x| (x * share) as f32).collect(),
            samples,
            unit,
            span,
        }
    }

    fn own(&self) -> &[f32] {
        &self.left[..self.samples]
    }

    fn others(&self) -> &[f32] {
        &self.left[self.samples..]
    }
}

/// √|linear effect| of each player, scaled to mean 1.
fn relevance(part: &Part) -> Vec<f64> {
    let mean = part.mean();
    let design = &part.design;
    let samples = design.samples() as f64;
    let effects: Vec<f64> = (0..design.players())
        .into_par_iter()
        .map(|player| {
            let present = super::design::places(design.column(player));
            let (mut sum, mut count) = (0.0, 0.0);
            for sample in present {
                sum += part.values[sample] - mean;
                count += 1.0;
            }
            let spread: f64 = count * (samples - count) / samples;
            if spread > 0.0 {
                (sum / spread).abs().sqrt()
            } else {
                0.0
            }
        })
        .collect();
    let total: f64 = effects.iter().sum();
    match total > 0.0 {
        true => effects
            .iter()
            .map(|e| e * effects.len() as f64 / total)
            .collect(),
        false => vec![1.0; effects.len()],
    }
}

/// A fit of some samples.
struct Fitted {
    weights: Vec<f32>,
    unit: f64,
    /// What is fitted as it stands.
    beside: Fit,
}

impl Ridge {
    fn solve(&mut self, part: &Part) -> Fitted {
        let start = Start::new(part, None, self.linear);
        self.covariance.cover(&part.design);
        let mut k = Beside {
            covariance: &mut *self.covariance,
            span: &start.span,
        };
        let weights = solve(&mut k, start.own(), self.noise);
        let beside = match self.linear {
            false => Fit {
                constant: part.mean(),
                terms: Vec::new(),
            },
            true => {
                let image = self.covariance.apply(&weights);
                let left = part.values.iter().zip(image);
                let left = left.map(|(v, x)| v - start.unit * f64::from(x));
                let left: Vec<f64> = left.collect();
                let singles: Vec<Term> = (0..part.design.players()).map(Term::single).collect();
                Pool::least_squares(&part.design, &left, &singles)
            }
        };
        Fitted {
            weights,
            unit: start.unit,
            beside,
        }
    }

    /// The fit of `part`.
    pub(super) fn fit(&mut self, part: &Part) -> Fit {
        let fitted = self.solve(part);
        let mut fit = self.covariance.fit(&fitted.weights);
        fit.constant = fitted.beside.constant + fitted.unit * fit.constant;
        let mut effects: BTreeMap<Term, f64> = fitted.beside.terms.into_iter().collect();
        for (term, effect) in &mut fit.terms {
            *effect *= fitted.unit;
            if term.players.len() == 1 {
                *effect += effects.remove(term).unwrap_or(0.0);
            }
        }
        fit.terms.extend(effects);
        fit
    }

    /// What the fit of `part` says of other samples.
    pub(super) fn predictions(&mut self, part: &Part, others: &Design) -> Vec<f64> {
        let fitted = self.solve(part);
        let behind = self.covariance.elsewhere(&fitted.weights, others);
        let beside = fitted.beside.explain(others).into_iter();
        beside
            .zip(behind)
            .map(|(beside, x)| beside + fitted.unit * f64::from(x))
            .collect()
    }
}
