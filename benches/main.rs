//! All benchmarks, in one binary so that the library is linked once.

mod transform;

criterion::criterion_main!(transform::benches);
