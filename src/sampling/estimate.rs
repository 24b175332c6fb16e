//! Numbers with standard errors.

use crate::Coalition;

/// An index of coalitions as far as a sample tells, by size and then in the order of the players.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// One number for each coalition.
    pub values: Vec<Estimated>,
    /// v(∅)
    pub v_empty: f64,
    /// The constant of the fit for the faithful Banzhaf index, v(∅) for all others.
    pub empty: f64,
    /// Values of the game that were asked for.
    pub evaluations: usize,
}

/// What a sample says of one coalition.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimated {
    /// The coalition.
    pub coalition: Coalition,
    /// The estimate.
    pub value: f64,
    /// Its standard deviation over samples, estimated from the one sample; 0 where the value is exact.
    pub standard_error: f64,
    /// How well the standard error itself is known, in degrees of freedom: the fewer, the wider its interval.
    pub degrees: usize,
}

impl Estimate {
    pub(super) fn exact(
        values: Vec<(Coalition, f64)>,
        v_empty: f64,
        empty: f64,
        evaluations: usize,
    ) -> Self {
        let values = values.into_iter().map(|(coalition, value)| Estimated {
            coalition,
            value,
            standard_error: 0.0,
            degrees: usize::MAX,
        });
        Self {
            values: values.collect(),
            v_empty,
            empty,
            evaluations,
        }
    }
}

impl Estimated {
    /// The 95 % confidence interval: value ± t·standard error, t from Student's distribution.
    pub fn interval(&self) -> (f64, f64) {
        let half = student_quantile(self.degrees) * self.standard_error;
        (self.value - half, self.value + half)
    }
}

/// The 97.5 % quantile of Student's distribution with `degrees` ≥ 1 degrees of freedom, to 2e-4.
///
/// # Source
/// A table for the first five; Cornish and Fisher's expansion in 1/degrees beyond (Abramowitz and Stegun 1964, 26.7.5).
///
/// # Example
/// ```
/// use harsanyi::sampling::student_quantile;
/// assert!((student_quantile(10) - 2.2281).abs() < 2e-4);
/// ```
pub fn student_quantile(degrees: usize) -> f64 {
    match degrees {
        0 | 1 => 12.7062,
        2 => 4.3027,
        3 => 3.1824,
        4 => 2.7764,
        5 => 2.5706,
        _ => {
            let (z, d) = (1.959_964f64, degrees as f64);
            let terms = [
                (z.powi(3) + z) / 4.0,
                (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
                (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
                (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5)
                    - 1920.0 * z.powi(3)
                    - 945.0 * z)
                    / 92_160.0,
            ];
            terms
                .iter()
                .zip(1..)
                .fold(z, |sum, (term, power)| sum + term / d.powi(power))
        }
    }
}

/// The variance of a sum of means of samples, and how well that variance is known.
///
/// Few large values among many small ones make a variance doubtful: its degrees of freedom follow from the fourth moments, not
/// from the number of values alone.
///
/// # Source
/// Satterthwaite 1946; the variance of a sample variance: Cramér 1946, 27.4.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread {
    pub(super) variance: f64,
    /// The variance of that variance.
    doubt: f64,
}

impl Spread {
    /// Adds `scale` times the variance of single `values`, of which there are two or more.
    pub(super) fn add(&mut self, values: &[f64], scale: f64) {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let moment = |power| values.iter().map(|x| (x - mean).powi(power)).sum::<f64>();
        let variance = moment(2) / (count - 1.0);
        let square = variance * variance;
        // As much as of normal values at least: fourth moments of few values are too small.
        let by_moments = (moment(4) / count - square * (count - 3.0) / (count - 1.0)) / count;
        let doubt = by_moments.max(2.0 * square / (count - 1.0));
        self.variance += scale * variance;
        self.doubt += scale * scale * doubt;
    }

    /// Satterthwaite's degrees of freedom, at least 1.
    pub(super) fn degrees(self) -> usize {
        if self.doubt > 0.0 {
            (2.0 * self.variance * self.variance / self.doubt).max(1.0) as usize
        } else {
            usize::MAX
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variance_is_known_as_well_as_its_values_are_alike() {
        let of = |values: &[f64]| {
            let mut spread = Spread::default();
            spread.add(values, 0.5);
            (spread.variance, spread.degrees())
        };
        assert_eq!(of(&[1.0, 2.0, 3.0, 4.0]), (5.0 / 6.0, 3));
        assert_eq!(of(&[7.0; 9]), (0.0, usize::MAX));
        // One of a hundred stands out: about as much is known as from two or three values.
        let mut rare = vec![0.0; 100];
        rare[40] = 1.0;
        assert!(of(&rare).1 <= 2);
        // Two strata alike know twice as much.
        let mut both = Spread::default();
        both.add(&[1.0, 2.0, 3.0, 4.0], 0.5);
        both.add(&[1.0, 2.0, 3.0, 4.0], 0.5);
        assert_eq!((both.variance, both.degrees()), (5.0 / 3.0, 6));
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        let printed = [
            (1, 12.7062),
            (5, 2.5706),
            (6, 2.4469),
            (7, 2.3646),
            (12, 2.1788),
            (30, 2.0423),
            (120, 1.9799),
            (usize::MAX, 1.9600),
        ];
        for (degrees, expected) in printed {
            let found = student_quantile(degrees);
            assert!((found - expected).abs() < 2e-4, "{degrees}: {found}");
        }
    }
}
