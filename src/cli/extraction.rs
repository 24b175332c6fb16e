//! From a value table to its interactions and their files: what `profile`, `extract` and `order` share.

use std::path::Path;

use harsanyi::ValueTable;
use harsanyi::interaction::joint::{Joint, JointOptions, joint_observed};
use harsanyi::interaction::{AndOr, AndOrOptions, Progress, and_or_observed, graph, refit};
use harsanyi::report::{
    InteractionReport, RefitReport, SparsityReport, folder, write_interactions,
};
use indicatif::ProgressBar;

use super::args::{ExtractionArgs, ListingArgs};
use super::output::Output;

/// Shared coalitions that the graph draws at the most.
const MERGES: usize = 20;

fn options(args: &ExtractionArgs, noise: f64) -> AndOrOptions {
    AndOrOptions {
        fit: args.fit,
        noise,
        gap: args.gap,
        ..AndOrOptions::default()
    }
}

fn show(bar: &ProgressBar, progress: Progress) {
    let gap = (progress.objective - progress.lower_bound) / progress.objective;
    bar.set_message(format!(
        "iteration {}, gap {:.1e}",
        progress.iteration,
        gap.abs()
    ));
}

/// AND and OR interactions of `table`, whose values have noise of standard deviation `noise`.
pub(crate) fn explain(
    table: &ValueTable,
    args: &ExtractionArgs,
    noise: f64,
    output: &Output,
) -> anyhow::Result<AndOr> {
    let bar = output.spinner("extracting");
    let found = and_or_observed(table, &options(args, noise), |progress| {
        show(&bar, progress)
    })?;
    bar.finish_and_clear();
    output.detail(&format!(
        "{} iterations to a gap of {:.1e}",
        found.iterations(),
        found.gap()
    ));
    Ok(found)
}

/// Interactions of several tables, found together.
pub(crate) fn explain_together(
    tables: &[ValueTable],
    args: &ExtractionArgs,
    alpha: f64,
    noise: f64,
    output: &Output,
) -> anyhow::Result<Joint> {
    let bar = output.spinner("extracting");
    let each = options(args, noise);
    let options = JointOptions {
        own_share: alpha,
        each,
        ..JointOptions::default()
    };
    let found = joint_observed(tables, &options, |progress| show(&bar, progress))?;
    bar.finish_and_clear();
    Ok(found)
}

/// The document of `found`, with a refit where that was asked, and what the noise of v hides marked.
pub(crate) fn report(
    table: &ValueTable,
    found: &AndOr,
    labels: &[String],
    noise: f64,
    args: &ListingArgs,
    output: &Output,
) -> anyhow::Result<InteractionReport> {
    let mut report = InteractionReport::new(found, labels, args.threshold);
    if args.refit {
        report.refit = Some(refitted(table, found, labels, args)?);
    }
    let report = report.with_noise(noise, table.players());
    let hidden = report.noise.as_ref().map_or(0, |noise| noise.salient_below);
    if hidden > 0 {
        output.say(&format!(
            "warning: {hidden} of {} salient interactions lie under the noise floor of v; --dtype f32 rounds least, and a higher --threshold lists less",
            report.salient.count
        ));
    }
    Ok(report)
}

/// The salient interactions, their effects fitted anew.
pub(crate) fn refitted(
    table: &ValueTable,
    found: &AndOr,
    labels: &[String],
    args: &ListingArgs,
) -> anyhow::Result<RefitReport> {
    let refitted = refit(table, &found.salient(args.threshold))?;
    Ok(RefitReport::new(&refitted, labels))
}

/// Writes the interactions of one table and their graph.
pub(crate) fn write(
    dir: &Path,
    found: &AndOr,
    report: &InteractionReport,
    labels: &[String],
    args: &ListingArgs,
) -> anyhow::Result<()> {
    write_interactions(&dir.join("interactions.parquet"), found)?;
    folder::write_compact_json(&dir.join("interactions.json"), report)?;
    let graph = graph::graph(&found.salient(args.threshold), MERGES);
    folder::write_json(&dir.join("graph.json"), &graph)?;
    let dot = graph.to_dot(labels);
    folder::write(&dir.join("graph.dot"), |file| {
        file.write_all(dot.as_bytes())
    })?;
    Ok(())
}

/// Writes how sparse the interactions of one table are.
pub(crate) fn write_sparsity(
    dir: &Path,
    table: &ValueTable,
    found: &AndOr,
    args: &ListingArgs,
) -> anyhow::Result<()> {
    let report = SparsityReport::new(table, found, args.threshold)?;
    Ok(folder::write_json(&dir.join("sparsity.json"), &report)?)
}
