//! A game of low order, fitted to the answers to a plan by weighted least squares.

use rayon::prelude::*;

use super::cholesky::{dot, inverse};
use super::pairs::{Plan, choose, every_of_size};
use super::regression::check;
use crate::{Coalition, Error, Result};

/// How the residuals of coalitions are weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    /// (n−1)/(C(n,t) t (n−t)), and equality at ∅ and N.
    Shapley,
    /// All alike.
    Banzhaf,
}

/// A fitted game of low order.
pub(super) struct Fit {
    /// The coalitions whose dividends were fitted, by size; ∅ first.
    pub(super) terms: Vec<Coalition>,
    /// Their dividends.
    pub(super) dividends: Vec<f64>,
    /// v − g for each coalition of the plan.
    pub(super) residuals: Vec<f64>,
    /// v − g where g was fitted without the unit of the coalition.
    pub(super) left_out: Vec<f64>,
    /// For each coalition of the plan the places in `terms` of its subsets, ∅ aside where it was given.
    pub(super) active: Vec<Vec<usize>>,
    /// What a unit of residual at a coalition adds to the dividends, up to its weight: rows of the map from scores.
    solver: Vec<Vec<f64>>,
    /// The first of `terms` that was free.
    first: usize,
}

impl Fit {
    /// Fits `order` and less to the answers to a plan.
    pub(super) fn new(plan: &Plan, values: &[f64], order: usize, kernel: Kernel) -> Result<Self> {
        assert_eq!(values.len(), plan.coalitions().len(), "a value each");
        check(plan, order)?;
        let players = plan.players();
        let terms: Vec<Coalition> = (0..=order.min(players))
            .flat_map(|size| every_of_size(players, size))
            .collect();
        // Under the Shapley kernel β(∅) = v(∅) is given, and so is Σ β = v(N).
        let (first, offset, sum) = match kernel {
            Kernel::Shapley => (1, values[0], Some(values[1] - values[0])),
            Kernel::Banzhaf => (0, 0.0, None),
        };
        let free = &terms[first..];
        let active: Vec<Vec<usize>> = plan
            .coalitions()
            .par_iter()
            .map(|row| {
                let fires = |at: &usize| free[*at].is_subset_of(row);
                (0..free.len()).filter(fires).collect()
            })
            .collect();
        let weights = weights(plan, kernel);
        let targets: Vec<f64> = values.iter().map(|value| value - offset).collect();
        let (gram, right) = normal_equations(&active, &weights, &targets, free.len());
        let inverse = inverse(gram).ok_or_else(|| Error::Parameter {
            parameter: "the budget",
            must: "enough coalitions to tell all fitted numbers apart",
            got: values.len().to_string(),
        })?;
        let (solver, shift) = constrained(inverse, sum);
        let free_dividends: Vec<f64> = solver
            .iter()
            .zip(&shift)
            .map(|(row, shift)| dot(row, &right) + shift)
            .collect();
        let residuals: Vec<f64> = active
            .iter()
            .zip(&targets)
            .map(|(active, target)| {
                target - active.iter().map(|at| free_dividends[*at]).sum::<f64>()
            })
            .collect();
        let left_out = (0..plan.units())
            .into_par_iter()
            .flat_map_iter(|unit| {
                let rows = [2 * unit, 2 * unit + 1];
                leave_out(
                    rows.map(|row| active[row].as_slice()),
                    rows.map(|row| weights[row]),
                    rows.map(|row| residuals[row]),
                    &solver,
                )
            })
            .collect();
        let mut dividends = vec![offset; first];
        dividends.extend(free_dividends);
        let mut active = active;
        active.iter_mut().flatten().for_each(|at| *at += first);
        Ok(Self {
            terms,
            dividends,
            residuals,
            left_out,
            active,
            solver,
            first,
        })
    }

    /// What one unit adds to the dividends, from its residuals when left out.
    pub(super) fn pull(&self, plan: &Plan, kernel: Kernel, unit: usize) -> Vec<f64> {
        let mut score = vec![0.0; self.solver.len()];
        let weight = unit_weight(plan, kernel, unit);
        for row in [2 * unit, 2 * unit + 1] {
            for at in &self.active[row] {
                score[at - self.first] += weight * self.left_out[row];
            }
        }
        let mut pull = vec![0.0; self.first];
        pull.extend(self.solver.iter().map(|row| dot(row, &score)));
        pull
    }
}

/// The weight of each coalition: that of its size in the whole sum of squares over the coalitions drawn of it.
fn weights(plan: &Plan, kernel: Kernel) -> Vec<f64> {
    (0..plan.units())
        .flat_map(|unit| [unit_weight(plan, kernel, unit); 2])
        .collect()
}

/// The same for both coalitions of a unit, as kernels do not tell a size from its complement. Where ∅ and N are met exactly any
/// weight will do for them; one above zero makes XᵀWX definite even where the order is n.
fn unit_weight(plan: &Plan, kernel: Kernel, unit: usize) -> f64 {
    let of = plan.strata().partition_point(|s| s.units.end <= unit);
    let (stratum, players) = (&plan.strata()[of], plan.players());
    let size = stratum.size;
    let of_size = match kernel {
        Kernel::Shapley if size == 0 => return 1.0,
        Kernel::Shapley => (players - 1) as f64 / (size * (players - size)) as f64,
        Kernel::Banzhaf => choose(players, size) / 2f64.powi(players as i32),
    };
    of_size / plan.rows_of_size(stratum)
}

/// XᵀWX, of which only the lower triangle is filled, and XᵀWy.
fn normal_equations(
    active: &[Vec<usize>],
    weights: &[f64],
    targets: &[f64],
    unknowns: usize,
) -> (Vec<Vec<f64>>, Vec<f64>) {
    // The coalitions in which each term fires, so that every entry is summed by one thread in one order.
    let mut fires = vec![Vec::new(); unknowns];
    for (row, active) in active.iter().enumerate() {
        for (place, &at) in active.iter().enumerate() {
            fires[at].push((row, place));
        }
    }
    let mut right = vec![0.0; unknowns];
    for (at, right) in right.iter_mut().enumerate() {
        *right = fires[at]
            .iter()
            .map(|(row, _)| weights[*row] * targets[*row])
            .sum();
    }
    let gram = fires
        .par_iter()
        .enumerate()
        .map(|(at, fires)| {
            let mut sums = vec![0.0; at + 1];
            for &(row, place) in fires {
                for &other in &active[row][..=place] {
                    sums[other] += weights[row];
                }
            }
            sums.resize(unknowns, 0.0);
            sums
        })
        .collect();
    (gram, right)
}

/// The map from XᵀWy to the solution, and what is added to it: with Σβ = `sum` to be kept, for u = A⁻¹1,
/// β = (A⁻¹ − uuᵀ/Σu) XᵀWy + u·sum/Σu.
fn constrained(mut inverse: Vec<Vec<f64>>, sum: Option<f64>) -> (Vec<Vec<f64>>, Vec<f64>) {
    let Some(sum) = sum else {
        let shift = vec![0.0; inverse.len()];
        return (inverse, shift);
    };
    let u: Vec<f64> = inverse.iter().map(|row| row.iter().sum()).collect();
    let total: f64 = u.iter().sum();
    for (row, of) in inverse.iter_mut().zip(&u) {
        for (entry, other) in row.iter_mut().zip(&u) {
            *entry -= of * other / total;
        }
    }
    (inverse, u.iter().map(|of| of * sum / total).collect())
}

/// The two residuals of a unit when it is left out of the fit: (1 − X P Xᵀ W)⁻¹ times those with it.
///
/// A unit that the fit follows wherever it goes has none; its residuals stay as they are.
fn leave_out(
    active: [&[usize]; 2],
    weights: [f64; 2],
    residuals: [f64; 2],
    solver: &[Vec<f64>],
) -> [f64; 2] {
    let product = |a: usize, b: usize| -> f64 {
        active[a]
            .iter()
            .map(|&i| active[b].iter().map(|&j| solver[i][j]).sum::<f64>())
            .sum()
    };
    let cross = product(0, 1);
    let (a, b) = (
        1.0 - product(0, 0) * weights[0],
        1.0 - product(1, 1) * weights[1],
    );
    let (c, d) = (-cross * weights[1], -cross * weights[0]);
    let determinant = a * b - c * d;
    if determinant < 1e-6 {
        return residuals;
    }
    [
        (b * residuals[0] - c * residuals[1]) / determinant,
        (a * residuals[1] - d * residuals[0]) / determinant,
    ]
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::sampling::pairs::Emphasis;

    fn sample(order: usize, kernel: Kernel) -> (Plan, Vec<f64>, Fit) {
        let plan = Plan::new(7, 90, Emphasis::Sizes, 1).expect("enough");
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(4);
        let values: Vec<f64> = plan
            .coalitions()
            .iter()
            .map(|_| rng.random_range(-1.0..1.0))
            .collect();
        let fit = Fit::new(&plan, &values, order, kernel).expect("enough");
        (plan, values, fit)
    }

    #[test]
    fn no_other_game_of_the_order_is_closer() {
        for (order, kernel) in [
            (1, Kernel::Shapley),
            (2, Kernel::Shapley),
            (2, Kernel::Banzhaf),
        ] {
            let (plan, values, fit) = sample(order, kernel);
            let weights = weights(&plan, kernel);
            let error = |dividends: &[f64]| -> f64 {
                let of = |at: usize, s: &Coalition| {
                    let game = fit.terms.iter().zip(dividends);
                    let value: f64 = game
                        .filter(|(t, _)| t.is_subset_of(s))
                        .map(|(_, b)| b)
                        .sum();
                    weights[at] * (values[at] - value).powi(2)
                };
                plan.coalitions()
                    .iter()
                    .enumerate()
                    .map(|(at, s)| of(at, s))
                    .sum()
            };
            let least = error(&fit.dividends);
            for (at, residual) in fit.residuals.iter().enumerate().take(2) {
                assert!(kernel == Kernel::Banzhaf || residual.abs() < 1e-9, "{at}");
            }
            // Moves that keep v(∅) and v(N).
            for i in 1..fit.terms.len() {
                let j = 1 + i % (fit.terms.len() - 1);
                for step in [-1e-3, 1e-3] {
                    let mut moved = fit.dividends.clone();
                    moved[i] += step;
                    moved[j] -= step;
                    assert!(error(&moved) > least, "{i} and {j}");
                }
            }
        }
    }

    #[test]
    fn residuals_of_a_unit_left_out_are_those_of_a_fit_without_it() {
        for kernel in [Kernel::Shapley, Kernel::Banzhaf] {
            let (plan, values, fit) = sample(1, kernel);
            let weights = weights(&plan, kernel);
            let unit = plan.units() - 2;
            // Values that the fit without the unit would give to it do not move the fit: find them by their residuals.
            let mut guessed = values.clone();
            for row in [2 * unit, 2 * unit + 1] {
                guessed[row] -= fit.left_out[row];
            }
            assert!(weights[2 * unit] > 0.0);
            let without = Fit::new(&plan, &guessed, 1, kernel).expect("enough");
            for row in [2 * unit, 2 * unit + 1] {
                assert!(without.residuals[row].abs() < 1e-9);
            }
        }
    }
}
