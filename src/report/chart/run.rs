//! The charts of one run.

use super::orders::{bottleneck, growth, orders};
use super::sparsity::{faithfulness, sparsity};
use super::{Body, Chart, RankedBar, Table};
use crate::report::text::draw::{cut, number};
use crate::report::text::names;
use crate::report::{IndexValue, Profile, Record};

/// Interactions that a chart lists.
const LISTED: usize = 20;

/// Columns that a name may take.
const NAME: usize = 34;

/// Players that a chart of pairs has room for.
const MOST_NAMES: usize = 24;

/// The charts of one run: interactions, orders, growth, bottleneck, sparsity, faithfulness, pairs and players, each where there is
/// something to draw.
///
/// # Cost
/// Linear in the lists of the documents.
pub fn of_profile(profile: &Profile) -> Vec<Chart> {
    let unit = Unit::of(&profile.record);
    [
        interactions(profile, unit),
        Some(orders(&profile.orders, unit)),
        Some(growth(&profile.orders, unit)),
        bottleneck(&profile.orders),
        sparsity(profile),
        faithfulness(profile, unit),
        pairs(profile, unit),
        Some(players(profile, unit)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What v is measured in.
#[derive(Clone, Copy)]
pub(super) struct Unit(Option<&'static str>);

impl Unit {
    /// None that is known.
    pub(super) fn unknown() -> Self {
        Self(None)
    }

    fn of(record: &Record) -> Self {
        let readout = record.readout.as_deref().unwrap_or_default();
        Self(readout.starts_with("log-").then_some("nats"))
    }

    pub(super) fn on(self, what: &str) -> String {
        match self.0 {
            Some(unit) => format!("{what}, {unit}"),
            None => what.into(),
        }
    }
}

fn interactions(profile: &Profile, unit: Unit) -> Option<Chart> {
    let labels: Vec<String> = profile
        .record
        .players
        .iter()
        .map(|one| one.label.clone())
        .collect();
    let names: Vec<String> = names::of_all(&labels).into_values().collect();
    let listed = profile.interactions.listed();
    let bars: Vec<RankedBar> = listed
        .iter()
        .take(LISTED)
        .map(|(kind, entry)| {
            let each = NAME.max(8 * entry.players.len()) / entry.players.len();
            let players: Vec<String> = entry
                .players
                .iter()
                .map(|&player| cut(&names[player], each))
                .collect();
            RankedBar {
                name: cut(&players.join(" · "), NAME),
                kind: (entry.order > 1).then_some(*kind),
                value: entry.effect,
            }
        })
        .collect();
    let row = |bar: &RankedBar| {
        let kind = bar.kind.map_or(String::new(), |kind| kind.to_string());
        vec![kind, bar.name.clone(), number(bar.value)]
    };
    let rows = bars.iter().map(row).collect();
    (!bars.is_empty()).then(|| Chart {
        name: "interactions".into(),
        title: "Interactions".into(),
        caption: "Bars to the right raise v, bars to the left lower it; solid bars are AND, hollow ones OR.".into(),
        table: Table {
            head: ["kind", "players", "effect"].map(String::from).into(),
            rows,
        },
        body: Body::Ranked {
            label: unit.on("effect on v"),
            bars,
        },
    })
}

fn players(profile: &Profile, unit: Unit) -> Chart {
    let names = names::of_all(&profile.indices.labels).into_values();
    let bars: Vec<RankedBar> = names
        .zip(&profile.indices.shapley)
        .map(|(name, &value)| RankedBar {
            name: cut(&name, NAME),
            kind: None,
            value,
        })
        .collect();
    let rows = bars
        .iter()
        .map(|bar| vec![bar.name.clone(), number(bar.value)])
        .collect();
    Chart {
        name: "players".into(),
        title: "Players".into(),
        caption: "Shapley values; they sum to v(N) − v(∅).".into(),
        table: Table {
            head: ["player", "Shapley value"].map(String::from).into(),
            rows,
        },
        body: Body::Ranked {
            label: unit.on("Shapley value"),
            bars,
        },
    }
}

fn pairs(profile: &Profile, unit: Unit) -> Option<Chart> {
    let indices = &profile.indices;
    let short = |name: String| cut(&name, 14);
    let names: Vec<String> = names::of_all(&indices.labels)
        .into_values()
        .map(short)
        .collect();
    let pair = |value: &IndexValue| match value.players[..] {
        [i, j] if i < j && j < names.len() => Some((i, j, value.value)),
        _ => None,
    };
    let squares: Vec<(usize, usize, f64)> = indices
        .shapley_interaction
        .iter()
        .filter_map(pair)
        .collect();
    if squares.is_empty() || names.len() > MOST_NAMES {
        return None;
    }
    let mut ranked = squares.clone();
    ranked.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
    let row = |&(i, j, value): &(usize, usize, f64)| {
        vec![format!("{} · {}", names[i], names[j]), number(value)]
    };
    Some(Chart {
        name: "pairs".into(),
        title: "Pairs".into(),
        caption: "The Shapley interaction index of each pair, as the area of its square: solid where the two do more together \
                  than apart, hollow where they do less."
            .into(),
        table: Table {
            head: ["pair", "index"].map(String::from).into(),
            rows: ranked.iter().take(LISTED).map(row).collect(),
        },
        body: Body::Squares {
            label: unit.on("Shapley interaction index"),
            names,
            squares,
        },
    })
}
