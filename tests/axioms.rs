//! What must hold for every game, tried on random ones. A failing game is printed as an expression for `synthetic::parse`.

use harsanyi::game::synthetic::{Shape, Synthetic, Term};
use harsanyi::interaction::order::multi_order;
use harsanyi::transform::index::{self, Index};
use harsanyi::transform::{mobius, zeta};
use harsanyi::{Coalition, ValueTable, tabulate};
use proptest::prelude::*;

const TOLERANCE: f64 = 1e-10;

/// A game of 2 to 8 players that shows its expression when a property fails.
#[derive(Clone)]
struct Random(Synthetic);

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Random {
    fn table(&self) -> ValueTable {
        tabulate(&mut self.0.clone(), |_| ()).expect("a finite game")
    }
}

fn term(players: usize) -> impl Strategy<Value = Term> {
    (0..6, 1..1u64 << players, any::<u64>(), -4.0..4.0).prop_map(
        |(kind, set, seed, coefficient)| {
            let set = Coalition::from_index(set);
            let shape = match kind {
                0 => Shape::And(set),
                1 => Shape::Or(set),
                2 => Shape::Majority(set),
                3 => Shape::Parity(set),
                4 => Shape::Constant,
                _ => Shape::Noise { sigma: 1.0, seed },
            };
            Term { coefficient, shape }
        },
    )
}

fn game_of(players: usize) -> impl Strategy<Value = Random> {
    proptest::collection::vec(term(players), 1..6)
        .prop_map(move |terms| Random(Synthetic::new(players, terms).expect("players in range")))
}

fn game() -> impl Strategy<Value = Random> {
    (2usize..=8).prop_flat_map(game_of)
}

fn two_games() -> impl Strategy<Value = (Random, Random)> {
    (2usize..=8).prop_flat_map(|players| (game_of(players), game_of(players)))
}

fn game_and_two_players() -> impl Strategy<Value = (Random, usize, usize)> {
    (2usize..=8)
        .prop_flat_map(|n| (game_of(n), 0..n, 0..n))
        .prop_filter("two players", |(_, i, j)| i != j)
}

fn all_indices(table: &ValueTable) -> Vec<(Index, Vec<(Coalition, f64)>)> {
    Index::ALL
        .into_iter()
        .map(|of| {
            let order = of.max_order(table.players()).min(3);
            let list = index::interactions(table, of, order).expect("an order in range");
            (of, list)
        })
        .collect()
}

/// Whether the index says of a player that only adds its own worth just that, and nothing of its company: all do but the
/// generalised values, which count what the company brings, and the coefficients of another basis.
fn tells_dummies(index: Index) -> bool {
    use Index::*;
    !matches!(
        index,
        Fourier
            | JointShapley
            | ShapleyGeneralized
            | BanzhafGeneralized
            | ChainingGeneralized
            | InternalGeneralized
            | ExternalGeneralized
    )
}

fn close(a: f64, b: f64) -> Result<(), TestCaseError> {
    prop_assert!((a - b).abs() < TOLERANCE, "{a} and {b}");
    Ok(())
}

/// S with players i and j exchanged.
fn swapped(s: usize, i: usize, j: usize) -> usize {
    let differ = (s >> i ^ s >> j) & 1;
    s ^ (differ << i | differ << j)
}

proptest! {
    #[test]
    fn zeta_undoes_mobius(game in game()) {
        let table = game.table();
        let back = zeta(&mobius(&table));
        for (a, b) in table.values().iter().zip(back.values()) {
            close(*a, *b)?;
        }
    }

    #[test]
    fn shapley_values_share_out_the_span(game in game()) {
        let table = game.table();
        close(index::shapley(&mobius(&table)).iter().sum(), table.span())?;
    }

    #[test]
    fn efficient_indices_of_any_order_share_out_the_span(game in game()) {
        let table = game.table();
        let efficient = [
            Index::ShapleyTaylor,
            Index::AggregatedShapley,
            Index::FaithfulShapley,
            Index::JointShapley,
        ];
        for order in 1..=table.players() {
            for of in efficient {
                let list = index::interactions(&table, of, order).expect("an order in range");
                close(list.iter().map(|(_, value)| value).sum(), table.span())?;
            }
        }
    }

    #[test]
    fn generalised_values_of_everybody_are_the_span(game in game()) {
        let table = game.table();
        for of in [
            Index::ShapleyGeneralized,
            Index::BanzhafGeneralized,
            Index::ChainingGeneralized,
            Index::InternalGeneralized,
            Index::ExternalGeneralized,
        ] {
            let list = index::interactions(&table, of, table.players()).expect("an order in range");
            close(list.last().expect("N").1, table.span())?;
        }
    }

    #[test]
    fn every_index_is_linear((a, b) in two_games(), scale in -3.0..3.0) {
        let (a, b) = (a.table(), b.table());
        let sum = a.values().iter().zip(b.values()).map(|(a, b)| a + scale * b).collect();
        let sum = ValueTable::new(a.players(), sum).expect("finite");
        for (((_, a), (_, b)), (_, sum)) in all_indices(&a).iter().zip(all_indices(&b)).zip(all_indices(&sum)) {
            for ((a, b), (coalition, sum)) in a.iter().zip(b).zip(sum) {
                prop_assert_eq!(&a.0, &coalition);
                close(a.1 + scale * b.1, sum)?;
            }
        }
    }

    #[test]
    fn players_that_are_interchangeable_in_the_game_are_so_in_every_index((game, i, j) in game_and_two_players()) {
        let table = game.table();
        let even = (0..table.values().len()).map(|s| table[s] + table[swapped(s, i, j)]).collect();
        let even = ValueTable::new(table.players(), even).expect("finite");
        for (_, list) in all_indices(&even) {
            for (coalition, value) in &list {
                let s = coalition.index().expect("few players") as usize;
                let twin = Coalition::from_index(swapped(s, i, j) as u64);
                let (_, other) = list.iter().find(|(of, _)| *of == twin).expect("every coalition of the size");
                close(*value, *other)?;
            }
        }
    }

    #[test]
    fn a_player_that_only_adds_its_own_worth_has_that_index_and_no_interaction(
        (game, dummy, _) in game_and_two_players(),
        worth in -3.0..3.0,
    ) {
        let table = game.table();
        let values = (0..table.values().len())
            .map(|s| table[s & !(1 << dummy)] + worth * (s >> dummy & 1) as f64)
            .collect();
        let table = ValueTable::new(table.players(), values).expect("finite");
        for (_, list) in all_indices(&table).into_iter().filter(|(of, _)| tells_dummies(*of)) {
            for (coalition, value) in list.iter().filter(|(s, _)| s.contains(dummy)) {
                close(*value, if coalition.len() == 1 { worth } else { 0.0 })?;
            }
        }
        let profile = multi_order(&table).expect("two players or more");
        for m in profile.context_sizes() {
            for other in (0..table.players()).filter(|other| *other != dummy) {
                close(profile.effect(m, dummy, other), 0.0)?;
            }
        }
    }

    #[test]
    fn the_mean_over_context_sizes_is_the_shapley_interaction_index(game in game()) {
        let table = game.table();
        let profile = multi_order(&table).expect("two players or more");
        let sizes = profile.context_sizes().count() as f64;
        let pairwise = index::pairwise_shapley(&mobius(&table));
        for ((i, j), expected) in index::pairs(table.players()).zip(pairwise) {
            let sum: f64 = profile.context_sizes().map(|m| profile.effect(m, i, j)).sum();
            close(sum / sizes, expected)?;
        }
    }

    #[test]
    fn weighted_context_sizes_add_up_to_what_single_players_leave(game in game()) {
        let table = game.table();
        let n = table.players();
        let profile = multi_order(&table).expect("two players or more");
        // Each pair counts twice, as (i,j) and as (j,i).
        let interactions: f64 = profile
            .context_sizes()
            .map(|m| (n - 1 - m.0) as f64 / (n * (n - 1)) as f64 * 2.0 * profile.at(m).iter().sum::<f64>())
            .sum();
        let singles: f64 = (0..n).map(|i| table[1 << i] - table.empty()).sum();
        close(interactions, table.span() - singles)?;
    }
}
