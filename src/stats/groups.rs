//! Values of players added up along the groups that they belong to: who, when and how.
//!
//! In come a number φ per player, such as a Shapley value, and the players' [`Groups`]; out go totals per agent, time and
//! behaviour, how unequal they are, and where v is a risk that unfolds over time, how early, how concentrated and how much in
//! step it was brought about.
//!
//! # Source
//! The metrics are those of *Interpreting emergent extreme events in multi-agent systems* (2026), there of Shapley values of
//! actions; [`gini`] is Gini's mean difference (1912) relative to twice the mean.

use std::collections::BTreeMap;

use super::agreement::pearson;
use crate::game::Groups;

/// The share of the total at which a risk counts as brought about.
pub const BROUGHT_ABOUT: f64 = 0.9;

/// What the players of one group have together.
#[derive(Clone, Debug, PartialEq)]
pub struct Total<K> {
    /// The group.
    pub group: K,
    /// Its players, ascending.
    pub players: Vec<usize>,
    /// Σ φ over them, in the units of v.
    pub value: f64,
}

/// Everything that is told of grouped players.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grouped {
    /// Totals per agent, in the order of their first player.
    pub agents: Option<Vec<Total<String>>>,
    /// Totals per time, ascending; times at which nobody acts are not among them.
    pub times: Option<Vec<Total<i64>>>,
    /// Totals per behaviour, in the order of their first player.
    pub behaviours: Option<Vec<Total<String>>>,
    /// L_tm, see [`latency`].
    pub latency: Option<f64>,
    /// G_ag, the [`gini`] of the agents' totals.
    pub agent_gini: Option<f64>,
    /// C_ag, see [`instability`].
    pub instability: Option<f64>,
    /// Z_ag, see [`synchrony`].
    pub synchrony: Option<f64>,
    /// G_be, the [`gini`] of the behaviours' totals.
    pub behaviour_gini: Option<f64>,
}

/// Adds `values` up along `groups` and measures what [`Grouped`] holds; a metric is `None` where the groups that it needs are not
/// there, or where it is not defined.
///
/// # Cost
/// A few passes over the players, one over agents times times.
///
/// # Panics
/// If a list of groups is shorter than `values`, which no [`Roster`](crate::game::Roster) of the same players has.
///
/// # Example
/// ```
/// use harsanyi::{game::Groups, stats::groups::grouped};
/// let agent = Some(vec!["x".into(), "y".into(), "x".into()]);
/// let found = grouped(&[1.0, 2.0, 0.5], &Groups { agent, ..Groups::default() });
/// let agents = found.agents.expect("there are agents");
/// assert_eq!((agents[0].group.as_str(), agents[0].value), ("x", 1.5));
/// ```
pub fn grouped(values: &[f64], groups: &Groups) -> Grouped {
    let agents = groups.agent.as_ref().map(|of| totals(values, of));
    let times = groups.time.as_ref().map(|of| {
        let mut totals = totals(values, of);
        totals.sort_by_key(|total| total.group);
        totals
    });
    let behaviours = groups.behaviour.as_ref().map(|of| totals(values, of));
    let both = groups.agent.as_ref().zip(groups.time.as_ref());
    Grouped {
        latency: times.as_ref().and_then(|times| latency(times)),
        agent_gini: agents.as_ref().and_then(|agents| gini(&sums(agents))),
        instability: both.and_then(|(agent, time)| instability(values, agent, time)),
        synchrony: both.and_then(|(agent, time)| synchrony(values, agent, time)),
        behaviour_gini: behaviours.as_ref().and_then(|of| gini(&sums(of))),
        agents,
        times,
        behaviours,
    }
}

/// Σ φ per group, in the order of the groups' first players.
pub fn totals<K: Clone + Ord>(values: &[f64], groups: &[K]) -> Vec<Total<K>> {
    let mut places = BTreeMap::new();
    let mut totals: Vec<Total<K>> = Vec::new();
    for (player, value) in values.iter().enumerate() {
        let group = &groups[player];
        let place = *places.entry(group).or_insert(totals.len());
        if place == totals.len() {
            totals.push(Total {
                group: group.clone(),
                players: Vec::new(),
                value: 0.0,
            });
        }
        totals[place].players.push(player);
        totals[place].value += value;
    }
    totals
}

fn sums<K>(totals: &[Total<K>]) -> Vec<f64> {
    totals.iter().map(|total| total.value).collect()
}

/// The Gini coefficient of sizes: Σ_{i,j} ||x_i| − |x_j|| / (2 n Σ|x|), 0 where all are equal, 1 − 1/n where one has all;
/// `None` where all are zero.
///
/// # Cost
/// A sort.
pub fn gini(values: &[f64]) -> Option<f64> {
    let mut sizes: Vec<f64> = values.iter().map(|value| value.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let (count, sum) = (sizes.len() as f64, sizes.iter().sum::<f64>());
    // Of the k-th smallest (k from 0), k differences count it up and n − 1 − k count it down, each twice.
    let ranked = sizes.iter().enumerate();
    let differences: f64 = ranked
        .map(|(rank, size)| (2.0 * rank as f64 - count + 1.0) * size)
        .sum();
    (sum > 0.0).then(|| differences / (count * sum))
}

/// L_tm = (T − T*) / T, how long before its end a run's outcome was brought about: T is the number of steps from the first time to
/// the last, and T* the number of the first step by which the totals so far exceed 0.9 of their sum. Near 1 it was decided
/// early, and 0 at the last step. `None` where the sum is zero.
///
/// `times` ascend, as in [`Grouped::times`]. Totals of both signs may exceed the share, fall below it and exceed it again; the
/// first time counts, as in the source.
pub fn latency(times: &[Total<i64>]) -> Option<f64> {
    let sum: f64 = times.iter().map(|total| total.value).sum();
    let (first, last) = (times.first()?.group, times.last()?.group);
    if sum == 0.0 {
        return None;
    }
    let mut so_far = 0.0;
    let reached = times.iter().find(|total| {
        so_far += total.value;
        so_far / sum > BROUGHT_ABOUT
    })?;
    let steps = |from: i64, to: i64| to.abs_diff(from) as f64;
    Some(steps(reached.group, last) / (steps(first, last) + 1.0))
}

/// C_ag, whether agents that matter are unsteady: the Pearson correlation, over the agents a, of |Σ_t φ_{a,t}| with the standard
/// deviation of φ_{a,t} over the times t at which a acts. `None` for fewer than two agents, or where either does not vary.
pub fn instability(values: &[f64], agents: &[String], times: &[i64]) -> Option<f64> {
    let mut by_agent: BTreeMap<&String, Vec<f64>> = BTreeMap::new();
    for ((agent, _), value) in cells(values, agents, times) {
        by_agent.entry(agent).or_default().push(value);
    }
    let (mut sizes, mut deviations) = (Vec::new(), Vec::new());
    for cells in by_agent.values() {
        let (sum, count) = (cells.iter().sum::<f64>(), cells.len() as f64);
        let squares: f64 = cells.iter().map(|cell| (cell - sum / count).powi(2)).sum();
        sizes.push(sum.abs());
        deviations.push((squares / count).sqrt());
    }
    pearson(&sizes, &deviations)
}

/// Z_ag, how much in step agents are: the mean over the times t of |Σ_a φ_{a,t}| / Σ_a |φ_{a,t}|, 1 where at every time all push the
/// same way. Times at which all are zero are left out; `None` where all are.
pub fn synchrony(values: &[f64], agents: &[String], times: &[i64]) -> Option<f64> {
    let mut by_time: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    for ((_, time), value) in cells(values, agents, times) {
        let (sum, size) = by_time.entry(time).or_default();
        *sum += value;
        *size += value.abs();
    }
    let ratios: Vec<f64> = by_time
        .values()
        .filter(|(_, size)| *size > 0.0)
        .map(|(sum, size)| sum.abs() / size)
        .collect();
    (!ratios.is_empty()).then(|| ratios.iter().sum::<f64>() / ratios.len() as f64)
}

/// φ_{a,t}: what agent a did at time t, all its players of that time together.
fn cells<'a>(
    values: &[f64],
    agents: &'a [String],
    times: &[i64],
) -> BTreeMap<(&'a String, i64), f64> {
    let mut cells = BTreeMap::new();
    for (value, cell) in values.iter().zip(agents.iter().zip(times.iter().copied())) {
        *cells.entry(cell).or_insert(0.0) += value;
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(of: [&str; 6]) -> Vec<String> {
        of.map(String::from).into()
    }

    /// Two agents at three times; the matrix of φ is x: 1, 2, 3 and y: −1, 0, 1.
    fn two_agents() -> (Vec<f64>, Groups) {
        let groups = Groups {
            agent: Some(texts(["x", "x", "x", "y", "y", "y"])),
            time: Some(vec![10, 11, 12, 10, 11, 12]),
            behaviour: Some(texts(["buy", "wait", "buy", "wait", "buy", "sell"])),
        };
        (vec![1.0, 2.0, 3.0, -1.0, 0.0, 1.0], groups)
    }

    #[test]
    fn totals_and_metrics_are_those_worked_out_by_hand() {
        let (values, groups) = two_agents();
        let found = grouped(&values, &groups);
        let pairs = |totals: &Option<Vec<Total<String>>>| -> Vec<(String, f64)> {
            let totals = totals.iter().flatten();
            totals
                .map(|total| (total.group.clone(), total.value))
                .collect()
        };
        assert_eq!(pairs(&found.agents), [("x".into(), 6.0), ("y".into(), 0.0)]);
        assert_eq!(
            pairs(&found.behaviours),
            [
                ("buy".into(), 4.0),
                ("wait".into(), 1.0),
                ("sell".into(), 1.0)
            ]
        );
        let times = found.times.expect("times");
        assert_eq!(
            times.iter().map(|t| (t.group, t.value)).collect::<Vec<_>>(),
            [(10, 0.0), (11, 2.0), (12, 4.0)]
        );
        assert_eq!(times[1].players, [1, 4]);
        // Only at the last of three steps do the totals exceed 0.9 · 6.
        assert_eq!(found.latency, Some(0.0));
        // |6 − 0| twice over 2 · 2 · 6.
        assert_eq!(found.agent_gini, Some(0.5));
        // (|4 − 1| + |4 − 1| + |1 − 1|) twice over 2 · 3 · 6.
        assert!((found.behaviour_gini.expect("defined") - 1.0 / 3.0).abs() < 1e-15);
        // 0/2, 2/2 and 4/4.
        assert!((found.synchrony.expect("defined") - 2.0 / 3.0).abs() < 1e-15);
        // Both deviate by √(2/3): nothing to correlate with.
        assert_eq!(found.instability, None);
    }

    #[test]
    fn agents_that_matter_more_and_swing_more_are_unstable() {
        // Sizes 3, 1, 8 and deviations 0.5, 0.5, 2: means 4 and 1, Σxy = 0.5 + 1.5 + 4, Σx² = 26, Σy² = 1.5.
        let values = [1.0, 2.0, 0.0, 1.0, 2.0, 6.0];
        let agents = texts(["a", "a", "b", "b", "c", "c"]);
        let times = [0, 1, 0, 1, 0, 1];
        let found = instability(&values, &agents, &times).expect("defined");
        assert!((found - 6.0 / (26.0f64 * 1.5).sqrt()).abs() < 1e-15);
        // Two actions of one agent at one time are one cell: then no agent has a deviation.
        assert_eq!(instability(&values, &agents, &[0; 6]), None);
    }

    #[test]
    fn latency_counts_steps_and_not_only_those_with_actions() {
        let total = |group, value| Total {
            group,
            players: Vec::new(),
            value,
        };
        // Ten steps, decided at the third.
        let early = [total(1, 5.0), total(3, 5.0), total(10, 1.0)];
        assert_eq!(latency(&early), Some(0.7));
        // A falling v is brought about just the same.
        let falling: Vec<_> = early.iter().map(|t| total(t.group, -t.value)).collect();
        assert_eq!(latency(&falling), Some(0.7));
        assert_eq!(latency(&[total(1, 5.0), total(2, -5.0)]), None);
        assert_eq!(latency(&[total(4, 2.0)]), Some(0.0));
        assert_eq!(latency(&[]), None);
    }

    #[test]
    fn gini_is_the_mean_difference_of_sizes() {
        let values = [0.3f64, -2.0, 1.1, 0.0, -0.7, 5.0, 0.3];
        let mut differences = 0.0;
        for a in values {
            for b in values {
                differences += (a.abs() - b.abs()).abs();
            }
        }
        let sum: f64 = values.iter().map(|x| x.abs()).sum();
        let slow = differences / (2.0 * values.len() as f64 * sum);
        assert!((gini(&values).expect("defined") - slow).abs() < 1e-15);
        assert!((gini(&[1.0, -1.0, 1.0]).expect("defined")).abs() < 1e-15);
        assert_eq!(gini(&[0.0, 4.0]), Some(0.5));
        assert_eq!((gini(&[0.0, 0.0]), gini(&[])), (None, None));
    }
}
