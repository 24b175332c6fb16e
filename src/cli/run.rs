//! One sample from its values to its files: what `profile` and `tabulate` share.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use harsanyi::ValueTable;
use harsanyi::device;
use harsanyi::game::file;
use harsanyi::report::{
    InteractionReport, OrderReport, PlayerIndices, PlayerInfo, Record, SCHEMA, folder,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::args::{ExtractionArgs, GlobalArgs, ListingArgs, SampleArgs};
use super::extraction;
use super::games;
use super::network::Network;
use super::output::Output;

/// What to evaluate.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A network on this text.
    Text(&'a Network, &'a str),
    /// Another game.
    Game(&'a str),
}

/// A sample's values with the record of how they came about.
pub(crate) struct Evaluated {
    pub(crate) table: ValueTable,
    pub(crate) record: Record,
}

/// All that `profile` finds out.
#[derive(Serialize)]
pub(crate) struct Profile {
    pub(crate) record: Record,
    pub(crate) interactions: InteractionReport,
    pub(crate) orders: OrderReport,
    pub(crate) indices: PlayerIndices,
}

/// A record of which the outcome is still open.
pub(crate) fn begun(config: &Value, global: &GlobalArgs) -> Record {
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
        players: Vec::new(),
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

/// Evaluates every coalition.
pub(crate) fn evaluate(
    source: Source<'_>,
    args: &SampleArgs,
    global: &GlobalArgs,
    config: &Value,
    output: &Output,
) -> anyhow::Result<Evaluated> {
    let mut record = begun(config, global);
    let start = Instant::now();
    let table = match source {
        Source::Game(game) => {
            let table = games::table(game, output)?;
            let numbered = games::numbers(table.players()).into_iter().enumerate();
            record.players = numbered
                .map(|(index, label)| PlayerInfo {
                    index,
                    label,
                    spans: Vec::new(),
                })
                .collect();
            record.game = Some(game.into());
            record
                .seconds
                .insert("tabulate".into(), start.elapsed().as_secs_f64());
            table
        }
        Source::Text(network, text) => {
            let found = network.tabulate(text, args, global.seed, output)?;
            record.model = Some(network.info.clone());
            record.device = device::name(network.model.device());
            record.dtype = network.model.dtype().as_str().into();
            record.sample = Some(text.into());
            record.players = found.players;
            record.background = found.background;
            record.baseline = Some(found.baseline);
            record.readout = Some(args.readout.to_string());
            record.target = Some(found.target);
            record.counts = Some(serde_json::to_value(found.counts)?);
            record.noise = Some(serde_json::to_value(found.noise)?);
            record.config["batch"] = json!(found.batch);
            record.seconds.insert("load".into(), network.seconds);
            record.seconds.insert("tabulate".into(), found.seconds);
            found.table
        }
    };
    (record.n, record.v_empty, record.v_full) = (table.players(), table.empty(), table.grand());
    Ok(Evaluated { table, record })
}

/// Extracts, measures and, where there is a folder, writes: the values first, since they took longest.
pub(crate) fn profile(
    evaluated: Evaluated,
    args: &ExtractionArgs,
    listing: &ListingArgs,
    dir: Option<&Path>,
    output: &Output,
) -> anyhow::Result<Profile> {
    let Evaluated { table, mut record } = evaluated;
    if let Some(dir) = dir {
        // The values took longest, and a folder that is used again must not keep the record of other ones.
        file::write(&dir.join("values.npy"), &table)?;
        folder::write_json(&dir.join("record.json"), &record)?;
    }
    let start = Instant::now();
    let noise = record
        .noise
        .as_ref()
        .and_then(|noise| noise["probe_std"].as_f64())
        .unwrap_or(0.0);
    let found = extraction::explain(&table, args, noise, output)?;
    record
        .seconds
        .insert("extract".into(), start.elapsed().as_secs_f64());
    let start = Instant::now();
    let labels: Vec<String> = record
        .players
        .iter()
        .map(|player| player.label.clone())
        .collect();
    let interactions = extraction::report(&table, &found, &labels, listing)?;
    let orders = OrderReport::new(&table, &found)?;
    let indices = PlayerIndices::new(&table, &labels);
    record
        .seconds
        .insert("statistics".into(), start.elapsed().as_secs_f64());
    let profile = Profile {
        record,
        interactions,
        orders,
        indices,
    };
    if let Some(dir) = dir {
        extraction::write(dir, &table, &found, &profile.interactions, &labels, listing)?;
        folder::write_json(&dir.join("orders.json"), &profile.orders)?;
        folder::write_json(&dir.join("indices.json"), &profile.indices)?;
        folder::write_json(&dir.join("record.json"), &profile.record)?;
    }
    Ok(profile)
}

/// All settings of a run, defaults included.
pub(crate) fn config(
    sample: &SampleArgs,
    extraction: Option<(&ExtractionArgs, &ListingArgs)>,
    global: &GlobalArgs,
) -> Value {
    let mut config = json!({
        "game": sample.game,
        "device": global.device.to_string(),
        "dtype": global.dtype,
        "threads": rayon::current_num_threads(),
        "seed": global.seed,
    });
    if sample.game.is_none() {
        config["model"] = json!(sample.model.as_deref().unwrap_or("demo"));
        config["data"] = json!(sample.data.as_ref().map(|path| path.display().to_string()));
        config["limit"] = json!(sample.limit);
        config["players"] = json!(sample.players.to_string());
        config["background"] = json!(sample.background);
        config["baseline"] = json!(sample.baseline.to_string());
        config["target"] = json!(sample.target.to_string());
        config["readout"] = json!(sample.readout.to_string());
    }
    if let Some((extraction, listing)) = extraction {
        config["fit"] = json!(extraction.fit.to_string());
        config["threshold"] = json!(listing.threshold.to_string());
        config["gap"] = json!(extraction.gap);
        config["refit"] = json!(listing.refit);
    }
    config
}

/// A word of the command line, quoted where a shell would need it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
