//! Systems of as many equations as samples, for a prior on Walsh functions.

use super::covariance::{
    Across, covariances, kernel_of_difference, pair_covariances, places_in_table, product, spread,
};
use super::design::{Design, Rule, Term};
use super::fit::{Fit, Part};
use super::pairs::{pairs, signs};
use super::pool::dot;
use super::ridge::{DENSE_PLAYERS, Prior};
use super::tridiagonal::Tridiagonal;
use crate::transform::butterfly;

/// The covariance that a prior gives to the values of samples, and what it was made from.
pub(super) struct Solver {
    functions: Functions,
    /// Between all samples, row by row, where that is less work than a table of all coalitions.
    matrix: Option<Vec<f32>>,
    /// The prior variance of v.
    variance: f64,
}

/// The Walsh functions of the prior.
enum Functions {
    /// Of all coalitions up to an order: variances of all 2^n of them, and the place of each sample in the table.
    All {
        players: usize,
        variances: Vec<f64>,
        at: Vec<usize>,
        order: usize,
    },
    /// Of one player, or of one and two.
    Pairs {
        scales: Vec<f64>,
        signs: Vec<f32>,
        two: bool,
    },
}

/// Steps at most.
const ITERATIONS: usize = 50;
/// Of the first residual: where the iteration stops for a fit, and for a figure that decides between priors.
const CLOSE: f64 = 1e-4;
const CLOSE_ENOUGH: f64 = 3e-3;

impl Solver {
    /// The order of `prior` counts, and its scales; its noise is told to each system that is solved.
    pub(super) fn new(design: &Design, prior: &Prior) -> Self {
        let players = design.players();
        let samples = design.samples();
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
            let variance = variances.iter().sum();
            let at = places_in_table(design);
            let matrix = (samples * samples < players << players).then(|| {
                let kernel = kernel_of_difference(&variances);
                covariances(&kernel, &at, &at)
            });
            let functions = Functions::All {
                players,
                variances,
                at,
                order: prior.order,
            };
            return Self {
                functions,
                matrix,
                variance,
            };
        }
        let signs = signs(design);
        let scales = prior.scales.clone();
        let two = prior.order > 1;
        let sum: f64 = scales.iter().sum();
        let squares: f64 = scales.iter().map(|s| s * s).sum();
        let variance = sum
            + if two {
                0.5 * (sum * sum - squares)
            } else {
                0.0
            };
        let matrix = pair_covariances(&signs, &signs, &scales, two);
        let functions = Functions::Pairs { scales, signs, two };
        Self {
            functions,
            matrix: Some(matrix),
            variance,
        }
    }

    /// K x, and where K came from a table of all coalitions the whole table.
    fn apply(&self, x: &[f64]) -> (Vec<f64>, Option<Vec<f64>>) {
        if let Some(matrix) = &self.matrix {
            return (product(matrix, x), None);
        }
        match &self.functions {
            Functions::All {
                players,
                variances,
                at,
                ..
            } => {
                let table = spread(*players, variances, at, x);
                (at.iter().map(|&at| table[at]).collect(), Some(table))
            }
            Functions::Pairs { .. } => unreachable!("pairs always have a matrix"),
        }
    }

    /// The mean, and the weights of the samples: conjugate gradients on (K + σ²) a = v − mean, σ² being `noise` as a share of
    /// the prior variance of v.
    pub(super) fn solve(&self, part: &Part, noise: f64) -> (f64, Vec<f64>) {
        let mean = part.mean();
        let noise = noise * self.variance;
        let mut rest: Vec<f64> = part.values.iter().map(|v| v - mean).collect();
        let mut weights = vec![0.0; rest.len()];
        let mut direction = rest.clone();
        let mut size = dot(&rest, &rest);
        let close = CLOSE * CLOSE * size;
        for _ in 0..ITERATIONS {
            if size <= close {
                break;
            }
            let (mut image, _) = self.apply(&direction);
            for (image, d) in image.iter_mut().zip(&direction) {
                *image += noise * d;
            }
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

    /// For each of `noises`, what the fit of `part` says of the samples of `held`.
    ///
    /// One Lanczos sequence serves them all: on the space that it spans, K is tridiagonal, and σ² only moves the diagonal.
    pub(super) fn predictions(&self, part: &Part, held: &Design, noises: &[f64]) -> Vec<Vec<f64>> {
        let mean = part.mean();
        let first: Vec<f64> = part.values.iter().map(|v| v - mean).collect();
        let size = dot(&first, &first).sqrt();
        let flat = vec![mean; held.samples()];
        if size == 0.0 {
            return vec![flat; noises.len()];
        }
        let across = self.across(held);
        let least = noises.iter().copied().fold(f64::INFINITY, f64::min) * self.variance;
        let mut system = Tridiagonal::default();
        let mut before = vec![0.0; first.len()];
        let mut vector: Vec<f64> = first.iter().map(|x| x / size).collect();
        let mut images = Vec::new();
        for _ in 0..ITERATIONS {
            let (mut image, table) = self.apply(&vector);
            images.push(across.image(&vector, table.as_deref()));
            let along = dot(&vector, &image);
            let back = system.last_off_diagonal();
            for ((image, own), earlier) in image.iter_mut().zip(&vector).zip(&before) {
                *image -= along * own + back * earlier;
            }
            let next = dot(&image, &image).sqrt();
            let left = system.extend(along, next, least);
            if left <= CLOSE_ENOUGH || next == 0.0 {
                break;
            }
            image.iter_mut().for_each(|x| *x /= next);
            before = std::mem::replace(&mut vector, image);
        }
        noises
            .iter()
            .map(|noise| {
                let mut explained = flat.clone();
                let shares = system.solve(noise * self.variance);
                for (image, share) in images.iter().zip(shares) {
                    for (to, x) in explained.iter_mut().zip(image) {
                        *to += size * share * x;
                    }
                }
                explained
            })
            .collect()
    }

    fn across(&self, held: &Design) -> Across {
        match &self.functions {
            Functions::All { variances, at, .. } => {
                let places = places_in_table(held);
                match self.matrix {
                    Some(_) => {
                        let kernel = kernel_of_difference(variances);
                        Across::Matrix(covariances(&kernel, &places, at))
                    }
                    None => Across::Table(places),
                }
            }
            Functions::Pairs {
                scales,
                signs: own,
                two,
            } => Across::Matrix(pair_covariances(&signs(held), own, scales, *two)),
        }
    }

    pub(super) fn terms(&self, design: &Design, mean: f64, weights: &[f64]) -> Fit {
        match &self.functions {
            Functions::All {
                players,
                variances,
                at,
                order,
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
            Functions::Pairs { scales, signs, two } => {
                pairs(design, scales, signs, mean, weights, *two)
            }
        }
    }
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
    fn one_sequence_gives_the_predictions_of_a_system_for_each_noise() {
        for (players, samples) in [(6, 40), (12, 60), (18, 50)] {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(9);
            let coalitions = plan(players, samples + 20, 4).expect("a plan");
            let values: Vec<f64> = (0..samples).map(|_| rng.random_range(-1.0..1.0)).collect();
            let part = Part::new(players, coalitions.iter().zip(values));
            let held = Part::new(players, coalitions[samples..].iter().map(|c| (c, 0.0)));
            let noises = [0.05, 0.3, 2.0];
            let mut prior = Prior {
                scales: (0..players).map(|_| rng.random_range(0.05..0.3)).collect(),
                noise: 0.0,
                order: 2,
            };
            let found = Solver::new(&part.design, &prior).predictions(&part, &held.design, &noises);
            for (found, noise) in found.iter().zip(noises) {
                prior.noise = noise;
                let expected = ridge(&part, &prior).explain(&held.design);
                for (found, expected) in found.iter().zip(expected) {
                    assert!(
                        (found - expected).abs() < 0.01,
                        "{players}: {found} {expected}"
                    );
                }
            }
        }
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
