//! All benchmarks, in one binary so that the library is linked once.

mod extract;
mod transform;

criterion::criterion_main!(extract::benches, transform::benches);
