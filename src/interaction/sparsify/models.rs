//! One problem over several models: the constraint of each, and the norm that couples their effects.

use super::certificate::Certificate;
use super::constraint::Constraint;
use super::halpern::Iterate;
use super::proximal::{Proximal, prices};
use super::shared::SharedNorm;
use super::{Tolerance, shared_strength};

/// The models of a problem. Blocks of variables stand model by model: a, o′ and, with a box, d.
pub(super) struct Models {
    constraints: Vec<Constraint>,
    tolerances: Vec<Tolerance>,
    norm: SharedNorm,
    prices: Vec<f64>,
    bounds: Vec<Vec<f64>>,
    /// The first block of each model.
    first: Vec<usize>,
    multipliers: Vec<Vec<f64>>,
    /// prox(2x − w) of the effects of all models, where more than one couples them.
    points: Vec<Vec<f64>>,
    duals: Vec<Vec<f64>>,
}

impl Models {
    pub(super) fn new(targets: Vec<Vec<f64>>, tolerances: &[Tolerance], own_share: f64) -> Self {
        let len = targets.first().map_or(0, Vec::len);
        let count = targets.len();
        let constraints: Vec<Constraint> = targets
            .into_iter()
            .zip(tolerances)
            .map(|(target, &tolerance)| Constraint::new(target, tolerance))
            .collect();
        let mut first = Vec::with_capacity(count);
        let mut blocks = 0;
        for constraint in &constraints {
            first.push(blocks);
            blocks += constraint.blocks();
        }
        Self {
            bounds: constraints.iter().map(Constraint::scaled_bounds).collect(),
            first,
            constraints,
            tolerances: tolerances.to_vec(),
            norm: SharedNorm { own: own_share },
            prices: prices(len),
            multipliers: vec![Vec::new(); count],
            points: if count > 1 {
                vec![vec![0.0; len]; 2 * count]
            } else {
                Vec::new()
            },
            duals: vec![Vec::new(); count],
        }
    }

    /// (AAᵀ)⁻¹ 1, which does not depend on the model.
    pub(super) fn constant_direction(&self) -> Vec<f64> {
        self.constraints[0].constant_direction()
    }

    /// w = 0, with γ ten times the typical effect.
    pub(super) fn start(&mut self) -> Iterate {
        let len = self.prices.len();
        let blocks = self.constraints.iter().map(Constraint::blocks).sum();
        let typical: f64 = self
            .constraints
            .iter()
            .map(Constraint::typical_effect)
            .sum();
        let gamma = (10.0 * typical / self.constraints.len() as f64).max(f64::MIN_POSITIVE);
        for constraint in &mut self.constraints {
            constraint.set_gamma(gamma);
        }
        Iterate {
            w: vec![vec![0.0; len]; blocks],
            moves: vec![vec![0.0; len]; blocks],
            gamma,
        }
    }

    /// `at.moves` ← P(w) − w, and what depends on it.
    pub(super) fn project(&mut self, at: &mut Iterate) {
        for (model, constraint) in self.constraints.iter_mut().enumerate() {
            let blocks = self.first[model]..self.first[model] + constraint.blocks();
            constraint.project(
                &at.w[blocks.clone()],
                &mut at.moves[blocks],
                &mut self.multipliers[model],
            );
        }
        self.couple(at);
    }

    /// Projects again where γ changed the projection.
    pub(super) fn follow_gamma(&mut self, at: &mut Iterate) {
        let squares = |tolerance: &Tolerance| matches!(tolerance, Tolerance::Squares { .. });
        if self.tolerances.iter().any(squares) {
            for constraint in &mut self.constraints {
                constraint.set_gamma(at.gamma);
            }
            self.project(at);
        } else {
            self.couple(at);
        }
    }

    /// The proximal map of the shared norm, interaction by interaction.
    fn couple(&mut self, at: &Iterate) {
        if self.points.is_empty() {
            return;
        }
        let (mut effects, mut sorted) = (Vec::new(), Vec::new());
        for kind in 0..2 {
            for s in 0..self.prices.len() {
                effects.clear();
                effects.extend(
                    self.first
                        .iter()
                        .map(|first| at.w[first + kind][s] + 2.0 * at.moves[first + kind][s]),
                );
                if s > 0 {
                    self.norm.shrink(&mut effects, at.gamma, &mut sorted);
                }
                for (model, effect) in effects.iter().enumerate() {
                    self.points[2 * model + kind][s] = *effect;
                }
            }
        }
    }

    /// The proximal map of each block.
    pub(super) fn proximals(&self) -> Vec<Proximal<'_>> {
        let mut proximals = Vec::new();
        for (model, bounds) in self.bounds.iter().enumerate() {
            for kind in 0..2 {
                proximals.push(match self.points.get(2 * model + kind) {
                    Some(points) => Proximal::Given(points),
                    None => Proximal::Shrink(&self.prices),
                });
            }
            if !bounds.is_empty() {
                proximals.push(Proximal::Clip(bounds));
            }
        }
        proximals
    }

    /// The effects of all models after the proximal map.
    pub(super) fn shrunk(&self, at: &Iterate) -> Vec<[Vec<f64>; 2]> {
        let proximals = self.proximals();
        self.first
            .iter()
            .map(|&first| {
                [first, first + 1].map(|block| {
                    let mut point = Vec::with_capacity(self.prices.len());
                    proximals[block].point(&at.w[block], &at.moves[block], at.gamma, &mut point);
                    point
                })
            })
            .collect()
    }

    /// Feasible effects near the iterate, and their objective.
    pub(super) fn feasible(&mut self, at: &Iterate) -> (f64, Vec<[Vec<f64>; 2]>) {
        let mut candidates = self.shrunk(at);
        let mut objective = 0.0;
        for (model, constraint) in self.constraints.iter_mut().enumerate() {
            let blocks = self.first[model]..self.first[model] + constraint.blocks();
            let candidate = &mut candidates[model];
            objective += constraint.repair(&at.w[blocks.clone()], &at.moves[blocks], candidate);
        }
        for kind in 0..2 {
            let effects: Vec<&[f64]> = candidates
                .iter()
                .map(|model| model[kind].as_slice())
                .collect();
            objective += shared_strength(&effects, self.norm.own);
        }
        (objective, candidates)
    }

    /// Offers the dual vectors of the last projection to `certificate`.
    pub(super) fn certify(&mut self, at: &Iterate, certificate: &mut Certificate) {
        for (model, constraint) in self.constraints.iter().enumerate() {
            constraint.dual(&self.multipliers[model], at.gamma, &mut self.duals[model]);
        }
        let targets: Vec<&[f64]> = self.constraints.iter().map(Constraint::target).collect();
        certificate.offer(&targets, &self.tolerances, self.norm, &mut self.duals);
    }
}
