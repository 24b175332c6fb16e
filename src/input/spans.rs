//! Where players stand in a text: by rule, or by a file of spans.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;

use crate::{Error, Result};

/// A player as bytes of the text, before tokens are known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) label: String,
    pub(super) bytes: Vec<Range<usize>>,
}

impl Span {
    fn of(text: &str, range: Range<usize>) -> Self {
        Self {
            label: text[range.clone()].into(),
            bytes: vec![range],
        }
    }
}

/// Pieces between white space, as byte ranges.
fn pieces(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.split_whitespace().map(|piece| {
        let start = piece.as_ptr() as usize - text.as_ptr() as usize;
        start..start + piece.len()
    })
}

/// Words: pieces between white space, where a piece without letter or digit, one that starts with an apostrophe, and `n't`
/// join the word before them (the first word, at the start of the text).
pub(super) fn words(text: &str) -> Vec<Span> {
    let joins = |piece: &str| {
        !piece.chars().any(char::is_alphanumeric)
            || piece.starts_with(['\'', '’'])
            || piece.eq_ignore_ascii_case("n't")
    };
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut leading = None;
    for piece in pieces(text) {
        match words.last_mut() {
            Some(word) if joins(&text[piece.clone()]) => word.end = piece.end,
            None if joins(&text[piece.clone()]) => leading = leading.or(Some(piece.start)),
            _ => words.push(leading.take().unwrap_or(piece.start)..piece.end),
        }
    }
    words.into_iter().map(|word| Span::of(text, word)).collect()
}

/// Sentences: up to and with `.`, `!` or `?` before white space, or up to a line break.
pub(super) fn sentences(text: &str) -> Vec<Span> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut rest = text.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        let next = rest.peek().map(|&(_, next)| next);
        let stop = matches!(character, '.' | '!' | '?') && next.is_none_or(char::is_whitespace);
        if stop || character == '\n' || next.is_none() {
            let end = at + character.len_utf8();
            let sentence = text[start..end].trim();
            if !sentence.is_empty() {
                let from = sentence.as_ptr() as usize - text.as_ptr() as usize;
                sentences.push(Span::of(text, from..from + sentence.len()));
            }
            start = end;
        }
    }
    sentences
}

/// The words and phrases of `list`, each at its next place in the text that no earlier entry took.
pub(super) fn listed(text: &str, list: &[String]) -> Result<Vec<Span>> {
    let mut taken: Vec<Range<usize>> = Vec::new();
    let mut spans = Vec::new();
    for word in list {
        let inside = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
        let free = text
            .match_indices(word.as_str())
            .map(|(start, found)| start..start + found.len())
            .find(|range| {
                let split = (inside(text[..range.start].chars().last())
                    && inside(word.chars().next()))
                    || (inside(text[range.end..].chars().next()) && inside(word.chars().last()));
                !split
                    && taken
                        .iter()
                        .all(|other| range.end <= other.start || other.end <= range.start)
            });
        let range = free.ok_or_else(|| {
            let again = if list.iter().filter(|other| *other == word).count() > 1 {
                " often enough"
            } else {
                ""
            };
            Error::Input(format!(
                "the word `{word}` does not occur in the text{again}"
            ))
        })?;
        taken.push(range.clone());
        spans.push(Span {
            label: word.clone(),
            bytes: vec![range],
        });
    }
    Ok(spans)
}

/// A file of spans.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpanFile {
    pub(super) players: Vec<SpanEntry>,
}

/// One player of a file of spans: half-open byte offsets into the text, or half-open token indices.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpanEntry {
    pub(super) label: Option<String>,
    #[serde(default)]
    pub(super) chars: Vec<[usize; 2]>,
    #[serde(default)]
    pub(super) tokens: Vec<[usize; 2]>,
}

impl SpanFile {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::read(path))?;
        serde_json::from_slice(&bytes).map_err(Error::parse(path, "file of spans"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(spans: Vec<Span>) -> Vec<String> {
        spans.into_iter().map(|span| span.label).collect()
    }

    #[test]
    fn punctuation_and_clitics_join_the_word_before() {
        assert_eq!(
            labels(words("it 's n't bad , is it ?")),
            ["it 's n't", "bad ,", "is", "it ?"]
        );
        assert_eq!(labels(words("`` well , hello")), ["`` well ,", "hello"]);
        assert_eq!(labels(words("  день,  été\tx ")), ["день,", "été", "x"]);
        assert!(words(" … ").is_empty());
    }

    #[test]
    fn sentences_end_at_stops_and_line_breaks() {
        assert_eq!(
            labels(sentences("Costs 3.5 kr. Why?\nNo stop")),
            ["Costs 3.5 kr.", "Why?", "No stop"]
        );
    }

    #[test]
    fn listed_words_are_found_whole_and_in_turn() {
        let list = |words: &[&str]| {
            listed(
                "to be or not to be",
                &words.iter().map(|w| w.to_string()).collect::<Vec<_>>(),
            )
        };
        let spans = list(&["to", "be", "to", "not"]).expect("all there");
        assert_eq!(
            spans
                .iter()
                .map(|span| span.bytes[0].start)
                .collect::<Vec<_>>(),
            [0, 3, 13, 9]
        );
        let message = list(&["o"]).expect_err("inside words only").to_string();
        assert_eq!(message, "the word `o` does not occur in the text");
        let message = list(&["or", "or"]).expect_err("once only").to_string();
        assert_eq!(
            message,
            "the word `or` does not occur in the text often enough"
        );
    }
}
