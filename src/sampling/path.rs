//! Aumann-Shapley values of games that serve gradients: what each input contributes along the straight way from one point to
//! another.
//!
//! This is for callers of the library that hold a differentiable F, such as an indicator of many agents' shares: the
//! program's games answer for coalitions only and serve no gradient, so that no command offers it. The Shapley values of such a
//! game are the same path through its multilinear extension, and [`estimate`](super::estimate()) has cheaper ways to them.

use crate::{Error, Result};

/// A differentiable function F of n inputs, such as the share with which each player takes part.
pub trait Differentiable {
    /// n, the number of inputs.
    fn inputs(&self) -> usize;

    /// F at a point.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    fn value(&mut self, at: &[f64]) -> Result<f64>;

    /// ∂F/∂xᵢ at a point, for every input.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    fn gradient(&mut self, at: &[f64]) -> Result<Vec<f64>>;
}

/// Aumann-Shapley values, and how well they are known.
#[derive(Clone, Debug, PartialEq)]
pub struct PathValues {
    /// One number for each input, in the units of F.
    pub values: Vec<f64>,
    /// The largest difference of any of them from those of a rule of half as many nodes: a bound on the error in practice.
    pub error: f64,
    /// F(to) − F(from) − Σ values, which is 0 where the integral is exact.
    pub residual: f64,
    /// Gradients that were asked for.
    pub gradients: usize,
}

/// φᵢ = (toᵢ − fromᵢ) ∫₀¹ ∂F/∂xᵢ(from + t·(to − from)) dt, by Gauss-Legendre quadrature.
///
/// With the multilinear extension of a set game, from nobody (0, …, 0) to everybody (1, …, 1), these are the Shapley values;
/// `nodes` ≥ n/2 make them exact there, as a rule of k nodes is for every polynomial of degree 2k − 1.
///
/// # Cost
/// About 3/2·`nodes` gradients and 2 values.
///
/// # Errors
/// [`Error::Parameter`] when `nodes` is below 2 or a point has the wrong length, [`Error::Input`] for answers of the wrong length or
/// not finite, and errors of the function's own.
///
/// # Source
/// Aumann and Shapley 1974; on the diagonal of the multilinear extension Owen 1972.
pub fn aumann_shapley(
    function: &mut dyn Differentiable,
    from: &[f64],
    to: &[f64],
    nodes: usize,
) -> Result<PathValues> {
    let inputs = function.inputs();
    let refuse = |parameter, must, got: String| Error::Parameter {
        parameter,
        must,
        got,
    };
    if nodes < 2 {
        return Err(refuse(
            "the nodes of a path",
            "at least 2",
            nodes.to_string(),
        ));
    }
    for point in [from, to] {
        if point.len() != inputs {
            let got = format!("{} numbers for {inputs} inputs", point.len());
            return Err(refuse("an end of a path", "a number for each input", got));
        }
    }
    let coarse_nodes = nodes / 2;
    let coarse = integral(function, from, to, coarse_nodes)?;
    let values = integral(function, from, to, nodes)?;
    let mut ends = [0.0; 2];
    for (end, at) in ends.iter_mut().zip([from, to]) {
        *end = function.value(at)?;
        if !end.is_finite() {
            return Err(Error::Input(format!(
                "the function is {end} at an end of the path; it must be finite"
            )));
        }
    }
    let differences = values.iter().zip(&coarse).map(|(a, b)| (a - b).abs());
    Ok(PathValues {
        error: differences.fold(0.0, f64::max),
        residual: ends[1] - ends[0] - values.iter().sum::<f64>(),
        values,
        gradients: nodes + coarse_nodes,
    })
}

fn integral(
    function: &mut dyn Differentiable,
    from: &[f64],
    to: &[f64],
    nodes: usize,
) -> Result<Vec<f64>> {
    let mut sums = vec![0.0; from.len()];
    for (node, weight) in gauss_legendre(nodes) {
        let ends = from.iter().zip(to);
        let at: Vec<f64> = ends.map(|(from, to)| from + node * (to - from)).collect();
        let gradient = function.gradient(&at)?;
        if gradient.len() != sums.len() || gradient.iter().any(|slope| !slope.is_finite()) {
            return Err(Error::Input(format!(
                "the gradient at {node:.3} of the path must be {} finite numbers",
                sums.len()
            )));
        }
        for (sum, slope) in sums.iter_mut().zip(gradient) {
            *sum += weight * slope;
        }
    }
    let ends = from.iter().zip(to);
    Ok(sums
        .iter()
        .zip(ends)
        .map(|(mean, (from, to))| (to - from) * mean)
        .collect())
}

/// Nodes and weights of the Gauss-Legendre rule on [0, 1]: the roots of the Legendre polynomial by Newton's method.
fn gauss_legendre(nodes: usize) -> Vec<(f64, f64)> {
    let n = nodes as f64;
    // P(x) and P′(x) of degree n by the three-term recurrence.
    let legendre = |x: f64| {
        let (mut before, mut now) = (1.0, x);
        for k in 2..=nodes {
            let k = k as f64;
            (before, now) = (now, ((2.0 * k - 1.0) * x * now - (k - 1.0) * before) / k);
        }
        (now, n * (x * now - before) / (x * x - 1.0))
    };
    (1..=nodes)
        .map(|i| {
            let mut x = -(std::f64::consts::PI * (i as f64 - 0.25) / (n + 0.5)).cos();
            for _ in 0..20 {
                let (value, slope) = legendre(x);
                x -= value / slope;
            }
            let (_, slope) = legendre(x);
            (0.5 * (1.0 + x), 1.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_k_nodes_is_exact_for_powers_up_to_2k_minus_1() {
        for nodes in 1..=40 {
            let rule = gauss_legendre(nodes);
            assert!(rule.iter().all(|(x, w)| *x > 0.0 && *x < 1.0 && *w > 0.0));
            for power in 0..2 * nodes as i32 {
                let sum: f64 = rule.iter().map(|(x, w)| w * x.powi(power)).sum();
                assert!((sum - 1.0 / f64::from(power + 1)).abs() < 1e-13);
            }
        }
    }
}
