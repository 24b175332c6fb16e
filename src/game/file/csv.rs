//! Values in columns: one row per coalition, told by a column per player or by a string of zeros and ones.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::{BitOrder, Recorded};
use crate::Coalition;
use crate::error::Source;
use crate::game::Roster;

/// Bytes of the first line that are looked at to tell commas from tabs and semicolons.
const FIRST_LINE: u64 = 1 << 16;

/// A CSV reader whose columns are separated as its first line says.
pub(super) fn reader(file: File) -> Result<csv::Reader<BufReader<File>>, Source> {
    let mut file = BufReader::new(file);
    let mut first = Vec::new();
    file.by_ref()
        .take(FIRST_LINE)
        .read_until(b'\n', &mut first)?;
    file.rewind()?;
    let separator = [b'\t', b',', b';']
        .into_iter()
        .find(|by| first.contains(by));
    let mut builder = ReaderBuilder::new();
    builder
        .delimiter(separator.unwrap_or(b','))
        .trim(csv::Trim::All);
    Ok(builder.from_reader(file))
}

/// What the columns say.
struct Columns {
    value: usize,
    who: Who,
}

enum Who {
    /// The players' columns, in order.
    Players(Vec<usize>),
    /// One column with a character per player.
    Text(usize),
}

/// The game in a CSV file.
pub(super) fn read(file: File, bits: Option<BitOrder>) -> Result<Recorded, Source> {
    let mut reader = reader(file)?;
    let header = reader.headers().map_err(unreadable)?.clone();
    let columns = Columns::of(&header)?;
    let mut rows = Vec::new();
    let mut length = None;
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        let coalition = match &columns.who {
            Who::Players(players) => present(&record, players, &header, line)?,
            Who::Text(column) => spelled(&record[*column], &mut length, bits, line)?,
        };
        let text = &record[columns.value];
        let value = text
            .parse::<f64>()
            .map_err(|_| format!("line {line}: the value is `{text}`, expected a number"))?;
        rows.push((coalition, value));
    }
    let roster = match columns.who {
        Who::Players(players) => {
            if bits.is_some() {
                return Err("its columns say who is present; there are no bits to order".into());
            }
            Roster::named(players.iter().map(|&at| header[at].to_owned()).collect())
        }
        Who::Text(_) => Roster::numbered(length.unwrap_or(0)),
    };
    Recorded::new(roster, rows)
}

impl Columns {
    fn of(header: &StringRecord) -> Result<Self, Source> {
        let named = |names: &[&str]| {
            let is = |text: &str| names.iter().any(|name| text.eq_ignore_ascii_case(name));
            let mut found = header.iter().enumerate().filter(|(_, text)| is(text));
            match (found.next(), found.next()) {
                (Some((at, _)), None) => Ok(Some(at)),
                (None, _) => Ok(None),
                (Some((_, first)), Some(_)) => {
                    Err(format!("its first line names a column `{first}` twice"))
                }
            }
        };
        let Some(value) = named(&["value", "v"])? else {
            let shown: String = header.iter().collect::<Vec<_>>().join(",");
            let shown: String = shown.chars().take(60).collect();
            return Err(format!("its first line, `{shown}`, names no column `value`").into());
        };
        let who = match named(&["coalition"])? {
            Some(column) => Who::Text(column),
            None => {
                let players: Vec<usize> = (0..header.len()).filter(|&at| at != value).collect();
                if players.is_empty() {
                    return Err("it has no column for players, and none named `coalition`".into());
                }
                if players.len() > Coalition::MAX_PLAYERS {
                    return Err(format!(
                        "it has columns for {} players, expected {} at most",
                        players.len(),
                        Coalition::MAX_PLAYERS
                    )
                    .into());
                }
                Who::Players(players)
            }
        };
        Ok(Self { value, who })
    }
}

/// The players in whose columns a 1 stands.
fn present(
    record: &StringRecord,
    columns: &[usize],
    header: &StringRecord,
    line: u64,
) -> Result<Coalition, Source> {
    let mut players = Vec::new();
    for (player, &column) in columns.iter().enumerate() {
        match &record[column] {
            "1" | "1.0" | "true" | "True" | "TRUE" => players.push(player),
            "0" | "0.0" | "false" | "False" | "FALSE" => {}
            other => {
                let name = &header[column];
                return Err(format!(
                    "line {line}: the column `{name}` holds `{other}`, expected 0 or 1"
                )
                .into());
            }
        }
    }
    Ok(Coalition::from_players(players))
}

/// The coalition that a string of zeros and ones spells; all strings have one `length`.
fn spelled(
    text: &str,
    length: &mut Option<usize>,
    bits: Option<BitOrder>,
    line: u64,
) -> Result<Coalition, Source> {
    if let Some(other) = text.chars().find(|c| !"01".contains(*c)) {
        return Err(format!(
            "line {line}: the coalition `{text}` holds `{other}`, expected zeros and ones"
        )
        .into());
    }
    let expected = *length.get_or_insert(text.len());
    if text.len() != expected || text.len() > Coalition::MAX_PLAYERS {
        let expected = expected.min(Coalition::MAX_PLAYERS);
        return Err(format!(
            "line {line}: the coalition `{text}` has {} characters, expected {expected}",
            text.len()
        )
        .into());
    }
    let place = |at: usize| match bits {
        Some(BitOrder::Lsb) => text.len() - 1 - at,
        Some(BitOrder::Msb) | None => at,
    };
    let ones = text.bytes().enumerate().filter(|(_, byte)| *byte == b'1');
    Ok(Coalition::from_players(ones.map(|(at, _)| place(at))))
}

/// A disk's error stays one; everything else is said with its line.
pub(super) fn unreadable(error: csv::Error) -> Source {
    let text = error.to_string();
    match error.into_kind() {
        ErrorKind::Io(error) => error.into(),
        ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => {
            let line = pos.map_or(0, |pos| pos.line());
            format!("line {line} has {len} columns, the first line {expected_len}").into()
        }
        _ => format!("it is no table of columns: {text}").into(),
    }
}
