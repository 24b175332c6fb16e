//! The command `sample`: the values of some coalitions, and the terms that explain them.

use std::time::Instant;

use harsanyi::game::{Samples, ask};
use harsanyi::report::{Record, RecoveredIndices, RecoveryReport, folder, text};
use harsanyi::sampling::sparse::{
    CodedPlan, Method, RecoverOptions, Recovery, plan, recover, recover_coded,
};
use harsanyi::{Coalition, Error};
use serde::Serialize;
use serde_json::{Value, json};

use super::args::{GlobalArgs, RecoverArgs};
use super::games::{self, Asked, Opened};
use super::network::Network;
use super::output::Output;
use super::prepared::Prepared;
use super::{run, samples};

/// What `sample --format json` prints.
#[derive(Serialize)]
struct Document<'a> {
    record: &'a Record,
    interactions: &'a RecoveryReport,
    indices: &'a RecoveredIndices,
}

/// Which coalitions are asked, and so how they are made sense of.
enum Plan {
    Random(Vec<Coalition>),
    Coded(CodedPlan),
}

impl Plan {
    fn new(players: usize, args: &RecoverArgs, seed: u64) -> Result<Self, Error> {
        match args.method.0 {
            Some(Method::Walsh) => {
                CodedPlan::new(players, args.budget, args.order, seed).map(Self::Coded)
            }
            _ => plan(players, args.budget, seed).map(Self::Random),
        }
    }

    fn coalitions(&self) -> Vec<Coalition> {
        match self {
            Self::Random(coalitions) => coalitions.clone(),
            Self::Coded(plan) => plan.coalitions().to_vec(),
        }
    }

    fn recover(&self, samples: &Samples, args: &RecoverArgs, seed: u64) -> Result<Recovery, Error> {
        match self {
            Self::Coded(plan) => recover_coded(samples, plan),
            Self::Random(_) => recover(
                samples,
                &RecoverOptions {
                    method: args.method.0,
                    order: args.order,
                    seed,
                },
            ),
        }
    }
}

/// Asks, writes what was answered, recovers, and tells.
pub(crate) fn sample(
    args: &RecoverArgs,
    global: &GlobalArgs,
    config: &Value,
    output: &Output,
) -> anyhow::Result<()> {
    let dir = global.folder()?;
    dir.map(folder::create).transpose()?;
    let mut record = run::begun(global, config);
    let (plan, samples) = evaluate(args, global, &mut record, output)?;
    record.n = samples.players();
    if let Some(dir) = dir {
        // The values took longest.
        folder::write(&dir.join("samples.csv"), |file| samples.write_csv(file))?;
        folder::write_json(&dir.join("record.json"), &record)?;
    }
    let start = Instant::now();
    let found = plan.recover(&samples, args, global.seed)?;
    let seconds = start.elapsed().as_secs_f64();
    record.seconds.insert("recover".into(), seconds);
    let labels: Vec<String> = record.players.iter().map(|p| p.label.clone()).collect();
    let report = RecoveryReport::new(&found, samples.len(), &labels);
    let indices = RecoveredIndices::new(&found, &labels)?;
    if let Some(dir) = dir {
        folder::write_compact_json(&dir.join("interactions.json"), &report)?;
        folder::write_json(&dir.join("indices.json"), &indices)?;
        folder::write_json(&dir.join("record.json"), &record)?;
    }
    let document = Document {
        record: &record,
        interactions: &report,
        indices: &indices,
    };
    let page = text::Page {
        rows: args.rows,
        ..output.page
    };
    output.result(&document, || {
        text::sample(page, &record)
            + &text::recovery(page, &report, &indices)
            + &text::closing(page, &record)
    })?;
    if let Some(dir) = dir {
        output.say(&format!("written to {}", dir.display()));
    }
    Ok(())
}

/// The plan and its values, with the record of how they came about.
fn evaluate(
    args: &RecoverArgs,
    global: &GlobalArgs,
    record: &mut Record,
    output: &Output,
) -> anyhow::Result<(Plan, Samples)> {
    if args.sample.data.is_some() {
        return Err(Error::Parameter {
            parameter: "the sample",
            must: "one sample or a game",
            got: "--data".into(),
        }
        .into());
    }
    let (plan, samples) = match samples::network(&args.sample, global, output)? {
        Some(network) => of_network(&network, args, global.seed, record, output)?,
        None => of_game(args, global.seed, record, output)?,
    };
    let value = |coalition: &Coalition| {
        let place = samples.coalitions().iter().position(|s| s == coalition);
        place.map(|place| samples.values()[place])
    };
    let players = samples.players();
    (record.v_empty, record.v_full) = (
        value(&Coalition::EMPTY).unwrap_or_default(),
        value(&Coalition::grand(players)).unwrap_or_default(),
    );
    Ok((plan, samples))
}

/// The values of a plan for a game that is no network.
fn of_game(
    args: &RecoverArgs,
    seed: u64,
    record: &mut Record,
    output: &Output,
) -> anyhow::Result<(Plan, Samples)> {
    let asked = Asked {
        game: args.sample.game.as_deref().unwrap_or_default(),
        memo: args.sample.memo.as_deref(),
        labels: args.sample.labels.as_deref(),
        seed,
    };
    record.game = Some(asked.game.into());
    let Opened { mut game, roster } = games::open(asked, output)?;
    games::enter(record, roster.labels(), roster.groups());
    let start = Instant::now();
    let plan = Plan::new(game.players(), args, seed)?;
    let asked = plan.coalitions();
    let bar = output.bar("coalitions", asked.len() as u64);
    let samples = ask(&mut *game, asked, |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    record.counts = Some(json!({ "coalitions": samples.len() }));
    record
        .seconds
        .insert("evaluate".into(), start.elapsed().as_secs_f64());
    Ok((plan, samples))
}

/// The values of a plan for the sample on `network`.
fn of_network(
    network: &Network,
    args: &RecoverArgs,
    seed: u64,
    record: &mut Record,
    output: &Output,
) -> anyhow::Result<(Plan, Samples)> {
    let sample = samples::sample(&args.sample, network)?;
    let prepared = Prepared::new(network, &sample, &args.sample)?;
    prepared.tell(record)?;
    let start = Instant::now();
    let plan = Plan::new(prepared.players.count(), args, seed)?;
    let asked = plan.coalitions();
    let bar = output.bar("coalitions", asked.len() as u64);
    let advance = |coalitions| bar.inc(coalitions);
    let mut game = prepared.game()?.with_progress(&advance);
    let samples = ask(&mut game, asked, |_| ())?;
    bar.finish_and_clear();
    record.counts = Some(serde_json::to_value(game.counts())?);
    record.config["batch"] = json!(game.batch());
    record
        .seconds
        .insert("evaluate".into(), start.elapsed().as_secs_f64());
    Ok((plan, samples))
}
