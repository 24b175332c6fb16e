//! Inner products over all coalitions of the functions that interactions are: "all of S present" and "any of S present".

use super::Kind;
use super::sparsify::reduce::total;
use crate::transform::butterfly;

/// An interaction without its effect: the kind, and the index of S.
pub(super) type Term = (Kind, usize);

/// The share of coalitions in which no player of a set of this index is drawn one way: 2^{−|S|}.
fn share(set: usize) -> f64 {
    0.5f64.powi(set.count_ones() as i32)
}

/// ⟨1_S, 1_T⟩ − 2^n·mean(1_S)·mean(1_T).
pub(super) fn centred(players: usize, (kind, s): Term, (other, t): Term) -> f64 {
    let product = share(s) * share(t);
    let shares = if kind == other {
        share(s | t) - product
    } else {
        // "All of S" and "none of T" exclude each other where S and T meet.
        product - if s & t == 0 { share(s | t) } else { 0.0 }
    };
    shares * (1u64 << players) as f64
}

/// ⟨1_S, 1_T⟩.
pub(super) fn inner(players: usize, one: Term, other: Term) -> f64 {
    centred(players, one, other) + mean(one) * mean(other) * (1u64 << players) as f64
}

/// The share of coalitions in which a term fires.
fn mean((kind, s): Term) -> f64 {
    match kind {
        Kind::And => share(s),
        Kind::Or => 1.0 - share(s),
    }
}

/// The inner products of one function on coalitions with every term.
pub(super) struct Products {
    supersets: Vec<f64>,
    disjoint: Vec<f64>,
    total: f64,
}

impl Products {
    /// Two butterflies.
    pub(super) fn new(values: Vec<f64>) -> Self {
        let total = total(&values);
        let mut supersets = values;
        let mut disjoint: Vec<f64> = supersets.iter().rev().copied().collect();
        butterfly(&mut supersets, |without, with| (without + with, with));
        butterfly(&mut disjoint, |without, with| (without + with, with));
        Self {
            supersets,
            disjoint,
            total,
        }
    }

    /// ⟨1_S, function⟩.
    pub(super) fn with(&self, (kind, s): Term) -> f64 {
        match kind {
            Kind::And => self.supersets[s],
            Kind::Or => self.total - self.disjoint[s],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_products_are_their_definition() {
        let players = 4;
        let fires = |(kind, s): Term, t: usize| match kind {
            Kind::And => s & t == s,
            Kind::Or => s & t != 0,
        };
        let values: Vec<f64> = (0..16).map(|t| f64::from(t * t % 11)).collect();
        let products = Products::new(values.clone());
        let terms = [
            (Kind::And, 3),
            (Kind::And, 4),
            (Kind::Or, 6),
            (Kind::Or, 9),
            (Kind::And, 15),
        ];
        for one in terms {
            let direct: f64 = (0..16).filter(|&t| fires(one, t)).map(|t| values[t]).sum();
            assert!((products.with(one) - direct).abs() < 1e-12);
            for other in terms {
                let both = (0..16)
                    .filter(|&t| fires(one, t) && fires(other, t))
                    .count() as f64;
                assert!((inner(players, one, other) - both).abs() < 1e-12);
            }
        }
    }
}
