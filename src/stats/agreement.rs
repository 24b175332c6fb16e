//! How alike two lists of numbers are: the values of two tables, or the effects of two explanations.

/// Two lists of numbers of the same things beside each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Pearson's correlation, see [`pearson`].
    pub correlation: Option<f64>,
    /// Root mean square of the differences, in the units of the numbers.
    pub rms: f64,
    /// The largest |difference|.
    pub max: f64,
}

/// Compares `a` and `b` place by place.
///
/// # Panics
/// If one is longer than the other.
pub fn agreement(a: &[f64], b: &[f64]) -> Agreement {
    assert_eq!(a.len(), b.len(), "numbers of the same things");
    let (mut squares, mut max) = (0.0, 0.0f64);
    for (a, b) in a.iter().zip(b) {
        squares += (a - b).powi(2);
        max = max.max((a - b).abs());
    }
    Agreement {
        correlation: pearson(a, b),
        rms: (squares / a.len().max(1) as f64).sqrt(),
        max,
    }
}

/// Pearson's correlation Σ(a−ā)(b−b̄) / √(Σ(a−ā)²·Σ(b−b̄)²) of paired numbers; `None` for fewer than two pairs, or where one of
/// the two does not vary by more than rounding.
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let count = a.len().min(b.len());
    let mean = |of: &[f64]| of[..count].iter().sum::<f64>() / count as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut of_a, mut of_b, mut of_both) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean_a, b - mean_b);
        of_a += a * a;
        of_b += b * b;
        of_both += a * b;
    }
    let varies = |squares: f64, of: &[f64]| {
        let largest = of.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        squares > count as f64 * (1e-14 * largest).powi(2)
    };
    let defined = count > 1 && varies(of_a, a) && varies(of_b, b);
    defined.then(|| (of_both / (of_a.sqrt() * of_b.sqrt())).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correlation_is_of_what_varies() {
        let a = [1.0, 2.0, 4.0];
        let turned = pearson(&a, &a.map(|x| 3.0 - 2.0 * x)).expect("both vary");
        assert!((turned + 1.0).abs() < 1e-15);
        assert_eq!(pearson(&a, &[0.1 + 0.2, 0.3, 0.3]), None);
        assert_eq!(pearson(&[1.0], &[2.0]), None);
        // Deviations −4/3, −1/3, 5/3 and −1, 1, 0: Σxy = 1, Σx² = 14/3, Σy² = 2.
        let found = pearson(&a, &[0.0, 2.0, 1.0]).expect("both vary");
        assert!((found - 1.0 / (28.0f64 / 3.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn differences_are_summed_up_by_their_mean_and_their_largest() {
        let found = agreement(&[1.0, 2.0, 4.0], &[1.0, 5.0, 0.0]);
        assert_eq!(found.max, 4.0);
        assert!((found.rms - (25.0f64 / 3.0).sqrt()).abs() < 1e-15);
    }
}
