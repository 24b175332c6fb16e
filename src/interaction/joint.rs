//! Interactions that several models share: one explanation per model, found together.

use super::and_or::{effects, no_worse, on_support, tolerance};
use super::fit::check_range;
use super::sparsify::reduce::max_abs;
use super::sparsify::{Progress, Settings, minimize, shared_strength};
use super::split::relative_gap;
use super::{AndOr, AndOrOptions, Fit};
use crate::game::ValueTable;
use crate::transform::butterfly;
use crate::{Error, Result};

/// Settings of [`joint()`].
#[derive(Clone, Debug)]
pub struct JointOptions {
    /// α: what an interaction pays for each model that has it, beside what it pays once for all; published: 0.1.
    pub own_share: f64,
    /// How closely each model must be followed, and when to stop; [`Half`](super::Fit::Half) and
    /// [`Papers`](super::Fit::Papers) have no joint form.
    pub each: AndOrOptions,
    /// The bound of each model's own part of γ as a share of |v(N) − v(∅)|, against which [`Joint::own_excess`] is measured;
    /// published: 0.5.
    pub own_bound: f64,
}

impl Default for JointOptions {
    fn default() -> Self {
        Self {
            own_share: 0.1,
            each: AndOrOptions::default(),
            own_bound: 0.5,
        }
    }
}

/// Explanations of several games on the same players, found together so that they share interactions where they can.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    models: Vec<AndOr>,
    objective: f64,
    lower_bound: f64,
    proof: Vec<Vec<f64>>,
    iterations: usize,
    shared_gamma: Vec<f64>,
    own_excess: f64,
}

impl Joint {
    /// One explanation per game, in the order given. Objectives and bounds are those of the whole, on [`Joint`]; what an
    /// explanation says by itself are its effects and residuals, and its objective is its L1 norm.
    pub fn models(&self) -> &[AndOr] {
        &self.models
    }

    /// Σ_S (1 − α)·max_i |I_i(S)| + α·Σ_i |I_i(S)| over both kinds, and for least squares (μ/2)·‖residual‖² of each model.
    pub fn objective(&self) -> f64 {
        self.objective
    }

    /// What no joint explanation can fall below, proven by a feasible point of the dual problem.
    pub fn lower_bound(&self) -> f64 {
        self.lower_bound
    }

    /// The feasible point of the dual problem that proves the lower bound, one table per model: as [`AndOr::proof`] describes,
    /// except that the reduced costs z_i of an interaction in the models satisfy Σ of the j largest |z_i| ≤ 1 − α + jα for
    /// every j.
    pub fn proof(&self) -> &[Vec<f64>] {
        &self.proof
    }

    /// (objective − lower bound) / objective.
    pub fn gap(&self) -> f64 {
        relative_gap(self.objective, self.lower_bound)
    }

    /// Iterations of the solver.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// γ̄: the part of γ_i = v_and,i − v_i/2 that all models share, in index order.
    pub fn shared_gamma(&self) -> &[f64] {
        &self.shared_gamma
    }

    /// By how much a model's own part γ_i − γ̄ exceeds its bound anywhere, 0 where it stays within. The published problem bounds
    /// it; here it is free, so that with 0 the answer is optimal for the published problem as well, and otherwise the lower
    /// bound still holds for it.
    pub fn own_excess(&self) -> f64 {
        self.own_excess
    }
}

/// Explains `tables` together: min Σ_S (1 − α)·max_i |I_i(S)| + α·Σ_i |I_i(S)| over AND and OR.
///
/// # Cost
/// That of [`and_or()`](super::and_or()) per model and iteration, and a sort of the models per interaction.
///
/// # Errors
/// No table, tables of different players, options out of range, or a fit without a joint form.
///
/// # Source
/// Chen et al. 2024, *Defining and extracting generalizable interaction primitives from DNNs*, equation 6, in the form of its
/// code; the method is the crate's own.
///
/// # Example
/// ```
/// use harsanyi::{game::synthetic, interaction::joint::{JointOptions, joint}, tabulate};
/// let one = tabulate(&mut synthetic::parse("and(0,1)*2 + or(1,2)")?, |_| ())?;
/// let other = tabulate(&mut synthetic::parse("and(0,1)*1.5 + or(0,2)")?, |_| ())?;
/// let found = joint(&[one, other], &JointOptions::default())?;
/// assert!(found.gap() <= 1e-4);
/// assert_eq!(found.models()[0].salient(0.05).strongest(1).to_string(), "AND{0,1} 2.000\n");
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn joint(tables: &[ValueTable], options: &JointOptions) -> Result<Joint> {
    joint_observed(tables, options, |_| ())
}

/// [`joint()`], telling `observe` after every twenty iterations how far it is.
///
/// # Errors
/// Those of [`joint()`].
pub fn joint_observed(
    tables: &[ValueTable],
    options: &JointOptions,
    mut observe: impl FnMut(Progress) + Send,
) -> Result<Joint> {
    check(tables, options)?;
    let mut fits = Vec::with_capacity(tables.len());
    let mut tolerances = Vec::with_capacity(tables.len());
    for table in tables {
        let fit = options.each.fit.resolve(table, options.each.noise);
        tolerances.push(tolerance(table, fit).ok_or_else(|| Error::Parameter {
            parameter: "the fit of a joint extraction",
            must: "auto, exact, least-squares or box",
            got: fit.to_string(),
        })?);
        fits.push(fit);
    }
    let settings = Settings {
        gap: options.each.gap,
        max_iterations: options.each.max_iterations,
        own_share: options.own_share,
    };
    let centred = tables
        .iter()
        .map(|table| {
            table
                .values()
                .iter()
                .map(|value| value - table.empty())
                .collect()
        })
        .collect();
    let solution = rayon::scope(|_| minimize(centred, &tolerances, &settings, &mut observe));
    let priced = |mut model: AndOr| {
        model.objective = model.l1() + model.residual_price();
        model
    };
    let mut models: Vec<AndOr> = solution
        .effects
        .into_iter()
        .zip(tables.iter().zip(&fits))
        .map(|(found, (table, &fit))| {
            let (constant, and, or) = effects(found);
            priced(AndOr::new(table, table.empty() + constant, and, or, fit))
        })
        .collect();
    let mut objective = joint_objective(&models, options.own_share);
    if fits.iter().all(|fit| *fit == Fit::Exact) {
        let sparse = solution.shrunk.into_iter().zip(tables);
        let sparse: Option<Vec<AndOr>> = sparse
            .map(|(shrunk, table)| on_support(table, shrunk).map(priced))
            .collect();
        if let Some(sparse) = sparse
            && no_worse(joint_objective(&sparse, options.own_share), objective)
        {
            objective = joint_objective(&sparse, options.own_share);
            models = sparse;
        }
    }
    let (shared_gamma, own_excess) = shared_gamma(tables, &models, options.own_bound);
    Ok(Joint {
        models,
        objective,
        lower_bound: solution.lower_bound,
        proof: solution.proof,
        iterations: solution.iterations,
        shared_gamma,
        own_excess,
    })
}

/// See [`Joint::objective`].
fn joint_objective(models: &[AndOr], own_share: f64) -> f64 {
    let strength = |of: fn(&AndOr) -> &[f64]| {
        shared_strength(&models.iter().map(of).collect::<Vec<_>>(), own_share)
    };
    strength(AndOr::and)
        + strength(AndOr::or)
        + models.iter().map(AndOr::residual_price).sum::<f64>()
}

fn check(tables: &[ValueTable], options: &JointOptions) -> Result<()> {
    options.each.check()?;
    for table in tables {
        check_range(table.values())?;
    }
    if !(0.0..=1.0).contains(&options.own_share) {
        return Err(Error::Parameter {
            parameter: "the own share of a joint extraction",
            must: "from 0 to 1",
            got: options.own_share.to_string(),
        });
    }
    if options.own_bound < 0.0 || options.own_bound.is_nan() {
        return Err(Error::Parameter {
            parameter: "the bound of a model's own part",
            must: "a number of at least 0",
            got: options.own_bound.to_string(),
        });
    }
    let Some(first) = tables.first() else {
        return Err(Error::Input(
            "a joint extraction needs at least one table".into(),
        ));
    };
    match tables
        .iter()
        .find(|table| table.players() != first.players())
    {
        None => Ok(()),
        Some(other) => Err(Error::Input(format!(
            "a joint extraction needs tables over the same players, got {} and {}",
            first.players(),
            other.players()
        ))),
    }
}

/// γ̄ such that each γ_i stays within its bound of it where that is possible, and by how much it does not.
fn shared_gamma(tables: &[ValueTable], models: &[AndOr], share: f64) -> (Vec<f64>, f64) {
    let gammas: Vec<Vec<f64>> = tables
        .iter()
        .zip(models)
        .map(|(table, model)| {
            let mut gamma = model.and().to_vec();
            gamma[0] = 0.5 * model.empty();
            butterfly(&mut gamma, |without, with| (without, with + without));
            for (gamma, value) in gamma.iter_mut().zip(table.values()) {
                *gamma -= 0.5 * value;
            }
            gamma
        })
        .collect();
    let bounds: Vec<f64> = tables
        .iter()
        .map(|table| share * table.span().abs())
        .collect();
    let size = tables[0].values().len();
    let mut excess = Vec::with_capacity(size);
    let shared = (0..size)
        .map(|t| {
            let low = gammas
                .iter()
                .zip(&bounds)
                .map(|(gamma, bound)| gamma[t] - bound);
            let high = gammas
                .iter()
                .zip(&bounds)
                .map(|(gamma, bound)| gamma[t] + bound);
            let low = low.fold(f64::NEG_INFINITY, f64::max);
            let high = high.fold(f64::INFINITY, f64::min);
            excess.push((0.5 * (low - high)).max(0.0));
            let mean = gammas.iter().map(|gamma| gamma[t]).sum::<f64>() / gammas.len() as f64;
            if low <= high {
                mean.clamp(low, high)
            } else {
                0.5 * (low + high)
            }
        })
        .collect();
    (shared, max_abs(&excess))
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::interaction::{Fit, and_or};

    fn random(rng: &mut impl Rng, players: usize) -> ValueTable {
        let values = (0..1usize << players)
            .map(|_| rng.random_range(-1.0..1.0))
            .collect();
        ValueTable::new(players, values).expect("finite")
    }

    #[test]
    fn one_model_alone_is_the_plain_extraction() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        let table = random(&mut rng, 5);
        let together =
            joint(std::slice::from_ref(&table), &JointOptions::default()).expect("one table");
        let alone = and_or(&table, &AndOrOptions::default()).expect("defaults");
        assert!((together.objective() / alone.objective() - 1.0).abs() <= 2e-4);
    }

    #[test]
    fn twins_cost_what_one_costs_with_the_own_share_twice() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(8);
        let table = random(&mut rng, 4);
        let alone = and_or(&table, &AndOrOptions::default()).expect("defaults");
        let found = joint(&[table.clone(), table], &JointOptions::default()).expect("twins");
        assert!(found.gap() <= 1e-4 && found.own_excess() == 0.0);
        assert!((found.objective() / (1.1 * alone.objective()) - 1.0).abs() <= 3e-4);
    }

    #[test]
    fn an_exact_joint_explanation_of_few_terms_leaves_no_crumbs() {
        let game = |text: &str| {
            let mut game = crate::game::synthetic::parse(text).expect("a formula");
            crate::tabulate(&mut game, |_| ()).expect("a table")
        };
        let tables = [
            game("and(0,1,4)*2 + or(1,2)*0.7 - and(3,5) + and(0,6)*0.4"),
            game("and(0,1,4)*1.5 + or(1,2) - and(3,6)*0.3 + and(2)"),
        ];
        let options = JointOptions {
            each: AndOrOptions {
                fit: Fit::Exact,
                ..AndOrOptions::default()
            },
            ..JointOptions::default()
        };
        let found = joint(&tables, &options).expect("like players");
        assert!(found.gap() <= 1e-4, "{}", found.gap());
        for (model, table) in found.models().iter().zip(&tables) {
            let effects = || model.and().iter().chain(model.or());
            assert_eq!(
                effects().filter(|effect| **effect != 0.0).count(),
                effects().filter(|effect| effect.abs() > 1e-3).count()
            );
            for (value, explained) in table.values().iter().zip(model.reconstruct().values()) {
                assert!((value - explained).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_gap_closes_for_unlike_models_under_every_fit() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(9);
        let tables: Vec<_> = (0..3).map(|_| random(&mut rng, 5)).collect();
        for fit in [
            Fit::Exact,
            Fit::Box { share: 0.2 },
            Fit::LeastSquares { sigma: Some(0.05) },
        ] {
            let options = JointOptions {
                each: AndOrOptions {
                    fit,
                    gap: 1e-3,
                    ..AndOrOptions::default()
                },
                ..JointOptions::default()
            };
            let found = joint(&tables, &options).expect("like players");
            assert!(found.gap() <= 1e-3, "{fit}: {}", found.gap());
        }
        let half = JointOptions {
            each: AndOrOptions {
                fit: Fit::Half,
                ..AndOrOptions::default()
            },
            ..JointOptions::default()
        };
        joint(&tables, &half).expect_err("no joint form");
    }
}
