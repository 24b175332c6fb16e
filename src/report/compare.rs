//! Several tables on the same players beside each other: `harsanyi compare`.

use serde::Serialize;

use super::{OverlapEntry, sparsity::SalientCount};
use crate::interaction::{AndOr, Kind, Threshold};
use crate::stats::agreement::{Agreement, agreement};
use crate::stats::faithfulness::faithfulness;
use crate::stats::sparsity::salient_counts;
use crate::stats::transfer::{overlap, set_overlap, transfer};
use crate::transform::{index, mobius};
use crate::{Error, Result, ValueTable};

/// At how many of the strongest interactions overlaps are taken.
const COUNTS: [usize; 4] = [5, 10, 20, 50];

/// A table with its interactions and where it came from.
pub struct Compared<'a> {
    /// Its name for people.
    pub source: String,
    /// v.
    pub table: &'a ValueTable,
    /// Its AND and OR interactions.
    pub found: &'a AndOr,
}

/// What several tables and their explanations have in common.
#[derive(Clone, Debug, Serialize)]
pub struct CompareReport {
    /// n, the number of players.
    pub players: usize,
    /// Which interactions count as salient.
    pub threshold: String,
    /// A line per table, in the order given.
    pub tables: Vec<TableEntry>,
    /// A line per pair of tables.
    pub pairs: Vec<PairEntry>,
    /// How many of the strongest interactions all tables share; empty for two, whose pair says it.
    pub all: Vec<OverlapEntry>,
}

/// One table.
#[derive(Clone, Debug, Serialize)]
pub struct TableEntry {
    /// Where it came from.
    pub source: String,
    /// v(∅)
    pub v_empty: f64,
    /// v(N)
    pub v_full: f64,
    /// Σ|I(S)| over all interactions.
    pub l1: f64,
    /// How far that is from the least possible, as proven; null without a proof.
    pub gap: Option<f64>,
    /// How many interactions are salient.
    pub salient: usize,
    /// The mean number of players in a salient interaction, weighted by |effect|; null where there is none.
    pub mean_order: Option<f64>,
    /// How many are salient under each published convention.
    pub sparsity: Vec<SalientCount>,
    /// Root mean square over all coalitions of what the salient interactions explain minus v.
    pub rms: f64,
    /// Σ(explained − v)² / Σ(v − v(∅))² of the salient interactions.
    pub unexplained: f64,
}

/// Two tables.
#[derive(Clone, Debug, Serialize)]
pub struct PairEntry {
    /// The place of each in the list of tables.
    pub tables: [usize; 2],
    /// Their values, coalition by coalition.
    pub values: AgreementEntry,
    /// Their Shapley values, player by player.
    pub shapley: AgreementEntry,
    /// Their AND effects, coalition by coalition.
    pub and: AgreementEntry,
    /// Their OR effects, likewise.
    pub or: AgreementEntry,
    /// Their salient interactions as sets.
    pub salient: SetEntry,
    /// How many of the strongest they share.
    pub strongest: Vec<OverlapEntry>,
    /// What the salient interactions of the first leave unexplained of the second, and the other way round.
    pub transfer: [TransferEntry; 2],
}

/// Two lists of numbers.
#[derive(Clone, Debug, Serialize)]
pub struct AgreementEntry {
    /// Pearson's correlation; null where one of the two does not vary.
    pub correlation: Option<f64>,
    /// Root mean square difference.
    pub rms: f64,
    /// The largest |difference|.
    pub max: f64,
}

/// Two sets of interactions.
#[derive(Clone, Debug, Serialize)]
pub struct SetEntry {
    /// The size of each.
    pub counts: [usize; 2],
    /// How many both hold.
    pub shared: usize,
    /// shared / (how many either holds)
    pub jaccard: f64,
    /// What `shared` would be on average for sets of these sizes drawn at random.
    pub chance: f64,
}

/// How far interactions found in one table explain another, as Σ(explained − v)² / Σ(v − v(∅))².
#[derive(Clone, Debug, Serialize)]
pub struct TransferEntry {
    /// Left unexplained with the effects as they are.
    pub as_they_are: f64,
    /// Left unexplained with effects fitted anew by least squares.
    pub refitted: f64,
}

impl From<Agreement> for AgreementEntry {
    fn from(found: Agreement) -> Self {
        Self {
            correlation: found.correlation,
            rms: found.rms,
            max: found.max,
        }
    }
}

impl CompareReport {
    /// Compares `tables` pair by pair.
    ///
    /// # Cost
    /// For each pair some butterflies, and k³/3 twice for k salient interactions.
    ///
    /// # Errors
    /// Fewer than two tables, or tables of different numbers of players.
    pub fn new(tables: &[Compared<'_>], threshold: Threshold) -> Result<Self> {
        let [first, _, ..] = tables else {
            return Err(Error::Input(
                "a comparison needs at least two tables".into(),
            ));
        };
        let players = first.table.players();
        if let Some(other) = tables.iter().find(|of| of.table.players() != players) {
            return Err(Error::Input(format!(
                "{} has {} players, and {} has {players}; tables on the same players are compared",
                other.source,
                other.table.players(),
                first.source,
            )));
        }
        let mut pairs = Vec::new();
        for (a, first) in tables.iter().enumerate() {
            for (b, second) in tables.iter().enumerate().skip(a + 1) {
                pairs.push(pair([a, b], first, second, threshold)?);
            }
        }
        let all: Vec<AndOr> = match tables.len() {
            2 => Vec::new(),
            _ => tables.iter().map(|of| of.found.clone()).collect(),
        };
        Ok(Self {
            players,
            threshold: threshold.to_string(),
            tables: tables
                .iter()
                .map(|of| entry(of, threshold))
                .collect::<Result<_>>()?,
            pairs,
            all: strongest(&all)?,
        })
    }
}

fn entry(of: &Compared<'_>, threshold: Threshold) -> Result<TableEntry> {
    let salient = of.found.salient(threshold);
    let left = faithfulness(of.table, of.found.empty(), &salient)?;
    let weight: f64 = salient.iter().map(|found| found.effect.abs()).sum();
    let orders = salient
        .iter()
        .map(|found| found.effect.abs() * found.order() as f64);
    Ok(TableEntry {
        source: of.source.clone(),
        v_empty: of.table.empty(),
        v_full: of.table.grand(),
        l1: of.found.l1(),
        gap: (!of.found.proof().is_empty()).then(|| of.found.gap()),
        salient: salient.len(),
        mean_order: (weight > 0.0).then(|| orders.sum::<f64>() / weight),
        sparsity: salient_counts(of.found)
            .into_iter()
            .map(|(threshold, count)| SalientCount {
                threshold: threshold.to_string(),
                count,
            })
            .collect(),
        rms: left.rms,
        unexplained: left.unexplained,
    })
}

fn pair(
    tables: [usize; 2],
    a: &Compared<'_>,
    b: &Compared<'_>,
    threshold: Threshold,
) -> Result<PairEntry> {
    let shapley = |of: &Compared<'_>| index::shapley(&mobius(of.table));
    let (of_a, of_b) = (a.found.salient(threshold), b.found.salient(threshold));
    let sets = set_overlap(a.table.players(), &of_a, &of_b);
    let transfer = |table, interactions| -> Result<TransferEntry> {
        let found = transfer(table, interactions)?;
        Ok(TransferEntry {
            as_they_are: found.as_they_are,
            refitted: found.refitted,
        })
    };
    Ok(PairEntry {
        tables,
        values: agreement(a.table.values(), b.table.values()).into(),
        shapley: agreement(&shapley(a), &shapley(b)).into(),
        and: agreement(&a.found.and()[1..], &b.found.and()[1..]).into(),
        or: agreement(&a.found.or()[1..], &b.found.or()[1..]).into(),
        salient: SetEntry {
            counts: sets.counts,
            shared: sets.shared,
            jaccard: sets.jaccard,
            chance: sets.chance,
        },
        strongest: strongest(&[a.found.clone(), b.found.clone()])?,
        transfer: [transfer(b.table, &of_a)?, transfer(a.table, &of_b)?],
    })
}

/// The overlap of the strongest interactions of each kind, as far as all models have that many.
fn strongest(models: &[AndOr]) -> Result<Vec<OverlapEntry>> {
    let mut entries = Vec::new();
    if models.is_empty() {
        return Ok(entries);
    }
    for kind in [Kind::And, Kind::Or] {
        for count in COUNTS {
            let found = overlap(models, kind, count)?;
            if found.count < count {
                break;
            }
            entries.push(OverlapEntry {
                kind,
                count,
                shared: found.shared,
                ratio: found.ratio,
                chance: found.chance,
                above_chance: found.above_chance,
            });
        }
    }
    Ok(entries)
}
