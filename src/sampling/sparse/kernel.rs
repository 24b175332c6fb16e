//! Systems of as many equations as samples, for a prior on Walsh functions.

use rayon::prelude::*;

use super::design::{Design, Rule, Term};
use super::fit::{Fit, Part};
use super::pairs::{dot32, pairs, scaled, signs};
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
        /// ½ where pairs are fitted, 0 where only single players are.
        half: f64,
    },
}

const ITERATIONS: usize = 50;
/// Of the first residual: where the iteration stops.
const CLOSE: f64 = 1e-4;

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
        let half = if prior.order > 1 { 0.5 } else { 0.0 };
        let noise = prior.noise * (sum + half * (sum * sum - squares));
        Self::Pairs {
            scales,
            signs,
            products,
            squares,
            noise,
            half,
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
                half,
                ..
            } => products
                .par_chunks(x.len())
                .zip(x)
                .map(|(row, own)| {
                    let mut sum = 0.0;
                    for (s, x) in row.iter().zip(x) {
                        let s = f64::from(*s);
                        sum += (s + half * (s * s - squares)) * x;
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
            Self::Pairs {
                scales,
                signs,
                half,
                ..
            } => pairs(design, scales, signs, mean, weights, *half > 0.0),
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

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::sampling::sparse::plan;
    use crate::sampling::sparse::ridge::ridge;

    /// The specification: the normal equations over the Walsh functions, by elimination.
    fn obvious(part: &Part, functions: &[Vec<u16>], prior: &Prior, noise: f64) -> Vec<f64> {
        let size = functions.len();
        let mean = part.mean();
        let sign = |s: usize, set: &[u16]| -> f64 {
            let row = part.design.row(s);
            set.iter()
                .map(|&i| 1.0 - 2.0 * f64::from(row[usize::from(i)]))
                .product()
        };
        let mut rows: Vec<Vec<f64>> = (0..size)
            .map(|a| {
                let products = (0..size).map(|b| {
                    let sum: f64 = (0..part.values.len())
                        .map(|s| sign(s, &functions[a]) * sign(s, &functions[b]))
                        .sum();
                    let variance: f64 = functions[a]
                        .iter()
                        .map(|&i| prior.scales[usize::from(i)])
                        .product();
                    sum + if a == b { noise / variance } else { 0.0 }
                });
                let right: f64 = (0..part.values.len())
                    .map(|s| sign(s, &functions[a]) * (part.values[s] - mean))
                    .sum();
                products.chain([right]).collect()
            })
            .collect();
        for pivot in 0..size {
            let row = rows[pivot].clone();
            for (_, other) in rows.iter_mut().enumerate().filter(|(at, _)| *at != pivot) {
                let factor = other[pivot] / row[pivot];
                for (x, y) in other.iter_mut().zip(&row) {
                    *x -= factor * y;
                }
            }
        }
        let weights: Vec<f64> = (0..size).map(|a| rows[a][size] / rows[a][a]).collect();
        (0..part.values.len())
            .map(|s| {
                mean + functions
                    .iter()
                    .zip(&weights)
                    .map(|(f, w)| sign(s, f) * w)
                    .sum::<f64>()
            })
            .collect()
    }

    #[test]
    fn both_forms_equal_the_normal_equations() {
        for (players, order) in [(6, 3), (18, 2), (18, 1)] {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
            let coalitions = plan(players, 50, 2).expect("a plan");
            let values: Vec<f64> = (0..50).map(|_| rng.random_range(-1.0..1.0)).collect();
            let part = Part::new(players, coalitions.iter().zip(values));
            let prior = Prior {
                scales: (0..players).map(|_| rng.random_range(0.05..0.3)).collect(),
                noise: 0.5,
                order,
            };
            let all = (1u32..1 << players).filter(|s| s.count_ones() as usize <= order);
            let functions: Vec<Vec<u16>> = all
                .map(|s| (0..players as u16).filter(|i| s >> i & 1 == 1).collect())
                .collect();
            let variance: f64 = functions
                .iter()
                .map(|f| {
                    f.iter()
                        .map(|&i| prior.scales[usize::from(i)])
                        .product::<f64>()
                })
                .sum();
            let slow = obvious(&part, &functions, &prior, prior.noise * variance);
            let fast = ridge(&part, &prior).explain(&part.design);
            for (slow, fast) in slow.iter().zip(&fast) {
                assert!(
                    (slow - fast).abs() < 1e-3,
                    "{players} players, order {order}"
                );
            }
        }
    }
}
