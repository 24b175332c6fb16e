//! Which pairs of players are looked at.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{Error, Result};

/// Which pairs of players are looked at; written and parsed as `all`, `random:200`, `near:200`, `near:200:3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairRule {
    /// All n(n−1)/2.
    All,
    /// So many different pairs, drawn uniformly; all where there are no more.
    Random(usize),
    /// Different pairs of neighbours on a grid, as published: a player, then another in the box of side 2·`radius`+1 around
    /// it, moved to the border where the box reaches beyond. All pairs of neighbours where there are no more.
    Near {
        /// How many pairs.
        count: usize,
        /// The distance along either axis of the grid (published: 2).
        radius: usize,
    },
}

impl fmt::Display for PairRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Random(count) => write!(f, "random:{count}"),
            Self::Near { count, radius } => write!(f, "near:{count}:{radius}"),
        }
    }
}

impl FromStr for PairRule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || Error::Parameter {
            parameter: "the pairs",
            must: "all, random:COUNT or near:COUNT[:RADIUS], with numbers above 0",
            got: format!("`{text}`"),
        };
        let number = |text: &str| match text.parse::<usize>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(unknown()),
        };
        let words: Vec<&str> = text.split(':').collect();
        Ok(match words.as_slice() {
            ["all"] => Self::All,
            ["random", count] => Self::Random(number(count)?),
            ["near", count] => Self::Near {
                count: number(count)?,
                radius: 2,
            },
            ["near", count, radius] => Self::Near {
                count: number(count)?,
                radius: number(radius)?,
            },
            _ => return Err(unknown()),
        })
    }
}

/// How the players lie: row by row on a grid of so many rows and columns. Words of a text lie on a single row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

impl Grid {
    /// One row of `players`.
    pub fn line(players: usize) -> Self {
        Self {
            rows: 1,
            columns: players,
        }
    }
}

/// The pairs i < j that `rule` chooses.
pub(super) fn pairs(
    players: usize,
    rule: PairRule,
    grid: Grid,
    rng: &mut ChaCha8Rng,
) -> Vec<[usize; 2]> {
    let all = || (0..players).flat_map(|i| (i + 1..players).map(move |j| [i, j]));
    let cell = |player: usize| (player / grid.columns, player % grid.columns);
    match rule {
        PairRule::All => all().collect(),
        PairRule::Random(count) if count >= players * (players - 1) / 2 => all().collect(),
        PairRule::Random(count) => distinct(count, || {
            [rng.random_range(0..players), rng.random_range(0..players)]
        }),
        PairRule::Near { count, radius } => {
            let near: Vec<_> = all()
                .filter(|&[i, j]| {
                    let ((a, b), (c, d)) = (cell(i), cell(j));
                    a.abs_diff(c) <= radius && b.abs_diff(d) <= radius
                })
                .collect();
            if count >= near.len() {
                return near;
            }
            distinct(count, || {
                let i = rng.random_range(0..players);
                let (row, column) = cell(i);
                let mut moved = |at: usize, end: usize| {
                    (at + rng.random_range(0..=2 * radius))
                        .saturating_sub(radius)
                        .min(end - 1)
                };
                [
                    i,
                    moved(row, grid.rows) * grid.columns + moved(column, grid.columns),
                ]
            })
        }
    }
}

/// The first `count` different pairs i < j that `draw` comes up with.
fn distinct(count: usize, mut draw: impl FnMut() -> [usize; 2]) -> Vec<[usize; 2]> {
    let mut seen = HashSet::new();
    let mut found = Vec::with_capacity(count);
    while found.len() < count {
        let [i, j] = draw();
        let pair = [i.min(j), i.max(j)];
        if i != j && seen.insert(pair) {
            found.push(pair);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn near_pairs_are_different_neighbours() {
        let grid = Grid {
            rows: 16,
            columns: 16,
        };
        let near = |[i, j]: &[usize; 2]| {
            (i / 16).abs_diff(j / 16) <= 2 && (i % 16).abs_diff(j % 16) <= 2 && i < j
        };
        for (count, expected) in [(200, 200), (5000, 2610)] {
            let mut rng = ChaCha8Rng::seed_from_u64(count as u64);
            let found = pairs(256, PairRule::Near { count, radius: 2 }, grid, &mut rng);
            let different: HashSet<_> = found.iter().collect();
            assert_eq!((different.len(), found.len()), (expected, expected));
            assert!(found.iter().all(near));
        }
    }

    #[test]
    fn a_rule_is_read_as_it_is_written() {
        for text in ["all", "random:20", "near:30:3"] {
            assert_eq!(text.parse::<PairRule>().expect(text).to_string(), text);
        }
        for text in ["", "near", "random:0", "near:5:0", "some:3"] {
            text.parse::<PairRule>().expect_err(text);
        }
    }
}
