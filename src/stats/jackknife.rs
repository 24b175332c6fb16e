//! Standard errors of what is computed from a mean over samples.

/// Standard errors of f(mean), leaving out one sample after the other.
///
/// σ = √((s−1)/s · Σ_i (f(mean without i) − their mean)²) for each number that f returns
///
/// `samples` are s lists of one length, and `f` maps such a list to numbers. `None` for fewer than two samples, and where f has
/// no value without one of them.
///
/// # Cost
/// s evaluations of f.
///
/// # Panics
/// If the lists differ in length.
///
/// # Source
/// Tukey 1958, *Bias and confidence in not-quite large samples*; Efron and Stein 1981, *The jackknife estimate of variance*.
///
/// # Example
/// ```
/// use harsanyi::stats::jackknife::standard_errors;
/// // Of a mean itself: the standard deviation over √s.
/// let errors = standard_errors(&[vec![1.0], vec![3.0]], |mean| Some(mean.to_vec()));
/// assert_eq!(errors, Some(vec![1.0]));
/// ```
pub fn standard_errors(
    samples: &[Vec<f64>],
    f: impl Fn(&[f64]) -> Option<Vec<f64>>,
) -> Option<Vec<f64>> {
    let count = samples.len() as f64;
    if samples.len() < 2 {
        return None;
    }
    let total = sum(samples);
    let without: Option<Vec<Vec<f64>>> = samples
        .iter()
        .map(|sample| {
            let rest = total
                .iter()
                .zip(sample)
                .map(|(all, one)| (all - one) / (count - 1.0));
            f(&rest.collect::<Vec<_>>())
        })
        .collect();
    let without = without?;
    let center: Vec<f64> = sum(&without).into_iter().map(|sum| sum / count).collect();
    let spread = center.iter().enumerate().map(|(at, center)| {
        let squares: f64 = without
            .iter()
            .map(|values| (values[at] - center).powi(2))
            .sum();
        (squares * (count - 1.0) / count).sqrt()
    });
    Some(spread.collect())
}

fn sum(samples: &[Vec<f64>]) -> Vec<f64> {
    let mut total = vec![0.0; samples.first().map_or(0, Vec::len)];
    for sample in samples {
        assert_eq!(sample.len(), total.len(), "samples of one length");
        for (total, value) in total.iter_mut().zip(sample) {
            *total += value;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn the_error_of_a_mean_is_the_textbook_one() {
        let values = [0.3, -1.2, 2.5, 0.9, 0.0];
        let samples: Vec<Vec<f64>> = values
            .iter()
            .map(|&value| vec![value, 2.0 * value])
            .collect();
        let errors = standard_errors(&samples, |mean| Some(mean.to_vec())).expect("five samples");
        let mean = values.iter().sum::<f64>() / 5.0;
        let variance = values
            .iter()
            .map(|value| (value - mean).powi(2))
            .sum::<f64>()
            / 4.0;
        assert!((errors[0] - (variance / 5.0).sqrt()).abs() < 1e-15);
        assert!((errors[1] - 2.0 * errors[0]).abs() < 1e-15);
    }

    #[test]
    fn the_error_of_a_ratio_is_the_scatter_of_repeated_experiments() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let ratio = |mean: &[f64]| Some(vec![mean[0] / mean[1]]);
        let (mut ratios, mut errors) = (Vec::new(), Vec::new());
        for _ in 0..400 {
            let samples: Vec<Vec<f64>> = (0..40)
                .map(|_| vec![random.random_range(0.5..1.5), random.random_range(1.0..3.0)])
                .collect();
            let mean: Vec<f64> = sum(&samples).into_iter().map(|sum| sum / 40.0).collect();
            ratios.push(mean[0] / mean[1]);
            errors.push(standard_errors(&samples, ratio).expect("forty samples")[0]);
        }
        let mean = ratios.iter().sum::<f64>() / 400.0;
        let scatter = (ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / 399.0).sqrt();
        let told = errors.iter().sum::<f64>() / 400.0;
        assert!(
            (told / scatter - 1.0).abs() < 0.1,
            "{told} for a scatter of {scatter}"
        );
    }

    #[test]
    fn one_sample_has_no_error() {
        assert_eq!(
            standard_errors(&[vec![1.0]], |mean| Some(mean.to_vec())),
            None
        );
        assert_eq!(standard_errors(&[vec![1.0], vec![2.0]], |_| None), None);
    }
}
