//! The order profile as a small chart.

use std::fmt::Write as _;

use super::draw::{Ink, Page, bar, faint, heading, number, pad};
use crate::report::OrderReport;
use crate::stats::bottleneck::LEAST_EFFECTIVE;

/// Strength per order, and J by context size.
pub fn order_profile(page: Page, orders: &OrderReport) -> String {
    let mut out = String::new();
    heading(
        page,
        &mut out,
        "Strength by order",
        "sum of effects that raise v | that lower v, AND and OR together",
    );
    let sums = |and: &[f64], or: &[f64]| {
        and.iter()
            .zip(or)
            .map(|(a, b)| (a + b).abs())
            .collect::<Vec<_>>()
    };
    let raise = sums(&orders.strength.and.positive, &orders.strength.or.positive);
    let lower = sums(&orders.strength.and.negative, &orders.strength.or.negative);
    let most = raise
        .iter()
        .chain(&lower)
        .copied()
        .fold(0.0, f64::max)
        .max(f64::MIN_POSITIVE);
    for order in 1..raise.len() {
        let (up, down) = (bar(raise[order] / most, 16), bar(lower[order] / most, 16));
        let _ = writeln!(
            out,
            "  {order:>3}  {:>9} {} {:>9} {}",
            number(raise[order]),
            page.ink(Ink::Raises, &pad(&up, 16)),
            number(lower[order]),
            page.ink(Ink::Lowers, &down)
        );
    }
    let Some((sizes, relative)) = orders
        .multi_order
        .as_ref()
        .and_then(|m| Some((&m.context_size, m.relative.as_ref()?)))
    else {
        return out;
    };
    let note = "how strongly pairs interact beside m other players, mean 1";
    heading(page, &mut out, "Order strength J(m)", note);
    let most = relative.iter().copied().fold(0.0, f64::max);
    for (m, strength) in sizes.iter().zip(relative) {
        let _ = writeln!(
            out,
            "  {m:>3}  {:>9} {}",
            number(*strength),
            bar(strength / most, 32)
        );
    }
    if let Some(index) = orders.bottleneck.index {
        let fitted = orders.bottleneck.fitted_n;
        let fitted = fitted.filter(|&n| n > LEAST_EFFECTIVE);
        let fitted = fitted.map_or("; the theory curve does not describe it".into(), |n| {
            format!("; the theory curve fits best with n' = {}", number(n))
        });
        let line = format!(
            "bottleneck index {} (least J of the middle over the mean of the ends){fitted}",
            number(index)
        );
        faint(page, &mut out, &line);
    }
    out
}
