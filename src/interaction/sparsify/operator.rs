//! The explanation operator A (a, o′) = Z a + F Z o′ by plain transforms: sums over subsets, nothing clever.

use super::frame::both;
use super::reduce::zip3;
use crate::transform::butterfly;

/// `values`(T) ← Σ_{S⊆T} `values`(S).
fn subset_sums(values: &mut [f64]) {
    butterfly(values, |without, with| (without, with + without));
}

/// `values`(S) ← Σ_{T⊇S} `values`(T).
fn superset_sums(values: &mut [f64]) {
    butterfly(values, |without, with| (without + with, with));
}

/// u − A x into `residual`; `scratch` is overwritten.
pub(super) fn residual_into(
    u: &[f64],
    x: &[Vec<f64>],
    residual: &mut Vec<f64>,
    scratch: &mut Vec<f64>,
) {
    residual.clone_from(&x[0]);
    scratch.clear();
    scratch.extend(x[1].iter().copied());
    both(
        u.len(),
        || subset_sums(residual),
        || {
            subset_sums(scratch);
            scratch.reverse();
        },
    );
    let explained: &mut [f64] = residual;
    zip3(explained, u, scratch, |sum, u, or| *sum = u - *sum - or);
}

/// u − A x.
#[cfg(test)]
pub(super) fn residual(u: &[f64], x: &[Vec<f64>]) -> Vec<f64> {
    let (mut residual, mut scratch) = (Vec::new(), Vec::new());
    residual_into(u, x, &mut residual, &mut scratch);
    residual
}

/// Aᵀ y into `slack`.
pub(super) fn adjoint_into(y: &[f64], slack: &mut [Vec<f64>]) {
    let (and, or) = slack.split_at_mut(1);
    let (and, or) = (&mut and[0], &mut or[0]);
    both(
        y.len(),
        || {
            and.clear();
            and.extend_from_slice(y);
            superset_sums(and);
        },
        || {
            or.clear();
            or.extend(y.iter().rev());
            superset_sums(or);
        },
    );
}

/// Aᵀ y.
pub(crate) fn adjoint(y: &[f64]) -> Vec<Vec<f64>> {
    let mut slack = vec![Vec::new(), Vec::new()];
    adjoint_into(y, &mut slack);
    slack
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::interaction::sparsify::reduce::dot;

    #[test]
    fn the_operator_is_its_definition_and_the_adjoint_its_transpose() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        for players in 1..=6 {
            let len = 1usize << players;
            let mut random =
                || -> Vec<f64> { (0..len).map(|_| rng.random_range(-1.0..1.0)).collect() };
            let (u, y) = (random(), random());
            let x = vec![random(), random()];
            let residual = residual(&u, &x);
            for t in 0..len {
                let and: f64 = (0..len).filter(|s| s & t == *s).map(|s| x[0][s]).sum();
                let or: f64 = (0..len).filter(|s| s & t == 0).map(|s| x[1][s]).sum();
                assert!((u[t] - and - or - residual[t]).abs() < 1e-12);
            }
            let slack = adjoint(&y);
            let left: f64 = (0..len).map(|t| y[t] * (u[t] - residual[t])).sum();
            let right = dot(&slack[0], &x[0]) + dot(&slack[1], &x[1]);
            assert!((left - right).abs() < 1e-10);
        }
    }
}
