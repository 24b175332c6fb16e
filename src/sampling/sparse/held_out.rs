//! What a fit is worth on samples that it has not seen.

use super::fit::Part;

/// How well a fit predicts samples that it was not fitted to.
///
/// Nothing about a fit was decided by these samples except, where several methods were tried, which of them was taken. What is
/// returned is fitted again to all samples, which makes it slightly better than this says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOut {
    /// How many samples were held out.
    pub samples: usize,
    /// R² = 1 − Σ(v − f)² / Σ(v − v̄)², v̄ being the mean of the held-out values; where they are all the same, 1 when they
    /// are explained exactly and 0 otherwise.
    pub r2: f64,
    /// Standard error of R² by the delta method, from the spread of the single squared errors.
    pub standard_error: f64,
}

/// The figure of a fit that says `explained` of the samples of `held`.
pub(super) fn judge(held: &Part, explained: &[f64]) -> HeldOut {
    let count = held.values.len() as f64;
    let mean = held.mean();
    let (mut error, mut spread) = (0.0, 0.0);
    for (value, explained) in held.values.iter().zip(explained) {
        error += (value - explained).powi(2) / count;
        spread += (value - mean).powi(2) / count;
    }
    if spread == 0.0 {
        let r2 = f64::from(u8::from(error == 0.0));
        return HeldOut {
            samples: held.values.len(),
            r2,
            standard_error: 0.0,
        };
    }
    // R² is a function of two means; its variance is that of the first-order change that each sample makes.
    let influence = held.values.iter().zip(explained).map(|(value, explained)| {
        let (own, all) = ((value - explained).powi(2), (value - mean).powi(2));
        (own - error) / spread - error / (spread * spread) * (all - spread)
    });
    let variance = influence.map(|x| x * x).sum::<f64>() / (count * (count - 1.0));
    HeldOut {
        samples: held.values.len(),
        r2: 1.0 - error / spread,
        standard_error: variance.sqrt(),
    }
}

/// Whether what a fit says of the samples of `held` has smaller squared errors than what another says, by more than a standard
/// error of their mean difference.
pub(super) fn beats(held: &Part, explained: &[f64], other: &[f64]) -> bool {
    let gains: Vec<f64> = held
        .values
        .iter()
        .zip(explained.iter().zip(other))
        .map(|(value, (own, other))| (value - other).powi(2) - (value - own).powi(2))
        .collect();
    let count = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / count;
    let spread = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>();
    mean > (spread / (count * (count - 1.0))).sqrt()
}
