//! The widest vector instructions of the machine, chosen when the program runs.

use pulp::Arch;
pub(crate) use pulp::NullaryFnOnce as Work;

/// Runs `work` compiled for the widest vectors of this machine. It has to be marked `inline(always)`, which closures cannot be:
/// what is not inlined here is compiled for the narrowest.
pub(crate) fn on_lanes<W: Work>(work: W) -> W::Output {
    struct Inlined<W>(W);
    impl<W: Work> pulp::WithSimd for Inlined<W> {
        type Output = W::Output;

        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) -> W::Output {
            self.0.call()
        }
    }
    Arch::new().dispatch(Inlined(work))
}
