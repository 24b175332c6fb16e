//! The sparsest AND-OR explanation, as a convex program with a certificate.
//!
//! With u = v − v(∅), o′ = −o and both constants a(∅), o′(∅) free, an explanation is A (a, o′) = u + δ, and the sparsest one
//! minimises Σ_{S≠∅} |a(S)| + |o′(S)| under one of three tolerances for δ. [`minimize`] solves it by a restarted, anchored
//! splitting method whose two steps are a projection onto the constraint (a tight frame without tolerance, blocks of
//! spins with one) and a soft threshold; every answer carries a feasible point of the dual problem.

mod certificate;
mod constraint;
mod frame;
mod halpern;
mod models;
pub(crate) mod operator;
mod proximal;
pub(crate) mod reduce;
mod shared;
mod spin;

pub(crate) use halpern::minimize;

/// How far the explained values may be from v.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tolerance {
    /// Not at all.
    None,
    /// As far as it pays: (weight/2)·‖δ‖₂² joins the objective.
    Squares { weight: f64 },
    /// |δ(T)| ≤ bound for every T ≠ ∅, δ(∅) = 0.
    Box { bound: f64 },
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Relative gap at which to stop.
    pub(crate) gap: f64,
    /// Iterations after which to stop anyway.
    pub(crate) max_iterations: usize,
    /// α of (1 − α)·max + α·sum over models; without meaning for one model.
    pub(crate) own_share: f64,
}

/// How far the search is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Iterations done.
    pub iteration: usize,
    /// The best objective found.
    pub objective: f64,
    /// What no explanation can fall below, as far as proven.
    pub lower_bound: f64,
}

/// The best explanations found, one per model, and the proof of how good they are.
pub(crate) struct Solution {
    /// a and o′ by model, each with its free constant at 0.
    pub(crate) effects: Vec<[Vec<f64>; 2]>,
    /// The last effects as the soft threshold left them: sparse, and not quite feasible.
    pub(crate) shrunk: Vec<[Vec<f64>; 2]>,
    /// The objective of the dual problem at `proof`.
    pub(crate) lower_bound: f64,
    /// A feasible point of the dual problem, by model.
    pub(crate) proof: Vec<Vec<f64>>,
    /// Iterations done.
    pub(crate) iterations: usize,
}

/// Σ_S (1 − α)·max_i |x_i(S)| + α·Σ_i |x_i(S)| of one kind of effects over models, the constants at 0 aside.
pub(crate) fn shared_strength(models: &[&[f64]], own_share: f64) -> f64 {
    if let [only] = models {
        return reduce::l1(&only[1..]);
    }
    let norm = shared::SharedNorm { own: own_share };
    let size = models.first().map_or(0, |model| model.len());
    let mut effects = Vec::new();
    (1..size)
        .map(|s| {
            effects.clear();
            effects.extend(models.iter().map(|model| model[s]));
            norm.value(&effects)
        })
        .sum()
}
