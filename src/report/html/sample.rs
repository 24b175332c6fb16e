//! The sample with its players: a sentence, a picture, or a list of names.

use maud::{Markup, html};

use crate::report::text::draw::{cut, inert};
use crate::report::{PlayerInfo, Record};

/// Columns of a player's text in the sentence.
const WORD: usize = 40;

/// Characters of background that are shown in one piece; of a longer one its two ends are.
const BACKGROUND: usize = 1200;

/// Characters of a whole sample that the page holds.
const WHOLE: usize = 200_000;

/// An image whose parts are players.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The image as a `data:` address.
    pub uri: String,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Where each player is, in the order of the players.
    pub regions: Vec<Region>,
}

/// Where one player is in a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region {
    /// Rectangles that together cover it: left, top, width, height in pixels. A grid cell is one, a segment is one per run of
    /// its rows.
    pub rectangles: Vec<[u32; 4]>,
}

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Background(&'a str),
    Player(usize, &'a str),
}

/// The sample, where pointing at a player lights its interactions.
pub(super) fn section(record: &Record, picture: Option<&Picture>) -> Markup {
    let labels = || {
        record
            .players
            .iter()
            .map(|one| Piece::Player(one.index, &one.label))
            .collect()
    };
    let (content, whole) = match (picture, &record.sample) {
        (Some(picture), _) => (drawn(picture, &record.players), None),
        (None, Some(text)) => match pieces(text, &record.players) {
            Some(pieces) => (written(&pieces, true), Some(text)),
            None => (written(&labels(), false), Some(text)),
        },
        (None, None) => (written(&labels(), false), None),
    };
    html! {
        div.sample role="group" aria-label="The sample and its players" { (content) }
        p.hint {
            "Point at an interaction, tap it or move to it with the keyboard to light its players; point at a player to light its interactions. "
            "A click keeps them lit, Esc lets go."
        }
        @if let Some(whole) = whole {
            @if is_cut(whole, record) { (full(whole)) }
        }
    }
}

/// The text in order, as players and what lies between them. `None` where the record does not say where in the text its players
/// are, or contradicts itself.
fn pieces<'a>(text: &'a str, players: &[PlayerInfo]) -> Option<Vec<Piece<'a>>> {
    let mut spans: Vec<(usize, usize, usize)> = Vec::new();
    for player in players {
        if player.chars.is_empty() {
            return None;
        }
        spans.extend(
            player
                .chars
                .iter()
                .map(|[from, to]| (*from, *to, player.index)),
        );
    }
    spans.sort_unstable();
    let mut pieces = Vec::new();
    let mut done = 0;
    for (from, to, player) in spans {
        let between = text.get(done..from)?;
        if !between.is_empty() {
            pieces.push(Piece::Background(between));
        }
        pieces.push(Piece::Player(player, text.get(from..to)?));
        done = to;
    }
    let rest = text.get(done..)?;
    if !rest.is_empty() {
        pieces.push(Piece::Background(rest));
    }
    Some(pieces)
}

fn written(pieces: &Vec<Piece<'_>>, running: bool) -> Markup {
    html! {
        p.text.running[running] dir="auto" {
            @for piece in pieces {
                @match piece {
                    Piece::Background(text) => (background(text)),
                    Piece::Player(index, text) => button.player type="button" aria-pressed="false" data-player=(index) { bdi { (cut(&inert(text), WORD)) } },
                }
                @if !running { " " }
            }
        }
    }
}

/// Background with its line breaks, and with its middle left out where it is long.
fn background(text: &str) -> Markup {
    let lines = |text: &str| text.split('\n').map(inert).collect::<Vec<_>>().join("\n");
    let count = text.chars().count();
    if count <= BACKGROUND {
        return html! { span { (lines(text)) } };
    }
    let at = |place: usize| {
        text.char_indices()
            .nth(place)
            .map_or(text.len(), |(at, _)| at)
    };
    let (head, tail) = (at(BACKGROUND / 2), at(count - BACKGROUND / 2));
    html! {
        span { (lines(&text[..head])) }
        em.left-out { " … " (count - BACKGROUND) " characters … " }
        span { (lines(&text[tail..])) }
    }
}

fn is_cut(text: &str, record: &Record) -> bool {
    let long = |label: &str| cut(&inert(label), WORD).ends_with('…') && !label.ends_with('…');
    text.chars().nth(BACKGROUND).is_some() || record.players.iter().any(|one| long(&one.label))
}

/// The text without anything left out, folded away.
fn full(text: &str) -> Markup {
    let end = text.char_indices().nth(WHOLE).map(|(at, _)| at);
    html! {
        details.full {
            summary { "The whole text" }
            p dir="auto" { (inert(&text[..end.unwrap_or(text.len())])) }
            @if end.is_some() { p.hint { "Cut after " (WHOLE) " characters; record.json holds all of it." } }
        }
    }
}

fn drawn(picture: &Picture, players: &[PlayerInfo]) -> Markup {
    let outline = |region: &Region| {
        let rectangle = |[left, top, width, height]: &[u32; 4]| {
            format!("M{left} {top}h{width}v{height}h-{width}z")
        };
        region.rectangles.iter().map(rectangle).collect::<String>()
    };
    html! {
        svg.picture viewBox=(format!("0 0 {} {}", picture.width, picture.height)) role="group" aria-label="The image and its players" {
            image href=(picture.uri) width=(picture.width) height=(picture.height) {}
            @for (player, region) in players.iter().zip(&picture.regions) {
                path.player d=(outline(region)) tabindex="0" role="button" aria-pressed="false"
                    aria-label=(cut(&inert(&player.label), WORD)) data-player=(player.index) {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn player(index: usize, chars: &[[usize; 2]]) -> PlayerInfo {
        PlayerInfo {
            index,
            label: String::new(),
            spans: Vec::new(),
            chars: chars.into(),
        }
    }

    #[test]
    fn a_text_is_cut_at_its_players() {
        let text = "One day, a né girl";
        let players = [player(0, &[[4, 8]]), player(1, &[[0, 3], [11, 14]])];
        use Piece::{Background, Player};
        assert_eq!(
            pieces(text, &players).expect("spans of the text"),
            [
                Player(1, "One"),
                Background(" "),
                Player(0, "day,"),
                Background(" a "),
                Player(1, "né"),
                Background(" girl"),
            ]
        );
    }

    #[test]
    fn spans_that_are_no_part_of_the_text_are_not_believed() {
        for chars in [[0, 99], [12, 13], [3, 1]] {
            assert_eq!(
                pieces("One day, a né girl", &[player(0, &[chars])]),
                None,
                "{chars:?}"
            );
        }
        let overlapping = [player(0, &[[0, 3]]), player(1, &[[2, 5]])];
        assert_eq!(pieces("One day", &overlapping), None);
        assert_eq!(pieces("One day", &[player(0, &[])]), None);
    }
}
