//! Numbers with standard errors.

use crate::Coalition;

/// An index of coalitions as far as a sample tells, by size and then in the order of the players.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// One number for each coalition.
    pub values: Vec<Estimated>,
    /// Values of the game that were asked for.
    pub evaluations: usize,
    /// Degrees of freedom of the standard errors, by which intervals are wider than those of a normal distribution.
    pub degrees: usize,
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
}

impl Estimate {
    pub(super) fn exact(values: Vec<(Coalition, f64)>, evaluations: usize) -> Self {
        let values = values.into_iter().map(|(coalition, value)| Estimated {
            coalition,
            value,
            standard_error: 0.0,
        });
        Self {
            values: values.collect(),
            evaluations,
            degrees: usize::MAX,
        }
    }

    /// The 95 % confidence interval of one of the values: value ± t·standard error, t from Student's distribution.
    pub fn interval(&self, of: &Estimated) -> (f64, f64) {
        let half = student_quantile(self.degrees) * of.standard_error;
        (of.value - half, of.value + half)
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

/// Mean, and the variance of single values about it (with one degree of freedom taken); `None` for fewer than two.
pub(super) fn mean_and_variance(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    Some((mean, squares / (count - 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

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
