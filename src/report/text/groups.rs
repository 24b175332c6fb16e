//! Totals per group, and what becomes of v as players go or come.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::draw::{Page, bar, cut, faint, heading, inert, number, pad};
use super::names;
use crate::report::{DeletionReport, GroupReport, GroupTotal};

/// Groups of one kind that are listed at the most.
const ROWS: usize = 20;

/// Totals per agent, time and behaviour, and the metrics.
pub fn groups(page: Page, report: &GroupReport) -> String {
    let mut out = String::new();
    let kinds = [
        ("Agents", &report.agent, true),
        ("Times", &report.time, false),
        ("Behaviours", &report.behaviour, true),
    ];
    for (title, totals, by_size) in kinds {
        let Some(totals) = totals else {
            continue;
        };
        heading(page, &mut out, title, "sum of the values of their players");
        let mut rows: Vec<&GroupTotal> = totals.iter().collect();
        if by_size {
            rows.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
        }
        let left = rows.len().saturating_sub(ROWS);
        rows.truncate(ROWS);
        list(page, &mut out, &rows);
        if left > 0 {
            faint(page, &mut out, &format!("and {left} more"));
        }
    }
    let metrics = &report.metrics;
    let told = [
        (
            "latency L_tm",
            metrics.latency,
            "share of the steps that come after 0.9 of the total is there",
        ),
        (
            "inequality of agents G_ag",
            metrics.agent_gini,
            "Gini coefficient, 0 when all weigh the same",
        ),
        (
            "instability of agents C_ag",
            metrics.instability,
            "correlation of weight with deviation over time",
        ),
        (
            "agents in step Z_ag",
            metrics.synchrony,
            "1 when all push the same way at every time",
        ),
        (
            "inequality of behaviours G_be",
            metrics.behaviour_gini,
            "Gini coefficient, 0 when all weigh the same",
        ),
    ];
    if told.iter().any(|(_, value, _)| value.is_some()) {
        out.push('\n');
    }
    for (name, value, what) in told {
        if let Some(value) = value {
            let _ = writeln!(out, "  {name:<30} {:>9}  {what}", number(value));
        }
    }
    out
}

fn list(page: Page, out: &mut String, rows: &[&GroupTotal]) {
    let names: Vec<String> = rows.iter().map(|total| inert(&total.group)).collect();
    let room = page.width.saturating_sub(40).max(12);
    let wide = names
        .iter()
        .map(|name| name.width())
        .max()
        .unwrap_or(0)
        .min(room);
    let sizes = rows.iter().map(|total| total.value.abs());
    let most = sizes.fold(f64::MIN_POSITIVE, f64::max);
    for (name, total) in names.iter().zip(rows) {
        let bar = bar(total.value.abs() / most, 20);
        let _ = writeln!(
            out,
            "  {}  {:>10}  {}",
            pad(&cut(name, wide), wide),
            number(total.value),
            page.signed(total.value, &bar)
        );
    }
}

/// v without the foremost players, and of them alone.
pub fn curves(page: Page, report: &DeletionReport, labels: &[String]) -> String {
    let mut out = String::new();
    let note = "v without the players with the largest values, and of them alone";
    heading(page, &mut out, "Deletion and insertion", note);
    let names = names::of_all(labels);
    let room = page.width.saturating_sub(36).max(12);
    for (place, count) in report.counts.iter().enumerate() {
        let last = match count {
            0 => "nobody".into(),
            count => {
                let name = &names[&report.ranking[count - 1]];
                cut(
                    &format!("{}{name}", if *count > 1 { "… " } else { "" }),
                    room,
                )
            }
        };
        let _ = writeln!(
            out,
            "  {count:>4}  {:>10}  {:>10}  {last}",
            number(report.deletion[place]),
            number(report.insertion[place])
        );
    }
    out
}
