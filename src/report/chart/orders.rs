//! Charts over orders, sizes of coalitions and sizes of contexts.

use super::run::Unit;
use super::{Axis, Body, Chart, Ink, Layer, Scale, Shape, Table};
use crate::report::OrderReport;
use crate::report::text::draw::number;
use crate::stats::bottleneck::{LEAST_EFFECTIVE, theory_curve};

/// The charts of the orders of one table: strength by order, growth of v, and J(m) where there is a pair.
///
/// # Cost
/// Linear in the players.
pub fn of_orders(report: &OrderReport) -> Vec<Chart> {
    let unit = Unit::unknown();
    [
        Some(orders(report, unit)),
        Some(growth(report, unit)),
        bottleneck(report),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(super) fn orders(orders: &OrderReport, unit: Unit) -> Chart {
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

pub(super) fn growth(orders: &OrderReport, unit: Unit) -> Chart {
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

pub(super) fn bottleneck(orders: &OrderReport) -> Option<Chart> {
    let pairs = orders.multi_order.as_ref()?;
    let relative = pairs.relative.as_ref()?;
    let sizes = || pairs.context_size.iter().map(|&m| m as f64);
    let measured: Vec<(f64, f64)> = sizes().zip(relative.iter().copied()).collect();
    let fitted = orders.bottleneck.fitted_n.filter(|&n| n > LEAST_EFFECTIVE);
    let most = sizes().fold(1.0, f64::max);
    let positions: Vec<f64> = sizes().map(|m| m / most).collect();
    let theory: Option<Vec<(f64, f64)>> =
        fitted.map(|n| sizes().zip(theory(n, &positions)).collect());
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

/// The theory curve of `effective` players at relative context sizes, of mean 1 like J.
pub(super) fn theory(effective: f64, positions: &[f64]) -> Vec<f64> {
    let curve = theory_curve(effective.max(2.0), positions);
    let mean = curve.iter().sum::<f64>() / curve.len() as f64;
    curve.into_iter().map(|strength| strength / mean).collect()
}
