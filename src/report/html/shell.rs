//! The document around a page: its head, its policy, its style and its script.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::report::svg;
use crate::report::text::draw::inert;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A whole document of the `body`; `program` is who made it.
pub(super) fn page(title: &str, program: &str, body: &Markup) -> String {
    let style = style();
    // No origin is named, so nothing can be loaded; style and script are allowed as they are and no other way.
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(&style),
        hash(SCRIPT)
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (title) " · harsanyi" }
                // Without it, browsers ask servers for one.
                link rel="icon" href="data:,";
                style { (PreEscaped(&style)) }
            }
            body {
                main { (body) }
                footer { p { "Made by " (inert(program)) ". This file is complete: it loads nothing." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The style sheet, with the theme of the charts.
fn style() -> String {
    let (light, dark) = svg::variables();
    let rules = svg::rules(".chart");
    format!(
        ":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{rules}\n{STYLE}"
    )
}

/// A source of a policy: the one text with this hash.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}
