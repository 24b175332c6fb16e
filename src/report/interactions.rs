//! `interactions.json`: the AND and OR interactions that explain v, with their certificate.

use serde::{Deserialize, Serialize};

use crate::interaction::{AndOr, Fit, Interaction, Kind, Refit, Threshold};
use crate::stats::noise;

/// The interactions of one table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InteractionReport {
    /// v(∅), which belongs to no interaction.
    pub empty: f64,
    /// All AND interactions that are not exactly zero, strongest first; those of one player stand here.
    pub and: Vec<InteractionEntry>,
    /// All OR interactions of two and more players that are not exactly zero, strongest first.
    pub or: Vec<InteractionEntry>,
    /// How closely v had to be followed.
    pub fit: Fit,
    /// What was minimized, at the interactions given.
    pub objective: f64,
    /// Σ|I(S)| over all interactions given.
    pub l1: f64,
    /// A bound on the objective that no explanation can beat; null where the fit brings no proof, or where it is that of
    /// several tables together.
    pub lower_bound: Option<f64>,
    /// (objective − lower bound) / objective; null likewise.
    pub gap: Option<f64>,
    /// How many absent interactions could stand in for present ones, as far as the proof can tell: above 0, another
    /// explanation may be as good as this one.
    pub alternatives: usize,
    /// Root mean square over all coalitions of v − its reconstruction.
    pub residual_rms: f64,
    /// The largest |v − its reconstruction|.
    pub residual_max: f64,
    /// Which of the interactions count as salient.
    pub salient: SalientReport,
    /// What noise in v alone brings about; null where none was measured.
    pub noise: Option<NoiseReport>,
    /// The salient interactions with effects fitted anew by least squares, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refit: Option<RefitReport>,
}

/// What noise in v alone brings about, in the units of v.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoiseReport {
    /// σ, the standard deviation of the noise of v.
    pub std: f64,
    /// 3 · 2^(order/2) · σ for the orders 0 to n: effects below are marked, since noise alone reaches as far.
    pub floor: Vec<f64>,
    /// How many salient interactions lie below.
    pub salient_below: usize,
}

/// Least squares on the salient interactions, which undoes the shrinkage of the L1 norm.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RefitReport {
    /// The constant.
    pub empty: f64,
    /// AND interactions, strongest first.
    pub and: Vec<InteractionEntry>,
    /// OR interactions, strongest first.
    pub or: Vec<InteractionEntry>,
    /// Root mean square error over all coalitions.
    pub residual_rms: f64,
    /// The largest error.
    pub residual_max: f64,
}

impl RefitReport {
    /// Collects `refit`, named by `labels`.
    pub fn new(refit: &Refit, labels: &[String]) -> Self {
        let of = |kind: Kind| {
            let entries = refit.interactions.iter().filter(|found| found.kind == kind);
            entries
                .map(|found| InteractionEntry::new(found, labels, true))
                .collect()
        };
        Self {
            empty: refit.empty,
            and: of(Kind::And),
            or: of(Kind::Or),
            residual_rms: refit.residual_rms,
            residual_max: refit.residual_max,
        }
    }
}

/// One interaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InteractionEntry {
    /// S, ascending.
    pub players: Vec<usize>,
    /// The players' names.
    pub labels: Vec<String>,
    /// |S|
    pub order: usize,
    /// I(S), in the units of v.
    pub effect: f64,
    /// Whether it passes the threshold.
    pub salient: bool,
    /// Whether it lies under the noise floor of its order, so that it cannot be told from noise in v.
    pub below_noise: bool,
}

/// The convention for "salient", and what passes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SalientReport {
    /// The convention, as `max:0.05`.
    pub threshold: String,
    /// How many interactions pass it.
    pub count: usize,
}

impl InteractionReport {
    /// Collects the interactions of `found`, named by `labels`.
    pub fn new(found: &AndOr, labels: &[String], threshold: Threshold) -> Self {
        let salient = found.salient(threshold);
        let proven = !found.proof().is_empty();
        let mut report = Self {
            empty: found.empty(),
            and: Vec::new(),
            or: Vec::new(),
            fit: *found.fit(),
            objective: found.objective(),
            l1: found.l1(),
            lower_bound: proven.then(|| found.lower_bound()),
            gap: proven.then(|| found.gap()),
            alternatives: found.alternatives(),
            residual_rms: found.residual_rms(),
            residual_max: found.residual_max(),
            salient: SalientReport {
                threshold: threshold.to_string(),
                count: salient.len(),
            },
            noise: None,
            refit: None,
        };
        // Both lists are in one order, so that the salient ones are the first of the others.
        let all = found.salient(Threshold::Abs(0.0));
        for (place, interaction) in all.iter().enumerate() {
            let entry = InteractionEntry::new(interaction, labels, place < salient.len());
            match interaction.kind {
                Kind::And => report.and.push(entry),
                Kind::Or => report.or.push(entry),
            }
        }
        report
    }

    /// All lists of the document: AND, OR, and those of the refit.
    pub(super) fn lists(&self) -> Vec<&[InteractionEntry]> {
        let refit = self.refit.iter().flat_map(|refit| [&refit.and, &refit.or]);
        [&self.and, &self.or]
            .into_iter()
            .chain(refit)
            .map(Vec::as_slice)
            .collect()
    }

    /// The salient interactions, strongest first, with their kinds; those of the refit where there is one.
    pub fn listed(&self) -> Vec<(Kind, &InteractionEntry)> {
        let (and, or) = match &self.refit {
            Some(refit) => (&refit.and, &refit.or),
            None => (&self.and, &self.or),
        };
        let and = and.iter().map(|entry| (Kind::And, entry));
        let or = or.iter().map(|entry| (Kind::Or, entry));
        let mut listed: Vec<_> = and.chain(or).collect();
        listed.sort_by(|a, b| b.1.effect.abs().total_cmp(&a.1.effect.abs()));
        listed.truncate(self.salient.count);
        listed
    }

    /// Marks every interaction that noise of standard deviation `sigma` in the values of `players` players hides, where any
    /// noise was measured.
    pub fn with_noise(mut self, sigma: f64, players: usize) -> Self {
        if sigma > 0.0 {
            let refitted = self.refit.iter_mut();
            let refitted = refitted.flat_map(|refit| refit.and.iter_mut().chain(&mut refit.or));
            let mut salient_below = 0;
            for entry in self.and.iter_mut().chain(&mut self.or) {
                entry.below_noise = noise::hides(sigma, entry.order, entry.effect);
                salient_below += usize::from(entry.salient && entry.below_noise);
            }
            for entry in refitted {
                entry.below_noise = noise::hides(sigma, entry.order, entry.effect);
            }
            let spread = noise::by_order(sigma, players).into_iter();
            self.noise = Some(NoiseReport {
                std: sigma,
                floor: spread.map(|spread| noise::FLOOR * spread).collect(),
                salient_below,
            });
        }
        self
    }
}

impl InteractionEntry {
    pub(super) fn new(interaction: &Interaction, labels: &[String], salient: bool) -> Self {
        let players: Vec<usize> = interaction.players.players().collect();
        let labels = players
            .iter()
            .map(|&player| labels[player].clone())
            .collect();
        Self {
            order: players.len(),
            players,
            labels,
            effect: interaction.effect,
            salient,
            below_noise: false,
        }
    }
}
