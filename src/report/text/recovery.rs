//! What was recovered from samples.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::draw::{Page, bar, cut, faint, heading, number, pad};
use super::interactions::bars;
use super::names;
use crate::interaction::Kind;
use crate::report::{HeldOutReport, InteractionEntry, RecoveredIndices, RecoveryReport};

/// The recovered terms as bars, how well they predict, and the Shapley values of the strongest players.
pub fn recovery(page: Page, found: &RecoveryReport, indices: &RecoveredIndices) -> String {
    let mut out = String::new();
    let all = found.and.len() + found.or.len();
    let note = format!(
        "{all} recovered from {} coalitions by `{}`",
        found.samples, found.method
    );
    heading(page, &mut out, "Interactions", &note);
    let mut rows: Vec<(Kind, &InteractionEntry)> =
        found.and.iter().map(|entry| (Kind::And, entry)).collect();
    rows.extend(found.or.iter().map(|entry| (Kind::Or, entry)));
    rows.sort_by(|a, b| b.1.effect.abs().total_cmp(&a.1.effect.abs()));
    rows.truncate(page.rows);
    let named = names::of_all(&indices.labels);
    bars(page, &mut out, &rows, &named);
    if all == 0 {
        let _ = writeln!(out, "  none: v is best predicted by its mean");
    }
    if all > rows.len() {
        faint(page, &mut out, &format!("and {} more", all - rows.len()));
    }
    let HeldOutReport { samples, .. } = found.held_out;
    let line = format!(
        "R² {} on {samples} coalitions held out, when fitted to the others",
        figure(&found.held_out)
    );
    faint(page, &mut out, &line);
    if found.tried.len() > 1 {
        let tried = found.tried.iter();
        let tried: Vec<String> = tried
            .map(|tried| format!("{} {}", tried.method, figure(tried)))
            .collect();
        faint(page, &mut out, &format!("tried: {}", tried.join(", ")));
    }
    out + &players(page, indices, &named)
}

/// `0.9931 ± 0.0012`
fn figure(held_out: &HeldOutReport) -> String {
    let sign = if held_out.r2 < 0.0 { "−" } else { "" };
    format!(
        "{sign}{:.4} ± {:.4}",
        held_out.r2.abs(),
        held_out.standard_error
    )
}

/// The strongest players of what was recovered.
fn players(
    page: Page,
    indices: &RecoveredIndices,
    named: &std::collections::BTreeMap<usize, String>,
) -> String {
    let mut out = String::new();
    let note = "Shapley and Banzhaf value of what was recovered";
    heading(page, &mut out, "Players", note);
    let mut order: Vec<usize> = (0..indices.shapley.len()).collect();
    let size = |player: usize| indices.shapley[player].abs();
    order.sort_by(|&a, &b| size(b).total_cmp(&size(a)).then(a.cmp(&b)));
    let all = order.len();
    order.truncate(page.rows);
    let most = order.first().map_or(0.0, |&player| size(player));
    let widths = order.iter().map(|player| named[player].width());
    let wide = widths
        .max()
        .unwrap_or(0)
        .min(page.width.saturating_sub(50).max(12));
    for &player in &order {
        let shapley = indices.shapley[player];
        let bar = bar(shapley.abs() / most.max(f64::MIN_POSITIVE), 20);
        let _ = writeln!(
            out,
            "  {}  {:>9}  {}  {:>9}",
            pad(&cut(&named[&player], wide), wide),
            number(shapley),
            page.signed(shapley, &pad(&bar, 20)),
            number(indices.banzhaf[player])
        );
    }
    if all > order.len() {
        faint(page, &mut out, &format!("and {} more", all - order.len()));
    }
    out
}
