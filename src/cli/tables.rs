//! Commands that read value tables: `extract` and `index`.

use std::path::Path;

use harsanyi::ValueTable;
use harsanyi::report::{IndexReport, JointReport, folder, text};

use super::args::{ExtractArgs, GlobalArgs, IndexArgs};
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

pub(crate) fn index(args: &IndexArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let dir = global.folder()?;
    dir.map(folder::create).transpose()?;
    let Values { table, labels, .. } = Values::of(&args.values, output)?;
    let report = IndexReport::new(&table, args.index, args.order)?;
    if let Some(dir) = dir {
        folder::write_json(&dir.join("index.json"), &report)?;
    }
    output.result(&report, || text::index(output.page, &report, &labels))
}
