//! All benchmarks, in one binary so that the library is linked once.

#[cfg(feature = "network")]
mod compare;
mod extract;
mod indices;
mod sparse;
mod transform;
#[cfg(feature = "network")]
mod trie;

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
