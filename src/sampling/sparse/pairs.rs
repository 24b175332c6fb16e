//! Signs of players, and the Walsh functions of one and two of them as ANDs.

use rayon::prelude::*;

use super::design::{Design, Rule, Term};
use super::fit::Fit;

/// −1 where a player is present, 1 where it is not, sample by sample.
pub(super) fn signs(design: &Design) -> Vec<f32> {
    (0..design.samples())
        .flat_map(|s| {
            design.row(s)[..design.players()]
                .iter()
                .map(|x| 1.0 - 2.0 * x)
        })
        .collect()
}

pub(super) fn scaled(signs: &[f32], scales: &[f64], players: usize) -> Vec<f32> {
    let rows = signs.chunks_exact(players);
    rows.flat_map(|row| row.iter().zip(scales).map(|(z, s)| z * *s as f32))
        .collect()
}

pub(super) fn dot32(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let (a16, b16) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: f32 = a16
        .remainder()
        .iter()
        .zip(b16.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a16.zip(b16) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// The coefficients of single players and pairs, as ANDs: χ_i = 1 − 2x_i, χ_ij = 1 − 2x_i − 2x_j + 4x_i x_j.
pub(super) fn pairs(
    design: &Design,
    scales: &[f64],
    signs: &[f32],
    mean: f64,
    weights: &[f64],
    with_pairs: bool,
) -> Fit {
    let players = design.players();
    let rows: Vec<(f64, Vec<f64>)> = (0..players)
        .into_par_iter()
        .map(|i| {
            let mut sums = vec![0.0; players];
            let mut own = 0.0;
            for (row, weight) in signs.chunks_exact(players).zip(weights) {
                let z = weight * f64::from(row[i]);
                own += z;
                for (sum, other) in sums[i + 1..].iter_mut().zip(&row[i + 1..]) {
                    *sum += z * f64::from(*other);
                }
            }
            let coefficients: Vec<f64> = sums
                .iter()
                .zip(scales)
                .map(|(s, r)| s * r * scales[i])
                .collect();
            (own * scales[i], coefficients)
        })
        .collect();
    let mut constant = mean;
    let mut singles = vec![0.0; players];
    let mut terms = Vec::new();
    for (i, (own, coefficients)) in rows.iter().enumerate() {
        constant += own;
        singles[i] -= 2.0 * own;
        let first = if with_pairs { i + 1 } else { players };
        for (j, w) in coefficients.iter().enumerate().skip(first) {
            constant += w;
            singles[i] -= 2.0 * w;
            singles[j] -= 2.0 * w;
            terms.push((
                Term {
                    rule: Rule::All,
                    players: vec![i as u16, j as u16],
                },
                4.0 * w,
            ));
        }
    }
    terms.extend(
        singles
            .into_iter()
            .enumerate()
            .map(|(i, s)| (Term::single(i), s)),
    );
    Fit { constant, terms }
}
