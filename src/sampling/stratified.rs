//! Any linear index from a stratified sample: the index of a fitted game of low order, which is known exactly, and size by
//! size an estimate of what the fit missed.
//!
//! An index is a sum Σ_T c(T) v(T) whose weights know T only by |T| and |T∩S|. For a fitted g it is
//!
//! index(g) + Σ_T c(T) (v − g)(T),
//!
//! and the second sum is estimated from the coalitions of a [`Plan`], each standing for those of its size that were not drawn.
//! For Shapley values the fit alone would do: its residuals cancel there.

use rayon::prelude::*;

use super::cholesky::dot;
use super::estimate::{Estimate, Estimated, Spread};
use super::fit::{Fit, Kernel};
use super::pairs::{Emphasis, Plan, choose, every_of_size};
use crate::transform::index::Index;
use crate::{Coalition, Error, Result};

/// The sizes that an index weighs: all coalitions alike for Banzhaf's, all sizes alike for the others.
pub(super) fn emphasis(index: Index) -> Emphasis {
    match kernel(index) {
        Kernel::Banzhaf => Emphasis::Count,
        Kernel::Shapley => Emphasis::Sizes,
    }
}

fn kernel(index: Index) -> Kernel {
    match index {
        Index::BanzhafValue | Index::BanzhafInteraction | Index::BanzhafGeneralized => {
            Kernel::Banzhaf
        }
        _ => Kernel::Shapley,
    }
}

/// SV, BV, SII, BII, CHII, SGV, BGV or CHGV up to `order` from the answers to a plan.
///
/// The fitted game has the order of the index where the plan asks three values for each of its numbers, else order 1. A plan
/// that asks all coalitions gives the exact index with standard errors of zero.
///
/// # Cost
/// That of the fit, and a step for each coalition of the plan and each of the index.
///
/// # Errors
/// [`Error::Parameter`] for another index, or fewer than two values for each player.
///
/// # Panics
/// If there is not one value for each coalition of the plan.
///
/// # Source
/// Difference estimator with finite strata: Särndal, Swensson and Wretman 1992, chapter 6. One sample for all coalitions, by
/// size and overlap: Kolpaczki, Muschalik, Fumagalli, Hammer and Hüllermeier 2024 (SVARM-IQ); for Banzhaf values Wang and Jia
/// 2023.
pub fn corrected(plan: &Plan, values: &[f64], index: Index, order: usize) -> Result<Estimate> {
    let players = plan.players();
    index.check_order(order, players)?;
    let unknowns: f64 = (0..=order).map(|size| choose(players, size)).sum();
    let fitted = if plan.coalitions().len() as f64 >= 3.0 * unknowns {
        order
    } else {
        1
    };
    let fit = Fit::new(plan, values, fitted, kernel(index))?;
    let pulls: Vec<Vec<f64>> = (0..plan.units())
        .into_par_iter()
        .map(|unit| fit.pull(plan, kernel(index), unit))
        .collect();
    let coalitions: Vec<Coalition> = (1..=order)
        .flat_map(|size| every_of_size(players, size))
        .collect();
    let weights: Vec<Weights> = (0..=order)
        .map(|size| Weights::new(index, size.max(1), players))
        .collect::<Result<_>>()?;
    let of = |coalition: Coalition| {
        let weights = row_weights(plan, &weights[coalition.len()], &coalition);
        let of_terms: Vec<f64> = fit
            .terms
            .iter()
            .map(|term| of_dividend(index, &coalition, term))
            .collect();
        let value = dot(&of_terms, &fit.dividends) + dot(&weights, &fit.residuals);
        let spread = spread(plan, &fit, &pulls, &weights, of_terms);
        Estimated {
            coalition,
            value,
            standard_error: spread.variance.sqrt(),
            degrees: spread.degrees(),
        }
    };
    Ok(Estimate {
        values: coalitions.into_par_iter().map(of).collect(),
        v_empty: values[0],
        empty: values[0],
        evaluations: values.len(),
    })
}

/// What each coalition of the plan counts in the estimate of Σ_T c(T) x(T).
fn row_weights(plan: &Plan, weights: &Weights, coalition: &Coalition) -> Vec<f64> {
    let members: Vec<usize> = coalition.players().collect();
    let mut of_rows = Vec::with_capacity(plan.coalitions().len());
    for stratum in plan.strata() {
        let rows = plan.rows_of_size(stratum);
        for row in 2 * stratum.units.start..2 * stratum.units.end {
            let drawn = &plan.coalitions()[row];
            let overlap = members.iter().filter(|&&i| drawn.contains(i)).count();
            let size = match row % 2 {
                0 => stratum.size,
                _ => plan.players() - stratum.size,
            };
            of_rows.push(weights.of(size, overlap) / rows);
        }
    }
    of_rows
}

/// The spread of the estimate: that of what each unit adds to it, by its residuals when left out and by its pull on the fit as far
/// as the sample misjudges the index of the fitted terms.
fn spread(
    plan: &Plan,
    fit: &Fit,
    pulls: &[Vec<f64>],
    weights: &[f64],
    of_terms: Vec<f64>,
) -> Spread {
    let mut misjudged = of_terms;
    for (weight, active) in weights.iter().zip(&fit.active) {
        for &at in active {
            misjudged[at] -= weight;
        }
    }
    let mut spread = Spread::default();
    for stratum in plan.strata().iter().filter(|stratum| !stratum.is_whole()) {
        let count = stratum.units.len() as f64;
        let units = stratum.units.clone();
        let each: Vec<f64> = units
            .map(|unit| {
                let rows = 2 * unit..2 * unit + 2;
                dot(&weights[rows.clone()], &fit.left_out[rows]) + dot(&misjudged, &pulls[unit])
            })
            .collect();
        spread.add(&each, (1.0 - count / stratum.all) * count);
    }
    spread
}

/// c(T)·C(n,|T|) by |T| and |T∩S|, for all S of one size.
struct Weights {
    overlaps: usize,
    by_size: Vec<f64>,
}

impl Weights {
    fn new(index: Index, size: usize, players: usize) -> Result<Self> {
        let others = players - size;
        let (s, overlaps) = (size as f64, size + 1);
        // The weight of a context of t players, times C(n, all): of a derivative, or of a contribution.
        let context = |t: usize, all: usize| -> Result<f64> {
            let ways = choose(players, all);
            Ok(match index {
                Index::ShapleyValue | Index::ShapleyInteraction | Index::ShapleyGeneralized => {
                    ways / choose(others, t) / (others + 1) as f64
                }
                Index::BanzhafValue | Index::BanzhafInteraction | Index::BanzhafGeneralized => {
                    ways / 2f64.powi(others as i32)
                }
                Index::ChainingInteraction | Index::ChainingGeneralized => {
                    ways / choose(players, size + t) * s / (size + t) as f64
                }
                _ => return Err(unfit(index)),
            })
        };
        let mut by_size = Vec::with_capacity((players + 1) * overlaps);
        for all in 0..=players {
            for overlap in 0..=size {
                let sign = match (is_generalised(index), size - overlap) {
                    (_, 0) => 1.0,
                    (true, missing) if missing < size => 0.0,
                    (true, _) => -1.0,
                    (false, missing) => (-1f64).powi(missing as i32),
                };
                let inside = overlap <= all && all - overlap <= others && sign != 0.0;
                by_size.push(if inside {
                    sign * context(all - overlap, all)?
                } else {
                    0.0
                });
            }
        }
        Ok(Self { overlaps, by_size })
    }

    fn of(&self, size: usize, overlap: usize) -> f64 {
        self.by_size[size * self.overlaps + overlap]
    }
}

fn is_generalised(index: Index) -> bool {
    matches!(
        index,
        Index::ShapleyGeneralized | Index::BanzhafGeneralized | Index::ChainingGeneralized
    )
}

/// The index of S in the game whose one dividend is that of T.
fn of_dividend(index: Index, coalition: &Coalition, term: &Coalition) -> f64 {
    let overlap = coalition.players().filter(|&i| term.contains(i)).count();
    let (s, rest) = (coalition.len(), term.len() - overlap);
    let counts = if is_generalised(index) {
        overlap > 0
    } else {
        overlap == s
    };
    if !counts {
        return 0.0;
    }
    match index {
        Index::BanzhafValue | Index::BanzhafInteraction | Index::BanzhafGeneralized => {
            0.5f64.powi(rest as i32)
        }
        Index::ChainingInteraction | Index::ChainingGeneralized => s as f64 / (s + rest) as f64,
        _ => 1.0 / (rest + 1) as f64,
    }
}

fn unfit(index: Index) -> Error {
    Error::Parameter {
        parameter: "the index of a stratified sample",
        must: "SV, BV, SII, BII, CHII, SGV, BGV or CHGV",
        got: index.name().into(),
    }
}
