//! Which interactions are salient.

use std::fmt;
use std::str::FromStr;

use super::{AndOr, Interaction, Interactions, Kind};
use crate::{Coalition, Error, Result};

/// The conventions for "salient"; papers differ, so a count is only a number together with its convention.
///
/// Written and parsed as `max:0.05`, `span:0.03`, `abs:0.5`, `top:20`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// |I(S)| above this fraction of the strongest interaction (0.05 in most papers, 0.1 in some).
    Max(f64),
    /// |I(S)| above this fraction of |v(N) − v(∅)| (0.03 and 0.02 in the papers on dynamics).
    Span(f64),
    /// |I(S)| above this number, in the units of v.
    Abs(f64),
    /// The K strongest.
    Top(usize),
}

/// `max:0.05`, the convention of most papers.
impl Default for Threshold {
    fn default() -> Self {
        Self::Max(0.05)
    }
}

/// A bare fraction is one of the strongest interaction.
impl From<f64> for Threshold {
    fn from(fraction: f64) -> Self {
        Self::Max(fraction)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max(fraction) => write!(f, "max:{fraction}"),
            Self::Span(fraction) => write!(f, "span:{fraction}"),
            Self::Abs(bound) => write!(f, "abs:{bound}"),
            Self::Top(count) => write!(f, "top:{count}"),
        }
    }
}

impl FromStr for Threshold {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || Error::Parameter {
            parameter: "the threshold",
            must: "max:FRACTION, span:FRACTION, abs:X or top:K, none of them negative",
            got: format!("`{text}`"),
        };
        let number = |text: &str| match text.parse::<f64>() {
            Ok(number) if number >= 0.0 && number.is_finite() => Ok(number),
            _ => Err(unknown()),
        };
        let (convention, value) = text.split_once(':').ok_or_else(unknown)?;
        Ok(match convention {
            "max" => Self::Max(number(value)?),
            "span" => Self::Span(number(value)?),
            "abs" => Self::Abs(number(value)?),
            "top" => Self::Top(value.parse().map_err(|_| unknown())?),
            _ => return Err(unknown()),
        })
    }
}

impl AndOr {
    /// The interactions of order 1 and more that `threshold` calls salient, strongest first; effects that are exactly zero
    /// never are.
    ///
    /// # Cost
    /// One pass over 2·2^n effects and a sort of what is kept.
    pub fn salient(&self, threshold: impl Into<Threshold>) -> Interactions {
        let (bound, count) = match threshold.into() {
            Threshold::Max(fraction) => (fraction * self.strongest(), usize::MAX),
            Threshold::Span(fraction) => (fraction * self.span().abs(), usize::MAX),
            Threshold::Abs(bound) => (bound, usize::MAX),
            Threshold::Top(count) => (0.0, count),
        };
        interactions(self.and(), self.or(), bound).strongest(count)
    }

    /// max |I(S)| over both kinds, orders 1 and more.
    pub fn strongest(&self) -> f64 {
        self.and()[1..]
            .iter()
            .chain(&self.or()[1..])
            .fold(0.0, |max, effect| effect.abs().max(max))
    }
}

/// The effects above `bound` as a list; the constants at 0 are none.
pub(super) fn interactions(and: &[f64], or: &[f64], bound: f64) -> Interactions {
    let above = |kind, effects: &[f64]| -> Vec<Interaction> {
        effects
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(_, effect)| effect.abs() > bound)
            .map(|(index, &effect)| Interaction {
                kind,
                players: Coalition::from_index(index as u64),
                effect,
            })
            .collect()
    };
    Interactions::new([above(Kind::And, and), above(Kind::Or, or)].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_read_as_it_is_written() {
        for text in ["max:0.05", "span:0.03", "abs:0.5", "top:20"] {
            assert_eq!(text.parse::<Threshold>().expect(text).to_string(), text);
        }
        for text in ["", "max", "max:-1", "top:1.5", "min:3", "abs:nan"] {
            text.parse::<Threshold>().expect_err(text);
        }
    }
}
