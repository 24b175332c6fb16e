//! ln Σ e^z of single precision, in double precision.

use crate::lanes::{Work, on_lanes};

/// ln Σ_c e^(z_c) over both parts of a row of logits, within 1e-14 of its size, or of 1 where that is more; −∞ for nothing, and
/// NaN where a logit is NaN or ∞.
pub(crate) fn log_sum_exp(parts: [&[f32]; 2]) -> f64 {
    let most = on_lanes(Most(parts));
    match most.is_finite() {
        true => f64::from(most) + on_lanes(Sum(parts, f64::from(most))).ln(),
        // No logit, or one that is not finite.
        false if parts.iter().all(|part| part.is_empty()) => f64::NEG_INFINITY,
        false => f64::NAN,
    }
}

/// Numbers that are looked at side by side: loops over this many become vector instructions, a few written out do not.
const BLOCK: usize = 128;

/// The largest, NaN where one is not finite, −∞ of none.
struct Most<'a>([&'a [f32]; 2]);

impl Work for Most<'_> {
    type Output = f32;

    #[inline(always)]
    fn call(self) -> f32 {
        let mut most = [f32::NEG_INFINITY; BLOCK];
        // Stays 0 as long as all are finite.
        let mut odd = [0.0f32; BLOCK];
        for part in self.0 {
            for block in part.chunks(BLOCK) {
                for ((most, odd), &z) in most.iter_mut().zip(&mut odd).zip(block) {
                    *most = if z > *most { z } else { *most };
                    *odd += z * 0.0;
                }
            }
        }
        let odd: f32 = odd.iter().sum();
        most.into_iter().fold(f32::NEG_INFINITY, f32::max) + odd
    }
}

/// Σ e^(z − most), most being at least every z.
struct Sum<'a>([&'a [f32]; 2], f64);

impl Work for Sum<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let Self(parts, most) = self;
        let mut sums = [0.0f64; BLOCK];
        for part in parts {
            for block in part.chunks(BLOCK) {
                for (sum, &z) in sums.iter_mut().zip(block) {
                    *sum += exp(f64::from(z) - most);
                }
            }
        }
        sums.iter().sum()
    }
}

/// 1/k!
const INVERSE_FACTORIALS: [f64; 14] = {
    let mut inverse = [1.0; 14];
    let mut k = 1;
    while k < 14 {
        inverse[k] = inverse[k - 1] / k as f64;
        k += 1;
    }
    inverse
};

/// e^x within 1e-15 of its size for −700 ≤ x ≤ 0, and e^−700 below.
///
/// e^x = 2^n e^r with n the integer nearest to x/ln 2; e^r is its Taylor polynomial, and |r| ≤ ln 2 / 2.
#[inline(always)]
fn exp(x: f64) -> f64 {
    // Adding it leaves n in the lowest bits of a float.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    // ln 2 in two parts, of which n times the first is exact.
    const LN_2: (f64, f64) = (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10);
    let x = if x > -700.0 { x } else { -700.0 };
    let shifted = x * std::f64::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (x - n * LN_2.0) - n * LN_2.1;
    let mut series = 0.0;
    let mut k = INVERSE_FACTORIALS.len();
    while k > 0 {
        k -= 1;
        series = series * r + INVERSE_FACTORIALS[k];
    }
    let exponent = shifted.to_bits().wrapping_sub(SHIFT.to_bits());
    series * f64::from_bits(exponent.wrapping_add(1023) << 52)
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn exponentials_equal_those_of_the_library() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        for _ in 0..20_000 {
            let x: f64 = -rng.random_range(0.0..700.0f64) * rng.random_range(0.0..1.0f64);
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-15, "{x}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1e9) > 0.0 && exp(-1e9) < 1e-300);
    }

    #[test]
    fn sums_equal_their_formula_and_say_what_is_not_finite() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(6);
        for (length, cut) in [(1, 0), (5, 5), (16, 3), (33, 16), (512, 77), (512, 511)] {
            let mut z: Vec<f32> = (0..length).map(|_| rng.random_range(-30.0..30.0)).collect();
            let most = f64::from(z.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let sum: f64 = z.iter().map(|z| (f64::from(*z) - most).exp()).sum();
            let exact = most + sum.ln();
            let found = log_sum_exp([&z[..cut], &z[cut..]]);
            assert!(
                (found - exact).abs() < 1e-14 * exact.abs().max(1.0),
                "{found} {exact}"
            );
            for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let at = rng.random_range(0..length);
                let before = std::mem::replace(&mut z[at], odd);
                assert!(
                    log_sum_exp([&z[..cut], &z[cut..]]).is_nan(),
                    "{odd} at {at}"
                );
                z[at] = before;
            }
        }
        assert_eq!(log_sum_exp([&[], &[]]), f64::NEG_INFINITY);
    }
}
