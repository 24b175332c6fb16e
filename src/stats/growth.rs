//! How v grows with the size of the coalition, and whether it grows slowly enough for sparse interactions to be expected.

use std::fmt;

use crate::game::ValueTable;

/// Mean output per coalition size, and the two conditions under which few interactions can be proved to suffice.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    /// ū(m) = E_{|S|=m} [v(S) − v(∅)] for m = 0, …, n.
    pub mean_output: Vec<f64>,
    /// Whether ū never falls as m rises.
    pub monotone: bool,
    /// The exponent p of [`exponent`], or why there is none.
    pub exponent: Result<f64, NoExponent>,
}

impl Growth {
    /// Whether ū is monotone and has an exponent. If not, the theory promises no sparsity; a parity game is the example.
    pub fn conditions_hold(&self) -> bool {
        self.monotone && self.exponent.is_ok()
    }
}

/// Why a game has no growth exponent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoExponent {
    /// There is no coalition of two players to compare with a single one.
    SinglePlayer,
    /// ū(m) is not above zero, so that it has no logarithm.
    NotPositive {
        /// m.
        size: usize,
        /// ū(m).
        mean_output: f64,
    },
}

/// What is undefined and why, as a sentence without its full stop.
impl fmt::Display for NoExponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SinglePlayer => f.write_str("a single player has no growth to measure"),
            Self::NotPositive { size, mean_output } => write!(
                f,
                "the mean output over coalitions of size {size} is {mean_output}, not above zero"
            ),
        }
    }
}

/// Measures how v grows.
///
/// # Cost
/// One pass over the table.
///
/// # Source
/// Ren, Gao, Shen and Zhang 2024, *Where we have arrived in proving the emergence of sparse interaction primitives in DNNs*,
/// assumptions 2 and 3.
///
/// # Example
/// ```
/// use harsanyi::{game::synthetic, stats::growth::growth, tabulate};
/// let square = growth(&tabulate(&mut synthetic::parse("and(0) + and(1) + and(0,1)*2")?, |_| ())?);
/// assert_eq!(square.mean_output, [0.0, 1.0, 4.0]);
/// assert_eq!(square.exponent, Ok(2.0));
/// let parity = growth(&tabulate(&mut synthetic::parse("parity(0,1)")?, |_| ())?);
/// assert_eq!(
///     parity.exponent.unwrap_err().to_string(),
///     "the mean output over coalitions of size 2 is 0, not above zero"
/// );
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn growth(table: &ValueTable) -> Growth {
    let mean_output = mean_output(table);
    // What summing 2^n values in f64 can move a mean.
    let slack = 1e-12 * mean_output.iter().fold(0.0f64, |max, u| max.max(u.abs()));
    Growth {
        monotone: mean_output.windows(2).all(|u| u[1] >= u[0] - slack),
        exponent: exponent(&mean_output),
        mean_output,
    }
}

/// ū(m) = E_{|S|=m} [v(S) − v(∅)] for m = 0, …, n, in the units of v.
///
/// # Cost
/// One pass over the table.
pub fn mean_output(table: &ValueTable) -> Vec<f64> {
    let mut sums = vec![0.0; table.players() + 1];
    let mut counts = vec![0u32; table.players() + 1];
    for (s, value) in table.values().iter().enumerate() {
        let size = s.count_ones() as usize;
        sums[size] += value - table.empty();
        counts[size] += 1;
    }
    sums.iter()
        .zip(counts)
        .map(|(sum, count)| sum / f64::from(count))
        .collect()
}

/// The least p with ū(m) ≤ m^p ū(1) for all m: p = max_{m≥2} log(ū(m)/ū(1)) / log m.
///
/// # Errors
/// [`NoExponent`] when there is no m ≥ 2, or some ū(m) with m ≥ 1 has no logarithm.
pub fn exponent(mean_output: &[f64]) -> Result<f64, NoExponent> {
    if mean_output.len() < 3 {
        return Err(NoExponent::SinglePlayer);
    }
    for (size, &mean_output) in mean_output.iter().enumerate().skip(1) {
        if mean_output <= 0.0 {
            return Err(NoExponent::NotPositive { size, mean_output });
        }
    }
    Ok((2..mean_output.len())
        .map(|m| (mean_output[m].ln() - mean_output[1].ln()) / (m as f64).ln())
        .fold(f64::NEG_INFINITY, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{game::synthetic, tabulate};

    fn of(game: &str) -> Growth {
        growth(&tabulate(&mut synthetic::parse(game).expect("a game"), |_| ()).expect("a table"))
    }

    #[test]
    fn a_game_without_growth_says_why() {
        assert_eq!(of("and(0)").exponent, Err(NoExponent::SinglePlayer));
        let falling = of("-or(0,1,2)");
        assert!(!falling.monotone && !falling.conditions_hold());
        assert_eq!(
            falling.exponent.expect_err("undefined").to_string(),
            "the mean output over coalitions of size 1 is -1, not above zero"
        );
        // Monotone, but nothing happens before all are present.
        let late = of("and(0,1,2)");
        assert!(late.monotone && !late.conditions_hold());
    }

    #[test]
    fn an_additive_game_grows_linearly() {
        let additive = of("and(0) + and(1)*3 + and(2)*0.5 - 7");
        assert!(additive.conditions_hold());
        assert!((additive.exponent.expect("defined") - 1.0).abs() < 1e-12);
    }
}
