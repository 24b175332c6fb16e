//! The game of low order that is closest to the values of a sample.
//!
//! A game g(T) = Σ_{S⊆T, |S|≤k} β(S) is fitted to the coalitions of a [`Plan`] by weighted least squares. Under the Shapley
//! kernel, with equality at ∅ and N, β estimates the faithful Shapley interactions of order k, for k = 1 the Shapley values
//! (KernelSHAP); with all coalitions alike it estimates the faithful Banzhaf interactions.
//!
//! Each sampled coalition stands for those of its size that were not drawn. What a unit of the plan does to β is linear in its
//! residuals once the fit is there; the spread of that within strata gives standard errors, with residuals as they are when
//! the unit is left out of the fit, and none from strata that were asked whole.

use rayon::prelude::*;

use super::estimate::{Estimate, Estimated, Spread};
use super::fit::{Fit, Kernel};
use super::pairs::{Plan, choose};
use crate::transform::index::Index;
use crate::{Coalition, Error, Result};

/// Refuses plans that ask fewer than two coalitions for each number to be fitted.
///
/// # Errors
/// [`Error::Parameter`], saying how many there must be.
pub fn check(plan: &Plan, order: usize) -> Result<()> {
    let unknowns: f64 = (0..=order.min(plan.players()))
        .map(|size| choose(plan.players(), size))
        .sum();
    let asked = plan.coalitions().len();
    let is_whole = plan.strata().iter().all(|stratum| stratum.is_whole());
    if !is_whole && (asked as f64) < 2.0 * unknowns {
        return Err(Error::Parameter {
            parameter: "the budget",
            must: "at least two values for each number that is fitted",
            got: format!("{asked} for {unknowns:.0} of order {order} and less"),
        });
    }
    Ok(())
}

/// FSII, FBII or kADD-SHAP up to `order`, or Shapley values, from the answers to a plan; all are linear in the fitted game.
///
/// A plan that asks all coalitions gives the exact index with standard errors of zero.
///
/// # Cost
/// For p = Σ_{i≤order} C(n,i) numbers and m coalitions m·p² + p³ multiplications and two tables of p² numbers.
///
/// # Errors
/// [`Error::Parameter`] for another index, a plan that [`check`] refuses, or coalitions that do not tell the numbers apart.
///
/// # Panics
/// If there is not one value for each coalition of the plan.
///
/// # Source
/// Lundberg and Lee 2017; Covert and Lee 2021 (pairs, variance); Musco and Witter 2025 (sizes alike, none twice); Tsai, Yeh and
/// Ravikumar 2023; Pelegrina, Duarte and Grabisch 2023. Variances: linearisation, with the correction for finite strata
/// (Särndal, Swensson and Wretman 1992, section 5.5).
pub fn fitted(plan: &Plan, values: &[f64], index: Index, order: usize) -> Result<Estimate> {
    let kernel = match index {
        Index::FaithfulBanzhaf => Kernel::Banzhaf,
        Index::FaithfulShapley | Index::AdditiveShapley | Index::ShapleyValue => Kernel::Shapley,
        _ => {
            return Err(Error::Parameter {
                parameter: "the index of a fit",
                must: "SV, FSII, FBII or kADD-SHAP",
                got: index.name().into(),
            });
        }
    };
    index.check_order(order, plan.players())?;
    let fit = Fit::new(plan, values, order, kernel)?;
    // kADD-SHAP reads the fitted game's Shapley interactions, Σ_{T⊇S} β(T)/(|T|−|S|+1); the others its dividends.
    let read = |dividends: &[f64]| -> Vec<f64> {
        if index != Index::AdditiveShapley {
            return dividends.to_vec();
        }
        let supersets = |s: &Coalition| {
            let weight = |t: &Coalition| 1.0 / (t.len() - s.len() + 1) as f64;
            fit.terms
                .iter()
                .zip(dividends)
                .filter(|(t, _)| s.is_subset_of(t))
                .map(|(t, dividend)| weight(t) * dividend)
                .sum()
        };
        fit.terms.iter().map(supersets).collect()
    };
    let found = read(&fit.dividends);
    let mut spreads = vec![Spread::default(); found.len()];
    for stratum in plan.strata().iter().filter(|stratum| !stratum.is_whole()) {
        let count = stratum.units.len() as f64;
        let scale = (1.0 - count / stratum.all) * count;
        let pulls: Vec<Vec<f64>> = stratum
            .units
            .clone()
            .into_par_iter()
            .map(|unit| read(&fit.pull(plan, kernel, unit)))
            .collect();
        spreads.par_iter_mut().enumerate().for_each(|(at, spread)| {
            let of_units: Vec<f64> = pulls.iter().map(|pull| pull[at]).collect();
            spread.add(&of_units, scale);
        });
    }
    let values_of = fit.terms.iter().zip(&found).zip(&spreads);
    Ok(Estimate {
        values: values_of
            .filter(|((coalition, _), _)| !coalition.is_empty())
            .map(|((coalition, value), spread)| Estimated {
                coalition: coalition.clone(),
                value: *value,
                standard_error: spread.variance.sqrt(),
                degrees: spread.degrees(),
            })
            .collect(),
        v_empty: values[0],
        empty: fit.dividends[0],
        evaluations: values.len(),
    })
}
