//! AND-OR graphs: salient interactions drawn over the sub-coalitions that they share.
//!
//! AND(S) = AND(AND(R), S∖R) for every R ⊂ S, and the same for OR. A coalition R that several interactions of one kind contain
//! becomes a node of its own, so that the graph says it once.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::{Interactions, Kind};

/// Players, shared coalitions above them, interactions above those; every node comes after the ones it is made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Graph {
    /// Players first, in the order of their numbers, then shared coalitions.
    pub nodes: Vec<Node>,
    /// One per interaction, strongest first.
    pub interactions: Vec<Root>,
}

/// A player or a coalition.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "node", rename_all = "lowercase")]
pub enum Node {
    /// A player.
    Player {
        /// Its number.
        player: usize,
    },
    /// A coalition that several interactions contain.
    Shared {
        /// The kind of interactions that contain it.
        kind: Kind,
        /// The two nodes that it joins.
        children: [usize; 2],
    },
}

/// An interaction as the graph shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Root {
    /// AND or OR.
    pub kind: Kind,
    /// The nodes that it joins.
    pub children: Vec<usize>,
    /// I(S).
    pub effect: f64,
}

/// Draws `interactions`: as long as two nodes stand together in at least two interactions of one kind, and at most `merges`
/// times, the two that stand together with the most strength Σ|I(S)| are joined. Ties go to the nodes that came first.
///
/// # Cost
/// O(merges · k·s²) for k interactions of at most s players.
///
/// # Source
/// After the aggregation of Ren et al. 2023, *Defining and quantifying the emergence of sparse concepts in DNNs*, which merges by
/// description length; here by shared strength, which needs no constants.
///
/// # Example
/// ```
/// use harsanyi::{game::synthetic, interaction::{AndOrOptions, and_or, graph}, tabulate};
/// let table = tabulate(&mut synthetic::parse("and(0,1,2)*2 + and(0,1,3)")?, |_| ())?;
/// let found = and_or(&table, &AndOrOptions::default())?.salient(0.05);
/// let graph = graph::graph(&found, 5);
/// assert_eq!(graph.nodes.len(), 5); // four players and AND{0,1}
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn graph(interactions: &Interactions, merges: usize) -> Graph {
    let mut players: Vec<usize> = interactions
        .iter()
        .flat_map(|found| found.players.players().collect::<Vec<_>>())
        .collect();
    players.sort_unstable();
    players.dedup();
    let mut nodes: Vec<Node> = players
        .iter()
        .map(|&player| Node::Player { player })
        .collect();
    let mut roots: Vec<Root> = interactions
        .iter()
        .map(|found| Root {
            kind: found.kind,
            children: found
                .players
                .players()
                .filter_map(|player| players.binary_search(&player).ok())
                .collect(),
            effect: found.effect,
        })
        .collect();
    for _ in 0..merges {
        let Some((kind, pair)) = strongest_pair(&roots) else {
            break;
        };
        let joined = nodes.len();
        nodes.push(Node::Shared {
            kind,
            children: pair,
        });
        for root in roots.iter_mut().filter(|root| root.kind == kind) {
            if pair.iter().all(|child| root.children.contains(child)) {
                root.children.retain(|child| !pair.contains(child));
                root.children.push(joined);
            }
        }
    }
    Graph {
        nodes,
        interactions: roots,
    }
}

/// The two nodes that most strength shares.
fn strongest_pair(roots: &[Root]) -> Option<(Kind, [usize; 2])> {
    let mut shared: BTreeMap<(Kind, [usize; 2]), (usize, f64)> = BTreeMap::new();
    for root in roots {
        for (at, &high) in root.children.iter().enumerate() {
            for &low in &root.children[..at] {
                let pair = [low.min(high), low.max(high)];
                let (count, strength) = shared.entry((root.kind, pair)).or_default();
                *count += 1;
                *strength += root.effect.abs();
            }
        }
    }
    let mut best: Option<((Kind, [usize; 2]), f64)> = None;
    for (key, (count, strength)) in shared {
        if count > 1 && best.is_none_or(|(_, most)| strength > most) {
            best = Some((key, strength));
        }
    }
    best.map(|(key, _)| key)
}

impl Graph {
    /// The graph in the language of Graphviz; `labels` name the players, by number.
    ///
    /// A player without a label shows its number. Labels are escaped.
    pub fn to_dot(&self, labels: &[String]) -> String {
        let mut dot = String::from("digraph interactions {\n  rankdir=BT;\n");
        for (at, node) in self.nodes.iter().enumerate() {
            match node {
                Node::Player { player } => {
                    let number = player.to_string();
                    let label = labels.get(*player).unwrap_or(&number);
                    line(
                        &mut dot,
                        format_args!("n{at} [shape=box label={}]", quoted(label)),
                    );
                }
                Node::Shared { kind, children } => {
                    line(
                        &mut dot,
                        format_args!("n{at} [shape=ellipse label=\"{kind}\"]"),
                    );
                    for child in children {
                        line(&mut dot, format_args!("n{child} -> n{at}"));
                    }
                }
            }
        }
        for (at, root) in self.interactions.iter().enumerate() {
            let Root { kind, effect, .. } = root;
            line(
                &mut dot,
                format_args!("i{at} [shape=ellipse style=bold label=\"{kind} {effect:+.3}\"]"),
            );
            for child in &root.children {
                line(&mut dot, format_args!("n{child} -> i{at}"));
            }
        }
        dot.push_str("}\n");
        dot
    }
}

fn line(dot: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(dot, "  {text};").expect("a string takes all that fits in memory");
}

fn quoted(label: &str) -> String {
    let escaped = label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', " ");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Coalition;
    use crate::interaction::Interaction;

    #[test]
    fn shared_coalitions_become_nodes_and_roots_keep_their_players() {
        let term = |kind, players: &[usize], effect| Interaction {
            kind,
            players: Coalition::from_players(players.iter().copied()),
            effect,
        };
        let list = Interactions::new(vec![
            term(Kind::And, &[0, 1, 2], 2.0),
            term(Kind::And, &[0, 1, 2, 7], -1.0),
            term(Kind::Or, &[0, 1], 5.0),
            term(Kind::And, &[2, 7], 0.5),
        ]);
        let graph = graph(&list, 10);
        assert_eq!(graph.nodes.len(), 4 + 2);
        for (root, found) in graph.interactions.iter().zip(list.iter()) {
            let mut open = root.children.clone();
            let mut players = Vec::new();
            while let Some(node) = open.pop() {
                match graph.nodes[node] {
                    Node::Player { player } => players.push(player),
                    Node::Shared { kind, children } => {
                        assert_eq!(kind, root.kind);
                        open.extend(children);
                    }
                }
            }
            assert_eq!(Coalition::from_players(players), found.players);
        }
        let dot = graph.to_dot(&["say \"hi\"".into()]);
        assert!(dot.contains(r#"label="say \"hi\"""#) && dot.ends_with("}\n"));
        let json = serde_json::to_value(&graph).expect("plain data");
        assert_eq!(json["nodes"][4]["node"], "shared");
        assert_eq!(json["interactions"][0]["kind"], "or");
    }
}
