//! Symmetric matrices in single precision, of which every product reads one half.

use super::sums::across;
use crate::lanes::{Work, on_lanes};

/// Rows whose sums are kept in registers, and columns of a register: 16 is a multiple of both.
const ROWS: usize = 8;
const COLUMNS: usize = 16;

/// In cache lines of its own: a load that crosses two of them takes twice as long.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Block([[f32; COLUMNS]; ROWS]);

/// What lies on and below the diagonal: of each [`ROWS`] rows the blocks of columns up to the diagonal, the last one whole.
pub(super) struct Symmetric {
    size: usize,
    blocks: Vec<Block>,
}

impl Symmetric {
    /// `table` at the symmetric differences of `sets`.
    pub(super) fn of_differences(sets: &[u32], table: &[f32]) -> Self {
        let mut padded = sets.to_vec();
        padded.resize(sets.len().next_multiple_of(COLUMNS), 0);
        let mut blocks = Vec::with_capacity(Self::entries(sets.len()) / (ROWS * COLUMNS));
        for (group, rows) in padded.chunks_exact(ROWS).enumerate() {
            let columns = padded.chunks_exact(COLUMNS);
            for columns in columns.take(group * ROWS / COLUMNS + 1) {
                let mut block = Block([[0.0; COLUMNS]; ROWS]);
                for (entries, row) in block.0.iter_mut().zip(rows) {
                    for (entry, column) in entries.iter_mut().zip(columns) {
                        *entry = table[(row ^ column) as usize];
                    }
                }
                blocks.push(block);
            }
        }
        let size = sets.len();
        Self { size, blocks }
    }

    /// How many numbers a matrix of this size holds.
    pub(super) fn entries(size: usize) -> usize {
        let size = size.next_multiple_of(COLUMNS);
        size * (size + COLUMNS) / 2
    }

    /// The product with a vector.
    pub(super) fn times(&self, x: &[f32]) -> Vec<f32> {
        let mut x = x.to_vec();
        x.resize(self.size.next_multiple_of(COLUMNS), 0.0);
        let mut product = vec![0.0; x.len()];
        on_lanes(Product {
            blocks: &self.blocks,
            x: &x,
            product: &mut product,
        });
        product.truncate(self.size);
        product
    }
}

struct Product<'a> {
    blocks: &'a [Block],
    x: &'a [f32],
    product: &'a mut [f32],
}

impl Work for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let mut blocks = self.blocks;
        for (group, weights) in self.x.as_chunks::<ROWS>().0.iter().enumerate() {
            let first = group * ROWS;
            let before = first / COLUMNS;
            let (own, rest) = blocks.split_at(before + 1);
            blocks = rest;
            let (columns, _) = self.x.as_chunks::<COLUMNS>();
            let (products, _) = self.product.as_chunks_mut::<COLUMNS>();
            let mut sums = [[0.0f32; COLUMNS]; ROWS];
            for ((block, x), product) in own[..before].iter().zip(columns).zip(products) {
                // Two chains of additions, since each waits for the one before.
                let (mut even, mut odd) = (*product, [0.0f32; COLUMNS]);
                for row in (0..ROWS).step_by(2) {
                    for lane in 0..COLUMNS {
                        sums[row][lane] += block.0[row][lane] * x[lane];
                        even[lane] += block.0[row][lane] * weights[row];
                        sums[row + 1][lane] += block.0[row + 1][lane] * x[lane];
                        odd[lane] += block.0[row + 1][lane] * weights[row + 1];
                    }
                }
                for lane in 0..COLUMNS {
                    product[lane] = even[lane] + odd[lane];
                }
            }
            // The blocks on the diagonal have both halves.
            for row in 0..ROWS {
                for lane in 0..COLUMNS {
                    sums[row][lane] += own[before].0[row][lane] * columns[before][lane];
                }
                self.product[first + row] += across(sums[row]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn products_equal_those_of_the_whole_matrix() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        let table: Vec<f32> = (0..1 << 7).map(|_| rng.random_range(-1.0..1.0)).collect();
        for size in [1, 8, 15, 16, 17, 32, 75] {
            let sets: Vec<u32> = (0..size).map(|_| rng.random_range(0..1 << 7)).collect();
            let x: Vec<f32> = (0..size).map(|_| rng.random_range(-1.0..1.0)).collect();
            let matrix = Symmetric::of_differences(&sets, &table);
            let product = matrix.times(&x);
            assert_eq!(
                matrix.blocks.len() * ROWS * COLUMNS,
                Symmetric::entries(size)
            );
            assert_eq!(product.len(), size);
            for (row, found) in sets.iter().zip(&product) {
                let entries = sets.iter().map(|column| table[(row ^ column) as usize]);
                let exact: f32 = entries.zip(&x).map(|(entry, x)| entry * x).sum();
                assert!((found - exact).abs() < 1e-4, "{size}: {found} {exact}");
            }
        }
    }
}
