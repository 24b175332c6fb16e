//! The lower bound: a dual vector made feasible, and what it proves.
//!
//! By Lagrange duality every y with |Aᵀy| ≤ 1 at each S ≠ ∅ and 0 at the free constants proves a bound on the objective of
//! every explanation: ⟨u, y⟩ without tolerance, ⟨u, y⟩ − Σ bound·|y(T)| with a box, ⟨u, y⟩ − ‖y‖²/(2·weight) with squares.

use super::reduce::{dot, max_abs, sum, total, zip2};
use super::shared::SharedNorm;
use super::{Tolerance, operator};

/// The best bound so far and the vectors, one per model, that prove it.
pub(super) struct Certificate {
    direction: Vec<f64>,
    direction_sum: f64,
    slack: Vec<Vec<f64>>,
    /// The bound.
    pub(super) bound: f64,
    /// The dual vectors that prove it.
    pub(super) proof: Vec<Vec<f64>>,
}

impl Certificate {
    /// Starts from the bound 0, which y = 0 proves.
    pub(super) fn new(direction: Vec<f64>, models: usize) -> Self {
        Self {
            direction_sum: total(&direction),
            slack: vec![Vec::new(); 2 * models],
            bound: 0.0,
            proof: vec![vec![0.0; direction.len()]; models],
            direction,
        }
    }

    /// Makes `candidates` feasible and keeps them if they prove more; they are overwritten. `targets` and `tolerances` are u and
    /// its tolerance per model.
    ///
    /// The reduced cost of both constants is Σ_T y(T): it is brought to zero along the direction that moves the other
    /// reduced costs least, and then all y are scaled until no interaction is worth more than its price.
    pub(super) fn offer(
        &mut self,
        targets: &[&[f64]],
        tolerances: &[Tolerance],
        norm: SharedNorm,
        candidates: &mut [Vec<f64>],
    ) {
        let (mut gain, mut square) = (0.0, 0.0);
        for (model, y) in candidates.iter_mut().enumerate() {
            let shift = total(y) / self.direction_sum;
            zip2(y, &self.direction, |y, g| *y -= shift * g);
            operator::adjoint_into(y, &mut self.slack[2 * model..2 * model + 2]);
            gain += dot(targets[model], y);
            match tolerances[model] {
                Tolerance::None => {}
                Tolerance::Box { bound } => {
                    gain -= bound * sum(&y[1..], &y[1..], |y, _| y.abs());
                }
                Tolerance::Squares { weight } => square += dot(y, y) / (2.0 * weight),
            }
        }
        let largest = self.largest_cost(norm);
        if largest == 0.0 || gain <= 0.0 {
            return;
        }
        let mut scale = 1.0 / largest;
        if square > 0.0 {
            scale = scale.min(gain / (2.0 * square));
        }
        let bound = scale * gain - scale * scale * square;
        if bound > self.bound {
            self.bound = bound;
            for y in candidates.iter_mut() {
                zip2(y, &self.direction, |y, _| *y *= scale);
            }
            self.proof.swap_with_slice(candidates);
        }
    }

    /// The largest dual norm of reduced costs over all interactions.
    fn largest_cost(&self, norm: SharedNorm) -> f64 {
        if self.slack.len() == 2 {
            return self
                .slack
                .iter()
                .map(|slack| max_abs(&slack[1..]))
                .fold(0.0, f64::max);
        }
        let (mut costs, mut sorted) = (Vec::new(), Vec::new());
        let mut largest = 0.0f64;
        for kind in 0..2 {
            for s in 1..self.direction.len() {
                costs.clear();
                costs.extend(
                    self.slack
                        .iter()
                        .skip(kind)
                        .step_by(2)
                        .map(|slack| slack[s]),
                );
                largest = largest.max(norm.dual(&costs, &mut sorted));
            }
        }
        largest
    }
}
