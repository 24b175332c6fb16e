//! Sets of few players, told from parities: a binary BCH code.
//!
//! Player i is the element α^i of the field of 2^q elements. A set is known by its power sums S_r = Σ_{i∈set} α^{ir} for
//! r = 1, 3, …, 2t − 1, each of q bits, as long as it has no more than t players (Bose and Ray-Chaudhuri 1960, Hocquenghem
//! 1959; decoding after Berlekamp 1968 and Massey 1969).

/// A primitive polynomial over two elements for each q from 2 to 11.
const PRIMITIVE: [u32; 10] = [7, 11, 19, 37, 67, 137, 285, 529, 1033, 2053];

pub(super) struct Code {
    players: usize,
    /// q, the bits of a power sum.
    bits: usize,
    /// t, the most players of a set.
    order: usize,
    /// α^i for i below 2^(q+1).
    powers: Vec<u32>,
    logarithms: Vec<u32>,
}

impl Code {
    /// For sets of at most `order` of up to 1024 `players`.
    pub(super) fn new(players: usize, order: usize) -> Self {
        let bits = (2..=11).find(|q| (1 << q) > players).unwrap_or(11);
        let size = 1usize << bits;
        let mut powers = Vec::with_capacity(2 * size);
        let mut logarithms = vec![0; size];
        let mut element = 1u32;
        for at in 0..2 * size {
            powers.push(element);
            if at < size - 1 {
                logarithms[element as usize] = at as u32;
            }
            element <<= 1;
            if element as usize >= size {
                element ^= PRIMITIVE[bits - 2];
            }
        }
        Self {
            players,
            bits,
            order,
            powers,
            logarithms,
        }
    }

    /// How many parities tell a set: q·t.
    pub(super) fn parities(&self) -> usize {
        self.bits * self.order
    }

    /// Whether `player` counts in parity `at`.
    pub(super) fn counts(&self, at: usize, player: usize) -> bool {
        let (sum, bit) = (at / self.bits, at % self.bits);
        let exponent = player * (2 * sum + 1) % (self.elements() - 1);
        self.powers[exponent] >> bit & 1 == 1
    }

    fn elements(&self) -> usize {
        1 << self.bits
    }

    fn product(&self, a: u32, b: u32) -> u32 {
        match (a, b) {
            (0, _) | (_, 0) => 0,
            _ => self.powers[(self.logarithms[a as usize] + self.logarithms[b as usize]) as usize],
        }
    }

    fn quotient(&self, a: u32, b: u32) -> u32 {
        let inverse = (self.elements() - 1) as u32 - self.logarithms[b as usize];
        self.product(a, self.powers[inverse as usize])
    }

    /// The set whose parities these are, ascending; `None` where no set of at most t players has them.
    pub(super) fn decode(&self, parities: &[bool]) -> Option<Vec<u16>> {
        let sums = self.power_sums(parities);
        let locator = self.locator(&sums);
        let degree = locator.iter().rposition(|&c| c != 0)?;
        // The roots of the locator are the inverses of the players' elements.
        let period = self.elements() - 1;
        let root = |player: usize| {
            let inverse = (period - player % period) % period;
            let value = locator.iter().enumerate().fold(0, |sum, (power, &c)| {
                sum ^ self.product(c, self.powers[inverse * power % period])
            });
            value == 0
        };
        let found: Vec<u16> = (0..self.players.min(period))
            .filter(|&player| root(player))
            .map(|player| player as u16)
            .collect();
        (degree <= self.order && found.len() == degree).then_some(found)
    }

    /// S_1, …, S_2t; an even one is the square of the one at half its place.
    fn power_sums(&self, parities: &[bool]) -> Vec<u32> {
        let mut sums = vec![0; 2 * self.order + 1];
        for (at, bits) in parities.chunks(self.bits).enumerate() {
            let places = bits.iter().enumerate();
            sums[2 * at + 1] = places.fold(0, |sum, (bit, &set)| sum | u32::from(set) << bit);
        }
        for at in (2..sums.len()).step_by(2) {
            sums[at] = self.product(sums[at / 2], sums[at / 2]);
        }
        sums
    }

    /// The shortest recurrence of the power sums, as a polynomial: Π (1 − α^i x) over the players of the set.
    fn locator(&self, sums: &[u32]) -> Vec<u32> {
        let size = sums.len() + 1;
        let (mut current, mut before) = (vec![0; size], vec![0; size]);
        (current[0], before[0]) = (1, 1);
        let (mut length, mut shift, mut last) = (0, 1, 1);
        for at in 1..sums.len() {
            let known = (1..=length).fold(sums[at], |sum, i| {
                sum ^ self.product(current[i], sums[at - i])
            });
            if known == 0 {
                shift += 1;
                continue;
            }
            let old = current.clone();
            let factor = self.quotient(known, last);
            for place in shift..size {
                current[place] ^= self.product(factor, before[place - shift]);
            }
            if 2 * length < at {
                length = at - length;
                before = old;
                last = known;
                shift = 1;
            } else {
                shift += 1;
            }
        }
        current
    }
}

#[cfg(test)]
mod tests {
    use rand::seq::index::sample;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn every_small_set_is_told_from_its_parities() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(9);
        for (players, order) in [(3, 2), (14, 3), (30, 5), (100, 5), (500, 4), (1024, 3)] {
            let code = Code::new(players, order);
            for _ in 0..300 {
                let size = rng.random_range(0..=order.min(players));
                let mut set: Vec<u16> = sample(&mut rng, players, size)
                    .iter()
                    .map(|i| i as u16)
                    .collect();
                set.sort_unstable();
                let parities: Vec<bool> = (0..code.parities())
                    .map(|at| set.iter().filter(|&&i| code.counts(at, i.into())).count() % 2 == 1)
                    .collect();
                assert_eq!(code.decode(&parities), Some(set));
            }
        }
    }
}
