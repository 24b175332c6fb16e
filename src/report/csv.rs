//! Results as comma-separated values, for spreadsheets.

use csv::Writer;

use super::{CurveReport, InteractionReport, OrderReport, Summary};
use crate::interaction::Kind;

/// The interactions that are not exactly zero, a row each: `kind`, `order`, `effect`, `salient`, `players` (numbers between
/// spaces), `labels` (names between middle dots). AND first, each kind strongest first.
///
/// # Cost
/// Linear in the interactions.
pub fn interactions(found: &InteractionReport) -> Vec<u8> {
    let head = ["kind", "order", "effect", "salient", "players", "labels"];
    let kinds = [(Kind::And, &found.and), (Kind::Or, &found.or)];
    let entries = kinds
        .into_iter()
        .flat_map(|(kind, list)| list.iter().map(move |entry| (kind, entry)));
    let rows = entries.map(|(kind, entry)| {
        let players: Vec<String> = entry.players.iter().map(usize::to_string).collect();
        vec![
            kind.to_string().to_lowercase(),
            entry.order.to_string(),
            entry.effect.to_string(),
            entry.salient.to_string(),
            players.join(" "),
            entry.labels.join(" · "),
        ]
    });
    table(&head, rows)
}

/// The samples of a batch, a row each.
///
/// # Cost
/// Linear in the samples.
pub fn samples(summary: &Summary) -> Vec<u8> {
    let head = [
        "id",
        "n",
        "target",
        "v_empty",
        "v_full",
        "salient",
        "l1",
        "gap",
        "monotone",
        "p",
        "bottleneck_index",
        "text",
    ];
    let optional = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let rows = summary.samples.iter().map(|sample| {
        let target = sample
            .target
            .as_ref()
            .and_then(|target| target["text"].as_str());
        vec![
            sample.id.clone(),
            sample.n.to_string(),
            target.unwrap_or_default().into(),
            sample.v_empty.to_string(),
            sample.v_full.to_string(),
            sample.salient.to_string(),
            sample.l1.to_string(),
            optional(sample.gap),
            sample.monotone.to_string(),
            optional(sample.p),
            optional(sample.bottleneck_index),
            sample.text.clone(),
        ]
    });
    table(&head, rows)
}

/// The order profile of a table, a row for each order and context size m = 0..n; what there is none of is empty.
///
/// # Cost
/// Linear in the players.
pub fn orders(report: &OrderReport) -> Vec<u8> {
    let head = [
        "m",
        "and_positive",
        "and_negative",
        "or_positive",
        "or_negative",
        "mean_output",
        "mean_abs",
        "J",
    ];
    let by_size = report.by_size();
    let pairs = report.multi_order.as_ref();
    let rows = (0..report.mean_output.len()).map(|m| {
        let at = pairs.and_then(|pairs| pairs.context_size.iter().position(|size| *size == m));
        let told = |values: Option<&Vec<f64>>| match (values, at) {
            (Some(values), Some(at)) => values[at].to_string(),
            _ => String::new(),
        };
        let own = by_size.iter().map(|values| values[m].to_string());
        std::iter::once(m.to_string())
            .chain(own)
            .chain([
                told(pairs.map(|pairs| &pairs.mean_abs)),
                told(pairs.and_then(|pairs| pairs.relative.as_ref())),
            ])
            .collect()
    });
    table(&head, rows)
}

/// J^(m) of a study, a row for each context size; figures that there are none of are empty.
///
/// # Cost
/// Linear in the sampled context sizes.
pub fn strengths(curve: &CurveReport) -> Vec<u8> {
    let head = [
        "m",
        "ratio",
        "J",
        "J_low",
        "J_high",
        "J_split_half",
        "J_split_half_low",
        "J_split_half_high",
    ];
    let orders = &curve.multi_order;
    let rows = (0..orders.ratio.len()).map(|at| {
        let m = orders.context_size.as_ref();
        let mut row = vec![
            m.map_or(String::new(), |m| m[at].to_string()),
            orders.ratio[at].to_string(),
        ];
        for (strength, intervals) in [
            (&orders.published, &orders.published_interval),
            (&orders.without_noise, &orders.without_noise_interval),
        ] {
            let told = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
            let interval = intervals.as_ref().map(|intervals| intervals[at]);
            row.push(told(strength.as_ref().map(|strength| strength[at])));
            row.push(told(interval.map(|interval| interval[0])));
            row.push(told(interval.map(|interval| interval[1])));
        }
        row
    });
    table(&head, rows)
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = Writer::from_writer(Vec::new());
    let everything =
        std::iter::once(head.iter().map(|name| (*name).to_owned()).collect()).chain(rows);
    for row in everything {
        writer
            .write_record(&row)
            .expect("rows of one length go into memory");
    }
    writer.into_inner().expect("memory takes what is left")
}
