//! Commands that read value tables: `extract` and `index`.

use std::path::Path;

use harsanyi::report::shapiq::InteractionValues;
use harsanyi::report::{DeletionReport, GroupReport, IndexReport, JointReport, folder, text};
use harsanyi::sampling::{Method, estimate};
use harsanyi::stats::curves::{curves, ranking};
use harsanyi::{Error, Game, ValueTable, tabulate};
use serde::Serialize;

use super::args::{ExtractArgs, GlobalArgs, IndexArgs};
use super::extraction;
use super::games::{Asked, Opened, open};
use super::output::Output;
use super::values::Values;

pub(crate) fn extract(
    args: &ExtractArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<()> {
    let dir = global.folder()?;
    dir.map(folder::create).transpose()?;
    let values = Values::of(&args.values, global.seed, output)?;
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
    let report = extraction::report(&table, &found, &labels, noise, &args.listing, output)?;
    if let Some(dir) = dir {
        extraction::write(dir, &found, &report, &labels, &args.listing)?;
        extraction::write_sparsity(dir, &table, &found, &args.listing)?;
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
    let players = tables[0].players();
    let marked = report.models.into_iter();
    report.models = marked
        .map(|model| model.with_noise(noise, players))
        .collect();
    if let Some(dir) = dir {
        folder::write_json(&dir.join("joint.json"), &report)?;
        for (number, (table, model)) in tables.iter().zip(found.models()).enumerate() {
            let dir = dir.join(format!("model-{number}"));
            folder::create(&dir)?;
            let document = &report.models[number];
            extraction::write(&dir, model, document, &labels, &args.listing)?;
            extraction::write_sparsity(&dir, table, model, &args.listing)?;
        }
    }
    let page = text::Page {
        rows: args.listing.rows,
        ..output.page
    };
    let spans: Vec<f64> = tables.iter().map(ValueTable::span).collect();
    output.result(&report, || text::joint(page, &report, &spans))
}

/// What `index` prints: the index, and what is told of single players beside it.
#[derive(Serialize)]
struct IndexDocument {
    #[serde(flatten)]
    index: IndexReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<GroupReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    curves: Option<DeletionReport>,
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
    let opened = match (&args.values.values, &args.values.game, args.estimate) {
        (None, Some(_), Some(_)) => open(Asked::of(&args.values, global.seed), output)?,
        _ => Values::of(&args.values, global.seed, output)?.into_game(),
    };
    let Opened { mut game, roster } = opened;
    let index = match (args.estimate, args.budget) {
        (Some(method), Some(budget)) => {
            estimated(&mut *game, args, method, budget, global.seed, output)?
        }
        _ => {
            let table = tabulate(&mut *game, |_| ())?;
            IndexReport::new(&table, args.index, args.order)?
        }
    };
    let single = index.values.iter().filter(|value| value.players.len() == 1);
    let single: Vec<f64> = single.map(|value| value.value).collect();
    let of_players = single.len() == game.players();
    if args.curves && !of_players {
        return Err(Error::Parameter {
            parameter: "--curves",
            must: "given with an index that has a value for every player",
            got: args.index.to_string(),
        }
        .into());
    }
    let curves = args.curves.then(|| {
        let counts: Vec<usize> = (0..=game.players()).collect();
        curves(&mut *game, &ranking(&single), &counts)
    });
    let groups = of_players.then(|| GroupReport::new(&single, roster.groups()));
    let document = IndexDocument {
        groups: groups.flatten(),
        curves: curves.transpose()?.map(DeletionReport::from),
        index,
    };
    if let Some(dir) = dir {
        folder::write_json(&dir.join("index.json"), &document)?;
    }
    if let Some(file) = file
        .map(Path::to_owned)
        .or_else(|| dir.map(|dir| dir.join("interaction_values.json")))
    {
        folder::write_compact_json(&file, &InteractionValues(&document.index))?;
    }
    let labels = roster.labels();
    output.result(&document, || {
        let mut out = text::index(output.page, &document.index, labels);
        if let Some(groups) = &document.groups {
            out += &text::groups(output.page, groups);
        }
        if let Some(curves) = &document.curves {
            out += &text::curves(output.page, curves, labels);
        }
        out
    })
}

fn estimated(
    game: &mut dyn Game,
    args: &IndexArgs,
    method: Method,
    budget: usize,
    seed: u64,
    output: &Output,
) -> anyhow::Result<IndexReport> {
    let players = game.players();
    let (index, order) = (args.index, args.order);
    let bar = output.bar("coalitions", budget as u64);
    let found = estimate(game, index, order, method, budget, seed, |done| {
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    Ok(IndexReport::estimated(
        &found, players, index, order, method, budget, seed,
    ))
}
