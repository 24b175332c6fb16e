//! Symmetric positive definite matrices, factored.

use rayon::prelude::*;

/// The inverse of a symmetric positive definite matrix, of which the lower triangle is read; `None` where a pivot is not
/// safely above zero beside the largest diagonal entry.
///
/// # Cost
/// p³ multiplications for p rows.
pub(super) fn inverse(mut rows: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let size = rows.len();
    let largest = (0..size).map(|i| rows[i][i]).fold(0.0, f64::max);
    // L with L·Lᵀ = A, column by column: what the columns before leave of each row is one product of two rows.
    for column in 0..size {
        let (above, below) = rows.split_at_mut(column + 1);
        let row = &mut above[column];
        let rest = row[column] - dot(&row[..column], &row[..column]);
        if rest.is_nan() || rest <= 1e-13 * largest {
            return None;
        }
        row[column] = rest.sqrt();
        let row = &above[column];
        below.par_iter_mut().with_min_len(64).for_each(|other| {
            other[column] = (other[column] - dot(&other[..column], &row[..column])) / row[column];
        });
    }
    // Each column of the inverse solves L·Lᵀ x = e.
    let columns: Vec<Vec<f64>> = (0..size)
        .into_par_iter()
        .map(|column| {
            let mut x = vec![0.0; size];
            for i in column..size {
                let known = dot(&rows[i][column..i], &x[column..i]);
                x[i] = (f64::from(u8::from(i == column)) - known) / rows[i][i];
            }
            for i in (0..size).rev() {
                x[i] /= rows[i][i];
                let solved = x[i];
                for (x, l) in x[..i].iter_mut().zip(&rows[i][..i]) {
                    *x -= l * solved;
                }
            }
            x
        })
        .collect();
    Some(columns)
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn a_matrix_times_its_inverse_is_one_and_a_singular_one_has_none() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        for size in [1, 2, 7, 40] {
            let draw: Vec<Vec<f64>> = (0..size + 3)
                .map(|_| (0..size).map(|_| rng.random_range(-1.0..1.0)).collect())
                .collect();
            let gram = |i: usize, j: usize| draw.iter().map(|row| row[i] * row[j]).sum::<f64>();
            let rows: Vec<Vec<f64>> = (0..size)
                .map(|i| (0..size).map(|j| gram(i, j)).collect())
                .collect();
            let inverse = inverse(rows.clone()).expect("definite");
            for (i, row) in rows.iter().enumerate() {
                for (j, column) in inverse.iter().enumerate() {
                    let one = f64::from(u8::from(i == j));
                    assert!((dot(row, column) - one).abs() < 1e-8);
                }
            }
        }
        assert!(inverse(vec![vec![1.0, 2.0], vec![2.0, 4.0]]).is_none());
    }
}
