//! Logits → v.

use std::fmt;
use std::str::FromStr;

use crate::ops::log_sum_exp;
use crate::{Error, Result};

/// How the logits z of one row become a number about the target y.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readout {
    /// log p_y/(1−p_y) = z_y − log Σ_{c≠y} exp z_c, in nats.
    #[default]
    LogOdds,
    /// z_y
    Logit,
    /// log p_y = z_y − log Σ_c exp z_c, in nats.
    LogProb,
    /// p_y
    Prob,
    /// z_y − max_{c≠y} z_c
    Margin,
}

impl FromStr for Readout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "log-odds" => Ok(Self::LogOdds),
            "logit" => Ok(Self::Logit),
            "log-prob" => Ok(Self::LogProb),
            "prob" => Ok(Self::Prob),
            "margin" => Ok(Self::Margin),
            _ => Err("expected log-odds, logit, log-prob, prob or margin".into()),
        }
    }
}

impl fmt::Display for Readout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LogOdds => "log-odds",
            Self::Logit => "logit",
            Self::LogProb => "log-prob",
            Self::Prob => "prob",
            Self::Margin => "margin",
        })
    }
}

impl Readout {
    /// v of one row of logits, NaN where one of them is not finite. Sums run in f64, and the log-odds never pass through a softmax, whose 1 − p loses the tail.
    ///
    /// # Panics
    /// If `target` is no place in the row.
    pub fn value(self, logits: &[f32], target: usize) -> f64 {
        let own = f64::from(logits[target]);
        let others = [&logits[..target], &logits[target + 1..]];
        let odds = || own - log_sum_exp(others);
        match self {
            // Sums are NaN of themselves.
            Self::LogOdds | Self::LogProb | Self::Prob if !own.is_finite() => f64::NAN,
            Self::Logit | Self::Margin if !logits.iter().all(|z| z.is_finite()) => f64::NAN,
            Self::Logit => own,
            Self::LogOdds => odds(),
            // ln p = −ln(1 + e^−odds)
            Self::LogProb => -softplus(-odds()),
            Self::Prob => (-softplus(-odds())).exp(),
            Self::Margin => {
                let others = others.into_iter().flatten().copied();
                own - f64::from(others.fold(f32::NEG_INFINITY, f32::max))
            }
        }
    }

    /// Refuses to compare the only one of `outputs` outputs with others.
    ///
    /// # Errors
    /// [`Error::Input`], naming the readout that works.
    pub fn check(self, outputs: usize) -> Result<()> {
        match outputs > 1 || self == Self::Logit {
            true => Ok(()),
            false => Err(Error::Input(format!(
                "the readout `{self}` compares outputs, and this network has one; use `logit`"
            ))),
        }
    }
}

/// ln(1 + e^x)
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readouts_equal_their_formulas() {
        let z = [0.3f32, -1.2, 2.5, 0.9];
        let p = f64::from(z[2]).exp() / z.iter().map(|&z| f64::from(z).exp()).sum::<f64>();
        let close = |readout: Readout, expected: f64| {
            let got = readout.value(&z, 2);
            assert!(
                (got - expected).abs() < 1e-12,
                "{readout}: {got} instead of {expected}"
            );
        };
        close(Readout::LogOdds, (p / (1.0 - p)).ln());
        close(Readout::LogProb, p.ln());
        close(Readout::Prob, p);
        close(Readout::Logit, 2.5);
        close(Readout::Margin, 2.5 - f64::from(0.9f32));
    }

    #[test]
    fn log_odds_keep_their_tail() {
        assert!((Readout::LogOdds.value(&[60.0, 0.0], 0) - 60.0).abs() < 1e-12);
        for readout in [
            Readout::LogOdds,
            Readout::Logit,
            Readout::LogProb,
            Readout::Prob,
            Readout::Margin,
        ] {
            assert!(readout.value(&[1.0, f32::NAN, 0.0], 0).is_nan());
            assert!(readout.value(&[1.0, 0.0, f32::INFINITY], 0).is_nan());
        }
    }
}
