//! `order --data`: many samples, each on disk as it comes, then the curve over all.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use harsanyi::Error;
use harsanyi::input::{Material, RawSample};
use harsanyi::interaction::order_sampled::SizeMoments;
use harsanyi::report::{CurveReport, CurveSample, SCHEMA, SampleOrders, folder, text};
use harsanyi::sampling::context::{PUBLISHED_RATIOS, context_size};
use harsanyi::stats::bootstrap::Resampling;
use harsanyi::stats::strength_curve::Axis;
use harsanyi::value::Aim;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::args::{GlobalArgs, OrderArgs};
use super::network::Network;
use super::order;
use super::output::Output;
use super::prepared::Prepared;

/// `samples/ID/orders.json`
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Sampled {
    schema: u32,
    /// Of all settings and of the sample: results under the same hash need not be computed again.
    hash: String,
    pub(crate) id: String,
    sample: String,
    class: Option<String>,
    /// Wall-clock seconds.
    seconds: f64,
    #[serde(flatten)]
    pub(crate) orders: SampleOrders,
}

/// `orders.json` over all samples.
#[derive(Serialize)]
struct Study {
    schema: u32,
    program: &'static str,
    model: Value,
    config: Value,
    /// A line per sample.
    done: Vec<Value>,
    failed: Vec<Value>,
    #[serde(flatten)]
    curve: CurveReport,
}

/// Measures the samples of `data` that the options choose.
pub(crate) fn study(
    network: &Network,
    data: &Path,
    args: &OrderArgs,
    global: &GlobalArgs,
    config: &Value,
    output: &Output,
) -> anyhow::Result<()> {
    let contexts = &args.contexts;
    let samples = network.samples(data, None)?;
    let dir = global.folder()?;
    let wanted = args.sample.limit.unwrap_or(samples.len());
    let bar = output.bar("samples", wanted.min(samples.len()) as u64);
    let output = &output.under(&bar);
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    let mut per_class: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for sample in &samples {
        if found.len() + failed.len() == wanted || output.is_closed() && dir.is_none() {
            break;
        }
        let of_class = per_class.entry(sample.label.as_deref()).or_default();
        if contexts.per_class.is_some_and(|most| *of_class >= most) {
            continue;
        }
        match one(network, sample, config, args, global, output) {
            Ok(None) => continue,
            Ok(Some(sampled)) => found.push(sampled),
            Err(error) => {
                let causes = text::inert(&format!("{error:#}"));
                output.say(&format!("sample {}: {causes}", sample.id));
                failed.push(json!({ "id": sample.id, "error": causes }));
            }
        }
        *of_class += 1;
        bar.inc(1);
    }
    bar.finish_and_clear();
    finish(found, failed, network, config, args, global, output)
}

/// One sample, from disk where it was measured before; `None` where it is not answered as labelled and has to be.
fn one(
    network: &Network,
    sample: &RawSample,
    config: &Value,
    args: &OrderArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<Option<Sampled>> {
    let prepared = Prepared::new(network, sample, &args.sample)?;
    if args.contexts.correct {
        let label = sample.label.as_deref();
        let label = label.context("--correct needs a data set with labels")?;
        if !answers(&prepared.aim, label) {
            return Ok(None);
        }
    }
    let hash = hash(config, network, sample)?;
    let dir = global.folder()?;
    let path = dir.map(|dir| dir.join("samples").join(&sample.id).join("orders.json"));
    if let (true, Some(path)) = (args.contexts.resume, &path)
        && let Some(before) = kept(path, &hash)
    {
        return Ok(Some(before.slim()));
    }
    let start = Instant::now();
    let seed = seed_of(global.seed, &sample.id);
    let orders = order::of_network(&prepared, &args.contexts, seed, output)?;
    let sampled = Sampled {
        schema: SCHEMA,
        hash,
        id: sample.id.clone(),
        sample: sample.name.clone(),
        class: Some(prepared.aim.text.clone()),
        seconds: start.elapsed().as_secs_f64(),
        orders,
    };
    if let Some(path) = path {
        path.parent().map(folder::create).transpose()?;
        folder::write_compact_json(&path, &sampled)?;
    }
    Ok(Some(sampled.slim()))
}

/// Whether what is explained is the class that `label` names or numbers.
fn answers(aim: &Aim, label: &str) -> bool {
    let number = || label.trim().parse() == Ok(aim.outputs[0]);
    aim.is_class && (aim.text == label.trim() || number())
}

impl Sampled {
    /// Without what the curve does not need, since there may be many.
    fn slim(mut self) -> Self {
        self.orders.pairs = Vec::new();
        self.orders.effect = Vec::new();
        self.orders.effect_error = Vec::new();
        self
    }
}

/// The curve, on disk and on stdout.
fn finish(
    found: Vec<Sampled>,
    failed: Vec<Value>,
    network: &Network,
    config: &Value,
    args: &OrderArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<()> {
    let (done, broken) = (found.len(), failed.len());
    if let Some(axis) = axis(found.iter(), args.contexts.ratios.as_deref()) {
        let study = Study {
            schema: SCHEMA,
            program: concat!("harsanyi ", env!("CARGO_PKG_VERSION")),
            model: serde_json::to_value(&network.info)?,
            curve: over_all(&found, &axis, global.seed),
            done: found.iter().map(line).collect(),
            config: config.clone(),
            failed,
        };
        if let Some(dir) = global.folder()? {
            folder::write_json(&dir.join("orders.json"), &study)?;
        }
        output.result(&study, || text::curve(output.page, &study.curve))?;
    }
    anyhow::ensure!(
        broken == 0,
        "{broken} of {} samples failed; the others are done",
        done + broken
    );
    anyhow::ensure!(done > 0, "no sample of the data set was chosen");
    Ok(())
}

/// The moments of a sample along an axis that it was sampled on.
pub(crate) fn along(axis: &Axis, orders: &SampleOrders) -> Vec<SizeMoments> {
    let sizes: Vec<usize> = match axis {
        Axis::Sizes { sizes, .. } => sizes.clone(),
        Axis::Ratios { ratios, .. } => ratios.iter().map(|&r| context_size(r, orders.n)).collect(),
    };
    sizes
        .into_iter()
        .filter_map(|size| orders.moments(size))
        .collect()
}

/// Along the sizes where all samples have as many players, else along ratios.
pub(crate) fn axis<'a>(
    samples: impl Iterator<Item = &'a Sampled> + Clone,
    ratios: Option<&[f64]>,
) -> Option<Axis> {
    let players = samples.clone().map(|sample| sample.orders.n).max()?;
    let sizes = samples.clone().next()?.orders.context_size.clone();
    let alike = samples
        .into_iter()
        .all(|sample| sample.orders.n == players && sample.orders.context_size == sizes);
    Some(match alike {
        true => Axis::Sizes { players, sizes },
        false => Axis::Ratios {
            players,
            ratios: ratios.unwrap_or(&PUBLISHED_RATIOS).to_vec(),
        },
    })
}

fn over_all(found: &[Sampled], axis: &Axis, seed: u64) -> CurveReport {
    let moments: Vec<Vec<SizeMoments>> = found
        .iter()
        .map(|sample| along(axis, &sample.orders))
        .collect();
    let samples: Vec<CurveSample<'_>> = found
        .iter()
        .zip(&moments)
        .map(|(sample, moments)| CurveSample {
            class: sample.class.as_deref(),
            moments,
            counts: sample.orders.counts,
        })
        .collect();
    let resampling = Resampling {
        seed,
        ..Resampling::default()
    };
    CurveReport::new(axis, &samples, &resampling)
}

fn line(sample: &Sampled) -> Value {
    json!({
        "id": sample.id,
        "class": sample.class,
        "n": sample.orders.n,
        "counts": sample.orders.counts,
        "seconds": sample.seconds,
    })
}

/// Settings that say where results go, how fast they come and of which samples they are, and nothing of a sample's own.
const ASIDE: [&str; 10] = [
    "threads",
    "batch",
    "memory",
    "output",
    "format",
    "data",
    "limit",
    "model",
    "correct",
    "per-class",
];

/// Over all that decides a result: not the batch, the number of threads or which other samples there are.
fn hash(config: &Value, network: &Network, sample: &RawSample) -> anyhow::Result<String> {
    let mut config = config.clone();
    if let Some(settings) = config.as_object_mut() {
        for aside in ASIDE {
            settings.remove(aside);
        }
    }
    let material = match &sample.material {
        Material::Text(text) => text.as_bytes().to_vec(),
        Material::Picture(picture) => picture.bytes.clone(),
        Material::PictureFile(path) => std::fs::read(path).map_err(Error::read(path))?,
        Material::Row(table, row) => table.rows[*row]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect(),
    };
    let settings = json!([SCHEMA, config, network.info.sha256, sample.id]).to_string();
    let digest = Sha256::new()
        .chain_update(settings)
        .chain_update(material)
        .finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What a run before this one left under the same hash.
fn kept(path: &Path, hash: &str) -> Option<Sampled> {
    let sampled: Sampled = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    (sampled.hash == hash).then_some(sampled)
}

/// A seed for each sample that does not depend on where it stands among the others.
fn seed_of(seed: u64, id: &str) -> u64 {
    let digest = Sha256::digest(format!("{seed} {id}").as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0, |seed, &byte| seed << 8 | u64::from(byte))
}
