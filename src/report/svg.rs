//! Charts as SVG, drawn by `plotters` in one theme.
//!
//! Colours are written as those of the light theme. A rule maps each of them to a variable, so that a page, or the chart's own
//! file, can turn them dark: a rule of a style sheet wins over an attribute.

mod axes;
mod named;

use std::fmt::Write as _;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::chart::{Body, Chart, Ink};
use super::text::inert;
use crate::{Error, Result};

/// Units of the drawing per pixel: plotters places everything at whole units.
const FINE: i32 = 4;

/// Pixels of a chart with axes.
const SIZE: (i32, i32) = (380, 244);

/// Pixels of a row of named bars, and of the whole width of such a chart.
const ROW: i32 = 24;
const RANKED_WIDTH: i32 = 640;

/// Pixels of a letter.
const LETTER: i32 = 12;

/// Colours of the light theme, the names of their variables, and the colours of the dark theme.
const PALETTE: [(RGBColor, &str, &str); 7] = [
    (INK, "ink", "#e8e6e1"),
    (FAINT, "faint", "#a3a7ad"),
    (RULE, "rule", "#3a3f46"),
    (PAPER, "paper", "#15171a"),
    (RAISES, "raises", "#7cb3f0"),
    (LOWERS, "lowers", "#f29b6b"),
    (NEUTRAL, "neutral", "#b9a3f5"),
];
const INK: RGBColor = RGBColor(0x1d, 0x1f, 0x23);
const FAINT: RGBColor = RGBColor(0x5c, 0x61, 0x68);
const RULE: RGBColor = RGBColor(0xdc, 0xd9, 0xd2);
const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
const RAISES: RGBColor = RGBColor(0x1a, 0x5f, 0xb4);
const LOWERS: RGBColor = RGBColor(0xb0, 0x45, 0x10);
const NEUTRAL: RGBColor = RGBColor(0x5b, 0x3f, 0xb0);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The variables of the theme as declarations, light and dark.
pub(super) fn variables() -> (String, String) {
    let (mut light, mut dark) = (String::new(), String::new());
    for (color, name, other) in PALETTE {
        let _ = write!(light, "--{name}:{};", hex(color));
        let _ = write!(dark, "--{name}:{other};");
    }
    (light, dark)
}

/// Rules that give the colours of charts below `scope` to the theme.
pub(super) fn rules(scope: &str) -> String {
    PALETTE.iter().fold(String::new(), |mut rules, (color, name, _)| {
        let hex = hex(*color);
        let _ = write!(
            rules,
            "{scope} [fill=\"{hex}\"]{{fill:var(--{name})}}{scope} [stroke=\"{hex}\"]{{stroke:var(--{name})}}"
        );
        rules
    })
}

fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// `chart` as an SVG file of its own, light or dark as its reader is.
///
/// # Cost
/// Linear in the points of the chart.
///
/// # Errors
/// None for charts of this crate.
pub fn file(chart: &Chart) -> Result<String> {
    let (drawing, (width, height)) = draw(chart)?;
    let (light, dark) = variables();
    let title = escaped(&chart.title);
    let caption = escaped(&chart.caption);
    let rules = rules("svg");
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" role=\"img\">\n\
         <title>{title}</title>\n<desc>{caption}</desc>\n\
         <style>svg{{{light}font-family:system-ui,sans-serif;background:var(--paper)}}\
         @media(prefers-color-scheme:dark){{svg{{{dark}}}}}{rules}</style>\n{drawing}</svg>\n",
        width * FINE,
        height * FINE,
    ))
}

/// `chart` as an element of a page that has the theme's variables and rules.
pub(super) fn element(chart: &Chart) -> Result<String> {
    let (drawing, (width, height)) = draw(chart)?;
    let label = escaped(&format!("{}: {}", chart.title, chart.caption));
    Ok(format!(
        "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{label}\">\n{drawing}</svg>",
        width * FINE,
        height * FINE,
    ))
}

/// Text as it may stand in a document or an attribute: inert, with everything escaped that has a meaning there.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in inert(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// What stands between the tags of the SVG, and its size in pixels.
fn draw(chart: &Chart) -> Result<(String, (i32, i32))> {
    let size = match &chart.body {
        Body::Axes { .. } => SIZE,
        Body::Ranked { bars, .. } => (RANKED_WIDTH, 40 + ROW * bars.len() as i32),
        Body::Squares { .. } => SIZE,
    };
    let mut svg = String::new();
    let units = ((size.0 * FINE) as u32, (size.1 * FINE) as u32);
    let area = SVGBackend::with_string(&mut svg, units).into_drawing_area();
    let drawn = match &chart.body {
        Body::Axes { x, y, layers } => axes::axes(&area, x, y, layers),
        Body::Ranked { label, bars } => named::ranked(&area, label, bars),
        Body::Squares {
            label,
            names,
            squares,
        } => named::pairs(&area, label, names, squares),
    };
    drawn
        .and_then(|()| area.present().map_err(|error| error.to_string()))
        .map_err(|reason| {
            Error::Input(format!(
                "the chart `{}` cannot be drawn: {reason}",
                chart.name
            ))
        })?;
    drop(area);
    // plotters writes a tag around everything that knows neither names nor themes.
    let inside = svg.find('>').map_or(0, |end| end + 1);
    let end = svg.rfind("</svg>").unwrap_or(svg.len());
    Ok((svg[inside..end].trim_start().into(), size))
}

fn font(size: i32, color: RGBColor) -> TextStyle<'static> {
    // plotters divides by 1.24 what it writes.
    ("sans-serif", 1.24 * f64::from(size * FINE))
        .into_font()
        .color(&color)
}

fn said<E: std::fmt::Display>(error: E) -> String {
    error.to_string()
}

fn write(area: &Area<'_>, text: &str, style: &TextStyle<'_>, at: (i32, i32)) -> Result<(), String> {
    area.draw_text(text, style, (at.0 * FINE, at.1 * FINE))
        .map_err(said)
}

fn stroke(color: RGBColor, pixels: f64) -> ShapeStyle {
    ShapeStyle {
        color: color.to_rgba(),
        filled: false,
        stroke_width: (pixels * f64::from(FINE)).round() as u32,
    }
}

fn color(ink: Ink) -> RGBColor {
    match ink {
        Ink::Raises => RAISES,
        Ink::Lowers => LOWERS,
        Ink::Neutral => NEUTRAL,
        Ink::Reference => FAINT,
    }
}

/// A rectangle that is filled, or only has an outline.
fn swatch(
    area: &Area<'_>,
    corners: [(i32, i32); 2],
    ink: RGBColor,
    hollow: bool,
) -> Result<(), String> {
    let (fill, line) = styles(ink, hollow);
    area.draw(&Rectangle::new(corners, fill)).map_err(said)?;
    let [(left, top), (right, bottom)] = corners;
    area.draw(&PathElement::new(outline(left, right, top, bottom), line))
        .map_err(said)
}

/// A closed line; the outlines of rectangles have no width in plotters' SVG.
fn outline<T: Copy>(left: T, right: T, low: T, high: T) -> [(T, T); 5] {
    [
        (left, low),
        (right, low),
        (right, high),
        (left, high),
        (left, low),
    ]
}

fn styles(ink: RGBColor, hollow: bool) -> (ShapeStyle, ShapeStyle) {
    let fill = if hollow { PAPER } else { ink };
    (fill.filled(), stroke(ink, 1.5))
}
