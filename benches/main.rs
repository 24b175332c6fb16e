//! All benchmarks, in one binary so that the library is linked once.

mod extract;
mod indices;
mod transform;
#[cfg(feature = "network")]
mod trie;

#[cfg(feature = "network")]
criterion::criterion_main!(
    extract::benches,
    indices::benches,
    transform::benches,
    trie::benches
);
#[cfg(not(feature = "network"))]
criterion::criterion_main!(extract::benches, indices::benches, transform::benches);
