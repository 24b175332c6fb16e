//! Values of players along their groups and along their ranking: what `harsanyi index` adds to an index.

use serde::Serialize;

use crate::game::Groups;
use crate::stats::curves::Curves;
use crate::stats::groups::{Grouped, Total, grouped};

/// Totals per group and what they measure; parts without groups are left out, and metrics that are not defined are null.
#[derive(Clone, Debug, Serialize)]
pub struct GroupReport {
    /// Per agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Vec<GroupTotal>>,
    /// Per time, ascending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Vec<GroupTotal>>,
    /// Per behaviour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behaviour: Option<Vec<GroupTotal>>,
    /// Of all of these.
    pub metrics: GroupMetrics,
}

/// One group.
#[derive(Clone, Debug, Serialize)]
pub struct GroupTotal {
    /// Its name, or the number of its step.
    pub group: String,
    /// Its players, ascending.
    pub players: Vec<usize>,
    /// The sum of their values, in the units of v.
    pub value: f64,
}

/// The metrics of [`stats::groups`](crate::stats::groups).
#[derive(Clone, Debug, Serialize)]
pub struct GroupMetrics {
    /// L_tm: the share of the steps that come after the one by which 0.9 of the total was there.
    pub latency: Option<f64>,
    /// G_ag: the Gini coefficient of the agents' |totals|.
    pub agent_gini: Option<f64>,
    /// C_ag: the correlation over agents of |total| with the standard deviation over time.
    pub instability: Option<f64>,
    /// Z_ag: the mean over time of |sum over agents| / sum over agents of | |.
    pub synchrony: Option<f64>,
    /// G_be: the Gini coefficient of the behaviours' |totals|.
    pub behaviour_gini: Option<f64>,
}

impl GroupReport {
    /// Adds up `values`, one per player, along `groups`; `None` where the players belong to none.
    pub fn new(values: &[f64], groups: &Groups) -> Option<Self> {
        if groups.is_empty() {
            return None;
        }
        let Grouped {
            agents,
            times,
            behaviours,
            latency,
            agent_gini,
            instability,
            synchrony,
            behaviour_gini,
        } = grouped(values, groups);
        Some(Self {
            agent: agents.map(entries),
            time: times.map(entries),
            behaviour: behaviours.map(entries),
            metrics: GroupMetrics {
                latency,
                agent_gini,
                instability,
                synchrony,
                behaviour_gini,
            },
        })
    }
}

fn entries<K: ToString>(totals: Vec<Total<K>>) -> Vec<GroupTotal> {
    let entry = |total: Total<K>| GroupTotal {
        group: total.group.to_string(),
        players: total.players,
        value: total.value,
    };
    totals.into_iter().map(entry).collect()
}

/// v as the players go or come in the order of their values.
#[derive(Clone, Debug, Serialize)]
pub struct DeletionReport {
    /// The players, the largest value first.
    pub ranking: Vec<usize>,
    /// How many of them went or came.
    pub counts: Vec<usize>,
    /// v without them.
    pub deletion: Vec<f64>,
    /// (v(N) − v without them) / |v(N)|; null where v(N) is zero.
    pub drop: Option<Vec<f64>>,
    /// v of them alone.
    pub insertion: Vec<f64>,
    /// (v of them alone − v(∅)) / |v(N)|; null where v(N) is zero.
    pub rise: Option<Vec<f64>>,
}

impl From<Curves> for DeletionReport {
    fn from(curves: Curves) -> Self {
        Self {
            drop: curves.drop(),
            rise: curves.rise(),
            ranking: curves.ranking,
            counts: curves.counts,
            deletion: curves.deletion,
            insertion: curves.insertion,
        }
    }
}
