//! A batch as a table.

use std::fmt::Write as _;

use super::draw::{Ink, Page, cut, faint, inert, number, pad};
use crate::report::Summary;

/// Columns of a sample's name and of its target.
const NAME: usize = 12;

/// The samples of a batch, a line each, as many as the page has rows.
pub fn summary(page: Page, summary: &Summary) -> String {
    let mut out = String::from("\n");
    let head = format!(
        "{} {:>3} {:>9} {:>9} {:>7} {:>10}  {}",
        pad("sample", NAME),
        "n",
        "v(∅)",
        "v(N)",
        "salient",
        "bottleneck",
        pad("target", NAME)
    );
    let _ = writeln!(out, "  {}  text", page.ink(Ink::Title, &head));
    for sample in summary.samples.iter().take(page.rows) {
        let target = sample
            .target
            .as_ref()
            .and_then(|target| target["text"].as_str());
        let name = |text: &str| pad(&cut(&inert(text), NAME), NAME);
        let room = page.width.saturating_sub(74).max(12);
        let _ = writeln!(
            out,
            "  {} {:>3} {:>9} {:>9} {:>7} {:>10}  {}  {}",
            name(&sample.id),
            sample.n,
            number(sample.v_empty),
            number(sample.v_full),
            sample.salient,
            sample.bottleneck_index.map_or("–".into(), number),
            name(target.unwrap_or_default()),
            cut(&inert(&sample.text), room)
        );
    }
    let left = summary.samples.len().saturating_sub(page.rows);
    if left > 0 {
        faint(page, &mut out, &format!("and {left} more"));
    }
    for group in &summary.by_players {
        if let Some(index) = group.bottleneck_index {
            let samples = match group.samples {
                1 => "1 sample".into(),
                count => format!("{count} samples"),
            };
            let line = format!(
                "{samples} with {} players: bottleneck index {}",
                group.n,
                number(index)
            );
            faint(page, &mut out, &line);
        }
    }
    for failed in &summary.failed {
        faint(
            page,
            &mut out,
            &inert(&format!("sample {} failed: {}", failed.id, failed.error)),
        );
    }
    out
}
