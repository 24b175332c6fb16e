//! `summary.json`: what many samples have in common.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Profile, folder};
use crate::interaction::order::relative_strength;
use crate::stats::bottleneck::bottleneck_index;
use crate::stats::jackknife::standard_errors;
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
    /// The text.
    pub text: String,
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
    /// The standard error of J^(m) over samples, by the jackknife; null for a single sample.
    #[serde(rename = "J_error")]
    pub error: Option<Vec<f64>>,
    /// The bottleneck index of J^(m), or null.
    pub bottleneck_index: Option<f64>,
}

impl SampleSummary {
    /// What a batch keeps of `profile`, the profile of the sample `id`.
    pub fn new(id: &str, profile: &Profile) -> Self {
        let Profile {
            record,
            interactions,
            orders,
            ..
        } = profile;
        Self {
            id: id.into(),
            text: record.sample.clone().unwrap_or_default(),
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
        let mean =
            |m: usize| samples.iter().map(|sample| sample[m]).sum::<f64>() / samples.len() as f64;
        let mean_abs: Vec<f64> = (0..sizes).map(mean).collect();
        let relative = relative_strength(&mean_abs);
        Self {
            n,
            samples: samples.len(),
            bottleneck_index: relative.as_deref().and_then(bottleneck_index),
            error: standard_errors(samples, relative_strength),
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
            let fits = |values: &Option<Vec<f64>>| values.as_ref().is_none_or(|v| v.len() == sizes);
            sizes + 1 == group.n && fits(&group.relative) && fits(&group.error)
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
