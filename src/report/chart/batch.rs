//! The charts of a batch.

use super::{Axis, Body, Chart, Ink, Layer, Scale, Shape, Table};
use crate::report::text::draw::number;
use crate::report::{PlayersSummary, SampleSummary, Summary};

/// Groups of samples with like numbers of players that are drawn, the largest first.
const GROUPS: usize = 6;

/// Bars of a histogram, about.
const BINS: f64 = 12.0;

/// The charts of a batch: how salient counts, strengths, spans and bottleneck indices are distributed over the samples, and J(m)
/// of the samples with like numbers of players.
///
/// # Cost
/// Linear in the samples.
pub fn of_summary(summary: &Summary) -> Vec<Chart> {
    let samples = &summary.samples;
    let all = |value: fn(&SampleSummary) -> Option<f64>| {
        samples.iter().filter_map(value).collect::<Vec<_>>()
    };
    let distributions = [
        histogram(
            "salient",
            "Salient interactions",
            "How many interactions of a sample pass the threshold.",
            "salient interactions",
            all(|sample| Some(sample.salient as f64)),
            true,
        ),
        histogram(
            "span",
            "What the players change",
            "v(N) − v(∅): how far v with everybody is above v with nobody.",
            "v(N) − v(∅)",
            all(|sample| Some(sample.v_full - sample.v_empty)),
            false,
        ),
        histogram(
            "strength",
            "Total strength",
            "The sizes of all effects of a sample, added up.",
            "Σ|I(S)|",
            all(|sample| Some(sample.l1)),
            false,
        ),
        histogram(
            "bottleneck-index",
            "Bottleneck index",
            "The least J(m) of the middle over the mean of the two ends: below 1, the middle orders are the weakest.",
            "bottleneck index",
            all(|sample| sample.bottleneck_index),
            false,
        ),
    ];
    let mut groups: Vec<&PlayersSummary> = summary.by_players.iter().collect();
    groups.sort_by_key(|group| (std::cmp::Reverse(group.samples), group.n));
    groups.truncate(GROUPS);
    groups.sort_by_key(|group| group.n);
    let curves = groups.into_iter().filter_map(strength);
    distributions.into_iter().flatten().chain(curves).collect()
}

/// How often values fall into each of some bins of a round width.
fn histogram(
    name: &str,
    title: &str,
    caption: &str,
    label: &str,
    mut values: Vec<f64>,
    whole: bool,
) -> Option<Chart> {
    values.sort_by(f64::total_cmp);
    let (&low, &high) = (values.first()?, values.last()?);
    if !(high - low).is_finite() {
        return None;
    }
    let width = bin_width(low, high, whole);
    // Counts stand in the middle of their bins.
    let shift = if whole { 0.5 } else { 0.0 };
    let first = ((low + shift) / width).floor();
    let bins = ((high + shift) / width).floor() - first + 1.0;
    let mut counts = vec![0usize; bins.clamp(1.0, 1e3) as usize];
    for value in &values {
        let bin = ((value + shift) / width).floor() - first;
        let bin = (bin.max(0.0) as usize).min(counts.len() - 1);
        counts[bin] += 1;
    }
    let edge = |bin: usize| (first + bin as f64) * width - shift;
    let bars: Vec<[f64; 4]> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(bin, &count)| {
            [
                edge(bin) + 0.04 * width,
                edge(bin + 1) - 0.04 * width,
                0.0,
                count as f64,
            ]
        })
        .collect();
    let rows = counts.iter().enumerate().map(|(bin, count)| {
        let (from, to) = (edge(bin) + shift, edge(bin + 1) + shift);
        let range = match whole && width == 1.0 {
            true => number(from),
            false => format!("{} to {}", number(from), number(to)),
        };
        vec![range, count.to_string()]
    });
    let most = counts.iter().copied().max().unwrap_or(0) as f64;
    let middle = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
    let told = |value: f64| {
        if whole {
            value.to_string()
        } else {
            number(value)
        }
    };
    let spread = format!(
        " Median {}, half of the samples between {} and {}.",
        told(middle(0.5)),
        told(middle(0.25)),
        told(middle(0.75))
    );
    Some(Chart {
        name: name.into(),
        title: title.into(),
        caption: format!("{caption}{spread}"),
        table: Table {
            head: vec![label.into(), "samples".into()],
            rows: rows.collect(),
        },
        body: Body::Axes {
            x: Axis {
                label: label.into(),
                low: edge(0) - 0.5 * width,
                high: edge(counts.len()) + 0.5 * width,
                scale: if whole { Scale::Whole } else { Scale::Linear },
            },
            y: Axis {
                label: "samples".into(),
                low: 0.0,
                high: 1.06 * most,
                scale: Scale::Whole,
            },
            layers: vec![Layer::new(
                "",
                Ink::Neutral,
                Shape::Bars {
                    bars,
                    hollow: false,
                },
            )],
        },
    })
}

/// The least range of a histogram, as a share of its values: the four digits of a tick could not tell it from the next
/// one in a narrower one.
const NARROWEST: f64 = 0.02;

/// 1, 2 or 5 times a power of ten, so that about [`BINS`] bins cover the values.
fn bin_width(low: f64, high: f64, whole: bool) -> f64 {
    let rough = (high - low)
        .max(NARROWEST * low.abs().max(high.abs()))
        .max(1e-12)
        / BINS;
    let power = 10f64.powf(rough.log10().floor());
    let width = [1.0, 2.0, 5.0, 10.0]
        .map(|step| step * power)
        .into_iter()
        .find(|width| *width >= rough)
        .unwrap_or(10.0 * power);
    if whole { width.max(1.0) } else { width }
}

fn strength(group: &PlayersSummary) -> Option<Chart> {
    let relative = group.relative.as_ref()?;
    let points: Vec<(f64, f64)> = relative
        .iter()
        .enumerate()
        .map(|(m, &j)| (m as f64, j))
        .collect();
    let mut head = vec!["m".into(), "J(m)".into()];
    let mut rows: Vec<Vec<String>> = relative
        .iter()
        .enumerate()
        .map(|(m, &j)| vec![m.to_string(), number(j)])
        .collect();
    let mut layers = Vec::new();
    let mut heights: Vec<f64> = relative.clone();
    let mut caption = String::from(
        "How strongly two players interact when m others are present, relative to the mean over m",
    );
    match &group.interval {
        Some(intervals) => {
            caption += "; mean over the samples, with its 95\u{a0}% bootstrap band.";
            head.extend(["from", "to"].map(String::from));
            for (row, interval) in rows.iter_mut().zip(intervals) {
                row.extend(interval.map(number));
            }
            let band = intervals.iter().enumerate();
            let band: Vec<(f64, f64, f64)> = band
                .map(|(m, &[low, high])| (m as f64, low, high))
                .collect();
            heights.extend(intervals.iter().flatten());
            layers.push(Layer::new(
                "95\u{a0}% band",
                Ink::Neutral,
                Shape::Band(band),
            ));
        }
        None => caption += "; without a band, since that takes several samples.",
    }
    if let Some(index) = group.bottleneck_index {
        caption += &format!(" Bottleneck index {}.", number(index));
    }
    layers.push(Layer::new("mean", Ink::Neutral, Shape::Dotted(points)));
    let samples = match group.samples {
        1 => "1 sample".into(),
        count => format!("{count} samples"),
    };
    Some(Chart {
        name: format!("bottleneck-{}", group.n),
        title: format!("J(m) of {samples} with {} players", group.n),
        caption,
        table: Table { head, rows },
        body: Body::Axes {
            x: Axis::counting(
                "m: players present beside the pair",
                0,
                relative.len() - 1,
                0.3,
            ),
            y: Axis::around("J(m), mean 1", heights.into_iter(), true, Scale::Linear),
            layers,
        },
    })
}
