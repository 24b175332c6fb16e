//! The bottleneck: middle context sizes carry the weakest interactions of pairs, and theory says with which shape.
//!
//! In comes a curve of strengths J^(m), m = 0, …, n−2; out go the depth of its trough ([`bottleneck_index`]) and the theory
//! curve closest to it ([`fit`]).

/// What [`bottleneck_index`] is, for reports.
pub const INDEX_DEFINITION: &str =
    "the least J(m) over 0 < m < n-2, divided by the mean of J(0) and J(n-2)";

/// Fitted n′ at or below which the theory does not describe the curve: the end of the range of the fit.
pub const LEAST_EFFECTIVE: f64 = 2.01;

/// The depth of the trough: 1 or more where there is none, near 0 where middle context sizes carry nothing.
///
/// min_{0<m<n−2} J^(m) / ((J^(0) + J^(n−2)) / 2)
///
/// `None` for fewer than 4 players, which leave no middle, and when both ends are zero.
///
/// # Example
/// ```
/// use harsanyi::stats::bottleneck::bottleneck_index;
/// assert_eq!(bottleneck_index(&[2.0, 0.5, 0.25, 0.75, 1.0]), Some(0.25 / 1.5));
/// assert_eq!(bottleneck_index(&[1.0, 1.0]), None);
/// ```
pub fn bottleneck_index(strengths: &[f64]) -> Option<f64> {
    let [first, middle @ .., last] = strengths else {
        return None;
    };
    let ends = 0.5 * (first + last);
    let least = middle.iter().copied().reduce(f64::min)?;
    (ends > 0.0).then(|| least / ends)
}

/// The strength with which a network learns interactions at relative context sizes x = m/(n−2), for an effective number of
/// players n′ ≥ 2.
///
/// F(x) ∝ (n′−m′−1) / (n′(n′−1) √C(n′−2, m′)),  m′ = x·(n′−2)
///
/// divided by its value at x = 0, so that F(0) = 1 and F(1) = 1/(n′−1). The binomial of a real n′ is taken through the gamma
/// function.
///
/// # Panics
/// If n′ is below 2 or a position outside [0, 1].
///
/// # Source
/// Deng, Ren, Zhang and Zhang 2022, *Discovering and explaining the representation bottleneck of DNNs*, theorem 1.
pub fn theory_curve(effective_players: f64, positions: &[f64]) -> Vec<f64> {
    assert!(effective_players >= 2.0, "no pair in {effective_players}");
    let others = effective_players - 2.0;
    positions
        .iter()
        .map(|x| {
            assert!((0.0..=1.0).contains(x), "{x} is no relative context size");
            let m = x * others;
            let ln_binomial =
                ln_gamma(others + 1.0) - ln_gamma(m + 1.0) - ln_gamma(others - m + 1.0);
            (others + 1.0 - m) / (others + 1.0) * (-0.5 * ln_binomial).exp()
        })
        .collect()
}

/// The theory curve that comes closest to a measured one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// n′, the effective number of players: from 2 (a straight line) to n.
    pub effective_players: f64,
    /// Root mean square over m of the difference, where both curves have mean 1.
    pub residual: f64,
}

/// Fits n′, the one free parameter of [`theory_curve`], to J^(m) at m = 0, …, n−2 by least squares.
///
/// Both curves are divided by their mean over m first, as J^(m) is by definition. The search takes the best of 512 steps in
/// log(n′−1) over [2, n] and refines it by golden section, so that it is deterministic and does not stop in a local minimum
/// wider than a step. An n′ at either end of the range means that the theory does not describe the curve.
///
/// `None` for fewer than 4 players or a curve without positive mean.
///
/// # Cost
/// Some 600 evaluations of the curve.
pub fn fit(strengths: &[f64]) -> Option<Fit> {
    let others = strengths.len().saturating_sub(1).max(1) as f64;
    let positions: Vec<f64> = (0..strengths.len()).map(|m| m as f64 / others).collect();
    fit_at(strengths.len() + 1, &positions, strengths)
}

/// [`fit()`] to a curve known only at some relative context sizes m/(n−2), for n′ up to `players`; both curves are divided by
/// their mean over these.
///
/// `None` for fewer than 4 players, fewer than 3 positions or a curve without positive mean.
///
/// # Panics
/// If there is not one strength for each position, or a position lies outside [0, 1].
pub fn fit_at(players: usize, positions: &[f64], strengths: &[f64]) -> Option<Fit> {
    const STEPS: usize = 512;
    assert_eq!(
        positions.len(),
        strengths.len(),
        "a strength for each position"
    );
    let mean = strengths.iter().sum::<f64>() / strengths.len() as f64;
    if players < 4 || positions.len() < 3 || mean.is_nan() || mean <= 0.0 {
        return None;
    }
    let residual = |log: f64| {
        let curve = theory_curve((1.0 + log.exp()).max(2.0), positions);
        let curve_mean = curve.iter().sum::<f64>() / curve.len() as f64;
        let squares = curve
            .iter()
            .zip(strengths)
            .map(|(f, j)| (f / curve_mean - j / mean).powi(2))
            .sum::<f64>();
        (squares / curve.len() as f64).sqrt()
    };
    let end = ((players - 1) as f64).ln();
    let step = end / STEPS as f64;
    let best = (0..=STEPS)
        .map(|at| at as f64 * step)
        .min_by(|a, b| residual(*a).total_cmp(&residual(*b)))?;
    let log = golden_section((best - step).max(0.0), (best + step).min(end), residual);
    // The refinement never reaches the ends of its interval; the grid does.
    let log = if residual(log) < residual(best) {
        log
    } else {
        best
    };
    Some(Fit {
        effective_players: 1.0 + log.exp(),
        residual: residual(log),
    })
}

/// The minimum of a function with a single one between `low` and `high`, to about 1e-9 of their distance.
fn golden_section(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    for _ in 0..44 {
        let third = ratio * (high - low);
        if f(high - third) < f(low + third) {
            high = low + third;
        } else {
            low = high - third;
        }
    }
    0.5 * (low + high)
}

/// ln Γ(x) for x ≥ 1: raised above 12 by Γ(x+1) = x Γ(x), then Stirling's series (error below 1e-14).
fn ln_gamma(mut x: f64) -> f64 {
    let mut product = 1.0;
    while x < 12.0 {
        product *= x;
        x += 1.0;
    }
    let square = x * x;
    let series = (1.0 / 12.0
        - (1.0 / 360.0
            - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / (1188.0 * square)) / square) / square)
            / square)
        / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(players: usize) -> Vec<f64> {
        (0..players - 1)
            .map(|m| m as f64 / (players - 2) as f64)
            .collect()
    }

    #[test]
    fn the_gamma_function_knows_its_factorials_and_halves() {
        let mut factorial = 1.0;
        for k in 1..=30 {
            let exact = f64::ln(factorial);
            assert!((ln_gamma(f64::from(k)) - exact).abs() <= 1e-14 * exact.max(2.0));
            factorial *= f64::from(k);
        }
        assert!((ln_gamma(1.5) - (std::f64::consts::PI.sqrt() / 2.0).ln()).abs() < 1e-14);
    }

    #[test]
    fn a_theory_curve_is_recognised() {
        for (players, effective) in [(10, 7.3), (12, 12.0), (16, 2.5), (9, 2.0), (256, 14.2)] {
            let found = fit(&theory_curve(effective, &positions(players))).expect("a fit");
            assert!((found.effective_players - effective).abs() < 1e-6);
            assert!(found.residual < 1e-8);
        }
    }

    #[test]
    fn a_curve_without_a_bottleneck_fits_badly_and_says_so() {
        let hill: Vec<f64> = positions(10).iter().map(|x| x * (1.0 - x)).collect();
        assert!(fit(&hill).expect("a fit").residual > 0.3);
        assert!(bottleneck_index(&[0.1, 1.0, 0.1]) > Some(1.0));
    }

    #[test]
    fn too_few_players_or_no_strength_have_no_fit() {
        assert_eq!(fit(&[1.0, 1.0]), None);
        assert_eq!(fit(&[0.0; 8]), None);
        assert_eq!(fit(&[]), None);
        assert_eq!(bottleneck_index(&[0.0, 1.0, 0.0]), None);
        assert_eq!(bottleneck_index(&[1.0]), None);
    }
}
