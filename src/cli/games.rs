//! Games other than networks, and value tables that are already there.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use harsanyi::game::file::{self, FileOptions};
use harsanyi::game::memo::{Identity, Memo};
use harsanyi::game::process::{self, ProcessGame, ProcessOptions};
use harsanyi::game::{Groups, Pieces, Roster, check_exact, synthetic};
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

/// The same for another program.
const PROGRAM_PIECE: usize = 8;

/// The most players that the table of a game is split by.
const MOST_SPLIT: usize = 10;

/// What `--game` takes.
const GAMES: &str = "synthetic:EXPR, file:PATH[,bits=msb][,missing=VALUE] or exec:PROGRAM ARGS[,workers=K][,batch=N][,timeout=SECONDS][,retries=K]";

/// The largest file named by a command whose content a memo is bound to.
const BOUND_BYTES: u64 = 1 << 26;

/// A game, and what is asked of it beside its values.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// `synthetic:…`, `file:…` or `exec:…`.
    pub(crate) game: &'a str,
    /// Where its values are kept.
    pub(crate) memo: Option<&'a Path>,
    /// Who its players are, where it does not say so itself.
    pub(crate) labels: Option<&'a Path>,
    /// The seed of an `exec:` game.
    pub(crate) seed: u64,
}

impl<'a> Asked<'a> {
    /// What `args` say in place of a table.
    pub(crate) fn of(args: &'a ValuesArgs, seed: u64) -> Self {
        Self {
            game: args.game.as_deref().unwrap_or_default(),
            memo: args.memo.as_deref(),
            labels: args.labels.as_deref(),
            seed,
        }
    }
}

/// A game with its players.
pub(crate) struct Opened {
    pub(crate) game: Box<dyn Game>,
    pub(crate) roster: Roster,
}

/// Opens the game that `asked` names, without asking it for a value.
pub(crate) fn open(asked: Asked<'_>, output: &Output) -> anyhow::Result<Opened> {
    if asked.memo.is_some() && !asked.game.starts_with("exec:") {
        return Err(Error::Parameter {
            parameter: "--memo",
            must: "given with --game exec:…, the values of other games being there already",
            got: format!("`{}`", asked.game),
        }
        .into());
    }
    let mut opened = if let Some(expression) = asked.game.strip_prefix("synthetic:") {
        let game = synthetic::parse(expression)?;
        Opened {
            roster: Roster::numbered(game.players()),
            game: Box::new(game),
        }
    } else if let Some(file) = asked.game.strip_prefix("file:") {
        let (path, options) = file_options(file)?;
        let game = file::open(Path::new(path), &options)?;
        Opened {
            roster: game.roster().clone(),
            game: Box::new(game),
        }
    } else if let Some(command) = asked.game.strip_prefix("exec:") {
        process(command, asked, output)?
    } else {
        return Err(Error::Parameter {
            parameter: "--game",
            must: GAMES,
            got: format!("`{}`", asked.game),
        }
        .into());
    };
    if let Some(path) = asked.labels {
        opened.roster = labelled(path, opened.game.players())?;
    }
    Ok(opened)
}

/// The endings `,name=value` of `text` whose names are among `names`, and what stands before them.
fn settings<'a>(text: &'a str, names: &[&str]) -> (&'a str, BTreeMap<&'a str, &'a str>) {
    let (mut rest, mut found) = (text, BTreeMap::new());
    while let Some((before, ending)) = rest.rsplit_once(',') {
        match ending.split_once('=') {
            Some((name, value)) if names.contains(&name) => {
                found.entry(name).or_insert(value);
                rest = before;
            }
            _ => break,
        }
    }
    (rest, found)
}

fn setting<T: FromStr>(
    found: &BTreeMap<&str, &str>,
    name: &'static str,
    must: &'static str,
) -> anyhow::Result<Option<T>> {
    let Some(text) = found.get(name) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        let got = format!("`{text}`");
        let parameter = name;
        Error::Parameter {
            parameter,
            must,
            got,
        }
        .into()
    })
}

fn file_options(text: &str) -> anyhow::Result<(&str, FileOptions)> {
    let (path, found) = settings(text, &["bits", "missing"]);
    let options = FileOptions {
        bits: found.get("bits").map(|bits| bits.parse()).transpose()?,
        missing: setting(&found, "missing", "a number")?,
    };
    Ok((path, options))
}

/// Starts a program, behind a memo where that is asked.
fn process(command: &str, asked: Asked<'_>, output: &Output) -> anyhow::Result<Opened> {
    let (command, found) = settings(command, &["workers", "batch", "timeout", "retries"]);
    let words = process::words(command)?;
    let defaults = ProcessOptions::default();
    let whole = "a whole number";
    let timeout = setting::<f64>(&found, "timeout", "a number of seconds above 0")?;
    let timeout = timeout.map(|seconds| {
        Duration::try_from_secs_f64(seconds).map_err(|_| Error::Parameter {
            parameter: "timeout",
            must: "a number of seconds above 0",
            got: seconds.to_string(),
        })
    });
    let options = ProcessOptions {
        workers: setting(&found, "workers", whole)?.unwrap_or(defaults.workers),
        batch: setting(&found, "batch", whole)?.unwrap_or(defaults.batch),
        timeout: timeout.transpose()?.unwrap_or(defaults.timeout),
        retries: setting(&found, "retries", whole)?.unwrap_or(defaults.retries),
        seed: asked.seed,
    };
    let game = ProcessGame::start(&words, options, output.talk())?;
    let roster = game.roster().clone();
    let Some(path) = asked.memo else {
        let game = Box::new(game);
        return Ok(Opened { game, roster });
    };
    let memo = Memo::open(game, path, identity(&words, &roster, asked.seed)?)?;
    if memo.damaged() > 0 {
        let (damaged, path) = (memo.damaged(), path.display());
        output.say(&format!(
            "{damaged} records of `{path}` are damaged; their coalitions are asked again"
        ));
    }
    let game = Box::new(memo);
    Ok(Opened { game, roster })
}

/// What a memo of a program is bound to: its command, the files that its first two words name (the program, or an interpreter
/// and its script; later ones may be the program's to write), its players and its seed.
fn identity(words: &[String], roster: &Roster, seed: u64) -> anyhow::Result<Identity> {
    let mut identity = Identity::from([
        ("command".into(), words.join(" ")),
        ("seed".into(), seed.to_string()),
        ("players".into(), serde_json::to_string(roster)?),
    ]);
    for word in words.iter().take(2) {
        let small = |data: std::fs::Metadata| data.is_file() && data.len() <= BOUND_BYTES;
        if std::fs::metadata(word).is_ok_and(small) {
            let bytes = std::fs::read(word).map_err(Error::read(word))?;
            let content = format!("{} bytes, CRC {:08x}", bytes.len(), crc32fast::hash(&bytes));
            identity.insert(format!("file `{word}`"), content);
        }
    }
    Ok(identity)
}

/// The players that a file of labels names.
fn labelled(path: &Path, players: usize) -> anyhow::Result<Roster> {
    let roster = file::read_roster(path)?;
    let named = roster.players();
    anyhow::ensure!(
        named == players,
        Error::Input(format!(
            "`{}` names {named} players, and the game has {players}",
            path.display()
        ))
    );
    Ok(roster)
}

/// Every value of a game, kept as `keep` says, and entered into `record`.
pub(crate) fn evaluate(
    asked: Asked<'_>,
    keep: &Keep,
    mut record: Record,
    output: &Output,
) -> anyhow::Result<Option<Evaluated>> {
    if asked.game.starts_with("file:") {
        // What is in a file is kept already.
        let start = Instant::now();
        let values = Values::evaluate(asked, output)?;
        enter(&mut record, &values.labels, &values.groups);
        let note = json!({ "seconds": start.elapsed().as_secs_f64() });
        keep::complete(&mut record, &values.table, &[note], None)?;
        return Ok(Some(Evaluated {
            table: values.table,
            record,
            store: None,
        }));
    }
    let Opened { mut game, roster } = open(asked, output)?;
    let players = game.players();
    check_exact(players)?;
    enter(&mut record, roster.labels(), roster.groups());
    let identity = keep::identity_of(&record)?;
    if let Some(finished) = keep.finished(&identity)? {
        return Ok(Some(finished));
    }
    // Another program may take its time over a coalition.
    let piece = match asked.game.starts_with("exec:") {
        true => PROGRAM_PIECE,
        false => FORMULA_PIECE,
    };
    let split = players.saturating_sub(piece).min(MOST_SPLIT);
    let pieces = Pieces::new(players, split)?;
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

/// Writes who plays into `record`.
pub(crate) fn enter(record: &mut Record, labels: &[String], groups: &Groups) {
    let info = |(index, label): (usize, &String)| PlayerInfo {
        index,
        label: label.clone(),
        spans: Vec::new(),
        chars: Vec::new(),
    };
    record.players = labels.iter().enumerate().map(info).collect();
    record.groups = (!groups.is_empty()).then(|| groups.clone());
}

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
