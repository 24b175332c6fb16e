//! The published gradient rule, to compare results that were made with it.

use super::sparsify::reduce::{zip2, zip3, zip4};
use super::{AndOr, Fit, PublishedRule};
use crate::game::ValueTable;
use crate::transform::butterfly;

/// What is left of a step in the next one.
const MOMENTUM: f64 = 0.9;

/// Minimises Σ_S |I_and(S)| + |I_or(S)|, ∅ included, over v_and = (v + q)/2 + p and v_or = (v + q)/2 − p by subgradient
/// steps from p = q = 0, with |q(T)| ≤ bound·|v(N) − v(∅)| clamped at the start of every step. The last iterate is the
/// answer, whatever came before; nothing is proven about it.
///
/// # Cost
/// Four butterflies a step; the published code multiplies by dense 2^n × 2^n matrices, 4^n a product, to the same effect.
///
/// # Source
/// The settings and the order of operations of `interaction-concept` (Li and Zhang 2023), re-derived from its formulas.
pub(super) fn published_rule(table: &ValueTable, rule: PublishedRule) -> AndOr {
    let len = table.values().len();
    let bound = rule.bound * table.span().abs();
    let (mut p, mut q) = (vec![0.0; len], vec![0.0; len]);
    let (mut p_step, mut q_step) = (vec![0.0; len], vec![0.0; len]);
    let (mut and, mut or) = (vec![0.0; len], vec![0.0; len]);
    for iteration in 0..rule.iterations {
        let progress = iteration as f64 / rule.iterations.max(2).saturating_sub(1) as f64;
        let rate = rule.rate * 0.1f64.powf(progress);
        q.iter_mut()
            .for_each(|q: &mut f64| *q = q.clamp(-bound, bound));
        effects(table.values(), &p, &q, &mut and, &mut or);
        // Gradients with respect to v_and and v_or: the transposed transforms of the signs.
        signs(&mut and);
        signs(&mut or);
        let constant = std::mem::take(&mut or[0]);
        or[1..].iter_mut().for_each(|sign| *sign = -*sign);
        rayon::join(
            || butterfly(&mut and, |without, with| (without - with, with)),
            || {
                butterfly(&mut or, |without, with| (without - with, with));
                or.reverse();
                or[0] += constant;
            },
        );
        zip3(&mut p_step, &and, &or, |step, and, or| {
            *step = MOMENTUM * *step + (and - or);
        });
        zip2(&mut p, &p_step, |p, step| *p -= rate * step);
        if bound > 0.0 {
            zip3(&mut q_step, &and, &or, |step, and, or| {
                *step = MOMENTUM * *step + 0.5 * (and + or);
            });
            zip2(&mut q, &q_step, |q, step| *q -= rate * step);
        }
    }
    effects(table.values(), &p, &q, &mut and, &mut or);
    let empty = and[0] + or[0];
    let mut split = AndOr::new(table, empty, and, or, Fit::Papers(rule));
    split.objective = split.l1();
    split.iterations = rule.iterations;
    split
}

/// I_and of (v + q)/2 + p and I_or of (v + q)/2 − p, the constants v_and(∅) and v_or(∅) at 0.
fn effects(v: &[f64], p: &[f64], q: &[f64], and: &mut [f64], or: &mut [f64]) {
    zip4(and, v, p, q, |and, v, p, q| *and = 0.5 * (v + q) + p);
    zip4(or, v, p, q, |or, v, p, q| *or = 0.5 * (v + q) - p);
    let constant = or[0];
    or.reverse();
    rayon::join(
        || butterfly(and, |without, with| (without, with - without)),
        || butterfly(or, |without, with| (without, with - without)),
    );
    or.iter_mut().for_each(|effect| *effect = -*effect);
    or[0] = constant;
}

fn signs(effects: &mut [f64]) {
    for effect in effects {
        *effect = if *effect == 0.0 { 0.0 } else { effect.signum() };
    }
}
