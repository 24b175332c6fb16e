//! Regularised fits of everything at once, for games that are not sparse.
//!
//! v is expanded in the Walsh functions χ_U(S) = Π_{i∈U} (1 − 2x_i) up to an order, with a prior that gives the coefficient of
//! χ_U the variance Π_{i∈U} ρ_i: players that matter more alone are expected to matter more together, and every further
//! player makes an effect smaller. The fit minimises Σ_s (v_s − f(s))² + σ² Σ_U w_U²/Π ρ_i, which has one solution however
//! few samples there are.

use rayon::prelude::*;

use super::fit::{Fit, Part, Parts};
use super::kernel::Solver;

/// Up to this many players the Walsh functions of all coalitions are summed by a butterfly.
pub(super) const DENSE_PLAYERS: usize = 16;

/// With more players, functions of one and two players are fitted, from at most this many samples.
const MOST_SAMPLES: usize = 8192;

/// The prior.
#[derive(Clone, Debug)]
pub(super) struct Prior {
    /// ρ_i
    pub(super) scales: Vec<f64>,
    /// σ² as a share of the prior variance of v.
    pub(super) noise: f64,
    /// The highest order.
    pub(super) order: usize,
}

/// Whether [`ridge`] takes a problem of this size.
pub(super) fn fits(players: usize, samples: usize) -> bool {
    players <= DENSE_PLAYERS || samples <= MOST_SAMPLES
}

/// With more than 16 players, the samples from which a prior is chosen: a multiple of 64.
const DECIDING: usize = 768;

/// ρ where all players are alike, from which the search for it starts.
const SCALE: f64 = 0.1;

/// The noises that are tried, as shares of the prior variance of v; one run serves them all.
const NOISES: [f64; 9] = [1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];

/// The prior whose fit predicts the held-out samples best.
pub(super) fn choose(parts: &Parts, order: usize) -> Prior {
    let relevance = relevance(&parts.fitted);
    let players = relevance.len();
    let few = (players > DENSE_PLAYERS && parts.fitted.values.len() > DECIDING).then(|| Part {
        design: parts.fitted.design.first(DECIDING),
        values: parts.fitted.values[..DECIDING].to_vec(),
    });
    let fitted = few.as_ref().unwrap_or(&parts.fitted);
    // Pairs grow with n², so that a prior that weighs them alike at any n shrinks with it.
    let unit = (DENSE_PLAYERS as f64 / players as f64).min(1.0);
    let even = vec![1.0; relevance.len()];
    let trial = |shape: &[f64], scale: f64| {
        let scales = shape
            .iter()
            .map(|s| (s * scale * unit).clamp(1e-6, 0.95))
            .collect();
        let mut prior = Prior {
            scales,
            noise: 0.0,
            order,
        };
        let solver = Solver::new(&fitted.design, &prior);
        let explained = solver.predictions(fitted, &parts.held.design, &NOISES);
        let errors = explained
            .iter()
            .map(|explained| parts.held.error(explained));
        let mut least = f64::INFINITY;
        for (error, noise) in errors.zip(NOISES) {
            if error < least {
                (least, prior.noise) = (error, noise);
            }
        }
        (prior, least)
    };
    // From the middle of the range of scales outwards, as far as it serves.
    let mut scale = SCALE;
    let mut best = trial(&relevance, scale);
    for factor in [0.5, 2.0] {
        let mut next = scale * factor;
        while (SCALE / 4.0..=SCALE * 4.0).contains(&next) {
            let found = trial(&relevance, next);
            if found.1 >= best.1 {
                break;
            }
            (best, scale) = (found, next);
            next *= factor;
        }
        if scale != SCALE {
            break;
        }
    }
    let found = trial(&even, scale);
    if found.1 < best.1 {
        best = found;
    }
    best.0
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

/// The fit of `part` under `prior`.
pub(super) fn ridge(part: &Part, prior: &Prior) -> Fit {
    let solver = Solver::new(&part.design, prior);
    let (mean, weights) = solver.solve(part, prior.noise);
    solver.terms(&part.design, mean, &weights)
}
