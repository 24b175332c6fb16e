//! `orders.json` of `order` with contexts: the curve over samples, and what it was made from.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::folder::{self, LARGEST};
use super::{CurveReport, FailedSample};
use crate::interaction::order_sampled::PlanCounts;
use crate::{Error, Result};

/// More players than any game here has.
const MOST_PLAYERS: f64 = 1e6;

/// Multi-order interactions of one sample, or of many.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Study {
    /// [`SCHEMA`](super::SCHEMA)
    pub schema: u32,
    /// Name and version of the program.
    pub program: String,
    /// What the network is; null for another game.
    pub model: Value,
    /// All settings, defaults included.
    pub config: Value,
    /// A line per sample of a data set.
    pub done: Vec<StudySample>,
    /// Samples that could not be measured.
    pub failed: Vec<FailedSample>,
    /// The strengths.
    #[serde(flatten)]
    pub curve: CurveReport,
}

/// What a study says of one sample.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StudySample {
    /// The name of its folder below `samples`.
    pub id: String,
    /// What is explained.
    pub class: Option<String>,
    /// n, the number of players.
    pub n: usize,
    /// Coalitions asked and evaluated.
    pub counts: PlanCounts,
    /// Wall-clock seconds.
    pub seconds: f64,
}

impl Study {
    /// Reads the study in the folder `dir`.
    ///
    /// # Errors
    /// A file that is missing, is no study, or holds lists of different lengths or numbers that no network answers.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join("orders.json");
        let study: Self = folder::read_json(&path, "study of orders")?;
        let of_classes = study.curve.classes.values().all(CurveReport::is_whole);
        match study.curve.is_whole() && of_classes {
            true => Ok(study),
            false => Err(Error::Input(format!(
                "the strengths in `{}` do not belong together",
                path.display()
            ))),
        }
    }
}

impl CurveReport {
    /// Whether all lists are of one length and all numbers are ones that can be drawn.
    fn is_whole(&self) -> bool {
        let orders = &self.multi_order;
        let sizes = orders.ratio.len();
        let curves = [&orders.published, &orders.without_noise];
        let intervals = [&orders.published_interval, &orders.without_noise_interval];
        let bottlenecks = [&self.bottleneck, &self.bottleneck_split_half];
        let fitted = bottlenecks.map(|bottleneck| bottleneck.fitted_n);
        let numbers = (curves.into_iter().flatten().flatten())
            .chain(intervals.into_iter().flatten().flatten().flatten());
        let others = self.n.map_or(usize::MAX, |n| n.saturating_sub(2));
        sizes > 0
            && (orders.context_size.iter())
                .all(|m| m.len() == sizes && m.iter().all(|&m| m <= others))
            && curves.into_iter().flatten().all(|j| j.len() == sizes)
            && intervals.into_iter().flatten().all(|j| j.len() == sizes)
            && numbers.into_iter().all(|number| number.abs() <= LARGEST)
            && orders.ratio.iter().all(|ratio| (0.0..=1.0).contains(ratio))
            && fitted.into_iter().flatten().all(|n| n <= MOST_PLAYERS)
    }
}
