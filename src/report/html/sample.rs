//! The sample with its players: a sentence, a picture, or a list of names.

use maud::{Markup, html};

use crate::report::text::draw::{cut, inert, number};
use crate::report::{ImageInfo, PlayerInfo, Record, RowInfo, SampleKind};

/// Columns of a player's text in the sentence.
const WORD: usize = 40;

/// Characters of background that are shown in one piece; of a longer one its two ends are.
const BACKGROUND: usize = 1200;

/// Characters of a whole sample that the page holds.
const WHOLE: usize = 200_000;

/// Pixels of a row below which an image is drawn with its pixels to be seen.
const PIXELS: usize = 64;

/// Pixels of an image that are looked at.
const MOST_PIXELS: usize = 1 << 24;

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Background(&'a str),
    Player(usize, &'a str),
}

/// The sample, where pointing at a player lights its interactions.
pub(super) fn section(record: &Record) -> Markup {
    let labels = || {
        record
            .players
            .iter()
            .map(|one| Piece::Player(one.index, &one.label))
            .collect()
    };
    let text = record
        .sample
        .as_deref()
        .filter(|_| matches!(record.kind, None | Some(SampleKind::Text)));
    let content = match (&record.image, &record.row, text) {
        (Some(image), ..) => drawn(image, record),
        (None, Some(row), _) => tabled(row, record),
        (None, None, Some(text)) => match pieces(text, &record.players) {
            Some(pieces) => written(&pieces, true),
            None => written(&labels(), false),
        },
        (None, None, None) => written(&labels(), false),
    };
    html! {
        div.sample role="group" aria-label="The sample and its players" { (content) }
        p.hint {
            "Point at an interaction, tap it or move to it with the keyboard to light its players; point at a player to light its interactions. "
            "A click keeps them lit, Esc lets go."
        }
        @if let Some(whole) = text {
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

/// The image under the outlines of its players.
fn drawn(image: &ImageInfo, record: &Record) -> Markup {
    // Players own pixels, or cells of a map that lies over the image.
    let (width, height) = match &record.map {
        Some(map) => (map.width, map.height),
        None => (image.width, image.height),
    };
    let drawable = image.png.starts_with("data:image/png;base64,");
    let grain = if image.width <= PIXELS {
        "fine picture"
    } else {
        "picture"
    };
    html! {
        svg class=(grain) viewBox={ "0 0 " (width) " " (height) } role="group" aria-label="The image and its players" {
            @if drawable { image href=(image.png) width=(width) height=(height) preserveAspectRatio="none" {} }
            @for player in &record.players {
                path.player d=(outline(&player.spans, width, height)) tabindex="0" role="button" aria-pressed="false"
                    aria-label=(cut(&inert(&player.label), WORD)) data-player=(player.index) {}
            }
        }
    }
}

/// The runs of a player's pixels as rectangles, those that lie exactly below each other as one.
fn outline(spans: &[[usize; 2]], width: usize, height: usize) -> String {
    // A record that was not written by this program may say anything.
    let all = width.saturating_mul(height).min(MOST_PIXELS);
    let mut rectangles: Vec<[usize; 4]> = Vec::new();
    for &[from, to] in spans {
        let (mut from, to) = (from, to.min(all));
        while from < to {
            let (row, column) = (from / width, from % width);
            let end = to.min((row + 1) * width);
            let length = end - from;
            let above = rectangles
                .iter_mut()
                .rev()
                .take(width)
                .find(|[left, top, wide, high]| {
                    *left == column && *wide == length && top + high == row
                });
            match above {
                Some(rectangle) => rectangle[3] += 1,
                None => rectangles.push([column, row, length, 1]),
            }
            from = end;
        }
    }
    let draw = |[left, top, width, height]: [usize; 4]| {
        format!("M{left} {top}h{width}v{height}h-{width}z")
    };
    rectangles.into_iter().map(draw).collect()
}

/// The row's columns with their numbers.
fn tabled(row: &RowInfo, record: &Record) -> Markup {
    // A player may own several columns, and a column no player.
    let owned = |player: &PlayerInfo| -> Vec<(String, String)> {
        let columns = player
            .spans
            .iter()
            .flat_map(|&[from, to]| from..to.min(row.columns.len()));
        columns
            .map(|column| {
                let value = row
                    .values
                    .get(column)
                    .map_or(String::new(), |value| number(*value));
                (cut(&inert(&row.columns[column]), WORD), value)
            })
            .collect()
    };
    html! {
        p.text.columns {
            @for player in &record.players {
                button.player type="button" aria-pressed="false" data-player=(player.index) {
                    @for (place, (name, value)) in owned(player).iter().enumerate() {
                        @if place > 0 { ", " }
                        bdi { (name) } " = " strong { (value) }
                    }
                }
                " "
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
    fn pixels_become_rectangles() {
        // A cell of two rows and two columns in an image four pixels wide, then a run over the end of a row.
        assert_eq!(outline(&[[1, 3], [5, 7]], 4, 2), "M1 0h2v2h-2z");
        assert_eq!(outline(&[[2, 6]], 4, 2), "M2 0h2v1h-2zM0 1h2v1h-2z");
        assert_eq!(outline(&[[0, 8]], 4, 2), "M0 0h4v2h-4z");
        assert_eq!(outline(&[[6, usize::MAX]], 4, 2), "M2 1h2v1h-2z");
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
