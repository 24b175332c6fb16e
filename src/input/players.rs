//! Who owns which element: token, pixel or column.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

use super::spans::{self, Span, SpanEntry, SpanFile};
use super::text::TokenizedText;
use crate::{Error, Result};

/// How a sample is cut into players.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PlayerRule {
    /// `word` for a text, `grid:3x4` for an image, `column` for a row.
    #[default]
    Auto,
    /// A player per word: pieces between white space, punctuation and clitics joining the word before.
    Word,
    /// A player per token that the tokenizer did not add itself.
    Token,
    /// A player per sentence.
    Sentence,
    /// The players of a JSON file: `{"players": [{"label": "day,", "chars": [[6, 10]]}, …]}`.
    Spans(PathBuf),
    /// These words or phrases of the text, or these columns of the row (`a+b` is a player of two); the rest is background.
    Listed(Vec<String>),
    /// A player per cell of an image: rows of cells, and cells in a row.
    Grid(usize, usize),
    /// The players of a PNG or NumPy array of the image's size, whose values are their numbers; 255 or −1 is background.
    Segments(PathBuf),
    /// A player per column of a row.
    Column,
}

impl FromStr for PlayerRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "word" => Ok(Self::Word),
            "token" => Ok(Self::Token),
            "sentence" => Ok(Self::Sentence),
            "auto" => Ok(Self::Auto),
            "column" => Ok(Self::Column),
            _ if text.starts_with("grid:") => {
                let cells = text.trim_start_matches("grid:").split_once('x');
                let sides = cells
                    .and_then(|(rows, columns)| Some((rows.parse().ok()?, columns.parse().ok()?)));
                match sides {
                    Some((rows, columns)) if rows > 0 && columns > 0 => {
                        Ok(Self::Grid(rows, columns))
                    }
                    _ => Err(format!(
                        "expected grid:ROWSxCOLUMNS, as in grid:3x4, got `{text}`"
                    )),
                }
            }
            _ if text.starts_with("segments:") => {
                Ok(Self::Segments(text.trim_start_matches("segments:").into()))
            }
            _ => match text.strip_prefix("spans:") {
                Some(path) => Ok(Self::Spans(path.into())),
                None => Ok(Self::Listed(
                    text.split(',').map(|word| word.trim().into()).collect(),
                )),
            },
        }
    }
}

impl fmt::Display for PlayerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word => f.write_str("word"),
            Self::Token => f.write_str("token"),
            Self::Sentence => f.write_str("sentence"),
            Self::Spans(path) => write!(f, "spans:{}", path.display()),
            Self::Listed(words) => f.write_str(&words.join(",")),
            Self::Auto => f.write_str("auto"),
            Self::Grid(rows, columns) => write!(f, "grid:{rows}x{columns}"),
            Self::Segments(path) => write!(f, "segments:{}", path.display()),
            Self::Column => f.write_str("column"),
        }
    }
}

/// The players of one sample: an owner for every element (token, pixel or column), and a name for every player.
#[derive(Clone, Debug, PartialEq)]
pub struct Players {
    /// The player that owns each element; `None` is background, always present.
    pub owner: Vec<Option<usize>>,
    /// A name per player, as it stands in the sample.
    pub labels: Vec<String>,
}

impl Players {
    /// Cuts `text` by `rule`; `background` names players, by label or by number, that are none after all.
    ///
    /// # Errors
    /// [`Error::Input`] when there is no player, a player owns no token, two claim the same token, or a name does not occur.
    pub fn new(text: &TokenizedText, rule: &PlayerRule, background: &[String]) -> Result<Self> {
        let players = match rule {
            PlayerRule::Auto | PlayerRule::Word => {
                Self::from_bytes(text, spans::words(&text.text))?
            }
            PlayerRule::Grid(..) | PlayerRule::Segments(_) | PlayerRule::Column => {
                return Err(Error::Parameter {
                    parameter: "the players",
                    must: "cut from a text here, and this rule cuts images or rows",
                    got: format!("`{rule}`"),
                });
            }
            PlayerRule::Sentence => Self::from_bytes(text, spans::sentences(&text.text))?,
            PlayerRule::Listed(words) if words.iter().any(String::is_empty) => {
                return Err(Error::Input(
                    "the list of players holds an empty word".into(),
                ));
            }
            PlayerRule::Listed(words) => Self::from_bytes(text, spans::listed(&text.text, words)?)?,
            PlayerRule::Token => Self::from_tokens(text),
            PlayerRule::Spans(path) => Self::from_entries(text, SpanFile::read(path)?.players)?,
        };
        players.without(background)
    }

    /// n, the number of players.
    pub fn count(&self) -> usize {
        self.labels.len()
    }

    /// The tokens of `player` as half-open ranges.
    pub fn token_spans(&self, player: usize) -> Vec<Range<usize>> {
        let mut spans: Vec<Range<usize>> = Vec::new();
        for (token, _) in self
            .owner
            .iter()
            .enumerate()
            .filter(|(_, owner)| **owner == Some(player))
        {
            match spans.last_mut() {
                Some(span) if span.end == token => span.end += 1,
                _ => spans.push(token..token + 1),
            }
        }
        spans
    }

    fn from_tokens(text: &TokenizedText) -> Self {
        let mut players = Self {
            owner: vec![None; text.ids.len()],
            labels: Vec::new(),
        };
        for token in (0..text.ids.len()).filter(|&token| !text.special[token]) {
            players.owner[token] = Some(players.labels.len());
            let label = text.slice(token).trim();
            players.labels.push(if label.is_empty() {
                format!("#{}", text.ids[token])
            } else {
                label.into()
            });
        }
        players
    }

    /// A token belongs to the player with most of its bytes; one of white space alone belongs with the token behind it.
    fn from_bytes(text: &TokenizedText, spans: Vec<Span>) -> Result<Self> {
        let shared = |a: &Range<usize>, b: &Range<usize>| {
            a.end.min(b.end).saturating_sub(a.start.max(b.start))
        };
        let mut owner = vec![None; text.ids.len()];
        for token in (0..text.ids.len())
            .rev()
            .filter(|&token| !text.special[token])
        {
            let overlap = |span: &Span| {
                span.bytes
                    .iter()
                    .map(|bytes| shared(bytes, &text.bytes[token]))
                    .sum::<usize>()
            };
            let most = spans
                .iter()
                .enumerate()
                .map(|(player, span)| (overlap(span), player));
            let most = most
                .filter(|&(bytes, _)| bytes > 0)
                .max_by_key(|&(bytes, player)| (bytes, usize::MAX - player));
            owner[token] = match most {
                Some((_, player)) => Some(player),
                None if text.slice(token).trim().is_empty() => {
                    owner.get(token + 1).copied().flatten()
                }
                None => None,
            };
        }
        let labels: Vec<String> = spans.into_iter().map(|span| span.label).collect();
        if let Some(player) = (0..labels.len()).find(|&player| !owner.contains(&Some(player))) {
            let label = &labels[player];
            return Err(Error::Input(format!(
                "player {player} (`{label}`) owns no token of the model; join it to another"
            )));
        }
        Ok(Self { owner, labels })
    }

    fn from_entries(text: &TokenizedText, entries: Vec<SpanEntry>) -> Result<Self> {
        let mut players = Self {
            owner: vec![None; text.ids.len()],
            labels: Vec::new(),
        };
        let mut bytes: Vec<Span> = Vec::new();
        for (
            player,
            SpanEntry {
                label,
                chars,
                tokens,
            },
        ) in entries.into_iter().enumerate()
        {
            let wrong =
                |what: String| Error::Input(format!("player {player} of the file of spans {what}"));
            if chars.is_empty() == tokens.is_empty() {
                return Err(wrong("must have either `chars` or `tokens`".into()));
            }
            for &[start, end] in &tokens {
                if start >= end || end > text.ids.len() {
                    return Err(wrong(format!(
                        "spans tokens {start}..{end}; the text has {}",
                        text.ids.len()
                    )));
                }
                players.claim(player, start..end)?;
            }
            for &[start, end] in &chars {
                if start >= end || text.text.get(start..end).is_none() {
                    return Err(wrong(format!(
                        "spans bytes {start}..{end}; the text has {}",
                        text.text.len()
                    )));
                }
            }
            let ranges: Vec<_> = chars.iter().map(|&[start, end]| start..end).collect();
            let taken = |range: &Range<usize>| {
                let meets =
                    |other: &Range<usize>| range.start < other.end && other.start < range.end;
                bytes.iter().position(|span| span.bytes.iter().any(meets))
            };
            if let Some(other) = ranges.iter().find_map(taken) {
                return Err(wrong(format!("overlaps player {other}")));
            }
            let words = ranges.iter().map(|range| &text.text[range.clone()]);
            let pieces = tokens
                .iter()
                .flat_map(|&[start, end]| (start..end).map(|token| text.slice(token)));
            let own = || words.chain(pieces).collect::<Vec<_>>().join(" ");
            let label = label.unwrap_or_else(own);
            players.labels.push(label.clone());
            bytes.push(Span {
                label,
                bytes: ranges,
            });
        }
        let by_tokens: Vec<usize> = (0..bytes.len())
            .filter(|&player| bytes[player].bytes.is_empty())
            .collect();
        if by_tokens.len() == bytes.len() {
            return Ok(players);
        }
        if let [player, ..] = by_tokens.as_slice() {
            return Err(Error::Input(format!(
                "player {player} of the file of spans has tokens where others have chars"
            )));
        }
        Self::from_bytes(text, bytes)
    }

    fn claim(&mut self, player: usize, tokens: Range<usize>) -> Result<()> {
        for token in tokens {
            match self.owner[token].replace(player) {
                Some(other) if other != player => {
                    return Err(Error::Input(format!(
                        "players {other} and {player} both own token {token}"
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Without the players that `background` names, by label or by number.
    ///
    /// # Errors
    /// [`Error::Input`] for a name that is no player's, and when nobody is left.
    pub fn without(self, background: &[String]) -> Result<Self> {
        let mut stays = vec![true; self.labels.len()];
        let bare = |label: &str| {
            label
                .trim_matches(|c: char| !c.is_alphanumeric())
                .to_lowercase()
        };
        for name in background {
            let named: Vec<_> = (0..stays.len())
                .filter(|&player| {
                    let (label, name) = (&self.labels[player], name.as_str());
                    // Punctuation has no bare form by which it could be meant.
                    label == name || (!bare(name).is_empty() && bare(label) == bare(name))
                })
                .collect();
            let number = name
                .parse::<usize>()
                .ok()
                .filter(|&player| player < stays.len());
            if named.is_empty() && number.is_none() {
                return Err(Error::Input(format!(
                    "the background `{name}` is neither a player's label nor its number"
                )));
            }
            for player in if named.is_empty() {
                Vec::from_iter(number)
            } else {
                named
            } {
                stays[player] = false;
            }
        }
        let number: Vec<Option<usize>> = stays
            .iter()
            .scan(0, |next, &stays| {
                Some(stays.then(|| std::mem::replace(next, *next + 1)))
            })
            .collect();
        let owner = self
            .owner
            .iter()
            .map(|owner| owner.and_then(|player| number[player]))
            .collect();
        let labels: Vec<String> = self
            .labels
            .into_iter()
            .zip(&stays)
            .filter(|(_, stays)| **stays)
            .map(|(label, _)| label)
            .collect();
        match labels.is_empty() {
            true => Err(Error::Input(
                "there is no player; expected at least one that is not background".into(),
            )),
            false => Ok(Self { owner, labels }),
        }
    }
}
