//! `order`: exact from a table, or sampled where 2^n coalitions are too many.

use std::path::Path;

use harsanyi::Game;
use harsanyi::interaction::order_sampled::sampled_order;
use harsanyi::report::{
    CurveReport, CurveSample, ModelInfo, OrderReport, SCHEMA, SampleOrders, Study, folder, text,
};
use harsanyi::sampling::context::{ContextPlan, Grid};
use harsanyi::stats::bootstrap::Resampling;
use harsanyi::stats::strength_curve::Axis;
use serde_json::Value;

use super::args::{ContextArgs, GlobalArgs, OrderArgs};
use super::extraction;
use super::games;
use super::keep::Keep;
use super::output::Output;
use super::prepared::Prepared;
use super::values::Values;
use super::{beside, report, samples, study};

pub(crate) fn order(
    args: &OrderArgs,
    global: &GlobalArgs,
    config: &Value,
    output: &Output,
) -> anyhow::Result<()> {
    let dir = global.folder()?;
    dir.map(folder::create).transpose()?;
    let OrderArgs {
        sample, contexts, ..
    } = args;
    if !args.beside.is_empty() {
        return beside::beside(&args.beside, global, output);
    }
    if let Some(path) = &args.values {
        let mut values = Values::read(path)?;
        return match contexts.asks() {
            true => {
                let found = estimate(&mut values.table, contexts, None, global.seed)?;
                alone(&found, None, dir, config, output)
            }
            false => exact(&values, args, dir, output),
        };
    }
    if let (Some(game), true) = (&sample.game, contexts.asks()) {
        let asked = games::Asked {
            game,
            memo: sample.memo.as_deref(),
            labels: sample.labels.as_deref(),
            seed: global.seed,
        };
        let mut game = games::open(asked, output)?.game;
        let found = estimate(&mut *game, contexts, None, global.seed)?;
        return alone(&found, None, dir, config, output);
    }
    let network = samples::network(sample, global, output)?;
    if let (Some(network), Some(data)) = (&network, &sample.data) {
        return study::study(network, data, args, global, config, output);
    }
    if let (Some(network), true) = (&network, contexts.asks()) {
        let one = samples::sample(sample, network)?;
        let prepared = Prepared::new(network, &one, sample)?;
        let found = of_network(&prepared, contexts, global.seed, output)?;
        return alone(&found, Some(&network.info), dir, config, output);
    }
    let keep = Keep::nowhere();
    let evaluated = samples::evaluate(network.as_ref(), sample, global, config, &keep, output)?;
    let Some(evaluated) = evaluated else {
        return Ok(());
    };
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
        report::write_orders(dir, &report)?;
    }
    output.result(&report, || text::order_profile(output.page, &report))
}

/// From the contexts that are asked for.
fn estimate(
    game: &mut dyn Game,
    contexts: &ContextArgs,
    grid: Option<Grid>,
    seed: u64,
) -> anyhow::Result<SampleOrders> {
    let plan = ContextPlan::new(game.players(), &contexts.options(grid, seed))?;
    Ok(SampleOrders::new(&sampled_order(game, &plan, |_| ())?))
}

/// The curve of a single sample, of a network where `model` is one.
fn alone(
    orders: &SampleOrders,
    model: Option<&ModelInfo>,
    dir: Option<&Path>,
    config: &Value,
    output: &Output,
) -> anyhow::Result<()> {
    let sizes = orders.context_size.clone();
    let axis = Axis::Sizes {
        players: orders.n,
        sizes,
    };
    let moments = study::along(&axis, orders);
    let sample = CurveSample {
        class: None,
        moments: &moments,
        counts: orders.counts,
    };
    let study = Study {
        schema: SCHEMA,
        program: report::PROGRAM.into(),
        model: serde_json::to_value(model)?,
        config: config.clone(),
        done: Vec::new(),
        failed: Vec::new(),
        curve: CurveReport::new(&axis, &[sample], &Resampling::default()),
    };
    if let Some(dir) = dir {
        folder::write_compact_json(&dir.join("sample.json"), orders)?;
        folder::write_json(&dir.join("orders.json"), &study)?;
        report::write_study(dir, &study)?;
    }
    output.result(&study, || text::curve(output.page, &study.curve))
}

/// The same for a sample on a network.
pub(crate) fn of_network(
    prepared: &Prepared<'_>,
    contexts: &ContextArgs,
    seed: u64,
    output: &Output,
) -> anyhow::Result<SampleOrders> {
    let bar = output.spinner("coalitions");
    let advance = |coalitions| {
        bar.inc(coalitions);
        bar.set_message(format!("{} done", bar.position()));
    };
    let mut game = prepared.game()?.with_progress(&advance);
    let orders = estimate(&mut game, contexts, prepared.grid(), seed)?;
    bar.finish_and_clear();
    Ok(orders)
}
