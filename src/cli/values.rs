//! Value tables that are already there, and those of games, with what is known about them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use harsanyi::game::file::{self, FileOptions};
use harsanyi::game::{Groups, Roster, check_exact};
use harsanyi::{Error, ValueTable, tabulate};
use serde_json::Value;

use super::args::ValuesArgs;
use super::games::{Asked, Opened, file_options, labelled, open};
use super::output::Output;

/// A value table with what is known about it.
pub(crate) struct Values {
    pub(crate) table: ValueTable,
    /// The players' names.
    pub(crate) labels: Vec<String>,
    /// Whether the names are more than numbers.
    pub(crate) named: bool,
    /// What the players belong to.
    pub(crate) groups: Groups,
    /// The measured noise of v; 0 where none was measured.
    pub(crate) noise: f64,
}

impl Values {
    /// A table whose players have no names.
    pub(crate) fn bare(table: ValueTable) -> Self {
        let roster = Roster::numbered(table.players());
        Self::new(table, &roster)
    }

    fn new(table: ValueTable, roster: &Roster) -> Self {
        Self {
            table,
            labels: roster.labels().to_vec(),
            named: roster.is_named(),
            groups: roster.groups().clone(),
            noise: 0.0,
        }
    }

    /// The table as a game that looks its values up.
    pub(crate) fn into_game(self) -> Opened {
        let players = match self.named {
            true => Roster::named(self.labels),
            false => Roster::numbered(self.labels.len()),
        };
        Opened {
            roster: players
                .with_groups(self.groups)
                .expect("groups of these players"),
            game: Box::new(self.table),
        }
    }

    /// The table that the options name.
    pub(crate) fn of(args: &ValuesArgs, seed: u64, output: &Output) -> anyhow::Result<Self> {
        match (&args.values, &args.game) {
            (Some(path), _) => Self::read(path)?.labelled(args.labels.as_deref()),
            (None, _) => Self::evaluate(Asked::of(args, seed), output),
        }
    }

    /// The values of all coalitions of a game.
    pub(crate) fn evaluate(asked: Asked<'_>, output: &Output) -> anyhow::Result<Self> {
        if let (Some(file), None) = (asked.game.strip_prefix("file:"), asked.memo) {
            let (path, options) = file_options(file)?;
            let values = match options == FileOptions::default() {
                true => Self::read(Path::new(path)),
                false => Self::read_file(Path::new(path), &options),
            };
            return values?.labelled(asked.labels);
        }
        let Opened { mut game, roster } = open(asked, output)?;
        check_exact(game.players())?;
        let bar = output.bar("coalitions", 1 << game.players());
        let table = tabulate(&mut *game, |done| bar.set_position(done as u64))?;
        bar.finish_and_clear();
        Ok(Self::new(table, &roster))
    }

    /// The table in a file, or the `values.npy` of a run folder with the names and the noise in its record.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let is_run = path.is_dir() && !path.join("rewards.npy").exists();
        match is_run {
            true => Self::read_run(path),
            false => Self::read_file(path, &FileOptions::default()),
        }
    }

    fn read_file(path: &Path, options: &FileOptions) -> anyhow::Result<Self> {
        let found = file::open(path, options)?;
        let roster = found.roster().clone();
        let table = found
            .into_table()
            .map_err(Error::parse(path, "complete value table"))?;
        Ok(Self::new(table, &roster))
    }

    fn read_run(path: &Path) -> anyhow::Result<Self> {
        let values = Self::read_file(&path.join("values.npy"), &FileOptions::default())?;
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
        let noise = &record["noise"];
        let noise = noise["std"].as_f64().or(noise["probe_std"].as_f64());
        let noise = noise.filter(|noise| *noise >= 0.0).unwrap_or(0.0);
        if labels.len() != values.table.players() {
            return Ok(values);
        }
        let groups: Option<Groups> = serde_json::from_value(record["groups"].clone())
            .map_err(Error::parse(&path, "record"))?;
        let roster = Roster::named(labels)
            .with_groups(groups.unwrap_or_default())
            .map_err(Error::parse(&path, "record"))?;
        Ok(Self {
            noise,
            ..Self::new(values.table, &roster)
        })
    }

    /// The same values of players whom the file at `path` names.
    fn labelled(self, path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(self);
        };
        let roster = labelled(path, self.table.players())?;
        Ok(Self {
            noise: self.noise,
            ..Self::new(self.table, &roster)
        })
    }

    /// What stands on a command line in place of a table: a path, or a game.
    pub(crate) fn named(text: &str, seed: u64, output: &Output) -> anyhow::Result<Self> {
        let is_game = ["synthetic:", "file:", "exec:"]
            .iter()
            .any(|kind| text.starts_with(kind));
        match is_game {
            true => Self::evaluate(
                Asked {
                    game: text,
                    memo: None,
                    labels: None,
                    seed,
                },
                output,
            ),
            false => Self::read(&PathBuf::from(text)),
        }
    }
}
