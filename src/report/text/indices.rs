//! Values of players and coalitions.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::draw::{Page, bar, cut, heading, number, pad};
use super::names;
use crate::report::{IndexReport, PlayerIndices};

/// Shapley values as bars.
pub fn players(page: Page, indices: &PlayerIndices) -> String {
    let mut out = String::new();
    heading(
        page,
        &mut out,
        "Players",
        "Shapley value, and what v loses without the player",
    );
    let most = indices
        .shapley
        .iter()
        .fold(0.0f64, |most, value| most.max(value.abs()))
        .max(f64::MIN_POSITIVE);
    let names: Vec<String> = names::of_all(&indices.labels).into_values().collect();
    let wide = names
        .iter()
        .map(|name| name.width())
        .max()
        .unwrap_or(0)
        .min(page.width.saturating_sub(50).max(12));
    for ((name, shapley), alone) in names
        .iter()
        .zip(&indices.shapley)
        .zip(&indices.leave_one_out)
    {
        let bar = bar(shapley.abs() / most, 20);
        let _ = writeln!(
            out,
            "  {}  {:>9}  {}  {:>9}",
            pad(&cut(name, wide), wide),
            number(*shapley),
            page.signed(*shapley, &pad(&bar, 20)),
            number(*alone)
        );
    }
    out
}

/// A plain list of an index, with error bars where it was estimated.
pub fn index(page: Page, report: &IndexReport, labels: &[String]) -> String {
    let mut out = String::new();
    let how = match &report.estimate {
        Some(estimate) => format!(
            "up to order {}, estimated by {} from {} values of v; ± is half of the 95 % confidence interval",
            report.order, estimate.method, estimate.evaluations
        ),
        None => format!("up to order {}", report.order),
    };
    heading(page, &mut out, &report.index, &how);
    let named = names::of_all(labels);
    let name = |players: &[usize]| {
        let players: Vec<&str> = players
            .iter()
            .map(|player| named[player].as_str())
            .collect();
        players.join(" · ")
    };
    let names: Vec<String> = report
        .values
        .iter()
        .map(|value| name(&value.players))
        .collect();
    let bar_width = if report.estimate.is_some() { 13 } else { 0 };
    let wide = names
        .iter()
        .map(|name| name.width())
        .max()
        .unwrap_or(0)
        .min(page.width.saturating_sub(14 + bar_width).max(12));
    for (name, value) in names.iter().zip(&report.values) {
        let bar = value.error.map_or(String::new(), |bar| {
            format!("  ± {:>9}", number(0.5 * (bar.high - bar.low)))
        });
        let _ = writeln!(
            out,
            "  {}  {:>10}{bar}",
            pad(&cut(name, wide), wide),
            number(value.value)
        );
    }
    out
}
