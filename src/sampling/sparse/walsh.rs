//! Walsh functions decoded from coalitions that were asked for that.
//!
//! v(x) = Σ_k F(k) (−1)^⟨k,x⟩. For a random binary matrix M of b rows and a shift d, the Walsh transform over ℓ of
//! v(Mᵀℓ + d), b bits long, holds in bin j the sum of (−1)^⟨k,d⟩ F(k) over all k with Mk = j. Where only one k falls into a
//! bin, its signs under shifts by the parities of a code are the parities of k, which is then known, and its share can be
//! taken off the bins of the other matrices, where that may leave another one alone (SPEX: Kang, Butler, Agarwal et al.
//! 2025, after Pawar and Ramchandran 2013).

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::code::Code;
use super::design::Term;
use crate::transform::butterfly;
use crate::{Coalition, Error, Result};

/// Matrices; three let nearly all be peeled once the bins outnumber the functions by a quarter.
const GROUPS: usize = 3;

/// The part of the budget that is drawn at random, to be held out.
const HELD_SHARE: usize = 5;

/// Of a bin's energy: what one function may leave over. First with certainty, then with noise.
const LEFT_OVER: [f64; 2] = [1e-9, 0.03];

/// Coalitions from which sparse Walsh spectra are decoded, and behind them ∅, N and some drawn at random.
pub struct CodedPlan {
    players: usize,
    /// b
    bits: usize,
    /// Column i of each matrix, as b bits.
    matrices: Vec<Vec<u32>>,
    code: Code,
    coalitions: Vec<Coalition>,
}

impl CodedPlan {
    /// The largest plan of at most `budget` coalitions for functions of at most `order` of the `players`, as many bins as the
    /// budget allows.
    ///
    /// # Errors
    /// No player or too many, an order of 0, or a budget below 3·4·(1 + order·⌈log2(players + 1)⌉)·5/4.
    pub fn new(players: usize, budget: usize, order: usize, seed: u64) -> Result<Self> {
        if players == 0 || players > Coalition::MAX_PLAYERS || order == 0 {
            return Err(Error::Parameter {
                parameter: "a coded plan",
                must: "for 1 to 1024 players and an order of at least 1",
                got: format!("{players} players and order {order}"),
            });
        }
        let order = order.min(players);
        let code = Code::new(players, order);
        let each = GROUPS * (code.parities() + 1);
        let coded = budget - budget / HELD_SHARE;
        let bits = (coded / each).checked_ilog2().unwrap_or(0) as usize;
        if bits < 2 {
            let least = (4 * each * HELD_SHARE).div_ceil(HELD_SHARE - 1) + 1;
            return Err(Error::Parameter {
                parameter: "the budget of a coded plan",
                must: "large enough for its players and order",
                got: format!("{budget}, expected {least} at least"),
            });
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let matrices: Vec<Vec<u32>> = (0..GROUPS)
            .map(|_| {
                (0..players)
                    .map(|_| rng.random_range(0..1u32 << bits))
                    .collect()
            })
            .collect();
        let mut coalitions = Vec::with_capacity(budget);
        for matrix in &matrices {
            for shift in 0..=code.parities() {
                for at in 0..1u32 << bits {
                    let present = |&i: &usize| {
                        let shifted = shift > 0 && code.counts(shift - 1, i);
                        ((matrix[i] & at).count_ones() % 2 == 1) != shifted
                    };
                    coalitions.push(Coalition::from_players((0..players).filter(present)));
                }
            }
        }
        coalitions.extend([Coalition::EMPTY, Coalition::grand(players)]);
        for _ in 2..budget / HELD_SHARE {
            let drawn = (0..players).filter(|_| rng.random());
            coalitions.push(Coalition::from_players(drawn));
        }
        Ok(Self {
            players,
            bits,
            matrices,
            code,
            coalitions,
        })
    }

    /// The coalitions to ask.
    pub fn coalitions(&self) -> &[Coalition] {
        &self.coalitions
    }

    /// How many of them, from the first, are those that are decoded; the others are for judging.
    pub fn coded(&self) -> usize {
        (GROUPS * (self.code.parities() + 1)) << self.bits
    }

    pub(super) fn players(&self) -> usize {
        self.players
    }

    /// The Walsh functions of one player and more that the coded values tell, strongest first.
    pub(super) fn decode(&self, values: &[f64]) -> Vec<Term> {
        let mut bins = self.bins(values);
        let scale = bins.iter().flatten().map(|u| u * u).sum::<f64>();
        let mut found: BTreeMap<Vec<u16>, f64> = BTreeMap::new();
        for left_over in LEFT_OVER {
            // Each round takes off what one round before has laid bare.
            for _ in 0..4 * self.bits + 20 {
                if !self.peel(&mut bins, &mut found, left_over, 1e-12 * scale) {
                    break;
                }
            }
        }
        let mut found: Vec<(Vec<u16>, f64)> =
            found.into_iter().filter(|(k, _)| !k.is_empty()).collect();
        found.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        found.into_iter().map(|(k, _)| Term::walsh(&k)).collect()
    }

    /// Of each matrix and bin, one number for every shift.
    fn bins(&self, values: &[f64]) -> Vec<Vec<f64>> {
        let size = 1usize << self.bits;
        let shifts = self.code.parities() + 1;
        let mut bins = vec![vec![0.0; shifts]; GROUPS * size];
        for (block, values) in values[..self.coded()].chunks(size).enumerate() {
            let (group, shift) = (block / shifts, block % shifts);
            let mut spectrum = values.to_vec();
            butterfly(&mut spectrum, |low, high| (low + high, low - high));
            for (bin, value) in bins[group * size..(group + 1) * size]
                .iter_mut()
                .zip(spectrum)
            {
                bin[shift] = value / size as f64;
            }
        }
        bins
    }

    /// Takes off what stands alone; whether there was any.
    fn peel(
        &self,
        bins: &mut [Vec<f64>],
        found: &mut BTreeMap<Vec<u16>, f64>,
        left_over: f64,
        tiny: f64,
    ) -> bool {
        let size = 1usize << self.bits;
        let mut any = false;
        for at in 0..bins.len() {
            let energy: f64 = bins[at].iter().map(|u| u * u).sum();
            if energy <= tiny {
                continue;
            }
            let Some((set, value)) = self.alone(&bins[at], left_over * energy) else {
                continue;
            };
            if self.bin(at / size, &set) != at % size {
                continue;
            }
            any = true;
            *found.entry(set.clone()).or_default() += value;
            for (group, _) in self.matrices.iter().enumerate() {
                let bin = &mut bins[group * size + self.bin(group, &set)];
                for (shift, u) in bin.iter_mut().enumerate() {
                    *u -= value * self.sign(shift, &set);
                }
            }
        }
        any
    }

    /// The one function that the numbers of a bin are all but `left` of, with its coefficient.
    fn alone(&self, bin: &[f64], left: f64) -> Option<(Vec<u16>, f64)> {
        let parities: Vec<bool> = bin[1..].iter().map(|u| (u * bin[0]) < 0.0).collect();
        let set = self.code.decode(&parities)?;
        let signed = bin
            .iter()
            .enumerate()
            .map(|(shift, u)| u * self.sign(shift, &set));
        let value = signed.sum::<f64>() / bin.len() as f64;
        let rest = bin
            .iter()
            .enumerate()
            .map(|(shift, u)| (u - value * self.sign(shift, &set)).powi(2));
        (rest.sum::<f64>() <= left).then_some((set, value))
    }

    /// (−1)^⟨k, d⟩
    fn sign(&self, shift: usize, set: &[u16]) -> f64 {
        if shift == 0 {
            return 1.0;
        }
        let odd = set
            .iter()
            .filter(|&&i| self.code.counts(shift - 1, i.into()))
            .count()
            % 2
            == 1;
        if odd { -1.0 } else { 1.0 }
    }

    /// Mk
    fn bin(&self, group: usize, set: &[u16]) -> usize {
        let columns = set.iter().map(|&i| self.matrices[group][usize::from(i)]);
        columns.fold(0, |bin, column| bin ^ column) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::{ask, synthetic};

    #[test]
    fn a_sparse_spectrum_is_decoded_to_the_last_function() {
        let mut game = synthetic::parse(
            "n=60; 3 + parity(0)*2 - parity(1,59)*0.5 + parity(2,9,31)*4 - parity(5,6,7,8,40)*0.01",
        )
        .expect("a game");
        let plan = CodedPlan::new(60, 2500, 5, 3).expect("a plan");
        assert!(plan.coalitions().len() <= 2500 && plan.coded() > 1000);
        let samples = ask(&mut game, plan.coalitions().to_vec(), |_| ()).expect("values");
        let found: Vec<Vec<u16>> = plan
            .decode(samples.values())
            .into_iter()
            .map(|t| t.players.to_vec())
            .collect();
        assert_eq!(
            found,
            [vec![2, 9, 31], vec![0], vec![1, 59], vec![5, 6, 7, 8, 40]]
        );
        let refused = CodedPlan::new(60, 300, 5, 3)
            .err()
            .expect("refused")
            .to_string();
        assert_eq!(
            refused,
            "the budget of a coded plan must be large enough for its players and order, got 300, expected 466 at least"
        );
    }
}
