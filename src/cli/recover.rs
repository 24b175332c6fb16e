//! The command `sample`: the values of some coalitions, and the terms that explain them.

use std::time::Instant;

use harsanyi::game::{Samples, ask, synthetic};
use harsanyi::input::Players;
use harsanyi::report::{PlayerInfo, Record, RecoveredIndices, RecoveryReport, folder, text};
use harsanyi::sampling::sparse::{
    CodedPlan, Method, RecoverOptions, Recovery, plan, recover, recover_coded,
};
use harsanyi::value::{Aim, NetworkGame, NetworkOptions};
use harsanyi::{Coalition, Error, Game, device};
use serde::Serialize;
use serde_json::json;

use super::args::{Batch, GlobalArgs, RecoverArgs};
use super::games;
use super::network::{self, Network};
use super::output::Output;
use super::run;

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
    output: &Output,
) -> anyhow::Result<()> {
    let dir = global.folder()?;
    dir.map(folder::create).transpose()?;
    let mut config = run::config(&args.sample, None, global);
    config["budget"] = json!(args.budget);
    config["method"] = json!(args.method.0.map_or("auto", Method::name));
    config["order"] = json!(args.order);
    let mut record = run::begun(&config, global);
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
    let text = args.sample.words.as_deref().or(args.sample.text.as_deref());
    let (plan, samples) = match (&args.sample.game, text) {
        (Some(game), _) => {
            record.game = Some(game.clone());
            let mut game = other(game, output)?;
            let numbered = games::numbers(game.players()).into_iter().enumerate();
            record.players = numbered
                .map(|(index, label)| PlayerInfo {
                    index,
                    label,
                    spans: Vec::new(),
                })
                .collect();
            let start = Instant::now();
            let plan = Plan::new(game.players(), args, global.seed)?;
            let asked = plan.coalitions();
            let bar = output.bar("coalitions", asked.len() as u64);
            let samples = ask(game.as_mut(), asked, |done| bar.set_position(done as u64))?;
            bar.finish_and_clear();
            record.counts = Some(json!({ "coalitions": samples.len() }));
            record
                .seconds
                .insert("evaluate".into(), start.elapsed().as_secs_f64());
            (plan, samples)
        }
        (None, Some(text)) => {
            let network = Network::load(args.sample.model.as_deref(), global, output)?;
            record.seconds.insert("load".into(), network.seconds);
            of_text(&network, text, args, global, record, output)?
        }
        (None, None) => {
            return Err(Error::Parameter {
                parameter: "the sample",
                must: "a TEXT or --game GAME",
                got: match args.sample.data {
                    Some(_) => "--data".into(),
                    None => "none".into(),
                },
            }
            .into());
        }
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

/// A game that is no network: a formula of any number of players, or a table.
fn other(game: &str, output: &Output) -> anyhow::Result<Box<dyn Game>> {
    match game.strip_prefix("synthetic:") {
        Some(expression) => Ok(Box::new(synthetic::parse(expression)?)),
        None => Ok(Box::new(games::table(game, output)?)),
    }
}

/// The values of a plan for `text`.
fn of_text(
    network: &Network,
    text: &str,
    args: &RecoverArgs,
    global: &GlobalArgs,
    record: &mut Record,
    output: &Output,
) -> anyhow::Result<(Plan, Samples)> {
    let start = Instant::now();
    record.sample = Some(text.into());
    let text = network.tokenizer.encode(text)?;
    let players = Players::new(&text, &args.sample.players, &args.sample.background)?;
    let plan = Plan::new(players.count(), args, global.seed)?;
    let absence = args.sample.baseline.resolve(&network.tokenizer)?;
    let aim = Aim::resolve(
        &args.sample.target,
        &network.model,
        &network.tokenizer,
        &text,
    )?;
    let options = NetworkOptions {
        absence,
        readout: args.sample.readout,
        batch: match args.sample.batch {
            Batch::Auto => None,
            Batch::Rows(rows) => Some(rows),
        },
        share_prefixes: true,
    };
    let asked = plan.coalitions();
    let bar = output.bar("coalitions", asked.len() as u64);
    let advance = |coalitions| bar.inc(coalitions);
    let game = NetworkGame::new(&network.model, &text, &players, &aim, options)?;
    let mut game = game.with_progress(&advance);
    let samples = ask(&mut game, asked, |_| ())?;
    bar.finish_and_clear();
    record.model = Some(network.info.clone());
    record.device = device::name(network.model.device());
    record.dtype = network.model.dtype().as_str().into();
    record.players = network::named(&players);
    record.background = network::unowned(&players);
    record.baseline = Some(network.describe(absence));
    record.readout = Some(args.sample.readout.to_string());
    record.target = Some(network::told(&aim));
    record.counts = Some(serde_json::to_value(game.counts())?);
    record.config["batch"] = json!(game.batch());
    record
        .seconds
        .insert("evaluate".into(), start.elapsed().as_secs_f64());
    Ok((plan, samples))
}
