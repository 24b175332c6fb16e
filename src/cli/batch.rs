//! Many samples: a folder each, and a summary over all.

use std::collections::BTreeMap;
use std::path::Path;

use harsanyi::input::RawSample;
use harsanyi::report::{
    FailedSample, PlayersSummary, Profile, SCHEMA, SampleSummary, Summary, folder, text,
};

use super::args::{GlobalArgs, ProfileArgs};
use super::network::Network;
use super::output::Output;
use super::report;
use super::run::{self, Source};

/// Calls `one` on each of `samples`, says what fails and goes on; where nothing is kept on disk it ends when nobody
/// reads any more.
///
/// # Errors
/// At the end, when a sample failed.
pub(crate) fn each(
    samples: &[RawSample],
    keeps: bool,
    output: &Output,
    mut one: impl FnMut(&RawSample, &Output) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<FailedSample>> {
    let bar = output.bar("samples", samples.len() as u64);
    let output = &output.under(&bar);
    let mut failed = Vec::new();
    for sample in samples {
        if let Err(error) = one(sample, output) {
            let causes = text::inert(&format!("{error:#}"));
            output.say(&format!("sample {}: {causes}", sample.id));
            failed.push(FailedSample {
                id: sample.id.clone(),
                error: causes,
            });
        }
        bar.inc(1);
        if output.is_closed() && !keeps {
            break;
        }
    }
    bar.finish_and_clear();
    Ok(failed)
}

/// Profiles every sample of a data set: a page or a line of JSON each on stdout, a folder each and the summary on disk.
pub(crate) fn profile(
    data: &Path,
    network: &Network,
    args: &ProfileArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<()> {
    let ProfileArgs {
        sample,
        extraction,
        listing,
    } = args;
    let config = run::config(sample, Some((extraction, listing)), global);
    let mut samples = Vec::new();
    let mut by_players: BTreeMap<usize, Vec<Vec<f64>>> = BTreeMap::new();
    let dir = global.folder()?;
    dir.map(folder::create).transpose()?;
    let all = network.samples(data, sample.limit)?;
    let failed = each(&all, dir.is_some(), output, |raw, output| {
        let dir = dir.map(|dir| dir.join("samples").join(&raw.id));
        dir.as_deref().map(folder::create).transpose()?;
        let source = Source::Sample(network, raw);
        let evaluated = run::evaluate(source, sample, global, &config, output)?;
        let profile = run::profile(evaluated, extraction, listing, dir.as_deref(), output)?;
        output.result(&profile, || page(output, &profile, listing.rows))?;
        if let Some(pairs) = &profile.orders.multi_order {
            by_players
                .entry(profile.record.n)
                .or_default()
                .push(pairs.mean_abs.clone());
        }
        samples.push(SampleSummary::new(&raw.id, raw.label.clone(), &profile));
        Ok(())
    })?;
    let (done, broken) = (samples.len(), failed.len());
    if let Some(dir) = dir {
        let by_players = by_players
            .into_iter()
            .map(|(n, samples)| PlayersSummary::new(n, &samples))
            .collect();
        let summary = Summary {
            schema: SCHEMA,
            program: concat!("harsanyi ", env!("CARGO_PKG_VERSION")).into(),
            config,
            samples,
            failed,
            by_players,
        };
        folder::write_json(&dir.join("summary.json"), &summary)?;
        report::write_batch(dir, &summary)?;
    }
    if broken > 0 {
        anyhow::bail!(
            "{broken} of {} samples failed; the others are done",
            done + broken
        );
    }
    Ok(())
}

/// The page of one sample.
pub(crate) fn page(output: &Output, profile: &Profile, rows: usize) -> String {
    let page = text::Page {
        rows,
        ..output.page
    };
    text::profile(
        page,
        &profile.record,
        &profile.interactions,
        &profile.orders,
        &profile.indices,
    )
}
