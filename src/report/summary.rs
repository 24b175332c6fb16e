//! `summary.json`: what many samples have in common.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Profile, folder};
use crate::interaction::order::relative_strength;
use crate::stats::bootstrap::{Resampling, intervals};
use crate::stats::bottleneck::bottleneck_index;
use crate::{Error, Result};

/// A batch of samples.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// [`SCHEMA`](super::SCHEMA)
    pub schema: u32,
    /// Name and version of the program.
    pub program: String,
    /// All settings, defaults included.
    pub config: Value,
    /// A line per sample that was evaluated.
    pub samples: Vec<SampleSummary>,
    /// Samples that could not be.
    pub failed: Vec<FailedSample>,
    /// Means over the samples with the same number of players; others cannot be averaged order by order.
    pub by_players: Vec<PlayersSummary>,
}

/// One sample of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SampleSummary {
    /// The name of its folder below `samples`.
    pub id: String,
    /// The text, the file of the image, or the table and its row.
    pub text: String,
    /// The class that the data set says it has.
    pub label: Option<String>,
    /// n, the number of players.
    pub n: usize,
    /// What was read out.
    pub target: Option<Value>,
    /// v(∅)
    pub v_empty: f64,
    /// v(N)
    pub v_full: f64,
    /// How many interactions are salient.
    pub salient: usize,
    /// Σ|I(S)|
    pub l1: f64,
    /// How far `l1` may be from the least possible, as a share; null where there is no proof.
    pub gap: Option<f64>,
    /// Whether ū never falls.
    pub monotone: bool,
    /// The growth exponent, or null.
    pub p: Option<f64>,
    /// The bottleneck index, or null.
    pub bottleneck_index: Option<f64>,
    /// Wall-clock seconds of each stage.
    pub seconds: BTreeMap<String, f64>,
}

/// A sample that could not be evaluated.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FailedSample {
    /// What it is called.
    pub id: String,
    /// Why.
    pub error: String,
}

/// J^(m) over the samples with the same number of players.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlayersSummary {
    /// n
    pub n: usize,
    /// How many samples.
    pub samples: usize,
    /// The mean over samples and pairs of |I^(m)|, m = 0..n−2, in the units of v.
    pub mean_abs: Vec<f64>,
    /// J^(m), `mean_abs` over its mean; null where no pair interacts.
    #[serde(rename = "J")]
    pub relative: Option<Vec<f64>>,
    /// 95 % bootstrap intervals of J^(m) over samples; null for a single one.
    #[serde(rename = "J_interval")]
    pub interval: Option<Vec<[f64; 2]>>,
    /// The bottleneck index of J^(m), or null.
    pub bottleneck_index: Option<f64>,
}

impl SampleSummary {
    /// What a batch keeps of `profile`, the profile of the sample `id`, which the data set calls a `label`.
    pub fn new(id: &str, label: Option<String>, profile: &Profile) -> Self {
        let Profile {
            record,
            interactions,
            orders,
            ..
        } = profile;
        Self {
            id: id.into(),
            text: record.sample.clone().unwrap_or_default(),
            label,
            n: record.n,
            target: record.target.clone(),
            v_empty: record.v_empty,
            v_full: record.v_full,
            salient: interactions.salient.count,
            l1: interactions.l1,
            gap: interactions.gap,
            monotone: orders.monotone,
            p: orders.p,
            bottleneck_index: orders.bottleneck.index,
            seconds: record.seconds.clone(),
        }
    }
}

impl PlayersSummary {
    /// Averages the mean |I^(m)| of `samples`, all of n players; J is taken of the average, as published.
    ///
    /// # Panics
    /// If there is no sample, or they differ in length.
    pub fn new(n: usize, samples: &[Vec<f64>]) -> Self {
        let sizes = samples[0].len();
        let every: Vec<usize> = (0..samples.len()).collect();
        let average = |units: &[usize]| -> Vec<f64> {
            let mean = |m: usize| {
                units.iter().map(|&unit| samples[unit][m]).sum::<f64>() / units.len() as f64
            };
            (0..sizes).map(mean).collect()
        };
        let mean_abs = average(&every);
        let relative = relative_strength(&mean_abs);
        Self {
            n,
            samples: samples.len(),
            bottleneck_index: relative.as_deref().and_then(bottleneck_index),
            interval: intervals(samples.len(), &Resampling::default(), |units| {
                relative_strength(&average(units))
            }),
            relative,
            mean_abs,
        }
    }
}

impl Summary {
    /// Reads the summary of the batch folder `dir`.
    ///
    /// # Errors
    /// A file that is missing, is no summary, or holds lists of different lengths.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join("summary.json");
        let summary: Self = folder::read_json(&path, "summary of a batch")?;
        let like = |group: &PlayersSummary| {
            let sizes = group.mean_abs.len();
            let relative = group.relative.as_ref().is_none_or(|j| j.len() == sizes);
            let interval = group.interval.as_ref().is_none_or(|j| j.len() == sizes);
            sizes + 1 == group.n && relative && interval
        };
        match summary.by_players.iter().all(like) {
            true => Ok(summary),
            false => Err(Error::Input(format!(
                "`{}` has means that are not of its numbers of players",
                path.display()
            ))),
        }
    }
}
