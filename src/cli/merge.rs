//! `merge`: a table from the pieces that several processes made.

use std::path::Path;

use harsanyi::Error;
use harsanyi::game::file;
use harsanyi::game::store::Store;
use harsanyi::report::{Record, folder};

use super::args::GlobalArgs;
use super::keep::{complete, kept_probe, store_beside};
use super::output::Output;

/// Puts together the table in the run folder, or beside the file, `path`.
pub(crate) fn merge(path: &Path, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let single = path.extension().is_some_and(|extension| extension == "npy");
    let dir = match single {
        true => store_beside(path),
        false => path.join("store"),
    };
    if global.output.is_some() {
        return Err(Error::Parameter {
            parameter: "--output",
            must: "left out, since the table goes where its pieces are",
            got: "a path".into(),
        }
        .into());
    }
    if !Store::exists(&dir) {
        let place = path.display();
        anyhow::bail!(
            "`{place}` holds no unfinished table; expected a folder `{}`",
            dir.display()
        );
    }
    let store = Store::existing(&dir)?;
    let (table, notes) = store.table()?;
    let record = store.chosen()["record"].clone();
    let mut record: Record =
        serde_json::from_value(record).map_err(Error::parse(dir.join("header.json"), "record"))?;
    complete(&mut record, &table, &notes, kept_probe(&store).as_ref())?;
    match single {
        true => file::write(path, &table)?,
        false => {
            file::write(&path.join("values.npy"), &table)?;
            folder::write_json(&path.join("record.json"), &record)?;
        }
    }
    store.remove()?;
    output.say(&format!(
        "all {} values are in {}",
        table.values().len(),
        path.display()
    ));
    output.result(&record, String::new)
}
