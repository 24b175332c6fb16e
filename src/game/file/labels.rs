//! Who the players are, where that stands in a file of its own.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::csv::{reader, unreadable};
use crate::error::Source;
use crate::game::{Groups, Roster};
use crate::{Error, Result};

/// Reads who the players are: JSON as in [`Roster`], or CSV or TSV with a row per player, in order, whose columns are some of
/// `label`, `agent`, `time` and `behaviour`; other columns are passed over.
///
/// # Errors
/// [`Error::Read`] or [`Error::Parse`], whose cause says what was expected and what came.
pub fn read_roster(path: &Path) -> Result<Roster> {
    let parsed = || -> Result<Roster, Source> {
        let mut start = [0];
        let first = File::open(path)?.read(&mut start)?;
        let file = File::open(path)?;
        match &start[..first] {
            b"{" => {
                let text = std::io::read_to_string(BufReader::new(file))?;
                Ok(serde_json::from_str(&text)?)
            }
            _ => columns(file),
        }
    };
    parsed().map_err(|source| match source.downcast::<std::io::Error>() {
        Ok(source) => Error::read(path)(*source),
        Err(source) => Error::parse(path, "list of players")(source),
    })
}

fn columns(file: File) -> Result<Roster, Source> {
    let mut reader = reader(file)?;
    let header = reader.headers().map_err(unreadable)?.clone();
    let column = |names: &[&str]| {
        let is = |text: &str| names.iter().any(|name| text.eq_ignore_ascii_case(name));
        header.iter().position(is)
    };
    let (label, agent) = (column(&["label"]), column(&["agent"]));
    let (time, behaviour) = (column(&["time"]), column(&["behaviour", "behavior"]));
    if [label, agent, time, behaviour] == [None; 4] {
        return Err(
            "its first line names none of the columns `label`, `agent`, `time`, `behaviour`".into(),
        );
    }
    let records: Vec<csv::StringRecord> = reader
        .records()
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    let list = |column: Option<usize>| -> Option<Vec<String>> {
        let texts = |column: usize| records.iter().map(|row| row[column].to_owned()).collect();
        column.map(texts)
    };
    let step = |row: &csv::StringRecord, column: usize| {
        row[column].parse::<i64>().map_err(|_| {
            let line = row.position().map_or(0, csv::Position::line);
            let text = &row[column];
            format!("line {line}: the time is `{text}`, expected the number of a step")
        })
    };
    let steps = |column: usize| records.iter().map(|row| step(row, column)).collect();
    let time = time.map(steps).transpose()?;
    let players = match list(label) {
        Some(labels) => Roster::named(labels),
        None => Roster::numbered(records.len()),
    };
    crate::game::roster::check(players.players())?;
    Ok(players.with_groups(Groups {
        agent: list(agent),
        time,
        behaviour: list(behaviour),
    })?)
}
