//! Sparse recovery: criterion per method and size, and seconds of one thread for a game that a script names.
//!
//! `cargo bench --no-default-features -- sparse` times with criterion. `HARSANYI_SPARSE="BUDGET SEED GAME" cargo bench
//! --no-default-features`, GAME being the path of a value file or an expression behind `synthetic:`, prints a line of
//! JSON with what a call of `recover` found and the seconds of processor time that it took, for `scripts/compare_sparse.py`.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;
use std::path::Path;

use criterion::BenchmarkId;
use harsanyi::Game;
use harsanyi::game::file::{self, BitOrder};
use harsanyi::game::synthetic::{self, Shape};
use harsanyi::game::{Samples, ask};
use harsanyi::sampling::sparse::{Method, RecoverOptions, plan, recover};

use crate::indices::{pool, processor_seconds};

fn sampled(game: &mut dyn Game, budget: usize, seed: u64) -> Samples {
    let coalitions = plan(game.players(), budget, seed).expect("a plan");
    ask(game, coalitions, |_| ()).expect("values")
}

/// What `recover` finds, and what it takes of processor time on one thread.
fn print_seconds(asked: &str) {
    let mut words = asked.splitn(3, ' ');
    let mut word = || words.next().expect("`BUDGET SEED GAME`");
    let budget = word().parse().expect("a number of values");
    let seed = word().parse().expect("a seed");
    let game = word();
    let samples = match game.strip_prefix("synthetic:") {
        Some(expression) => {
            let mut game = synthetic::parse(expression).expect("a game");
            sampled(&mut game, budget, seed)
        }
        None => {
            let mut table = file::read(Path::new(game), BitOrder::default()).expect("a table");
            sampled(&mut table, budget, seed)
        }
    };
    let options = RecoverOptions {
        seed,
        ..RecoverOptions::default()
    };
    let pool = pool(1);
    let run = |calls: u32| {
        let before = processor_seconds();
        let found = pool.install(|| {
            let call = || recover(black_box(&samples), &options);
            for _ in 1..calls {
                black_box(call()).expect("a recovery");
            }
            call().expect("a recovery")
        });
        ((processor_seconds() - before) / f64::from(calls), found)
    };
    let (first, found) = run(1);
    // Of quick calls the middle one of nine, each the mean of eight: the way to the pool's thread and back takes a while too.
    let mut all = vec![first];
    if first < 0.2 {
        all = (0..9).map(|_| run(8).0).collect();
    }
    all.sort_by(f64::total_cmp);
    let seconds = all[all.len() / 2];
    let mut constant = 0.0;
    let mut terms = Vec::new();
    for term in found.model.terms() {
        let (rule, set) = match &term.shape {
            Shape::And(set) => ("and", set),
            Shape::Or(set) => ("or", set),
            _ => {
                constant += term.coefficient;
                continue;
            }
        };
        let players: Vec<String> = set.players().map(|player| player.to_string()).collect();
        let (players, effect) = (players.join(","), term.coefficient);
        terms.push(format!(r#"["{rule}",[{players}],{effect:e}]"#));
    }
    println!(
        r#"{{"method":"{}","held_out":{},"standard_error":{},"seconds":{seconds},"constant":{constant:e},"terms":[{}]}}"#,
        found.method,
        found.held_out.r2,
        found.held_out.standard_error,
        terms.join(",")
    );
}

/// A game with few terms, and one in which every single player and every pair counts and large coalitions saturate.
fn games() -> [(&'static str, String, usize); 4] {
    let terms = |players: usize| {
        let sparse: Vec<String> = (0..20)
            .map(|at| {
                let (a, b) = (at * 7 % players, (at * 11 + 3) % players);
                let (c, weight) = ((at * 5 + 1) % players, 0.3 + 0.1 * at as f64);
                format!("{weight}*and({a},{b}) - {weight}*or({b},{c},{a})")
            })
            .collect();
        format!("n={players}; {}", sparse.join(" + "))
    };
    let dense: Vec<String> = (0..14)
        .map(|i| {
            format!(
                "{}*and({i}) - 0.2*and({i},{})",
                0.1 * i as f64,
                (i + 1) % 14
            )
        })
        .collect();
    let dense = format!(
        "{} + 3*majority(0..14) + 2*or(3..9) + noise(0.1,1)",
        dense.join(" + ")
    );
    [
        ("sparse, n = 30", terms(30), 2000),
        ("sparse, n = 100", terms(100), 2000),
        ("dense, n = 14", dense.clone(), 500),
        ("dense, n = 14", dense, 2000),
    ]
}

/// Prints the seconds that a script asks for; `false` where none did.
pub(crate) fn run() -> bool {
    let asked = std::env::var("HARSANYI_SPARSE");
    asked.is_ok_and(|asked| {
        print_seconds(&asked);
        true
    })
}

/// The benches of this module.
pub(crate) fn benches() {
    let mut criterion = crate::quick(2);
    let mut group = criterion.benchmark_group("sparse");
    for (name, expression, budget) in games() {
        let mut game = synthetic::parse(&expression).expect("a game");
        let samples = sampled(&mut game, budget, 1);
        let all = [None, Some(Method::Greedy), Some(Method::Ridge)];
        for method in all {
            let options = RecoverOptions {
                method,
                ..RecoverOptions::default()
            };
            let by = method.map_or("the choice", Method::name);
            let pool = pool(1);
            group.bench_function(BenchmarkId::new(format!("{name}, {by}"), budget), |bench| {
                pool.install(|| bench.iter(|| recover(black_box(&samples), &options)));
            });
        }
    }
    group.finish();
}
