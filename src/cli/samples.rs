//! Commands that evaluate samples: `profile` and `tabulate`.

use std::path::Path;

use harsanyi::Error;
use harsanyi::game::file;
use harsanyi::game::store::Store;
use harsanyi::input::RawSample;
use harsanyi::report::{Record, folder, text};
use serde::Serialize;
use serde_json::{Value, json};

use super::args::{GlobalArgs, KeepArgs, ProfileArgs, SampleArgs, TabulateArgs};
use super::batch;
use super::keep::Keep;
use super::network::{Loaded, Network};
use super::output::Output;
use super::prepared::Prepared;
use super::report;
use super::run::{self, Evaluated, Source};
use super::settings;

/// What `profile` writes behind the table and its record.
const LATER_STAGES: [&str; 8] = [
    "interactions.json",
    "interactions.parquet",
    "orders.json",
    "indices.json",
    "sparsity.json",
    "graph.json",
    "graph.dot",
    "report.html",
];

/// The one sample that the options name for `network`.
pub(crate) fn sample(args: &SampleArgs, network: &Network) -> anyhow::Result<RawSample> {
    let text = args.words.as_deref().or(args.text.as_deref());
    Ok(match (text, &args.image, &args.row, &network.model) {
        (Some(text), ..) => RawSample::text(text),
        (None, Some(path), ..) => RawSample::image(path),
        (None, None, Some(place), Loaded::Row { form, .. }) => RawSample::row(place, form)?,
        (_, _, _, model) => {
            let must = format!(
                "this model takes {}, and the sample is a row",
                model.takes()
            );
            return Err(Error::Input(must).into());
        }
    })
}

/// The network, where the options call for one.
pub(crate) fn network(
    args: &SampleArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<Option<Network>> {
    let one =
        args.words.is_some() || args.text.is_some() || args.image.is_some() || args.row.is_some();
    if one || args.data.is_some() {
        return Ok(Some(Network::load(
            args.model.as_deref(),
            Some(&args.classes),
            global,
            output,
        )?));
    }
    match args.game.is_some() {
        true => Ok(None),
        false => Err(Error::Parameter {
            parameter: "the sample",
            must: "a TEXT, or --image FILE, or --row FILE:N, or --data FILE, or --game GAME",
            got: "none".into(),
        }
        .into()),
    }
}

/// The values of the one sample, or of the game, that the options name; `None` when they are others' to complete.
pub(crate) fn evaluate(
    network: Option<&Network>,
    args: &SampleArgs,
    global: &GlobalArgs,
    config: &Value,
    keep: &Keep,
    output: &Output,
) -> anyhow::Result<Option<Evaluated>> {
    let sample = network.map(|network| sample(args, network)).transpose()?;
    let source = match (network, &sample) {
        (Some(network), Some(sample)) => Source::Sample(network, sample),
        _ => Source::Game(args.game.as_deref().unwrap_or_default()),
    };
    run::evaluate(source, args, global, config, keep, output)
}

/// The run file that `--dump-config` prints: what was typed, with what is decided before the first coalition.
fn dump(
    network: Option<&Network>,
    args: &SampleArgs,
    global: &GlobalArgs,
    config: &Value,
    output: &Output,
) -> anyhow::Result<()> {
    let mut record = run::begun(global, config);
    if let (Some(network), None) = (network, &args.data) {
        let sample = sample(args, network)?;
        let prepared = Prepared::new(network, &sample, args)?;
        prepared.tell(&mut record)?;
        record.config["batch"] = json!(prepared.game()?.batch());
    }
    output.document(settings::to_toml(&record.config)?.as_bytes())
}

/// Refuses what needs a place to keep values and has none.
fn check_keep(args: &KeepArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    if (args.resume || args.shard.is_some()) && global.output.is_none() {
        return Err(Error::Parameter {
            parameter: "--output",
            must: "the place that --resume and --shard share values in",
            got: "none".into(),
        }
        .into());
    }
    Ok(())
}

pub(crate) fn profile(
    args: &ProfileArgs,
    global: &GlobalArgs,
    config: &Value,
    output: &Output,
) -> anyhow::Result<()> {
    let dir = global.folder()?;
    check_keep(&args.keep, global)?;
    if let (Some(dir), false) = (dir, global.dump_config) {
        output.interrupt.create(dir)?;
    }
    let network = network(&args.sample, global, output)?;
    if let (Some(data), Some(network)) = (&args.sample.data, &network) {
        return match global.dump_config {
            true => dump(Some(network), &args.sample, global, config, output),
            false => batch::profile(data, network, args, global, config, output),
        };
    }
    if global.dump_config {
        return dump(network.as_ref(), &args.sample, global, config, output);
    }
    let keep = Keep::within(dir, &args.keep);
    let evaluated = evaluate(
        network.as_ref(),
        &args.sample,
        global,
        config,
        &keep,
        output,
    )?;
    let Some(evaluated) = evaluated else {
        return Ok(());
    };
    let profile = run::profile(evaluated, &args.extraction, &args.listing, dir, output)?;
    output.result(&profile, || {
        batch::page(output, &profile, args.listing.rows)
    })?;
    if let Some(dir) = dir {
        output.say(&format!("written to {}", dir.display()));
    }
    Ok(())
}

pub(crate) fn tabulate(
    args: &TabulateArgs,
    global: &GlobalArgs,
    config: &Value,
    output: &Output,
) -> anyhow::Result<()> {
    check_keep(&args.keep, global)?;
    let target = global.output.as_deref();
    let single = target.filter(|path| path.extension().is_some_and(|extension| extension == "npy"));
    let dir = match single {
        Some(file) => file.parent().filter(|dir| !dir.as_os_str().is_empty()),
        None => global.folder()?,
    };
    if let (Some(dir), false) = (dir, global.dump_config) {
        output.interrupt.create(dir)?;
    }
    let network = network(&args.sample, global, output)?;
    if let (Some(data), Some(network)) = (&args.sample.data, &network) {
        if global.dump_config {
            return dump(Some(network), &args.sample, global, config, output);
        }
        if single.is_some() {
            let must = "a folder, since --data makes a table for each sample";
            let got = target
                .map(|path| path.display().to_string())
                .unwrap_or_default();
            return Err(Error::Parameter {
                parameter: "--output",
                must,
                got,
            }
            .into());
        }
        let selection = batch::Selection::new(network, data, &args.sample, &args.keep)?;
        let failed = batch::each(&selection, target.is_some(), output, |sample, output| {
            let source = Source::Sample(network, sample);
            let dir = target.map(|dir| dir.join("samples").join(&sample.id));
            if let Some(dir) = &dir {
                output.interrupt.create(dir)?;
            }
            let keep = selection.keep(dir.as_deref());
            let evaluated = run::evaluate(source, &args.sample, global, config, &keep, output)?;
            if let Some(evaluated) = evaluated {
                print_table(&write_table(evaluated, dir.as_deref(), None)?, output)?;
            }
            Ok(())
        })?;
        anyhow::ensure!(
            failed.is_empty(),
            "{} samples failed; the others are done",
            failed.len()
        );
        return Ok(());
    }
    if global.dump_config {
        return dump(network.as_ref(), &args.sample, global, config, output);
    }
    let keep = match single {
        Some(file) => Keep::beside(file, &args.keep),
        None => Keep::within(target, &args.keep),
    };
    let evaluated = evaluate(
        network.as_ref(),
        &args.sample,
        global,
        config,
        &keep,
        output,
    )?;
    let Some(evaluated) = evaluated else {
        return Ok(());
    };
    let evaluated = write_table(evaluated, target.filter(|_| single.is_none()), single)?;
    if target.is_none() && output.is_text() {
        output.say(
            "the table is not kept; name a folder or a file ending in .npy with -o to keep it",
        );
    }
    print_table(&evaluated, output)
}

/// The table alone as a file, or with its record as a folder.
fn write_table(
    mut evaluated: Evaluated,
    dir: Option<&Path>,
    single: Option<&Path>,
) -> anyhow::Result<Evaluated> {
    if let Some(path) = single {
        file::write(path, &evaluated.table)?;
    }
    if let Some(dir) = dir {
        file::write(&dir.join("values.npy"), &evaluated.table)?;
        folder::write_json(&dir.join("record.json"), &evaluated.record)?;
        // What another run left there was not made from these values.
        for name in LATER_STAGES {
            folder::remove(&dir.join(name))?;
        }
        report::remove_charts(dir)?;
    }
    let store = evaluated.store.take();
    store.map(Store::remove).transpose()?;
    Ok(evaluated)
}

/// What `tabulate --format json` prints.
#[derive(Serialize)]
struct TableDocument<'a> {
    record: &'a Record,
    values: &'a [f64],
}

fn print_table(evaluated: &Evaluated, output: &Output) -> anyhow::Result<()> {
    let Evaluated { table, record, .. } = evaluated;
    let document = TableDocument {
        record,
        values: table.values(),
    };
    output.result(&document, || {
        text::sample(output.page, record) + &text::closing(output.page, record)
    })
}
