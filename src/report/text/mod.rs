//! The page that a terminal shows: the sample with its players, interactions as bars, orders as a small chart.

mod draw;
mod indices;
mod interactions;
mod names;
mod orders;
mod recovery;

pub use draw::{Page, inert};
pub use indices::{index, players};
pub use interactions::{interactions, joint};
pub use orders::order_profile;
pub use recovery::recovery;

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::{InteractionReport, OrderReport, PlayerIndices, Record};
use draw::{Ink, faint, number, wrap};

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
            let tokens = target["ids"].as_array().map_or(1, Vec::len);
            let target = inert(target["text"].as_str().unwrap_or_default());
            let baseline = record.baseline.as_deref().unwrap_or_default();
            let sum = if tokens > 1 {
                format!("sum over {tokens} tokens of ")
            } else {
                String::new()
            };
            let unit = if readout.starts_with("log-") {
                " in nats"
            } else {
                ""
            };
            format!(
                "v = {sum}{readout} of `{target}`{unit}; absent players: {}",
                inert(baseline)
            )
        }
        _ => format!(
            "v = {}",
            inert(record.game.as_deref().unwrap_or("the game"))
        ),
    };
    let (empty, full) = (number(record.v_empty), number(record.v_full));
    out.push('\n');
    for line in wrap(&what, page.width.saturating_sub(2)) {
        let _ = writeln!(out, "  {line}");
    }
    let _ = writeln!(
        out,
        "  with nobody present v = {empty}, with everybody v = {full}"
    );
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
    let counted = record.counts.as_ref();
    let asked = counted.and_then(|counts| counts["coalitions"].as_u64());
    let coalitions = asked.unwrap_or_else(|| 1 << record.n);
    let line = format!("{model}{coalitions} coalitions in {seconds:.2} s ({stages})");
    let mut out = String::from("\n");
    faint(page, &mut out, &line);
    out
}
