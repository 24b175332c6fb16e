//! Commands that read value tables: `extract`, `order` and `index`.

use std::path::Path;

use harsanyi::ValueTable;
use harsanyi::report::{
    CurveReport, GroupReport, IndexReport, JointReport, OrderReport, folder, text,
};
use harsanyi::stats::curves::{curves, ranking};
use serde::Serialize;

use super::args::{ExtractArgs, GlobalArgs, IndexArgs, OrderArgs};
use super::extraction;
use super::games::Values;
use super::output::Output;

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
    let Values { table, noise, .. } = Values::of(&args.values, global.seed, output)?;
    let found = extraction::explain(&table, &args.extraction, noise, output)?;
    let report = OrderReport::new(&table, &found)?;
    if let Some(dir) = dir {
        folder::write_json(&dir.join("orders.json"), &report)?;
    }
    output.result(&report, || text::order_profile(output.page, &report))
}

/// What `index` prints: the index, and what is told of single players beside it.
#[derive(Serialize)]
struct IndexDocument {
    #[serde(flatten)]
    index: IndexReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<GroupReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    curves: Option<CurveReport>,
}

pub(crate) fn index(args: &IndexArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let dir = global.folder()?;
    dir.map(folder::create).transpose()?;
    let Values {
        mut table,
        labels,
        groups,
        ..
    } = Values::of(&args.values, global.seed, output)?;
    let index = IndexReport::new(&table, args.index, args.order)?;
    let single = index.values.iter().filter(|value| value.players.len() == 1);
    let single: Vec<f64> = single.map(|value| value.value).collect();
    let curves = args.curves.then(|| {
        let counts: Vec<usize> = (0..=table.players()).collect();
        curves(&mut table, &ranking(&single), &counts)
    });
    let document = IndexDocument {
        groups: GroupReport::new(&single, &groups),
        curves: curves.transpose()?.map(CurveReport::from),
        index,
    };
    if let Some(dir) = dir {
        folder::write_json(&dir.join("index.json"), &document)?;
    }
    output.result(&document, || {
        let mut out = text::index(output.page, &document.index, &labels);
        if let Some(groups) = &document.groups {
            out += &text::groups(output.page, groups);
        }
        if let Some(curves) = &document.curves {
            out += &text::curves(output.page, curves, &labels);
        }
        out
    })
}
