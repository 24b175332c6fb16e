//! Identities that hold for every game, on tables of real networks and trees: what is shared out adds up, and every transform
//! has its inverse. Tolerances are 1e-9 of the largest |v|.

use harsanyi::transform::index::{Index, interactions};
use harsanyi::transform::{inverse_walsh, mobius, walsh, zeta};
use harsanyi::{Coalition, ValueTable};

use crate::shared;

/// The furthest difference of two numbers that should be the same, as a share of the largest |v|.
struct Furthest {
    scale: f64,
    so_far: f64,
}

impl Furthest {
    fn new(table: &ValueTable) -> Self {
        let sizes = table.values().iter().map(|value| value.abs());
        Self {
            scale: sizes.fold(f64::MIN_POSITIVE, f64::max),
            so_far: 0.0,
        }
    }

    fn same(&mut self, found: f64, expected: f64, what: impl Fn() -> String) {
        let share = (found - expected).abs() / self.scale;
        assert!(
            share < 1e-9,
            "{}: {found} instead of {expected}, {share:e} of the largest |v|",
            what()
        );
        self.so_far = self.so_far.max(share);
    }
}

/// Neumaier's compensated sum: tens of thousands of values that cancel would otherwise lose more digits here than the indices
/// have lost.
fn sum_over(list: &[(Coalition, f64)], sizes: impl Fn(usize) -> bool) -> f64 {
    let (mut sum, mut lost) = (0.0f64, 0.0);
    for (_, value) in list.iter().filter(|(coalition, _)| sizes(coalition.len())) {
        let next = sum + value;
        lost += match sum.abs() >= value.abs() {
            true => (sum - next) + value,
            false => (value - next) + sum,
        };
        sum = next;
    }
    sum + lost
}

#[test]
fn efficient_indices_share_out_the_span_of_every_real_table() {
    for (name, table) in shared::games() {
        let players = table.players();
        let mut furthest = Furthest::new(&table);
        let exact = |index, order| interactions(&table, index, order).expect("in range");
        let span = table.span();
        // Those that sum to v(N) − v(∅) over all coalitions of 1 to k players, for every k.
        for index in [
            Index::ShapleyTaylor,
            Index::AggregatedShapley,
            Index::FaithfulShapley,
            Index::JointShapley,
        ] {
            for order in 1..=players {
                let sum = sum_over(&exact(index, order), |_| true);
                furthest.same(sum, span, || format!("{name}, Σ {index}/{order}"));
            }
        }
        // Those whose single players already do.
        for index in [
            Index::ShapleyValue,
            Index::ShapleyInteraction,
            Index::ChainingInteraction,
        ] {
            let sum = sum_over(&exact(index, 1), |size| size == 1);
            furthest.same(sum, span, || format!("{name}, Σ {index} of players"));
        }
        for order in 1..=3 {
            // The Shapley values of a game that equals v at ∅ and N.
            let sum = sum_over(&exact(Index::AdditiveShapley, order), |size| size == 1);
            furthest.same(sum, span, || format!("{name}, Σ kADD-SHAP/{order}"));
        }
        for index in [
            Index::ShapleyGeneralized,
            Index::BanzhafGeneralized,
            Index::ChainingGeneralized,
            Index::InternalGeneralized,
            Index::ExternalGeneralized,
        ] {
            let grand = sum_over(&exact(index, players), |size| size == players);
            furthest.same(grand, span, || format!("{name}, {index} of everybody"));
        }
        assert!(furthest.so_far > 0.0, "{name} was not compared");
    }
}

#[test]
fn transforms_of_every_real_table_give_it_back() {
    for (name, table) in shared::games() {
        let players = table.players();
        let mut furthest = Furthest::new(&table);
        let exact = |index| -> Vec<f64> {
            let list = interactions(&table, index, players).expect("in range");
            let mut values = vec![0.0; table.values().len()];
            for (coalition, value) in list {
                values[coalition.index().expect("few players") as usize] = value;
            }
            values
        };
        let mut all = |found: &ValueTable, what: &str| {
            for (s, (found, expected)) in found.values().iter().zip(table.values()).enumerate() {
                furthest.same(*found, *expected, || format!("{name}, {what} at {s:b}"));
            }
        };
        all(&zeta(&mobius(&table)), "the inverse of Möbius");
        all(&inverse_walsh(&walsh(&table)), "the inverse of Fourier");
        // v(T) = v(∅) + what the dual game of v's dual game says of T.
        let ored = zeta(&mobius(&table.dual())).dual();
        let ored = ored.values().iter().map(|value| table.empty() + value);
        let ored = ValueTable::new(players, ored.collect()).expect("finite");
        all(&ored, "the inverse of OR");
        // Index lists of all orders, summed again by the definitions: v(T) = v(∅) + Σ_{∅≠S⊆T} a(S), and so on.
        let rebuilt = |from: Vec<f64>, step: fn(f64, f64) -> (f64, f64)| {
            let mut values = from;
            harsanyi::transform::butterfly(&mut values, step);
            ValueTable::new(players, values).expect("finite")
        };
        let up: fn(f64, f64) -> (f64, f64) = |without, with| (without, without + with);
        for index in [
            Index::Mobius,
            Index::ShapleyTaylor,
            Index::FaithfulShapley,
            Index::FaithfulBanzhaf,
            Index::AggregatedShapley,
        ] {
            // With nothing cut off, all of these are the dividends.
            let mut dividends = exact(index);
            dividends[0] = table.empty();
            all(&rebuilt(dividends, up), index.name());
        }
        let mut spectrum = exact(Index::Fourier);
        spectrum[0] = table.values().iter().sum::<f64>() / table.values().len() as f64;
        let walsh_back = |without: f64, with: f64| (without + with, without - with);
        all(&rebuilt(spectrum, walsh_back), "Fourier");
        let mut spectrum = exact(Index::BanzhafInteraction);
        spectrum[0] = table.values().iter().sum::<f64>() / table.values().len() as f64;
        // BII(S) = (−2)^s F(S).
        all(
            &rebuilt(spectrum, |without, with| {
                (without + with / -2.0, without - with / -2.0)
            }),
            "BII",
        );
        // v(N∖T) = Σ_{S⊆T} (−1)^s Co-Möbius(S), with Co-Möbius(∅) = v(N).
        let mut external = exact(Index::CoMobius);
        external[0] = table.grand();
        let mut values = rebuilt(external, |without, with| (without, without - with))
            .values()
            .to_vec();
        values.reverse();
        all(
            &ValueTable::new(players, values).expect("finite"),
            "Co-Möbius",
        );
    }
}
