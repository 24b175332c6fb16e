//! How few interactions carry how much, and how few the theory of sparse interactions promises.

use std::fmt;

use super::growth::{Growth, NoExponent, growth};
use crate::game::ValueTable;
use crate::interaction::{AndOr, Threshold};
use crate::transform::Dividends;

/// The thresholds under which papers count salient interactions, by the convention's name.
pub const PUBLISHED_THRESHOLDS: [Threshold; 4] = [
    Threshold::Max(0.05),
    Threshold::Max(0.1),
    Threshold::Span(0.03),
    Threshold::Span(0.02),
];

/// |I(S)| / max |I(S)| over all AND and OR interactions, strongest first: 2·(2^n − 1) numbers, the curve that falls fast where
/// few interactions matter. All zero where there is no interaction.
///
/// # Cost
/// A sort of 2·2^n numbers.
///
/// # Source
/// Li and Zhang 2023, *Does a neural network really encode symbolic concepts?*, figure of the sparsity of interactions.
pub fn strength_curve(split: &AndOr) -> Vec<f64> {
    let strongest = split.strongest();
    let scale = if strongest > 0.0 {
        1.0 / strongest
    } else {
        0.0
    };
    let mut curve: Vec<f64> = split.and()[1..]
        .iter()
        .chain(&split.or()[1..])
        .map(|effect| effect.abs() * scale)
        .collect();
    curve.sort_by(|a, b| b.total_cmp(a));
    curve
}

/// How many interactions are salient under each of [`PUBLISHED_THRESHOLDS`].
pub fn salient_counts(split: &AndOr) -> Vec<(Threshold, usize)> {
    PUBLISHED_THRESHOLDS
        .into_iter()
        .map(|threshold| (threshold, split.salient(threshold).len()))
        .collect()
}

/// The interactions of one order, and how many of them the theorem allows to be salient.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderSparsity {
    /// k.
    pub order: usize,
    /// A(k) = Σ_{|S|=k} I(S).
    pub sum: f64,
    /// η(k) = Σ_{|S|=k} I(S) / Σ_{|S|=k} |I(S)|: how much effects of one order agree in sign; `None` where all are zero.
    pub agreement: Option<f64>,
    /// R(k), the number of S of order k with |I(S)| ≥ τ.
    pub salient: usize,
    /// The bound on R(k), or why there is none.
    pub bound: Result<f64, NoBound>,
}

/// Why the theorem promises nothing about an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoBound {
    /// v has no growth exponent.
    NoExponent(NoExponent),
    /// ū is not monotone.
    NotMonotone,
    /// All interactions of the order are zero, or cancel exactly.
    NoAgreement,
    /// τ is 0: every interaction is salient.
    NoThreshold,
}

/// What is missing, as a sentence without its full stop.
impl fmt::Display for NoBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoExponent(reason) => reason.fmt(f),
            Self::NotMonotone => f.write_str("the mean output falls as coalitions grow"),
            Self::NoAgreement => {
                f.write_str("the interactions of this order are zero or cancel each other exactly")
            }
            Self::NoThreshold => {
                f.write_str("the threshold is zero, so that everything is salient")
            }
        }
    }
}

/// The sparsity of the AND interactions of a game, order by order.
#[derive(Clone, Debug, PartialEq)]
pub struct Sparsity {
    /// How v grows with the coalition: ū(m), the monotone flag, the exponent p.
    pub growth: Growth,
    /// τ, in the units of v.
    pub threshold: f64,
    /// Orders 1 to n.
    pub orders: Vec<OrderSparsity>,
}

impl Sparsity {
    /// ΣR(k), the salient interactions of all orders.
    pub fn salient(&self) -> usize {
        self.orders.iter().map(|order| order.salient).sum()
    }

    /// The sum of the bounds of all orders, those without a salient interaction that have none left out.
    ///
    /// # Errors
    /// The reason of the first order that has salient interactions but no bound.
    pub fn bound(&self) -> Result<f64, NoBound> {
        let mut total = 0.0;
        for order in &self.orders {
            match order.bound {
                Ok(bound) => total += bound,
                Err(NoBound::NoAgreement) if order.salient == 0 => {}
                Err(reason) => return Err(reason),
            }
        }
        Ok(total)
    }
}

/// Measures the sparsity of the dividends of `table`: salient are those with |I(S)| ≥ τ = `fraction`·max |I(S)|, ∅ aside.
///
/// The theorem: if interactions above some order vanish, ū is monotone and ū(m′) ≥ (m′/m)^p·ū(m) for m′ ≤ m, then
/// R(k) ≤ |A(k)| / (τ·|η(k)|), with A(k) = (λ(k)·n^{p+δ} + lower powers of n)·ū(1). Since A(k) is known here, the bound is
/// evaluated at A(k) itself instead of at its expansion in powers of n, which only restates it.
///
/// # Cost
/// One pass over the dividends and one over the table.
///
/// # Source
/// Ren, Gao, Shen and Zhang 2024, *Where we have arrived in proving the emergence of sparse interaction primitives in DNNs*,
/// theorems 2 and 3.
///
/// # Example
/// ```
/// use harsanyi::{game::synthetic, stats::sparsity::sparsity, tabulate, transform::mobius};
/// let table = tabulate(&mut synthetic::parse("and(0) + and(1) + and(0,1)*2")?, |_| ())?;
/// let found = sparsity(&table, &mobius(&table), 0.05);
/// assert_eq!(found.salient(), 3);
/// assert!(found.bound().is_ok_and(|bound| bound >= 3.0));
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn sparsity(table: &ValueTable, dividends: &Dividends, fraction: f64) -> Sparsity {
    let growth = growth(table);
    let effects = dividends.values();
    let strongest = effects[1..]
        .iter()
        .fold(0.0f64, |max, effect| max.max(effect.abs()));
    let threshold = fraction * strongest;
    let players = dividends.players();
    let (mut sums, mut strengths) = (vec![0.0; players + 1], vec![0.0; players + 1]);
    let mut salient = vec![0usize; players + 1];
    for (s, effect) in effects.iter().enumerate().skip(1) {
        let order = s.count_ones() as usize;
        sums[order] += effect;
        strengths[order] += effect.abs();
        salient[order] += usize::from(effect.abs() >= threshold && *effect != 0.0);
    }
    let condition = match &growth.exponent {
        Err(reason) => Err(NoBound::NoExponent(*reason)),
        Ok(_) if !growth.monotone => Err(NoBound::NotMonotone),
        Ok(_) if threshold == 0.0 => Err(NoBound::NoThreshold),
        Ok(_) => Ok(()),
    };
    let orders = (1..=players)
        .map(|order| {
            // What rounding leaves of effects that cancel is no agreement.
            let noise = 1e-12 * strongest * (1u64 << players) as f64;
            let agreement = (strengths[order] > noise).then(|| sums[order] / strengths[order]);
            let bound = condition.and_then(|()| match agreement {
                Some(agreement) if sums[order].abs() > noise => {
                    Ok(sums[order].abs() / (threshold * agreement.abs()))
                }
                _ => Err(NoBound::NoAgreement),
            });
            OrderSparsity {
                order,
                sum: sums[order],
                agreement,
                salient: salient[order],
                bound,
            }
        })
        .collect();
    Sparsity {
        growth,
        threshold,
        orders,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{game::synthetic, tabulate, transform::mobius};

    fn of(game: &str) -> Sparsity {
        let table =
            tabulate(&mut synthetic::parse(game).expect("a game"), |_| ()).expect("a table");
        sparsity(&table, &mobius(&table), 0.05)
    }

    #[test]
    fn parity_promises_nothing_and_is_dense() {
        let parity = of("parity(0,1,2,3,4)");
        assert!(!parity.growth.conditions_hold());
        assert_eq!(parity.salient(), 31);
        let reason = parity.bound().expect_err("undefined").to_string();
        assert_eq!(
            reason,
            "the mean output over coalitions of size 2 is 0, not above zero"
        );
    }

    #[test]
    fn a_bound_is_never_below_the_count() {
        for game in [
            "and(0,1,2) + and(0,1) + and(1,2) + and(1) + and(2)",
            "or(0,1,2) + and(0)*0.3",
        ] {
            let found = of(game);
            for order in &found.orders {
                if let Ok(bound) = order.bound {
                    assert!(
                        bound >= order.salient as f64 * (1.0 - 1e-12),
                        "{game}, order {}",
                        order.order
                    );
                }
            }
        }
    }
}
