//! Ties between explanations, settled.
//!
//! Small ANDs and ORs are not independent: AND{i} = OR{i}, AND{i,j} + OR{i,j} = AND{i} + AND{j}, and inclusion–exclusion for
//! three players. Moving effects along such an identity leaves the function as it is, and often the L1 norm too: then the
//! optimum is a face, and the solver stops somewhere inside it. Here it is walked to a corner that does not depend on where
//! that was: fewest terms first, then the least sum of squares, each weighted by 2^|S| so that low orders win.

use super::Kind;
use super::gram::Term;

/// Of the strongest effect: below this a term does not count.
const NEGLIGIBLE: f64 = 0.01;

/// Terms whose multiples add up to a constant: moving along it changes no value beyond that constant, which is zero at ∅.
type Identity = Vec<(Term, f64)>;

/// How good a set of effects is; smaller is better, entry by entry.
#[derive(Clone, Copy, Debug, Default)]
struct Merit {
    l1: f64,
    terms: f64,
    /// Σ 2^|S|·x².
    squares: f64,
    orders: f64,
}

/// Terms of the longest identity.
const LONGEST: usize = 8;

/// Explanations of at most this many terms are searched among triples too. In denser ones, which explain
/// noise, the corner means little.
const SPARSE: usize = 256;

/// Two moves in a row are tried among at most this many terms and identities, since pairs of moves are many.
const FEW_TERMS: usize = 128;

/// See [`FEW_TERMS`].
const FEW_IDENTITIES: usize = 2000;

/// A step along an identity, and what it changes.
#[derive(Clone, Copy)]
struct Move<'a> {
    identity: &'a Identity,
    step: f64,
    gain: Merit,
}

/// Moves along identities while that makes the explanation better: of smaller L1 norm, or at the same norm
/// of fewer terms, or as above. Where no single move does and identities are few, two in a row are tried.
///
/// # Cost
/// O(n³) per move, at most 4n² moves; O(n³) again per move that changes neither norm nor number where two are tried.
pub(super) fn settle(players: usize, and: &mut [f64], or: &mut [f64]) {
    for i in 0..players {
        and[1 << i] += std::mem::take(&mut or[1 << i]);
    }
    let effects = and[1..].iter().chain(&or[1..]);
    let strongest = effects.clone().fold(0.0f64, |max, x| max.max(x.abs()));
    let terms = effects.filter(|effect| **effect != 0.0).count();
    let sparse = terms <= SPARSE;
    let mut identities = identities(players, sparse);
    // Where only single players are present there is nothing to gain.
    identities.retain(|identity| {
        identity.iter().any(|&((kind, s), _)| match kind {
            Kind::And => s.count_ones() > 1 && and[s] != 0.0,
            Kind::Or => or[s] != 0.0,
        })
    });
    let search_deep = terms <= FEW_TERMS && identities.len() <= FEW_IDENTITIES;
    for _ in 0..4 * players * players {
        if let Some(best) = best_move(identities.iter(), and, or, strongest) {
            apply(&best, and, or, strongest);
        } else if !(search_deep && move_twice(&identities, and, or, strongest)) {
            break;
        }
    }
}

/// All moves from here along `identity`.
fn moves<'a>(
    identity: &'a Identity,
    and: &[f64],
    or: &[f64],
    strongest: f64,
) -> impl Iterator<Item = Move<'a>> + use<'a> {
    let mut values = [0.0; LONGEST];
    for (value, &((kind, s), _)) in values.iter_mut().zip(identity) {
        *value = match kind {
            Kind::And => and[s],
            Kind::Or => or[s],
        };
    }
    // Where absent terms weigh more than present ones, the L1 norm rises at every step.
    let weights = identity.iter().zip(values);
    let rise: f64 = weights
        .map(|((_, multiple), value)| {
            if value == 0.0 {
                multiple.abs()
            } else {
                -multiple.abs()
            }
        })
        .sum();
    let steps = steps(identity, &values).filter(move |_| rise <= 0.0);
    steps.map(move |step| Move {
        identity,
        step,
        gain: gain(identity, &values, step, strongest),
    })
}

/// The best move along `identities` that makes things better.
fn best_move<'a>(
    identities: impl Iterator<Item = &'a Identity>,
    and: &[f64],
    or: &[f64],
    strongest: f64,
) -> Option<Move<'a>> {
    let mut best: Option<Move<'a>> = None;
    for found in identities.flat_map(|identity| moves(identity, and, or, strongest)) {
        let most = best.as_ref().map_or(Merit::default(), |best| best.gain);
        if better(found.gain, most, strongest) {
            best = Some(found);
        }
    }
    best
}

/// Makes the best two moves in a row that together make things better; says whether there are any.
fn move_twice(identities: &[Identity], and: &mut [f64], or: &mut [f64], strongest: f64) -> bool {
    let mut best: Option<(Merit, Move<'_>, Move<'_>)> = None;
    let (mut and_then, mut or_then) = (and.to_vec(), or.to_vec());
    for first in identities
        .iter()
        .flat_map(|identity| moves(identity, and, or, strongest))
    {
        if first.gain.l1 > 1e-9 * strongest || first.gain.terms > 0.0 {
            continue;
        }
        apply(&first, &mut and_then, &mut or_then, strongest);
        // Elsewhere nothing has changed, and no move was better than none.
        let near = identities.iter().filter(|identity| {
            identity.iter().any(|&((kind, s), _)| match kind {
                Kind::And => and_then[s] != and[s],
                Kind::Or => or_then[s] != or[s],
            })
        });
        if let Some(second) = best_move(near, &and_then, &or_then, strongest) {
            let both = first.gain.and(second.gain);
            let most = best.as_ref().map_or(Merit::default(), |best| best.0);
            if better(both, most, strongest) {
                best = Some((both, first, second));
            }
        }
        for &((kind, s), _) in first.identity {
            match kind {
                Kind::And => and_then[s] = and[s],
                Kind::Or => or_then[s] = or[s],
            }
        }
    }
    let Some((_, first, second)) = best else {
        return false;
    };
    apply(&first, and, or, strongest);
    apply(&second, and, or, strongest);
    true
}

fn apply(found: &Move<'_>, and: &mut [f64], or: &mut [f64], strongest: f64) {
    for &((kind, s), multiple) in found.identity {
        let effect = match kind {
            Kind::And => &mut and[s],
            Kind::Or => &mut or[s],
        };
        let moved = *effect + found.step * multiple;
        // The term that the step was made for ends at zero exactly.
        *effect = if moved.abs() <= 1e-14 * strongest {
            0.0
        } else {
            moved
        };
    }
}

/// Every identity of two players and, if `triples`, of three.
fn identities(players: usize, triples: bool) -> Vec<Identity> {
    let mut found = Vec::new();
    for j in 0..players {
        for i in 0..j {
            let (i, j) = (1 << i, 1 << j);
            found.push(vec![
                ((Kind::And, i | j), 1.0),
                ((Kind::Or, i | j), 1.0),
                ((Kind::And, i), -1.0),
                ((Kind::And, j), -1.0),
            ]);
            if !triples {
                continue;
            }
            for k in (0..players).map(|k| 1usize << k).take_while(|&k| k < i) {
                found.extend((0..8).map(|written| triple([i, j, k], written)));
            }
        }
    }
    found
}

/// AND{i,j,k} − OR{i,j,k} + Σ AND{i} − Σ AND{i,j} = 0, where the pairs in the bit set `written` are written by their ORs.
fn triple(players: [usize; 3], written: usize) -> Identity {
    let all = players.iter().sum();
    let mut singles = [1.0; 3];
    let mut identity = vec![((Kind::And, all), 1.0), ((Kind::Or, all), -1.0)];
    for (at, (one, other)) in [(0, 1), (0, 2), (1, 2)].into_iter().enumerate() {
        let pair = players[one] | players[other];
        if written >> at & 1 == 1 {
            identity.push(((Kind::Or, pair), 1.0));
            singles[one] -= 1.0;
            singles[other] -= 1.0;
        } else {
            identity.push(((Kind::And, pair), -1.0));
        }
    }
    let singles = players
        .into_iter()
        .zip(singles)
        .filter(|(_, multiple)| *multiple != 0.0);
    identity.extend(singles.map(|(player, multiple)| ((Kind::And, player), multiple)));
    identity
}

/// How far one can move either way before a term vanishes.
fn steps(identity: &Identity, values: &[f64]) -> impl Iterator<Item = f64> + use<> {
    let (mut up, mut down) = (f64::INFINITY, f64::NEG_INFINITY);
    for ((_, multiple), value) in identity.iter().zip(values) {
        let step = -value / multiple;
        if step > 0.0 {
            up = up.min(step);
        } else if step < 0.0 {
            down = down.max(step);
        }
    }
    [up, down].into_iter().filter(|step| step.is_finite())
}

/// What moving by `step` changes.
fn gain(identity: &Identity, values: &[f64], step: f64, strongest: f64) -> Merit {
    let mut gain = Merit::default();
    for (((_, s), multiple), value) in identity.iter().zip(values) {
        let moved = value + step * multiple;
        let counts = |x: f64| f64::from(u8::from(x.abs() > NEGLIGIBLE * strongest));
        gain.l1 += moved.abs() - value.abs();
        gain.terms += counts(moved) - counts(*value);
        gain.squares += (moved * moved - value * value) * f64::from(1u32 << s.count_ones());
        gain.orders += (moved.abs() - value.abs()) * f64::from(s.count_ones());
    }
    gain
}

impl Merit {
    fn and(self, next: Self) -> Self {
        Self {
            l1: self.l1 + next.l1,
            terms: self.terms + next.terms,
            squares: self.squares + next.squares,
            orders: self.orders + next.orders,
        }
    }
}

/// Entry by entry, with differences that rounding explains called none.
fn better(one: Merit, other: Merit, strongest: f64) -> bool {
    let slack = 1e-9 * strongest;
    if (one.l1 - other.l1).abs() > slack {
        one.l1 < other.l1
    } else if one.terms != other.terms {
        one.terms < other.terms
    } else if (one.squares - other.squares).abs() > slack * strongest {
        one.squares < other.squares
    } else {
        one.orders < other.orders - slack
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interaction::split::explained;

    #[test]
    fn identities_are_zero_on_every_coalition() {
        for identity in identities(4, true) {
            let (mut and, mut or) = (vec![0.0; 16], vec![0.0; 16]);
            for ((kind, s), multiple) in identity {
                match kind {
                    Kind::And => and[s] += multiple,
                    Kind::Or => or[s] += multiple,
                }
            }
            assert_eq!(explained(0.0, &and, &or), vec![0.0; 16]);
        }
    }

    #[test]
    fn corners_are_found_from_inside_the_face() {
        // AND{0} + AND{1} and AND{0,1} + OR{0,1}, half and half.
        let (mut and, mut or) = (vec![0.0, 0.5, 0.5, 0.5], vec![0.0, 0.0, 0.0, 0.5]);
        settle(2, &mut and, &mut or);
        assert_eq!((and, or), (vec![0.0, 1.0, 1.0, 0.0], vec![0.0; 4]));
        // 2·AND{0,1} + OR{0,1} has two terms, and one more with single players.
        let (mut and, mut or) = (vec![0.0, 0.25, 0.25, 1.75], vec![0.0, 0.0, 0.0, 0.75]);
        settle(2, &mut and, &mut or);
        assert_eq!(
            (and, or),
            (vec![0.0, 0.0, 0.0, 2.0], vec![0.0, 0.0, 0.0, 1.0])
        );
    }
}
