//! J^(m) of many games at sampled context sizes: how strongly pairs interact beside m others, with intervals.
//!
//! In come the [`SizeMoments`] of each game; out goes a [`StrengthCurve`]: J^(m) with both normalizations and with and
//! without the excess of noise, bootstrap intervals over games, the depth of the bottleneck and the theory curve.

use super::bootstrap::{Resampling, intervals};
use super::bottleneck::{Fit, bottleneck_index, fit_at};
use crate::interaction::order::relative_strength;
use crate::interaction::order_sampled::SizeMoments;

/// What the two normalizations of J^(m) are, for reports.
pub const NORMALIZATIONS: &str = "J: divided by the mean over the sampled context sizes, as published; \
    J_all_orders: divided by the mean over all context sizes 0..n-2, linear between sampled ones";

/// Where the strengths of a curve lie.
#[derive(Clone, Debug, PartialEq)]
pub enum Axis {
    /// At context sizes m, ascending, of games that all have n players.
    Sizes {
        /// n
        players: usize,
        /// m
        sizes: Vec<usize>,
    },
    /// At ratios m/(n−2), ascending, of games with different n.
    Ratios {
        /// The largest n.
        players: usize,
        /// Each from 0 to 1.
        ratios: Vec<f64>,
    },
}

impl Axis {
    /// m/(n−2)
    pub fn positions(&self) -> Vec<f64> {
        match self {
            Self::Ratios { ratios, .. } => ratios.clone(),
            Self::Sizes { players, sizes } => {
                let others = players.saturating_sub(2).max(1) as f64;
                sizes.iter().map(|&m| m as f64 / others).collect()
            }
        }
    }

    /// The largest n.
    pub fn players(&self) -> usize {
        match self {
            Self::Sizes { players, .. } | Self::Ratios { players, .. } => *players,
        }
    }
}

/// A curve over the context sizes, relative to its mean over them.
#[derive(Clone, Debug, PartialEq)]
pub struct Relative {
    /// J^(m) with mean 1 over the sampled sizes.
    pub strength: Vec<f64>,
    /// Its bootstrap interval over games, where there are several.
    pub intervals: Option<Vec<[f64; 2]>>,
    /// J^(m) divided by the mean over all m = 0, …, n−2, linear between sampled sizes; `None` unless both ends were sampled and
    /// all games have the same n.
    pub over_all_orders: Option<Vec<f64>>,
    /// [`bottleneck_index`] over the sampled sizes; `None` unless both ends were sampled.
    pub index: Option<f64>,
    /// The bootstrap interval of `index`.
    pub index_interval: Option<[f64; 2]>,
    /// The theory curve closest to `strength`.
    pub fit: Option<Fit>,
}

/// The strengths of pairs at the sampled context sizes, over several games.
#[derive(Clone, Debug, PartialEq)]
pub struct StrengthCurve {
    /// The mean moments over games, one for each size.
    pub moments: Vec<SizeMoments>,
    /// J^(m) from the means of |Î|, as published; `None` where nothing interacts.
    pub published: Option<Relative>,
    /// J^(m) from [`SizeMoments::split_half`].
    pub split_half: Option<Relative>,
}

/// Averages over `games`, each with its moments along `axis`.
///
/// J^(m) = E_x E_{ij} |I^(m)(i,j|x)| / E_{m'} E_x E_{ij} |I^(m')(i,j|x)|
///
/// Split halves are taken of the averages over games, where the mean product of halves has the least noise.
///
/// # Panics
/// If a game has not one entry for each place of the axis, or there is no game.
///
/// # Source
/// Deng, Ren, Zhang and Zhang 2022, *Discovering and explaining the representation bottleneck of DNNs*.
pub fn strength_curve(
    axis: &Axis,
    games: &[Vec<SizeMoments>],
    resampling: &Resampling,
) -> StrengthCurve {
    assert!(!games.is_empty(), "no game to average over");
    let positions = axis.positions();
    let ends = positions.first() == Some(&0.0) && positions.last() == Some(&1.0);
    let average = |units: &[usize]| -> Vec<SizeMoments> {
        (0..positions.len())
            .map(|at| SizeMoments::mean(units.iter().map(|&unit| games[unit][at])))
            .collect()
    };
    let every: Vec<usize> = (0..games.len()).collect();
    let moments = average(&every);
    let relative = |figure: fn(&SizeMoments) -> f64| {
        let strength = relative_strength(&moments.iter().map(figure).collect::<Vec<_>>())?;
        let index = |strength: &[f64]| bottleneck_index(strength).filter(|_| ends);
        let drawn = intervals(games.len(), resampling, |units| {
            let mut all =
                relative_strength(&average(units).iter().map(figure).collect::<Vec<_>>())?;
            let index = index(&all).unwrap_or(0.0);
            all.push(index);
            Some(all)
        });
        let (intervals, last) = match drawn {
            Some(mut all) => {
                let last = all.pop();
                (Some(all), last)
            }
            None => (None, None),
        };
        let over_all_orders = match axis {
            Axis::Sizes { sizes, .. } if ends => {
                let mean = mean_over_all(sizes, &strength);
                Some(strength.iter().map(|j| j / mean).collect())
            }
            _ => None,
        };
        let index = index(&strength);
        Some(Relative {
            intervals,
            over_all_orders,
            index,
            index_interval: last.filter(|_| index.is_some()),
            fit: fit_at(axis.players(), &positions, &strength),
            strength,
        })
    };
    StrengthCurve {
        published: relative(|moments| moments.mean_abs),
        split_half: relative(SizeMoments::split_half),
        moments,
    }
}

/// The difference of two bottleneck indices, by split halves, with its bootstrap interval: `one` less `other`, which hold the same
/// samples in the same order, so that what samples share cancels. `None` unless both ends of the axis were sampled and pairs
/// interact in both.
///
/// # Panics
/// If one has not as many samples as the other, or none.
pub fn index_difference(
    axis: &Axis,
    [one, other]: [&[Vec<SizeMoments>]; 2],
    resampling: &Resampling,
) -> Option<(f64, Option<[f64; 2]>)> {
    assert_eq!(one.len(), other.len(), "samples come in pairs");
    let positions = axis.positions();
    if positions.first() != Some(&0.0) || positions.last() != Some(&1.0) {
        return None;
    }
    let index = |games: &[Vec<SizeMoments>], units: &[usize]| {
        let strengths: Vec<f64> = (0..positions.len())
            .map(|at| SizeMoments::mean(units.iter().map(|&unit| games[unit][at])).split_half())
            .collect();
        bottleneck_index(&strengths)
    };
    let difference = |units: &[usize]| Some(index(one, units)? - index(other, units)?);
    let every: Vec<usize> = (0..one.len()).collect();
    let drawn = intervals(one.len(), resampling, |units| {
        Some(vec![difference(units)?])
    });
    Some((difference(&every)?, drawn.map(|drawn| drawn[0])))
}

/// The mean over every whole number from the first of `sizes` to the last, linear between them.
fn mean_over_all(sizes: &[usize], values: &[f64]) -> f64 {
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else {
        return 0.0;
    };
    let between: f64 = sizes
        .windows(2)
        .zip(values.windows(2))
        .flat_map(|(sizes, values)| {
            let steps = sizes[1] - sizes[0];
            (0..steps)
                .map(move |step| values[0] + (values[1] - values[0]) * step as f64 / steps as f64)
        })
        .sum();
    (between + values[values.len() - 1]) / (last - first + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::bottleneck::theory_curve;

    fn along(players: usize, sizes: &[usize]) -> Axis {
        Axis::Sizes {
            players,
            sizes: sizes.to_vec(),
        }
    }

    fn moments(curve: &[f64], noise: f64) -> Vec<SizeMoments> {
        curve
            .iter()
            .map(|j| SizeMoments {
                mean_abs: (j * j + noise * noise).sqrt(),
                held_out: *j,
                square: j * j + noise * noise,
                product: j * j,
            })
            .collect()
    }

    #[test]
    fn the_two_normalizations_agree_where_every_size_was_sampled() {
        let curve = [3.0, 1.0, 0.5, 0.5, 2.0];
        let sizes = [0, 1, 2, 3, 4];
        let all = strength_curve(
            &along(6, &sizes),
            &[moments(&curve, 0.0)],
            &Resampling::default(),
        );
        let published = all.published.expect("not zero");
        assert_eq!(published.over_all_orders, Some(published.strength.clone()));
        assert!((published.strength.iter().sum::<f64>() - 5.0).abs() < 1e-12);
        assert_eq!(published.index, Some(0.5 / 2.5));
        assert_eq!(
            (published.intervals, published.index_interval),
            (None, None)
        );
    }

    #[test]
    fn sizes_that_were_left_out_count_as_lying_on_a_line() {
        let all: Vec<f64> = vec![4.0, 3.0, 2.0, 1.0, 1.5, 2.0];
        let (sizes, some) = ([0, 3, 5], [4.0, 1.0, 2.0]);
        assert!((mean_over_all(&sizes, &some) - all.iter().sum::<f64>() / 6.0).abs() < 1e-12);
        let curve = strength_curve(
            &along(7, &sizes),
            &[moments(&some, 0.0)],
            &Resampling::default(),
        );
        let published = curve.published.expect("not zero");
        let over_all = published.over_all_orders.expect("both ends");
        assert!((over_all[0] - 4.0 / 2.25).abs() < 1e-12);
        assert!((published.strength[0] - 4.0 / (7.0 / 3.0)).abs() < 1e-12);
    }

    #[test]
    fn noise_hides_the_trough_from_the_published_curve_and_not_from_split_halves() {
        let positions: Vec<f64> = (0..11).map(|m| f64::from(m) / 10.0).collect();
        let theory = theory_curve(12.0, &positions);
        let games = vec![moments(&theory, 0.3); 9];
        let sizes: Vec<usize> = (0..11).collect();
        let curve = strength_curve(&along(12, &sizes), &games, &Resampling::default());
        let (published, split) = (
            curve.published.expect("not zero"),
            curve.split_half.expect("not zero"),
        );
        assert!(published.index.expect("ends") > 2.0 * split.index.expect("ends"));
        let fit = split.fit.expect("a fit");
        assert!((fit.effective_players - 12.0).abs() < 1e-6 && fit.residual < 1e-8);
        // Games that are all alike leave nothing to chance.
        let [low, high] = split.index_interval.expect("several games");
        assert!(high - low < 1e-12);
    }

    #[test]
    fn what_all_samples_share_cancels_in_the_difference_of_two_indices() {
        let axis = along(6, &[0, 2, 4]);
        let games = |middle: f64| -> Vec<Vec<SizeMoments>> {
            (1..=8)
                .map(|size| {
                    let size = f64::from(size);
                    moments(&[2.0 * size, middle * size, 2.0 * size], 0.0)
                })
                .collect()
        };
        let (one, other) = (games(1.0), games(0.5));
        let found = index_difference(&axis, [&one, &other], &Resampling::default());
        let (difference, interval) = found.expect("both interact");
        assert!((difference - 0.25).abs() < 1e-12);
        let [low, high] = interval.expect("eight samples");
        assert!((low - 0.25).abs() < 1e-12 && (high - 0.25).abs() < 1e-12);
        assert!(
            index_difference(
                &along(6, &[0, 1, 2]),
                [&one, &other],
                &Resampling::default()
            )
            .is_none()
        );
    }

    #[test]
    fn games_without_interactions_have_no_relative_strength() {
        let curve = strength_curve(
            &along(4, &[0, 1, 2]),
            &[moments(&[0.0; 3], 0.0)],
            &Resampling::default(),
        );
        assert_eq!((curve.published, curve.split_half), (None, None));
    }
}
