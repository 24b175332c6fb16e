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

/// A plain list of an index.
pub fn index(page: Page, report: &IndexReport, labels: &[String]) -> String {
    let mut out = String::new();
    heading(
        page,
        &mut out,
        &report.index,
        &format!("up to order {}", report.order),
    );
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
    let wide = names
        .iter()
        .map(|name| name.width())
        .max()
        .unwrap_or(0)
        .min(page.width.saturating_sub(14).max(12));
    for (name, value) in names.iter().zip(&report.values) {
        let _ = writeln!(
            out,
            "  {}  {:>10}",
            pad(&cut(name, wide), wide),
            number(value.value)
        );
    }
    out
}
