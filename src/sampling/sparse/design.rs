//! Samples as bits: which player is present in which sample.

use std::ops::Range;

use smallvec::{SmallVec, smallvec};

use crate::Coalition;

/// Up to this many players a table of all coalitions is small.
pub(super) const DENSE_PLAYERS: usize = 16;

/// Who is present where: a column of bits per player, 64 samples to a word.
#[derive(Clone)]
pub(super) struct Design {
    players: usize,
    samples: usize,
    columns: Vec<u64>,
    /// With few players, the place of each sample in a table of all coalitions.
    indices: Vec<u32>,
}

/// A row of 0 and 1 per sample in single precision, for weighted sums over all players at once.
pub(super) struct Rows {
    stride: usize,
    present: Vec<f32>,
}

impl Rows {
    /// 1.0 for each player present in `sample`, 0.0 for the others.
    pub(super) fn row(&self, sample: usize) -> &[f32] {
        &self.present[sample * self.stride..(sample + 1) * self.stride]
    }
}

impl Design {
    pub(super) fn new(players: usize, coalitions: &[&Coalition]) -> Self {
        let samples = coalitions.len();
        let words = samples.div_ceil(64);
        let mut columns = vec![0; players * words];
        for (at, coalition) in coalitions.iter().enumerate() {
            for player in coalition.players() {
                columns[player * words + at / 64] |= 1 << (at % 64);
            }
        }
        let few = players <= DENSE_PLAYERS;
        let indices = coalitions.iter().filter(|_| few);
        let indices = indices.filter_map(|coalition| coalition.index());
        Self {
            players,
            samples,
            columns,
            indices: indices.map(|index| index as u32).collect(),
        }
    }

    /// Some of the samples, which follow each other.
    pub(super) fn part(&self, samples: Range<usize>) -> Self {
        let (skipped, shift) = (samples.start / 64, samples.start % 64);
        let words = samples.len().div_ceil(64);
        let last = u64::MAX >> (64 * words - samples.len());
        let mut columns = Vec::with_capacity(self.players * words);
        for player in 0..self.players {
            let column = &self.column(player)[skipped..];
            for (at, word) in column[..words].iter().enumerate() {
                let next = column.get(at + 1).copied().unwrap_or(0);
                let own = if at + 1 < words { u64::MAX } else { last };
                // In two steps, since a shift by 64 is none.
                columns.push((word >> shift | next << 1 << (63 - shift)) & own);
            }
        }
        Self {
            players: self.players,
            samples: samples.len(),
            columns,
            indices: self.indices.get(samples).unwrap_or_default().to_vec(),
        }
    }

    pub(super) fn players(&self) -> usize {
        self.players
    }

    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// u64 words to a column.
    pub(super) fn words(&self) -> usize {
        self.samples.div_ceil(64)
    }

    /// The samples in which `player` is present.
    pub(super) fn column(&self, player: usize) -> &[u64] {
        let words = self.words();
        &self.columns[player * words..(player + 1) * words]
    }

    /// The place of each sample in a table of all coalitions: bit i is player i; of at most 16 players.
    pub(super) fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// Floats to a row: the players, and zeros up to a multiple of 16.
    pub(super) fn stride(&self) -> usize {
        self.players.next_multiple_of(16)
    }

    /// The same sample by sample.
    pub(super) fn rows(&self) -> Rows {
        let stride = self.stride();
        let mut present = vec![0.0; self.samples * stride];
        for player in 0..self.players {
            for sample in places(self.column(player)) {
                present[sample * stride + player] = 1.0;
            }
        }
        Rows { stride, present }
    }

    /// The samples in which a term fires.
    pub(super) fn fires(&self, term: &Term) -> Vec<u64> {
        let mut bits = match term.rule {
            Rule::Odd => vec![0; self.words()],
            Rule::All | Rule::None => self.everywhere(),
        };
        for &player in &term.players {
            let column = self.column(usize::from(player));
            for (bits, present) in bits.iter_mut().zip(column) {
                match term.rule {
                    Rule::All => *bits &= present,
                    Rule::None => *bits &= !present,
                    Rule::Odd => *bits ^= present,
                }
            }
        }
        bits
    }

    /// A bit for every sample.
    fn everywhere(&self) -> Vec<u64> {
        let mut bits = vec![u64::MAX; self.words()];
        if let Some(last) = bits.last_mut()
            && !self.samples.is_multiple_of(64)
        {
            *last = (1 << (self.samples % 64)) - 1;
        }
        bits
    }
}

/// When a term fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Rule {
    /// With all of its players present: their AND.
    All,
    /// With none of them present: 1 minus their OR, so that a constant and these span what a constant and ORs do, and one
    /// search, over the presence or over the absence of players, serves both.
    None,
    /// With an odd number of them present: up to sign and a constant, their Walsh function.
    Odd,
}

/// A function of the coalition that is 0 or 1. One player makes a term of rule `All` only, since the other two are the same
/// up to sign and a constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Term {
    pub(super) rule: Rule,
    /// Ascending, at least one.
    pub(super) players: Players,
}

/// Some players; few are kept in place.
pub(super) type Players = SmallVec<[u16; 8]>;

impl Term {
    pub(super) fn single(player: usize) -> Self {
        Self {
            rule: Rule::All,
            players: smallvec![player as u16],
        }
    }

    /// The Walsh function of some players, ascending.
    pub(super) fn walsh(players: &[u16]) -> Self {
        let rule = if players.len() == 1 {
            Rule::All
        } else {
            Rule::Odd
        };
        Self {
            rule,
            players: players.into(),
        }
    }

    /// The same rule with one more player, `None` where it is in already.
    pub(super) fn with(&self, player: u16) -> Option<Self> {
        let place = self.players.binary_search(&player).err()?;
        let mut players = self.players.clone();
        players.insert(place, player);
        Some(Self {
            rule: self.rule,
            players,
        })
    }

    pub(super) fn coalition(&self) -> Coalition {
        match self.players.last() {
            Some(&last) if last < 64 => {
                let bits = self.players.iter().map(|player| 1u64 << player);
                Coalition::from_index(bits.sum())
            }
            _ => Coalition::from_players(self.players.iter().map(|&player| usize::from(player))),
        }
    }
}

/// |a ∩ b|
#[inline(always)]
pub(super) fn common(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a & b).count_ones()).sum()
}

/// |a|
pub(super) fn count(a: &[u64]) -> u32 {
    a.iter().map(|word| word.count_ones()).sum()
}

/// The places of the bits set, ascending.
pub(super) fn places(bits: &[u64]) -> impl Iterator<Item = usize> + '_ {
    bits.iter().enumerate().flat_map(|(at, &word)| {
        std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)))
            .take_while(|&rest| rest != 0)
            .map(move |rest| at * 64 + rest.trailing_zeros() as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::sparse::plan;

    #[test]
    fn terms_fire_where_their_rule_says() {
        let coalitions = plan(70, 200, 5).expect("a plan");
        let design = Design::new(70, &coalitions.iter().collect::<Vec<_>>());
        let parts = [0..128, 0..200, 37..101, 64..199, 130..131, 9..9];
        let parts = parts.map(|range| (range.clone(), design.part(range)));
        for rule in [Rule::All, Rule::None, Rule::Odd] {
            let term = Term {
                rule,
                players: smallvec![3, 41, 69],
            };
            let slow: Vec<usize> = (0..200)
                .filter(|&s| {
                    let here = |player: &&u16| coalitions[s].contains(usize::from(**player));
                    let present = term.players.iter().filter(here).count();
                    match rule {
                        Rule::All => present == 3,
                        Rule::None => present == 0,
                        Rule::Odd => present % 2 == 1,
                    }
                })
                .collect();
            assert_eq!(places(&design.fires(&term)).collect::<Vec<_>>(), slow);
            for (range, part) in &parts {
                let here = slow.iter().filter(|s| range.contains(s));
                let here: Vec<usize> = here.map(|s| s - range.start).collect();
                assert_eq!(places(&part.fires(&term)).collect::<Vec<_>>(), here);
            }
        }
    }
}
