//! Weighted sums over the samples of many terms at once, with every player in addition.

use rayon::prelude::*;

use super::design::{Design, places};
use crate::lanes::{Work, on_lanes};

/// Players of a tile, whose sums stay in registers.
pub(super) const TILE: usize = 64;

/// A number for each player of a tile, in cache lines of its own: a load that crosses two of them takes twice as long.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Lanes([f32; TILE]);

const ZERO: Lanes = Lanes([0.0; TILE]);

/// Who is present where as 0 and 1 in single precision: the first 64 players of every sample, then the next 64 of every sample,
/// so that 64 samples of a tile lie together and fit in the first-level cache.
pub(super) struct Tiles {
    players: usize,
    samples: usize,
    present: Vec<Lanes>,
}

/// Sums of some terms with every player, tile by tile, within it term by term; behind the last player there is no meaning.
pub(super) struct Sums {
    terms: usize,
    values: Vec<Lanes>,
}

impl Sums {
    /// Those of one term with the players of one tile.
    pub(super) fn of(&self, term: usize, tile: usize) -> &[f32; TILE] {
        &self.values[tile * self.terms + term].0
    }
}

impl Tiles {
    pub(super) fn new(design: &Design) -> Self {
        let (players, samples) = (design.players(), design.samples());
        let mut present = vec![ZERO; players.div_ceil(TILE) * samples];
        for player in 0..players {
            let tile = &mut present[player / TILE * samples..][..samples];
            for sample in places(design.column(player)) {
                tile[sample].0[player % TILE] = 1.0;
            }
        }
        Self {
            players,
            samples,
            present,
        }
    }

    /// How many tiles there are.
    pub(super) fn count(&self) -> usize {
        self.players.div_ceil(TILE)
    }

    /// For every term, which fires in the samples of its `bits`, Σ of the residual over these with each player.
    pub(super) fn sums(&self, residual: &[f32], bits: &[&[u64]]) -> Sums {
        self.within(residual, bits, |_| bits.len())
    }

    /// For every player, which is present in the samples of its column, Σ of the residual over these with each player from the
    /// first of its own tile on.
    pub(super) fn pairs(&self, residual: &[f32], columns: &[&[u64]]) -> Sums {
        let up_to = |tile: usize| columns.len().min((tile + 1) * TILE);
        self.within(residual, columns, up_to)
    }

    /// The sums of so many of the terms as `count` says for each tile.
    fn within(
        &self,
        residual: &[f32],
        bits: &[&[u64]],
        count: impl Fn(usize) -> usize + Sync,
    ) -> Sums {
        let terms = bits.len();
        let mut values = vec![ZERO; terms * self.count()];
        // Every task reads a whole tile, so that there are as few as keep all threads busy.
        let tasks = rayon::current_num_threads().div_ceil(self.count().max(1));
        let chunk = terms.div_ceil(tasks).max(1);
        values
            .par_chunks_mut(terms.max(1))
            .zip(self.present.par_chunks(self.samples.max(1)))
            .enumerate()
            .for_each(|(tile, (sums, present))| {
                let count = count(tile);
                sums[..count]
                    .par_chunks_mut(chunk)
                    .zip(bits[..count].par_chunks(chunk))
                    .for_each(|(sums, bits)| {
                        on_lanes(Within {
                            present,
                            residual,
                            bits,
                            sums,
                        });
                    });
            });
        Sums { terms, values }
    }
}

struct Within<'a> {
    present: &'a [Lanes],
    residual: &'a [f32],
    bits: &'a [&'a [u64]],
    sums: &'a mut [Lanes],
}

impl Work for Within<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let samples = self.present.chunks(64).zip(self.residual.chunks(64));
        for (word, (present, residual)) in samples.enumerate() {
            for (sums, bits) in self.sums.iter_mut().zip(self.bits) {
                let mut here = sums.0;
                let mut rest = bits[word];
                while rest != 0 {
                    let at = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    let (present, weight) = (&present[at].0, residual[at]);
                    for lane in 0..TILE {
                        here[lane] += weight * present[lane];
                    }
                }
                sums.0 = here;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::sampling::sparse::plan;

    #[test]
    fn sums_equal_those_over_samples_one_by_one() {
        for (players, samples) in [(20, 100), (130, 192)] {
            let coalitions = plan(players, samples, 2).expect("a plan");
            let design = Design::new(players, &coalitions.iter().collect::<Vec<_>>());
            let tiles = Tiles::new(&design);
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(8);
            let residual: Vec<f32> = (0..samples).map(|_| rng.random_range(-1.0..1.0)).collect();
            let columns: Vec<&[u64]> = (0..players).map(|i| design.column(i)).collect();
            for (sums, upper) in [
                (tiles.sums(&residual, &columns), false),
                (tiles.pairs(&residual, &columns), true),
            ] {
                for i in 0..players {
                    for j in if upper { i } else { 0 }..players {
                        let both = (0..samples)
                            .filter(|&s| coalitions[s].contains(i) && coalitions[s].contains(j));
                        let exact: f32 = both.map(|s| residual[s]).sum();
                        let found = sums.of(i, j / TILE)[j % TILE];
                        assert!((found - exact).abs() < 1e-4, "{i} {j}: {found} {exact}");
                    }
                }
            }
        }
    }
}
