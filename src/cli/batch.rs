//! Many samples: a folder each, and a summary over all.

use std::collections::BTreeMap;
use std::path::Path;

use harsanyi::game::Shard;
use harsanyi::input::RawSample;
use harsanyi::report::{
    FailedSample, PlayersSummary, Profile, SCHEMA, SampleSummary, Summary, folder, text,
};
use serde_json::Value;

use super::args::{GlobalArgs, KeepArgs, ProfileArgs, SampleArgs};
use super::interrupt::Interrupted;
use super::keep::Keep;
use super::network::Network;
use super::output::Output;
use super::report;
use super::run::{self, Source};

/// Which samples of a data set are whose, and whether those that are done stay.
pub(crate) struct Selection {
    samples: Vec<RawSample>,
    shard: Shard,
    resume: bool,
    /// Whether other processes have shares.
    shared: bool,
}

impl Selection {
    pub(crate) fn new(
        network: &Network,
        data: &Path,
        sample: &SampleArgs,
        args: &KeepArgs,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            samples: network.samples(data, sample.limit)?,
            shard: args.shard.unwrap_or(Shard::WHOLE),
            // Whoever does a share may find samples that are done.
            resume: args.resume || args.shard.is_some(),
            shared: args.shard.is_some(),
        })
    }

    /// Where the values of the sample in `dir` are kept. Processes share samples out, not the tables of one.
    pub(crate) fn keep(&self, dir: Option<&Path>) -> Keep {
        let args = KeepArgs {
            resume: self.resume,
            shard: None,
        };
        let keep = Keep::within(dir, &args);
        match self.shared {
            true => keep.in_company(),
            false => keep,
        }
    }

    /// How many samples that are others' to do are not done in `dir`.
    fn left_to_others(&self, dir: &Path) -> usize {
        let done = |sample: &RawSample| {
            let dir = dir.join("samples").join(&sample.id);
            // The last file that `profile` writes anew.
            dir.join("indices.json").exists() && !dir.join("store").exists()
        };
        let others = self
            .samples
            .iter()
            .enumerate()
            .filter(|(at, _)| !self.shard.owns(*at));
        others.filter(|(_, sample)| !done(sample)).count()
    }
}

/// Calls `one` on every sample that is this process's to do, says what fails and goes on; where nothing is kept on disk it ends
/// when nobody reads any more.
///
/// # Errors
/// [`Interrupted`], when somebody asked to stop.
pub(crate) fn each(
    selection: &Selection,
    keeps: bool,
    output: &Output,
    mut one: impl FnMut(&RawSample, &Output) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<FailedSample>> {
    let own = selection.samples.iter().enumerate();
    let own: Vec<&RawSample> = own
        .filter(|(at, _)| selection.shard.owns(*at))
        .map(|(_, sample)| sample)
        .collect();
    let bar = output.bar("samples", own.len() as u64);
    let output = &output.under(&bar);
    let mut failed = Vec::new();
    for sample in own {
        match one(sample, output) {
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => {
                let causes = text::inert(&format!("{error:#}"));
                output.say(&format!("sample {}: {causes}", sample.id));
                failed.push(FailedSample {
                    id: sample.id.clone(),
                    error: causes,
                });
            }
            Ok(()) => {}
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
    config: &Value,
    output: &Output,
) -> anyhow::Result<()> {
    let ProfileArgs {
        sample,
        extraction,
        listing,
        keep,
    } = args;
    let mut selection = Selection::new(network, data, sample, keep)?;
    let dir = global.folder()?;
    if keep.resume && keep.shard.is_none() {
        dir.into_iter().for_each(report::sweep);
    }
    let (mut samples, mut by_players) = (Vec::new(), BTreeMap::new());
    let mut over = |selection: &Selection, silent: bool| {
        samples.clear();
        by_players.clear();
        each(selection, dir.is_some(), output, |raw, output| {
            let dir = dir.map(|dir| dir.join("samples").join(&raw.id));
            if let Some(dir) = &dir {
                output.interrupt.create(dir)?;
            }
            let source = Source::Sample(network, raw);
            let keep = selection.keep(dir.as_deref());
            let Some(evaluated) = run::evaluate(source, sample, global, config, &keep, output)?
            else {
                return Ok(());
            };
            let profile = run::profile(evaluated, extraction, listing, dir.as_deref(), output)?;
            if !silent {
                output.result(&profile, || page(output, &profile, listing.rows))?;
            }
            if let Some(pairs) = &profile.orders.multi_order {
                let strengths: &mut Vec<Vec<f64>> = by_players.entry(profile.record.n).or_default();
                strengths.push(pairs.mean_abs.clone());
            }
            samples.push(SampleSummary::new(&raw.id, raw.label.clone(), &profile));
            Ok(())
        })
    };
    let mut failed = over(&selection, false)?;
    if let (Some(dir), true) = (dir, selection.shard != Shard::WHOLE) {
        let (left, shard) = (selection.left_to_others(dir), selection.shard);
        if left > 0 {
            output.say(&format!(
                "share {shard} is done; {left} samples are left to others, the last of whom writes the summary"
            ));
            anyhow::ensure!(failed.is_empty(), "{} samples failed", failed.len());
            return Ok(());
        }
        // Everything is there: once more over all, for the summary.
        selection.shard = Shard::WHOLE;
        failed = over(&selection, true)?;
    }
    let (done, broken) = (samples.len(), failed.len());
    if let Some(dir) = dir {
        let by_players = by_players
            .into_iter()
            .map(|(n, samples)| PlayersSummary::new(n, &samples))
            .collect();
        let summary = Summary {
            schema: SCHEMA,
            program: concat!("harsanyi ", env!("CARGO_PKG_VERSION")).into(),
            config: config.clone(),
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
