//! Sums over tables that come out the same for any number of threads.

use rayon::prelude::*;

/// Terms of one partial sum; partial sums are added in index order.
pub(crate) const BLOCK: usize = 4096;

/// Tables up to this length are not worth a second thread.
const SERIAL: usize = 1 << 14;

/// Σ f(a, b) over the pairs of two equally long slices.
pub(crate) fn sum<F: Fn(f64, f64) -> f64 + Copy + Sync>(a: &[f64], b: &[f64], f: F) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    if a.len() <= SERIAL {
        a.chunks(BLOCK)
            .zip(b.chunks(BLOCK))
            .map(|(a, b)| partial(a, b, f))
            .sum()
    } else {
        let partials: Vec<f64> = a
            .par_chunks(BLOCK)
            .zip(b.par_chunks(BLOCK))
            .map(|(a, b)| partial(a, b, f))
            .collect();
        partials.iter().sum()
    }
}

/// Eight running sums, so that additions do not wait for each other.
fn partial<F: Fn(f64, f64) -> f64 + Copy>(a: &[f64], b: &[f64], f: F) -> f64 {
    let mut lanes = [0.0; 8];
    let (eights_a, eights_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = eights_a
        .remainder()
        .iter()
        .zip(eights_b.remainder())
        .map(|(&a, &b)| f(a, b))
        .sum();
    for (a, b) in eights_a.zip(eights_b) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += f(a, b);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// [`sum`] over three slices.
pub(crate) fn sum3<F: Fn(f64, f64, f64) -> f64 + Copy + Sync>(
    a: &[f64],
    b: &[f64],
    c: &[f64],
    f: F,
) -> f64 {
    let of = |a: &[f64], b: &[f64], c: &[f64]| {
        let mut lanes = [0.0; 8];
        let whole = a.len() / 8 * 8;
        for ((a, b), c) in a
            .chunks_exact(8)
            .zip(b.chunks_exact(8))
            .zip(c.chunks_exact(8))
        {
            for (((lane, &a), &b), &c) in lanes.iter_mut().zip(a).zip(b).zip(c) {
                *lane += f(a, b, c);
            }
        }
        let rest: f64 = (whole..a.len()).map(|at| f(a[at], b[at], c[at])).sum();
        lanes.iter().sum::<f64>() + rest
    };
    if a.len() <= SERIAL {
        a.chunks(BLOCK)
            .zip(b.chunks(BLOCK))
            .zip(c.chunks(BLOCK))
            .map(|((a, b), c)| of(a, b, c))
            .sum()
    } else {
        let partials: Vec<f64> = a
            .par_chunks(BLOCK)
            .zip(b.par_chunks(BLOCK))
            .zip(c.par_chunks(BLOCK))
            .map(|((a, b), c)| of(a, b, c))
            .collect();
        partials.iter().sum()
    }
}

/// Σ a.
pub(crate) fn total(a: &[f64]) -> f64 {
    sum(a, a, |a, _| a)
}

/// ⟨a, b⟩.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum(a, b, |a, b| a * b)
}

/// Σ |a|.
pub(crate) fn l1(a: &[f64]) -> f64 {
    sum(a, a, |a, _| a.abs())
}

/// max |a|, 0 for an empty slice.
pub(crate) fn max_abs(a: &[f64]) -> f64 {
    let of = |block: &[f64]| block.iter().fold(0.0, |max: f64, x| x.abs().max(max));
    if a.len() <= SERIAL {
        of(a)
    } else {
        a.par_chunks(BLOCK).map(of).reduce(|| 0.0, f64::max)
    }
}

/// Runs `f` on the blocks of `out` together with those of the inputs, in parallel where that pays.
pub(crate) fn zip2(out: &mut [f64], a: &[f64], f: impl Fn(&mut f64, f64) + Sync) {
    let run = |out: &mut [f64], a: &[f64]| {
        for (out, &a) in out.iter_mut().zip(a) {
            f(out, a);
        }
    };
    if out.len() <= SERIAL {
        run(out, a);
    } else {
        out.par_chunks_mut(BLOCK)
            .zip(a.par_chunks(BLOCK))
            .for_each(|(out, a)| run(out, a));
    }
}

/// [`zip2`] with two inputs.
pub(crate) fn zip3(out: &mut [f64], a: &[f64], b: &[f64], f: impl Fn(&mut f64, f64, f64) + Sync) {
    let run = |out: &mut [f64], a: &[f64], b: &[f64]| {
        for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
            f(out, a, b);
        }
    };
    if out.len() <= SERIAL {
        run(out, a, b);
    } else {
        out.par_chunks_mut(BLOCK)
            .zip(a.par_chunks(BLOCK))
            .zip(b.par_chunks(BLOCK))
            .for_each(|((out, a), b)| run(out, a, b));
    }
}

/// [`zip2`] with three inputs.
pub(crate) fn zip4(
    out: &mut [f64],
    a: &[f64],
    b: &[f64],
    c: &[f64],
    f: impl Fn(&mut f64, f64, f64, f64) + Sync,
) {
    let run = |out: &mut [f64], a: &[f64], b: &[f64], c: &[f64]| {
        for (((out, &a), &b), &c) in out.iter_mut().zip(a).zip(b).zip(c) {
            f(out, a, b, c);
        }
    };
    if out.len() <= SERIAL {
        run(out, a, b, c);
    } else {
        out.par_chunks_mut(BLOCK)
            .zip(a.par_chunks(BLOCK))
            .zip(b.par_chunks(BLOCK))
            .zip(c.par_chunks(BLOCK))
            .for_each(|(((out, a), b), c)| run(out, a, b, c));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_the_number_of_threads() {
        let a: Vec<f64> = (0..100_003).map(|i| f64::from(i).sin()).collect();
        let b: Vec<f64> = (0..100_003).map(|i| f64::from(i).cos() * 1e3).collect();
        let with = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool")
                .install(|| (dot(&a, &b), l1(&b), max_abs(&a)))
        };
        assert_eq!(with(1), with(3));
        let plain: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
        assert!((dot(&a, &b) - plain).abs() < 1e-6);
    }
}
