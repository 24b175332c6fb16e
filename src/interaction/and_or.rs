//! The split of a game into AND and OR interactions.

use super::select::interactions;
use super::sparsify::reduce::{l1, sum, total};
use super::sparsify::{Progress, Settings, Solution, Tolerance, minimize};
use super::{Fit, Kind, papers, refit};
use crate::game::ValueTable;
use crate::transform::{butterfly, mobius};
use crate::{Error, Result};

/// Settings of [`and_or`].
#[derive(Clone, Debug)]
pub struct AndOrOptions {
    /// How closely the explanation must follow v.
    pub fit: Fit,
    /// Measured standard deviation of the noise of v, in the units of v; 0 where it is unknown or there is none.
    pub noise: f64,
    /// Relative gap between objective and lower bound at which the search stops.
    pub gap: f64,
    /// Iterations after which the search stops with the gap it has.
    pub max_iterations: usize,
}

impl Default for AndOrOptions {
    fn default() -> Self {
        Self {
            fit: Fit::Auto,
            noise: 0.0,
            gap: 1e-4,
            max_iterations: 20_000,
        }
    }
}

/// The most interactions for which an exact fit is solved again on its support alone.
const LARGEST_SUPPORT: usize = 512;

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
    pub(super) residual_rms: f64,
    pub(super) residual_max: f64,
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

    fn residual_price(&self) -> f64 {
        let squares = self.residual_rms * self.residual_rms * self.and.len() as f64;
        self.residual_weight()
            .map_or(0.0, |weight| 0.5 * weight * squares)
    }

    /// (objective − lower bound) / objective: at most this share of the objective could still be saved. 0 for a constant game.
    pub fn gap(&self) -> f64 {
        if self.objective > 0.0 {
            ((self.objective - self.lower_bound) / self.objective).max(0.0)
        } else {
            0.0
        }
    }

    /// Iterations of the solver.
    pub fn iterations(&self) -> usize {
        self.iterations
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

/// Explains `table` by AND and OR interactions of the smallest total strength.
///
/// min Σ_{S≠∅} |a(S)| + |o(S)| over all explanations that `options.fit` allows, with a lower bound that no explanation beats.
/// [`Fit::Auto`] becomes least squares where `options.noise` is positive. Where it is 0 the values count as clean, up to
/// their own rounding: a table of single-precision numbers is fitted by least squares at that rounding once an exact fit
/// would have to explain more than a thousandth of the range of v by it, every other table exactly.
///
/// # Cost
/// O(n·2^n) an iteration, a hundred to a few thousand iterations, about 20 tables of memory.
///
/// # Errors
/// Options out of range.
///
/// # Source
/// Problem: Li and Zhang 2023, "Defining and quantifying AND-OR interactions"; method: the crate's own.
///
/// # Example
/// ```
/// use harsanyi::{game::ValueTable, interaction::{AndOrOptions, and_or}};
/// // 2·AND{0,1} − OR{1,2} + 0.5
/// let table = ValueTable::new(3, vec![0.5, 0.5, -0.5, 1.5, -0.5, -0.5, -0.5, 1.5])?;
/// let split = and_or(&table, &AndOrOptions::default())?;
/// assert_eq!(split.salient(0.05).to_string(), "AND{0,1} 2.000\nOR{1,2} -1.000\n");
/// assert!(split.gap() <= 1e-4 && split.residual_max() < 1e-9);
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn and_or(table: &ValueTable, options: &AndOrOptions) -> Result<AndOr> {
    and_or_observed(table, options, |_| ())
}

/// [`and_or`], telling `observe` after every twenty iterations how far it is.
///
/// # Errors
/// Options out of range.
pub fn and_or_observed(
    table: &ValueTable,
    options: &AndOrOptions,
    mut observe: impl FnMut(Progress) + Send,
) -> Result<AndOr> {
    options.check()?;
    let fit = options.fit.resolve(table, options.noise);
    let tolerance = match fit {
        Fit::Half => return Ok(half(table)),
        Fit::Papers(rule) => return Ok(papers::published_rule(table, rule)),
        Fit::Auto | Fit::Exact => Tolerance::None,
        Fit::LeastSquares { sigma } => Tolerance::Squares {
            weight: residual_weight(table.players(), sigma.unwrap_or(options.noise)),
        },
        Fit::Box { share } => match share * table.span().abs() {
            0.0 => Tolerance::None,
            bound => Tolerance::Box { bound },
        },
    };
    let settings = Settings {
        gap: options.gap,
        max_iterations: options.max_iterations,
    };
    let centred: Vec<f64> = table
        .values()
        .iter()
        .map(|value| value - table.empty())
        .collect();
    // On the pool from here on, so that no step waits for it.
    let solution = rayon::scope(|_| minimize(centred, tolerance, &settings, &mut observe));
    Ok(explanation(table, fit, solution))
}

/// The weight μ of squared residuals: 3 / (σ·√(2N ln 2N)) with N = 2^n, so that no interaction is worth its price for
/// explaining noise of standard deviation σ alone, whose inner product with the widest of 2N functions stays below
/// σ·√(2N ln 2N) nearly always.
fn residual_weight(players: usize, sigma: f64) -> f64 {
    let functions = 2.0 * (players as f64).exp2();
    3.0 / (sigma * (functions * functions.ln()).sqrt())
}

/// Of the range of v: a residual that rounding explains.
const ROUNDING: f64 = 1e-10;

/// The exact explanation on the support of the `shrunk` effects alone, if there is one that is as strong as `split` and no
/// stronger: the projected effects of an iterate are never exactly zero, the shrunk ones are.
fn on_support(table: &ValueTable, split: &AndOr, shrunk: [Vec<f64>; 2]) -> Option<AndOr> {
    let [mut and, mut or] = shrunk;
    or.iter_mut().for_each(|effect| *effect = -*effect);
    (and[0], or[0]) = (0.0, 0.0);
    lower_orders_win(table.players(), &mut and, &mut or);
    let terms = and.iter().chain(&or).filter(|effect| **effect != 0.0);
    if terms.count() > LARGEST_SUPPORT.min(and.len()) {
        return None;
    }
    let chosen = interactions(&and, &or, 0.0);
    let refitted = refit(table, &chosen).ok()?;
    and.fill(0.0);
    or.fill(0.0);
    for interaction in refitted.interactions.iter() {
        let effects = match interaction.kind {
            Kind::And => &mut and,
            Kind::Or => &mut or,
        };
        effects[interaction.players.index()? as usize] = interaction.effect;
    }
    let sparse = AndOr::new(table, refitted.empty, and, or, *split.fit());
    let range = super::fit::range(table.values());
    let reproduces = sparse.residual_max <= ROUNDING * range;
    (reproduces && sparse.l1() <= split.l1() * (1.0 + ROUNDING)).then_some(sparse)
}

/// Writes what is equal at the lowest order: AND{i} = OR{i}, and AND{i,j} + OR{i,j} = AND{i} + AND{j}. Neither makes the L1
/// norm larger, and the result does not depend on the order of players.
fn lower_orders_win(players: usize, and: &mut [f64], or: &mut [f64]) {
    for i in 0..players {
        and[1 << i] += std::mem::take(&mut or[1 << i]);
    }
    for i in 0..players {
        for j in 0..i {
            let pair = 1 << i | 1 << j;
            let shared = and[pair].abs().min(or[pair].abs());
            if and[pair] * or[pair] > 0.0 {
                let shared = shared.copysign(and[pair]);
                and[pair] -= shared;
                or[pair] -= shared;
                and[1 << i] += shared;
                and[1 << j] += shared;
            }
        }
    }
}

fn half(table: &ValueTable) -> AndOr {
    let half = |table: &ValueTable| -> Vec<f64> {
        let dividends = mobius(table).into_values();
        dividends.into_iter().map(|effect| 0.5 * effect).collect()
    };
    let mut split = AndOr::new(
        table,
        table.empty(),
        half(table),
        half(&table.dual()),
        Fit::Half,
    );
    split.objective = split.l1();
    split
}

/// Signs, the constant, and what the certificate says.
fn explanation(table: &ValueTable, fit: Fit, solution: Solution) -> AndOr {
    let [and, mut or] = solution.effects;
    let constant = and[0] + total(&or);
    for effect in &mut or {
        *effect = -*effect;
    }
    let mut split = AndOr::new(table, table.empty() + constant, and, or, fit);
    if fit == Fit::Exact
        && let Some(sparse) = on_support(table, &split, solution.shrunk)
    {
        split = sparse;
    }
    split.objective = split.l1() + split.residual_price();
    split.lower_bound = solution.lower_bound;
    split.proof = solution.proof;
    split.iterations = solution.iterations;
    split
}

impl AndOrOptions {
    fn check(&self) -> Result<()> {
        self.fit.check()?;
        for (parameter, value) in [("the noise of v", self.noise), ("the gap", self.gap)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::Parameter {
                    parameter,
                    must: "a number of at least 0",
                    got: value.to_string(),
                });
            }
        }
        if self.fit == (Fit::LeastSquares { sigma: None }) && self.noise == 0.0 {
            return Err(Error::Parameter {
                parameter: "the noise of v",
                must: "known for a least-squares fit without one of its own",
                got: "0".into(),
            });
        }
        Ok(())
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
        lower_orders_win(table.players(), &mut and, &mut or);
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_half_reproduces_the_game() {
        let values = (0..16).map(|s| f64::from(s * s % 7) - 1.5).collect();
        let table = ValueTable::new(4, values).expect("finite");
        let options = AndOrOptions {
            fit: Fit::Half,
            ..AndOrOptions::default()
        };
        let split = and_or(&table, &options).expect("in range");
        assert!(split.residual_max() < 1e-12);
        assert!((0..4).all(|player| split.or()[1 << player] == 0.0));
        for (value, explained) in table.values().iter().zip(split.reconstruct().values()) {
            assert!((value - explained).abs() < 1e-12);
        }
    }
}
