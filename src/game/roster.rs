//! Who the players of a game are: what they are called, and which agent, time and behaviour they belong to.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Coalition, Error, Result};

/// The names of a game's players and the groups that they belong to.
///
/// As JSON: `{"players": ["a", "b"], "groups": {"agent": ["x", "y"], "time": [0, 0], "behaviour": ["buy", "wait"]}}`, where
/// `players` may be a number alone, and every part of `groups` may be missing.
///
/// # Example
/// ```
/// use harsanyi::game::Roster;
/// let roster: Roster = serde_json::from_str(r#"{"players": 2, "groups": {"agent": ["x", "y"]}}"#)?;
/// assert_eq!((roster.players(), roster.labels()[1].as_str()), (2, "1"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Description", into = "Description")]
pub struct Roster {
    labels: Vec<String>,
    named: bool,
    groups: Groups,
}

/// What the players belong to: a list per kind of group, one entry per player, or none where the game has no such groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// Who acts.
    #[serde(
        default,
        deserialize_with = "names",
        skip_serializing_if = "Option::is_none"
    )]
    pub agent: Option<Vec<String>>,
    /// When, as the number of a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Vec<i64>>,
    /// How, as the name of a class of actions.
    #[serde(
        default,
        alias = "behavior",
        deserialize_with = "names",
        skip_serializing_if = "Option::is_none"
    )]
    pub behaviour: Option<Vec<String>>,
}

impl Groups {
    /// Whether the players belong to nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Roster {
    /// `players` players who are called by their numbers.
    pub fn numbered(players: usize) -> Self {
        Self {
            labels: (0..players).map(|player| player.to_string()).collect(),
            named: false,
            groups: Groups::default(),
        }
    }

    /// Players with these names, in order.
    pub fn named(labels: Vec<String>) -> Self {
        Self {
            labels,
            named: true,
            groups: Groups::default(),
        }
    }

    /// The same players, who belong to `groups`.
    ///
    /// # Errors
    /// A list of groups that is longer or shorter than the list of players.
    pub fn with_groups(self, groups: Groups) -> Result<Self> {
        let players = self.labels.len();
        let lengths = [
            ("agent", groups.agent.as_ref().map(Vec::len)),
            ("time", groups.time.as_ref().map(Vec::len)),
            ("behaviour", groups.behaviour.as_ref().map(Vec::len)),
        ];
        for (kind, len) in lengths {
            if let Some(len) = len.filter(|len| *len != players) {
                return Err(Error::Input(format!(
                    "`{kind}` names the groups of {len} players, and there are {players}"
                )));
            }
        }
        Ok(Self { groups, ..self })
    }

    /// n, the number of players.
    pub fn players(&self) -> usize {
        self.labels.len()
    }

    /// The names, in order.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Whether the names are more than numbers.
    pub fn is_named(&self) -> bool {
        self.named
    }

    /// What the players belong to.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }
}

/// A roster as JSON has it.
#[derive(Serialize, Deserialize)]
struct Description {
    players: CountOrNames,
    #[serde(default, skip_serializing_if = "Groups::is_empty")]
    groups: Groups,
}

#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected `players` as a number or a list of names"
)]
enum CountOrNames {
    Count(usize),
    Names(Vec<Name>),
}

/// A name, which a program may well have as a number.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a name or a whole number")]
enum Name {
    Text(String),
    Number(i64),
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        match name {
            Name::Text(text) => text,
            Name::Number(number) => number.to_string(),
        }
    }
}

fn names<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let names = Option::<Vec<Name>>::deserialize(from)?;
    Ok(names.map(|names| names.into_iter().map(String::from).collect()))
}

impl TryFrom<Description> for Roster {
    type Error = Error;

    fn try_from(description: Description) -> Result<Self> {
        let players = match &description.players {
            CountOrNames::Count(count) => *count,
            CountOrNames::Names(names) => names.len(),
        };
        check(players)?;
        match description.players {
            CountOrNames::Count(count) => Self::numbered(count),
            CountOrNames::Names(names) => {
                Self::named(names.into_iter().map(String::from).collect())
            }
        }
        .with_groups(description.groups)
    }
}

impl From<Roster> for Description {
    fn from(roster: Roster) -> Self {
        Self {
            players: match roster.named {
                true => CountOrNames::Names(roster.labels.into_iter().map(Name::Text).collect()),
                false => CountOrNames::Count(roster.labels.len()),
            },
            groups: roster.groups,
        }
    }
}

/// Refuses a number of players that no coalition can hold.
pub(super) fn check(players: usize) -> Result<()> {
    match (1..=Coalition::MAX_PLAYERS).contains(&players) {
        true => Ok(()),
        false => Err(Error::Parameter {
            parameter: "the number of players",
            must: "from 1 to 1024",
            got: players.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roster_is_read_as_it_is_written() {
        let text = r#"{"players":["a","b"],"groups":{"agent":["x","3"],"time":[-1,4],"behaviour":["buy","wait"]}}"#;
        let roster: Roster = serde_json::from_str(text).expect("a roster");
        assert_eq!(serde_json::to_string(&roster).expect("JSON"), text);
        assert!(roster.is_named() && !roster.groups().is_empty());
        let bare: Roster = serde_json::from_str(r#"{"players": 3}"#).expect("a roster");
        assert_eq!(bare, Roster::numbered(3));
        assert_eq!(
            serde_json::to_string(&bare).expect("JSON"),
            r#"{"players":3}"#
        );
        let numbers = r#"{"players": [7, 8], "groups": {"agent": [1, 2]}}"#;
        let numbers: Roster = serde_json::from_str(numbers).expect("a roster");
        assert_eq!(numbers.labels(), ["7", "8"]);
        assert_eq!(numbers.groups().agent, Some(vec!["1".into(), "2".into()]));
    }

    #[test]
    fn a_roster_that_contradicts_itself_says_how() {
        let refused = |text: &str| {
            serde_json::from_str::<Roster>(text)
                .expect_err(text)
                .to_string()
        };
        for (text, reason) in [
            (
                r#"{"players": 0}"#,
                "the number of players must be from 1 to 1024, got 0",
            ),
            (
                r#"{"players": 99999999999}"#,
                "the number of players must be from 1 to 1024, got 99999999999",
            ),
            (
                r#"{"players": 2, "groups": {"time": [1]}}"#,
                "`time` names the groups of 1 players, and there are 2",
            ),
            (
                r#"{"players": "many"}"#,
                "expected `players` as a number or a list of names",
            ),
            (
                r#"{"players": 2, "groups": {"colour": [1, 2]}}"#,
                "unknown field `colour`, expected one of",
            ),
            (r#"{"groups": {}}"#, "missing field `players`"),
        ] {
            let message = refused(text);
            assert!(message.starts_with(reason), "{text}: {message}");
        }
    }
}
