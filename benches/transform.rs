//! The Möbius transform beside its floor: the time of copying the table once for each player.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use harsanyi::interaction::order::multi_order;
use harsanyi::transform::mobius;
use harsanyi::{ValueTable, game::synthetic, tabulate};

fn random_table(players: usize) -> ValueTable {
    let mut game = synthetic::parse(&format!("n={players}; noise(1,1)")).expect("a game");
    tabulate(&mut game, |_| ()).expect("a table")
}

fn pool(threads: usize) -> rayon::ThreadPool {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("a pool of threads")
}

/// One transform in coalitions per second, with one thread and with two.
fn transform(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mobius");
    group.sample_size(20);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    for players in [12, 16, 20, 22] {
        let table = random_table(players);
        group.throughput(Throughput::Elements(1 << players));
        let mut copy = table.values().to_vec();
        group.bench_function(BenchmarkId::new("copying it n times", players), |bench| {
            bench.iter(|| {
                for _ in 0..players {
                    copy.copy_from_slice(black_box(table.values()));
                    black_box(&mut copy);
                }
            });
        });
        for threads in [1, 2] {
            let pool = pool(threads);
            let name = format!("{threads} thread(s)");
            group.bench_function(BenchmarkId::new(name, players), |bench| {
                pool.install(|| bench.iter_with_large_drop(|| mobius(black_box(&table))));
            });
        }
    }
    group.finish();
}

/// All I^(m)(i,j) of a table.
fn orders(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("multi_order");
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    for players in [12, 20] {
        let table = random_table(players);
        group.throughput(Throughput::Elements(1 << players));
        for threads in [1, 2] {
            let pool = pool(threads);
            let name = format!("{threads} thread(s)");
            group.bench_function(BenchmarkId::new(name, players), |bench| {
                pool.install(|| bench.iter(|| multi_order(black_box(&table))));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, transform, orders);
