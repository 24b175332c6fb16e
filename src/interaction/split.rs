//! An AND-OR explanation: its effects, what it explains, and what is proven about it.

use super::and_or::residual_weight;
use super::sparsify::reduce::{l1, sum};
use super::{Fit, Interaction, Interactions, Kind};
use crate::game::{ValueTable, check_exact};
use crate::transform::butterfly;
use crate::{Error, Result};

/// AND and OR interactions that explain a game: for every coalition T
///
/// v(T) + residual(T) = empty + Σ_{∅≠S⊆T} and(S) + Σ_{S∩T≠∅} or(S).
#[derive(Clone, Debug, PartialEq)]
pub struct AndOr {
    pub(super) players: usize,
    pub(super) empty: f64,
    pub(super) span: f64,
    pub(super) and: Vec<f64>,
    pub(super) or: Vec<f64>,
    pub(super) fit: Fit,
    pub(super) objective: f64,
    pub(super) lower_bound: f64,
    pub(super) proof: Vec<f64>,
    pub(super) iterations: usize,
    pub(super) alternatives: usize,
    pub(super) residual_rms: f64,
    pub(super) residual_max: f64,
}

/// (objective − lower bound) / objective, 0 where there is nothing to save.
pub(super) fn relative_gap(objective: f64, lower_bound: f64) -> f64 {
    if objective > 0.0 {
        ((objective - lower_bound) / objective).max(0.0)
    } else {
        0.0
    }
}

impl AndOr {
    /// n, the number of players.
    pub fn players(&self) -> usize {
        self.players
    }

    /// The constant of the explanation: v(∅), up to the residual there where the fit allows one.
    pub fn empty(&self) -> f64 {
        self.empty
    }

    /// v(N) − v(∅) of the game explained, the unit of several thresholds.
    pub fn span(&self) -> f64 {
        self.span
    }

    /// AND effects in index order; the one at 0 is 0. Interactions of a single player stand here, since AND and OR of one
    /// player are the same function.
    pub fn and(&self) -> &[f64] {
        &self.and
    }

    /// OR effects in index order; zero at 0 and at single players.
    pub fn or(&self) -> &[f64] {
        &self.or
    }

    /// The fit that was made, never [`Fit::Auto`], its parameters filled in.
    pub fn fit(&self) -> &Fit {
        &self.fit
    }

    /// What was minimised: the L1 norm, for least squares with (μ/2)·‖residual‖₂² added.
    pub fn objective(&self) -> f64 {
        self.objective
    }

    /// ‖a‖₁ + ‖o‖₁ over orders 1 and more.
    pub fn l1(&self) -> f64 {
        l1(&self.and[1..]) + l1(&self.or[1..])
    }

    /// A number that the objective of no explanation under this fit can fall below, proven by a feasible point of the dual
    /// problem; 0 where the fit brings no proof.
    pub fn lower_bound(&self) -> f64 {
        self.lower_bound
    }

    /// The feasible point y of the dual problem that proves the lower bound, in index order; empty where there is none.
    ///
    /// It satisfies Σ_T y(T) = 0, |Σ_{T⊇S} y(T)| ≤ 1 and |Σ_{T∩S=∅} y(T)| ≤ 1 for every S ≠ ∅. With u = v − v(∅) it proves
    /// ⟨u, y⟩ for an exact fit, ⟨u, y⟩ − bound·Σ_{T≠∅} |y(T)| for a box, ⟨u, y⟩ − ‖y‖²/(2μ) for least squares.
    pub fn proof(&self) -> &[f64] {
        &self.proof
    }

    /// The weight μ of the squared residuals in the objective; `None` unless the fit is least squares.
    pub fn residual_weight(&self) -> Option<f64> {
        match self.fit {
            Fit::LeastSquares { sigma: Some(sigma) } => Some(residual_weight(self.players, sigma)),
            _ => None,
        }
    }

    pub(super) fn residual_price(&self) -> f64 {
        let squares = self.residual_rms * self.residual_rms * self.and.len() as f64;
        self.residual_weight()
            .map_or(0.0, |weight| 0.5 * weight * squares)
    }

    /// (objective − lower bound) / objective: at most this share of the objective could still be saved. 0 for a constant game.
    pub fn gap(&self) -> f64 {
        relative_gap(self.objective, self.lower_bound)
    }

    /// Iterations of the solver.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// How many interactions of two and more players that are absent could stand in for present ones at no higher objective,
    /// as far as the proof can tell: where it is not 0, another explanation may be as good as this one. Single players
    /// are not counted, since ties go to them.
    pub fn alternatives(&self) -> usize {
        self.alternatives
    }

    /// Root mean square over all coalitions of what is explained minus v.
    pub fn residual_rms(&self) -> f64 {
        self.residual_rms
    }

    /// The largest |residual(T)|.
    pub fn residual_max(&self) -> f64 {
        self.residual_max
    }

    /// The game that the interactions make.
    ///
    /// # Cost
    /// Two butterflies, three tables of memory.
    ///
    /// # Panics
    /// If the sums overflow, which effects extracted from values below 1e300 do not.
    pub fn reconstruct(&self) -> ValueTable {
        let values = explained(self.empty, &self.and, &self.or);
        ValueTable::new(self.players, values)
            .expect("sums of finite effects on as many players as came in")
    }
}

/// empty + Σ_{∅≠S⊆T} and(S) + Σ_{S∩T≠∅} or(S) for every T.
pub(super) fn explained(empty: f64, and: &[f64], or: &[f64]) -> Vec<f64> {
    let mut values = and.to_vec();
    values[0] = empty;
    butterfly(&mut values, |without, with| (without, with + without));
    // The ORs that T fires are those that do not lie within N∖T.
    let mut missed = or.to_vec();
    missed[0] = 0.0;
    butterfly(&mut missed, |without, with| (without, with + without));
    let total = missed[missed.len() - 1];
    for (value, missed) in values.iter_mut().zip(missed.iter().rev()) {
        *value += total - missed;
    }
    values
}

/// The game among `players` that `interactions` and the constant `empty` make.
///
/// # Cost
/// Two butterflies, three tables of memory.
///
/// # Errors
/// More players than the exact path takes, an interaction of others than these players, or sums that overflow.
pub fn reconstruct(players: usize, empty: f64, interactions: &Interactions) -> Result<ValueTable> {
    check_exact(players)?;
    let size = 1usize << players;
    let (mut and, mut or) = (vec![0.0; size], vec![0.0; size]);
    for interaction in interactions.iter() {
        let effects = match interaction.kind {
            Kind::And => &mut and,
            Kind::Or => &mut or,
        };
        effects[place(players, interaction)?] += interaction.effect;
    }
    ValueTable::new(players, explained(empty, &and, &or))
}

/// The index of an interaction among `players`.
pub(super) fn place(players: usize, interaction: &Interaction) -> Result<usize> {
    match interaction.players.index() {
        Some(index) if index != 0 && index < 1 << players => Ok(index as usize),
        _ => Err(Error::Input(format!(
            "{}{} is no interaction among {players} players",
            interaction.kind, interaction.players
        ))),
    }
}

impl AndOr {
    /// Merges order 1 under AND and measures what the effects explain; the certificate is the empty one.
    pub(super) fn new(
        table: &ValueTable,
        empty: f64,
        mut and: Vec<f64>,
        mut or: Vec<f64>,
        fit: Fit,
    ) -> Self {
        (and[0], or[0]) = (0.0, 0.0);
        for player in 0..table.players() {
            and[1 << player] += std::mem::take(&mut or[1 << player]);
        }
        let residuals = explained(empty, &and, &or);
        let squares = sum(&residuals, table.values(), |explained, value| {
            (explained - value) * (explained - value)
        });
        let largest = residuals
            .iter()
            .zip(table.values())
            .fold(0.0f64, |max, (explained, value)| {
                max.max((explained - value).abs())
            });
        Self {
            players: table.players(),
            empty,
            span: table.span(),
            residual_rms: (squares / residuals.len() as f64).sqrt(),
            residual_max: largest,
            and,
            or,
            fit,
            objective: 0.0,
            lower_bound: 0.0,
            proof: Vec::new(),
            iterations: 0,
            alternatives: 0,
        }
    }
}
