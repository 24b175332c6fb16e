//! Splitting a game into AND and OR interactions: what is asked, and how it is answered.

use super::fit::check_range;
use super::select::interactions;
use super::sparsify::reduce::total;
use super::sparsify::{Progress, Settings, Solution, Tolerance, minimize, operator};
use super::ties::settle;
use super::{AndOr, Fit, Kind, papers, refit};
use crate::game::ValueTable;
use crate::transform::mobius;
use crate::{Error, Result};

/// Settings of [`and_or()`].
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
            max_iterations: 50_000,
        }
    }
}

/// The most interactions for which an exact fit is solved again on its support alone.
const LARGEST_SUPPORT: usize = 512;

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

/// [`and_or()`], telling `observe` after every twenty iterations how far it is.
///
/// # Errors
/// Options out of range.
pub fn and_or_observed(
    table: &ValueTable,
    options: &AndOrOptions,
    mut observe: impl FnMut(Progress) + Send,
) -> Result<AndOr> {
    options.check()?;
    check_range(table.values())?;
    let fit = options.fit.resolve(table, options.noise);
    let Some(tolerance) = tolerance(table, fit) else {
        return Ok(match fit {
            Fit::Papers(rule) => papers::published_rule(table, rule),
            _ => half(table),
        });
    };
    let settings = Settings {
        gap: options.gap,
        max_iterations: options.max_iterations,
        own_share: 1.0,
    };
    let centred: Vec<f64> = table
        .values()
        .iter()
        .map(|value| value - table.empty())
        .collect();
    // On the pool from here on, so that no step waits for it.
    let solution = rayon::scope(|_| minimize(vec![centred], &[tolerance], &settings, &mut observe));
    Ok(explanation(table, fit, solution).expect("one model has one solution"))
}

/// What a decided fit tolerates; `None` for fits that are no optimization.
pub(super) fn tolerance(table: &ValueTable, fit: Fit) -> Option<Tolerance> {
    match fit {
        Fit::Half | Fit::Papers(_) => None,
        Fit::LeastSquares { sigma: Some(sigma) } => Some(Tolerance::Squares {
            weight: residual_weight(table.players(), sigma),
        }),
        Fit::Box { share } if share * table.span().abs() > 0.0 => Some(Tolerance::Box {
            bound: share * table.span().abs(),
        }),
        Fit::Auto | Fit::Exact | Fit::LeastSquares { .. } | Fit::Box { .. } => {
            Some(Tolerance::None)
        }
    }
}

/// The weight μ of squared residuals: 3 / (σ·√(2N ln 2N)) with N = 2^n, so that no interaction is worth its price for
/// explaining noise of standard deviation σ alone, whose inner product with the widest of 2N functions stays below
/// σ·√(2N ln 2N) nearly always.
pub(super) fn residual_weight(players: usize, sigma: f64) -> f64 {
    let functions = 2.0 * (players as f64).exp2();
    3.0 / (sigma * (functions * functions.ln()).sqrt())
}

/// Of the range of v: a residual that rounding explains.
const ROUNDING: f64 = 1e-10;

/// Of an objective: a difference that rounding explains.
pub(super) fn no_worse(objective: f64, than: f64) -> bool {
    objective <= than * (1.0 + ROUNDING)
}

/// The exact explanation on the support of the `shrunk` effects alone, if there is one: the projected effects of an iterate are
/// never exactly zero, the shrunk ones are.
pub(super) fn on_support(table: &ValueTable, shrunk: [Vec<f64>; 2]) -> Option<AndOr> {
    let (_, mut and, mut or) = effects(shrunk);
    (and[0], or[0]) = (0.0, 0.0);
    for player in 0..table.players() {
        and[1 << player] += std::mem::take(&mut or[1 << player]);
    }
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
    let sparse = AndOr::new(table, refitted.empty, and, or, Fit::Exact);
    let range = super::fit::range(table.values());
    (sparse.residual_max <= ROUNDING * range).then_some(sparse)
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

/// Signs, the constant, ties, and what the certificate says.
fn explanation(table: &ValueTable, fit: Fit, mut solution: Solution) -> Option<AndOr> {
    let (constant, and, or) = effects(solution.effects.pop()?);
    let mut split = without_ties(table, table.empty() + constant, and, or, fit);
    if fit == Fit::Exact
        && let Some(sparse) = on_support(table, solution.shrunk.pop()?)
        && no_worse(sparse.l1(), split.l1())
    {
        split = sparse;
    }
    let proof = solution.proof.pop()?;
    split.objective = split.l1() + split.residual_price();
    split.alternatives = alternatives(&split, &proof);
    split.lower_bound = solution.lower_bound;
    split.proof = proof;
    split.iterations = solution.iterations;
    Some(split)
}

/// What a solution's free constants make of u(∅), and its effects with the sign of OR turned.
pub(super) fn effects([and, mut or]: [Vec<f64>; 2]) -> (f64, Vec<f64>, Vec<f64>) {
    let constant = and[0] + total(&or);
    for effect in &mut or {
        *effect = -*effect;
    }
    (constant, and, or)
}

fn without_ties(
    table: &ValueTable,
    empty: f64,
    mut and: Vec<f64>,
    mut or: Vec<f64>,
    fit: Fit,
) -> AndOr {
    settle(table.players(), &mut and, &mut or);
    AndOr::new(table, empty, and, or, fit)
}

/// How near to 1 a reduced cost is called 1.
const TIED: f64 = 1e-4;

/// Absent interactions that could enter at no price: their reduced cost under `proof` is ±1.
fn alternatives(split: &AndOr, proof: &[f64]) -> usize {
    let slack = operator::adjoint(proof);
    let absent = 1e-9 * split.strongest();
    let free = |effects: &[f64], slack: &[f64]| {
        let pairs = effects.iter().zip(slack).enumerate().skip(1);
        pairs
            .filter(|(s, (effect, slack))| {
                s.count_ones() > 1 && effect.abs() <= absent && slack.abs() >= 1.0 - TIED
            })
            .count()
    };
    free(split.and(), &slack[0]) + free(split.or(), &slack[1])
}

impl AndOrOptions {
    pub(super) fn check(&self) -> Result<()> {
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
                must: "measured, or given as in least-squares:0.01",
                got: "none".into(),
            });
        }
        Ok(())
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
