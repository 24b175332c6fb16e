//! Sparse recovery: planted games come back, held-out figures hold on new coalitions, threads change nothing.

use std::collections::BTreeMap;

use harsanyi::game::synthetic::{self, Shape, Synthetic, Term};
use harsanyi::game::{Samples, ask};
use harsanyi::sampling::sparse::{HeldOut, Method, RecoverOptions, Recovery, plan, recover};
use harsanyi::{Coalition, Error, Game, ValueTable, tabulate};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::shared;

/// The methods that take any coalitions.
const RANDOM: [Method; 4] = [Method::Greedy, Method::Ridge, Method::Lasso, Method::Tree];

/// A constant and 40 terms of order 1 to 5, with standard normal coefficients; every other one an OR where `with_or`.
fn planted(players: usize, with_or: bool, seed: u64) -> Synthetic {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let normal = |rng: &mut ChaCha8Rng| {
        let (a, b): (f64, f64) = (rng.random(), rng.random());
        (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    };
    let mut terms = vec![Term {
        coefficient: normal(&mut rng),
        shape: Shape::Constant,
    }];
    for at in 0..40 {
        let draw: f64 = rng.random();
        let order = 1 + [0.3, 0.6, 0.8, 0.9]
            .iter()
            .filter(|below| draw >= **below)
            .count();
        let mut set = Coalition::EMPTY;
        while set.len() < order {
            set = set.union(&Coalition::from_players([rng.random_range(0..players)]));
        }
        let shape = match with_or && at % 2 == 1 {
            true => Shape::Or(set),
            false => Shape::And(set),
        };
        terms.push(Term {
            coefficient: normal(&mut rng),
            shape,
        });
    }
    Synthetic::new(players, terms).expect("a game")
}

fn with_noise(game: &Synthetic, sigma: f64, seed: u64) -> Synthetic {
    let noise = Term {
        coefficient: 1.0,
        shape: Shape::Noise { sigma, seed },
    };
    let terms = game.terms().iter().cloned().chain([noise]).collect();
    Synthetic::new(game.players(), terms).expect("a game")
}

/// R² of `explained` on values.
fn r_squared(values: &[f64], explained: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let sum = |of: &dyn Fn((&f64, &f64)) -> f64| values.iter().zip(explained).map(of).sum::<f64>();
    1.0 - sum(&|(v, e)| (v - e).powi(2)) / sum(&|(v, _)| (v - mean).powi(2))
}

/// R² of a recovery on 4,000 coalitions that it has not seen, where v is `game`.
fn on_new(found: &Recovery, game: &mut Synthetic, seed: u64) -> f64 {
    let fresh = plan(game.players(), 4002, seed).expect("a plan");
    let values = game.values(&fresh[2..]).expect("values");
    let explained = found.model.clone().values(&fresh[2..]).expect("values");
    r_squared(&values, &explained)
}

fn sampled(game: &mut Synthetic, budget: usize, seed: u64) -> Samples {
    let coalitions = plan(game.players(), budget, seed).expect("a plan");
    ask(game, coalitions, |_| ()).expect("values")
}

#[test]
fn planted_terms_come_back_at_thirty_and_a_hundred_players() {
    for (players, with_or, bar) in [
        (30, false, 0.999),
        (30, true, 0.995),
        (100, false, 0.999),
        (100, true, 0.995),
    ] {
        for seed in 1..=2 {
            let mut game = planted(players, with_or, seed);
            let samples = sampled(&mut game, 2000, seed);
            let found = recover(&samples, &RecoverOptions::default()).expect("a recovery");
            let r2 = on_new(&found, &mut game, 900 + seed);
            assert!(r2 >= bar, "{players} players, seed {seed}: R² {r2}");
            assert!(found.held_out.r2 >= bar && found.held_out.samples == 400);
        }
    }
}

#[test]
fn noise_is_not_fitted() {
    let clean = planted(30, true, 5);
    let values = clean
        .clone()
        .values(&plan(30, 2000, 77).expect("a plan"))
        .expect("values");
    let mean = values.iter().sum::<f64>() / 2000.0;
    let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 2000.0).sqrt();
    let mut noisy = with_noise(&clean, 0.2 * spread, 3);
    let samples = sampled(&mut noisy, 2000, 4);
    let found = recover(&samples, &RecoverOptions::default()).expect("a recovery");
    let r2 = on_new(&found, &mut clean.clone(), 905);
    assert!(r2 > 0.99, "R² {r2} of the game without its noise");
    // No fit can explain the noise: 1/(1 + 0.2²) is the most.
    let HeldOut {
        r2, standard_error, ..
    } = found.held_out;
    assert!((r2 - 1.0 / 1.04).abs() < 4.0 * standard_error && standard_error < 0.01);
}

#[test]
fn what_is_recovered_does_not_depend_on_threads() {
    let mut game = with_noise(&planted(20, true, 8), 0.3, 1);
    let samples = sampled(&mut game, 400, 2);
    for method in RANDOM {
        let options = RecoverOptions {
            method: Some(method),
            ..RecoverOptions::default()
        };
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().expect("threads");
            pool.install(|| recover(&samples, &options))
                .expect("a recovery")
        };
        let (one, three) = (with(1), with(3));
        assert_eq!(one.model, three.model, "{method}");
        assert_eq!(one.held_out, three.held_out, "{method}");
    }
}

/// Only ratios of values count, in single precision as in double: a change of unit by a power of two changes no digit.
#[test]
fn what_is_recovered_does_not_depend_on_the_unit_of_v() {
    for players in [10, 30] {
        let mut game = with_noise(&planted(players, true, 5), 0.3, 9);
        let plain = sampled(&mut game, 400, 3);
        for method in [None].into_iter().chain(RANDOM.map(Some)) {
            let options = RecoverOptions {
                method,
                ..RecoverOptions::default()
            };
            let expected = recover(&plain, &options).expect("a recovery");
            for unit in [200, -200, 900, -900].map(|power| 2f64.powi(power)) {
                let values = plain.values().iter().map(|v| v * unit).collect();
                let coalitions = plain.coalitions().to_vec();
                let weights = plain.weights().to_vec();
                let scaled = Samples::new(players, coalitions, values, weights).expect("samples");
                let found = recover(&scaled, &options).expect("a recovery");
                assert_eq!(found.held_out, expected.held_out);
                let terms = found.model.terms().iter().zip(expected.model.terms());
                assert_eq!(found.model.terms().len(), expected.model.terms().len());
                for (found, expected) in terms {
                    assert_eq!(found.shape, expected.shape);
                    assert_eq!(found.coefficient, expected.coefficient * unit);
                }
            }
        }
    }
}

/// A ridge explains such games as well, by hundreds of terms.
#[test]
fn few_terms_of_few_players_are_recovered_as_they_are() {
    for (game, terms) in [
        ("n=12; 2*and(5) - or(5,6)", 2),
        ("n=12; and(5) - 2*and(3) + 0.5*and(7)", 3),
        ("n=9; and(0,1)*2 - or(3,4,8)*1.5 + 0.3", 3),
    ] {
        for seed in 0..6 {
            let mut game = synthetic::parse(game).expect("a game");
            let samples = sampled(&mut game, 300, seed);
            let options = RecoverOptions {
                seed,
                ..RecoverOptions::default()
            };
            let found = recover(&samples, &options).expect("a recovery");
            assert_eq!(found.method, Method::Greedy);
            let strong = found.model.terms().iter();
            let strong = strong.filter(|term| term.coefficient.abs() > 1e-9).count();
            assert!(strong <= terms + 1, "{:?}", found.model.terms());
        }
    }
}

#[test]
fn a_constant_is_recovered_as_one() {
    for players in [1, 8, 17] {
        let coalitions = plan(players, 60.min(1 << players), 4).expect("a plan");
        let repeated: Vec<Coalition> = coalitions.iter().cycle().take(60).cloned().collect();
        for value in [0.1, 1e-200, 1e-310, 0.0] {
            let (values, weights) = (vec![value; 60], vec![1.0; 60]);
            let samples = Samples::new(players, repeated.clone(), values, weights);
            let samples = samples.expect("samples");
            for method in [None].into_iter().chain(RANDOM.map(Some)) {
                let options = RecoverOptions {
                    method,
                    order: usize::MAX,
                    ..RecoverOptions::default()
                };
                let found = recover(&samples, &options).expect("a recovery");
                let terms = found.model.terms();
                assert_eq!(terms.len(), 1, "{method:?} of {players}: {terms:?}");
                assert_eq!(terms[0].coefficient, value);
                assert_eq!(
                    (found.held_out.r2, found.held_out.standard_error),
                    (1.0, 0.0)
                );
            }
        }
    }
}

#[test]
fn the_held_out_figure_holds_on_new_coalitions() {
    for method in RANDOM {
        let mut game = with_noise(&planted(14, true, 6), 0.5, 9);
        let samples = sampled(&mut game, 1000, 11);
        let options = RecoverOptions {
            method: Some(method),
            ..RecoverOptions::default()
        };
        let found = recover(&samples, &options).expect("a recovery");
        let r2 = on_new(&found, &mut game, 31);
        let HeldOut {
            r2: said,
            standard_error,
            ..
        } = found.held_out;
        assert!(
            (r2 - said).abs() < 4.0 * standard_error + 0.02,
            "{method}: said {said} ± {standard_error}, is {r2}"
        );
        assert!(said > 0.5, "{method}: {said}");
    }
}

#[test]
fn a_game_of_nothing_but_noise_is_not_explained() {
    let mut game = Synthetic::new(60, vec![]).expect("a game");
    game = with_noise(&game, 1.0, 4);
    let samples = sampled(&mut game, 500, 1);
    let found = recover(&samples, &RecoverOptions::default()).expect("a recovery");
    assert!(found.held_out.r2 < 0.05, "{:?}", found.held_out);
    assert!(on_new(&found, &mut game, 2) > -0.05);
}

#[test]
fn a_constant_game_is_recovered_and_too_few_samples_are_refused() {
    let mut game = Synthetic::new(
        9,
        vec![Term {
            coefficient: 2.5,
            shape: Shape::Constant,
        }],
    )
    .expect("a game");
    let samples = sampled(&mut game, 60, 1);
    let found = recover(&samples, &RecoverOptions::default()).expect("a recovery");
    assert_eq!(found.model.value(&Coalition::from_players([1, 4])), 2.5);
    assert_eq!(found.held_out.r2, 1.0);
    let few = sampled(&mut game, 19, 1);
    let refused = recover(&few, &RecoverOptions::default()).expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "the number of samples must be at least 20 for a recovery, got 19"
    );
    let none = RecoverOptions {
        order: 0,
        ..RecoverOptions::default()
    };
    assert!(matches!(
        recover(&samples, &none),
        Err(Error::Parameter { .. })
    ));
}

/// The real tables: name, how many values are asked, and the best R² over all coalitions that a method of the shapiq package
/// (1.8.0) reached with as many, `scripts/compare_sparse.py`.
const REAL: [(&str, usize, f64); 20] = [
    ("image-resnet18-n14-04", 500, 0.9372),
    ("image-resnet18-n14-04", 2000, 0.9838),
    ("image-vit-n09-01", 500, 0.9753),
    ("image-vit-n09-17", 500, 0.9285),
    ("image-vit-n16-01", 500, 0.7848),
    ("image-vit-n16-01", 2000, 0.8999),
    ("sentiment-distilbert-n14-02", 500, 0.9394),
    ("sentiment-distilbert-n14-02", 2000, 0.9631),
    ("sentiment-distilbert-n14-13", 500, 0.8689),
    ("sentiment-distilbert-n14-13", 2000, 0.9489),
    ("sentiment-distilbert-n14-26", 500, 0.9726),
    ("sentiment-distilbert-n14-26", 2000, 0.9895),
    (
        "tabular-adultcensus-random-forest-conditional-n14-03",
        500,
        0.4169,
    ),
    (
        "tabular-adultcensus-random-forest-conditional-n14-03",
        2000,
        0.4487,
    ),
    (
        "tabular-bikesharing-gradient-boosting-marginal-n12-01",
        500,
        0.9988,
    ),
    (
        "tabular-bikesharing-gradient-boosting-marginal-n12-01",
        2000,
        0.9999,
    ),
    ("tabular-forestfires-tabpfn-n13-02", 500, 0.3359),
    ("tabular-forestfires-tabpfn-n13-02", 2000, 0.4608),
    ("tabular-realestate-tabpfn-n15-04", 500, 0.9911),
    ("tabular-realestate-tabpfn-n15-04", 2000, 0.9933),
];

#[test]
fn every_real_table_is_explained_at_least_as_well_as_by_the_best_of_the_package() {
    let tables: BTreeMap<String, ValueTable> = shared::games().into_iter().collect();
    if tables.is_empty() {
        return;
    }
    for (name, budget, bar) in REAL {
        let raw = tables[name].values().iter().copied();
        // Signed scores and probabilities as log-odds.
        let values: Vec<f64> = raw
            .map(|v| match name.split('-').next() {
                Some("sentiment") => {
                    let chance = if v > 0.0 { v } else { 1.0 + v };
                    (chance / (1.0 - chance)).ln()
                }
                Some("image") => (v / (1.0 - v)).ln(),
                _ => v,
            })
            .collect();
        let players = values.len().trailing_zeros() as usize;
        let mut table = ValueTable::new(players, values).expect("finite");
        let coalitions = plan(players, budget, 0).expect("a plan");
        let samples = ask(&mut table, coalitions, |_| ()).expect("values");
        let mut found = recover(&samples, &RecoverOptions::default()).expect("a recovery");
        let explained = tabulate(&mut found.model, |_| ()).expect("few players");
        let r2 = r_squared(table.values(), explained.values());
        assert!(r2 >= bar, "{name} at {budget}: R² {r2}, expected {bar}");
    }
}
