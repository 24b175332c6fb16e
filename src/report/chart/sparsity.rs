//! Charts of how few interactions carry how much.

use super::run::Unit;
use super::{Axis, Body, Chart, Ink, Layer, Scale, Shape, Table};
use crate::report::Profile;
use crate::report::text::draw::number;

/// Interactions kept beyond which their number stands on a logarithmic axis.
const CROWDED: usize = 50;

/// Points of a curve beyond which a line would only repeat itself.
const POINTS: usize = 300;

pub(super) fn sparsity(profile: &Profile) -> Option<Chart> {
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
    let rows = ticks
        .iter()
        .filter(|&&rank| rank <= curve.len() && curve[rank - 1] > 0.0);
    let usual = 0.05f64.log10();
    Some(Chart {
        name: "sparsity".into(),
        title: "Sparsity".into(),
        caption: format!(
            "All {all} interactions by strength, as a share of the strongest, on a logarithmic scale. Dashed: 5\u{a0}%, below which \
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

pub(super) fn faithfulness(profile: &Profile, unit: Unit) -> Option<Chart> {
    let strongest = &profile.sparsity.faithfulness.strongest;
    let last = strongest.last().filter(|_| strongest.len() > 1)?;
    let nothing = strongest.first().filter(|entry| entry.count == 0);
    // Counts are spaced as 1, 2, 5: many of them crowd at the left end of a plain axis.
    let label = "k: strongest interactions kept";
    let (x, place): (Axis, fn(usize) -> f64) = match last.count > CROWDED {
        true => {
            let (high, room) = ((last.count as f64).log10(), 0.05);
            let x = Axis {
                label: label.into(),
                low: -room,
                high: high + room,
                scale: Scale::Log,
            };
            (x, |count| (count as f64).log10())
        }
        false => {
            let room = 0.02 * last.count as f64;
            (Axis::counting(label, 0, last.count.max(2), room), |count| {
                count as f64
            })
        }
    };
    let points: Vec<(f64, f64)> = strongest
        .iter()
        .map(|entry| (place(entry.count), entry.rms))
        .filter(|(at, _)| at.is_finite())
        .collect();
    let alone = nothing.filter(|_| x.scale == Scale::Log).map(|entry| {
        let line = vec![(x.low, entry.rms), (x.high, entry.rms)];
        Layer::new("none kept", Ink::Reference, Shape::Dashed(line))
    });
    let layers = alone
        .into_iter()
        .chain([Layer::new("", Ink::Neutral, Shape::Dotted(points))]);
    // What is left of an exact fit is rounding.
    let left = match profile.sparsity.faithfulness.unexplained {
        left if left < 1e-12 => "nothing".into(),
        left => format!("{} %", number(100.0 * left)),
    };
    Some(Chart {
        name: "faithfulness".into(),
        title: "What the strongest explain".into(),
        caption: format!(
            "How far v is from what its k strongest interactions alone make of it, over all coalitions. All salient ones leave \
             {left} of the squared deviation from v(∅) unexplained."
        ),
        table: Table {
            head: ["k", "error"].map(String::from).into(),
            rows: strongest
                .iter()
                .map(|entry| vec![entry.count.to_string(), number(entry.rms)])
                .collect(),
        },
        body: Body::Axes {
            x,
            y: Axis::around(
                unit.on("root mean square error"),
                strongest.iter().map(|entry| entry.rms),
                true,
                Scale::Linear,
            ),
            layers: layers.collect(),
        },
    })
}
