//! Samples as bits: which player is present in which sample.

use crate::Coalition;

/// Up to this many players a table of all coalitions is small.
pub(super) const DENSE_PLAYERS: usize = 16;

/// Who is present where, twice over: a column of bits per player, 64 samples to a word, for counting; and a row of 0 and 1
/// per sample in single precision, for weighted sums over all players at once.
#[derive(Clone)]
pub(super) struct Design {
    players: usize,
    samples: usize,
    columns: Vec<u64>,
    rows: Vec<f32>,
    /// With few players, the place of each sample in a table of all coalitions.
    indices: Vec<u32>,
}

/// Floats to a row are a multiple of this.
const LANE: usize = 16;

impl Design {
    pub(super) fn new(players: usize, coalitions: &[&Coalition]) -> Self {
        let samples = coalitions.len();
        let words = samples.div_ceil(64);
        let stride = players.next_multiple_of(LANE);
        let mut columns = vec![0; players * words];
        let mut rows = vec![0.0; samples * stride];
        for (at, coalition) in coalitions.iter().enumerate() {
            for player in coalition.players() {
                columns[player * words + at / 64] |= 1 << (at % 64);
                rows[at * stride + player] = 1.0;
            }
        }
        let few = players <= DENSE_PLAYERS;
        let indices = coalitions.iter().filter(|_| few);
        let indices = indices.filter_map(|coalition| coalition.index());
        Self {
            players,
            samples,
            columns,
            rows,
            indices: indices.map(|index| index as u32).collect(),
        }
    }

    /// The first `samples` of them, a multiple of 64 and no more than there are.
    pub(super) fn first(&self, samples: usize) -> Self {
        let columns = (0..self.players).flat_map(|i| &self.column(i)[..samples / 64]);
        Self {
            players: self.players,
            samples,
            columns: columns.copied().collect(),
            rows: self.rows[..samples * self.stride()].to_vec(),
            indices: self.indices.iter().take(samples).copied().collect(),
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

    /// Floats to a row: the players, and zeros up to a multiple of 16.
    pub(super) fn stride(&self) -> usize {
        self.players.next_multiple_of(LANE)
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

    /// 1.0 for each player present in `sample`, 0.0 for the others.
    pub(super) fn row(&self, sample: usize) -> &[f32] {
        let stride = self.stride();
        &self.rows[sample * stride..(sample + 1) * stride]
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
    pub(super) players: Vec<u16>,
}

impl Term {
    pub(super) fn single(player: usize) -> Self {
        Self {
            rule: Rule::All,
            players: vec![player as u16],
        }
    }

    /// The Walsh function of some players, ascending.
    pub(super) fn walsh(players: Vec<u16>) -> Self {
        let rule = if players.len() == 1 {
            Rule::All
        } else {
            Rule::Odd
        };
        Self { rule, players }
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
        let first = design.first(128);
        for rule in [Rule::All, Rule::None, Rule::Odd] {
            let term = Term {
                rule,
                players: vec![3, 41, 69],
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
            let early: Vec<usize> = slow.into_iter().filter(|&s| s < 128).collect();
            assert_eq!(places(&first.fires(&term)).collect::<Vec<_>>(), early);
        }
    }
}
