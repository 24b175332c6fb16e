//! Samples in parts, in a unit in which squares neither overflow nor vanish.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::fit::{Part, Parts};
use crate::game::Samples;

/// The part of the samples that is held out, and of the others the part that decides between fits of one method.
const HELD_SHARE: usize = 5;

/// Samples, divided twice.
pub(super) struct Split {
    /// What is not held out: a part to fit, and one that decides how.
    pub(super) parts: Parts,
    /// Both of them.
    pub(super) known: Part,
    /// What is held out.
    pub(super) held: Part,
    /// Everything.
    pub(super) all: Part,
    /// What the values of all parts are divided by.
    pub(super) unit: f64,
}

impl Split {
    pub(super) fn new(samples: &Samples, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..samples.len()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        // What is fitted first stands first, so that what is known of it stays where more is fitted.
        order.reverse();
        let unit = unit(samples.values());
        let pairs = order.iter();
        let pairs = pairs.map(|&at| (&samples.coalitions()[at], samples.values()[at] / unit));
        let all = Part::new(samples.players(), pairs);
        let count = samples.len();
        let known = count - count / HELD_SHARE;
        let fitted = known - known / HELD_SHARE;
        Self {
            parts: Parts {
                fitted: all.part(0..fitted),
                held: all.part(fitted..known),
            },
            known: all.part(0..known),
            held: all.part(known..count),
            all,
            unit,
        }
    }
}

/// The power of two below the largest of the values, by which they are divided without rounding; 1 where all are 0.
pub(super) fn unit(values: &[f64]) -> f64 {
    let largest = values.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    match largest > 0.0 {
        true => f64::from_bits(largest.to_bits() >> 52 << 52).max(f64::MIN_POSITIVE),
        false => 1.0,
    }
}
