//! The AND-OR extraction: time per table, and one table of results side by side with the published rule.
//!
//! `cargo bench --no-default-features -- extract` times with criterion; `HARSANYI_TABLE=1 cargo bench --no-default-features --
//! nothing` prints the table: same inputs, same process, same threads. `HARSANYI_TABLE=dense` adds the published rule with
//! dense matrices at n = 12 as well, which takes minutes.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use harsanyi::game::ValueTable;
use harsanyi::interaction::{AndOr, AndOrOptions, Fit, PublishedRule, and_or};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// 2n AND and n OR terms of one to four players, and noise of standard deviation 0.02.
fn planted(players: usize, noise: f64) -> ValueTable {
    let mut rng = ChaCha8Rng::seed_from_u64(players as u64);
    let mut and = vec![0.0; 1 << players];
    let mut or = and.clone();
    for term in 0..3 * players {
        let sign = if rng.random() { 1.0 } else { -1.0 };
        let effect = sign * rng.random_range(0.3..3.0);
        let picks = rng.random_range(1..5);
        let s = (0..picks).fold(0usize, |s, _| s | 1 << rng.random_range(0..players));
        if term < 2 * players {
            and[s] += effect;
        } else {
            or[s] += effect;
        }
    }
    let sums = |mut values: Vec<f64>| {
        harsanyi::transform::butterfly(&mut values, |without, with| (without, without + with));
        values
    };
    let (and, or) = (sums(and), sums(or));
    let total = or[or.len() - 1];
    let values = and
        .iter()
        .zip(or.iter().rev())
        .map(|(and, missed)| {
            let four: f64 = (0..4).map(|_| rng.random_range(-1.0..1.0)).sum();
            0.7 + and + total - missed + noise * four * 0.75f64.sqrt()
        })
        .collect();
    ValueTable::new(players, values).expect("finite")
}

fn solve(table: &ValueTable, fit: Fit, gap: f64) -> AndOr {
    let options = AndOrOptions {
        fit,
        gap,
        max_iterations: 100_000,
        ..AndOrOptions::default()
    };
    and_or(table, &options).expect("options in range")
}

/// The median of a few runs, one where a run is long.
fn timed<T>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut times = Vec::new();
    loop {
        let start = Instant::now();
        let result = black_box(run());
        times.push(start.elapsed());
        let spent: Duration = times.iter().sum();
        if times.len() == 9 || spent > Duration::from_secs(1) {
            times.sort_unstable();
            return (times[times.len() / 2], result);
        }
    }
}

/// The published rule as it was published: subgradients through dense single-precision 2^n × 2^n matrices. Returns Σ|I| over
/// S ≠ ∅ of the last iterate.
fn dense_rule(table: &ValueTable, rule: PublishedRule) -> f64 {
    let size = table.values().len();
    // and[s][t] = (−1)^{|s|−|t|} for t ⊆ s, or[s][t] = −and[s][N∖t], and both transposed.
    let sign = |s: usize, t: usize| match (t & !s, (s ^ t).count_ones() % 2) {
        (0, 0) => 1.0f32,
        (0, _) => -1.0,
        _ => 0.0,
    };
    let all = size - 1;
    let matrix = |entry: &(dyn Fn(usize, usize) -> f32 + Sync)| -> Vec<f32> {
        (0..size * size)
            .into_par_iter()
            .map(|at| entry(at / size, at % size))
            .collect()
    };
    let or_entry = |s: usize, t: usize| match s {
        0 => f32::from(u8::from(t == 0)),
        _ => -sign(s, all ^ t),
    };
    let (and, or) = (matrix(&sign), matrix(&or_entry));
    let and_back = matrix(&|s, t| sign(t, s));
    let or_back = matrix(&|s, t| or_entry(t, s));
    let product = |matrix: &[f32], x: &[f32]| -> Vec<f32> {
        let row = |row: &[f32]| {
            let mut lanes = [0.0f32; 16];
            for (a, b) in row.chunks_exact(16).zip(x.chunks_exact(16)) {
                for lane in 0..16 {
                    lanes[lane] += a[lane] * b[lane];
                }
            }
            lanes.iter().sum()
        };
        matrix.par_chunks(size).map(row).collect()
    };
    let v: Vec<f32> = table.values().iter().map(|value| *value as f32).collect();
    let (mut p, mut step) = (vec![0.0f32; size], vec![0.0f32; size]);
    let effects = |p: &[f32]| {
        let part =
            |sign: f32| -> Vec<f32> { v.iter().zip(p).map(|(v, p)| 0.5 * v + sign * p).collect() };
        (product(&and, &part(1.0)), product(&or, &part(-1.0)))
    };
    for iteration in 0..rule.iterations {
        let progress = iteration as f64 / (rule.iterations - 1) as f64;
        let rate = (rule.rate * 0.1f64.powf(progress)) as f32;
        let (a, o) = effects(&p);
        let signs = |x: Vec<f32>| -> Vec<f32> {
            x.iter()
                .map(|x| if *x == 0.0 { 0.0 } else { x.signum() })
                .collect()
        };
        let (a, o) = (product(&and_back, &signs(a)), product(&or_back, &signs(o)));
        for ((p, step), (a, o)) in p.iter_mut().zip(&mut step).zip(a.iter().zip(&o)) {
            *step = 0.9 * *step + a - o;
            *p -= rate * *step;
        }
    }
    let (a, o) = effects(&p);
    a[1..]
        .iter()
        .chain(&o[1..])
        .map(|x| f64::from(x.abs()))
        .sum()
}

fn peak_megabytes() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.map_or("?".into(), |kilobytes| {
        format!("{:.0} MB", kilobytes / 1024.0)
    })
}

fn row(name: &str, fit: Fit, table: &ValueTable, gap: f64) -> (Duration, AndOr) {
    let (time, split) = timed(|| solve(table, fit, gap));
    let steps = table.values().len() as f64 * table.players() as f64;
    println!(
        "{name:<14} n = {:2} gap {:.1e} of {gap:.0e}: {:>9.2?}, {:5} iterations, {:.2} ns per iteration and n·2^n, L1 {:.3}, peak so far {}",
        table.players(),
        split.gap(),
        time,
        split.iterations(),
        time.as_nanos() as f64 / steps / split.iterations().max(1) as f64,
        split.l1(),
        peak_megabytes(),
    );
    (time, split)
}

fn print_table(dense_at_twelve: bool) {
    println!("{} threads", rayon::current_num_threads());
    for players in [10, 12] {
        let table = planted(players, 0.02);
        let (time, split) = row("exact", Fit::Exact, &table, 1e-3);
        row("exact", Fit::Exact, &table, 1e-5);
        row("box 0.04", Fit::Box { share: 0.04 }, &table, 1e-3);
        row(
            "least squares",
            Fit::LeastSquares { sigma: Some(0.02) },
            &table,
            1e-3,
        );
        let compare = |name: &str, taken: Duration, l1: f64| {
            println!(
                "  {name}: {taken:.2?} for L1 {l1:.3}; the solver to 1e-3 is {:.0} times faster, at {:.3} times its L1",
                taken.as_secs_f64() / time.as_secs_f64(),
                split.l1() / l1,
            );
        };
        let rule = PublishedRule {
            rate: 1e-5,
            iterations: 10_000,
            bound: 0.0,
        };
        let start = Instant::now();
        let papers = solve(&table, Fit::Papers(rule), 0.0);
        compare(
            "published rule, 10,000 iterations with our transforms",
            start.elapsed(),
            papers.l1(),
        );
        if players == 10 || dense_at_twelve {
            let start = Instant::now();
            let l1 = dense_rule(&table, rule);
            compare(
                "published rule, 10,000 iterations with dense f32 matrices",
                start.elapsed(),
                l1,
            );
        }
    }
    for players in [14, 16, 18, 20] {
        row("exact noisy", Fit::Exact, &planted(players, 0.02), 1e-3);
        row("exact clean", Fit::Exact, &planted(players, 0.0), 1e-3);
        if players <= 16 {
            row(
                "least squares",
                Fit::LeastSquares { sigma: Some(0.02) },
                &planted(players, 0.02),
                1e-3,
            );
        }
    }
}

/// The benches of this module, and the table where it is asked for.
pub(crate) fn benches() {
    if let Some(kind) = std::env::var_os("HARSANYI_TABLE") {
        print_table(kind == "dense");
    }
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut group = criterion.benchmark_group("extract");
    for players in [8, 10, 12, 14, 16] {
        let table = planted(players, 0.02);
        for fit in [Fit::Exact, Fit::LeastSquares { sigma: Some(0.02) }] {
            group.bench_with_input(
                BenchmarkId::new(fit.to_string(), players),
                &table,
                |bencher, table| {
                    bencher.iter(|| solve(black_box(table), fit, 1e-3));
                },
            );
        }
    }
    group.finish();
}
