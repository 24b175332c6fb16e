//! Bars, colours, columns: what the terminal page is drawn with.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

/// How wide the page may be, and whether it may have colours.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Columns.
    pub width: usize,
    /// Whether to colour.
    pub color: bool,
    /// How many interactions to list.
    pub rows: usize,
}

/// What a piece of text means, and so how it is coloured.
#[derive(Clone, Copy)]
pub(super) enum Ink {
    Title,
    Faint,
    Player,
    Raises,
    Lowers,
}

impl Page {
    pub(super) fn ink(self, ink: Ink, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.into();
        }
        let code = match ink {
            Ink::Title => "1",
            Ink::Faint => "2",
            Ink::Player => "1;36",
            Ink::Raises => "34",
            Ink::Lowers => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    pub(super) fn signed(self, effect: f64, text: &str) -> String {
        self.ink(
            if effect < 0.0 {
                Ink::Lowers
            } else {
                Ink::Raises
            },
            text,
        )
    }
}

/// `text` with everything that a terminal would act on made visible: control characters and direction marks.
pub fn inert(text: &str) -> String {
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{61c}' | '\u{e0000}'..='\u{e007f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
    };
    text.chars()
        .map(|c| {
            if acts(c) {
                if c == '\n' || c == '\t' {
                    ' '
                } else {
                    '\u{fffd}'
                }
            } else {
                c
            }
        })
        .collect()
}

/// `text` cut to `width` columns, with an ellipsis where something is missing. Marks that take no column of their own are no way
/// around that: more than four characters to a column are cut too.
pub(in crate::report) fn cut(text: &str, width: usize) -> String {
    let most = 4 * width;
    if text.chars().nth(most).is_none() && text.width() <= width {
        return text.into();
    }
    let mut kept = String::new();
    for character in text.chars().take(most) {
        if kept.width() + 2 > width {
            break;
        }
        kept.push(character);
    }
    kept + "…"
}

/// `text` and spaces up to `width` columns.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// A bar of `share` (0 to 1) of `width` columns, in eighths of a column.
pub(super) fn bar(share: f64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let thin = if eighths == 0 && share > 0.0 {
        "▏"
    } else {
        EIGHTHS[eighths % 8]
    };
    "█".repeat(eighths / 8) + thin
}

/// Four significant digits, or scientific where that would be long; with a true minus sign.
pub(in crate::report) fn number(value: f64) -> String {
    let size = value.abs();
    let text = if size == 0.0 {
        "0".into()
    } else if (1e-3..1e6).contains(&size) {
        // The exponent after rounding to four digits: 0.99999 is 1.000.
        let rounded = format!("{size:.3e}");
        let exponent: i32 = rounded
            .split_once('e')
            .and_then(|(_, e)| e.parse().ok())
            .unwrap_or(0);
        format!("{size:.*}", (3 - exponent).clamp(0, 5) as usize)
    } else {
        format!("{size:.2e}")
    };
    if value < 0.0 {
        format!("−{text}")
    } else {
        text
    }
}

/// `text` in lines of at most `width` columns, broken between words.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

pub(super) fn heading(page: Page, out: &mut String, title: &str, note: &str) {
    let _ = writeln!(
        out,
        "\n{}  {}",
        page.ink(Ink::Title, title),
        page.ink(Ink::Faint, note)
    );
}

/// A remark, wrapped to the page.
pub(super) fn faint(page: Page, out: &mut String, text: &str) {
    for line in wrap(text, page.width.saturating_sub(2)) {
        let _ = writeln!(out, "  {}", page.ink(Ink::Faint, &line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_four_digits() {
        let cases = [
            (0.0, "0"),
            (1.0, "1.000"),
            (-12.3456, "−12.35"),
            (0.999999, "1.000"),
            (0.012345, "0.01235"),
            (1e-9, "1.00e-9"),
            (54321.9, "54322"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn bars_have_eighths_and_never_vanish() {
        assert_eq!(bar(1.0, 3), "███");
        assert_eq!(bar(0.5, 3), "█▌");
        assert_eq!(bar(1e-9, 3), "▏");
        assert_eq!(bar(0.0, 3), "");
    }

    #[test]
    fn hostile_text_is_shown_and_not_obeyed() {
        assert_eq!(inert("a\x1b[31mb\u{202e}c\nd"), "a\u{fffd}[31mb\u{fffd}c d");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("漢字漢字", 5).width(), 5);
    }
}
