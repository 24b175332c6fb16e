//! Transforms of tables that hold few values, or of which few are read, in single precision: the four lowest players are summed
//! where values are written and read, a register at a time, and the table is passed through for the others alone. Machines whose
//! registers hold one number add in another order, which changes last digits.

use pulp::{Simd, WithSimd};

use super::single::{
    BLOCK, Passes, Step, SupersetSums, WalshSums, all_passes, is_plain, plain_passes, wide_passes,
};
use crate::lanes::{Number, on_registers};

/// A table of less than this many times the values that are written or read is passed through as a whole.
const FEW: usize = 16;

/// Players whose sums are taken where values are written and read, and not in the table.
const LOWEST: usize = 16;

/// Whether each set of the lowest players contains another.
const SUBSETS: [[f32; LOWEST]; LOWEST] = lowest(false);

/// (−1)^|S ∩ T| of sets of the lowest players.
const SIGNS: [[f32; LOWEST]; LOWEST] = lowest(true);

const fn lowest(signs: bool) -> [[f32; LOWEST]; LOWEST] {
    let mut table = [[0.0; LOWEST]; LOWEST];
    let mut at = 0;
    while at < LOWEST * LOWEST {
        let (set, other) = (at / LOWEST, at % LOWEST);
        table[set][other] = match signs {
            true if (set & other).count_ones() % 2 == 1 => -1.0,
            true => 1.0,
            false if other & !set == 0 => 1.0,
            false => 0.0,
        };
        at += 1;
    }
    table
}

/// Σ_{T ⊇ S} x(T) of an x that is 0 but for some values, those of `x` at `places` with the bits of `flip` exchanged.
///
/// The table's content is overwritten. Where the values are few, each is written at all subsets of the four lowest players at
/// once.
///
/// # Panics
/// If the length is no power of two, or a place is none of the table.
pub(crate) fn superset_sums(table: &mut [f32], places: &[u32], flip: u32, x: &[f32]) {
    assert!(table.len().is_power_of_two(), "a table has 2^n values");
    on_registers(SparseSums {
        table,
        places,
        flip,
        x,
    });
}

struct SparseSums<'a> {
    table: &'a mut [f32],
    places: &'a [u32],
    flip: u32,
    x: &'a [f32],
}

impl WithSimd for SparseSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let places = self.places.iter().map(|place| place ^ self.flip);
        let table = self.table;
        table.fill(0.0);
        if is_plain::<S>(table) || FEW * self.x.len() > table.len() {
            for (place, x) in places.zip(self.x) {
                table[place as usize] += x;
            }
            let (values, step) = (table, SupersetSums);
            return Passes { values, step }.with_simd(simd);
        }
        write_at(table, &SUBSETS, places, self.x);
        let block = BLOCK.min(table.len());
        for values in table.chunks_exact_mut(block) {
            wide_passes(simd, values, LOWEST, SupersetSums);
        }
        wide_passes(simd, table, block, SupersetSums);
    }
}

/// Adds every value times the row of its lowest players to the entries with its other players.
#[inline(always)]
fn write_at(
    table: &mut [f32],
    rows: &[[f32; LOWEST]; LOWEST],
    places: impl Iterator<Item = u32>,
    x: &[f32],
) {
    let (table, _) = table.as_chunks_mut::<LOWEST>();
    for (place, x) in places.zip(x) {
        let (row, to) = (
            &rows[place as usize % LOWEST],
            &mut table[place as usize / LOWEST],
        );
        for lane in 0..LOWEST {
            to[lane] += x * row[lane];
        }
    }
}

/// Σ_T x(T) Σ_U factor(U) (−1)^|U ∩ (S△T)| at the sets S of `to`, of an x that is 0 but for some values, those of `x` at
/// `places`; the content of the table is overwritten.
///
/// With up to 14 players the table passes through memory three times, with 16 five times.
///
/// # Panics
/// If the lengths of the tables differ or are no power of two, or a place is none of the table.
pub(crate) fn walsh_filter(
    table: &mut [f32],
    factors: &[f32],
    places: &[u32],
    x: &[f32],
    to: &[u32],
) -> Vec<f32> {
    assert!(
        table.len().is_power_of_two() && table.len() == factors.len(),
        "two tables of 2^n values"
    );
    on_registers(Filter {
        table,
        factors,
        places,
        x,
        to,
    })
}

struct Filter<'a> {
    table: &'a mut [f32],
    factors: &'a [f32],
    places: &'a [u32],
    x: &'a [f32],
    to: &'a [u32],
}

impl WithSimd for Filter<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let (values, factors) = (self.table, self.factors);
        let to = self.to.iter();
        values.fill(0.0);
        if is_plain::<S>(values) {
            for (&place, x) in self.places.iter().zip(self.x) {
                values[place as usize] += x;
            }
            plain_passes(values, WalshSums);
            for (value, factor) in values.iter_mut().zip(factors) {
                *value *= factor;
            }
            plain_passes(values, WalshSums);
            return to.map(|&place| values[place as usize]).collect();
        }
        let block = BLOCK.min(values.len());
        if FEW * self.x.len() > values.len() {
            for (&place, x) in self.places.iter().zip(self.x) {
                values[place as usize] += x;
            }
            for values in values.chunks_exact_mut(block) {
                all_passes(simd, values, WalshSums);
            }
        } else {
            write_at(values, &SIGNS, self.places.iter().copied(), self.x);
            for values in values.chunks_exact_mut(block) {
                wide_passes(simd, values, LOWEST, WalshSums);
            }
        }
        // More blocks at once would meet in the same places of a cache.
        let few = (4 * block).min(values.len());
        wide_passes(simd, values, few, WalshSums);
        let parts = values.chunks_exact_mut(few);
        for (values, factors) in parts.zip(factors.chunks_exact(few)) {
            match few / block {
                1 => across::<S, 1>(simd, values, factors),
                2 => across::<S, 2>(simd, values, factors),
                _ => across::<S, 4>(simd, values, factors),
            }
        }
        wide_passes(simd, values, few, WalshSums);
        if FEW * self.to.len() > values.len() {
            for values in values.chunks_exact_mut(block) {
                all_passes(simd, values, WalshSums);
            }
            return to.map(|&place| values[place as usize]).collect();
        }
        for values in values.chunks_exact_mut(block) {
            wide_passes(simd, values, LOWEST, WalshSums);
        }
        let (values, _) = values.as_chunks::<LOWEST>();
        // A closure would not be compiled for these registers.
        let mut read = Vec::with_capacity(self.to.len());
        for &place in to {
            let signs = &SIGNS[place as usize % LOWEST];
            read.push(f32::products(simd, &values[place as usize / LOWEST], signs));
        }
        read
    }
}

/// What a filter does between the passes within blocks, of which there are `BLOCKS`: the passes across them, the factors, and
/// the passes again, a register of each block at a time.
#[inline(always)]
fn across<S: Simd, const BLOCKS: usize>(simd: S, values: &mut [f32], factors: &[f32]) {
    let (values, factors) = (S::as_mut_simd_f32s(values).0, S::as_simd_f32s(factors).0);
    let stride = values.len() / BLOCKS;
    for at in 0..stride {
        let mut x = [simd.splat_f32s(0.0); BLOCKS];
        for block in 0..BLOCKS {
            x[block] = values[block * stride + at];
        }
        walsh_of_registers(simd, &mut x);
        for block in 0..BLOCKS {
            x[block] = simd.mul_f32s(x[block], factors[block * stride + at]);
        }
        walsh_of_registers(simd, &mut x);
        for block in 0..BLOCKS {
            values[block * stride + at] = x[block];
        }
    }
}

#[inline(always)]
fn walsh_of_registers<S: Simd, const BLOCKS: usize>(simd: S, x: &mut [S::f32s; BLOCKS]) {
    let mut half = 1;
    while half < BLOCKS {
        for block in 0..BLOCKS {
            if block & half == 0 {
                (x[block], x[block | half]) = WalshSums.of(simd, x[block], x[block | half]);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::lanes::tests::on_every_kind;
    use crate::transform::butterfly;
    use crate::transform::single::tests::{assert_close, exact};

    #[test]
    fn they_equal_those_of_whole_tables_in_double_precision() {
        on_every_kind(|| {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
            for bits in 0..=17 {
                let values: Vec<f32> = (0..1usize << bits)
                    .map(|_| rng.random_range(-1.0..1.0))
                    .collect();
                // Some places, one of them twice.
                let places: Vec<u32> = (0..9)
                    .map(|_| rng.random_range(0..1 << bits))
                    .chain([0, 0])
                    .collect();
                let x = &[0.3, -0.8, 0.9, 0.2, -0.4, 0.7, -0.1, 0.6, 0.5, 1.0, 0.25];
                let mut table = vec![0.0; values.len()];
                for (&place, x) in places.iter().zip(x) {
                    table[place as usize] += x;
                }
                let mut found = values.clone();
                superset_sums(&mut found, &places, 0, x);
                assert_close(&exact(&table, |a, b| (a + b, b)), &found);
                let others = (values.len() - 1) as u32;
                superset_sums(&mut found, &places, others, x);
                let mirrored: Vec<f32> = table.iter().rev().copied().collect();
                assert_close(&exact(&mirrored, |a, b| (a + b, b)), &found);

                let mut slow = exact(&table, |a, b| (a + b, a - b));
                for (value, factor) in slow.iter_mut().zip(&values) {
                    *value *= f64::from(*factor);
                }
                butterfly(&mut slow, |a, b| (a + b, a - b));
                let slow: Vec<f64> = places.iter().map(|&at| slow[at as usize]).collect();
                let mut table = values.clone();
                let found = walsh_filter(&mut table, &values, &places, x, &places);
                assert_close(&slow, &found);
            }
        });
    }
}
