//! Arithmetic that compilers turn into vector instructions: no branches, fixed order of sums.
//!
//! Every function here is inlined into its caller, so that it is compiled for the instructions of
//! [`on_lanes`](crate::lanes::on_lanes).

/// e^x within 2e-7 of its size for -87 ≤ x ≤ 88, and e^-87 or e^88 beyond.
///
/// e^x = 2^n e^r with n the integer nearest to x/ln 2; e^r is its Taylor polynomial, and |r| ≤ ln 2 / 2.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Adding it leaves n in the lowest bits of a float.
    const SHIFT: f32 = 12_582_912.0;
    // ln 2 in two parts, of which n times the first is exact.
    const LN_2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (x - n * LN_2.0) - n * LN_2.1;
    let tail = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
    let series = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * tail))));
    let exponent = shifted.to_bits().wrapping_sub(SHIFT.to_bits());
    series * f32::from_bits(exponent.wrapping_add(127) << 23)
}

/// tanh x within 2e-7.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (exp(2.0 * x) + 1.0)
}

/// The error function within 6e-7: Abramowitz and Stegun (1964), 7.1.26.
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    const A: [f32; 5] = [
        0.254_829_6,
        -0.284_496_74,
        1.421_413_7,
        -1.453_152,
        1.061_405_4,
    ];
    let size = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * size);
    let series = t * (A[0] + t * (A[1] + t * (A[2] + t * (A[3] + t * A[4]))));
    (1.0 - series * exp(-size * size)).copysign(x)
}

/// How many partial sums run side by side.
const LANES: usize = 16;

/// Σ f(a, b), in sixteen partial sums where the length allows; in this order whatever the machine.
#[inline(always)]
pub(super) fn sum(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let mut rest = 0.0;
    let (last_a, last_b) = (a.remainder(), b.remainder());
    for (a, b) in a.zip(b) {
        for lane in 0..LANES {
            sums[lane] += f(a[lane], b[lane]);
        }
    }
    for (&a, &b) in last_a.iter().zip(last_b) {
        rest += f(a, b);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0] + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_close_to_those_of_the_library() {
        for step in -40_000..=40_000 {
            let x = step as f32 * 2e-3;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 3e-7, "exp {x}");
            assert!((f64::from(tanh(x)) - f64::from(x).tanh()).abs() < 2e-7);
        }
        // ∫ e^-t² by Simpson's rule, step by step.
        let (mut exact, step) = (0.0, 1e-3);
        for at in 0..6_000 {
            let (from, to) = (f64::from(at) * step, f64::from(at + 1) * step);
            let height = |t: f64| (-t * t).exp();
            exact += step / 6.0 * (height(from) + 4.0 * height((from + to) / 2.0) + height(to));
            let expected = exact * 2.0 / std::f64::consts::PI.sqrt();
            for sign in [1.0, -1.0] {
                let got = f64::from(erf((sign * to) as f32));
                assert!((got - sign * expected).abs() < 6e-7, "erf {to}");
            }
        }
        assert!(exp(f32::NAN).is_nan() && exp(-1e9) > 0.0 && exp(-1e9) < 1e-37);
    }

    #[test]
    fn sums_take_every_element() {
        for length in 0..70 {
            let values: Vec<f32> = (0..length).map(|i| ((i * 37) % 23) as f32 - 11.0).collect();
            let plain: f32 = values.iter().map(|x| x * x).sum();
            assert_eq!(sum(&values, &values, |x, y| x * y), plain);
        }
    }
}
