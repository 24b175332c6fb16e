//! Terms that go with a residual.

use super::beam::Beam;
use super::dense::Dense;
use super::design::{DENSE_PLAYERS, Design, Rule, Term};

/// How far the search goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Width {
    /// Terms of each order from which the next order is grown, of each polarity.
    pub(super) beam: usize,
    /// Terms of each order that are handed out, of each polarity.
    pub(super) kept: usize,
    /// The highest order.
    pub(super) order: usize,
}

/// The rules of the terms that are searched.
pub(super) const RULES: [Rule; 2] = [Rule::All, Rule::None];

/// What finds terms for one residual after the other.
pub(super) enum Search<'a> {
    /// Of few players all terms are scored.
    Dense(Dense<'a>),
    /// Of many, those that grow from the strongest pairs.
    Beam(Beam<'a>),
}

impl<'a> Search<'a> {
    pub(super) fn new(design: &'a Design, width: Width) -> Self {
        match design.players() <= DENSE_PLAYERS {
            true => Self::Dense(Dense::new(design, width)),
            false => Self::Beam(Beam::new(design, width)),
        }
    }

    /// Doubles the width, the first time that it is asked for; `false` where nothing changes.
    pub(super) fn widen(&mut self) -> bool {
        match self {
            Self::Dense(_) => false,
            Self::Beam(beam) => beam.widen(),
        }
    }

    /// The terms of order 2 and more that correlate most with `residual`, which sums to 0.
    pub(super) fn terms(&mut self, residual: &[f64]) -> Vec<Term> {
        match self {
            Self::Dense(dense) => dense.search(&single(residual)),
            Self::Beam(beam) => beam.search(&single(&residual[..beam.samples()])),
        }
    }
}

/// A residual in single precision, which has a small range, and with sum 0: only ratios count.
fn single(residual: &[f64]) -> Vec<f32> {
    let mean = residual.iter().sum::<f64>() / residual.len() as f64;
    let largest = residual
        .iter()
        .fold(0.0f64, |most, r| most.max((r - mean).abs()));
    let unit = if largest > 0.0 { largest } else { 1.0 };
    residual
        .iter()
        .map(|r| ((r - mean) / unit) as f32)
        .collect()
}
