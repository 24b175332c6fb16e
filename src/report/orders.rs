//! `orders.json`: how much each order carries, how v grows with coalition size, and the bottleneck.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::folder::{self, LARGEST};
use crate::game::ValueTable;
use crate::interaction::AndOr;
use crate::interaction::order::{multi_order, relative_strength};
use crate::stats::bottleneck::{self, INDEX_DEFINITION, bottleneck_index};
use crate::stats::growth::growth;
use crate::stats::order_strength::order_strength;
use crate::{Error, Result};

/// The order profile of one table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrderReport {
    /// Summed effects per order 0..n of the AND and of the OR interactions.
    pub strength: SignedStrength,
    /// ū(m), the mean of v(S) − v(∅) over coalitions of size m = 0..n.
    pub mean_output: Vec<f64>,
    /// Whether ū never falls.
    pub monotone: bool,
    /// The growth exponent, or null.
    pub p: Option<f64>,
    /// Why there is no growth exponent.
    pub p_undefined: Option<String>,
    /// Multi-order interactions, where there is a pair.
    pub multi_order: Option<MultiOrderReport>,
    /// The bottleneck, where there is a middle.
    pub bottleneck: BottleneckReport,
}

/// Positive and negative sums per order, of both kinds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignedStrength {
    /// AND interactions, order 1 included.
    pub and: Signed,
    /// OR interactions.
    pub or: Signed,
}

/// Sums per order 0..n.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Signed {
    /// Σ of the effects above zero.
    pub positive: Vec<f64>,
    /// Σ of the effects below zero.
    pub negative: Vec<f64>,
}

/// I^(m) over all pairs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MultiOrderReport {
    /// m = 0..n−2, the players beside the pair.
    pub context_size: Vec<usize>,
    /// The mean over pairs of |I^(m)|, in the units of v.
    pub mean_abs: Vec<f64>,
    /// J^(m), `mean_abs` over its mean; null where no pair interacts.
    #[serde(rename = "J")]
    pub relative: Option<Vec<f64>>,
}

/// How far the middle falls short of the ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BottleneckReport {
    /// Least J of the middle over the mean of the two ends.
    pub index: Option<f64>,
    /// The definition of `index`.
    pub definition: String,
    /// n′ of the theory curve closest to J.
    pub fitted_n: Option<f64>,
    /// Root mean square distance to that curve, both of mean 1.
    pub fitted_residual: Option<f64>,
}

impl OrderReport {
    /// Measures `table` and the interactions `found` in it.
    ///
    /// # Errors
    /// None for a table with a pair; a single player has no multi-order part.
    pub fn new(table: &ValueTable, found: &AndOr) -> Result<Self> {
        let growth = growth(table);
        let multi_order = match multi_order(table) {
            Ok(profile) => {
                let mean_abs = profile.mean_abs();
                Some(MultiOrderReport {
                    context_size: profile.context_sizes().map(|m| m.0).collect(),
                    relative: relative_strength(&mean_abs),
                    mean_abs,
                })
            }
            Err(Error::Parameter { .. }) => None,
            Err(error) => return Err(error),
        };
        let relative = multi_order
            .as_ref()
            .and_then(|pairs| pairs.relative.as_deref());
        let fit = relative.and_then(bottleneck::fit);
        Ok(Self {
            strength: SignedStrength {
                and: signed(found.and()),
                or: signed(found.or()),
            },
            monotone: growth.monotone,
            p: growth.exponent.as_ref().ok().copied(),
            p_undefined: growth.exponent.as_ref().err().map(ToString::to_string),
            mean_output: growth.mean_output,
            bottleneck: BottleneckReport {
                index: relative.and_then(bottleneck_index),
                definition: INDEX_DEFINITION.into(),
                fitted_n: fit.map(|fit| fit.effective_players),
                fitted_residual: fit.map(|fit| fit.residual),
            },
            multi_order,
        })
    }

    /// Reads `orders.json` of the folder `dir`, as `order` writes it for a table of all coalitions.
    ///
    /// # Errors
    /// A file that is missing, is no order profile, or holds lists of different lengths or numbers beyond 1e100.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join("orders.json");
        let orders: Self = folder::read_json(&path, "order profile")?;
        let players = orders.mean_output.len().saturating_sub(1);
        let sane = orders.numbers().all(|number| number.abs() <= LARGEST);
        match players > 0 && orders.is_of(players) && sane {
            true => Ok(orders),
            false => Err(Error::Input(format!(
                "the lists in `{}` do not belong together",
                path.display()
            ))),
        }
    }

    /// Whether every list is as long as it is for so many players.
    pub(super) fn is_of(&self, players: usize) -> bool {
        let pairs = self.multi_order.as_ref();
        let mut by_size = self.by_size().into_iter();
        by_size.all(|values| values.len() == players + 1)
            && pairs.is_none_or(|pairs| {
                let sizes = pairs.context_size.len();
                let relative = pairs.relative.as_ref();
                pairs.mean_abs.len() == sizes && relative.is_none_or(|j| j.len() == sizes)
            })
    }

    /// The numbers that pages measure lengths by.
    pub(super) fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let pairs = self.multi_order.iter();
        let pairs =
            pairs.flat_map(|pairs| pairs.mean_abs.iter().chain(pairs.relative.iter().flatten()));
        let by_size = self.by_size().into_iter();
        by_size.flatten().chain(pairs).copied()
    }

    /// The lists of a number for each order or coalition size 0..n: effects of ANDs above and below zero, of ORs, and ū.
    pub(super) fn by_size(&self) -> [&Vec<f64>; 5] {
        let strength = &self.strength;
        [
            &strength.and.positive,
            &strength.and.negative,
            &strength.or.positive,
            &strength.or.negative,
            &self.mean_output,
        ]
    }
}

fn signed(effects: &[f64]) -> Signed {
    let strength = order_strength(effects);
    Signed {
        positive: strength.positive,
        negative: strength.negative,
    }
}
