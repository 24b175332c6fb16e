//! The page of a study of orders: J(m) over samples, and the bottleneck of each class.

use maud::{Markup, html};

use super::{batches, figures, provenance, shell, tile};
use crate::Result;
use crate::report::chart;
use crate::report::text::draw::{cut, inert, number};
use crate::report::{CurveReport, OrderReport, SampledBottleneck, Study};

/// Columns of a name.
const NAME: usize = 60;

/// Classes in the table.
const CLASSES: usize = 1000;

/// The page of a study, of one sample or of many.
///
/// # Cost
/// Linear in the classes and the sampled context sizes.
///
/// # Errors
/// None for a valid study.
pub fn study(study: &Study) -> Result<String> {
    let curve = &study.curve;
    let title = match curve.samples {
        1 => "Order strength of 1 sample".into(),
        count => format!("Order strength of {count} samples"),
    };
    let source = |key: &str| {
        let text = study.config[key].as_str()?;
        Some(cut(&inert(text.rsplit('/').next().unwrap_or(text)), NAME))
    };
    let figures = figures::grid(&chart::of_study(curve))?;
    let players = curve.n.map_or("–".into(), |n| n.to_string());
    let counts = curve.counts;
    let body = html! {
        header {
            p.eyebrow { "Multi-order interactions" }
            h1 { (title) }
            p.lead {
                @if let Some(data) = source("data") { "From " code { (data) } }
                @if let Some(model) = source("model").or_else(|| source("game")) { ", of " code { (model) } }
                "."
            }
            dl.tiles {
                (tile("samples", &curve.samples.to_string(), &match study.failed.len() { 0 => "none failed".into(), failed => format!("{failed} more failed") }))
                (tile("players", &players, if curve.n.is_some() { "in every sample" } else { "differ between samples" }))
                (index("bottleneck index", "as published", &curve.bottleneck))
                (index("bottleneck index", "without noise", &curve.bottleneck_split_half))
                (tile("coalitions evaluated", &counts.evaluated.to_string(), &format!("of {} asked for", counts.asked)))
            }
        }
        section aria-labelledby="figures" {
            h2 #figures { "Strength by context size" }
            @if curve.multi_order.published.is_none() { p.note { "No pair interacts at any context size sampled." } }
            (figures)
        }
        @if !curve.classes.is_empty() { (classes(curve)) }
        @if !study.failed.is_empty() { (batches::failures(&study.failed, "orders.json")) }
        (provenance::of_study(study))
    };
    Ok(shell::page(&title, &study.program, &body))
}

/// The page of the orders of one table; `program` is who measured it.
///
/// # Cost
/// Linear in the players.
///
/// # Errors
/// None for a valid report.
pub fn orders(report: &OrderReport, program: &str) -> Result<String> {
    let title = "Orders of one table";
    let players = report.mean_output.len().saturating_sub(1);
    let index = report.bottleneck.index;
    let body = html! {
        header {
            p.eyebrow { "Multi-order interactions" }
            h1 { (title) }
            dl.tiles {
                (tile("players", &players.to_string(), "all coalitions"))
                @if let Some(index) = index { (tile("bottleneck index", &number(index), "J of the middle over J of the ends")) }
            }
        }
        section aria-labelledby="figures" {
            h2 #figures { "Orders and growth" }
            (figures::grid(&chart::of_orders(report))?)
        }
    };
    Ok(shell::page(title, program, &body))
}

fn index(name: &str, how: &str, bottleneck: &SampledBottleneck) -> Markup {
    let value = bottleneck.index.map_or("–".into(), number);
    let note = match bottleneck.interval {
        Some([low, high]) => format!("{how}, {} to {}", number(low), number(high)),
        None => how.into(),
    };
    tile(name, &value, &note)
}

/// A row for each class.
fn classes(curve: &CurveReport) -> Markup {
    let heads = [
        ("class", false),
        ("samples", true),
        ("index, as published", true),
        ("from", true),
        ("to", true),
        ("index without noise", true),
        ("from", true),
        ("to", true),
    ];
    let cell = |value: Option<f64>| match value {
        Some(value) => html! { td.number data-value=(value) { (number(value)) } },
        None => html! { td.number { "–" } },
    };
    let cells = |bottleneck: &SampledBottleneck| {
        html! {
            (cell(bottleneck.index))
            (cell(bottleneck.interval.map(|interval| interval[0])))
            (cell(bottleneck.interval.map(|interval| interval[1])))
        }
    };
    html! {
        section aria-labelledby="classes" {
            h2 #classes { "Bottleneck of each class" }
            p.note { (cut(&inert(&curve.bottleneck.definition), 4 * NAME)) ". A heading sorts." }
            div.scroll role="region" aria-labelledby="classes" tabindex="0" {
                table.sortable {
                    thead { tr { @for (head, is_number) in heads { th.number[is_number] scope="col" { button type="button" { (head) } } } } }
                    tbody {
                        @for (name, class) in curve.classes.iter().take(CLASSES) {
                            tr {
                                th scope="row" { bdi { (cut(&inert(name), NAME)) } }
                                td.number data-value=(class.samples) { (class.samples) }
                                (cells(&class.bottleneck))
                                (cells(&class.bottleneck_split_half))
                            }
                        }
                    }
                }
            }
            @if curve.classes.len() > CLASSES { p.hint { "The first " (CLASSES) " of " (curve.classes.len()) "; orders.json holds all." } }
        }
    }
}
