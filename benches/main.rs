//! All benchmarks, in one binary so that the library is linked once.

#[cfg(feature = "network")]
mod compare;
mod extract;
mod indices;
mod transform;
#[cfg(feature = "network")]
mod trie;

#[cfg(feature = "network")]
fn main() {
    if compare::run() {
        return;
    }
    extract::benches();
    indices::benches();
    transform::benches();
    trie::benches();
    criterion::Criterion::default()
        .configure_from_args()
        .final_summary();
}
#[cfg(not(feature = "network"))]
criterion::criterion_main!(extract::benches, indices::benches, transform::benches);
