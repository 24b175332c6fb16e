//! `orders.json` of sampled multi-order interactions: one game's estimates, and the curve over many games.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::interaction::order_sampled::{PlanCounts, SampledProfile, SizeMoments};
use crate::stats::bootstrap::Resampling;
use crate::stats::bottleneck::{INDEX_DEFINITION, LEAST_EFFECTIVE};
use crate::stats::strength_curve::{Axis, NORMALIZATIONS, Relative, strength_curve};

/// What the figures are, for readers of the document.
const FIGURES: &str = "mean_abs: mean over samples and pairs of |mean over contexts|, too large by the noise of few contexts; \
    held_out: each context with the sign of the others, in expectation never too large; \
    split_half: mean_abs times the share of signal in its root mean square, from products of halves; \
    root_mean_square: root of the mean of I^2 from products of halves; all in the units of v";

/// Estimates of one game, complete enough to be averaged with those of others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleOrders {
    /// n, the number of players.
    pub n: usize,
    /// m, ascending.
    pub context_size: Vec<usize>,
    /// The mean of |Î| over pairs, for each size.
    pub mean_abs: Vec<f64>,
    /// The standard deviation of |Î| over pairs by the root of their number: how far `mean_abs` would move with other pairs and
    /// contexts.
    pub standard_error: Vec<f64>,
    /// [`SizeMoments::held_out`], for each size.
    pub held_out: Vec<f64>,
    /// [`SizeMoments::square`], for each size.
    pub square: Vec<f64>,
    /// [`SizeMoments::product`], for each size.
    pub product: Vec<f64>,
    /// Coalitions asked and evaluated.
    pub counts: PlanCounts,
    /// The pairs.
    pub pairs: Vec<[usize; 2]>,
    /// Î^(m)(i,j): a row of pairs for each size.
    pub effect: Vec<Vec<f64>>,
    /// Their standard errors, alike; 0 where all contexts were seen.
    pub effect_error: Vec<Vec<f64>>,
}

impl SampleOrders {
    /// Writes down `profile`.
    pub fn new(profile: &SampledProfile) -> Self {
        let moments = profile.moments();
        let of = |figure: fn(&SizeMoments) -> f64| moments.iter().map(figure).collect::<Vec<_>>();
        let rows = 0..moments.len();
        let error = |at: usize| {
            let strengths: Vec<f64> = profile.at(at).iter().map(|pair| pair.mean.abs()).collect();
            let count = strengths.len() as f64;
            let squares: f64 = strengths
                .iter()
                .map(|x| (x - moments[at].mean_abs).powi(2))
                .sum();
            (squares / (count - 1.0).max(1.0) / count).sqrt()
        };
        Self {
            n: profile.players(),
            context_size: profile.context_sizes().iter().map(|m| m.0).collect(),
            mean_abs: of(|moments| moments.mean_abs),
            standard_error: rows.clone().map(error).collect(),
            held_out: of(|moments| moments.held_out),
            square: of(|moments| moments.square),
            product: of(|moments| moments.product),
            counts: profile.counts(),
            pairs: profile.pairs().to_vec(),
            effect: rows
                .clone()
                .map(|at| profile.at(at).iter().map(|pair| pair.mean).collect())
                .collect(),
            effect_error: rows
                .map(|at| {
                    profile
                        .at(at)
                        .iter()
                        .map(|pair| pair.standard_error)
                        .collect()
                })
                .collect(),
        }
    }

    /// The moments at m, where that was sampled.
    pub fn moments(&self, size: usize) -> Option<SizeMoments> {
        let at = self.context_size.iter().position(|&m| m == size)?;
        Some(SizeMoments {
            mean_abs: *self.mean_abs.get(at)?,
            held_out: *self.held_out.get(at)?,
            square: *self.square.get(at)?,
            product: *self.product.get(at)?,
        })
    }
}

/// The curve over samples.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CurveReport {
    /// n, the number of players; null where samples differ in it.
    pub n: Option<usize>,
    /// How many samples were averaged.
    pub samples: usize,
    /// Coalitions asked and evaluated, all samples together.
    pub counts: PlanCounts,
    /// The strengths.
    pub multi_order: SampledMultiOrder,
    /// The bottleneck of `multi_order.J`.
    pub bottleneck: SampledBottleneck,
    /// The bottleneck of `multi_order.J_split_half`.
    pub bottleneck_split_half: SampledBottleneck,
    /// The same for the samples of each class, where there are several.
    pub classes: BTreeMap<String, CurveReport>,
}

/// J^(m) and what it comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SampledMultiOrder {
    /// m; null where samples differ in n.
    pub context_size: Option<Vec<usize>>,
    /// m/(n−2).
    pub ratio: Vec<f64>,
    /// The published estimate of the mean of |I^(m)|.
    pub mean_abs: Vec<f64>,
    /// Without the excess of noise.
    pub split_half: Vec<f64>,
    /// In expectation not above the truth.
    pub held_out: Vec<f64>,
    /// The root of the mean of I².
    pub root_mean_square: Vec<f64>,
    /// What these four are.
    pub figures: String,
    /// J^(m) of `mean_abs`, over the sampled sizes.
    #[serde(rename = "J")]
    pub published: Option<Vec<f64>>,
    /// Bootstrap intervals over samples.
    #[serde(rename = "J_interval")]
    pub published_interval: Option<Vec<[f64; 2]>>,
    /// J^(m) of `mean_abs`, over all sizes.
    #[serde(rename = "J_all_orders")]
    pub over_all_orders: Option<Vec<f64>>,
    /// J^(m) of `split_half`, over the sampled sizes.
    #[serde(rename = "J_split_half")]
    pub without_noise: Option<Vec<f64>>,
    /// Bootstrap intervals over samples.
    #[serde(rename = "J_split_half_interval")]
    pub without_noise_interval: Option<Vec<[f64; 2]>>,
    /// J^(m) of `split_half`, over all sizes.
    #[serde(rename = "J_split_half_all_orders")]
    pub without_noise_over_all_orders: Option<Vec<f64>>,
    /// What the normalizations are.
    pub normalizations: String,
    /// The share of bootstrap draws inside an interval.
    pub confidence: f64,
}

/// The depth of the trough, with its interval, and the theory curve.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SampledBottleneck {
    /// Least J of the middle over the mean of the two ends.
    pub index: Option<f64>,
    /// Its bootstrap interval over samples.
    pub interval: Option<[f64; 2]>,
    /// The definition of `index`.
    pub definition: String,
    /// n′ of the theory curve closest to J.
    pub fitted_n: Option<f64>,
    /// Root mean square distance to that curve, both of mean 1.
    pub fitted_residual: Option<f64>,
}

/// A sample in a curve.
#[derive(Clone, Copy, Debug)]
pub struct CurveSample<'a> {
    /// Its class.
    pub class: Option<&'a str>,
    /// Its moments along the axis.
    pub moments: &'a [SizeMoments],
    /// What it cost.
    pub counts: PlanCounts,
}

impl CurveReport {
    /// Averages `samples`, and those of each class.
    ///
    /// # Panics
    /// Without samples, or with one of another length than the axis.
    pub fn new(axis: &Axis, samples: &[CurveSample<'_>], resampling: &Resampling) -> Self {
        let mut report = Self::of(axis, samples, resampling);
        let mut classes: BTreeMap<&str, Vec<CurveSample<'_>>> = BTreeMap::new();
        for sample in samples {
            if let Some(class) = sample.class {
                classes.entry(class).or_default().push(*sample);
            }
        }
        if classes.len() > 1 {
            report.classes = classes
                .into_iter()
                .map(|(class, samples)| (class.into(), Self::of(axis, &samples, resampling)))
                .collect();
        }
        report
    }

    fn of(axis: &Axis, samples: &[CurveSample<'_>], resampling: &Resampling) -> Self {
        let games: Vec<Vec<SizeMoments>> = samples
            .iter()
            .map(|sample| sample.moments.to_vec())
            .collect();
        let curve = strength_curve(axis, &games, resampling);
        let of =
            |figure: fn(&SizeMoments) -> f64| curve.moments.iter().map(figure).collect::<Vec<_>>();
        let (published, split) = (curve.published.as_ref(), curve.split_half.as_ref());
        let (n, context_size) = match axis {
            Axis::Sizes { players, sizes } => (Some(*players), Some(sizes.clone())),
            Axis::Ratios { .. } => (None, None),
        };
        let counts = samples
            .iter()
            .fold(PlanCounts::default(), |sum, sample| PlanCounts {
                asked: sum.asked + sample.counts.asked,
                evaluated: sum.evaluated + sample.counts.evaluated,
            });
        Self {
            n,
            samples: samples.len(),
            counts,
            multi_order: SampledMultiOrder {
                context_size,
                ratio: axis.positions(),
                mean_abs: of(|moments| moments.mean_abs),
                split_half: of(SizeMoments::split_half),
                held_out: of(|moments| moments.held_out),
                root_mean_square: of(SizeMoments::root_mean_square),
                figures: FIGURES.into(),
                published: published.map(|j| j.strength.clone()),
                published_interval: published.and_then(|j| j.intervals.clone()),
                over_all_orders: published.and_then(|j| j.over_all_orders.clone()),
                without_noise: split.map(|j| j.strength.clone()),
                without_noise_interval: split.and_then(|j| j.intervals.clone()),
                without_noise_over_all_orders: split.and_then(|j| j.over_all_orders.clone()),
                normalizations: NORMALIZATIONS.into(),
                confidence: resampling.confidence,
            },
            bottleneck: SampledBottleneck::new(published),
            bottleneck_split_half: SampledBottleneck::new(split),
            classes: BTreeMap::new(),
        }
    }
}

impl SampledBottleneck {
    /// n′ of the theory curve, where one describes J.
    pub fn described_by(&self) -> Option<f64> {
        self.fitted_n.filter(|&n| n > LEAST_EFFECTIVE)
    }

    fn new(curve: Option<&Relative>) -> Self {
        let fit = curve.and_then(|curve| curve.fit);
        Self {
            index: curve.and_then(|curve| curve.index),
            interval: curve.and_then(|curve| curve.index_interval),
            definition: INDEX_DEFINITION.into(),
            fitted_n: fit.map(|fit| fit.effective_players),
            fitted_residual: fit.map(|fit| fit.residual),
        }
    }
}
