//! Games other than networks, and value tables that are already there.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;

use harsanyi::game::file::{self, BitOrder};
use harsanyi::game::{Pieces, check_exact, synthetic};
use harsanyi::report::{PlayerInfo, Record};
use harsanyi::value::Counts;
use harsanyi::{Error, Game, ValueTable, tabulate};
use serde_json::{Value, json};

use super::args::ValuesArgs;
use super::keep::{self, Keep};
use super::output::Output;
use super::run::Evaluated;

/// Coalitions of a formula that are worth a file of their own, as a power of two.
const FORMULA_PIECE: usize = 12;

/// The most players that the table of a formula is split by.
const MOST_SPLIT: usize = 6;

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

/// The game of `synthetic:EXPR`, which may have more players than a table; or that of any other table.
pub(crate) fn open(game: &str, output: &Output) -> anyhow::Result<Box<dyn Game>> {
    Ok(match game.strip_prefix("synthetic:") {
        Some(expression) => Box::new(synthetic::parse(expression)?),
        None => Box::new(table(game, output)?),
    })
}

/// Every value of `game`, kept as `keep` says, and entered into `record`.
pub(crate) fn evaluate(
    game: &str,
    keep: &Keep,
    mut record: Record,
    output: &Output,
) -> anyhow::Result<Option<Evaluated>> {
    let named = |record: &mut Record, players: usize| {
        let numbered = numbers(players).into_iter().enumerate();
        record.players = numbered
            .map(|(index, label)| PlayerInfo {
                index,
                label,
                spans: Vec::new(),
                chars: Vec::new(),
            })
            .collect();
    };
    let Some(expression) = game.strip_prefix("synthetic:") else {
        // What is in a file is kept already.
        let start = Instant::now();
        let table = table(game, output)?;
        named(&mut record, table.players());
        let note = json!({ "seconds": start.elapsed().as_secs_f64() });
        keep::complete(&mut record, &table, &[note], None)?;
        return Ok(Some(Evaluated {
            table,
            record,
            store: None,
        }));
    };
    let mut game = synthetic::parse(expression)?;
    let players = game.players();
    check_exact(players)?;
    named(&mut record, players);
    let identity = keep::identity_of(&record)?;
    if let Some(finished) = keep.finished(&identity)? {
        return Ok(Some(finished));
    }
    let pieces = Pieces::new(
        players,
        players.saturating_sub(FORMULA_PIECE).min(MOST_SPLIT),
    )?;
    let filling = keep.open(identity, pieces, json!({ "record": record }), output)?;
    let bar = output.bar("coalitions", 1 << players);
    let filled = filling.fill(&mut game, |_| Counts::default(), &bar, output)?;
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

/// A value table with what is known about it.
pub(crate) struct Values {
    pub(crate) table: ValueTable,
    /// The players' names.
    pub(crate) labels: Vec<String>,
    /// Whether the names are more than numbers.
    pub(crate) named: bool,
    /// The measured noise of v; 0 where none was measured.
    pub(crate) noise: f64,
}

impl Values {
    /// A table about which nothing else is known.
    pub(crate) fn bare(table: ValueTable) -> Self {
        let labels = numbers(table.players());
        Self {
            table,
            labels,
            named: false,
            noise: 0.0,
        }
    }

    /// The table that the options name.
    pub(crate) fn of(args: &ValuesArgs, output: &Output) -> anyhow::Result<Self> {
        match (&args.values, &args.game) {
            (Some(path), _) => Self::read(path),
            (None, game) => Ok(Self::bare(table(
                game.as_deref().unwrap_or_default(),
                output,
            )?)),
        }
    }

    /// The table in a file, or the `values.npy` of a run folder with the names and the noise in its record.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        if !path.is_dir() {
            return Ok(Self::bare(read(path, BitOrder::default())?));
        }
        let values = Self::bare(read(&path.join("values.npy"), BitOrder::default())?);
        let path = path.join("record.json");
        let record: Value = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(Error::parse(&path, "record"))?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(values),
            Err(error) => return Err(Error::read(&path)(error).into()),
        };
        let players = record["players"].as_array().into_iter().flatten();
        let labels: Vec<String> = players
            .filter_map(|player| player["label"].as_str())
            .map(String::from)
            .collect();
        let noise = record["noise"]["probe_std"]
            .as_f64()
            .filter(|noise| *noise >= 0.0)
            .unwrap_or(0.0);
        match labels.len() == values.table.players() {
            true => Ok(Self {
                labels,
                named: true,
                noise,
                ..values
            }),
            false => Ok(values),
        }
    }
}

fn read(path: &Path, order: BitOrder) -> anyhow::Result<ValueTable> {
    Ok(file::read(path, order)?)
}

/// Players without names are called by their numbers.
pub(crate) fn numbers(players: usize) -> Vec<String> {
    (0..players).map(|player| player.to_string()).collect()
}
