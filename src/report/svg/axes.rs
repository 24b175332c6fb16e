//! Layers over two axes.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use unicode_width::UnicodeWidthStr;

use super::{
    Area, FAINT, FINE, INK, LETTER, RULE, color, font, outline, said, stroke, styles, swatch, write,
};
use crate::report::chart::{Axis, Layer, Scale, Shape};
use crate::report::text::draw::number;

type Plane<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

pub(super) fn axes(area: &Area<'_>, x: &Axis, y: &Axis, layers: &[Layer]) -> Result<(), String> {
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
        left += 21 + 13 * layer.label.width() as i32 / 2 + 10;
    }
    Ok(())
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
