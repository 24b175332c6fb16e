//! Commands that read value tables: `extract`, `order` and `index`.

use std::path::Path;

use harsanyi::report::shapiq::InteractionValues;
use harsanyi::report::{IndexReport, JointReport, OrderReport, folder, text};
use harsanyi::sampling::{Method, estimate};
use harsanyi::{Game, ValueTable};

use super::args::{ExtractArgs, GlobalArgs, IndexArgs, OrderArgs};
use super::extraction;
use super::games::{Values, numbers, open};
use super::output::Output;

pub(crate) fn extract(
    args: &ExtractArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<()> {
    let dir = global.folder()?;
    dir.map(folder::create).transpose()?;
    let values = Values::of(&args.values, output)?;
    if !args.with.is_empty() {
        return extract_together(values, args, dir, output);
    }
    let Values {
        table,
        labels,
        noise,
        ..
    } = values;
    let found = extraction::explain(&table, &args.extraction, noise, output)?;
    let report = extraction::report(&table, &found, &labels, &args.listing)?;
    if let Some(dir) = dir {
        extraction::write(dir, &table, &found, &report, &labels, &args.listing)?;
    }
    let page = text::Page {
        rows: args.listing.rows,
        ..output.page
    };
    output.result(&report, || text::interactions(page, &report, table.span()))
}

/// Several tables at once: a document of all, and on disk the files of each.
fn extract_together(
    first: Values,
    args: &ExtractArgs,
    dir: Option<&Path>,
    output: &Output,
) -> anyhow::Result<()> {
    let Values {
        table,
        labels,
        mut noise,
        ..
    } = first;
    let mut tables = vec![table];
    for path in &args.with {
        let other = Values::read(path)?;
        if other.labels != labels && other.named {
            output.say(&format!(
                "the players of `{}` have other names; they are matched by number",
                path.display()
            ));
        }
        noise = noise.max(other.noise);
        tables.push(other.table);
    }
    let found = extraction::explain_together(&tables, &args.extraction, args.alpha, noise, output)?;
    let mut report = JointReport::new(&found, args.alpha, &labels, args.listing.threshold)?;
    if args.listing.refit {
        for ((table, model), document) in tables.iter().zip(found.models()).zip(&mut report.models)
        {
            document.refit = Some(extraction::refitted(table, model, &labels, &args.listing)?);
        }
    }
    if let Some(dir) = dir {
        folder::write_json(&dir.join("joint.json"), &report)?;
        for (number, (table, model)) in tables.iter().zip(found.models()).enumerate() {
            let dir = dir.join(format!("model-{number}"));
            folder::create(&dir)?;
            extraction::write(
                &dir,
                table,
                model,
                &report.models[number],
                &labels,
                &args.listing,
            )?;
        }
    }
    let page = text::Page {
        rows: args.listing.rows,
        ..output.page
    };
    let spans: Vec<f64> = tables.iter().map(ValueTable::span).collect();
    output.result(&report, || text::joint(page, &report, &spans))
}

pub(crate) fn order(args: &OrderArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let dir = global.folder()?;
    dir.map(folder::create).transpose()?;
    let Values { table, noise, .. } = Values::of(&args.values, output)?;
    let found = extraction::explain(&table, &args.extraction, noise, output)?;
    let report = OrderReport::new(&table, &found)?;
    if let Some(dir) = dir {
        folder::write_json(&dir.join("orders.json"), &report)?;
    }
    output.result(&report, || text::order_profile(output.page, &report))
}

/// An index of a table, or an estimate of it; on disk `index.json` and, for the package shapiq, `interaction_values.json`, which
/// is what a file ending in .json gets too.
pub(crate) fn index(args: &IndexArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let target = global.output.as_deref();
    let file = target.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
            && !path.is_dir()
    });
    let dir = match file {
        Some(_) => None,
        None => global.folder()?,
    };
    dir.map(folder::create).transpose()?;
    let (report, labels) = match (args.estimate, args.budget) {
        (Some(method), Some(budget)) => estimated(args, method, budget, global.seed, output)?,
        _ => {
            let Values { table, labels, .. } = Values::of(&args.values, output)?;
            (IndexReport::new(&table, args.index, args.order)?, labels)
        }
    };
    if let Some(dir) = dir {
        folder::write_json(&dir.join("index.json"), &report)?;
    }
    if let Some(file) = file
        .map(Path::to_owned)
        .or_else(|| dir.map(|dir| dir.join("interaction_values.json")))
    {
        folder::write_compact_json(&file, &InteractionValues(&report))?;
    }
    output.result(&report, || text::index(output.page, &report, &labels))
}

fn estimated(
    args: &IndexArgs,
    method: Method,
    budget: usize,
    seed: u64,
    output: &Output,
) -> anyhow::Result<(IndexReport, Vec<String>)> {
    let (mut game, labels): (Box<dyn Game>, _) = match &args.values.game {
        Some(game) => {
            let game = open(game, output)?;
            let labels = numbers(game.players());
            (game, labels)
        }
        None => {
            let Values { table, labels, .. } = Values::of(&args.values, output)?;
            (Box::new(table), labels)
        }
    };
    let players = game.players();
    let (index, order) = (args.index, args.order);
    let bar = output.bar("coalitions", budget as u64);
    let found = estimate(&mut *game, index, order, method, budget, seed, |done| {
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    let report = IndexReport::estimated(&found, players, index, order, method, budget, seed);
    Ok((report, labels))
}
