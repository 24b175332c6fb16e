//! Agreement with numbers that others computed: the package shapiq 1.8.0, and worked examples of the papers.
//!
//! shapiq's numbers lie outside the repository; the folder that holds `goldens/shapiq` is named by `HARSANYI_SHARED`, and
//! without it the tests that need them say so and pass.

use harsanyi::game::{Game, synthetic};
use harsanyi::interaction::order::{multi_order, relative_strength};
use harsanyi::stats::bottleneck::{bottleneck_index, theory_curve};
use harsanyi::stats::growth::growth;
use harsanyi::transform::index::{self, Index, interactions};
use harsanyi::transform::{mobius, zeta};
use harsanyi::{Coalition, ValueTable, tabulate};
use serde_json::Value;

use crate::shared;

fn table(game: &str) -> ValueTable {
    tabulate(&mut synthetic::parse(game).expect("a game"), |_| ()).expect("a table")
}

fn shapiq_games() -> Vec<(String, Value)> {
    let Some(folder) = shared::folder("goldens/shapiq") else {
        return Vec::new();
    };
    ["dense-normal-n4", "and-or-n6", "dense-normal-n9"]
        .map(|name| {
            let path = folder.join(format!("{name}.json"));
            let text = std::fs::read_to_string(&path).expect("the golden file");
            (
                name.to_owned(),
                serde_json::from_str(&text).expect("valid JSON"),
            )
        })
        .into()
}

fn game_table(game: &Value) -> ValueTable {
    let players = game["n_players"].as_u64().expect("a count") as usize;
    let values = game["value_table"].as_array().expect("a list");
    let values = values.iter().map(|v| v.as_f64().expect("a number"));
    ValueTable::new(players, values.collect()).expect("a table")
}

/// The stored value; a coalition that is missing has the value 0.
fn stored(result: &Value, coalition: &Coalition) -> f64 {
    let key = coalition.index().expect("few players").to_string();
    result["values"]
        .get(key)
        .map_or(0.0, |v| v.as_f64().expect("a number"))
}

/// How far a number of shapiq may be from ours: its exact computer enforces the equalities of two fits by a penalty, which errs
/// by up to 5e-9; its converter's closed form of one of them is right to 2e-12.
fn tolerance(block: &str, index: Index) -> f64 {
    match (block, index) {
        ("exact_computer", Index::FaithfulShapley | Index::AdditiveShapley) => 1e-8,
        ("moebius_converter", Index::FaithfulShapley) => 1e-11,
        _ => 1e-9,
    }
}

#[test]
fn indices_agree_with_shapiq() {
    for (name, game) in shapiq_games() {
        let table = game_table(&game);
        let mut compared = 0;
        for block in ["exact_computer", "moebius_converter"] {
            for (key, result) in game[block].as_object().expect("a block") {
                let (index, order) = key.split_once('/').unwrap_or((key, "all-orders"));
                let index: Index = index.parse().expect("one of ours");
                let order = order
                    .parse()
                    .unwrap_or_else(|_| index.max_order(table.players()));
                let tolerance = tolerance(block, index);
                for (coalition, value) in interactions(&table, index, order).expect("in range") {
                    let expected = stored(result, &coalition);
                    assert!(
                        (value - expected).abs() < tolerance,
                        "{name} {key} {coalition}: {value}, shapiq has {expected}"
                    );
                }
                // The converter leaves ∅ out of four indices.
                if let Some(expected) = result["values"].get("0") {
                    let empty = index::empty_entry(&table, index, order).expect("in range");
                    let expected = expected.as_f64().expect("a number");
                    assert!(
                        (empty - expected).abs() < tolerance,
                        "{name} {key} ∅: {empty}, shapiq has {expected}"
                    );
                }
                compared += 1;
            }
        }
        // 40 results of the exact computer, at least one of every index, and 14 of the converter.
        assert_eq!(compared, 54, "{name}");
    }
}

#[test]
fn or_interactions_agree_with_shapiq_co_moebius() {
    for (name, game) in shapiq_games() {
        let or = mobius(&game_table(&game).dual());
        let result = &game["exact_computer"]["Co-Moebius/all-orders"];
        for s in 1..1u64 << or.players() {
            let coalition = Coalition::from_index(s);
            let sign = if coalition.len() % 2 == 1 { 1.0 } else { -1.0 };
            let expected = sign * stored(result, &coalition);
            assert!(
                (or[s as usize] - expected).abs() < 1e-9,
                "{name} {coalition}"
            );
        }
    }
}

#[test]
fn and_and_or_transforms_invert_to_rounding() {
    for players in 1..=12 {
        let table = table(&format!("n={players}; noise(1,{players})"));
        let size = table.values().len();
        let and = zeta(&mobius(&table));
        let or = mobius(&table.dual());
        let ored = zeta(&or);
        for s in 0..size {
            assert!((and[s] - table[s]).abs() < 1e-12);
            // v*(S) = v(N) − v(N∖S), summed from the OR interactions.
            assert!((table.grand() - ored[size - 1 - s] - table[s]).abs() < 1e-12);
        }
        let reversed = table.values().iter().rev().copied().collect();
        let reversed = mobius(&ValueTable::new(players, reversed).expect("finite"));
        for s in 1..size {
            assert!((or[s] + reversed[s]).abs() < 1e-9);
        }
    }
}

/// The worked example of *Where we have arrived*, appendix H, which prints 1.8 for the mean output at size 3; it is 1.9.
#[test]
fn the_cubic_example_has_its_mean_outputs_exponent_and_shapley_values() {
    let table = table("n=5; and(0,1,2) + and(0,1) + and(1,2) + and(1) + and(2)");
    let growth = growth(&table);
    for (found, expected) in growth
        .mean_output
        .iter()
        .zip([0.0, 0.4, 1.0, 1.9, 3.2, 5.0])
    {
        assert!((found - expected).abs() < 1e-12);
    }
    assert!(growth.conditions_hold());
    assert!((growth.exponent.expect("defined") - 1.5693).abs() < 5e-5);
    let shapley = index::shapley(&mobius(&table));
    for (found, expected) in shapley
        .iter()
        .zip([5.0 / 6.0, 7.0 / 3.0, 11.0 / 6.0, 0.0, 0.0])
    {
        assert!((found - expected).abs() < 1e-12);
    }
}

/// F(m) for an effective dimension of 12, and its end ratio 1/(n′−1).
#[test]
fn the_theory_curve_of_twelve_players_has_its_printed_shape() {
    let positions: Vec<f64> = (0..=10).map(|m| f64::from(m) / 10.0).collect();
    let printed = [
        1.0, 0.287, 0.122, 0.0664, 0.0439, 0.0344, 0.0314, 0.0332, 0.0407, 0.0575, 0.0909,
    ];
    let curve = theory_curve(12.0, &positions);
    for (found, expected) in curve.iter().zip(printed) {
        assert!((found - expected).abs() < 0.005 * expected);
    }
    let least = (0..=10).min_by(|a, b| curve[*a].total_cmp(&curve[*b]));
    assert_eq!(least, Some(6));
    for effective in [2.0, 3.5, 12.0, 31.7, 256.0] {
        let ends = theory_curve(effective, &[0.0, 1.0]);
        assert!((ends[0] - 1.0).abs() < 1e-12);
        assert!((ends[1] - 1.0 / (effective - 1.0)).abs() < 1e-12);
    }
}

/// Independent noise of variance 1 on v gives interactions of order k the variance 2^k.
#[test]
fn noise_grows_by_a_factor_of_two_with_each_order() {
    const GAMES: u64 = 1000;
    let players = 8;
    // Σ and Σ² over games of the mean over |S| = k of I(S)²/2^k.
    let mut moments = vec![(0.0, 0.0); players + 1];
    for seed in 0..GAMES {
        let table = table(&format!("n={players}; noise(1,{seed})"));
        let (and, or) = (mobius(&table), mobius(&table.dual()));
        for (order, (sum, squares)) in moments.iter_mut().enumerate().skip(1) {
            let of_order: Vec<f64> = (0..1usize << players)
                .filter(|s| s.count_ones() as usize == order)
                .map(|s| 0.5 * (and[s].powi(2) + or[s].powi(2)) / (1 << order) as f64)
                .collect();
            let mean = of_order.iter().sum::<f64>() / of_order.len() as f64;
            *sum += mean;
            *squares += mean * mean;
        }
    }
    for (order, (sum, squares)) in moments.into_iter().enumerate().skip(1) {
        let ratio: f64 = sum / GAMES as f64;
        let standard_error = ((squares / GAMES as f64 - ratio * ratio) / GAMES as f64).sqrt();
        assert!(
            (ratio - 1.0).abs() < 4.0 * standard_error && standard_error < 0.06,
            "order {order}: {ratio} with a standard error of {standard_error}"
        );
    }
}

/// The parity game is dense and does not grow: the theory of sparsity does not apply, and the report says so.
#[test]
fn the_parity_game_violates_the_conditions_of_sparsity() {
    let table = table("parity(0..10)*2 - 1");
    let dividends = mobius(&table);
    assert!(
        dividends
            .values()
            .iter()
            .skip(1)
            .all(|effect| effect.abs() > 1.5)
    );
    let growth = growth(&table);
    assert!(!growth.monotone && !growth.conditions_hold());
    assert_eq!(
        growth.exponent.expect_err("undefined").to_string(),
        "the mean output over coalitions of size 2 is 0, not above zero"
    );
    // Every pair interacts with the same strength at every context size: no bottleneck.
    let strengths = relative_strength(&multi_order(&table).expect("pairs").mean_abs());
    let strengths = strengths.expect("not zero");
    assert!(strengths.iter().all(|j| (j - 1.0).abs() < 1e-12));
    assert!((bottleneck_index(&strengths).expect("a middle") - 1.0).abs() < 1e-12);
}

#[test]
fn results_are_the_same_for_any_batch_size_and_number_of_threads() {
    let expression = "n=16; noise(1,3)*0.1 + or(0..4) - majority(2..9) + and(10,15)";
    let mut game = synthetic::parse(expression).expect("a game");
    let table = table(expression);
    for batch in [1, 7, 4096] {
        let all: Vec<_> = (0..1 << 16).map(Coalition::from_index).collect();
        let values = all
            .chunks(batch)
            .flat_map(|some| game.values(some).expect("values"));
        assert!(values.eq(table.values().iter().copied()));
    }
    let results = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a pool").install(|| {
            let dividends = mobius(&table);
            (
                index::pairwise_shapley(&dividends),
                multi_order(&table).expect("pairs"),
                dividends,
            )
        })
    };
    let single = results(1);
    assert!(results(2) == single && results(3) == single);
}
