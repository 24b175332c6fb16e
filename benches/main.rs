//! All benchmarks, in one binary so that the library is linked once.

#[cfg(feature = "network")]
mod compare;
mod extract;
mod indices;
mod sparse;
mod transform;
#[cfg(feature = "network")]
mod trie;

use std::time::Duration;

/// Criterion for what takes milliseconds: ten samples within some `seconds`.
pub(crate) fn quick(seconds: u64) -> criterion::Criterion {
    criterion::Criterion::default()
        .configure_from_args()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(seconds))
}

fn main() {
    #[cfg(feature = "network")]
    if compare::run() {
        return;
    }
    if indices::run() || sparse::run() {
        return;
    }
    extract::benches();
    indices::benches();
    sparse::benches();
    transform::benches();
    #[cfg(feature = "network")]
    trie::benches();
    criterion::Criterion::default()
        .configure_from_args()
        .final_summary();
}
