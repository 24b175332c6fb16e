//! Intervals from drawing the units of a study anew.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How a bootstrap is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resampling {
    /// How many times the units are drawn anew.
    pub draws: usize,
    /// The share of draws inside an interval.
    pub confidence: f64,
    /// Seed of the draws.
    pub seed: u64,
}

/// 1,000 draws, 95 %.
impl Default for Resampling {
    fn default() -> Self {
        Self {
            draws: 1000,
            confidence: 0.95,
            seed: 0,
        }
    }
}

/// Percentile intervals of several statistics of the same units (samples, say), which are drawn with replacement.
///
/// `statistics` gets the numbers of the drawn units and returns one figure each; `None` where a draw has none, which is then
/// left out. The result is `None` with fewer than 2 units, and where no draw had a figure.
///
/// # Cost
/// `draws` calls of `statistics`.
///
/// # Source
/// Efron 1979, *Bootstrap methods: another look at the jackknife*.
///
/// # Example
/// ```
/// use harsanyi::stats::bootstrap::{Resampling, intervals};
/// let heights = [1.0, 2.0, 4.0, 3.0, 2.5, 1.5];
/// let mean = |units: &[usize]| {
///     Some(vec![units.iter().map(|&unit| heights[unit]).sum::<f64>() / units.len() as f64])
/// };
/// let [low, high] = intervals(heights.len(), &Resampling::default(), mean).expect("six units")[0];
/// assert!(low < 2.0 && 2.7 < high);
/// ```
pub fn intervals(
    units: usize,
    resampling: &Resampling,
    statistics: impl Fn(&[usize]) -> Option<Vec<f64>>,
) -> Option<Vec<[f64; 2]>> {
    if units < 2 {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(resampling.seed);
    let mut drawn = vec![0; units];
    let mut figures: Vec<Vec<f64>> = Vec::new();
    for _ in 0..resampling.draws {
        drawn.fill_with(|| rng.random_range(0..units));
        let Some(found) = statistics(&drawn) else {
            continue;
        };
        figures.resize(found.len(), Vec::new());
        for (figures, found) in figures.iter_mut().zip(found) {
            figures.push(found);
        }
    }
    let tail = 0.5 * (1.0 - resampling.confidence.clamp(0.0, 1.0));
    let ends = |mut figures: Vec<f64>| {
        figures.sort_unstable_by(f64::total_cmp);
        [tail, 1.0 - tail].map(|share| quantile(&figures, share))
    };
    (!figures.is_empty()).then(|| figures.into_iter().map(ends).collect())
}

/// The quantile of sorted numbers, linear between neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_of_a_mean_cover_it_as_often_as_they_say() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let covered = (0..400)
            .filter(|&seed| {
                // Uniform on [0, 1], mean 1/2.
                let sample: Vec<f64> = (0..40).map(|_| rng.random()).collect();
                let mean = |units: &[usize]| {
                    Some(vec![
                        units.iter().map(|&at| sample[at]).sum::<f64>() / units.len() as f64,
                    ])
                };
                let resampling = Resampling {
                    draws: 300,
                    seed,
                    ..Resampling::default()
                };
                let [low, high] = intervals(40, &resampling, mean).expect("units")[0];
                (low..=high).contains(&0.5)
            })
            .count();
        // 380 expected; a standard deviation of 4.4, and percentile intervals are a little narrow.
        assert!((360..=398).contains(&covered), "{covered} of 400");
    }

    #[test]
    fn one_unit_or_no_figure_has_no_interval() {
        let resampling = Resampling::default();
        assert_eq!(intervals(1, &resampling, |_| Some(vec![1.0])), None);
        assert_eq!(intervals(9, &resampling, |_| None), None);
        assert_eq!(
            intervals(3, &resampling, |_| Some(vec![2.0])),
            Some(vec![[2.0, 2.0]])
        );
    }
}
