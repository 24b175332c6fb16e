//! Systems of as many equations as samples, for a prior on Walsh functions.

use rayon::prelude::*;

use super::design::{Design, Rule, Term};
use super::fit::{Fit, Part};
use super::pool::dot;
use super::ridge::{DENSE_PLAYERS, Prior};
use crate::transform::butterfly;

/// The kernel of the prior between samples, in one of two forms.
pub(super) enum Solver {
    /// Variances of all 2^n Walsh coefficients, and the place of each sample in the table.
    Dense {
        players: usize,
        variances: Vec<f64>,
        at: Vec<usize>,
        noise: f64,
        order: usize,
    },
    /// Σ_i ρ_i z_i z'_i between samples, and Σ ρ_i².
    Pairs {
        scales: Vec<f64>,
        signs: Vec<f32>,
        products: Vec<f32>,
        squares: f64,
        noise: f64,
    },
}

const ITERATIONS: usize = 60;
/// Of the first residual: where the iteration stops.
const CLOSE: f64 = 1e-5;

impl Solver {
    pub(super) fn new(design: &Design, prior: &Prior) -> Self {
        let players = design.players();
        if players <= DENSE_PLAYERS {
            let mut variances = vec![1.0; 1 << players];
            for at in 1..variances.len() {
                let lowest = at.trailing_zeros() as usize;
                variances[at] = variances[at & (at - 1)] * prior.scales[lowest];
            }
            for (at, variance) in variances.iter_mut().enumerate() {
                if at.count_ones() as usize > prior.order {
                    *variance = 0.0;
                }
            }
            variances[0] = 0.0;
            let noise = prior.noise * variances.iter().sum::<f64>();
            let at = (0..design.samples())
                .map(|s| {
                    let row = design.row(s)[..players].iter().enumerate();
                    row.map(|(i, x)| usize::from(*x > 0.0) << i).sum()
                })
                .collect();
            return Self::Dense {
                players,
                variances,
                at,
                noise,
                order: prior.order,
            };
        }
        let signs = signs(design);
        let scales = prior.scales.clone();
        let scaled = scaled(&signs, &scales, players);
        let samples = design.samples();
        let mut products = vec![0.0f32; samples * samples];
        products
            .par_chunks_mut(samples)
            .enumerate()
            .for_each(|(s, row)| {
                let own = &scaled[s * players..(s + 1) * players];
                for (to, other) in row.iter_mut().zip(signs.chunks_exact(players)) {
                    *to = dot32(own, other);
                }
            });
        let sum: f64 = scales.iter().sum();
        let squares: f64 = scales.iter().map(|s| s * s).sum();
        let noise = prior.noise * (sum + (sum * sum - squares) / 2.0);
        Self::Pairs {
            scales,
            signs,
            products,
            squares,
            noise,
        }
    }

    /// (K + σ²) x
    fn apply(&self, x: &[f64]) -> Vec<f64> {
        match self {
            Self::Dense {
                players,
                variances,
                at,
                noise,
                ..
            } => {
                let table = spread(*players, variances, at, x);
                at.iter()
                    .zip(x)
                    .map(|(&at, x)| table[at] + noise * x)
                    .collect()
            }
            Self::Pairs {
                products,
                squares,
                noise,
                ..
            } => products
                .par_chunks(x.len())
                .zip(x)
                .map(|(row, own)| {
                    let mut sum = 0.0;
                    for (s, x) in row.iter().zip(x) {
                        let s = f64::from(*s);
                        sum += (s + 0.5 * (s * s - squares)) * x;
                    }
                    sum + noise * own
                })
                .collect(),
        }
    }

    /// The mean, and the weights of the samples: conjugate gradients on (K + σ²) a = v − mean.
    pub(super) fn solve(&self, part: &Part) -> (f64, Vec<f64>) {
        let mean = part.mean();
        let mut rest: Vec<f64> = part.values.iter().map(|v| v - mean).collect();
        let mut weights = vec![0.0; rest.len()];
        let mut direction = rest.clone();
        let mut size = dot(&rest, &rest);
        let close = CLOSE * CLOSE * size;
        for _ in 0..ITERATIONS {
            if size <= close {
                break;
            }
            let image = self.apply(&direction);
            let curvature = dot(&direction, &image);
            if curvature <= 0.0 {
                break;
            }
            let step = size / curvature;
            for ((weight, rest), (d, i)) in weights
                .iter_mut()
                .zip(&mut rest)
                .zip(direction.iter().zip(&image))
            {
                *weight += step * d;
                *rest -= step * i;
            }
            let next = dot(&rest, &rest);
            let ratio = next / size;
            for (d, r) in direction.iter_mut().zip(&rest) {
                *d = r + ratio * *d;
            }
            size = next;
        }
        (mean, weights)
    }

    pub(super) fn predict(&self, part: &Part, design: &Design) -> Vec<f64> {
        let (mean, weights) = self.solve(part);
        match self {
            Self::Dense {
                players,
                variances,
                at,
                ..
            } => {
                let table = spread(*players, variances, at, &weights);
                let places = (0..design.samples()).map(|s| {
                    let row = design.row(s)[..*players].iter().enumerate();
                    row.map(|(i, x)| usize::from(*x > 0.0) << i).sum::<usize>()
                });
                places.map(|at| mean + table[at]).collect()
            }
            Self::Pairs { .. } => self.terms(&part.design, mean, &weights).explain(design),
        }
    }

    pub(super) fn terms(&self, design: &Design, mean: f64, weights: &[f64]) -> Fit {
        match self {
            Self::Dense {
                players,
                variances,
                at,
                order,
                ..
            } => {
                let mut table = spread(*players, variances, at, weights);
                butterfly(&mut table, |low, high| (low, high - low));
                let kept = (1..table.len()).filter(|s| s.count_ones() as usize <= *order);
                Fit {
                    constant: mean + table[0],
                    terms: kept
                        .map(|s| {
                            let players = (0..*players as u16).filter(|i| s >> i & 1 == 1);
                            let players = players.collect();
                            (
                                Term {
                                    rule: Rule::All,
                                    players,
                                },
                                table[s],
                            )
                        })
                        .collect(),
                }
            }
            Self::Pairs { scales, signs, .. } => pairs(design, scales, signs, mean, weights),
        }
    }
}

/// f at all coalitions: Σ_U χ_U variance_U Σ_s χ_U(s) x_s.
fn spread(players: usize, variances: &[f64], at: &[usize], x: &[f64]) -> Vec<f64> {
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

/// −1 where a player is present, 1 where it is not, sample by sample.
fn signs(design: &Design) -> Vec<f32> {
    (0..design.samples())
        .flat_map(|s| {
            design.row(s)[..design.players()]
                .iter()
                .map(|x| 1.0 - 2.0 * x)
        })
        .collect()
}

fn scaled(signs: &[f32], scales: &[f64], players: usize) -> Vec<f32> {
    let rows = signs.chunks_exact(players);
    rows.flat_map(|row| row.iter().zip(scales).map(|(z, s)| z * *s as f32))
        .collect()
}

fn dot32(a: &[f32], b: &[f32]) -> f32 {
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
fn pairs(design: &Design, scales: &[f64], signs: &[f32], mean: f64, weights: &[f64]) -> Fit {
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
        for (j, w) in coefficients.iter().enumerate().skip(i + 1) {
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
