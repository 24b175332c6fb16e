//! The page that a terminal shows: the sample with its players, interactions as bars, orders as a small chart.

mod compare;
mod curve;
pub(super) mod draw;
mod groups;
mod indices;
pub(super) mod interactions;
pub(super) mod names;
mod orders;
mod recovery;
mod summary;

pub use compare::compare;
pub use curve::curve;
pub use draw::{Page, inert};
pub use groups::{curves, groups};
pub use indices::{index, players};
pub use interactions::{interactions, joint};
pub use orders::order_profile;
pub use recovery::recovery;
pub use summary::summary;

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::{InteractionReport, OrderReport, PlayerIndices, Record, SampleKind};
use draw::{Ink, cut, faint, number, wrap};

/// Columns beyond which the name of a model, a game or a target is cut.
const LONGEST_NAME: usize = 400;

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

/// The text, or the players of the image or row, in brackets, and what v is.
pub fn sample(page: Page, record: &Record) -> String {
    let mut out = String::from("\n");
    // A label may be longer than any page.
    let shown = |label: &str| cut(&inert(label), page.width.saturating_sub(6).max(12));
    if let (Some(name), true) = (&record.sample, record.kind != Some(SampleKind::Text)) {
        let name = inert(name);
        let what = match (&record.image, &record.map) {
            (Some(image), None) => format!("{name}, {} × {} pixels", image.height, image.width),
            (_, Some(map)) => {
                let cells = format!("{} × {} cells", map.height, map.width);
                format!("{name}, the map of {cells} behind `{}`", inert(&map.layer))
            }
            _ => name,
        };
        for line in wrap(&what, page.width.saturating_sub(2)) {
            let _ = writeln!(out, "  {line}");
        }
        out.push('\n');
    }
    let labels = record.players.iter().map(|player| shown(&player.label));
    let mut column = 2;
    let mut line = String::from(" ");
    for label in labels {
        let width = label.width() + 3;
        if column + width > page.width && column > 2 {
            out += &line;
            out.push('\n');
            (line, column) = (String::from(" "), 2);
        }
        line += " ";
        line += &format!("[{}]", page.ink(Ink::Player, &label));
        column += width;
    }
    out += &line;
    out.push('\n');
    let what = meaning(record);
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

/// What v is, in one sentence without its full stop.
pub(in crate::report) fn meaning(record: &Record) -> String {
    match (&record.readout, &record.target) {
        (Some(readout), Some(target)) => {
            let tokens = target["ids"].as_array().map_or(1, Vec::len);
            let target = inert(target["text"].as_str().unwrap_or_default());
            let target = cut(&target, LONGEST_NAME);
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
                "v = {sum}{} of `{target}`{unit}; absent players: {}",
                inert(readout),
                inert(baseline)
            )
        }
        _ => format!(
            "v = {}",
            cut(
                &inert(record.game.as_deref().unwrap_or("the game")),
                LONGEST_NAME
            )
        ),
    }
}

/// What ran where, and how long it took.
pub fn closing(page: Page, record: &Record) -> String {
    let model = record.model.as_ref().map_or(String::new(), |model| {
        let millions = model.parameters as f64 / 1e6;
        format!(
            "{} ({}, {millions:.1} M parameters) on {} in {}; ",
            cut(&inert(&model.source), LONGEST_NAME),
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
    faint(page, &mut out, &inert(&line));
    out
}
