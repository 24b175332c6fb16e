//! The page of a batch: distributions over samples, and a table that links to each.

use maud::{Markup, html};

use super::{figures, provenance, shell, tile};
use crate::Result;
use crate::report::chart;
use crate::report::text::draw::{cut, inert, number};
use crate::report::{FailedSample, SampleSummary, Summary};

/// Samples in the table; the page would grow beyond what a browser sorts at once.
const LISTED: usize = 2000;

/// Columns of a text and of a target.
const TEXT: usize = 90;
const TARGET: usize = 24;

/// Failures that are told.
const FAILURES: usize = 50;

/// The page of a batch. Rows link to `samples/ID/report.html` beside it.
///
/// # Cost
/// Linear in the samples; the table shows the first 2000.
///
/// # Errors
/// None for a valid summary.
pub fn batch(summary: &Summary) -> Result<String> {
    let count = summary.samples.len();
    let title = match count {
        1 => "Interactions of 1 sample".into(),
        count => format!("Interactions of {count} samples"),
    };
    let figures = figures::grid(&chart::of_summary(summary))?;
    let players = |pick: fn(usize, usize) -> usize| {
        summary
            .samples
            .iter()
            .map(|one| one.n)
            .reduce(pick)
            .unwrap_or(0)
    };
    let monotone = summary
        .samples
        .iter()
        .filter(|sample| sample.monotone)
        .count();
    let model = summary.config["model"].as_str().map(inert);
    let data = summary.config["data"]
        .as_str()
        .map(|path| inert(path.rsplit('/').next().unwrap_or(path)));
    let body = html! {
        header {
            p.eyebrow { "Interaction profiles" }
            h1 { (title) }
            p.lead {
                @if let Some(data) = data { "From " code { (cut(&data, TEXT)) } }
                @if let Some(model) = model { ", read by " code { (cut(&model, TEXT)) } }
                "."
            }
            dl.tiles {
                (tile("samples", &count.to_string(), &match summary.failed.len() { 0 => "none failed".into(), failed => format!("{failed} more failed") }))
                (tile("players", &format!("{}–{}", players(usize::min), players(usize::max)), "per sample"))
                (tile("growing samples", &monotone.to_string(), "where ū never falls"))
            }
        }
        section aria-labelledby="figures" {
            h2 #figures { "Over all samples" }
            (figures)
        }
        @if !summary.samples.is_empty() { (table(&summary.samples)) }
        @if !summary.failed.is_empty() { (failures(&summary.failed, "summary.json")) }
        (provenance::of_batch(summary))
    };
    Ok(shell::page(&title, &summary.program, &body))
}

fn table(samples: &[SampleSummary]) -> Markup {
    let heads = [
        ("sample", false),
        ("text", false),
        ("target", false),
        ("n", true),
        ("v(∅)", true),
        ("v(N)", true),
        ("salient", true),
        ("strength", true),
        ("bottleneck", true),
        ("seconds", true),
    ];
    html! {
        section aria-labelledby="samples" {
            h2 #samples { "Samples" }
            p.note { "A heading sorts; a name opens the sample’s own page." }
            div.scroll role="region" aria-labelledby="samples" tabindex="0" {
                table.sortable {
                    thead { tr { @for (head, is_number) in heads { th.number[is_number] scope="col" { button type="button" { (head) } } } } }
                    tbody { @for sample in samples.iter().take(LISTED) { (row(sample)) } }
                }
            }
            @if samples.len() > LISTED { p.hint { "The first " (LISTED) " of " (samples.len()) "; summary.json holds all." } }
        }
    }
}

fn row(sample: &SampleSummary) -> Markup {
    let target = sample
        .target
        .as_ref()
        .and_then(|target| target["text"].as_str())
        .unwrap_or_default();
    let cell = |value: f64| html! { td.number data-value=(value) { (number(value)) } };
    html! {
        tr {
            th scope="row" { a href=[address(&sample.id)] { (cut(&inert(&sample.id), TARGET)) } }
            td.text dir="auto" { (cut(&inert(&sample.text), TEXT)) }
            td { bdi { (cut(&inert(target), TARGET)) } }
            td.number data-value=(sample.n) { (sample.n) }
            (cell(sample.v_empty))
            (cell(sample.v_full))
            td.number data-value=(sample.salient) { (sample.salient) }
            (cell(sample.l1))
            @match sample.bottleneck_index { Some(index) => (cell(index)), None => td.number { "–" } }
            (cell(sample.seconds.values().sum()))
        }
    }
}

/// The address of a sample's page; none for an id that is no plain name of a folder, which this program never writes.
fn address(id: &str) -> Option<String> {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let plain = !id.is_empty() && id.len() <= 100 && !id.starts_with('.') && id.chars().all(safe);
    plain.then(|| format!("samples/{id}/report.html"))
}

/// What failed and why; `file` holds those that do not fit.
pub(super) fn failures(failed: &[FailedSample], file: &str) -> Markup {
    html! {
        section aria-labelledby="failed" {
            h2 #failed { "Samples that failed" }
            ul.failed {
                @for failed in failed.iter().take(FAILURES) {
                    li { code { (cut(&inert(&failed.id), TARGET)) } ": " (cut(&inert(&failed.error), 400)) }
                }
            }
            @if failed.len() > FAILURES { p.hint { (failed.len() - FAILURES) " more are in " (file) "." } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_never_leaves_its_folder() {
        assert_eq!(
            address("a.b-c_5").as_deref(),
            Some("samples/a.b-c_5/report.html")
        );
        for id in [
            "",
            "..",
            ".hidden",
            "../x",
            "a/b",
            "javascript:alert(1)",
            "a\"><b",
            "%2e%2e",
        ] {
            assert_eq!(address(id), None, "{id}");
        }
    }
}
