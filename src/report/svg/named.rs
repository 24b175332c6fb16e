//! Bars and squares with names.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{
    Area, FAINT, FINE, INK, LETTER, LOWERS, RAISES, RANKED_WIDTH, ROW, RULE, SIZE, font, outline,
    said, stroke, swatch, write,
};
use crate::interaction::Kind;
use crate::report::chart::RankedBar;
use crate::report::text::draw::number;

/// Names on the left, bars on either side of zero, numbers at the right edge.
pub(super) fn ranked(area: &Area<'_>, label: &str, bars: &[RankedBar]) -> Result<(), String> {
    let (left, right) = (300, RANKED_WIDTH - 84);
    let most = bars.iter().fold(0.0f64, |most, bar| most.max(bar.value));
    let least = bars.iter().fold(0.0f64, |least, bar| least.min(bar.value));
    let width = (most - least).max(f64::MIN_POSITIVE);
    let place = |value: f64| {
        let share = (value - least) / width;
        ((f64::from(left) + share * f64::from(right - left)) * f64::from(FINE)).round() as i32
    };
    let end = Pos::new(HPos::Right, VPos::Center);
    write(
        area,
        label,
        &font(LETTER, FAINT).pos(end),
        (RANKED_WIDTH - 12, 16),
    )?;
    for (row, bar) in bars.iter().enumerate() {
        let middle = 40 + ROW * row as i32;
        let ink = if bar.value < 0.0 { LOWERS } else { RAISES };
        let kind = bar.kind.map_or(String::new(), |kind| kind.to_string());
        let start = Pos::new(HPos::Left, VPos::Center);
        write(
            area,
            &kind,
            &font(LETTER - 1, FAINT).pos(start),
            (12, middle),
        )?;
        write(
            area,
            &bar.name,
            &font(LETTER + 1, INK).pos(start),
            (48, middle),
        )?;
        let corners = [
            (place(bar.value.min(0.0)), (middle - 7) * FINE),
            (place(bar.value.max(0.0)), (middle + 7) * FINE),
        ];
        swatch(area, corners, ink, bar.kind == Some(Kind::Or))?;
        write(
            area,
            &number(bar.value),
            &font(LETTER, ink).pos(end),
            (RANKED_WIDTH - 12, middle),
        )?;
    }
    let bottom = (26 + ROW * bars.len() as i32) * FINE;
    let zero = PathElement::new(
        [(place(0.0), 26 * FINE), (place(0.0), bottom)],
        stroke(FAINT, 1.0),
    );
    area.draw(&zero).map_err(said)
}

/// A square for each pair, below the diagonal: its area is the size of the value.
pub(super) fn pairs(
    area: &Area<'_>,
    label: &str,
    names: &[String],
    squares: &[(usize, usize, f64)],
) -> Result<(), String> {
    write(area, label, &font(LETTER, FAINT), (8, 6))?;
    let (left, top) = (92, 26);
    let cell = ((SIZE.1 - top - 10) * FINE / names.len().max(3) as i32).min(60 * FINE);
    let size = (cell / FINE - 2).clamp(4, LETTER);
    let most = squares
        .iter()
        .fold(f64::MIN_POSITIVE, |most, square| most.max(square.2.abs()));
    let corner = |i: i32, j: i32| (left * FINE + i * cell, top * FINE + j * cell);
    for (j, name) in names.iter().enumerate().skip(1) {
        let (_, y) = corner(0, j as i32);
        let right = font(size, INK).pos(Pos::new(HPos::Right, VPos::Center));
        area.draw_text(name, &right, ((left - 8) * FINE, y + cell / 2))
            .map_err(said)?;
    }
    for (i, name) in names.iter().enumerate().take(names.len() - 1) {
        // On the diagonal, where the squares of its own column begin.
        let (x, y) = corner(i as i32, i as i32);
        let start = font(size, INK).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw_text(name, &start, (x + cell / 8, y + cell / 2))
            .map_err(said)?;
    }
    for &(i, j, value) in squares {
        let (x, y) = corner(i as i32, j as i32);
        let frame = PathElement::new(outline(x, x + cell, y, y + cell), stroke(RULE, 1.0));
        area.draw(&frame).map_err(said)?;
        let half = (0.46 * f64::from(cell) * (value.abs() / most).sqrt()).round() as i32;
        let (middle, center) = (x + cell / 2, y + cell / 2);
        let corners = [
            (middle - half, center - half),
            (middle + half, center + half),
        ];
        if half > 0 {
            swatch(
                area,
                corners,
                if value < 0.0 { LOWERS } else { RAISES },
                value < 0.0,
            )?;
        }
    }
    Ok(())
}
