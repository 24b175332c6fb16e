//! From gradients to steps.

use std::fmt;
use std::str::FromStr;

use candle_core::Tensor;
use candle_core::backprop::GradStore;
use candle_nn::{AdamW, Optimizer as _, ParamsAdamW};

use super::net::TrainableNet;
use crate::{Error, Result};

/// Which steps; written and parsed as `sgd`, `sgd:MOMENTUM`, `adamw`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// v ← momentum · v + g + decay · w, w ← w − rate · v, as in PyTorch (published momentum: 0.9).
    Sgd {
        /// Share of the step before.
        momentum: f64,
    },
    /// Loshchilov and Hutter 2019, with β = 0.9 and 0.999, ε = 1e-8.
    AdamW,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sgd { momentum } => write!(f, "sgd:{momentum}"),
            Self::AdamW => f.write_str("adamw"),
        }
    }
}

impl FromStr for Rule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || Error::Parameter {
            parameter: "the optimizer",
            must: "sgd, sgd:MOMENTUM with a momentum from 0 to below 1, or adamw",
            got: format!("`{text}`"),
        };
        match text.split_once(':') {
            None if text == "sgd" => Ok(Self::Sgd { momentum: 0.9 }),
            None if text == "adamw" => Ok(Self::AdamW),
            Some(("sgd", momentum)) => match momentum.parse() {
                Ok(momentum) if (0.0..1.0).contains(&momentum) => Ok(Self::Sgd { momentum }),
                _ => Err(unknown()),
            },
            _ => Err(unknown()),
        }
    }
}

/// How the rate goes from the first to the last step; written and parsed as `constant:0.1`, `log-linear:0.01:0.001`,
/// `cosine:0.1:0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// Always the same.
    Constant(f64),
    /// By the same factor at every step (published: 0.01 to 0.001).
    LogLinear(f64, f64),
    /// Along half a cosine.
    Cosine(f64, f64),
}

impl Schedule {
    /// The rate of step `step` of `steps`.
    pub fn at(self, step: usize, steps: usize) -> f64 {
        let share = step as f64 / steps.saturating_sub(1).max(1) as f64;
        match self {
            Self::Constant(rate) => rate,
            Self::LogLinear(first, last) => first * (last / first).powf(share),
            Self::Cosine(first, last) => {
                last + 0.5 * (first - last) * (1.0 + (std::f64::consts::PI * share).cos())
            }
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(rate) => write!(f, "constant:{rate}"),
            Self::LogLinear(first, last) => write!(f, "log-linear:{first}:{last}"),
            Self::Cosine(first, last) => write!(f, "cosine:{first}:{last}"),
        }
    }
}

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || Error::Parameter {
            parameter: "the rate",
            must: "constant:RATE, log-linear:FIRST:LAST or cosine:FIRST:LAST, with rates above 0 (cosine may end at 0)",
            got: format!("`{text}`"),
        };
        let words: Vec<&str> = text.split(':').collect();
        let number = |text: &str, least: f64| match text.parse::<f64>() {
            Ok(number) if number >= least && number.is_finite() => Ok(number),
            _ => Err(unknown()),
        };
        let least = f64::MIN_POSITIVE;
        Ok(match words.as_slice() {
            ["constant", rate] => Self::Constant(number(rate, least)?),
            ["log-linear", first, last] => {
                Self::LogLinear(number(first, least)?, number(last, least)?)
            }
            ["cosine", first, last] => Self::Cosine(number(first, least)?, number(last, 0.0)?),
            _ => return Err(unknown()),
        })
    }
}

/// A rule with what it remembers.
pub(super) enum Stepper {
    Sgd {
        momentum: f64,
        decay: f64,
        /// v of each variable, once there was a step.
        velocity: Vec<Option<Tensor>>,
    },
    AdamW(AdamW),
}

impl Stepper {
    pub(super) fn new(rule: Rule, decay: f64, net: &TrainableNet) -> Result<Self> {
        Ok(match rule {
            Rule::Sgd { momentum } => Self::Sgd {
                momentum,
                decay,
                velocity: net.variables().map(|_| None).collect(),
            },
            Rule::AdamW => {
                let parameters = ParamsAdamW {
                    weight_decay: decay,
                    ..ParamsAdamW::default()
                };
                Self::AdamW(AdamW::new(net.variables().cloned().collect(), parameters)?)
            }
        })
    }

    pub(super) fn step(
        &mut self,
        net: &TrainableNet,
        gradients: &GradStore,
        rate: f64,
    ) -> Result<()> {
        match self {
            Self::AdamW(rule) => {
                rule.set_learning_rate(rate);
                rule.step(gradients)?;
            }
            Self::Sgd {
                momentum,
                decay,
                velocity,
            } => {
                for (variable, velocity) in net.variables().zip(velocity) {
                    let Some(gradient) = gradients.get(variable) else {
                        continue;
                    };
                    // Detached, or every step would keep the graph of those before it.
                    let weight = variable.as_detached_tensor();
                    let mut step = (gradient.detach() + (&weight * *decay)?)?;
                    if let Some(before) = velocity {
                        step = (step + (&*before * *momentum)?)?;
                    }
                    variable.set(&(weight - (&step * rate)?)?)?;
                    *velocity = Some(step);
                }
            }
        }
        Ok(())
    }
}
