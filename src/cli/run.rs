//! One sample from its values to its files: what `profile` and `tabulate` share.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use harsanyi::ValueTable;
use harsanyi::game::file;
use harsanyi::game::store::Store;
use harsanyi::input::{Material, RawSample};
use harsanyi::report::{
    OrderReport, PlayerIndices, Profile, Record, SCHEMA, SparsityReport, folder,
};
use serde_json::{Value, json};

use super::args::{ExtractionArgs, GlobalArgs, ListingArgs, SampleArgs};
use super::extraction;
use super::games;
use super::keep::Keep;
use super::network::Network;
use super::output::Output;
use super::prepared::Prepared;
use super::report;

/// What to evaluate.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A network on this sample.
    Sample(&'a Network, &'a RawSample),
    /// Another game.
    Game(&'a str),
}

/// A sample's values with the record of how they came about.
pub(crate) struct Evaluated {
    pub(crate) table: ValueTable,
    pub(crate) record: Record,
    /// Where the values are until they are in a file of their own.
    pub(crate) store: Option<Store>,
}

/// The record of a run before there is a value.
pub(crate) fn begun(global: &GlobalArgs, config: &Value) -> Record {
    Record {
        schema: SCHEMA,
        program: concat!("harsanyi ", env!("CARGO_PKG_VERSION")).into(),
        command: std::env::args_os()
            .map(|word| quoted(&word.to_string_lossy()))
            .collect::<Vec<_>>()
            .join(" "),
        config: config.clone(),
        model: None,
        game: None,
        device: "cpu".into(),
        dtype: "f64".into(),
        sample: None,
        kind: None,
        image: None,
        map: None,
        row: None,
        players: Vec::new(),
        groups: None,
        background: Vec::new(),
        baseline: None,
        readout: None,
        target: None,
        n: 0,
        v_empty: 0.0,
        v_full: 0.0,
        counts: None,
        seconds: BTreeMap::new(),
        noise: None,
        seed: global.seed,
    }
}

/// Evaluates every coalition; `None` when other processes have not done their shares of it.
pub(crate) fn evaluate(
    source: Source<'_>,
    args: &SampleArgs,
    global: &GlobalArgs,
    config: &Value,
    keep: &Keep,
    output: &Output,
) -> anyhow::Result<Option<Evaluated>> {
    let mut record = begun(global, config);
    match source {
        Source::Sample(network, sample) => {
            let prepared = Prepared::new(network, sample, args)?;
            prepared.tell(&mut record)?;
            if args.data.is_some() {
                repeat_alone(&mut record.config, sample);
            }
            prepared.tabulate(keep, record, output)
        }
        Source::Game(game) => {
            record.game = Some(game.into());
            let asked = games::Asked {
                game,
                memo: args.memo.as_deref(),
                labels: args.labels.as_deref(),
                seed: global.seed,
            };
            games::evaluate(asked, keep, record, output)
        }
    }
}

/// Makes of the configuration of a data set what repeats this one of its samples, where an option can name it.
fn repeat_alone(config: &mut Value, sample: &RawSample) {
    let (option, value) = match &sample.material {
        Material::Text(text) => ("text", json!(text)),
        Material::PictureFile(path) => ("image", json!(path)),
        Material::Row(..) | Material::Picture(_) => return,
    };
    config[option] = value;
    if let Value::Object(config) = config {
        config.retain(|key, _| !["data", "limit", "output"].contains(&key.as_str()));
    }
}

/// Extracts, measures and, where there is a folder, writes: the values first, since they took longest.
pub(crate) fn profile(
    evaluated: Evaluated,
    args: &ExtractionArgs,
    listing: &ListingArgs,
    dir: Option<&Path>,
    output: &Output,
) -> anyhow::Result<Profile> {
    let Evaluated {
        table,
        mut record,
        store,
    } = evaluated;
    if let Some(dir) = dir {
        // The values took longest, and a folder that is used again must not keep the record of other ones.
        file::write(&dir.join("values.npy"), &table)?;
        folder::write_json(&dir.join("record.json"), &record)?;
    }
    // Two copies of the values would only raise the question which one holds.
    store.map(Store::remove).transpose()?;
    let start = Instant::now();
    let noise = record
        .noise
        .as_ref()
        .and_then(|noise| noise["std"].as_f64())
        .unwrap_or(0.0);
    let found = extraction::explain(&table, args, noise, output)?;
    record.config["fit"] = json!(found.fit().to_string());
    record
        .seconds
        .insert("extract".into(), start.elapsed().as_secs_f64());
    let start = Instant::now();
    let labels: Vec<String> = record
        .players
        .iter()
        .map(|player| player.label.clone())
        .collect();
    let interactions = extraction::report(&table, &found, &labels, noise, listing, output)?;
    let orders = OrderReport::new(&table, &found)?;
    let indices = PlayerIndices::new(&table, &labels);
    let sparsity = SparsityReport::new(&table, &found, listing.threshold)?;
    record
        .seconds
        .insert("statistics".into(), start.elapsed().as_secs_f64());
    let profile = Profile {
        record,
        interactions,
        orders,
        indices,
        sparsity,
    };
    if let Some(dir) = dir {
        extraction::write(dir, &found, &profile.interactions, &labels, listing)?;
        folder::write_json(&dir.join("sparsity.json"), &profile.sparsity)?;
        folder::write_json(&dir.join("orders.json"), &profile.orders)?;
        folder::write_json(&dir.join("indices.json"), &profile.indices)?;
        folder::write_json(&dir.join("record.json"), &profile.record)?;
        report::write_run(dir, &profile)?;
    }
    Ok(profile)
}

/// A word of the command line, quoted where a shell would need it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
