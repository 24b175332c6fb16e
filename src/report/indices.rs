//! `indices.json`, and the answer of `harsanyi index`.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::game::ValueTable;
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

/// One index of a table, up to an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexReport {
    /// The index, by its name in the shapiq package.
    pub index: String,
    /// The highest order given.
    pub order: usize,
    /// A value per coalition of size 1 to `order`.
    pub values: Vec<IndexValue>,
}

/// What an index says of one coalition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexValue {
    /// The coalition, ascending.
    pub players: Vec<usize>,
    /// Its value, in the units of v.
    pub value: f64,
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
        });
        Ok(Self {
            index: index.name().into(),
            order,
            values: values.collect(),
        })
    }
}
