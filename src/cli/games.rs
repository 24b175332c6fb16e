//! Games other than networks, and value tables that are already there.

use std::path::Path;

use harsanyi::game::file::{self, BitOrder};
use harsanyi::game::{check_exact, synthetic};
use harsanyi::{Error, Game, ValueTable, tabulate};

use super::args::ValuesArgs;
use super::output::Output;

/// The table of `synthetic:EXPR` or `file:PATH[,bits=msb]`.
pub(crate) fn table(game: &str, output: &Output) -> anyhow::Result<ValueTable> {
    if let Some(expression) = game.strip_prefix("synthetic:") {
        let mut game = synthetic::parse(expression)?;
        check_exact(game.players())?;
        let bar = output.bar("coalitions", 1 << game.players());
        let table = tabulate(&mut game, |done| bar.set_position(done as u64))?;
        bar.finish_and_clear();
        return Ok(table);
    }
    let Some(path) = game.strip_prefix("file:") else {
        let must = "synthetic:EXPR or file:PATH[,bits=msb]";
        return Err(Error::Parameter {
            parameter: "--game",
            must,
            got: format!("`{game}`"),
        }
        .into());
    };
    let (path, order) = match path.rsplit_once(",bits=") {
        Some((path, order)) => (path, order.parse()?),
        None => (path, BitOrder::default()),
    };
    read(Path::new(path), order)
}

/// The table that the options name, and its players' names.
pub(crate) fn values(
    args: &ValuesArgs,
    output: &Output,
) -> anyhow::Result<(ValueTable, Vec<String>)> {
    match (&args.values, &args.game) {
        (Some(path), _) => of_path(path),
        (None, game) => {
            let table = table(game.as_deref().unwrap_or_default(), output)?;
            let labels = numbers(table.players());
            Ok((table, labels))
        }
    }
}

/// The table in a file, or the `values.npy` of a run folder with the names in its record.
pub(crate) fn of_path(path: &Path) -> anyhow::Result<(ValueTable, Vec<String>)> {
    if path.is_dir() {
        let table = read(&path.join("values.npy"), BitOrder::default())?;
        let labels = labels_of(&path.join("record.json"), table.players());
        return Ok((table, labels));
    }
    let table = read(path, BitOrder::default())?;
    let labels = numbers(table.players());
    Ok((table, labels))
}

fn read(path: &Path, order: BitOrder) -> anyhow::Result<ValueTable> {
    Ok(file::read(path, order)?)
}

/// Players without names are called by their numbers.
pub(crate) fn numbers(players: usize) -> Vec<String> {
    (0..players).map(|player| player.to_string()).collect()
}

/// The names in a run folder's record, where it has one that fits.
fn labels_of(record: &Path, players: usize) -> Vec<String> {
    let labels = || -> Option<Vec<String>> {
        let record: serde_json::Value =
            serde_json::from_slice(&std::fs::read(record).ok()?).ok()?;
        record["players"]
            .as_array()?
            .iter()
            .map(|player| Some(player["label"].as_str()?.to_owned()))
            .collect()
    };
    labels()
        .filter(|labels| labels.len() == players)
        .unwrap_or_else(|| numbers(players))
}
