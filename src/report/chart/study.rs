//! The charts of a study: J(m) as published, and without the excess of noise.

use super::orders::theory;
use super::{Axis, Body, Chart, Ink, Layer, Scale, Shape, Table};
use crate::report::text::draw::number;
use crate::report::{CurveReport, SampledBottleneck};

/// One of the two curves of a study.
struct Strength<'a> {
    name: &'static str,
    title: &'static str,
    /// How it was estimated.
    how: &'static str,
    relative: Option<&'a Vec<f64>>,
    intervals: Option<&'a Vec<[f64; 2]>>,
    bottleneck: &'a SampledBottleneck,
}

/// The charts of a study, each with its intervals and the theory curve that comes closest: J(m) as published, and by split
/// halves where that is another one.
///
/// # Cost
/// Linear in the sampled context sizes.
pub fn of_study(curve: &CurveReport) -> Vec<Chart> {
    let orders = &curve.multi_order;
    let published = Strength {
        name: "bottleneck",
        title: "Order strength J(m)",
        how: "As published, from the mean of |I| over contexts, which few contexts make too large, most of all in the middle.",
        relative: orders.published.as_ref(),
        intervals: orders.published_interval.as_ref(),
        bottleneck: &curve.bottleneck,
    };
    let split = Strength {
        name: "bottleneck-split-half",
        title: "J(m) without the excess of noise",
        how: "From products of halves of the contexts, whose noise cancels on average.",
        relative: orders.without_noise.as_ref(),
        intervals: orders.without_noise_interval.as_ref(),
        bottleneck: &curve.bottleneck_split_half,
    };
    let differs = orders.published != orders.without_noise;
    [Some(published), Some(split).filter(|_| differs)]
        .into_iter()
        .flatten()
        .filter_map(|strength| strength.chart(curve))
        .collect()
}

impl Strength<'_> {
    fn chart(&self, curve: &CurveReport) -> Option<Chart> {
        let relative = self.relative?;
        let ratios = &curve.multi_order.ratio;
        let places: Vec<f64> = match &curve.multi_order.context_size {
            Some(sizes) => sizes.iter().map(|&m| m as f64).collect(),
            None => ratios.clone(),
        };
        let mut table = Table {
            head: vec!["m".into(), "m/(n−2)".into(), "J(m)".into()],
            rows: (0..places.len())
                .map(|at| {
                    let m = curve.multi_order.context_size.as_ref();
                    vec![
                        m.map_or("–".into(), |m| m[at].to_string()),
                        number(ratios[at]),
                        number(relative[at]),
                    ]
                })
                .collect(),
        };
        let mut heights = relative.clone();
        let mut layers = Vec::new();
        if let Some(intervals) = self.intervals {
            table.column("from", intervals.iter().map(|interval| interval[0]));
            table.column("to", intervals.iter().map(|interval| interval[1]));
            heights.extend(intervals.iter().flatten());
            let band = places.iter().zip(intervals);
            let band = band.map(|(&x, &[low, high])| (x, low, high)).collect();
            let share = format!("{:.0} % interval", 100.0 * curve.multi_order.confidence);
            layers.push(Layer::new(share, Ink::Neutral, Shape::Band(band)));
        }
        if let Some(fitted) = self.bottleneck.described_by() {
            let heights_of = theory(fitted, ratios);
            table.column("theory", heights_of.iter().copied());
            heights.extend(&heights_of);
            let line = places.iter().copied().zip(heights_of).collect();
            layers.push(Layer::new("theory", Ink::Reference, Shape::Dashed(line)));
        }
        let measured = places.iter().copied().zip(relative.iter().copied());
        let label = if layers.is_empty() { "" } else { "measured" };
        layers.push(Layer::new(
            label,
            Ink::Neutral,
            Shape::Dotted(measured.collect()),
        ));
        let x = match &curve.multi_order.context_size {
            Some(sizes) => Axis::counting(
                "m: players present beside the pair",
                0,
                sizes.last().copied().unwrap_or(0).max(1),
                // So that the dots at both ends are whole.
                0.02 * sizes.last().copied().unwrap_or(0) as f64 + 0.1,
            ),
            None => Axis {
                label: "m/(n−2): share of the other players that is present".into(),
                low: -0.02,
                high: 1.02,
                scale: Scale::Linear,
            },
        };
        Some(Chart {
            name: self.name.into(),
            title: self.title.into(),
            caption: self.caption(),
            table,
            body: Body::Axes {
                x,
                y: Axis::around("J(m), mean 1", heights.into_iter(), true, Scale::Linear),
                layers,
            },
        })
    }

    fn caption(&self) -> String {
        let bottleneck = self.bottleneck;
        let interval = match bottleneck.interval {
            Some([low, high]) => format!(" ({} to {})", number(low), number(high)),
            None => String::new(),
        };
        let index = bottleneck.index.map_or(String::new(), |index| {
            format!(
                " Bottleneck index {}{interval}: {}.",
                number(index),
                bottleneck.definition
            )
        });
        let fit = match (bottleneck.described_by(), bottleneck.fitted_residual) {
            (Some(n), Some(residual)) => format!(
                " Dashed: the theory curve that comes closest, with n′ = {}, to {} rms.",
                number(n),
                number(residual)
            ),
            _ => " The theory curve does not describe it.".into(),
        };
        format!(
            "How strongly two players interact when m others are present, relative to the mean over m. {}{index}{fit}",
            self.how
        )
    }
}

impl Table {
    /// One more column, from the first row on.
    fn column(&mut self, head: &str, numbers: impl Iterator<Item = f64>) {
        self.head.push(head.into());
        for (row, value) in self.rows.iter_mut().zip(numbers) {
            row.push(number(value));
        }
    }
}
