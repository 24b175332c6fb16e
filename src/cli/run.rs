//! One sample from its values to its files: what `profile` and `tabulate` share.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use harsanyi::game::store::Store;
use harsanyi::game::{Groups, Pieces, check_exact, file};
use harsanyi::report::{
    InteractionReport, OrderReport, PlayerIndices, PlayerInfo, Record, SCHEMA, folder,
};
use harsanyi::value::Counts;
use harsanyi::{Game as _, ValueTable};
use serde::Serialize;
use serde_json::{Value, json};

use super::args::{ExtractionArgs, GlobalArgs, ListingArgs, SampleArgs};
use super::extraction;
use super::games;
use super::keep::{self, Keep};
use super::network::Network;
use super::output::Output;

/// Coalitions of a formula that are worth a file of their own, as a power of two.
const FORMULA_PIECE: usize = 12;

/// The same of a program that is asked for them.
const PROGRAM_PIECE: usize = 8;

/// The most players that the table of such a game is split by.
const MOST_SPLIT: usize = 10;

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
    /// Where the values are until they are in a file of their own.
    pub(crate) store: Option<Store>,
}

/// All that `profile` finds out.
#[derive(Serialize)]
pub(crate) struct Profile {
    pub(crate) record: Record,
    pub(crate) interactions: InteractionReport,
    pub(crate) orders: OrderReport,
    pub(crate) indices: PlayerIndices,
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
        Source::Text(network, text) => {
            let prepared = network.prepare(text, args)?;
            prepared.describe(&mut record);
            if args.data.is_some() {
                // What repeats this sample alone.
                record.config["text"] = json!(text);
                if let Value::Object(config) = &mut record.config {
                    config.retain(|key, _| !["data", "limit", "output"].contains(&key.as_str()));
                }
            }
            prepared.tabulate(keep, record, output)
        }
        Source::Game(game) => {
            let asked = games::Asked {
                game,
                memo: args.memo.as_deref(),
                labels: args.labels.as_deref(),
                seed: global.seed,
            };
            record.game = Some(game.into());
            evaluate_game(asked, keep, record, output)
        }
    }
}

/// Every value of the game that `asked` names, kept as `keep` says, and entered into `record`.
fn evaluate_game(
    asked: games::Asked<'_>,
    keep: &Keep,
    mut record: Record,
    output: &Output,
) -> anyhow::Result<Option<Evaluated>> {
    if asked.game.starts_with("file:") {
        // What is in a file is kept already.
        let start = Instant::now();
        let values = games::Values::evaluate(asked, output)?;
        name_players(&mut record, values.labels, values.groups);
        let note = json!({ "seconds": start.elapsed().as_secs_f64() });
        keep::complete(&mut record, &values.table, &[note], None)?;
        return Ok(Some(Evaluated {
            table: values.table,
            record,
            store: None,
        }));
    }
    let games::Opened { mut game, roster } = games::open(asked, output)?;
    let players = game.players();
    check_exact(players)?;
    name_players(
        &mut record,
        roster.labels().to_vec(),
        roster.groups().clone(),
    );
    let identity = keep::identity_of(&record)?;
    if let Some(finished) = keep.finished(&identity)? {
        return Ok(Some(finished));
    }
    // A program may take its time for every value, a formula does not.
    let piece = match asked.game.starts_with("exec:") {
        true => PROGRAM_PIECE,
        false => FORMULA_PIECE,
    };
    let pieces = Pieces::new(players, players.saturating_sub(piece).min(MOST_SPLIT))?;
    let filling = keep.open(identity, pieces, json!({ "record": record }), output)?;
    let bar = output.bar("coalitions", 1 << players);
    let filled = filling.fill(&mut *game, |_| Counts::default(), &bar, output)?;
    bar.finish_and_clear();
    let Some(filled) = filled else {
        return Ok(None);
    };
    keep::complete(&mut record, &filled.table, &filled.notes, None)?;
    Ok(Some(Evaluated {
        table: filled.table,
        record,
        store: filled.store,
    }))
}

fn name_players(record: &mut Record, labels: Vec<String>, groups: Groups) {
    record.groups = (!groups.is_empty()).then_some(groups);
    let numbered = labels.into_iter().enumerate();
    record.players = numbered
        .map(|(index, label)| PlayerInfo {
            index,
            label,
            spans: Vec::new(),
        })
        .collect();
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

/// A word of the command line, quoted where a shell would need it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
