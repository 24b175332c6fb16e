//! The page that a terminal shows: the sample with its players, interactions as bars, orders as a small chart.

mod draw;
mod names;

pub use draw::{Page, inert};

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::{
    IndexReport, InteractionEntry, InteractionReport, JointReport, OrderReport, PlayerIndices,
    Record,
};
use crate::interaction::Fit;
use draw::{Ink, bar, cut, number, pad};

fn heading(page: Page, out: &mut String, title: &str, note: &str) {
    let _ = writeln!(
        out,
        "\n{}  {}",
        page.ink(Ink::Title, title),
        page.ink(Ink::Faint, note)
    );
}

/// The whole page of a profile.
pub fn profile(
    page: Page,
    record: &Record,
    found: &InteractionReport,
    orders: &OrderReport,
    indices: &PlayerIndices,
) -> String {
    let mut out = sample(page, record);
    out += &interactions(page, found, record.v_full - record.v_empty);
    out += &order_profile(page, orders);
    out += &players(page, indices);
    out += &closing(page, record);
    out
}

/// The text with its players in brackets, and what v is.
pub fn sample(page: Page, record: &Record) -> String {
    let mut out = String::from("\n");
    let labels = record
        .players
        .iter()
        .map(|player| format!("[{}]", page.ink(Ink::Player, &inert(&player.label))));
    let mut column = 2;
    let mut line = String::from(" ");
    for (label, player) in labels.zip(&record.players) {
        let width = inert(&player.label).width() + 3;
        if column + width > page.width && column > 2 {
            out += &line;
            out.push('\n');
            (line, column) = (String::from(" "), 2);
        }
        line += " ";
        line += &label;
        column += width;
    }
    out += &line;
    out.push('\n');
    let what = match (&record.readout, &record.target) {
        (Some(readout), Some(target)) => {
            let target = inert(target["text"].as_str().unwrap_or_default());
            let baseline = record.baseline.as_deref().unwrap_or_default();
            let unit = if readout.starts_with("log-") {
                " in nats"
            } else {
                ""
            };
            format!(
                "v = {readout} of `{target}`{unit}; absent players: {}",
                inert(baseline)
            )
        }
        _ => format!(
            "v = {}",
            inert(record.game.as_deref().unwrap_or("the game"))
        ),
    };
    let (empty, full) = (number(record.v_empty), number(record.v_full));
    let _ = writeln!(
        out,
        "\n  {what}\n  with nobody present v = {empty}, with all {} players v = {full}",
        record.n
    );
    out
}

/// The strongest interactions, as bars.
pub fn interactions(page: Page, found: &InteractionReport, span: f64) -> String {
    let mut out = String::new();
    let all = found.and.len() + found.or.len();
    let note = format!(
        "{} of {all} pass {}",
        found.salient.count, found.salient.threshold
    );
    heading(page, &mut out, "Interactions", &note);
    let (and, or) = match &found.refit {
        Some(refit) => (&refit.and, &refit.or),
        None => (&found.and, &found.or),
    };
    let mut rows: Vec<(&str, &InteractionEntry)> = and.iter().map(|entry| ("AND", entry)).collect();
    rows.extend(or.iter().map(|entry| ("OR", entry)));
    rows.sort_by(|a, b| b.1.effect.abs().total_cmp(&a.1.effect.abs()));
    rows.truncate(page.rows.min(found.salient.count));
    let strongest = rows.first().map_or(0.0, |(_, entry)| entry.effect.abs());
    let named = names::of_entries(found);
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
        let kind = if entry.order == 1 { "   " } else { kind };
        let effect = format!(
            "{:>9}",
            format!(
                "{}{}",
                if entry.effect < 0.0 { "−" } else { "+" },
                number(entry.effect.abs())
            )
        );
        let bar = bar(entry.effect.abs() / strongest, 20);
        let _ = writeln!(
            out,
            "  {kind:<3} {}  {}  {}",
            pad(&cut(name, wide), wide),
            page.signed(entry.effect, &effect),
            page.signed(entry.effect, &bar)
        );
    }
    if found.salient.count == 0 {
        let _ = match all {
            0 => writeln!(out, "  none: no coalition changes v"),
            _ => writeln!(out, "  none passes {}", found.salient.threshold),
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
        let _ = writeln!(out, "  {}", page.ink(Ink::Faint, &line));
    }
    out
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

/// How v was followed, how close to the best possible the explanation is proven to be, and what it leaves over.
fn certificate(found: &InteractionReport, span: f64) -> Vec<String> {
    let fit = match found.fit {
        Fit::LeastSquares { sigma: Some(sigma) } => {
            format!("least squares at a noise of {}", number(sigma))
        }
        fit => fit.to_string(),
    };
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
    if found.alternatives > 0 {
        let count = found.alternatives;
        lines.push(format!("other explanations may be as good: {count} interactions not listed could stand in for listed ones"));
    }
    if let Some(refit) = &found.refit {
        let by = "the salient ones, their effects fitted anew as listed";
        lines.push(left(refit.residual_rms, refit.residual_max, by));
    }
    lines
}

/// Strength per order, and J by context size.
pub fn order_profile(page: Page, orders: &OrderReport) -> String {
    let mut out = String::new();
    heading(
        page,
        &mut out,
        "Strength by order",
        "sum of effects that raise v | that lower v, AND and OR together",
    );
    let sums = |and: &[f64], or: &[f64]| {
        and.iter()
            .zip(or)
            .map(|(a, b)| (a + b).abs())
            .collect::<Vec<_>>()
    };
    let raise = sums(&orders.strength.and.positive, &orders.strength.or.positive);
    let lower = sums(&orders.strength.and.negative, &orders.strength.or.negative);
    let most = raise
        .iter()
        .chain(&lower)
        .copied()
        .fold(0.0, f64::max)
        .max(f64::MIN_POSITIVE);
    for order in 1..raise.len() {
        let (up, down) = (bar(raise[order] / most, 16), bar(lower[order] / most, 16));
        let _ = writeln!(
            out,
            "  {order:>3}  {:>9} {} {:>9} {}",
            number(raise[order]),
            page.ink(Ink::Raises, &pad(&up, 16)),
            number(lower[order]),
            page.ink(Ink::Lowers, &down)
        );
    }
    let Some((sizes, relative)) = orders
        .multi_order
        .as_ref()
        .and_then(|m| Some((&m.context_size, m.relative.as_ref()?)))
    else {
        return out;
    };
    let note = "how strongly pairs interact beside m other players, mean 1";
    heading(page, &mut out, "Order strength J(m)", note);
    let most = relative.iter().copied().fold(0.0, f64::max);
    for (m, strength) in sizes.iter().zip(relative) {
        let _ = writeln!(
            out,
            "  {m:>3}  {:>9} {}",
            number(*strength),
            bar(strength / most, 32)
        );
    }
    if let Some(index) = orders.bottleneck.index {
        // At the end of its range the fit says that the theory does not describe the curve.
        let fitted = orders.bottleneck.fitted_n.filter(|&n| n > 2.01);
        let fitted = fitted.map_or("; the theory curve does not describe it".into(), |n| {
            format!("; the theory curve fits best with n' = {}", number(n))
        });
        let line = format!(
            "bottleneck index {} (least J of the middle over the mean of the ends){fitted}",
            number(index)
        );
        let _ = writeln!(out, "  {}", page.ink(Ink::Faint, &line));
    }
    out
}

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

/// What ran where, and how long it took.
pub fn closing(page: Page, record: &Record) -> String {
    let model = record.model.as_ref().map_or(String::new(), |model| {
        let millions = model.parameters as f64 / 1e6;
        format!(
            "{} ({}, {millions:.1} M parameters) on {} in {}; ",
            inert(&model.source),
            model.architecture,
            record.device,
            record.dtype
        )
    });
    let seconds: f64 = record.seconds.values().sum();
    let stages = record
        .seconds
        .iter()
        .map(|(stage, seconds)| format!("{stage} {seconds:.2} s"))
        .collect::<Vec<_>>()
        .join(", ");
    let line = format!(
        "{model}{} coalitions in {seconds:.2} s ({stages})",
        1u64 << record.n
    );
    format!("\n  {}\n", page.ink(Ink::Faint, &line))
}
