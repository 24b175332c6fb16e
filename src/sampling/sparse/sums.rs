//! Sums over samples in vector registers, each in an order that no machine changes.

use pulp::{Simd, WithSimd};

use crate::lanes::{LANES, Number, Work, on_lanes, on_registers};

/// to += weight · from
#[inline(always)]
pub(super) fn add_inlined<T: Number>(to: &mut [T], weight: T, from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += weight * *from;
    }
}

/// to += Σ_j weight_j · row_j, `rows` being as long each as `to`.
pub(super) fn add_rows<T: Number>(to: &mut [T], weights: &[T], rows: &[T]) {
    struct Rows<'a, T>(&'a mut [T], &'a [T], &'a [T]);
    impl<T: Number> Work for Rows<'_, T> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let Self(to, weights, rows) = self;
            let length = to.len();
            let (fours, last) = weights.as_chunks::<4>();
            for (weights, rows) in fours.iter().zip(rows.chunks_exact(4 * length)) {
                let (front, back) = rows.split_at(2 * length);
                let ((a, b), (c, d)) = (front.split_at(length), back.split_at(length));
                for ((((to, a), b), c), d) in to.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                    let (first, second) = (
                        weights[0] * *a + weights[1] * *b,
                        weights[2] * *c + weights[3] * *d,
                    );
                    *to += first + second;
                }
            }
            let rows = rows[fours.len() * 4 * length..].chunks_exact(length);
            for (&weight, row) in last.iter().zip(rows) {
                add_inlined(to, weight, row);
            }
        }
    }
    if !to.is_empty() {
        on_lanes(Rows(to, weights, rows));
    }
}

/// Σ a·b in sixteen partial sums.
pub(super) fn dot<T: Number>(a: &[T], b: &[T]) -> T {
    struct Dot<'a, T>(&'a [T], &'a [T]);
    impl<T: Number> WithSimd for Dot<'_, T> {
        type Output = T;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> T {
            let ((a, last_a), (b, last_b)) =
                (self.0.as_chunks::<LANES>(), self.1.as_chunks::<LANES>());
            let mut sum = T::products(simd, a.as_flattened(), b.as_flattened());
            for (a, b) in last_a.iter().zip(last_b) {
                sum += *a * *b;
            }
            sum
        }
    }
    on_registers(Dot(a, b))
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::lanes::tests::on_every_kind;

    #[test]
    fn sums_equal_their_loops_at_any_length() {
        on_every_kind(|| {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(2);
            for (length, rows) in [(1, 3), (7, 4), (16, 9), (33, 5), (160, 1)] {
                let mut draw = |count: usize| -> Vec<f64> {
                    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
                };
                let (start, matrix, weights) = (draw(length), draw(rows * length), draw(rows));
                let single = |x: &[f64]| -> Vec<f32> { x.iter().map(|x| *x as f32).collect() };
                let mut sums = start.clone();
                add_rows(&mut sums, &weights, &matrix);
                let mut sums32 = single(&start);
                add_rows(&mut sums32, &single(&weights), &single(&matrix));
                for at in 0..length {
                    let slow: f64 = (0..rows)
                        .map(|row| weights[row] * matrix[row * length + at])
                        .sum();
                    assert!((sums[at] - start[at] - slow).abs() < 1e-12);
                    assert!((f64::from(sums32[at]) - sums[at]).abs() < 1e-5);
                }
                let slow: f64 = start.iter().zip(&matrix).map(|(a, b)| a * b).sum();
                assert!((dot(&start, &matrix[..length]) - slow).abs() < 1e-12);
                let found = dot(&single(&start), &single(&matrix[..length]));
                assert!((f64::from(found) - slow).abs() < 1e-5);
            }
        });
    }
}
