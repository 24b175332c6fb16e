//! The weights of the indices: w(s, t) of a dividend a(T) in the index of S ⊆ T, and q(s, t) of v(T∪S) − v(T) in the
//! generalised value of S.

use super::Index;

/// lcm of the denominators of all Bernoulli numbers up to B(24): by von Staudt and Clausen the product of the primes p with
/// p − 1 ≤ 24 that divide one of them.
const DENOMINATOR: i128 = 2 * 3 * 5 * 7 * 11 * 13 * 17 * 19 * 23;

impl Index {
    /// w(s, t) for t = 0, …, n of an interaction index up to `order` (0 for t < s).
    ///
    /// # Panics
    /// For the kinds that are no interaction indices, save the two values of players.
    pub(super) fn weights(self, s: usize, order: usize, players: usize) -> Vec<f64> {
        let bernoulli = match self {
            Self::AggregatedShapley => bernoulli(order),
            _ => Vec::new(),
        };
        let weight = |t: usize| match self {
            _ if t < s => 0.0,
            Self::ShapleyValue | Self::ShapleyInteraction => 1.0 / (t - s + 1) as f64,
            Self::BanzhafValue | Self::BanzhafInteraction => 0.5f64.powi((t - s) as i32),
            Self::ChainingInteraction => s as f64 / t.max(1) as f64,
            Self::ShapleyTaylor if s == order => 1.0 / binomial(t, s),
            Self::ShapleyTaylor => f64::from(u8::from(s == t)),
            Self::CoMobius => 1.0,
            Self::AggregatedShapley => aggregated(s, t, order, &bernoulli),
            Self::FaithfulShapley => faithful_shapley(s, t, order),
            Self::FaithfulBanzhaf => faithful_banzhaf(s, t, order),
            Self::AdditiveShapley => (s..=order.min(t))
                .map(|m| {
                    binomial(t - s, m - s) / (m - s + 1) as f64 * faithful_shapley(m, t, order)
                })
                .sum(),
            _ => unreachable!("{self} is no weighted sum of dividends of supersets"),
        };
        (0..=players).map(weight).collect()
    }

    /// Where w(s, t) = x(s)·y(t) for every order: (x, y), each for 0 to n.
    pub(super) fn product(self, players: usize) -> Option<(Vec<f64>, Vec<f64>)> {
        let of = |each: fn(usize) -> f64| (0..=players).map(each).collect();
        match self {
            Self::BanzhafInteraction => {
                Some((of(|s| 2f64.powi(s as i32)), of(|t| 0.5f64.powi(t as i32))))
            }
            Self::ChainingInteraction => Some((of(|s| s as f64), of(|t| 1.0 / t.max(1) as f64))),
            Self::CoMobius => Some((of(|_| 1.0), of(|_| 1.0))),
            _ => None,
        }
    }

    /// Whether the index is the dividend itself for coalitions of this size.
    pub(super) fn is_dividend(self, size: usize, order: usize) -> bool {
        self == Self::ShapleyTaylor && size < order
    }

    /// q(s, t) for t = 0, …, n−s of a value of players or a generalised value; they sum to 1 over all T, save for the joint
    /// Shapley value.
    ///
    /// # Panics
    /// For the kinds that are neither.
    pub(super) fn shares(self, s: usize, order: usize, players: usize) -> Vec<f64> {
        let n = players;
        let share = |t: usize| match self {
            Self::ShapleyValue | Self::ShapleyGeneralized => {
                1.0 / ((n - s + 1) as f64 * binomial(n - s, t))
            }
            Self::BanzhafValue | Self::BanzhafGeneralized => 0.5f64.powi((n - s) as i32),
            Self::ChainingGeneralized => s as f64 / ((s + t) as f64 * binomial(n, s + t)),
            _ => unreachable!("{self} is no weighted sum of contributions"),
        };
        match self {
            Self::JointShapley => joint(n, order),
            _ => (0..=n - s).map(share).collect(),
        }
    }
}

/// C(n, k) for n up to 50 or so, where every product on the way is a whole number below 2^53.
pub(crate) fn binomial(n: usize, k: usize) -> f64 {
    if k > n {
        return 0.0;
    }
    (0..k.min(n - k)).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64)
}

/// C(n, k) for n up to 25, exactly.
fn whole_binomial(n: usize, k: usize) -> i128 {
    (0..k.min(n - k)).fold(1, |product, i| product * (n - i) as i128 / (i + 1) as i128)
}

/// B(0), …, B(order), each times [`DENOMINATOR`]: Σ_{j≤m} C(m+1, j) B(j) = 0 for m ≥ 1.
fn bernoulli(order: usize) -> Vec<i128> {
    let mut numbers = vec![DENOMINATOR];
    for m in 1..=order {
        let sum: i128 = (0..m).map(|j| whole_binomial(m + 1, j) * numbers[j]).sum();
        numbers.push(-sum / (m + 1) as i128);
    }
    numbers
}

/// Σ_{j≤min(k,t)−s} C(t−s, j) B(j)/(t−s−j+1), which is Σ_j C(t−s+1, j) B(j) / (t−s+1): k-SII of SII of a dividend.
///
/// Summed in whole numbers, because the terms alternate and grow.
fn aggregated(s: usize, t: usize, order: usize, bernoulli: &[i128]) -> f64 {
    let m = t - s + 1;
    let sum: i128 = (0..=order.min(t) - s)
        .map(|j| whole_binomial(m, j) * bernoulli[j])
        .sum();
    sum as f64 / DENOMINATOR as f64 / m as f64
}

/// 1 for s = t, 0 for s < t ≤ k, and (−1)^{k−s} s/(k+s) C(k,s) C(t−1,k)/C(t+k−1,k+s) for t > k.
fn faithful_shapley(s: usize, t: usize, order: usize) -> f64 {
    if t <= order {
        return f64::from(u8::from(s == t));
    }
    let share = s as f64 / (order + s) as f64 * binomial(order, s);
    sign(order - s) * share * (binomial(t - 1, order) / binomial(t + order - 1, order + s))
}

/// 1 for s = t, 0 for s < t ≤ k, and (−1)^{k−s} 2^{s−t} C(t−s−1, k−s) for t > k.
fn faithful_banzhaf(s: usize, t: usize, order: usize) -> f64 {
    if t <= order {
        return f64::from(u8::from(s == t));
    }
    sign(order - s) * 0.5f64.powi((t - s) as i32) * binomial(t - s - 1, order - s)
}

fn sign(exponent: usize) -> f64 {
    if exponent.is_multiple_of(2) {
        1.0
    } else {
        -1.0
    }
}

/// q(t) of the joint Shapley value of order k, which knows no s:
/// q(0) = 1/Σ_{1≤j≤k} C(n,j), q(t) = Σ_{max(t−k,0)≤j<t} C(t,j) q(j) / Σ_{1≤j≤min(k,n−t)} C(n−t,j).
fn joint(players: usize, order: usize) -> Vec<f64> {
    let joining =
        |others: usize| -> f64 { (1..=order.min(others)).map(|j| binomial(others, j)).sum() };
    let mut shares = vec![1.0 / joining(players)];
    for t in 1..players {
        let sum: f64 = (t.saturating_sub(order)..t)
            .map(|j| binomial(t, j) * shares[j])
            .sum();
        shares.push(sum / joining(players - t));
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bernoulli_numbers_are_the_known_ones() {
        let numbers = bernoulli(24);
        let known = [
            (0, 1, 1),
            (1, -1, 2),
            (2, 1, 6),
            (3, 0, 1),
            (4, -1, 30),
            (12, -691, 2730),
            (22, 854_513, 138),
            (24, -236_364_091, 2730),
        ];
        for (m, numerator, denominator) in known {
            assert_eq!(numbers[m] * denominator, numerator * DENOMINATOR, "B({m})");
        }
    }

    #[test]
    fn aggregation_to_the_full_order_gives_back_dividends() {
        for t in 1..=24 {
            for s in 1..=t {
                let weight = aggregated(s, t, 24, &bernoulli(24));
                assert_eq!(weight, f64::from(u8::from(s == t)), "w({s}, {t})");
            }
        }
    }

    #[test]
    fn binomials_are_exact_up_to_fifty() {
        let mut row = vec![1u64];
        for n in 1..=50usize {
            row = (0..=n)
                .map(|k| {
                    let before = |k: usize| row.get(k).copied().unwrap_or(0);
                    before(k) + k.checked_sub(1).map_or(0, before)
                })
                .collect();
            for (k, exact) in row.iter().enumerate() {
                assert_eq!(binomial(n, k), *exact as f64, "C({n}, {k})");
            }
        }
        assert_eq!(binomial(3, 4), 0.0);
    }
}
