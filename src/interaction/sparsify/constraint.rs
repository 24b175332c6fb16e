//! The set that explanations live in, for each tolerance: how to project onto it and what an iterate is worth.

use super::frame::Frame;
use super::halpern::Iterate;
use super::proximal::Proximal;
use super::reduce::{dot, l1, zip2, zip3};
use super::spin::SpinInverse;
use super::{Tolerance, operator};

/// The feasible set of a problem, with what its projection needs.
///
/// Without tolerance it is {A x = u}, a tight frame. With squares it is all x, and the "projection" is the proximal map of
/// (weight/2)·‖A x − u‖². With a box it is {A x − σ d = u} with δ = σ d as a third block of variables.
pub(super) struct Constraint {
    u: Vec<f64>,
    frame: Frame,
    kind: Kind,
    scratch: Vec<f64>,
}

enum Kind {
    Exact,
    Squares {
        weight: f64,
        spin: SpinInverse,
    },
    Box {
        bounds: Vec<f64>,
        scale: f64,
        spin: SpinInverse,
    },
}

/// The scale σ of the deviations beside the effects: measured best for 8 to 14 players.
pub(super) fn deviation_scale(players: usize) -> f64 {
    0.4 * 1.27f64.powi(players as i32)
}

impl Constraint {
    pub(super) fn new(u: Vec<f64>, tolerance: Tolerance) -> Self {
        let players = u.len().trailing_zeros() as usize;
        let kind = match tolerance {
            Tolerance::None => Kind::Exact,
            Tolerance::Squares { weight } => Kind::Squares {
                weight,
                spin: SpinInverse::new(players, 1.0),
            },
            Tolerance::Box { bound } => {
                let scale = deviation_scale(players);
                Kind::Box {
                    bounds: super::proximal::bounds(u.len(), bound),
                    scale,
                    spin: SpinInverse::new(players, scale * scale),
                }
            }
        };
        Self {
            frame: Frame::new(&u),
            kind,
            scratch: Vec::new(),
            u,
        }
    }

    /// u.
    pub(super) fn target(&self) -> &[f64] {
        &self.u
    }

    /// (AAᵀ)⁻¹ 1.
    pub(super) fn constant_direction(&self) -> Vec<f64> {
        self.frame.constant_direction()
    }

    /// The mean |effect| of the least-norm exact explanation: the scale of the problem.
    pub(super) fn typical_effect(&self) -> f64 {
        let len = self.u.len();
        let (mut and, mut or) = (vec![0.0; len], vec![0.0; len]);
        self.frame.least_norm(self.u.clone(), &mut and, &mut or);
        (l1(&and) + l1(&or)) / (2 * len) as f64
    }

    /// What depends on γ, after it changed.
    pub(super) fn set_gamma(&mut self, gamma: f64) {
        if let Kind::Squares { weight, spin } = &mut self.kind {
            spin.set_shift(1.0 / (gamma * *weight));
        }
    }

    /// `at.moves` ← P(w) − w; `multiplier` ← what [`Self::dual`] needs.
    pub(super) fn project(&mut self, at: &mut Iterate, multiplier: &mut Vec<f64>) {
        match &mut self.kind {
            Kind::Exact => self.frame.project(&at.w, &mut at.moves, multiplier),
            Kind::Squares { spin, .. } => {
                operator::residual_into(&self.u, &at.w, multiplier, &mut self.scratch);
                spin.apply(multiplier);
                operator::adjoint_into(multiplier, &mut at.moves);
            }
            Kind::Box { scale, spin, .. } => {
                operator::residual_into(&self.u, &at.w, multiplier, &mut self.scratch);
                zip2(multiplier, &at.w[2], |rest, d| *rest += *scale * d);
                spin.apply(multiplier);
                operator::adjoint_into(multiplier, &mut at.moves);
                zip2(&mut at.moves[2], multiplier, |step, y| *step = -*scale * y);
            }
        }
    }

    /// The dual vector that belongs to the last projection.
    pub(super) fn dual(&self, multiplier: &[f64], gamma: f64, dual: &mut Vec<f64>) {
        match &self.kind {
            Kind::Exact => self.frame.dual(multiplier, dual),
            Kind::Squares { .. } | Kind::Box { .. } => {
                dual.clear();
                dual.extend_from_slice(multiplier);
            }
        }
        zip2(dual, multiplier, |y, _| *y /= gamma);
    }

    /// A feasible pair of effects near the iterate, and its objective.
    pub(super) fn feasible(
        &mut self,
        at: &Iterate,
        proximals: &[Proximal<'_>],
        candidate: &mut [Vec<f64>; 2],
    ) -> f64 {
        match &self.kind {
            Kind::Exact => {
                projected(at, candidate);
                strength(candidate)
            }
            Kind::Squares { weight, .. } => {
                for (block, candidate) in candidate.iter_mut().enumerate() {
                    proximals[block].point(&at.w[block], &at.moves[block], at.gamma, candidate);
                }
                let mut residual = Vec::new();
                operator::residual_into(&self.u, candidate, &mut residual, &mut self.scratch);
                strength(candidate) + 0.5 * weight * dot(&residual, &residual)
            }
            Kind::Box { bounds, scale, .. } => {
                // Clip the deviation into the box and let the effects follow.
                let mut excess = vec![0.0; self.u.len()];
                zip3(&mut excess, &at.w[2], &at.moves[2], |x, w, step| {
                    *x = scale * (w + step);
                });
                zip2(&mut excess, bounds, |x, bound| {
                    *x = x.max(-bound).min(bound) - *x;
                });
                let [and, or] = candidate;
                and.resize(self.u.len(), 0.0);
                or.resize(self.u.len(), 0.0);
                self.frame.least_norm(excess, and, or);
                for (block, candidate) in candidate.iter_mut().enumerate() {
                    zip3(candidate, &at.w[block], &at.moves[block], |x, w, step| {
                        *x += w + step;
                    });
                }
                strength(candidate)
            }
        }
    }
}

fn projected(at: &Iterate, candidate: &mut [Vec<f64>; 2]) {
    for (block, candidate) in candidate.iter_mut().enumerate() {
        let (w, moves) = (&at.w[block], &at.moves[block]);
        candidate.resize(w.len(), 0.0);
        zip3(candidate, w, moves, |x, w, step| *x = w + step);
    }
}

/// ‖a‖₁ + ‖o′‖₁ beside the constants.
pub(super) fn strength(effects: &[Vec<f64>]) -> f64 {
    effects[..2].iter().map(|block| l1(&block[1..])).sum()
}
