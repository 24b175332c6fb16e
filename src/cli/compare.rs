//! `compare`: several tables on the same players beside each other.

use harsanyi::report::{CompareReport, Compared, folder, text};

use super::args::{CompareArgs, GlobalArgs};
use super::extraction;
use super::output::Output;
use super::values::Values;

pub(crate) fn compare(
    args: &CompareArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<()> {
    let dir = global.folder()?;
    dir.map(folder::create).transpose()?;
    let mut tables: Vec<Values> = Vec::new();
    for text in &args.tables {
        let values = Values::named(text, global.seed, output)?;
        if let Some(first) = tables.first()
            && first.named
            && values.named
            && first.labels != values.labels
        {
            let names = "the players of";
            output.say(&format!(
                "{names} `{text}` have other names than those of `{}`; they are matched by number",
                args.tables[0]
            ));
        }
        tables.push(values);
    }
    let found = tables
        .iter()
        .map(|values| extraction::explain(&values.table, &args.extraction, values.noise, output))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let compared: Vec<Compared<'_>> = tables
        .iter()
        .zip(&found)
        .zip(&args.tables)
        .map(|((values, found), source)| Compared {
            source: source.clone(),
            table: &values.table,
            found,
        })
        .collect();
    let report = CompareReport::new(&compared, args.threshold)?;
    if let Some(dir) = dir {
        folder::write_json(&dir.join("compare.json"), &report)?;
    }
    output.result(&report, || text::compare(output.page, &report))
}
