//! The widest vector instructions of the machine, chosen when the program runs, and sums in registers, each in an order that no
//! machine changes.

use std::ops::{Add, AddAssign, Mul};

pub(crate) use pulp::NullaryFnOnce as Work;
use pulp::bytemuck::cast;
use pulp::{Arch, Simd, WithSimd};

/// Runs `work` compiled for the widest vectors of this machine. It has to be marked `inline(always)`, which closures cannot be:
/// what is not inlined here is compiled for the narrowest.
pub(crate) fn on_lanes<W: Work>(work: W) -> W::Output {
    struct Inlined<W>(W);
    impl<W: Work> WithSimd for Inlined<W> {
        type Output = W::Output;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> W::Output {
            self.0.call()
        }
    }
    on_registers(Inlined(work))
}

/// The same for work that names the registers.
pub(crate) fn on_registers<W: WithSimd>(work: W) -> W::Output {
    #[cfg(test)]
    if let Some(arch) = tests::CHOSEN.get() {
        return arch.dispatch(work);
    }
    Arch::new().dispatch(work)
}

/// Whether registers of this kind hold one number, so that nothing can be moved within them.
pub(crate) const fn is_scalar<S: Simd>() -> bool {
    size_of::<S::f32s>() == size_of::<f32>()
}

/// Partial sums of a product.
pub(crate) const LANES: usize = 16;

/// f32 and f64.
pub(crate) trait Number:
    Copy + Default + AddAssign + Add<Output = Self> + Mul<Output = Self>
{
    /// Σ a·b over whole groups of [`LANES`]. A loop over plain numbers would be compiled for pairs of them.
    fn products<S: Simd>(simd: S, a: &[Self], b: &[Self]) -> Self;
}

macro_rules! number {
    ($number:ident, $register:ident, $splat:ident, $add:ident, $mul:ident, $reduce:ident, $of:ident, $across:ident) => {
        impl Number for $number {
            #[inline(always)]
            fn products<S: Simd>(simd: S, a: &[Self], b: &[Self]) -> Self {
                #[inline(always)]
                fn by<S: Simd, const REGISTERS: usize>(
                    simd: S,
                    a: &[$number],
                    b: &[$number],
                ) -> $number {
                    let mut sums = [simd.$splat(0.0); REGISTERS];
                    let (a, b) = (S::$of(a).0, S::$of(b).0);
                    let (a, b) = (a.as_chunks::<REGISTERS>().0, b.as_chunks::<REGISTERS>().0);
                    for (a, b) in a.iter().zip(b) {
                        for at in 0..REGISTERS {
                            sums[at] = simd.$add(sums[at], simd.$mul(a[at], b[at]));
                        }
                    }
                    $across(simd, sums)
                }
                match LANES * size_of::<$number>() / size_of::<S::$register>() {
                    1 => by::<S, 1>(simd, a, b),
                    2 => by::<S, 2>(simd, a, b),
                    4 => by::<S, 4>(simd, a, b),
                    8 => by::<S, 8>(simd, a, b),
                    _ => by::<S, LANES>(simd, a, b),
                }
            }
        }

        /// The sum of all numbers in registers that hold [`LANES`] together: the first half plus the second, again and again.
        #[inline(always)]
        pub(crate) fn $across<S: Simd, const REGISTERS: usize>(
            simd: S,
            mut registers: [S::$register; REGISTERS],
        ) -> $number {
            let mut half = REGISTERS / 2;
            while half > 0 {
                for at in 0..half {
                    registers[at] = simd.$add(registers[at], registers[at + half]);
                }
                half /= 2;
            }
            match size_of::<S::$register>() / size_of::<$number>() {
                // Here some machines add neighbours.
                4 => {
                    let four: [$number; 4] = cast(registers[0]);
                    (four[0] + four[2]) + (four[1] + four[3])
                }
                _ => simd.$reduce(registers[0]),
            }
        }
    };
}

number!(
    f32,
    f32s,
    splat_f32s,
    add_f32s,
    mul_f32s,
    reduce_sum_f32s,
    as_simd_f32s,
    across_f32
);
number!(
    f64,
    f64s,
    splat_f64s,
    add_f64s,
    mul_f64s,
    reduce_sum_f64s,
    as_simd_f64s,
    across_f64
);

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        pub(super) static CHOSEN: Cell<Option<Arch>> = const { Cell::new(None) };
    }

    /// Runs `work` with the widest vectors that this machine has, with narrower ones, and with none, on this thread.
    pub(crate) fn on_every_kind(work: impl Fn()) {
        let mut kinds = vec![Arch::new(), Arch::Scalar];
        #[cfg(target_arch = "x86_64")]
        kinds.extend(pulp::x86::V3::try_new().map(Arch::V3));
        for kind in kinds {
            CHOSEN.set(Some(kind));
            work();
        }
        CHOSEN.set(None);
    }
}
