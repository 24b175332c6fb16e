//! Insertion and deletion: how v goes as players come or go in a given order, the test of a ranking of players.
//!
//! A ranking that puts the players first that matter most makes v rise early as they are inserted and fall early as they are
//! deleted.

use crate::sampling::answer;
use crate::{Coalition, Error, Game, Result};

/// v along a way from one coalition to another, a player at each step.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// v after 0, 1, 2, … players of the order.
    pub values: Vec<f64>,
}

impl Curve {
    /// The mean of v along the way by the trapezoid rule, in the units of v: ∫₀¹ of the curve over the share of players moved.
    ///
    /// For insertion the higher the better, for deletion the lower. A way of no player has the mean v there.
    pub fn area(&self) -> f64 {
        match self.values.as_slice() {
            [only] => *only,
            values => {
                let steps = values.windows(2).map(|step| 0.5 * (step[0] + step[1]));
                steps.sum::<f64>() / (values.len() - 1) as f64
            }
        }
    }
}

/// v(∅), then v of the first player of `order`, of the first two, and so on.
///
/// # Cost
/// One evaluation of v more than there are players in the order.
///
/// # Errors
/// A player named twice or that the game does not have, or what keeps the game from answering.
///
/// # Source
/// Petsiuk, Das and Saenko 2018, section 3.1.
///
/// # Example
/// ```
/// use harsanyi::game::synthetic;
/// use harsanyi::stats::curves::{deletion, insertion};
/// let mut game = synthetic::parse("and(0,1)*2 + and(2)")?;
/// assert_eq!(insertion(&mut game, &[0, 1, 2])?.values, [0.0, 0.0, 2.0, 3.0]);
/// assert_eq!(deletion(&mut game, &[0, 1, 2])?.values, [3.0, 1.0, 1.0, 0.0]);
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn insertion(game: &mut dyn Game, order: &[usize]) -> Result<Curve> {
    along(game, order, |moved, _| moved)
}

/// v(N), then v without the first player of `order`, without the first two, and so on.
///
/// # Cost
/// One evaluation of v more than there are players in the order.
///
/// # Errors
/// As [`insertion`].
///
/// # Source
/// Petsiuk, Das and Saenko 2018, section 3.1.
pub fn deletion(game: &mut dyn Game, order: &[usize]) -> Result<Curve> {
    along(game, order, |moved, players| moved.complement(players))
}

fn along(
    game: &mut dyn Game,
    order: &[usize],
    place: impl Fn(Coalition, usize) -> Coalition,
) -> Result<Curve> {
    let players = game.players();
    let mut seen = vec![false; players];
    for &player in order {
        let known = seen.get_mut(player);
        if known.is_none_or(|seen| std::mem::replace(seen, true)) {
            return Err(Error::Parameter {
                parameter: "an order of players",
                must: "players of the game, each once",
                got: format!("player {player} of {players} in {order:?}"),
            });
        }
    }
    let coalitions: Vec<Coalition> = (0..=order.len())
        .map(|count| {
            let moved = Coalition::from_players(order[..count].iter().copied());
            place(moved, players)
        })
        .collect();
    let values = answer(game, &coalitions, |_| ())?;
    Ok(Curve { values })
}

/// Players by their values, largest first; of equal values the lower player first.
///
/// # Cost
/// One sort.
pub fn ranking(values: &[f64]) -> Vec<usize> {
    let mut players: Vec<usize> = (0..values.len()).collect();
    players.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    players
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::synthetic;
    use crate::tabulate;
    use crate::transform::{index, mobius};

    #[test]
    fn inserting_one_way_is_deleting_the_other() {
        let mut game = synthetic::parse("n=6; noise(1,2)").expect("a game");
        let order = [3, 0, 5, 1, 4, 2];
        let reversed: Vec<usize> = order.iter().rev().copied().collect();
        let up = insertion(&mut game, &order).expect("a way");
        let mut down = deletion(&mut game, &reversed).expect("a way");
        assert!((up.area() - down.area()).abs() < 1e-12);
        down.values.reverse();
        assert_eq!(up, down);
    }

    #[test]
    fn a_ranking_by_shapley_values_inserts_better_than_its_reverse() {
        let mut game = synthetic::parse("n=7; and(1,4)*3 + or(0,2)*2 - and(3) + noise(0.1,1)")
            .expect("a game");
        let table = tabulate(&mut game, |_| ()).expect("a table");
        let mut order = ranking(&index::shapley(&mobius(&table)));
        let best = insertion(&mut game, &order).expect("a way");
        assert_eq!(best.values.len(), 8);
        assert_eq!(best.values[2], table[1 << order[0] | 1 << order[1]]);
        order.reverse();
        let worst = insertion(&mut game, &order).expect("a way");
        assert!(best.area() > worst.area() + 1.0);
    }

    #[test]
    fn the_area_of_a_straight_line_is_its_middle() {
        let mut game = synthetic::parse("and(0) + and(1) + and(2) + 2").expect("a game");
        assert_eq!(insertion(&mut game, &[2, 1, 0]).expect("a way").area(), 3.5);
        assert_eq!(insertion(&mut game, &[]).expect("nobody").area(), 2.0);
        assert_eq!(ranking(&[1.0, 3.0, 1.0, 2.0]), [1, 3, 0, 2]);
    }

    #[test]
    fn an_order_with_a_stranger_or_a_twin_is_refused() {
        let mut game = synthetic::parse("and(0,1)").expect("a game");
        for order in [[0, 2], [1, 1]] {
            assert!(insertion(&mut game, &order).is_err());
        }
        let error = deletion(&mut game, &[1, 1])
            .expect_err("refused")
            .to_string();
        assert_eq!(
            error,
            "an order of players must be players of the game, each once, got player 1 of 2 in [1, 1]"
        );
    }
}
