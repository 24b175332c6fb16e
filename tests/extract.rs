//! The AND-OR extraction against reference optima, its certificates, and games with known answers.

use std::path::PathBuf;

use harsanyi::game::ValueTable;
use harsanyi::interaction::{AndOr, AndOrOptions, Fit, Kind, and_or, refit};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// The folder of shared reference data; a test that needs it says that it was skipped where it is not set.
fn shared(folder: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("HARSANYI_SHARED") else {
        println!("skipped: HARSANYI_SHARED is not set");
        return None;
    };
    Some(PathBuf::from(root).join(folder))
}

fn read_npy(path: &std::path::Path) -> ValueTable {
    let file = std::fs::File::open(path).expect("a file");
    let values: Vec<f64> = npyz::NpyFile::new(file)
        .expect("npy")
        .into_vec()
        .expect("float64");
    ValueTable::new(values.len().trailing_zeros() as usize, values).expect("a table")
}

/// Every golden table with its record.
fn golden_tables() -> Vec<(ValueTable, Value)> {
    let Some(folder) = shared("goldens/andor") else {
        return Vec::new();
    };
    let index = std::fs::read_to_string(folder.join("index.json")).expect("an index");
    let index: Vec<Value> = serde_json::from_str(&index).expect("JSON");
    index
        .into_iter()
        .map(|record| {
            let name = record["name"].as_str().expect("a name");
            (read_npy(&folder.join(format!("{name}.npy"))), record)
        })
        .collect()
}

fn solve(table: &ValueTable, fit: Fit, gap: f64) -> AndOr {
    let options = AndOrOptions {
        fit,
        gap,
        ..AndOrOptions::default()
    };
    and_or(table, &options).expect("options in range")
}

/// Evaluates both feasible points of a certificate by loops of its own, and asserts that it proves what it says.
fn verify(table: &ValueTable, split: &AndOr, bound: f64) {
    let size = table.values().len();
    let scale = table
        .values()
        .iter()
        .fold(1e-300f64, |max, v| max.max(v.abs()));
    // The explanation: what it makes of every coalition.
    let sums = |values: &[f64]| {
        let mut values = values.to_vec();
        for player in 0..split.players() {
            for t in (0..size).filter(|t| t >> player & 1 == 1) {
                values[t] += values[t ^ (1 << player)];
            }
        }
        values
    };
    let (and, or) = (sums(split.and()), sums(split.or()));
    let residuals: Vec<f64> = (0..size)
        .map(|t| split.empty() + and[t] + or[size - 1] - or[size - 1 - t] - table[t])
        .collect();
    let l1: f64 = split.and().iter().chain(split.or()).map(|x| x.abs()).sum();
    let squares: f64 = residuals.iter().map(|r| r * r).sum();
    let price = split
        .residual_weight()
        .map_or(0.0, |weight| 0.5 * weight * squares);
    assert!(
        l1 + price <= split.objective() * (1.0 + 1e-9),
        "{} + {price} over {}",
        l1,
        split.objective()
    );
    if split.residual_weight().is_none() {
        let worst = residuals.iter().fold(0.0f64, |max, r| max.max(r.abs()));
        assert!(
            worst <= bound + 1e-9 * scale,
            "residual {worst} beyond {bound}"
        );
    }
    // The proof: reduced costs, and the bound that it gives.
    let y = split.proof();
    let mut above: Vec<f64> = y.iter().rev().copied().collect();
    above = sums(&above);
    above.reverse();
    let within = sums(y);
    let total: f64 = y.iter().sum();
    let length: f64 = y.iter().map(|y| y.abs()).sum();
    assert!(
        total.abs() <= 1e-9 * length.max(1.0),
        "constants cost {total}"
    );
    for s in 1..size {
        assert!(above[s].abs() <= 1.0 + 1e-9 && within[size - 1 - s].abs() <= 1.0 + 1e-9);
    }
    let gain: f64 = (0..size).map(|t| (table[t] - table.empty()) * y[t]).sum();
    let paid = match split.residual_weight() {
        Some(weight) => y.iter().map(|y| y * y).sum::<f64>() / (2.0 * weight),
        None => bound * y[1..].iter().map(|y| y.abs()).sum::<f64>(),
    };
    assert!((gain - paid - split.lower_bound()).abs() <= 1e-7 * split.objective().max(scale));
    assert!(split.lower_bound() <= split.objective() * (1.0 + 1e-12));
}

#[test]
fn the_exact_fit_reaches_the_reference_optima() {
    for (table, record) in golden_tables() {
        let split = solve(&table, Fit::Exact, 5e-5);
        verify(&table, &split, 0.0);
        let (lower, upper) = (
            number(&record["exact"]["lower"]),
            number(&record["exact"]["upper"]),
        );
        println!(
            "{} l1 {} reference {upper} gap {:.1e} iterations {}",
            record["name"],
            split.l1(),
            split.gap(),
            split.iterations()
        );
        assert!(split.gap() <= 5e-5);
        assert!(split.l1() <= upper * (1.0 + 1e-4) && split.l1() >= lower * (1.0 - 1e-9));
        assert!(split.lower_bound() <= upper && split.lower_bound() >= upper * (1.0 - 1e-4));
    }
}

#[test]
fn the_box_fit_reaches_the_reference_optima() {
    for (table, record) in golden_tables() {
        let bound = number(&record["noise_bound"]["delta_max"]);
        let start = std::time::Instant::now();
        let split = solve(
            &table,
            Fit::Box {
                share: bound / table.span().abs(),
            },
            1e-3,
        );
        println!(
            "{} l1 {} gap {:.1e} iterations {} {:.2?}",
            record["name"],
            split.l1(),
            split.gap(),
            split.iterations(),
            start.elapsed()
        );
        verify(&table, &split, bound);
        let (lower, upper) = (
            number(&record["noise_bound"]["lower"]),
            number(&record["noise_bound"]["upper"]),
        );
        assert!(split.gap() <= 1e-3);
        assert!(split.l1() <= upper * (1.0 + 1.1e-3) && split.l1() >= lower * (1.0 - 1e-9));
        assert!(split.lower_bound() <= upper);
    }
}

#[test]
fn least_squares_gives_back_what_was_planted_under_noise() {
    for (table, record) in golden_tables() {
        let name = record["name"].as_str().expect("a name");
        if name != "noisy-n08" {
            continue;
        }
        let split = solve(&table, Fit::LeastSquares { sigma: Some(0.02) }, 1e-4);
        verify(&table, &split, 0.0);
        let salient = split.salient(0.01);
        let found = refit(&table, &salient).expect("few");
        println!(
            "{name} l1 {} residual {} refit {} salient {}",
            split.l1(),
            split.residual_rms(),
            found.residual_rms,
            salient.len()
        );
        let planted = record["planted"].as_array().expect("terms");
        let mut merged = std::collections::BTreeMap::new();
        for term in planted {
            let mask = term["mask"].as_u64().expect("a mask");
            let kind = if term["kind"] == "and" || mask.is_power_of_two() {
                Kind::And
            } else {
                Kind::Or
            };
            *merged.entry((kind, mask)).or_insert(0.0) += number(&term["effect"]);
        }
        let strongest = merged
            .values()
            .fold(0.0f64, |max: f64, x: &f64| max.max(x.abs()));
        let mut extra = found
            .interactions
            .iter()
            .filter(|found| found.effect.abs() > 0.01 * strongest)
            .count();
        for (&(kind, mask), effect) in &merged {
            if effect.abs() <= 0.01 * strongest {
                continue;
            }
            let hit = found
                .interactions
                .iter()
                .find(|found| found.kind == kind && found.players.index() == Some(mask));
            let hit = hit.unwrap_or_else(|| panic!("{name}: {kind} {mask:b} {effect} is missing"));
            assert!(
                (hit.effect - effect).abs() <= 0.1 * effect.abs(),
                "{name}: {kind} {mask:b} {effect} became {}",
                hit.effect
            );
            extra -= 1;
        }
        println!("{name}: {} planted, {extra} extra", merged.len());
        assert!(extra * 10 <= merged.len());
    }
}

#[test]
fn random_games_are_solved_with_proof_under_every_fit() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for players in [1, 2, 3, 4, 5, 7] {
        let values = (0..1usize << players)
            .map(|_| rng.random_range(-2.0..2.0))
            .collect();
        let table = ValueTable::new(players, values).expect("finite");
        let share = 0.3 / table.span().abs();
        for (fit, bound) in [
            (Fit::Exact, 0.0),
            (Fit::Box { share }, 0.3),
            (Fit::LeastSquares { sigma: Some(0.1) }, 0.0),
        ] {
            let split = solve(&table, fit, 1e-4);
            assert!(
                split.gap() <= 1e-4,
                "{players} players, {fit}: {}",
                split.gap()
            );
            verify(&table, &split, bound);
        }
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}
