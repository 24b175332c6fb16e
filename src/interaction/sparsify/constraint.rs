//! The set that explanations live in, for each tolerance: how to project onto it and what an iterate is worth.

use super::frame::Frame;
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
fn deviation_scale(players: usize) -> f64 {
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

    /// How many blocks of variables there are: a, o′ and, with a box, d.
    pub(super) fn blocks(&self) -> usize {
        match self.kind {
            Kind::Exact | Kind::Squares { .. } => 2,
            Kind::Box { .. } => 3,
        }
    }

    /// The bounds of the third block, none where there is no third block.
    pub(super) fn scaled_bounds(&self) -> Vec<f64> {
        match &self.kind {
            Kind::Exact | Kind::Squares { .. } => Vec::new(),
            Kind::Box { bounds, scale, .. } => bounds.iter().map(|bound| bound / scale).collect(),
        }
    }

    /// `moves` ← P(w) − w; `multiplier` ← what [`Self::dual`] needs.
    pub(super) fn project(
        &mut self,
        w: &[Vec<f64>],
        moves: &mut [Vec<f64>],
        multiplier: &mut Vec<f64>,
    ) {
        match &mut self.kind {
            Kind::Exact => self.frame.project(w, moves, multiplier),
            Kind::Squares { spin, .. } => {
                operator::residual_into(&self.u, w, multiplier, &mut self.scratch);
                spin.apply(multiplier);
                operator::adjoint_into(multiplier, moves);
            }
            Kind::Box { scale, spin, .. } => {
                operator::residual_into(&self.u, w, multiplier, &mut self.scratch);
                zip2(multiplier, &w[2], |rest, d| *rest += *scale * d);
                spin.apply(multiplier);
                operator::adjoint_into(multiplier, moves);
                zip2(&mut moves[2], multiplier, |step, y| *step = -*scale * y);
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

    /// Turns `candidate`, the effects after the soft threshold, into a feasible pair near the iterate; returns what it pays
    /// beside its strength.
    pub(super) fn repair(
        &mut self,
        w: &[Vec<f64>],
        moves: &[Vec<f64>],
        candidate: &mut [Vec<f64>],
    ) -> f64 {
        match &self.kind {
            Kind::Exact => {
                for (block, candidate) in candidate.iter_mut().enumerate() {
                    zip3(candidate, &w[block], &moves[block], |x, w, step| {
                        *x = w + step
                    });
                }
                0.0
            }
            Kind::Squares { weight, .. } => {
                let mut residual = Vec::new();
                operator::residual_into(&self.u, candidate, &mut residual, &mut self.scratch);
                0.5 * weight * dot(&residual, &residual)
            }
            Kind::Box { bounds, .. } if within(&self.u, bounds) => {
                candidate
                    .iter_mut()
                    .for_each(|candidate| candidate.fill(0.0));
                0.0
            }
            Kind::Box { bounds, scale, .. } => {
                // Clip the deviation into the box and let the effects follow.
                let mut excess = vec![0.0; self.u.len()];
                zip3(&mut excess, &w[2], &moves[2], |x, w, step| {
                    *x = scale * (w + step)
                });
                zip2(&mut excess, bounds, |x, bound| {
                    *x = x.max(-bound).min(bound) - *x
                });
                let (and, or) = candidate.split_at_mut(1);
                self.frame.least_norm(excess, &mut and[0], &mut or[0]);
                for (block, candidate) in candidate.iter_mut().enumerate() {
                    zip3(candidate, &w[block], &moves[block], |x, w, step| {
                        *x += w + step
                    });
                }
                0.0
            }
        }
    }
}

/// Whether the box lets the game be explained by nothing, which no iterate would reach in the end.
fn within(u: &[f64], bounds: &[f64]) -> bool {
    u.iter().zip(bounds).all(|(u, bound)| u.abs() <= *bound)
}
