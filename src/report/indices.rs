//! `indices.json`, and the answer of `harsanyi index`.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::game::ValueTable;
use crate::sampling::{Estimate, Method};
use crate::transform::index::{self, Index};
use crate::transform::mobius;

/// The customary values of players and pairs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlayerIndices {
    /// The players' names.
    pub labels: Vec<String>,
    /// Shapley values; they sum to v(N) − v(∅).
    pub shapley: Vec<f64>,
    /// Banzhaf values.
    pub banzhaf: Vec<f64>,
    /// v(N) − v(N∖i)
    pub leave_one_out: Vec<f64>,
    /// Shapley interaction index of each pair.
    pub shapley_interaction: Vec<IndexValue>,
}

/// One index of a game, up to an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexReport {
    /// The index, by its name in the shapiq package.
    pub index: String,
    /// The highest order given.
    pub order: usize,
    /// n, the number of players.
    pub players: usize,
    /// v(∅)
    pub v_empty: f64,
    /// What the shapiq package calls the index of ∅, a convention that differs between indices.
    pub empty: f64,
    /// How the values were estimated; nothing where they are exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate: Option<EstimateInfo>,
    /// A value per coalition of size 1 to `order`.
    pub values: Vec<IndexValue>,
}

/// Where estimated values come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EstimateInfo {
    /// The method, by its name.
    pub method: String,
    /// The most values of the game that might be asked for.
    pub budget: usize,
    /// Those that were.
    pub evaluations: usize,
    /// The seed of what was drawn.
    pub seed: u64,
    /// How sure an interval from `low` to `high` is.
    pub confidence: f64,
}

/// What an index says of one coalition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexValue {
    /// The coalition, ascending.
    pub players: Vec<usize>,
    /// Its value, in the units of v.
    pub value: f64,
    /// How far off an estimated value may be.
    #[serde(flatten)]
    pub error: Option<ErrorBar>,
}

/// How far off an estimated value may be, in the units of v.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ErrorBar {
    /// The standard error of the value; 0 where it is exact.
    pub standard_error: f64,
    /// The lower end of the 95 % confidence interval.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl PlayerIndices {
    /// All of them, from `table`.
    pub fn new(table: &ValueTable, labels: &[String]) -> Self {
        let dividends = mobius(table);
        let pairs = index::pairs(table.players()).zip(index::pairwise_shapley(&dividends));
        Self {
            labels: labels.to_vec(),
            shapley: index::shapley(&dividends),
            banzhaf: index::banzhaf(&dividends),
            leave_one_out: index::leave_one_out(table),
            shapley_interaction: pairs
                .map(|((i, j), value)| IndexValue {
                    players: vec![i, j],
                    value,
                    error: None,
                })
                .collect(),
        }
    }
}

impl IndexReport {
    /// `index` of `table` up to `order`.
    ///
    /// # Errors
    /// An order that the index is not defined for.
    pub fn new(table: &ValueTable, index: Index, order: usize) -> Result<Self> {
        let values = index::interactions(table, index, order)?;
        let values = values.into_iter().map(|(s, value)| IndexValue {
            players: s.players().collect(),
            value,
            error: None,
        });
        Ok(Self {
            index: index.name().into(),
            order,
            players: table.players(),
            v_empty: table.empty(),
            empty: index::empty_entry(table, index, order)?,
            estimate: None,
            values: values.collect(),
        })
    }

    /// An estimate of `index` up to `order` of a game of so many players.
    pub fn estimated(
        found: &Estimate,
        players: usize,
        index: Index,
        order: usize,
        method: Method,
        budget: usize,
        seed: u64,
    ) -> Self {
        let values = found.values.iter().map(|value| {
            let (low, high) = value.interval();
            IndexValue {
                players: value.coalition.players().collect(),
                value: value.value,
                error: Some(ErrorBar {
                    standard_error: value.standard_error,
                    low,
                    high,
                }),
            }
        });
        Self {
            index: index.name().into(),
            order,
            players,
            v_empty: found.v_empty,
            empty: found.empty,
            estimate: Some(EstimateInfo {
                method: method.name().into(),
                budget,
                evaluations: found.evaluations,
                seed,
                confidence: 0.95,
            }),
            values: values.collect(),
        }
    }
}
