//! Tables beside each other.

use std::fmt::Write as _;

use super::draw::{Ink, Page, cut, faint, heading, inert, number, pad};
use crate::report::{AgreementEntry, CompareReport, OverlapEntry};

/// What each table is, and what each pair has in common.
pub fn compare(page: Page, report: &CompareReport) -> String {
    let mut out = String::new();
    let note = format!(
        "{} players; salient by {}",
        report.players, report.threshold
    );
    heading(page, &mut out, "Tables", &note);
    let _ = writeln!(
        out,
        "  {}",
        page.ink(
            Ink::Faint,
            "          v(∅)        v(N)  salient  mean order  strength  unexplained"
        )
    );
    for (place, table) in report.tables.iter().enumerate() {
        let order = table.mean_order.map_or("–".into(), number);
        let _ = writeln!(
            out,
            "  {place:>2}  {:>10}  {:>10}  {:>7}  {order:>10}  {:>8}  {:>9} %",
            number(table.v_empty),
            number(table.v_full),
            table.salient,
            number(table.l1),
            number(100.0 * table.unexplained),
        );
        let room = page.width.saturating_sub(6);
        let _ = writeln!(
            out,
            "      {}",
            page.ink(Ink::Faint, &cut(&inert(&table.source), room))
        );
    }
    let what = "unexplained: the share of Σ(v − v(∅))² that the salient interactions leave over; strength: Σ|effect|";
    faint(page, &mut out, what);
    for pair in &report.pairs {
        let [a, b] = pair.tables;
        heading(
            page,
            &mut out,
            &format!("{a} and {b}"),
            "correlation, root mean square and largest difference",
        );
        for (what, of) in [
            ("values", &pair.values),
            ("Shapley values", &pair.shapley),
            ("AND effects", &pair.and),
            ("OR effects", &pair.or),
        ] {
            let _ = writeln!(out, "  {}  {}", pad(what, 16), line(of));
        }
        let sets = &pair.salient;
        let _ = writeln!(
            out,
            "  salient interactions: {} and {}, {} in both ({} by chance), Jaccard index {}",
            sets.counts[0],
            sets.counts[1],
            sets.shared,
            number(sets.chance),
            number(sets.jaccard)
        );
        shares(&mut out, &pair.strongest, "both");
        for (from, to, left) in [(a, b, &pair.transfer[0]), (b, a, &pair.transfer[1])] {
            let _ = writeln!(
                out,
                "  what is salient in {from} leaves {} % of {to} unexplained, refitted {} %",
                number(100.0 * left.as_they_are),
                number(100.0 * left.refitted)
            );
        }
    }
    if !report.all.is_empty() {
        heading(
            page,
            &mut out,
            "All",
            "interactions among the strongest of every table",
        );
        shares(&mut out, &report.all, "all");
    }
    out
}

fn line(of: &AgreementEntry) -> String {
    let correlation = of.correlation.map_or("–".into(), number);
    format!(
        "{correlation:>9}  {:>9}  {:>9}",
        number(of.rms),
        number(of.max)
    )
}

fn shares(out: &mut String, overlaps: &[OverlapEntry], who: &str) {
    for overlap in overlaps {
        let _ = writeln!(
            out,
            "  of the {:>2} strongest {:<3} {who} share {:>2} ({} by chance)",
            overlap.count,
            overlap.kind.to_string(),
            overlap.shared,
            number(overlap.chance * overlap.count as f64)
        );
    }
}
