//! Ties between explanations, settled.
//!
//! Small ANDs and ORs are not independent: AND{i} = OR{i}, AND{i,j} + OR{i,j} = AND{i} + AND{j}, and inclusion–exclusion for
//! three players. Moving effects along such an identity leaves the function as it is, and often the L1 norm too: then the
//! optimum is a face, and the solver stops somewhere inside it. Here it is walked to a corner that does not depend on where
//! that was: fewest terms first, then the least sum of squares, then the lowest orders.

use super::Kind;
use super::gram::Term;

/// Of the strongest effect: below this a term does not count.
const NEGLIGIBLE: f64 = 0.01;

/// Terms whose multiples add up to a constant: moving along it changes no value beyond that constant, which is zero at ∅.
type Identity = Vec<(Term, f64)>;

/// How good a set of effects is; smaller is better, entry by entry.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Merit {
    l1: f64,
    terms: f64,
    squares: f64,
    orders: f64,
}

/// Moves along identities of pairs and triples while that makes the explanation better: of smaller L1 norm, or at the same norm
/// of fewer terms, or as above.
///
/// # Cost
/// O(n³) per move, at most 4n² moves.
pub(super) fn settle(players: usize, and: &mut [f64], or: &mut [f64]) {
    for i in 0..players {
        and[1 << i] += std::mem::take(&mut or[1 << i]);
    }
    let strongest = and[1..]
        .iter()
        .chain(&or[1..])
        .fold(0.0f64, |max, x| max.max(x.abs()));
    let identities = identities(players);
    for _ in 0..4 * players * players {
        let mut best: Option<(Merit, &Identity, f64)> = None;
        for identity in &identities {
            let value = |&((kind, s), _): &(Term, f64)| match kind {
                Kind::And => and[s],
                Kind::Or => or[s],
            };
            let values: Vec<f64> = identity.iter().map(value).collect();
            for step in steps(identity, &values) {
                if let Some(gain) = gain(identity, &values, step, strongest)
                    && best
                        .as_ref()
                        .is_none_or(|(most, _, _)| better(gain, *most, strongest))
                {
                    best = Some((gain, identity, step));
                }
            }
        }
        let Some((_, identity, step)) = best else {
            break;
        };
        for &((kind, s), multiple) in identity {
            let effect = match kind {
                Kind::And => &mut and[s],
                Kind::Or => &mut or[s],
            };
            let moved = *effect + step * multiple;
            // The term that the step was made for ends at zero exactly.
            *effect = if moved.abs() <= 1e-14 * strongest {
                0.0
            } else {
                moved
            };
        }
    }
}

/// Every identity of two and three players.
fn identities(players: usize) -> Vec<Identity> {
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
fn steps(identity: &Identity, values: &[f64]) -> impl Iterator<Item = f64> {
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

/// What moving by `step` improves; `None` where it improves nothing.
fn gain(identity: &Identity, values: &[f64], step: f64, strongest: f64) -> Option<Merit> {
    let mut gain = Merit {
        l1: 0.0,
        terms: 0.0,
        squares: 0.0,
        orders: 0.0,
    };
    for (((_, s), multiple), value) in identity.iter().zip(values) {
        let moved = value + step * multiple;
        let counts = |x: f64| f64::from(u8::from(x.abs() > NEGLIGIBLE * strongest));
        gain.l1 += moved.abs() - value.abs();
        gain.terms += counts(moved) - counts(*value);
        gain.squares += moved * moved - value * value;
        gain.orders += (moved.abs() - value.abs()) * f64::from(s.count_ones());
    }
    let none = Merit {
        l1: 0.0,
        terms: 0.0,
        squares: 0.0,
        orders: 0.0,
    };
    better(gain, none, strongest).then_some(gain)
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
        for identity in identities(4) {
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
