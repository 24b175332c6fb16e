//! The charts of one run.

use super::{Axis, Body, Chart, Ink, Layer, RankedBar, Scale, Shape, Table};
use crate::report::text::draw::{cut, number};
use crate::report::text::names;
use crate::report::{IndexValue, OrderReport, Profile, Record};
use crate::stats::bottleneck::theory_curve;

/// Interactions that a chart lists.
const LISTED: usize = 20;

/// Columns that a name may take.
const NAME: usize = 34;

/// Players that a chart of pairs has room for.
const MOST_NAMES: usize = 24;

/// Points of a curve beyond which a line would only repeat itself.
const POINTS: usize = 300;

/// Fitted n′ at or below which the theory does not describe the curve: the end of the range of the fit.
const LEAST_EFFECTIVE: f64 = 2.01;

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
struct Unit(Option<&'static str>);

impl Unit {
    fn of(record: &Record) -> Self {
        let readout = record.readout.as_deref().unwrap_or_default();
        Self(readout.starts_with("log-").then_some("nats"))
    }

    fn on(self, what: &str) -> String {
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

fn orders(orders: &OrderReport, unit: Unit) -> Chart {
    let (and, or) = (&orders.strength.and, &orders.strength.or);
    let last = and.positive.len() - 1;
    let sides = |order: usize| (order as f64 - 0.36, order as f64 + 0.36);
    let bars = |from: &[f64], by: &[f64]| -> Vec<[f64; 4]> {
        let bar = |order: usize| {
            let ((left, right), start) = (sides(order), from[order]);
            [left, right, start, start + by[order]]
        };
        (1..=last)
            .filter(|&order| by[order] != 0.0)
            .map(bar)
            .collect()
    };
    let none = vec![0.0; last + 1];
    let layer = |label: &str, ink, from: &[f64], by: &[f64], hollow| {
        let bars = bars(from, by);
        Layer::new(label, ink, Shape::Bars { bars, hollow })
    };
    let layers = vec![
        layer("AND raises", Ink::Raises, &none, &and.positive, false),
        layer("OR raises", Ink::Raises, &and.positive, &or.positive, true),
        layer("AND lowers", Ink::Lowers, &none, &and.negative, false),
        layer("OR lowers", Ink::Lowers, &and.negative, &or.negative, true),
    ];
    let ends = (1..=last).flat_map(|k| {
        [
            and.positive[k] + or.positive[k],
            and.negative[k] + or.negative[k],
        ]
    });
    let rows = (1..=last).map(|k| {
        let effects = [&and.positive, &or.positive, &and.negative, &or.negative];
        let mut row = vec![k.to_string()];
        row.extend(effects.map(|effects| number(effects[k])));
        row
    });
    Chart {
        name: "orders".into(),
        title: "Strength by order".into(),
        caption: "The effects of all interactions with so many players, added up: above the line those that raise v, below it \
                  those that lower it."
            .into(),
        table: Table {
            head: ["order", "AND +", "OR +", "AND −", "OR −"].map(String::from).into(),
            rows: rows.collect(),
        },
        body: Body::Axes {
            x: Axis::counting("order: players in the interaction", 1, last, 0.6),
            y: Axis::around(unit.on("sum of effects"), ends, true, Scale::Linear),
            layers,
        },
    }
}

fn growth(orders: &OrderReport, unit: Unit) -> Chart {
    let mean = &orders.mean_output;
    let points: Vec<(f64, f64)> = mean
        .iter()
        .enumerate()
        .map(|(m, &u)| (m as f64, u))
        .collect();
    let exponent = match orders.p {
        Some(p) => format!(
            "It never exceeds ū(1) times m to the power p = {}",
            number(p)
        ),
        None if mean.len() > 2 => {
            "It has no growth exponent p, since it is not above zero everywhere".into()
        }
        None => "A single player has no growth exponent p".into(),
    };
    let monotone = match orders.monotone {
        true => "; it never falls.",
        false => "; it falls somewhere, and then theory promises no sparsity.",
    };
    Chart {
        name: "growth".into(),
        title: "Growth of v with coalition size".into(),
        caption: format!(
            "ū(m), the mean of v(S) − v(∅) over all coalitions of m players. {exponent}{monotone}"
        ),
        table: Table {
            head: ["m", "ū(m)"].map(String::from).into(),
            rows: mean
                .iter()
                .enumerate()
                .map(|(m, &u)| vec![m.to_string(), number(u)])
                .collect(),
        },
        body: Body::Axes {
            x: Axis::counting("m: players present", 0, mean.len() - 1, 0.3),
            y: Axis::around(unit.on("ū(m)"), mean.iter().copied(), true, Scale::Linear),
            layers: vec![Layer::new("", Ink::Neutral, Shape::Dotted(points))],
        },
    }
}

fn bottleneck(orders: &OrderReport) -> Option<Chart> {
    let pairs = orders.multi_order.as_ref()?;
    let relative = pairs.relative.as_ref()?;
    let sizes = || pairs.context_size.iter().map(|&m| m as f64);
    let measured: Vec<(f64, f64)> = sizes().zip(relative.iter().copied()).collect();
    let fitted = orders.bottleneck.fitted_n.filter(|&n| n > LEAST_EFFECTIVE);
    let theory = fitted.map(|n| theory(n, &pairs.context_size));
    let index = orders.bottleneck.index.map_or(String::new(), |index| {
        format!(
            " Bottleneck index {}: {}.",
            number(index),
            orders.bottleneck.definition
        )
    });
    let fit = match fitted {
        Some(n) => format!(
            " Dashed: the theory curve that comes closest, with n′ = {}.",
            number(n)
        ),
        None => " The theory curve does not describe it.".into(),
    };
    let mut head = vec!["m".into(), "J(m)".into()];
    let mut rows: Vec<Vec<String>> = pairs
        .context_size
        .iter()
        .zip(relative)
        .map(|(m, &j)| vec![m.to_string(), number(j)])
        .collect();
    let mut layers = Vec::new();
    if let Some(theory) = theory {
        head.push("theory".into());
        for (row, (_, strength)) in rows.iter_mut().zip(&theory) {
            row.push(number(*strength));
        }
        layers.push(Layer::new("theory", Ink::Reference, Shape::Dashed(theory)));
    }
    let heights =
        relative
            .iter()
            .copied()
            .chain(layers.iter().flat_map(|layer| match &layer.shape {
                Shape::Dashed(points) => points.iter().map(|point| point.1).collect(),
                _ => Vec::new(),
            }));
    let y = Axis::around(
        "J(m), mean 1",
        heights.collect::<Vec<_>>().into_iter(),
        true,
        Scale::Linear,
    );
    let label = if layers.is_empty() { "" } else { "measured" };
    layers.push(Layer::new(label, Ink::Neutral, Shape::Dotted(measured)));
    Some(Chart {
        name: "bottleneck".into(),
        title: "Order strength J(m)".into(),
        caption: format!(
            "How strongly two players interact when m others are present, relative to the mean over m.{index}{fit}"
        ),
        table: Table { head, rows },
        body: Body::Axes {
            x: Axis::counting(
                "m: players present beside the pair",
                pairs.context_size.first().copied().unwrap_or(0),
                pairs.context_size.last().copied().unwrap_or(1),
                0.3,
            ),
            y,
            layers,
        },
    })
}

/// The theory curve of `effective` players at `sizes`, of mean 1 like J.
pub(super) fn theory(effective: f64, sizes: &[usize]) -> Vec<(f64, f64)> {
    let most = sizes.iter().copied().max().unwrap_or(0).max(1) as f64;
    let positions: Vec<f64> = sizes.iter().map(|&m| m as f64 / most).collect();
    let curve = theory_curve(effective.max(2.0), &positions);
    let mean = curve.iter().sum::<f64>() / curve.len() as f64;
    let height = |strength: f64| strength / mean;
    sizes
        .iter()
        .map(|&m| m as f64)
        .zip(curve.into_iter().map(height))
        .collect()
}

fn sparsity(profile: &Profile) -> Option<Chart> {
    let curve = &profile.sparsity.strength_curve;
    let shown: Vec<usize> = ranks(curve.len())
        .filter(|&rank| curve[rank - 1] >= 1e-6)
        .collect();
    let last = *shown.last()?;
    let points = shown
        .iter()
        .map(|&rank| (rank as f64, curve[rank - 1].log10()))
        .collect();
    let low = curve[last - 1].log10().min(-1.5).floor();
    let all = profile.interactions.and.len() + profile.interactions.or.len();
    let counts: Vec<String> = profile
        .sparsity
        .salient
        .iter()
        .map(|count| format!("{} pass {}", count.count, count.threshold))
        .collect();
    let ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 4000];
    let rows = ticks.iter().filter(|&&rank| rank <= curve.len());
    let usual = 0.05f64.log10();
    Some(Chart {
        name: "sparsity".into(),
        title: "Sparsity".into(),
        caption: format!(
            "All {all} interactions by strength, as a share of the strongest, on a logarithmic scale. Dashed: 5 %, below which \
             most papers call an interaction noise. By published convention: {}.",
            counts.join(", ")
        ),
        table: Table {
            head: ["rank", "share of the strongest"].map(String::from).into(),
            rows: rows
                .map(|&rank| vec![rank.to_string(), number(curve[rank - 1])])
                .collect(),
        },
        body: Body::Axes {
            x: Axis::counting("rank", 1, last.max(2), 0.02 * last as f64),
            y: Axis {
                label: "|effect| over the strongest".into(),
                low,
                high: 0.1,
                scale: Scale::Log,
            },
            layers: vec![
                Layer::new(
                    "5 % of the strongest",
                    Ink::Reference,
                    Shape::Dashed(vec![(1.0, usual), (last.max(2) as f64, usual)]),
                ),
                Layer::new("", Ink::Neutral, Shape::Line(points)),
            ],
        },
    })
}

/// 1 to `count`, thinned out evenly on a logarithmic scale where that is more than a line needs.
fn ranks(count: usize) -> impl Iterator<Item = usize> {
    let mut last = 0;
    let steps = count.min(POINTS);
    let all = count <= POINTS;
    (0..=steps)
        .map(move |step| match all {
            true => step,
            false => (count as f64).powf(step as f64 / steps as f64).round() as usize,
        })
        .filter(move |&rank| {
            let new = rank > last && rank <= count;
            last = last.max(rank);
            new
        })
}

fn faithfulness(profile: &Profile, unit: Unit) -> Option<Chart> {
    let strongest = &profile.sparsity.faithfulness.strongest;
    let last = strongest.last().filter(|_| strongest.len() > 1)?;
    let points: Vec<(f64, f64)> = strongest
        .iter()
        .map(|entry| (entry.count as f64, entry.rms))
        .collect();
    let left = 100.0 * profile.sparsity.faithfulness.unexplained;
    Some(Chart {
        name: "faithfulness".into(),
        title: "What the strongest explain".into(),
        caption: format!(
            "How far v is from what its k strongest interactions alone make of it, over all coalitions. All salient ones leave \
             {} % of the squared deviation from v(∅) unexplained.",
            number(left)
        ),
        table: Table {
            head: ["k", "error"].map(String::from).into(),
            rows: strongest
                .iter()
                .map(|entry| vec![entry.count.to_string(), number(entry.rms)])
                .collect(),
        },
        body: Body::Axes {
            x: Axis::counting(
                "k: strongest interactions kept",
                0,
                last.count.max(2),
                0.02 * last.count as f64,
            ),
            y: Axis::around(
                unit.on("root mean square error"),
                strongest.iter().map(|entry| entry.rms),
                true,
                Scale::Linear,
            ),
            layers: vec![Layer::new("", Ink::Neutral, Shape::Dotted(points))],
        },
    })
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
