//! The lower bound: a dual vector made feasible, and what it proves.
//!
//! By Lagrange duality every y with |Aᵀy| ≤ 1 at each S ≠ ∅ and 0 at the free constants proves a bound on the objective of
//! every explanation: ⟨u, y⟩ without tolerance, ⟨u, y⟩ − Σ bound·|y(T)| with a box, ⟨u, y⟩ − ‖y‖²/(2·weight) with squares.

use super::reduce::{dot, max_abs, sum, total, zip2};
use super::{Tolerance, operator};

/// The best bound so far and the vector that proves it.
pub(super) struct Certificate {
    direction: Vec<f64>,
    direction_sum: f64,
    slack: Vec<Vec<f64>>,
    /// The bound.
    pub(super) bound: f64,
    /// The dual vector that proves it.
    pub(super) proof: Vec<f64>,
}

impl Certificate {
    /// Starts from the bound 0, which y = 0 proves.
    pub(super) fn new(direction: Vec<f64>) -> Self {
        Self {
            direction_sum: total(&direction),
            slack: vec![Vec::new(), Vec::new()],
            bound: 0.0,
            proof: vec![0.0; direction.len()],
            direction,
        }
    }

    /// Makes `candidate` feasible and keeps it if it proves more; it is overwritten.
    ///
    /// The reduced cost of both constants is Σ_T y(T): it is brought to zero along the direction that moves the other
    /// reduced costs least, and then y is scaled until the largest of those is 1.
    pub(super) fn offer(&mut self, u: &[f64], tolerance: Tolerance, candidate: &mut Vec<f64>) {
        let shift = total(candidate) / self.direction_sum;
        zip2(candidate, &self.direction, |y, g| *y -= shift * g);
        operator::adjoint_into(candidate, &mut self.slack);
        let largest = self
            .slack
            .iter()
            .map(|slack| max_abs(&slack[1..]))
            .fold(0.0, f64::max);
        if largest == 0.0 {
            return;
        }
        let mut scale = 1.0 / largest;
        let gain = dot(u, candidate);
        let bound = match tolerance {
            Tolerance::None => gain * scale,
            Tolerance::Box { bound } => {
                let paid = sum(&candidate[1..], &candidate[1..], |y, _| y.abs());
                (gain - bound * paid) * scale
            }
            Tolerance::Squares { weight } => {
                let square = dot(candidate, candidate);
                scale = scale.min((weight * gain / square).max(0.0));
                scale * gain - scale * scale * square / (2.0 * weight)
            }
        };
        if bound > self.bound {
            self.bound = bound;
            zip2(candidate, &self.direction, |y, _| *y *= scale);
            std::mem::swap(&mut self.proof, candidate);
        }
    }
}
