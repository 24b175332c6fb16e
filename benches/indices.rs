//! Indices from a table: criterion per index, and seconds of one thread for a table that another program made.
//!
//! `cargo bench --no-default-features -- index` times with criterion. `HARSANYI_INDICES=TABLE.npy cargo bench
//! --no-default-features` prints a line of JSON for each index of that table, in seconds of processor time, for
//! `scripts/compare_indices.py`.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::ffi::OsStr;
use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Throughput};
use harsanyi::ValueTable;
use harsanyi::game::file::{self, BitOrder};
use harsanyi::transform::index::{Index, interactions};
use rand::{Rng, SeedableRng};

fn random_table(players: usize) -> ValueTable {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(players as u64);
    let values = (0..1usize << players)
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    ValueTable::new(players, values).expect("finite")
}

pub(crate) fn pool(threads: usize) -> rayon::ThreadPool {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("a pool of threads")
}

/// Seconds that all threads of this process have run on a processor, as Linux counts them, in nanoseconds.
pub(crate) fn processor_seconds() -> f64 {
    let threads = fs::read_dir("/proc/self/task").expect("Linux");
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|line| line.split(' ').next()?.parse::<f64>().ok())
        .sum::<f64>()
        * 1e-9
}

/// One line of JSON per index: its order, the least seconds of one call, and the sum of all |values|.
fn print_seconds(path: &OsStr) {
    let table = file::read(Path::new(path), BitOrder::default()).expect("a table");
    let pool = pool(1);
    for index in Index::ALL {
        let order = match index {
            Index::Mobius => table.players(),
            _ => index.max_order(table.players()).min(2),
        };
        let mut least = f64::INFINITY;
        let (mut spent, mut sum) = (0.0, 0.0);
        while spent < 0.2 {
            let before = processor_seconds();
            let found = pool.install(|| interactions(black_box(&table), index, order));
            let seconds = processor_seconds() - before;
            let found = found.expect("an order in range");
            sum = found.iter().map(|(_, value)| value.abs()).sum::<f64>();
            least = least.min(seconds);
            spent += seconds;
        }
        println!(r#"{{"index":"{index}","order":{order},"seconds":{least:e},"sum":{sum:e}}}"#);
    }
}

/// Prints the seconds that a script asks for; `false` where none did.
pub(crate) fn run() -> bool {
    let asked = std::env::var_os("HARSANYI_INDICES");
    asked.is_some_and(|path| {
        print_seconds(&path);
        true
    })
}

/// The benches of this module.
pub(crate) fn benches() {
    let mut criterion = crate::quick(1);
    let mut group = criterion.benchmark_group("index");
    for players in [12, 16, 20] {
        let table = random_table(players);
        group.throughput(Throughput::Elements(1 << players));
        let mut copy = table.values().to_vec();
        group.bench_function(BenchmarkId::new("copying it once", players), |bench| {
            bench.iter(|| {
                copy.copy_from_slice(black_box(table.values()));
                black_box(&mut copy);
            });
        });
        for index in Index::ALL {
            let order = index.max_order(players).min(2);
            let pool = pool(2);
            let name = format!("{index} of order {order}, 2 threads");
            group.bench_function(BenchmarkId::new(name, players), |bench| {
                pool.install(|| bench.iter(|| interactions(black_box(&table), index, order)));
            });
        }
    }
    group.finish();
}
