//! Symmetric matrices in single precision, of which every product reads one half.

use pulp::{Simd, WithSimd};

use crate::lanes::{across_f32, on_registers};

/// Rows whose sums are kept in registers, and columns of a register: 16 is a multiple of both.
const ROWS: usize = 8;
const COLUMNS: usize = 16;

/// In cache lines of its own: a load that crosses two of them takes twice as long.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Block([[f32; COLUMNS]; ROWS]);

/// The entries of a table at the symmetric differences of some sets: what lies on and below the diagonal, of each [`ROWS`] rows the
/// blocks of columns up to the diagonal, the last one whole.
pub(super) struct Symmetric {
    size: usize,
    table: Vec<f32>,
    blocks: Vec<Block>,
}

impl Symmetric {
    pub(super) fn of_differences(sets: &[u32], table: Vec<f32>) -> Self {
        let mut matrix = Self {
            size: 0,
            table,
            blocks: Vec::new(),
        };
        matrix.extend(sets);
        matrix
    }

    /// Adds rows and columns, where `sets` are those that it has and more behind them.
    pub(super) fn extend(&mut self, sets: &[u32]) {
        let mut padded = sets.to_vec();
        padded.resize(sets.len().next_multiple_of(COLUMNS), 0);
        // Of the last rows some may stand for nobody.
        let whole = self.size / COLUMNS;
        self.blocks
            .truncate(whole * (whole + 1) * COLUMNS / ROWS / 2);
        if self.blocks.is_empty() {
            // So much that a quarter more of sets fits in without a copy.
            let most = Self::entries(sets.len() + sets.len() / 4 + 1);
            self.blocks.reserve_exact(most / (ROWS * COLUMNS));
        }
        let groups = padded.chunks_exact(ROWS).enumerate();
        for (group, rows) in groups.skip(whole * COLUMNS / ROWS) {
            let columns = padded.chunks_exact(COLUMNS);
            for columns in columns.take(group * ROWS / COLUMNS + 1) {
                let mut block = Block([[0.0; COLUMNS]; ROWS]);
                for (entries, row) in block.0.iter_mut().zip(rows) {
                    for (entry, column) in entries.iter_mut().zip(columns) {
                        *entry = self.table[(row ^ column) as usize];
                    }
                }
                self.blocks.push(block);
            }
        }
        self.size = sets.len();
    }

    /// How many numbers a matrix of this size holds.
    pub(super) fn entries(size: usize) -> usize {
        let size = size.next_multiple_of(COLUMNS);
        size * (size + COLUMNS) / 2
    }

    /// The product with a vector that has zeros behind the numbers of `x`.
    pub(super) fn times(&self, x: &[f32]) -> Vec<f32> {
        let mut x = x.to_vec();
        x.resize(self.size.next_multiple_of(COLUMNS), 0.0);
        let mut product = vec![0.0; x.len()];
        on_registers(Product {
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

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match COLUMNS * size_of::<f32>() / size_of::<S::f32s>() {
            1 => self.by::<S, 1>(simd),
            2 => self.by::<S, 2>(simd),
            4 => self.by::<S, 4>(simd),
            _ => self.by::<S, COLUMNS>(simd),
        }
    }
}

impl Product<'_> {
    /// A row of a block in so many registers.
    #[inline(always)]
    fn by<S: Simd, const REGISTERS: usize>(self, simd: S) {
        let mut blocks = self.blocks;
        let columns = S::as_simd_f32s(self.x).0.as_chunks::<REGISTERS>().0;
        for (group, weights) in self.x.as_chunks::<ROWS>().0.iter().enumerate() {
            let first = group * ROWS;
            let before = first / COLUMNS;
            let (own, rest) = blocks.split_at(before + 1);
            blocks = rest;
            let products = S::as_mut_simd_f32s(self.product).0;
            let products = products.as_chunks_mut::<REGISTERS>().0;
            let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; ROWS];
            for ((block, x), product) in own.iter().zip(columns).zip(products).take(before) {
                for (at, product) in product.iter_mut().enumerate() {
                    // Two chains of additions, since each waits for the one before.
                    let mut below = [*product, simd.splat_f32s(0.0)];
                    let rows = S::as_simd_f32s(block.0.as_flattened()).0;
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let entries = rows[row * REGISTERS + at];
                        let weight = simd.splat_f32s(weights[row]);
                        let chain = &mut below[row % 2];
                        *chain = simd.add_f32s(*chain, simd.mul_f32s(entries, weight));
                        sums[at] = simd.add_f32s(sums[at], simd.mul_f32s(entries, x[at]));
                    }
                    *product = simd.add_f32s(below[0], below[1]);
                }
            }
            // The blocks on the diagonal have both halves.
            let rows = S::as_simd_f32s(own[before].0.as_flattened()).0;
            for (row, mut sums) in sums.into_iter().enumerate() {
                for at in 0..REGISTERS {
                    let entries = rows[row * REGISTERS + at];
                    sums[at] = simd.add_f32s(sums[at], simd.mul_f32s(entries, columns[before][at]));
                }
                self.product[first + row] += across_f32(simd, sums);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::lanes::tests::on_every_kind;

    #[test]
    fn products_equal_those_of_the_whole_matrix() {
        on_every_kind(|| {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
            let table: Vec<f32> = (0..1 << 7).map(|_| rng.random_range(-1.0..1.0)).collect();
            for size in [1, 8, 15, 16, 17, 32, 75] {
                let sets: Vec<u32> = (0..size).map(|_| rng.random_range(0..1 << 7)).collect();
                let x: Vec<f32> = (0..size).map(|_| rng.random_range(-1.0..1.0)).collect();
                // At once, and in two steps.
                let mut matrix = Symmetric::of_differences(&sets[..size / 3], table.clone());
                matrix.extend(&sets);
                let once = Symmetric::of_differences(&sets, table.clone());
                let product = matrix.times(&x);
                assert_eq!(product, once.times(&x));
                let mut zeros = x.clone();
                zeros[size / 2..].fill(0.0);
                assert_eq!(matrix.times(&x[..size / 2]), matrix.times(&zeros));
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
        });
    }
}
