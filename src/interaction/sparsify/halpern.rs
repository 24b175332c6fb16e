//! The iteration: Peaceman–Rachford splitting, anchored after Halpern, restarted.
//!
//! x = P(w), r = prox(2x − w) − x, w ← anchor/(k+2) + (k+1)/(k+2)·(w + 2r). The fixed points of w ↦ w + 2r are the optima;
//! anchoring makes ‖r‖ fall like 1/k, and restarting from the current point whenever it has fallen enough makes that
//! geometric for a linear program. At a restart the step length γ is balanced by how far primal and dual point travelled.

use super::certificate::Certificate;
use super::models::Models;
use super::proximal::Proximal;
use super::reduce::sum3;
use super::{Progress, Settings, Solution, Tolerance};

/// Iterations between two evaluations of the certificate.
const CHECK: usize = 20;

/// A fixed-point residual down to this share of that at the anchor restarts.
const SUFFICIENT: f64 = 0.2;

/// Down to this share, and rising again, restarts too.
const NECESSARY: f64 = 0.8;

/// Restarts come at least this often: after this share of all iterations, and never before [`LEAST_ROUND`].
const LONGEST_ROUND: f64 = 0.36;

/// See [`LONGEST_ROUND`].
const LEAST_ROUND: f64 = 50.0;

/// Where the iteration stands: w, and P(w) − w.
pub(super) struct Iterate {
    pub(super) w: Vec<Vec<f64>>,
    pub(super) moves: Vec<Vec<f64>>,
    pub(super) gamma: f64,
}

/// The state at the last restart.
struct Anchor {
    w: Vec<Vec<f64>>,
    x: Vec<Vec<f64>>,
    gamma: f64,
    residual: f64,
    round: usize,
}

impl Iterate {
    fn residual(&self, proximals: &[Proximal<'_>]) -> f64 {
        let square: f64 = proximals
            .iter()
            .zip(self.w.iter().zip(&self.moves))
            .map(|(proximal, (w, moves))| proximal.residual_square(w, moves, self.gamma))
            .sum();
        square.sqrt()
    }

    fn anchor(&self, residual: f64) -> Anchor {
        let sum = |(w, moves): (&Vec<f64>, &Vec<f64>)| {
            w.iter().zip(moves).map(|(w, step)| w + step).collect()
        };
        Anchor {
            w: self.w.clone(),
            x: self.w.iter().zip(&self.moves).map(sum).collect(),
            gamma: self.gamma,
            residual,
            round: 0,
        }
    }

    /// √(primal travel / (γ · dual travel)) since `anchor`: what γ should be multiplied by. 1 where one of them stands still.
    fn imbalance(&self, anchor: &Anchor) -> f64 {
        let (mut primal, mut dual) = (0.0, 0.0);
        for block in 0..self.w.len() {
            let (w, moves) = (&self.w[block], &self.moves[block]);
            let (w0, x0) = (&anchor.w[block], &anchor.x[block]);
            primal += sum3(w, moves, x0, |w, step, x0| (w + step - x0).powi(2));
            let (now, then) = (1.0 / self.gamma, 1.0 / anchor.gamma);
            dual += sum3(moves, x0, w0, |step, x0, w0| {
                (step * now - (x0 - w0) * then).powi(2)
            });
        }
        if primal > 0.0 && dual > 0.0 {
            ((primal / dual).sqrt() / self.gamma).sqrt()
        } else {
            1.0
        }
    }

    /// Changes γ by `factor` and moves w so that x and the dual vector (x − w)/γ stay where they are.
    fn rescale(&mut self, factor: f64) {
        for (w, moves) in self.w.iter_mut().zip(&mut self.moves) {
            for (w, step) in w.iter_mut().zip(moves) {
                *w += *step * (1.0 - factor);
                *step *= factor;
            }
        }
        self.gamma *= factor;
    }
}

/// Solves the problem for the centred games `targets`, one per model, each with its tolerance.
///
/// # Cost
/// Per model four butterflies an iteration without tolerance, four and two spin transforms with one; about 20 tables of memory.
pub(crate) fn minimize(
    targets: Vec<Vec<f64>>,
    tolerances: &[Tolerance],
    settings: &Settings,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Solution {
    let mut models = Models::new(targets, tolerances, settings.own_share);
    let mut certificate = Certificate::new(models.constant_direction(), tolerances.len());
    let mut at = models.start();
    let mut best = Vec::new();
    let mut objective = f64::INFINITY;
    let mut anchor: Option<Anchor> = None;
    let mut previous = f64::INFINITY;
    let mut iteration = 0;
    loop {
        models.project(&mut at);
        if iteration % CHECK == 0 || iteration >= settings.max_iterations {
            let (value, candidate) = models.feasible(&at);
            if value < objective {
                objective = value;
                best = candidate;
            }
            models.certify(&at, &mut certificate);
            progress(Progress {
                iteration,
                objective,
                lower_bound: certificate.bound,
            });
            let done = objective - certificate.bound <= settings.gap * objective;
            if done || iteration >= settings.max_iterations {
                break;
            }
        }
        let mut residual = at.residual(&models.proximals());
        if let Some(last) = &anchor
            && restarts(last, residual, previous, iteration)
        {
            let factor = at.imbalance(last);
            if factor != 1.0 {
                at.rescale(factor);
                models.follow_gamma(&mut at);
                residual = at.residual(&models.proximals());
            }
            anchor = None;
        }
        let anchor = anchor.get_or_insert_with(|| at.anchor(residual));
        previous = residual;
        let share = 1.0 / (anchor.round + 2) as f64;
        let gamma = at.gamma;
        let proximals = models.proximals();
        for (block, proximal) in proximals.iter().enumerate() {
            let (w, moves) = (&mut at.w[block], &at.moves[block]);
            proximal.advance(w, moves, &anchor.w[block], gamma, share);
        }
        anchor.round += 1;
        iteration += 1;
    }
    Solution {
        shrunk: models.shrunk(&at),
        effects: best,
        lower_bound: certificate.bound,
        proof: certificate.proof,
        iterations: iteration,
    }
}

fn restarts(anchor: &Anchor, residual: f64, previous: f64, iteration: usize) -> bool {
    anchor.round > 0
        && (residual <= SUFFICIENT * anchor.residual
            || (residual <= NECESSARY * anchor.residual && residual > previous)
            || anchor.round as f64 >= LEAST_ROUND.max(LONGEST_ROUND * iteration as f64))
}
