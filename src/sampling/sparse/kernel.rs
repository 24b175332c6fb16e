//! Ridge regression as a system of as many equations as there are samples: (K + σ²) a = v, σ² being a share of the prior
//! variance of v.

use super::beside::Beside;
use super::sums::{add_rows, dot};
use super::tridiagonal::Tridiagonal;

/// Steps at most.
const STEPS: usize = 40;

/// Of the first residual: where the iteration stops.
const CLOSE: f32 = 0.01;

/// a, by conjugate gradients.
pub(super) fn solve(covariance: &mut Beside<'_>, values: &[f32], noise: f64) -> Vec<f32> {
    let noise = (noise * covariance.variance()) as f32;
    let mut rest = values.to_vec();
    let mut weights = vec![0.0f32; rest.len()];
    let mut direction = rest.clone();
    let mut size = dot(&rest, &rest);
    let close = CLOSE * CLOSE * size;
    for _ in 0..STEPS {
        if size <= close {
            break;
        }
        let mut image = covariance.apply(&direction);
        for (image, d) in image.iter_mut().zip(&direction) {
            *image += noise * d;
        }
        let curvature = dot(&direction, &image[..direction.len()]);
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
    weights
}

/// Steps at most where only errors are compared, and steps between two looks at them.
const TRIAL: usize = 30;
const LOOK: usize = 3;

/// Of the least error: a smaller change between looks, twice, is none.
const STILL: f64 = 0.02;

/// Steps after which an error this many times the one to beat is left.
const CHANCE: usize = 12;
const HOPELESS: f64 = 1.5;

/// Which of `noises` predicts the values `wanted` of the others of `covariance` best, and its mean squared error.
///
/// One Lanczos sequence serves all noises: on the space that it spans K is tridiagonal, and σ² only moves the diagonal. It
/// ends where the least error stays as it is, or far above `to_beat`.
pub(super) fn best_noise(
    covariance: &mut Beside<'_>,
    values: &[f32],
    wanted: &[f32],
    noises: &[f64],
    to_beat: f64,
) -> (f64, f64) {
    let samples = values.len();
    let size = f64::from(dot(values, values)).sqrt();
    let mut best = (noises[0], mean_square(wanted));
    let variance = covariance.variance();
    // Of order 1 nothing is left beside what single players span.
    if size == 0.0 || variance == 0.0 {
        return best;
    }
    let mut system = Tridiagonal::default();
    let mut before = vec![0.0f32; samples];
    let mut vector: Vec<f32> = values.iter().map(|x| x / size as f32).collect();
    let mut images: Vec<f32> = Vec::new();
    let mut near = 0..noises.len();
    let mut still = 0;
    for step in 1..=TRIAL {
        let mut image = covariance.apply(&vector);
        images.extend_from_slice(&image[samples..]);
        image.truncate(samples);
        let along = dot(&vector, &image);
        let back = system.last_off_diagonal() as f32;
        for ((image, own), earlier) in image.iter_mut().zip(&vector).zip(&before) {
            *image -= along * own + back * earlier;
        }
        let next = dot(&image, &image).sqrt();
        system.extend(f64::from(along), f64::from(next));
        if step % LOOK == 0 || next == 0.0 {
            let last = best.1;
            best.1 = f64::INFINITY;
            let mut at = 0;
            for place in near {
                let shares = system.solve(noises[place] * variance);
                let shares = shares.iter().map(|share| (-size * share) as f32).collect();
                let error = error(wanted, &images, shares);
                if error < best.1 {
                    best = (noises[place], error);
                    at = place;
                }
            }
            // The best noise moves little from look to look.
            near = at.saturating_sub(1)..noises.len().min(at + 2);
            still = match (last - best.1).abs() < STILL * best.1 {
                true => still + 1,
                false => 0,
            };
            let hopeless = step >= CHANCE && best.1 > HOPELESS * to_beat;
            if still == 2 || hopeless || next == 0.0 {
                break;
            }
        }
        image.iter_mut().for_each(|x| *x /= next);
        before = std::mem::replace(&mut vector, image);
    }
    best
}

/// Mean square of `wanted` + Σ share·image.
fn error(wanted: &[f32], images: &[f32], shares: Vec<f32>) -> f64 {
    let mut left = wanted.to_vec();
    add_rows(&mut left, &shares, images);
    mean_square(&left)
}

fn mean_square(x: &[f32]) -> f64 {
    f64::from(dot(x, x)) / x.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::sampling::sparse::beside::Span;
    use crate::sampling::sparse::covariance::covariance;
    use crate::sampling::sparse::design::Design;
    use crate::sampling::sparse::plan;
    use crate::sampling::sparse::ridge::Prior;

    /// The specification: K + σ², entry by entry, and elimination.
    fn obvious(covariance: &mut Beside<'_>, values: &[f32], noise: f64) -> Vec<f64> {
        let size = values.len();
        let shift = noise * covariance.variance();
        let mut rows: Vec<Vec<f64>> = (0..size)
            .map(|row| {
                let mut unit = vec![0.0; size];
                unit[row] = 1.0;
                let own = covariance.apply(&unit);
                let own = own[..size].iter().enumerate();
                own.map(|(at, x)| f64::from(*x) + if at == row { shift } else { 0.0 })
                    .chain([f64::from(values[row])])
                    .collect()
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
        (0..size).map(|at| rows[at][size] / rows[at][at]).collect()
    }

    #[test]
    fn systems_are_solved_and_one_sequence_finds_the_error_of_the_best_noise() {
        for (players, samples) in [(6, 30), (12, 60), (18, 50)] {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(9);
            let coalitions = plan(players, samples + 20, 4).expect("a plan");
            let coalitions: Vec<_> = coalitions.iter().collect();
            let own = Design::new(players, &coalitions[..samples]);
            let others = Design::new(players, &coalitions[samples..]);
            let prior = Prior {
                scales: (0..players).map(|_| rng.random_range(0.05..0.3)).collect(),
                order: 2,
            };
            let span = Span::default();
            let mut k = Beside {
                covariance: &mut *covariance(&own, Some(&others), &prior, 1),
                span: &span,
            };
            let values: Vec<f32> = (0..samples).map(|_| rng.random_range(-1.0..1.0)).collect();
            let wanted: Vec<f32> = (0..20).map(|_| rng.random_range(-1.0..1.0)).collect();
            let noises = [0.05, 0.3, 2.0];
            let errors: Vec<f64> = noises
                .iter()
                .map(|&noise| {
                    let exact = obvious(&mut k, &values, noise);
                    let found = solve(&mut k, &values, noise);
                    let largest = exact.iter().fold(0.0f64, |most, x| most.max(x.abs()));
                    for (found, exact) in found.iter().zip(&exact) {
                        assert!((f64::from(*found) - exact).abs() < 0.02 * largest);
                    }
                    let exact: Vec<f32> = exact.iter().map(|x| *x as f32).collect();
                    let image = k.apply(&exact);
                    let left = wanted.iter().zip(&image[samples..]);
                    mean_square(&left.map(|(v, x)| v - x).collect::<Vec<_>>())
                })
                .collect();
            let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
            let (noise, error) = best_noise(&mut k, &values, &wanted, &noises, f64::INFINITY);
            let at = noises
                .iter()
                .position(|n| *n == noise)
                .expect("one of them");
            assert!(
                (error - errors[at]).abs() < 0.03 * errors[at],
                "{error} {errors:?}"
            );
            assert!(errors[at] < 1.03 * least, "{error} {errors:?}");
        }
    }
}
