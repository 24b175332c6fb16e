//! Which result becomes which chart. A [`Chart`] says what is drawn; [`svg`](super::svg) draws it.

mod batch;
mod orders;
mod run;
mod sparsity;
mod study;

pub use batch::of_summary;
pub use orders::of_orders;
pub use run::of_profile;
pub use study::of_study;

use crate::interaction::Kind;

/// The names of charts; those of J(m) in a batch end with a number of players.
const NAMES: [&str; 13] = [
    "interactions",
    "orders",
    "growth",
    "bottleneck",
    "bottleneck-split-half",
    "sparsity",
    "faithfulness",
    "pairs",
    "players",
    "salient",
    "span",
    "strength",
    "bottleneck-index",
];

/// Whether `name` is that of a chart.
pub fn is_name(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    NAMES.contains(&name) || name.strip_prefix("bottleneck-").is_some_and(digits)
}

/// One chart: a name for its file, its words, and what it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// The stem of its file name.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// What is to be seen, in a sentence or two.
    pub caption: String,
    /// What is drawn.
    pub body: Body,
    /// The numbers drawn, as a table of text.
    pub table: Table,
}

/// The ways to draw.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Layers over two axes, the first below the others.
    Axes {
        /// The horizontal axis.
        x: Axis,
        /// The vertical axis.
        y: Axis,
        /// What stands over them.
        layers: Vec<Layer>,
    },
    /// Named bars, one below the other.
    Ranked {
        /// What their lengths are.
        label: String,
        /// The bars.
        bars: Vec<RankedBar>,
    },
    /// A square for each pair of players, as large as its value: solid above zero, hollow below.
    Squares {
        /// What their areas are.
        label: String,
        /// The players' names, inert.
        names: Vec<String>,
        /// Pairs i < j with their values.
        squares: Vec<(usize, usize, f64)>,
    },
}

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures, with its unit.
    pub label: String,
    /// Its lower end.
    pub low: f64,
    /// Its upper end, above the lower one.
    pub high: f64,
    /// What its numbers are.
    pub scale: Scale,
}

/// What the numbers of an axis are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Any numbers.
    Linear,
    /// Counts.
    Whole,
    /// Decimal logarithms of what is shown.
    Log,
}

/// One thing in a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its entry in the legend; none where it is empty.
    pub label: String,
    /// Its meaning, and so its colour.
    pub ink: Ink,
    /// Its form.
    pub shape: Shape,
}

/// What a colour means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Raises v.
    Raises,
    /// Lowers v.
    Lowers,
    /// Neither.
    Neutral,
    /// Something to compare with.
    Reference,
}

/// A form, in the units of the axes.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A line through points, each with a dot.
    Dotted(Vec<(f64, f64)>),
    /// A line through points.
    Line(Vec<(f64, f64)>),
    /// A dashed line through points.
    Dashed(Vec<(f64, f64)>),
    /// What lies between a lower and an upper line: x, low, high.
    Band(Vec<(f64, f64, f64)>),
    /// Rectangles: left, right, bottom, top.
    Bars {
        /// The rectangles.
        bars: Vec<[f64; 4]>,
        /// Whether only their outlines are drawn.
        hollow: bool,
    },
}

/// A bar with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedBar {
    /// The name, inert.
    pub name: String,
    /// AND bars are solid and OR bars hollow; bars of one player have no kind.
    pub kind: Option<Kind>,
    /// Its length: above zero to the right.
    pub value: f64,
}

/// Numbers as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// A heading per column.
    pub head: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Axis {
    /// An axis over `values` and a little more; `zero` says whether it must reach 0.
    fn around(
        label: impl Into<String>,
        values: impl Iterator<Item = f64>,
        zero: bool,
        scale: Scale,
    ) -> Self {
        let (mut low, mut high) = match zero {
            true => (0.0f64, 0.0f64),
            false => (f64::INFINITY, f64::NEG_INFINITY),
        };
        for value in values {
            (low, high) = (low.min(value), high.max(value));
        }
        if !low.is_finite() || !high.is_finite() {
            (low, high) = (0.0, 1.0);
        }
        // A constant still needs a length, and one that its own rounding does not swallow.
        if high - low <= 1e-9 * low.abs().max(high.abs()) {
            let room = (0.5 * low.abs().max(high.abs())).max(1e-9);
            if !zero || low < 0.0 {
                low -= room;
            }
            high += room;
        }
        let room = 0.06 * (high - low);
        let below = if zero && low == 0.0 { 0.0 } else { room };
        Self {
            label: label.into(),
            low: low - below,
            high: high + if zero && high == 0.0 { 0.0 } else { room },
            scale,
        }
    }

    /// A count from `low` to `high`, with `room` on either side.
    fn counting(label: impl Into<String>, low: usize, high: usize, room: f64) -> Self {
        Self {
            label: label.into(),
            low: low as f64 - room,
            high: high as f64 + room,
            scale: Scale::Whole,
        }
    }
}

impl Layer {
    fn new(label: impl Into<String>, ink: Ink, shape: Shape) -> Self {
        Self {
            label: label.into(),
            ink,
            shape,
        }
    }
}
