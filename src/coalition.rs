//! Sets of players.
//!
//! Bit `i` is player `i`, everywhere in the crate. A coalition of at most 64 players is one machine word; up to
//! [`Coalition::MAX_PLAYERS`] players are held in as many words as the highest player needs, so that two equal sets are
//! equal bit for bit and hash alike.

use std::fmt;

/// A set of players S ⊆ N, one bit each: bit `i` is set when player `i` is present.
///
/// # Example
/// ```
/// use harsanyi::Coalition;
/// let pair = Coalition::from_players([0, 3]);
/// assert_eq!(pair.len(), 2);
/// assert_eq!(pair.index(), Some(0b1001));
/// assert_eq!(pair.complement(5).to_string(), "{1,2,4}");
/// assert!(pair.is_subset_of(&Coalition::grand(4)));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coalition(Bits);

/// Canonical: `Wide` only where a player above 63 is present, its last word never zero.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Bits {
    Word(u64),
    Wide(Box<[u64]>),
}

impl Coalition {
    /// The most players a coalition can hold.
    pub const MAX_PLAYERS: usize = 1024;

    /// ∅, the coalition of nobody.
    pub const EMPTY: Self = Self(Bits::Word(0));

    /// N, the coalition of all `players`.
    ///
    /// # Panics
    /// If `players` exceeds [`Self::MAX_PLAYERS`].
    pub fn grand(players: usize) -> Self {
        Self::from_players(0..players)
    }

    /// The coalition at `index` of a value table: bit `i` of the index is player `i`.
    pub const fn from_index(index: u64) -> Self {
        Self(Bits::Word(index))
    }

    /// The coalition of the players named, in any order; a player named twice counts once.
    ///
    /// # Panics
    /// If a player is not below [`Self::MAX_PLAYERS`].
    pub fn from_players(players: impl IntoIterator<Item = usize>) -> Self {
        let mut words = vec![0u64];
        for player in players {
            assert!(
                player < Self::MAX_PLAYERS,
                "player {player} is not below {}",
                Self::MAX_PLAYERS
            );
            let word = player / 64;
            if word >= words.len() {
                words.resize(word + 1, 0);
            }
            words[word] |= 1 << (player % 64);
        }
        Self::from_words(words)
    }

    /// The coalition of these bits, 64 players to a word.
    pub(crate) fn from_words(mut words: Vec<u64>) -> Self {
        while words.len() > 1 && words.last() == Some(&0) {
            words.pop();
        }
        match words.as_slice() {
            [] => Self::EMPTY,
            [word] => Self(Bits::Word(*word)),
            _ => Self(Bits::Wide(words.into())),
        }
    }

    /// The bits, 64 players to a word, no more words than the highest player needs.
    pub(crate) fn words(&self) -> &[u64] {
        match &self.0 {
            Bits::Word(word) => std::slice::from_ref(word),
            Bits::Wide(words) => words,
        }
    }

    /// The place of this coalition in a value table; `None` when a player above 63 is present.
    pub fn index(&self) -> Option<u64> {
        match self.0 {
            Bits::Word(word) => Some(word),
            Bits::Wide(_) => None,
        }
    }

    /// |S|, the number of players present.
    pub fn len(&self) -> usize {
        self.words()
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Whether nobody is present.
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// Whether `player` is present.
    pub fn contains(&self, player: usize) -> bool {
        self.words()
            .get(player / 64)
            .is_some_and(|word| word >> (player % 64) & 1 == 1)
    }

    /// The players present, ascending.
    pub fn players(&self) -> impl Iterator<Item = usize> + '_ {
        self.words().iter().enumerate().flat_map(|(at, &word)| {
            std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)))
                .take_while(|&rest| rest != 0)
                .map(move |rest| at * 64 + rest.trailing_zeros() as usize)
        })
    }

    /// S ∪ T.
    pub fn union(&self, other: &Self) -> Self {
        let (a, b) = (self.words(), other.words());
        let word = |words: &[u64], at: usize| words.get(at).copied().unwrap_or(0);
        Self::from_words(
            (0..a.len().max(b.len()))
                .map(|at| word(a, at) | word(b, at))
                .collect(),
        )
    }

    /// N ∖ S among `players` players; players of S beyond N are dropped.
    pub fn complement(&self, players: usize) -> Self {
        Self::from_players((0..players).filter(|&player| !self.contains(player)))
    }

    /// Whether S ⊆ T.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        let rest = other.words();
        self.words()
            .iter()
            .enumerate()
            .all(|(at, word)| word & !rest.get(at).copied().unwrap_or(0) == 0)
    }
}

/// `{0,3}`, and `{}` for the empty coalition.
impl fmt::Display for Coalition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, player) in self.players().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            write!(f, "{player}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Coalition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Coalition{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sets_are_equal_however_they_were_made() {
        let wide = Coalition::from_players([1, 700]);
        assert_eq!(wide.index(), None);
        assert_eq!(wide.complement(701).complement(701), wide);
        let narrow = Coalition::grand(65).complement(1000).complement(65);
        assert_eq!(narrow, Coalition::grand(65));
        assert_eq!(
            Coalition::from_players([64]).complement(64),
            Coalition::grand(64)
        );
        assert_eq!(Coalition::grand(64).index(), Some(u64::MAX));
    }

    #[test]
    fn players_come_back_in_ascending_order() {
        let players = [0, 63, 64, 127, 128, 1023];
        let coalition = Coalition::from_players(players.into_iter().rev());
        assert_eq!(coalition.players().collect::<Vec<_>>(), players);
        assert_eq!(coalition.len(), players.len());
        assert!(players.iter().all(|&player| coalition.contains(player)));
        assert!(!coalition.contains(1022) && !coalition.contains(5000));
    }

    #[test]
    fn subsets_and_unions_cross_the_word_border() {
        let small = Coalition::from_players([3]);
        let wide = Coalition::from_players([3, 900]);
        assert!(small.is_subset_of(&wide) && !wide.is_subset_of(&small));
        assert_eq!(small.union(&wide), wide);
        assert!(Coalition::EMPTY.is_subset_of(&small) && Coalition::EMPTY.is_empty());
    }
}
