//! The order strengths of many samples as a table with bars.

use std::fmt::Write as _;

use super::draw::{Page, bar, faint, heading, number};
use crate::report::{CurveReport, SampledBottleneck};

/// J by context size, as published and without the excess of noise, with intervals where there are several samples.
pub fn curve(page: Page, report: &CurveReport) -> String {
    let mut out = String::new();
    let orders = &report.multi_order;
    let (Some(published), Some(split)) = (&orders.published, &orders.without_noise) else {
        let note = "no pair interacts at any context size sampled";
        heading(page, &mut out, "Order strength J(m)", note);
        return out;
    };
    let note = match report.samples {
        1 => "as published | by split halves, without the excess of noise; mean 1".to_owned(),
        samples => format!(
            "as published | by split halves, without the excess of noise; mean 1, {samples} samples, {:.0} % intervals",
            100.0 * orders.confidence
        ),
    };
    heading(page, &mut out, "Order strength J(m)", &note);
    let most = published.iter().chain(split).copied().fold(0.0, f64::max);
    let interval = |of: &Option<Vec<[f64; 2]>>, at: usize| match of {
        Some(intervals) => {
            let [low, high] = intervals[at];
            format!(" {low:>6.3}–{high:<6.3}")
        }
        None => String::new(),
    };
    for at in 0..published.len() {
        let m = match &orders.context_size {
            Some(sizes) => format!("{:>4}", sizes[at]),
            None => format!("{:>4.2}", orders.ratio[at]),
        };
        let _ = writeln!(
            out,
            "  {m}  {:>7.3}{} | {:>7.3}{}  {}",
            published[at],
            interval(&orders.published_interval, at),
            split[at],
            interval(&orders.without_noise_interval, at),
            bar(split[at] / most, 24)
        );
    }
    faint(
        page,
        &mut out,
        &sentence("as published", &report.bottleneck),
    );
    faint(
        page,
        &mut out,
        &sentence("by split halves", &report.bottleneck_split_half),
    );
    let counts = report.counts;
    faint(
        page,
        &mut out,
        &format!(
            "{} coalitions asked for, {} different ones evaluated",
            counts.asked, counts.evaluated
        ),
    );
    out
}

fn sentence(which: &str, bottleneck: &SampledBottleneck) -> String {
    let index = match (bottleneck.index, bottleneck.interval) {
        (Some(index), Some([low, high])) => {
            format!("{} ({} to {})", number(index), number(low), number(high))
        }
        (Some(index), None) => number(index),
        (None, _) => "undefined".into(),
    };
    let fitted = match (bottleneck.described_by(), bottleneck.fitted_residual) {
        (Some(n), Some(residual)) => format!(
            "the theory curve fits best with n' = {}, to {} rms",
            number(n),
            number(residual)
        ),
        _ => "the theory curve does not describe it".into(),
    };
    format!(
        "{which}: bottleneck index {index} (least J of the middle over the mean of the ends); {fitted}"
    )
}
