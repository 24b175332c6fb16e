//! The strongest interactions as bars, with their certificate.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::draw::{Ink, Page, bar, cut, faint, heading, inert, number, pad};
use super::names;
use crate::interaction::{Fit, Kind};
use crate::report::{InteractionEntry, InteractionReport, JointReport};

/// The strongest interactions, as bars.
pub fn interactions(page: Page, found: &InteractionReport, span: f64) -> String {
    let mut out = String::new();
    let all = found.and.len() + found.or.len();
    let note = format!(
        "{} of {all} pass {}",
        found.salient.count, found.salient.threshold
    );
    heading(page, &mut out, "Interactions", &inert(&note));
    let mut rows = found.listed();
    rows.truncate(page.rows);
    bars(page, &mut out, &rows, &names::of_entries(found));
    if found.salient.count == 0 {
        let _ = match all {
            0 => writeln!(out, "  none: no coalition changes v"),
            _ => writeln!(out, "  none passes {}", inert(&found.salient.threshold)),
        };
    }
    let left = found.salient.count.saturating_sub(rows.len());
    if left > 0 {
        let _ = writeln!(
            out,
            "  {}",
            page.ink(Ink::Faint, &format!("and {left} more"))
        );
    }
    for line in certificate(found, span) {
        faint(page, &mut out, &line);
    }
    out
}

/// A line per interaction: its kind, its players, its effect and a bar.
pub(super) fn bars(
    page: Page,
    out: &mut String,
    rows: &[(Kind, &InteractionEntry)],
    named: &BTreeMap<usize, String>,
) {
    let strongest = rows.first().map_or(0.0, |(_, entry)| entry.effect.abs());
    let name = |player| named.get(player).map_or("", String::as_str);
    let names: Vec<String> = rows
        .iter()
        .map(|(_, entry)| {
            let players: Vec<&str> = entry.players.iter().map(name).collect();
            players.join(" · ")
        })
        .collect();
    let room = page.width.saturating_sub(40).max(12);
    let wide = names
        .iter()
        .map(|name| name.width())
        .max()
        .unwrap_or(0)
        .min(room);
    for ((kind, entry), name) in rows.iter().zip(&names) {
        let kind = match entry.order {
            1 => String::new(),
            _ => kind.to_string(),
        };
        let effect = format!(
            "{:>9}",
            format!(
                "{}{}",
                if entry.effect < 0.0 { "−" } else { "+" },
                number(entry.effect.abs())
            )
        );
        let bar = bar(entry.effect.abs() / strongest, 20);
        let noise = if entry.below_noise { " noise?" } else { "" };
        let _ = writeln!(
            out,
            "  {kind:<3} {}  {}  {}{}",
            pad(&cut(name, wide), wide),
            page.signed(entry.effect, &effect),
            page.signed(entry.effect, &bar),
            page.ink(Ink::Faint, noise)
        );
    }
}

/// What several models share, and the interactions of each; `spans` are their v(N) − v(∅).
pub fn joint(page: Page, found: &JointReport, spans: &[f64]) -> String {
    let mut out = String::new();
    let note = format!(
        "proven to be within {} % of the least possible",
        number(100.0 * found.gap)
    );
    heading(page, &mut out, "Shared interactions", &note);
    for overlap in &found.overlap {
        let _ = writeln!(
            out,
            "  of the {:>2} strongest {:<3} all models share {:>2} ({} by chance)",
            overlap.count,
            overlap.kind.to_string(),
            overlap.shared,
            number(overlap.chance * overlap.count as f64)
        );
    }
    for (number, (model, span)) in found.models.iter().zip(spans).enumerate() {
        let _ = writeln!(
            out,
            "\n{}",
            page.ink(Ink::Title, &format!("Model {number}"))
        );
        out += &interactions(page, model, *span);
    }
    out
}

/// How v was followed, how close to the best possible the explanation is proven to be, and what it leaves over; `span` is
/// v(N) − v(∅).
pub(in crate::report) fn certificate(found: &InteractionReport, span: f64) -> Vec<String> {
    let fit = match found.fit {
        Fit::LeastSquares { sigma: Some(sigma) } => {
            format!("least squares at a noise σ of {}", number(sigma))
        }
        fit => fit.to_string(),
    };
    if found.objective == 0.0 {
        return vec!["v is constant, or within its noise: there is nothing to explain".into()];
    }
    let proof = match found.gap {
        Some(gap) => format!(
            "proven to be within {} % of the least possible",
            number(100.0 * gap)
        ),
        None => "without a proof of its own of how close to the least possible".into(),
    };
    let left = |rms: f64, most: f64, by: &str| {
        let (rms, most, span) = (number(rms), number(most), number(span));
        format!("left unexplained by {by}: {rms} rms, {most} at most, where v spans {span}")
    };
    let mut lines = vec![
        format!("fit: {fit}; total strength {}, {proof}", number(found.l1)),
        left(found.residual_rms, found.residual_max, "all interactions"),
    ];
    if let Some(noise) = found.noise.as_ref().filter(|noise| noise.salient_below > 0) {
        lines.push(format!(
            "noise?: {} of the interactions that pass lie below 3·2^(order/2)·σ, as far as the noise of v alone reaches (σ = {})",
            noise.salient_below,
            number(noise.std)
        ));
    }
    if found.alternatives > 0 {
        let others = match found.alternatives {
            1 => "1 interaction not listed could stand in for a listed one".into(),
            count => format!("{count} interactions not listed could stand in for listed ones"),
        };
        lines.push(format!("other explanations may be as good: {others}"));
    }
    if let Some(refit) = &found.refit {
        let by = "the salient ones, their effects fitted anew as listed";
        lines.push(left(refit.residual_rms, refit.residual_max, by));
    }
    lines
}
