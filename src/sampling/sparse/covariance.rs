//! Covariances of the values of coalitions under a prior on Walsh functions, as matrices or through a table of all coalitions.

use rayon::prelude::*;

use super::design::Design;
use super::pairs::{dot32, scaled};
use crate::transform::butterfly;

/// Covariances of other samples with those of a system.
pub(super) enum Across {
    Matrix(Vec<f32>),
    /// Places in the table that the system makes of every vector.
    Table(Vec<usize>),
}

impl Across {
    pub(super) fn image(&self, x: &[f64], table: Option<&[f64]>) -> Vec<f64> {
        match (self, table) {
            (Self::Matrix(matrix), _) => product(matrix, x),
            (Self::Table(places), Some(table)) => places.iter().map(|&at| table[at]).collect(),
            (Self::Table(_), None) => unreachable!("a system without a matrix makes tables"),
        }
    }
}

/// M x, for rows as long as x.
pub(super) fn product(matrix: &[f32], x: &[f64]) -> Vec<f64> {
    let x: Vec<f32> = x.iter().map(|x| *x as f32).collect();
    matrix
        .par_chunks(x.len())
        .with_min_len(64)
        .map(|row| f64::from(dot32(row, &x)))
        .collect()
}

pub(super) fn places_in_table(design: &Design) -> Vec<usize> {
    let place = |s| {
        let row = design.row(s)[..design.players()].iter().enumerate();
        row.map(|(i, x)| usize::from(*x > 0.0) << i).sum()
    };
    (0..design.samples()).map(place).collect()
}

/// The covariance of two coalitions at the place of their symmetric difference: χ_U(S) χ_U(T) = χ_U(S△T).
pub(super) fn kernel_of_difference(variances: &[f64]) -> Vec<f32> {
    let mut kernel = variances.to_vec();
    butterfly(&mut kernel, |low, high| (low + high, low - high));
    kernel.into_iter().map(|x| x as f32).collect()
}

pub(super) fn covariances(kernel: &[f32], rows: &[usize], columns: &[usize]) -> Vec<f32> {
    rows.iter()
        .flat_map(|row| columns.iter().map(move |column| kernel[row ^ column]))
        .collect()
}

/// Σ_i ρ_i z_i z'_i = s, and with pairs s + (s² − Σ ρ_i²)/2.
pub(super) fn pair_covariances(
    rows: &[f32],
    columns: &[f32],
    scales: &[f64],
    two: bool,
) -> Vec<f32> {
    let players = scales.len();
    let squares: f64 = scales.iter().map(|s| s * s).sum();
    let squares = squares as f32;
    let rows = scaled(rows, scales, players);
    let samples = columns.len() / players;
    let mut matrix = vec![0.0f32; rows.len() / players * samples];
    matrix
        .par_chunks_mut(samples)
        .zip(rows.par_chunks(players))
        .for_each(|(to, own)| {
            for (to, other) in to.iter_mut().zip(columns.chunks_exact(players)) {
                let s = dot32(own, other);
                *to = if two { s + 0.5 * (s * s - squares) } else { s };
            }
        });
    matrix
}

/// f at all coalitions: Σ_U χ_U variance_U Σ_s χ_U(s) x_s.
pub(super) fn spread(players: usize, variances: &[f64], at: &[usize], x: &[f64]) -> Vec<f64> {
    let mut table = vec![0.0; 1 << players];
    for (&at, x) in at.iter().zip(x) {
        table[at] += x;
    }
    let walsh = |low: f64, high: f64| (low + high, low - high);
    butterfly(&mut table, walsh);
    for (value, variance) in table.iter_mut().zip(variances) {
        *value *= variance;
    }
    butterfly(&mut table, walsh);
    table
}
