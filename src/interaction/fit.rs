//! How closely an explanation must follow v.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::game::ValueTable;
use crate::{Error, Result};

/// Of the range of v: noise below this is taken as this, so that the weight of residuals stays finite.
const LEAST_NOISE: f64 = 1e-6;

/// By how much each player multiplies the part of an exact fit's L1 norm that is noise (measured).
const NOISE_GROWTH: f64 = 2.2;

/// Of the range of v: how much noise in an exact fit is still called clean.
const TOLERATED_NOISE: f64 = 1e-3;

/// The conventions for how an explanation may differ from v.
///
/// Written and parsed as `auto`, `exact`, `least-squares`, `least-squares:0.02`, `box:0.04`,
/// `papers:lr=0.00001,iterations=10000,bound=0.04`, `half`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "kebab-case")]
pub enum Fit {
    /// [`Fit::LeastSquares`] at the noise of v where it is known and would pollute an exact fit, else [`Fit::Exact`];
    /// see [`and_or()`](super::and_or()) for the rule.
    #[default]
    Auto,
    /// Every v(T) is reproduced: min ‖a‖₁ + ‖o‖₁.
    Exact,
    /// min ‖a‖₁ + ‖o‖₁ + (μ/2)·‖residual‖₂² with μ set by the standard deviation of the noise of v.
    LeastSquares {
        /// The standard deviation of the noise of v, in the units of v; `None` takes
        /// [`AndOrOptions::noise`](super::AndOrOptions::noise).
        sigma: Option<f64>,
    },
    /// Every v(T) is reproduced within `share`·|v(N) − v(∅)|, and v(∅) exactly.
    Box {
        /// The share; published: 0.02 and 0.04.
        share: f64,
    },
    /// The published gradient rule, for comparison with published results: it stops wherever it stops.
    Papers(PublishedRule),
    /// v split half and half, without any search: where the published rule starts.
    Half,
}

/// Settings of the published gradient rule: subgradient steps with momentum 0.9 from the half-and-half split, the rate
/// falling one decade log-linearly over the run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedRule {
    /// The first learning rate; published: 1e-4 (tables), 1e-5 (images), 1e-6 (language models).
    pub rate: f64,
    /// Steps; published: 10,000 to 50,000.
    pub iterations: usize,
    /// Bound of the noise variable as a share of |v(N) − v(∅)|, 0 for none; published: 0.02, 0.04.
    pub bound: f64,
}

impl Default for PublishedRule {
    fn default() -> Self {
        Self {
            rate: 1e-5,
            iterations: 10_000,
            bound: 0.04,
        }
    }
}

impl Fit {
    /// [`Self::Auto`] decided, and the noise filled in.
    pub(crate) fn resolve(self, table: &ValueTable, noise: f64) -> Self {
        let range = range(table.values());
        let floor = |sigma: f64| Self::LeastSquares {
            sigma: Some(sigma.max(LEAST_NOISE * range).max(f64::MIN_POSITIVE)),
        };
        match self {
            Self::Auto if noise > 0.0 && range > 0.0 => floor(noise),
            Self::Auto => {
                let rounding = rounding(table.values());
                let amplified = rounding * NOISE_GROWTH.powi(table.players() as i32);
                if amplified > TOLERATED_NOISE * range {
                    floor(rounding)
                } else {
                    Self::Exact
                }
            }
            Self::LeastSquares { sigma } => floor(sigma.unwrap_or(noise)),
            decided => decided,
        }
    }

    /// Refuses parameters out of range.
    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |parameter, must, got: f64| {
            Err(Error::Parameter {
                parameter,
                must,
                got: got.to_string(),
            })
        };
        match *self {
            Self::LeastSquares { sigma: Some(sigma) } if !(sigma > 0.0 && sigma.is_finite()) => {
                refuse(
                    "the noise of a least-squares fit",
                    "a positive number",
                    sigma,
                )
            }
            Self::Box { share } if !(share >= 0.0 && share.is_finite()) => {
                refuse("the share of a box fit", "a number of at least 0", share)
            }
            Self::Papers(rule) if !(rule.rate > 0.0 && rule.rate.is_finite()) => refuse(
                "the rate of the published rule",
                "a positive number",
                rule.rate,
            ),
            Self::Papers(rule) if !(rule.bound >= 0.0 && rule.bound.is_finite()) => refuse(
                "the bound of the published rule",
                "a number of at least 0",
                rule.bound,
            ),
            _ => Ok(()),
        }
    }
}

/// The largest range of v whose sums over coalitions stay far from overflow.
const MOST_RANGE: f64 = 1e100;

/// Refuses tables whose range no sum can hold.
///
/// # Errors
/// [`Error::Input`] with the range.
pub(super) fn check_range(values: &[f64]) -> Result<()> {
    let range = range(values);
    if range.is_nan() || range > MOST_RANGE {
        return Err(Error::Input(format!(
            "v spans {range:e}; interactions are extracted up to a span of 1e100"
        )));
    }
    Ok(())
}

/// max v − min v.
pub(super) fn range(values: &[f64]) -> f64 {
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| {
            (value.min(low), value.max(high))
        });
    high - low
}

/// The standard deviation of the rounding in `values` where all of them are single-precision numbers that use most of their
/// digits, else 0: double rounding pollutes nothing on the exact path.
fn rounding(values: &[f64]) -> f64 {
    const HALF_PRECISION_TAIL: u64 = (1 << 40) - 1;
    let single = values.iter().all(|&value| f64::from(value as f32) == value);
    let long = values
        .iter()
        .any(|value| value.to_bits() & HALF_PRECISION_TAIL != 0);
    if single && long {
        let largest = values
            .iter()
            .fold(0.0f64, |max, value| max.max(value.abs()));
        largest * f64::from(f32::EPSILON) / 12f64.sqrt()
    } else {
        0.0
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Exact => f.write_str("exact"),
            Self::LeastSquares { sigma: None } => f.write_str("least-squares"),
            Self::LeastSquares { sigma: Some(sigma) } => write!(f, "least-squares:{sigma}"),
            Self::Box { share } => write!(f, "box:{share}"),
            Self::Papers(rule) => write!(
                f,
                "papers:lr={},iterations={},bound={}",
                rule.rate, rule.iterations, rule.bound
            ),
            Self::Half => f.write_str("half"),
        }
    }
}

impl FromStr for Fit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || Error::Parameter {
            parameter: "the fit",
            must: "auto, exact, least-squares[:SIGMA], box:SHARE, papers[:lr=…,iterations=…,bound=…] or half",
            got: format!("`{text}`"),
        };
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_| unknown());
        let (mode, parameter) = match text.split_once(':') {
            Some((mode, parameter)) => (mode, Some(parameter)),
            None => (text, None),
        };
        let fit = match (mode, parameter) {
            ("auto", None) => Self::Auto,
            ("exact", None) => Self::Exact,
            ("half", None) => Self::Half,
            ("least-squares", None) => Self::LeastSquares { sigma: None },
            ("least-squares", Some(sigma)) => Self::LeastSquares {
                sigma: Some(number(sigma)?),
            },
            ("box", Some(share)) => Self::Box {
                share: number(share)?,
            },
            ("papers", settings) => {
                let mut rule = PublishedRule::default();
                for setting in settings.into_iter().flat_map(|list| list.split(',')) {
                    match setting.split_once('=') {
                        Some(("lr", value)) => rule.rate = number(value)?,
                        Some(("iterations", value)) => {
                            rule.iterations = value.trim().parse().map_err(|_| unknown())?;
                        }
                        Some(("bound", value)) => rule.bound = number(value)?,
                        _ => return Err(unknown()),
                    }
                }
                Self::Papers(rule)
            }
            _ => return Err(unknown()),
        };
        fit.check()?;
        Ok(fit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_is_read_as_it_is_written() {
        for text in [
            "auto",
            "exact",
            "half",
            "least-squares",
            "least-squares:0.02",
            "box:0.04",
            "papers:lr=0.0001,iterations=50000,bound=0",
        ] {
            assert_eq!(text.parse::<Fit>().expect(text).to_string(), text);
        }
        assert_eq!(
            "papers".parse::<Fit>().expect("defaults"),
            Fit::Papers(PublishedRule::default())
        );
        for text in [
            "",
            "box",
            "box:-1",
            "exact:1",
            "papers:rate=1",
            "least-squares:0",
        ] {
            text.parse::<Fit>().expect_err(text);
        }
    }
}
