//! Maps that treat all players alike, inverted block by block.
//!
//! A map on tables that commutes with every permutation of the players falls apart, by Schur–Weyl duality, into one small
//! matrix per spin, applied to many copies. The change of basis adds one player at a time by a Clebsch–Gordan rotation:
//! D rows times two become D + 1 rows above (spin up by ½) and D − 1 below. It runs depth first between two buffers, so
//! that everything below a certain depth happens in cache.

/// Rows are split over threads while a block is at least this long.
const SERIAL: usize = 1 << 13;

/// (AAᵀ + shift)⁻¹ for the explanation operator A.
pub(super) struct SpinInverse {
    /// AAᵀ on the block of n − 2r free players, row-major, by r.
    gram: Vec<Vec<f64>>,
    /// Its shifted inverse.
    inverse: Vec<Vec<f64>>,
    /// Clebsch–Gordan cosines √((D−t)/D) and sines √(t/D), by D.
    angles: Vec<Vec<[f64; 2]>>,
    scratch: Vec<f64>,
}

impl SpinInverse {
    pub(super) fn new(players: usize, shift: f64) -> Self {
        let gram = (0..=players / 2)
            .map(|pairs| {
                let free = players - 2 * pairs;
                let subsets = symmetric_power([[1.0, 1.0], [1.0, 2.0]], free);
                let flipped = symmetric_power([[2.0, 1.0], [1.0, 1.0]], free);
                // Both matrices have determinant 1, which a pair of players contributes.
                subsets.iter().zip(&flipped).map(|(a, b)| a + b).collect()
            })
            .collect();
        let angles = (0..=players + 1)
            .map(|rows| {
                let rows = rows.max(1) as f64;
                (0..=rows as usize)
                    .map(|t| [((rows - t as f64) / rows).sqrt(), (t as f64 / rows).sqrt()])
                    .collect()
            })
            .collect();
        let mut made = Self {
            gram,
            inverse: Vec::new(),
            angles,
            scratch: vec![0.0; 1 << players],
        };
        made.set_shift(shift);
        made
    }

    /// Another shift, for (n/2) inversions of at most n + 1 rows.
    pub(super) fn set_shift(&mut self, shift: f64) {
        self.inverse = self.gram.iter().map(|gram| inverse(gram, shift)).collect();
    }

    /// `values` ← (AAᵀ + shift)⁻¹ `values`.
    pub(super) fn apply(&mut self, values: &mut [f64]) {
        let mut scratch = std::mem::take(&mut self.scratch);
        self.descend(values, &mut scratch, 1, 0);
        self.scratch = scratch;
    }

    /// One block of `rows` rows after the players so far made `pairs` antisymmetric pairs.
    fn descend(&self, block: &mut [f64], scratch: &mut [f64], rows: usize, pairs: usize) {
        let columns = block.len() / rows;
        if columns == 1 {
            scratch.copy_from_slice(block);
            let inverse = &self.inverse[pairs];
            for (out, row) in block.iter_mut().zip(inverse.chunks_exact(rows)) {
                *out = row.iter().zip(&*scratch).map(|(a, b)| a * b).sum();
            }
            return;
        }
        let half = columns / 2;
        self.split(block, scratch, rows, half);
        let (up, down) = scratch.split_at_mut((rows + 1) * half);
        let (block_up, block_down) = block.split_at_mut((rows + 1) * half);
        let above =
            |up: &mut [f64], scratch: &mut [f64]| self.descend(up, scratch, rows + 1, pairs);
        let below = |down: &mut [f64], scratch: &mut [f64]| {
            if rows > 1 {
                self.descend(down, scratch, rows - 1, pairs + 1);
            }
        };
        if up.len() + down.len() >= SERIAL {
            rayon::join(|| above(up, block_up), || below(down, block_down));
        } else {
            above(up, block_up);
            below(down, block_down);
        }
        self.merge(block, scratch, rows, half);
    }

    /// D rows of two halves → D + 1 rows, then D − 1 rows.
    fn split(&self, block: &[f64], out: &mut [f64], rows: usize, half: usize) {
        match half {
            1 => split_rows::<1>(block, out, rows, &self.angles[rows]),
            2 => split_rows::<2>(block, out, rows, &self.angles[rows]),
            4 => split_rows::<4>(block, out, rows, &self.angles[rows]),
            _ => split_rows::<8>(block, out, rows, &self.angles[rows]),
        }
    }

    /// The transpose of [`Self::split`], which is its inverse.
    fn merge(&self, block: &mut [f64], split: &[f64], rows: usize, half: usize) {
        match half {
            1 => merge_rows::<1>(block, split, rows, &self.angles[rows]),
            2 => merge_rows::<2>(block, split, rows, &self.angles[rows]),
            4 => merge_rows::<4>(block, split, rows, &self.angles[rows]),
            _ => merge_rows::<8>(block, split, rows, &self.angles[rows]),
        }
    }
}

/// Columns come `W` at a time, a width that the compiler knows.
fn split_rows<const W: usize>(block: &[f64], out: &mut [f64], rows: usize, angles: &[[f64; 2]]) {
    let half = block.len() / rows / 2;
    let (up, down) = out.split_at_mut((rows + 1) * half);
    let row = |t: usize, with: usize| &block[(2 * t + with) * half..(2 * t + with + 1) * half];
    up[..half].copy_from_slice(row(0, 0));
    up[rows * half..].copy_from_slice(row(rows - 1, 1));
    for t in 1..rows {
        let [cos, sin] = angles[t];
        let (without, with) = (row(t, 0), row(t - 1, 1));
        let up = up[t * half..(t + 1) * half].chunks_exact_mut(W);
        let down = down[(t - 1) * half..t * half].chunks_exact_mut(W);
        for (((up, down), p), q) in up
            .zip(down)
            .zip(without.chunks_exact(W))
            .zip(with.chunks_exact(W))
        {
            for at in 0..W {
                up[at] = cos * p[at] + sin * q[at];
                down[at] = cos * q[at] - sin * p[at];
            }
        }
    }
}

fn merge_rows<const W: usize>(block: &mut [f64], split: &[f64], rows: usize, angles: &[[f64; 2]]) {
    let half = block.len() / rows / 2;
    let (up, down) = split.split_at((rows + 1) * half);
    block[..half].copy_from_slice(&up[..half]);
    block[(2 * rows - 1) * half..].copy_from_slice(&up[rows * half..]);
    for t in 1..rows {
        let [cos, sin] = angles[t];
        // Row t − 1 with the player stands right before row t without.
        let (with, without) = block[(2 * t - 1) * half..(2 * t + 1) * half].split_at_mut(half);
        let up = up[t * half..(t + 1) * half].chunks_exact(W);
        let down = down[(t - 1) * half..t * half].chunks_exact(W);
        for (((p, q), up), down) in without
            .chunks_exact_mut(W)
            .zip(with.chunks_exact_mut(W))
            .zip(up)
            .zip(down)
        {
            for at in 0..W {
                p[at] = cos * up[at] - sin * down[at];
                q[at] = sin * up[at] + cos * down[at];
            }
        }
    }
}

/// Symᵐ of a 2×2 matrix in the normalised basis, row-major (m+1)×(m+1).
fn symmetric_power(matrix: [[f64; 2]; 2], power: usize) -> Vec<f64> {
    let size = power + 1;
    let binomials = (0..power).fold(vec![1.0], |row: Vec<f64>, t| {
        let next = row[t] * (power - t) as f64 / (t + 1) as f64;
        [row, vec![next]].concat()
    });
    let mut out = vec![0.0; size * size];
    for column in 0..size {
        // The polynomial Π (m₀c + m₁c x) over the factors of this basis vector.
        let mut polynomial = vec![1.0];
        for factor in 0..power {
            let c = usize::from(factor >= power - column);
            let mut next = vec![0.0; polynomial.len() + 1];
            for (degree, coefficient) in polynomial.iter().enumerate() {
                next[degree] += coefficient * matrix[0][c];
                next[degree + 1] += coefficient * matrix[1][c];
            }
            polynomial = next;
        }
        for (row, coefficient) in polynomial.iter().enumerate() {
            out[row * size + column] = coefficient * (binomials[column] / binomials[row]).sqrt();
        }
    }
    out
}

/// (matrix + shift)⁻¹ of a symmetric positive definite matrix, by Cholesky.
fn inverse(matrix: &[f64], shift: f64) -> Vec<f64> {
    let size = (matrix.len() as f64).sqrt().round() as usize;
    let mut factor = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..=row {
            let known: f64 = (0..column)
                .map(|k| factor[row * size + k] * factor[column * size + k])
                .sum();
            let value = matrix[row * size + column] - known;
            factor[row * size + column] = if row == column {
                (value + shift).sqrt()
            } else {
                value / factor[column * size + column]
            };
        }
    }
    let mut out = vec![0.0; size * size];
    for unit in 0..size {
        let mut solved = vec![0.0; size];
        for row in 0..size {
            let known: f64 = (0..row).map(|k| factor[row * size + k] * solved[k]).sum();
            solved[row] = (f64::from(u8::from(row == unit)) - known) / factor[row * size + row];
        }
        for row in (0..size).rev() {
            let known: f64 = (row + 1..size)
                .map(|k| factor[k * size + row] * solved[k])
                .sum();
            solved[row] = (solved[row] - known) / factor[row * size + row];
        }
        for row in 0..size {
            out[row * size + unit] = solved[row];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::interaction::sparsify::operator;
    use crate::interaction::sparsify::reduce::max_abs;

    #[test]
    fn the_spin_inverse_undoes_the_shifted_gram_map() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(4);
        for players in [1, 2, 3, 4, 7, 10, 14] {
            for shift in [1e-3, 1.0, 100.0] {
                let mut spin = SpinInverse::new(players, shift);
                let y: Vec<f64> = (0..1usize << players)
                    .map(|_| rng.random_range(-1.0..1.0))
                    .collect();
                let mut solved = y.clone();
                spin.apply(&mut solved);
                // AAᵀ by plain transforms: −residual of the zero game.
                let zero = vec![0.0; y.len()];
                let mapped = operator::residual(&zero, &operator::adjoint(&solved));
                let error: Vec<f64> = (0..y.len())
                    .map(|t| shift * solved[t] - mapped[t] - y[t])
                    .collect();
                assert!(
                    max_abs(&error) < 1e-8,
                    "{players} players: {}",
                    max_abs(&error)
                );
            }
        }
    }
}
