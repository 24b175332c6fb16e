//! Many samples: a folder each, and a summary over all.

use std::collections::BTreeMap;
use std::path::Path;

use harsanyi::input::RawSample;
use harsanyi::interaction::order::relative_strength;
use harsanyi::report::{SCHEMA, folder, text};
use harsanyi::stats::bottleneck::bottleneck_index;
use serde::Serialize;
use serde_json::{Value, json};

use super::args::{GlobalArgs, ProfileArgs};
use super::network::Network;
use super::output::Output;
use super::run::{self, Profile, Source};

/// `summary.json`
#[derive(Serialize)]
struct Summary {
    schema: u32,
    program: &'static str,
    config: Value,
    /// A line per sample that was evaluated.
    samples: Vec<Value>,
    /// Samples that could not be, each with its reason.
    failed: Vec<Value>,
    /// Means over the samples with the same number of players; others cannot be averaged order by order.
    by_players: Vec<Value>,
}

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
) -> anyhow::Result<Vec<Value>> {
    let bar = output.bar("samples", samples.len() as u64);
    let output = &output.under(&bar);
    let mut failed = Vec::new();
    for sample in samples {
        if let Err(error) = one(sample, output) {
            let causes = text::inert(&format!("{error:#}"));
            output.say(&format!("sample {}: {causes}", sample.id));
            failed.push(json!({ "id": sample.id, "error": causes }));
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
        samples.push(line(raw, &profile));
        Ok(())
    })?;
    let (done, broken) = (samples.len(), failed.len());
    if let Some(dir) = dir {
        let by_players = by_players
            .into_iter()
            .map(|(n, samples)| average(n, &samples))
            .collect();
        let program = concat!("harsanyi ", env!("CARGO_PKG_VERSION"));
        let summary = Summary {
            schema: SCHEMA,
            program,
            config,
            samples,
            failed,
            by_players,
        };
        folder::write_json(&dir.join("summary.json"), &summary)?;
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

fn line(sample: &RawSample, profile: &Profile) -> Value {
    let Profile {
        record,
        interactions,
        orders,
        ..
    } = profile;
    json!({
        "id": sample.id,
        "text": sample.name,
        "label": sample.label,
        "n": record.n,
        "target": record.target,
        "v_empty": record.v_empty,
        "v_full": record.v_full,
        "salient": interactions.salient.count,
        "l1": interactions.l1,
        "gap": interactions.gap,
        "monotone": orders.monotone,
        "p": orders.p,
        "bottleneck_index": orders.bottleneck.index,
        "seconds": record.seconds,
    })
}

/// The published J averages |I^(m)| over samples before it divides.
fn average(n: usize, samples: &[Vec<f64>]) -> Value {
    let mean =
        |m: usize| samples.iter().map(|sample| sample[m]).sum::<f64>() / samples.len() as f64;
    let mean_abs: Vec<f64> = (0..samples[0].len()).map(mean).collect();
    let relative = relative_strength(&mean_abs);
    let index = relative.as_deref().and_then(bottleneck_index);
    json!({ "n": n, "samples": samples.len(), "mean_abs": mean_abs, "J": relative, "bottleneck_index": index })
}
