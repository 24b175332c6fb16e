//! What v becomes as the players that are said to matter most go or come: deletion and insertion.

use crate::game::{Game, checked};
use crate::{Coalition, Error, Result};

/// v along a ranking of players, at the numbers of players asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// The players, the one said to matter most first.
    pub ranking: Vec<usize>,
    /// k, ascending.
    pub counts: Vec<usize>,
    /// v(N ∖ the first k).
    pub deletion: Vec<f64>,
    /// v(the first k).
    pub insertion: Vec<f64>,
    /// v(∅)
    pub empty: f64,
    /// v(N)
    pub grand: f64,
}

impl Curves {
    /// How much of v is lost by deleting the first k, relative to |v(N)|: (v(N) − v(N∖first k)) / |v(N)|, for each k; `None` where
    /// v(N) is zero.
    pub fn drop(&self) -> Option<Vec<f64>> {
        let of = |value: &f64| (self.grand - value) / self.grand.abs();
        (self.grand != 0.0).then(|| self.deletion.iter().map(of).collect())
    }

    /// How much v is raised by inserting the first k, relative to |v(N)|: (v(first k) − v(∅)) / |v(N)|, for each k; `None` where
    /// v(N) is zero.
    pub fn rise(&self) -> Option<Vec<f64>> {
        let of = |value: &f64| (value - self.empty) / self.grand.abs();
        (self.grand != 0.0).then(|| self.insertion.iter().map(of).collect())
    }
}

/// The players by `values`, largest first; of equal ones the lower number.
pub fn ranking(values: &[f64]) -> Vec<usize> {
    let mut players: Vec<usize> = (0..values.len()).collect();
    players.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    players
}

/// Deletes and inserts the first k players of `ranking`, for every k in `counts`.
///
/// # Cost
/// 2·|counts| + 2 evaluations of v, in one question.
///
/// # Errors
/// Whatever keeps the game from answering; a ranking that is not one of its players, each once; a count beyond them.
///
/// # Source
/// Petsiuk, Das and Saenko 2018, *RISE*, for pixels.
///
/// # Example
/// ```
/// use harsanyi::{game::synthetic, stats::curves::curves};
/// let mut game = synthetic::parse("and(0)*3 + and(1) + and(1,2)*2")?;
/// let found = curves(&mut game, &[0, 1, 2], &[1, 2])?;
/// assert_eq!((found.deletion, found.insertion), (vec![3.0, 0.0], vec![3.0, 4.0]));
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn curves(game: &mut dyn Game, ranking: &[usize], counts: &[usize]) -> Result<Curves> {
    let players = game.players();
    let mut sorted = ranking.to_vec();
    sorted.sort_unstable();
    if sorted != (0..players).collect::<Vec<_>>() {
        return Err(Error::Input(format!(
            "a ranking names each of the {players} players once"
        )));
    }
    let mut counts = counts.to_vec();
    counts.sort_unstable();
    counts.dedup();
    if let Some(count) = counts.last().filter(|count| **count > players) {
        return Err(Error::Parameter {
            parameter: "the number of players to delete",
            must: "at most the number of players",
            got: count.to_string(),
        });
    }
    let of =
        |places: std::ops::Range<usize>| Coalition::from_players(ranking[places].iter().copied());
    let mut asked = vec![Coalition::EMPTY, Coalition::grand(players)];
    asked.extend(counts.iter().map(|&count| of(count..players)));
    asked.extend(counts.iter().map(|&count| of(0..count)));
    let values = checked(game.values(&asked)?, &asked)?;
    let (deletion, insertion) = values[2..].split_at(counts.len());
    Ok(Curves {
        ranking: ranking.to_vec(),
        deletion: deletion.to_vec(),
        insertion: insertion.to_vec(),
        counts,
        empty: values[0],
        grand: values[1],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::synthetic;

    #[test]
    fn drops_and_rises_are_relative_to_all() {
        let mut game = synthetic::parse("and(0,1)*2 - and(2)*4 + 1").expect("a game");
        let found = curves(&mut game, &ranking(&[1.0, 1.0, -4.0]), &[0, 3, 1]).expect("fits");
        assert_eq!(
            (found.ranking.as_slice(), found.counts.as_slice()),
            (&[0, 1, 2][..], &[0, 1, 3][..])
        );
        assert_eq!((found.empty, found.grand), (1.0, -1.0));
        assert_eq!(found.deletion, [-1.0, -3.0, 1.0]);
        assert_eq!(found.insertion, [1.0, 1.0, -1.0]);
        assert_eq!(found.drop().expect("defined"), [0.0, 2.0, -2.0]);
        assert_eq!(found.rise().expect("defined"), [0.0, 0.0, -2.0]);
        let mut zero = synthetic::parse("n=2; and(0) - or(0,1)").expect("a game");
        assert_eq!(curves(&mut zero, &[0, 1], &[1]).expect("fits").drop(), None);
    }

    #[test]
    fn what_is_no_ranking_is_refused() {
        let mut game = synthetic::parse("and(0,1)").expect("a game");
        for ranking in [&[0][..], &[0, 0], &[0, 2], &[0, 1, 2]] {
            curves(&mut game, ranking, &[1]).expect_err("refused");
        }
        curves(&mut game, &[0, 1], &[3]).expect_err("refused");
    }
}
