//! Games other than networks.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use harsanyi::game::file::{self, FileOptions};
use harsanyi::game::memo::{Identity, Memo};
use harsanyi::game::process::{self, ProcessGame, ProcessOptions};
use harsanyi::game::{Groups, Pieces, Roster, check_exact, synthetic};
use harsanyi::report::{PlayerInfo, Record};
use harsanyi::value::Counts;
use harsanyi::{Error, Game};
use serde_json::json;

use super::args::ValuesArgs;
use super::keep::{self, Keep};
use super::output::Output;
use super::run::Evaluated;
use super::values::Values;

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

pub(crate) fn file_options(text: &str) -> anyhow::Result<(&str, FileOptions)> {
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
pub(crate) fn labelled(path: &Path, players: usize) -> anyhow::Result<Roster> {
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
    let Some(filling) = keep.open(identity, pieces, json!({ "record": record }), output)? else {
        return Ok(None);
    };
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
