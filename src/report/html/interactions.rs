//! The ranked list of interactions.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::lists::{bar, signed};
use crate::interaction::Kind;
use crate::report::text::draw::{cut, inert};
use crate::report::text::interactions::certificate;
use crate::report::text::names;
use crate::report::{InteractionEntry, Profile};

/// Interactions that stand unfolded, and those that are listed at all.
const OPEN: usize = 12;
const LISTED: usize = 300;

/// Columns of a player's name in a row.
const NAME: usize = 24;

/// The salient interactions as rows that light their players.
pub(super) fn section(profile: &Profile) -> Markup {
    let found = &profile.interactions;
    let listed = found.listed();
    let names = names_of(profile);
    let reach = listed
        .iter()
        .fold((0.0f64, 0.0f64), |(low, high), (_, entry)| {
            (low.min(entry.effect), high.max(entry.effect))
        });
    let shown = &listed[..listed.len().min(LISTED)];
    let (open, folded) = shown.split_at(shown.len().min(OPEN));
    let span = profile.record.v_full - profile.record.v_empty;
    html! {
        div.head {
            h2 #interactions { "Interactions" }
            p.key {
                span.kind.and { "AND" } " acts only when all of its players are present, "
                span.kind.or { "OR" } " when any of them is. "
                span.whole { span.raises { "▶ raises v" } "," } " " span.whole { span.lowers { "◀ lowers v" } "." }
            }
        }
        @if listed.is_empty() {
            p { @if found.and.is_empty() && found.or.is_empty() { "None: no coalition changes v." } @else { "None passes " (cut(&inert(&found.salient.threshold), NAME)) "." } }
        }
        ol.rows { @for row in open { (self::row(row, &names, reach)) } }
        @if !folded.is_empty() {
            details.more {
                summary { (folded.len()) " more" }
                ol.rows start=(OPEN + 1) { @for row in folded { (self::row(row, &names, reach)) } }
            }
        }
        @if listed.len() > shown.len() {
            p.note { (listed.len() - shown.len()) " weaker ones are in interactions.json." }
        }
        @for line in certificate(found, span) { p.certificate { (sentence(&line)) } }
    }
}

/// Players' names as rows show them, by number.
fn names_of(profile: &Profile) -> BTreeMap<usize, String> {
    let labels: Vec<String> = profile
        .record
        .players
        .iter()
        .map(|one| one.label.clone())
        .collect();
    let short = |(player, name): (usize, String)| (player, cut(&name, NAME));
    names::of_all(&labels).into_iter().map(short).collect()
}

fn row(
    (kind, entry): &(Kind, &InteractionEntry),
    names: &BTreeMap<usize, String>,
    reach: (f64, f64),
) -> Markup {
    let players: Vec<String> = entry.players.iter().map(usize::to_string).collect();
    let (kind, title) = match (entry.order, kind) {
        (1, _) => ("one", "alone"),
        (_, Kind::And) => ("and", "AND"),
        (_, Kind::Or) => ("or", "OR"),
    };
    html! {
        li {
            button.row type="button" aria-pressed="false" data-kind=(kind) data-players=(players.join(" ")) {
                span class={ "kind " (kind) } { (title) }
                span.names {
                    @for (place, player) in entry.players.iter().enumerate() {
                        @if place > 0 { span.dot { " · " } }
                        bdi { (names.get(player).map_or("", String::as_str)) }
                    }
                    @if entry.below_noise { " " span.noise title="as small as noise in v alone could make it" { "noise?" } }
                }
                span class={ "effect " @if entry.effect < 0.0 { "lowers" } @else { "raises" } } { (signed(entry.effect)) }
                (bar(entry.effect, reach, kind == "or"))
            }
        }
    }
}

/// A remark as a sentence of its own.
fn sentence(line: &str) -> String {
    let line = inert(line);
    let mut letters = line.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    let stop = if line.ends_with('.') { "" } else { "." };
    format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
}
