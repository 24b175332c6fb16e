//! Results as one self-contained HTML page: a run ([`run`]), a batch ([`batch`]) or a study of orders
//! ([`study()`], [`orders`]).
//!
//! A page needs no network, loads nothing and runs nothing but its own script: its Content-Security-Policy names the script and
//! the style sheet by their hashes. Text of models and files is data: it is escaped, made [inert](super::text::inert()), and cut
//! where it is long.

mod batches;
mod figures;
mod interactions;
mod lists;
mod provenance;
mod sample;
mod shell;
mod studies;

pub use batches::batch;
pub use studies::{orders, study};

use maud::{Markup, html};

use super::chart;
use super::text::draw::{cut, inert, number};
use super::text::meaning;
use super::{Profile, Record};
use crate::Result;

/// Columns of a heading or a title.
const TITLE: usize = 60;

/// The page of one run.
///
/// # Cost
/// Linear in the documents; of long lists the strongest are shown, so that a page stays below 2 MB.
///
/// # Errors
/// None for a valid profile.
pub fn run(profile: &Profile) -> Result<String> {
    let record = &profile.record;
    let title = title(record);
    let charts = chart::of_profile(profile);
    // Bars of interactions and players are part of the page itself, where they answer to the pointer.
    let charts: Vec<_> = charts
        .into_iter()
        .filter(|chart| !matches!(chart.body, chart::Body::Ranked { .. }))
        .collect();
    let body = html! {
        header {
            p.eyebrow { "Interaction profile" }
            h1 { (title) }
            p.lead { (quoted(&meaning(record))) "." }
            (tiles(profile))
        }
        section.explanation aria-labelledby="interactions" {
            (sample::section(record))
            (interactions::section(profile))
        }
        section aria-labelledby="figures" {
            h2 #figures { "Orders, growth and sparsity" }
            (figures::grid(&charts)?)
        }
        (lists::players(profile))
        (provenance::section(record))
    };
    Ok(shell::page(&title, &record.program, &body))
}

/// Text whose parts between backticks are set as code.
fn quoted(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (cut(&inert(part), 4 * TITLE)) } } @else { (cut(&inert(part), 4 * TITLE)) }
        }
    }
}

/// What the page is about, in a few words.
fn title(record: &Record) -> String {
    let target = record
        .target
        .as_ref()
        .and_then(|target| target["text"].as_str());
    match (target, &record.game) {
        (Some(target), _) => format!("What speaks for “{}”", cut(inert(target).trim(), TITLE)),
        (None, Some(game)) => format!("Interactions of {}", cut(&inert(game), TITLE)),
        (None, None) => "Interactions of a game".into(),
    }
}

/// The handful of numbers that a reader wants first.
fn tiles(profile: &Profile) -> Markup {
    let Profile {
        record,
        interactions,
        orders,
        ..
    } = profile;
    let all = interactions.and.len() + interactions.or.len();
    html! {
        dl.tiles {
            (tile("v, everybody present", &number(record.v_full), &format!("{} players", record.n)))
            (tile("v, nobody present", &number(record.v_empty), record.baseline.as_deref().unwrap_or("the empty coalition")))
            (tile("salient interactions", &interactions.salient.count.to_string(), &format!("of {all} pass {}", interactions.salient.threshold)))
            @if let Some(index) = orders.bottleneck.index {
                (tile("bottleneck index", &number(index), "J of the middle over J of the ends"))
            }
        }
    }
}

fn tile(name: &str, value: &str, note: &str) -> Markup {
    html! {
        div { dt { (name) } dd { strong { (value) } " " span { (cut(&inert(note), TITLE)) } } }
    }
}
