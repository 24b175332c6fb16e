//! Coalitions → token sequences.

use crate::Coalition;
use crate::input::baseline::Absence;
use crate::input::{Players, TokenizedText};

/// One coalition's input: tokens and their positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Token ids; `vocabulary`, one behind the last, stands for the mean embedding.
    pub ids: Vec<u32>,
    /// The position of each token.
    pub positions: Vec<u32>,
}

/// Writes the sequence of `coalition`: present players' tokens and the background as they are, absent ones' as `absence`
/// says, and `suffix` behind, always present.
pub fn fill(
    text: &TokenizedText,
    players: &Players,
    absence: Absence,
    vocabulary: usize,
    suffix: &[u32],
    coalition: &Coalition,
) -> Sequence {
    let mut sequence = Sequence {
        ids: Vec::new(),
        positions: Vec::new(),
    };
    let mut next = 0;
    for (&id, owner) in text.ids.iter().zip(&players.owner) {
        let present = owner.is_none_or(|player| coalition.contains(player));
        let id = match absence {
            _ if present => Some(id),
            Absence::Token(id) => Some(id),
            Absence::MeanEmbedding => Some(vocabulary as u32),
            Absence::Dropped { .. } => None,
        };
        if let Some(id) = id {
            sequence.ids.push(id);
            sequence.positions.push(next);
        }
        if id.is_some()
            || absence
                == (Absence::Dropped {
                    keep_positions: true,
                })
        {
            next += 1;
        }
    }
    sequence.ids.extend(suffix);
    sequence.positions.extend((next..).take(suffix.len()));
    sequence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_players_become_what_the_baseline_says() {
        let text = TokenizedText {
            text: "a b c".into(),
            ids: vec![1, 10, 11, 12, 2],
            bytes: vec![0..0, 0..1, 2..3, 4..5, 0..0],
            special: vec![true, false, false, false, true],
        };
        let owner = vec![None, Some(0), Some(1), Some(0), None];
        let players = Players {
            owner,
            labels: vec!["a c".into(), "b".into()],
        };
        let of = |absence, coalition: u64| {
            let Sequence { ids, positions } = fill(
                &text,
                &players,
                absence,
                99,
                &[7],
                &Coalition::from_index(coalition),
            );
            (ids, positions)
        };
        assert_eq!(
            of(Absence::Token(5), 0b10),
            (vec![1, 5, 11, 5, 2, 7], vec![0, 1, 2, 3, 4, 5])
        );
        assert_eq!(
            of(Absence::MeanEmbedding, 0b01),
            (vec![1, 10, 99, 12, 2, 7], vec![0, 1, 2, 3, 4, 5])
        );
        assert_eq!(
            of(
                Absence::Dropped {
                    keep_positions: false
                },
                0b10
            ),
            (vec![1, 11, 2, 7], vec![0, 1, 2, 3])
        );
        assert_eq!(
            of(
                Absence::Dropped {
                    keep_positions: true
                },
                0b10
            ),
            (vec![1, 11, 2, 7], vec![0, 2, 4, 5])
        );
        assert_eq!(
            of(
                Absence::Dropped {
                    keep_positions: true
                },
                0b11
            )
            .0,
            [1, 10, 11, 12, 2, 7]
        );
    }
}
