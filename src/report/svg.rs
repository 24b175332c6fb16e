//! Charts as SVG, drawn by `plotters` in one theme.
//!
//! Colours are written as those of the light theme. [`STYLE`] maps each of them to a variable, so that a page, or the chart's own
//! file, can turn them dark: a rule of a style sheet wins over an attribute.

use std::fmt::Write as _;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use unicode_width::UnicodeWidthStr;

use super::chart::{Axis, Body, Chart, Ink, Layer, RankedBar, Scale, Shape};
use super::text::draw::number;
use crate::interaction::Kind;
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
type Plane<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

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

/// Text as it may stand in a document or an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
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
        Body::Axes { x, y, layers } => axes(&area, x, y, layers),
        Body::Ranked { label, bars } => ranked(&area, label, bars),
        Body::Squares {
            label,
            names,
            squares,
        } => pairs(&area, label, names, squares),
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

fn axes(area: &Area<'_>, x: &Axis, y: &Axis, layers: &[Layer]) -> Result<(), String> {
    let named: Vec<&Layer> = layers
        .iter()
        .filter(|layer| !layer.label.is_empty())
        .collect();
    write(area, &y.label, &font(LETTER, FAINT), (8, 6))?;
    legend(area, &named)?;
    let top = if named.is_empty() { 28 } else { 46 };
    let mut plane = ChartBuilder::on(area)
        .margin_top(top * FINE)
        .margin_right(14 * FINE)
        .margin_left(4 * FINE)
        .margin_bottom(2 * FINE)
        .x_label_area_size(42 * FINE)
        .y_label_area_size(46 * FINE)
        .build_cartesian_2d(x.low..x.high, y.low..y.high)
        .map_err(said)?;
    let (x_tick, y_tick) = (|at: &f64| tick(*at, x.scale), |at: &f64| tick(*at, y.scale));
    plane
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(stroke(RULE, 1.0))
        .axis_style(stroke(RULE, 1.0))
        .x_labels(12)
        .y_labels(6)
        .x_label_formatter(&x_tick)
        .y_label_formatter(&y_tick)
        .label_style(font(LETTER, FAINT))
        .axis_desc_style(font(LETTER, FAINT))
        .x_desc(x.label.as_str())
        .set_all_tick_mark_size(3 * FINE)
        .draw()
        .map_err(said)?;
    if y.low < 0.0 && y.high > 0.0 && y.scale == Scale::Linear {
        let zero = PathElement::new([(x.low, 0.0), (x.high, 0.0)], stroke(FAINT, 1.0));
        plane.draw_series([zero]).map_err(said)?;
    }
    layers.iter().try_for_each(|layer| put(&mut plane, layer))
}

/// The words of a tick; none between whole numbers where only those mean something.
fn tick(at: f64, scale: Scale) -> String {
    match scale {
        Scale::Whole if (at - at.round()).abs() > 1e-6 || at < -1e-6 => String::new(),
        Scale::Whole => format!("{:.0}", at.round().abs()),
        Scale::Log if (at - at.round()).abs() > 1e-6 => String::new(),
        Scale::Log if at > -3.5 => format!("{}", 10f64.powi(at.round() as i32)),
        Scale::Log => format!("1e−{}", -at.round()),
        Scale::Linear => {
            let text = number(at);
            match text.contains('.') && !text.contains('e') {
                true => text.trim_end_matches('0').trim_end_matches('.').into(),
                false => text,
            }
        }
    }
}

fn legend(area: &Area<'_>, named: &[&Layer]) -> Result<(), String> {
    let mut left = 8;
    for layer in named {
        let ink = color(layer.ink);
        let point = |x: i32, y: i32| ((left + x) * FINE, y * FINE);
        let line = |width| PathElement::new([point(0, 34), point(16, 34)], stroke(ink, width));
        match &layer.shape {
            Shape::Bars { hollow, .. } => {
                swatch(area, [point(2, 29), point(14, 39)], ink, *hollow)?
            }
            Shape::Band(_) => {
                let faint = Rectangle::new([point(0, 29), point(16, 39)], ink.mix(0.18).filled());
                area.draw(&faint).map_err(said)?;
            }
            Shape::Dashed(_) => {
                for dash in [0, 6, 12] {
                    let dash =
                        PathElement::new([point(dash, 34), point(dash + 4, 34)], stroke(ink, 1.5));
                    area.draw(&dash).map_err(said)?;
                }
            }
            Shape::Dotted(_) | Shape::Line(_) => area.draw(&line(2.0)).map_err(said)?,
        }
        let style = font(LETTER - 1, INK).pos(Pos::new(HPos::Left, VPos::Center));
        write(area, &layer.label, &style, (left + 21, 34))?;
        left += 21 + (6 * layer.label.width() as i32) + 6;
    }
    Ok(())
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

fn put(plane: &mut Plane<'_>, layer: &Layer) -> Result<(), String> {
    let ink = color(layer.ink);
    match &layer.shape {
        Shape::Line(points) => {
            plane
                .draw_series(LineSeries::new(points.iter().copied(), stroke(ink, 2.0)))
                .map_err(said)?;
        }
        Shape::Dotted(points) => {
            plane
                .draw_series(LineSeries::new(points.iter().copied(), stroke(ink, 2.0)))
                .map_err(said)?;
            let dots = points
                .iter()
                .map(|&at| Circle::new(at, 3 * FINE, ink.filled()));
            plane.draw_series(dots).map_err(said)?;
        }
        Shape::Dashed(points) => {
            let dashes =
                DashedLineSeries::new(points.iter().copied(), 6 * FINE, 4 * FINE, stroke(ink, 1.5));
            plane.draw_series(dashes).map_err(said)?;
        }
        Shape::Band(points) => {
            let lower = points.iter().map(|&(x, low, _)| (x, low));
            let upper = points.iter().rev().map(|&(x, _, high)| (x, high));
            let band = Polygon::new(lower.chain(upper).collect::<Vec<_>>(), ink.mix(0.18));
            plane.draw_series([band]).map_err(said)?;
        }
        Shape::Bars { bars, hollow } => {
            let (fill, line) = styles(ink, *hollow);
            let filled = bars.iter().map(|&[left, right, low, high]| {
                Rectangle::new([(left, low), (right, high)], fill)
            });
            plane.draw_series(filled).map_err(said)?;
            let lines = bars.iter().map(|&[left, right, low, high]| {
                PathElement::new(outline(left, right, low, high), line)
            });
            plane.draw_series(lines).map_err(said)?;
        }
    }
    Ok(())
}

/// Names on the left, bars on either side of zero, numbers at the right edge.
fn ranked(area: &Area<'_>, label: &str, bars: &[RankedBar]) -> Result<(), String> {
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
fn pairs(
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
