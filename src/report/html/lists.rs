//! Bars beside names: the players, and what rows are drawn with.

use maud::{Markup, html};

use crate::report::Profile;
use crate::report::text::draw::{inert, number};
use crate::report::text::names;

/// Characters of a player's name in the table of players, which is where a long one can be read.
const NAME: usize = 2000;

/// The players with their Shapley values.
pub(super) fn players(profile: &Profile) -> Markup {
    let indices = &profile.indices;
    let names: Vec<String> = names::of_all(&indices.labels).into_values().collect();
    let reach = indices
        .shapley
        .iter()
        .fold((0.0f64, 0.0f64), |(low, high), &value| {
            (low.min(value), high.max(value))
        });
    html! {
        section aria-labelledby="players" {
            h2 #players { "Players" }
            p.note {
                "The Shapley value is a player's fair share of v(N) − v(∅) = "
                (number(profile.record.v_full - profile.record.v_empty))
                ". The Banzhaf value is what it adds to a coalition drawn at random. “Without it” is what v loses when it alone is absent."
            }
            div.scroll role="region" aria-labelledby="players" tabindex="0" {
                table.players {
                    thead { tr { th scope="col" { "player" } th.number scope="col" { "Shapley" } th aria-label="bar" {} th.number scope="col" { "Banzhaf" } th.number scope="col" { "without it" } } }
                    tbody {
                        @for (player, name) in names.iter().enumerate() {
                            tr data-player-row=(player) {
                                th scope="row" dir="auto" { (long(name)) }
                                td class={ "number " @if indices.shapley[player] < 0.0 { "lowers" } @else { "raises" } } { (signed(indices.shapley[player])) }
                                td.graph { (bar(indices.shapley[player], reach, false)) }
                                td.number { (signed(indices.banzhaf[player])) }
                                td.number { (signed(indices.leave_one_out[player])) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn long(name: &str) -> String {
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}… (all of it in record.json)", inert(&name[..end])),
        None => inert(name),
    }
}

/// A number with its sign.
pub(super) fn signed(value: f64) -> String {
    match value > 0.0 {
        true => format!("+{}", number(value)),
        false => number(value),
    }
}

/// A bar from zero to `value`, where bars reach from the least to the most of `reach`.
pub(super) fn bar(value: f64, (low, high): (f64, f64), hollow: bool) -> Markup {
    let width = (high - low).max(f64::MIN_POSITIVE);
    let place = |at: f64| (1000.0 * (at - low) / width).clamp(0.0, 1000.0);
    let (left, right) = (place(value.min(0.0)), place(value.max(0.0)));
    let zero = place(0.0);
    let sign = if value < 0.0 { "lowers" } else { "raises" };
    let form = if hollow { "hollow" } else { "solid" };
    html! {
        svg.bar viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true" {
            line.zero x1=(round(zero)) x2=(round(zero)) y1="0" y2="16" {}
            rect class={ (sign) " " (form) } x=(round(left)) y="2.5" width=(round((right - left).max(2.0))) height="11" {}
        }
    }
}

fn round(units: f64) -> f64 {
    (10.0 * units).round() / 10.0
}
