//! `order`: exact from a table, or sampled where 2^n coalitions are too many; over one sample or a data set.

use std::path::Path;
use std::time::Instant;

use harsanyi::input::Players;
use harsanyi::input::dataset::DataText;
use harsanyi::interaction::order_sampled::{SizeMoments, sampled_order};
use harsanyi::report::{CurveReport, CurveSample, OrderReport, SCHEMA, SampleOrders, folder, text};
use harsanyi::sampling::context::{ContextPlan, PUBLISHED_RATIOS, context_size};
use harsanyi::stats::bootstrap::Resampling;
use harsanyi::stats::strength_curve::Axis;
use harsanyi::value::{Aim, NetworkGame, NetworkOptions};
use harsanyi::{Error, Game};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::args::{Batch, ContextArgs, GlobalArgs, OrderArgs};
use super::batch;
use super::extraction;
use super::games::{self, Values};
use super::network::Network;
use super::output::Output;
use super::run::{self, Source};

/// `samples/ID/orders.json`
#[derive(Serialize, Deserialize)]
struct Sampled {
    schema: u32,
    /// Of all settings and of the sample: results under the same hash need not be computed again.
    hash: String,
    id: String,
    sample: String,
    class: Option<String>,
    /// Wall-clock seconds.
    seconds: f64,
    #[serde(flatten)]
    orders: SampleOrders,
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

pub(crate) fn order(args: &OrderArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let dir = global.folder()?;
    dir.map(folder::create).transpose()?;
    let OrderArgs {
        sample, contexts, ..
    } = args;
    if let Some(path) = &args.values {
        let mut values = Values::read(path)?;
        return match contexts.asks() {
            true => alone(
                estimate(&mut values.table, contexts, global.seed)?,
                dir,
                output,
            ),
            false => exact(&values, args, dir, output),
        };
    }
    if let Some(game) = &sample.game {
        return match contexts.asks() {
            true => alone(
                estimate(&mut *games::open(game, output)?, contexts, global.seed)?,
                dir,
                output,
            ),
            false => exact(
                &Values::bare(games::table(game, output)?),
                args,
                dir,
                output,
            ),
        };
    }
    let words = sample.words.as_deref().or(sample.text.as_deref());
    if words.is_none() && sample.data.is_none() {
        return Err(Error::Parameter {
            parameter: "what to measure",
            must: "a TEXT, --data FILE, --values FILE or --game GAME",
            got: "nothing".into(),
        }
        .into());
    }
    let network = Network::load(sample.model.as_deref(), global, output)?;
    let Some(words) = words else {
        return study(&network, args, global, output);
    };
    if contexts.asks() {
        let (orders, _) = network.orders(words, args, global.seed, output)?;
        return alone(orders, dir, output);
    }
    let config = run::config(sample, None, global);
    let source = Source::Text(&network, words);
    let evaluated = run::evaluate(source, sample, global, &config, output)?;
    let noise = evaluated.record.noise.as_ref();
    let noise = noise.and_then(|noise| noise["probe_std"].as_f64());
    let values = Values {
        noise: noise.unwrap_or(0.0),
        ..Values::bare(evaluated.table)
    };
    exact(&values, args, dir, output)
}

/// From a table of all coalitions.
fn exact(
    values: &Values,
    args: &OrderArgs,
    dir: Option<&Path>,
    output: &Output,
) -> anyhow::Result<()> {
    let found = extraction::explain(&values.table, &args.extraction, values.noise, output)?;
    let report = OrderReport::new(&values.table, &found)?;
    if let Some(dir) = dir {
        folder::write_json(&dir.join("orders.json"), &report)?;
    }
    output.result(&report, || text::order_profile(output.page, &report))
}

/// From the contexts that are asked for.
fn estimate(
    game: &mut dyn Game,
    contexts: &ContextArgs,
    seed: u64,
) -> anyhow::Result<SampleOrders> {
    let plan = ContextPlan::new(game.players(), &contexts.options(None, seed))?;
    Ok(SampleOrders::new(&sampled_order(game, &plan, |_| ())?))
}

/// The curve of a single sample.
fn alone(orders: SampleOrders, dir: Option<&Path>, output: &Output) -> anyhow::Result<()> {
    let sizes = orders.context_size.clone();
    let axis = Axis::Sizes {
        players: orders.n,
        sizes,
    };
    let moments = along(&axis, &orders);
    let sample = CurveSample {
        class: None,
        moments: &moments,
        counts: orders.counts,
    };
    let report = CurveReport::new(&axis, &[sample], &Resampling::default());
    if let Some(dir) = dir {
        folder::write_compact_json(&dir.join("sample.json"), &orders)?;
        folder::write_json(&dir.join("orders.json"), &report)?;
    }
    output.result(&report, || text::curve(output.page, &report))
}

/// The moments of a sample along an axis that it was sampled on.
fn along(axis: &Axis, orders: &SampleOrders) -> Vec<SizeMoments> {
    let sizes: Vec<usize> = match axis {
        Axis::Sizes { sizes, .. } => sizes.clone(),
        Axis::Ratios { ratios, .. } => ratios.iter().map(|&r| context_size(r, orders.n)).collect(),
    };
    sizes
        .into_iter()
        .filter_map(|size| orders.moments(size))
        .collect()
}

impl Network {
    /// Sampled orders of a text, and what the network says to it.
    fn orders(
        &self,
        text: &str,
        args: &OrderArgs,
        seed: u64,
        output: &Output,
    ) -> anyhow::Result<(SampleOrders, String)> {
        let sample = &args.sample;
        let text = self.tokenizer.encode(text)?;
        let players = Players::new(&text, &sample.players, &sample.background)?;
        let aim = Aim::resolve(&sample.target, &self.model, &self.tokenizer, &text)?;
        let options = NetworkOptions {
            absence: sample.baseline.resolve(&self.tokenizer)?,
            readout: sample.readout,
            batch: match sample.batch {
                Batch::Auto => None,
                Batch::Rows(rows) => Some(rows),
            },
            share_prefixes: true,
        };
        let bar = output.spinner("coalitions");
        let advance = |coalitions| {
            bar.inc(coalitions);
            bar.set_message(format!("{} done", bar.position()));
        };
        let game = NetworkGame::new(&self.model, &text, &players, &aim, options)?;
        let orders = estimate(&mut game.with_progress(&advance), &args.contexts, seed)?;
        bar.finish_and_clear();
        Ok((orders, aim.text))
    }
}

/// Many samples: each on disk as it comes, then the curve over all.
fn study(
    network: &Network,
    args: &OrderArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<()> {
    let OrderArgs {
        sample, contexts, ..
    } = args;
    let Some(data) = &sample.data else {
        return Ok(());
    };
    let dir = global.folder()?;
    let mut config = run::config(sample, None, global);
    config["pairs"] = json!(contexts.pairs.map(|pairs| pairs.to_string()));
    config["contexts"] = json!(contexts.count());
    config["ratios"] = json!(contexts.ratios);
    let mut found: Vec<Sampled> = Vec::new();
    let failed = batch::each(data, sample.limit, dir.is_some(), output, |text, output| {
        let hash = hash(&config, network, text);
        let path = dir.map(|dir| dir.join("samples").join(&text.id).join("orders.json"));
        if let Some(before) = path.as_deref().and_then(|path| kept(path, &hash))
            && args.contexts.resume
        {
            found.push(before);
            return Ok(());
        }
        let start = Instant::now();
        let (orders, class) =
            network.orders(&text.text, args, seed_of(global.seed, &text.id), output)?;
        let mut sampled = Sampled {
            schema: SCHEMA,
            hash,
            id: text.id.clone(),
            sample: text.text.clone(),
            class: Some(class),
            seconds: start.elapsed().as_secs_f64(),
            orders,
        };
        if let Some(path) = path {
            path.parent().map(folder::create).transpose()?;
            folder::write_compact_json(&path, &sampled)?;
        }
        // What the curve does not need is on disk or was not asked for.
        sampled.orders.pairs = Vec::new();
        sampled.orders.effect = Vec::new();
        sampled.orders.effect_error = Vec::new();
        found.push(sampled);
        Ok(())
    })?;
    let broken = failed.len();
    if !found.is_empty() {
        let study = Study {
            schema: SCHEMA,
            program: concat!("harsanyi ", env!("CARGO_PKG_VERSION")),
            model: serde_json::to_value(&network.info)?,
            curve: over_all(&found, contexts.ratios.as_deref(), global.seed),
            done: found.iter().map(line).collect(),
            config,
            failed,
        };
        if let Some(dir) = dir {
            folder::write_json(&dir.join("orders.json"), &study)?;
        }
        output.result(&study, || text::curve(output.page, &study.curve))?;
    }
    anyhow::ensure!(
        broken == 0,
        "{broken} of {} samples failed; the others are done",
        found.len() + broken
    );
    Ok(())
}

/// Along the sizes where all samples have as many players, else along ratios.
fn over_all(found: &[Sampled], ratios: Option<&[f64]>, seed: u64) -> CurveReport {
    let players = found
        .iter()
        .map(|sample| sample.orders.n)
        .max()
        .unwrap_or(0);
    let alike = found.iter().all(|sample| sample.orders.n == players);
    let axis = match alike {
        true => Axis::Sizes {
            players,
            sizes: found[0].orders.context_size.clone(),
        },
        false => Axis::Ratios {
            players,
            ratios: ratios.unwrap_or(&PUBLISHED_RATIOS).to_vec(),
        },
    };
    let moments: Vec<Vec<SizeMoments>> = found
        .iter()
        .map(|sample| along(&axis, &sample.orders))
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
    CurveReport::new(&axis, &samples, &resampling)
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

/// Over all that decides a result: not the batch, the number of threads or how many samples there are.
fn hash(config: &Value, network: &Network, text: &DataText) -> String {
    let mut config = config.clone();
    if let Some(settings) = config.as_object_mut() {
        for aside in ["threads", "data", "limit", "model"] {
            settings.remove(aside);
        }
    }
    let whole = json!([SCHEMA, config, network.info.sha256, text.id, text.text]);
    Sha256::digest(whole.to_string().as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
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
