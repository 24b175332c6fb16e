//! Games as the package shapiq saves them in JSON.

use std::fmt;
use std::fs::File;
use std::io::BufReader;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::Recorded;
use crate::Coalition;
use crate::error::Source;
use crate::game::{Roster, roster};

/// What is read of a saved game; the rest of it is history.
#[derive(Deserialize)]
struct Saved {
    data_type: Option<String>,
    metadata: Metadata,
    data: Data,
}

#[derive(Deserialize)]
struct Metadata {
    n_players: usize,
    index: Option<String>,
    player_names: Option<Vec<String>>,
}

/// Coalitions and values, in the order of the file and with whatever stands there twice.
struct Data(Vec<(Coalition, f64)>);

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Rows)
    }
}

struct Rows;

impl<'de> Visitor<'de> for Rows {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from coalitions such as \"0,2\" to values")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Data, M::Error> {
        let mut rows = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let coalition = coalition(&key).map_err(serde::de::Error::custom)?;
            rows.push((coalition, map.next_value()?));
        }
        Ok(Data(rows))
    }
}

/// `Empty`, or players separated by commas.
fn coalition(key: &str) -> Result<Coalition, String> {
    if key == "Empty" {
        return Ok(Coalition::EMPTY);
    }
    let player = |text: &str| {
        let player = text.trim().parse().ok();
        player.filter(|&player: &usize| player < Coalition::MAX_PLAYERS)
    };
    let players: Option<Vec<usize>> = key.split(',').map(player).collect();
    players
        .map(Coalition::from_players)
        .ok_or_else(|| format!("`{key}` is no coalition such as `0,2` or `Empty`"))
}

/// The game in a JSON file.
pub(super) fn read(file: File) -> Result<Recorded, Source> {
    let saved: Saved =
        serde_json::from_reader(BufReader::new(file)).map_err(|error| {
            match error.io_error_kind() {
                Some(kind) => Source::from(std::io::Error::from(kind)),
                None => format!("it is not a game of the package shapiq: {error}").into(),
            }
        })?;
    if saved.data_type.is_some_and(|kind| kind != "game") {
        let index = saved.metadata.index.unwrap_or_default();
        return Err(format!(
            "it holds interaction values ({index}), expected the values of a game"
        )
        .into());
    }
    let players = saved.metadata.n_players;
    roster::check(players)?;
    let roster = match saved.metadata.player_names {
        None => Roster::numbered(players),
        Some(names) if names.len() == players => Roster::named(names),
        Some(names) => {
            let names = names.len();
            return Err(format!("it names {names} players, and there are {players}").into());
        }
    };
    Recorded::new(roster, saved.data.0)
}
