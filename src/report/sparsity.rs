//! `sparsity.json`: how few interactions carry how much, and how few the theory promises.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::game::ValueTable;
use crate::interaction::{AndOr, Threshold, prune};
use crate::stats::faithfulness::{curve, faithfulness};
use crate::stats::sparsity::{salient_counts, sparsity, strength_curve};
use crate::transform::mobius;

/// Numbers of the strength curve that are kept: beyond, all published curves are flat.
const CURVE: usize = 4096;

/// Interactions up to which pruning is run: it looks at every pair.
const PRUNED: usize = 4096;

/// The weakest interactions among which pruning chooses at each step, as published.
const CANDIDATES: usize = 20;

/// The sparsity and faithfulness of one table's interactions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SparsityReport {
    /// |I(S)| / max |I(S)|, strongest first, at most 4096 of them.
    pub strength_curve: Vec<f64>,
    /// How many interactions are salient under each published convention.
    pub salient: Vec<SalientCount>,
    /// The theorem on AND interactions, order by order.
    pub theorem: TheoremReport,
    /// What the salient interactions explain.
    pub faithfulness: FaithfulnessReport,
    /// The fewest salient interactions that greedy pruning can keep within a normalized squared error.
    pub pruning: Vec<PruningReport>,
}

/// One convention for "salient".
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SalientCount {
    /// As `max:0.05`.
    pub threshold: String,
    /// How many pass it.
    pub count: usize,
}

/// What the sparsity theorem says of the Harsanyi dividends, at τ = 0.05 of the strongest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TheoremReport {
    /// τ, in the units of v.
    pub threshold: f64,
    /// Salient dividends of all orders.
    pub salient: usize,
    /// The bound on them, or null.
    pub bound: Option<f64>,
    /// Why there is no bound.
    pub bound_undefined: Option<String>,
    /// Orders 1 to n.
    pub orders: Vec<OrderEntry>,
}

/// One order of the theorem.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrderEntry {
    /// k
    pub order: usize,
    /// A(k), the sum of the dividends.
    pub sum: f64,
    /// η(k), the sum over the sum of sizes; null where all are zero.
    pub agreement: Option<f64>,
    /// R(k), how many are salient.
    pub salient: usize,
    /// The bound on R(k), or null.
    pub bound: Option<f64>,
    /// Why there is no bound.
    pub bound_undefined: Option<String>,
}

/// How far the salient interactions alone are from v.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaithfulnessReport {
    /// Root mean square error over all coalitions.
    pub rms: f64,
    /// The largest error.
    pub max: f64,
    /// Σ error² / Σ (v − v(∅))²
    pub unexplained: f64,
    /// Root mean square error per coalition size 0..n.
    pub rms_by_size: Vec<f64>,
    /// Root mean square error of the k strongest alone: of none, 1, 2, 5, … 1000 and, where they are no more, all salient ones.
    pub strongest: Vec<StrongestError>,
}

/// The error of the k strongest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StrongestError {
    /// k
    pub count: usize,
    /// Root mean square error over all coalitions.
    pub rms: f64,
}

/// How far pruning comes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PruningReport {
    /// The normalized squared error allowed.
    pub error: f64,
    /// The fewest interactions kept.
    pub kept: usize,
}

impl SparsityReport {
    /// Measures the interactions `found` in `table`; `threshold` says which are salient.
    ///
    /// # Errors
    /// None for interactions of this table.
    pub fn new(table: &ValueTable, found: &AndOr, threshold: Threshold) -> Result<Self> {
        let mut strength_curve = strength_curve(found);
        strength_curve.truncate(CURVE);
        let salient = found.salient(threshold);
        let all = salient.len();
        let counts: Vec<usize> = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
            .into_iter()
            .take_while(|&count| count < all)
            .chain((all <= 1000).then_some(all))
            .collect();
        let errors = curve(table, found.empty(), &salient, &counts)?;
        let left = faithfulness(table, found.empty(), &salient)?;
        let few = salient.clone().strongest(PRUNED);
        let pruned = prune(table, found.empty(), &few, CANDIDATES)?;
        let theorem = sparsity(table, &mobius(table), 0.05);
        let order = |order: &crate::stats::sparsity::OrderSparsity| OrderEntry {
            order: order.order,
            sum: order.sum,
            agreement: order.agreement,
            salient: order.salient,
            bound: order.bound.ok(),
            bound_undefined: order.bound.err().map(|reason| reason.to_string()),
        };
        Ok(Self {
            strength_curve,
            salient: salient_counts(found)
                .into_iter()
                .map(|(threshold, count)| SalientCount {
                    threshold: threshold.to_string(),
                    count,
                })
                .collect(),
            theorem: TheoremReport {
                threshold: theorem.threshold,
                salient: theorem.salient(),
                bound: theorem.bound().ok(),
                bound_undefined: theorem.bound().err().map(|reason| reason.to_string()),
                orders: theorem.orders.iter().map(order).collect(),
            },
            faithfulness: FaithfulnessReport {
                rms: left.rms,
                max: left.max,
                unexplained: left.unexplained,
                rms_by_size: left.rms_by_size,
                strongest: counts
                    .into_iter()
                    .zip(errors)
                    .map(|(count, rms)| StrongestError { count, rms })
                    .collect(),
            },
            pruning: [0.1, 0.05, 0.01]
                .into_iter()
                .map(|error| PruningReport {
                    error,
                    kept: pruned.fewest(error),
                })
                .collect(),
        })
    }
}
