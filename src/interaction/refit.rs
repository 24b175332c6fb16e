//! Least squares on a chosen support.
//!
//! The L1 norm finds which interactions there are, but shrinks them; once the support is chosen, least squares on it gives
//! their size without that bias.

use super::gram::{Products, Term, centred};
use super::sparsify::reduce::{sum, total};
use super::split::{place, reconstruct};
use super::ties::settle;
use super::{Interactions, Kind, select};
use crate::game::ValueTable;
use crate::{Error, Result};

/// The most interactions that [`refit`] takes: the normal equations of 2048 are 32 MiB.
pub const MAX_REFIT: usize = 2048;

/// Of a column's squared norm: what must be left of it beside the columns before it, or it is spanned by them.
const INDEPENDENT: f64 = 1e-9;

/// Least squares and settling of ties are repeated at most this often.
const ROUNDS: usize = 4;

/// Interactions refitted by least squares, and how far they are from v.
#[derive(Clone, Debug, PartialEq)]
pub struct Refit {
    /// The constant.
    pub empty: f64,
    /// The interactions with their new effects, strongest first. One that stronger ones already span is left out, and where
    /// the same function can be written with a smaller L1 norm or fewer terms by what holds among two or three players,
    /// such as AND{0,1} + OR{0,1} = AND{0} + AND{1}, it is.
    pub interactions: Interactions,
    /// Root mean square over all coalitions of what is explained minus v.
    pub residual_rms: f64,
    /// The largest of them.
    pub residual_max: f64,
}

/// The least-squares effects on v of the interactions in `chosen` and a constant; the effects in `chosen` only set the order in
/// which terms that span each other are preferred.
///
/// # Cost
/// k³/3 for k interactions, whose inner products are known in closed form, and three butterflies.
///
/// # Errors
/// More than [`MAX_REFIT`] interactions, or a player that the table does not have.
pub fn refit(table: &ValueTable, chosen: &Interactions) -> Result<Refit> {
    if chosen.len() > MAX_REFIT {
        return Err(Error::Parameter {
            parameter: "the number of interactions to refit",
            must: "at most 2048",
            got: chosen.len().to_string(),
        });
    }
    let players = table.players();
    let mut terms = terms_of(players, chosen)?;
    let mean = total(table.values()) / table.values().len() as f64;
    let centred = table.values().iter().map(|value| value - mean).collect();
    let values = Products::new(centred);
    let size = table.values().len();
    let (mut and, mut or) = (vec![0.0; size], vec![0.0; size]);
    let mut interactions = Interactions::new(Vec::new());
    for _ in 0..ROUNDS {
        and.fill(0.0);
        or.fill(0.0);
        for (&(kind, index), effect) in terms.iter().zip(solve(players, &values, &terms)) {
            match kind {
                Kind::And => and[index] += effect,
                Kind::Or => or[index] += effect,
            }
        }
        settle(players, &mut and, &mut or);
        interactions = select::interactions(&and, &or, 0.0);
        let settled = terms_of(players, &interactions)?;
        // Written otherwise, the function may have a term that was not there, and fit better with it.
        if settled.len() > MAX_REFIT || settled.iter().all(|term| terms.contains(term)) {
            break;
        }
        terms = settled;
    }
    let free = reconstruct(players, 0.0, &interactions)?;
    let size = size as f64;
    let empty = (total(table.values()) - total(free.values())) / size;
    let residual = |explained: f64, value: f64| explained + empty - value;
    let squares = sum(free.values(), table.values(), |a, b| residual(a, b).powi(2));
    let pairs = free.values().iter().zip(table.values());
    Ok(Refit {
        empty,
        interactions,
        residual_rms: (squares / size).sqrt(),
        residual_max: pairs.fold(0.0, |max: f64, (a, b)| max.max(residual(*a, *b).abs())),
    })
}

fn terms_of(players: usize, list: &Interactions) -> Result<Vec<Term>> {
    list.iter()
        .map(|found| Ok((found.kind, place(players, found)?)))
        .collect()
}

/// Cholesky on the normal equations, terms in order; a dependent term gets 0.
fn solve(players: usize, values: &Products, terms: &[Term]) -> Vec<f64> {
    let size = terms.len();
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(size);
    let mut kept = Vec::with_capacity(size);
    for (at, &term) in terms.iter().enumerate() {
        let mut row: Vec<f64> = Vec::with_capacity(rows.len() + 1);
        for (before, &other) in kept.iter().enumerate() {
            let before: &Vec<f64> = &rows[before];
            let known: f64 = row.iter().zip(before).map(|(a, b)| a * b).sum();
            row.push((centred(players, term, terms[other]) - known) / before[row.len()]);
        }
        let norm = centred(players, term, term);
        let rest = norm - row.iter().map(|x| x * x).sum::<f64>();
        if rest > INDEPENDENT * norm {
            row.push(rest.sqrt());
            rows.push(row);
            kept.push(at);
        }
    }
    let mut solved: Vec<f64> = Vec::with_capacity(kept.len());
    for (row, &at) in rows.iter().zip(&kept) {
        let known: f64 = row.iter().zip(&solved).map(|(a, b)| a * b).sum();
        solved.push((values.with(terms[at]) - known) / row[solved.len()]);
    }
    for at in (0..solved.len()).rev() {
        solved[at] /= rows[at][at];
        let value = solved[at];
        for (before, row) in solved[..at].iter_mut().zip(&rows[at]) {
            *before -= row * value;
        }
    }
    let mut effects = vec![0.0; size];
    for (&at, value) in kept.iter().zip(solved) {
        effects[at] = value;
    }
    effects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Coalition;
    use crate::interaction::Interaction;

    fn term(kind: Kind, players: &[usize], effect: f64) -> Interaction {
        Interaction {
            kind,
            players: Coalition::from_players(players.iter().copied()),
            effect,
        }
    }

    #[test]
    fn planted_effects_come_back() {
        let planted = [
            term(Kind::And, &[0, 1], 2.0),
            term(Kind::Or, &[1, 2, 4], -1.5),
            term(Kind::And, &[3], 0.25),
            term(Kind::Or, &[0, 3], 0.75),
        ];
        let values = (0..32u64)
            .map(|t| {
                let fired = planted.iter().filter(|term| {
                    let s = term.players.index().expect("small");
                    match term.kind {
                        Kind::And => s & t == s,
                        Kind::Or => s & t != 0,
                    }
                });
                0.3 + fired.map(|term| term.effect).sum::<f64>()
            })
            .collect();
        let table = ValueTable::new(5, values).expect("finite");
        let guess = planted.iter().map(|term| Interaction {
            effect: 1.0,
            ..term.clone()
        });
        let found = refit(&table, &Interactions::new(guess.collect())).expect("few");
        assert!((found.empty - 0.3).abs() < 1e-12 && found.residual_max < 1e-12);
        for (found, planted) in found
            .interactions
            .iter()
            .zip(Interactions::new(planted.to_vec()).iter())
        {
            assert_eq!(
                (found.kind, &found.players),
                (planted.kind, &planted.players)
            );
            assert!((found.effect - planted.effect).abs() < 1e-12);
        }
    }

    #[test]
    fn a_spanned_term_is_left_out() {
        let values = (0..4u32).map(|t| f64::from(t.count_ones())).collect();
        let table = ValueTable::new(2, values).expect("finite");
        // {0} + {1} = AND + OR.
        let chosen = Interactions::new(vec![
            term(Kind::And, &[0], 1.0),
            term(Kind::And, &[1], 1.0),
            term(Kind::And, &[0, 1], 0.5),
            term(Kind::Or, &[0, 1], 0.4),
        ]);
        let found = refit(&table, &chosen).expect("few");
        assert!(found.residual_max < 1e-12);
        assert!(found.interactions.len() <= 3);
    }
}
