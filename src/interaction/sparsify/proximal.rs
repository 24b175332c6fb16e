//! The other step of the splitting: what each coordinate would do by itself.

use super::reduce::{sum3, zip4};

/// The proximal map of one block of variables.
pub(super) enum Proximal<'a> {
    /// Of γ·Σ price·|x|: towards zero by γ·price. The price of a free constant is 0.
    Shrink(&'a [f64]),
    /// Of a box |x| ≤ bound: into the box.
    Clip(&'a [f64]),
    /// Of something that couples blocks: here is prox(2x − w), found beforehand.
    Given(&'a [f64]),
}

fn shrink(value: f64, by: f64) -> f64 {
    value - into(value, by)
}

fn into(value: f64, bound: f64) -> f64 {
    let low = if value < -bound { -bound } else { value };
    if low > bound { bound } else { low }
}

impl Proximal<'_> {
    /// ‖prox(2x − w) − x‖² with x = w + moves.
    pub(super) fn residual_square(&self, w: &[f64], moves: &[f64], gamma: f64) -> f64 {
        match self {
            Self::Shrink(prices) => sum3(w, moves, prices, |w, step, price| {
                let x = w + step;
                let rest = shrink(x + step, gamma * price) - x;
                rest * rest
            }),
            Self::Clip(bounds) => sum3(w, moves, bounds, |w, step, bound| {
                let x = w + step;
                let rest = into(x + step, bound) - x;
                rest * rest
            }),
            Self::Given(points) => sum3(w, moves, points, |w, step, point| {
                let rest = point - w - step;
                rest * rest
            }),
        }
    }

    /// w ← share·anchor + (1 − share)·(w + 2(prox(2x − w) − x)) with x = w + moves.
    pub(super) fn advance(
        &self,
        w: &mut [f64],
        moves: &[f64],
        anchor: &[f64],
        gamma: f64,
        share: f64,
    ) {
        let keep = 1.0 - share;
        match self {
            Self::Shrink(prices) => zip4(w, moves, anchor, prices, |w, step, anchor, price| {
                let x = *w + step;
                let reflected = *w + 2.0 * (shrink(x + step, gamma * price) - x);
                *w = share * anchor + keep * reflected;
            }),
            Self::Clip(bounds) => zip4(w, moves, anchor, bounds, |w, step, anchor, bound| {
                let x = *w + step;
                let reflected = *w + 2.0 * (into(x + step, bound) - x);
                *w = share * anchor + keep * reflected;
            }),
            Self::Given(points) => zip4(w, moves, anchor, points, |w, step, anchor, point| {
                let reflected = *w + 2.0 * (point - *w - step);
                *w = share * anchor + keep * reflected;
            }),
        }
    }

    /// prox(2x − w) with x = w + moves, into `out`.
    pub(super) fn point(&self, w: &[f64], moves: &[f64], gamma: f64, out: &mut Vec<f64>) {
        out.clear();
        let reflected = w.iter().zip(moves).map(|(w, step)| w + 2.0 * step);
        match self {
            Self::Shrink(prices) => {
                out.extend(
                    reflected
                        .zip(*prices)
                        .map(|(z, price)| shrink(z, gamma * price)),
                );
            }
            Self::Clip(bounds) => {
                out.extend(reflected.zip(*bounds).map(|(z, bound)| into(z, *bound)))
            }
            Self::Given(points) => out.extend_from_slice(points),
        }
    }
}

/// Prices by index: 0 for the constant, 1 for every interaction.
pub(super) fn prices(len: usize) -> Vec<f64> {
    let mut prices = vec![1.0; len];
    prices[0] = 0.0;
    prices
}

/// Bounds by index: 0 for the empty coalition, `bound` for all others.
pub(super) fn bounds(len: usize, bound: f64) -> Vec<f64> {
    let mut bounds = vec![bound; len];
    bounds[0] = 0.0;
    bounds
}
