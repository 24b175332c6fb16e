//! What was run on what, folded away at the end.

use maud::{Markup, html};
use serde::Serialize;
use serde_json::Value;

use crate::report::text::draw::{inert, number};
use crate::report::{Record, Study, Summary};

/// Characters of one entry.
const ENTRY: usize = 4000;

/// The provenance of a run.
pub(super) fn section(record: &Record) -> Markup {
    let mut entries: Vec<(&str, String)> = vec![
        ("program", record.program.clone()),
        ("command", record.command.clone()),
    ];
    if let Some(model) = &record.model {
        entries.push(("model", model.source.clone()));
        entries.extend(
            model
                .revision
                .clone()
                .map(|revision| ("revision", revision)),
        );
        entries.push(("architecture", model.architecture.clone()));
        entries.push(("parameters", model.parameters.to_string()));
        entries.push(("weights, SHA-256", model.sha256.clone()));
    }
    entries.extend(record.game.clone().map(|game| ("game", game)));
    entries.push(("device", format!("{} in {}", record.device, record.dtype)));
    entries.extend(
        record
            .baseline
            .clone()
            .map(|baseline| ("absent players", baseline)),
    );
    entries.extend(record.readout.clone().map(|readout| ("readout", readout)));
    entries.extend(
        record
            .target
            .as_ref()
            .map(|target| ("target", json(target))),
    );
    entries.push(("seed", record.seed.to_string()));
    let seconds = record
        .seconds
        .iter()
        .map(|(stage, seconds)| format!("{stage} {} s", number(*seconds)));
    entries.push(("time", seconds.collect::<Vec<_>>().join(", ")));
    entries.extend(
        record
            .counts
            .as_ref()
            .map(|counts| ("counts", json(counts))),
    );
    entries.extend(
        record
            .noise
            .as_ref()
            .map(|noise| ("noise of v", json(noise))),
    );
    entries.push(("settings", json(&record.config)));
    folded(&entries)
}

/// The provenance of a batch.
pub(super) fn of_batch(summary: &Summary) -> Markup {
    folded(&[
        ("program", summary.program.clone()),
        ("settings", json(&summary.config)),
    ])
}

/// The provenance of a study.
pub(super) fn of_study(study: &Study) -> Markup {
    let seconds: f64 = study.done.iter().map(|sample| sample.seconds).sum();
    let mut entries = vec![("program", study.program.clone())];
    if !study.model.is_null() {
        entries.push(("model", json(&study.model)));
    }
    if !study.done.is_empty() {
        entries.push(("time", format!("{} s over all samples", number(seconds))));
    }
    entries.push(("figures", study.curve.multi_order.figures.clone()));
    entries.push(("J", study.curve.multi_order.normalizations.clone()));
    entries.push(("settings", json(&study.config)));
    folded(&entries)
}

fn folded(entries: &[(&str, String)]) -> Markup {
    html! {
        section.provenance {
            details {
                summary { h2 { "How this was made" } }
                dl {
                    @for (name, text) in entries {
                        div { dt { (name) } dd { (shown(text)) } }
                    }
                }
            }
        }
    }
}

fn json(value: &impl Serialize) -> String {
    let value = rounded(serde_json::to_value(value).unwrap_or(Value::Null));
    let Value::Object(fields) = &value else {
        return value.to_string();
    };
    let field = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}: {text}"),
        value => format!("{name}: {value}"),
    };
    fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(field)
        .collect::<Vec<_>>()
        .join("; ")
}

/// Reading a number from JSON may cost its last bit; no page shall differ by that.
fn rounded(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(rounded).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields.map(|(name, value)| (name, rounded(value))).collect()
        }
        Value::Number(number) if number.is_f64() => {
            let text = format!("{:.12e}", number.as_f64().unwrap_or_default());
            text.parse::<f64>().map_or(Value::Null, Value::from)
        }
        other => other,
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(ENTRY) {
        Some((end, _)) => format!("{}… (all of it in the record)", inert(&text[..end])),
        None => inert(text),
    }
}
