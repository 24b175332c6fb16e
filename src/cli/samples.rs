//! Commands that evaluate samples: `profile` and `tabulate`.

use std::path::Path;

use harsanyi::Error;
use harsanyi::game::file;
use harsanyi::input::RawSample;
use harsanyi::report::{Record, folder, text};
use serde::Serialize;
use serde_json::Value;

use super::args::{GlobalArgs, ProfileArgs, SampleArgs, TabulateArgs};
use super::batch;
use super::network::{Loaded, Network};
use super::output::Output;
use super::report;
use super::run::{self, Evaluated, Source};

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
        return Ok(Some(Network::load(args.model.as_deref(), global, output)?));
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

/// The values of the one sample, or of the game, that the options name.
pub(crate) fn evaluate(
    network: Option<&Network>,
    args: &SampleArgs,
    global: &GlobalArgs,
    config: &Value,
    output: &Output,
) -> anyhow::Result<Evaluated> {
    match (network, &args.game) {
        (Some(network), _) => {
            let sample = sample(args, network)?;
            run::evaluate(
                Source::Sample(network, &sample),
                args,
                global,
                config,
                output,
            )
        }
        (None, game) => {
            let game = game.as_deref().unwrap_or_default();
            run::evaluate(Source::Game(game), args, global, config, output)
        }
    }
}

pub(crate) fn profile(
    args: &ProfileArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<()> {
    let dir = global.folder()?;
    dir.map(folder::create).transpose()?;
    let network = network(&args.sample, global, output)?;
    if let (Some(data), Some(network)) = (&args.sample.data, &network) {
        return batch::profile(data, network, args, global, output);
    }
    let config = run::config(
        &args.sample,
        Some((&args.extraction, &args.listing)),
        global,
    );
    let evaluated = evaluate(network.as_ref(), &args.sample, global, &config, output)?;
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
    output: &Output,
) -> anyhow::Result<()> {
    let target = global.output.as_deref();
    let single = target.filter(|path| path.extension().is_some_and(|extension| extension == "npy"));
    match single {
        Some(file) => {
            let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty());
            dir.map(folder::create).transpose()?
        }
        None => global.folder()?.map(folder::create).transpose()?,
    };
    let network = network(&args.sample, global, output)?;
    let config = run::config(&args.sample, None, global);
    if let (Some(data), Some(network)) = (&args.sample.data, &network) {
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
        let failed = batch::each(
            &network.samples(data, args.sample.limit)?,
            target.is_some(),
            output,
            |sample, output| {
                let source = Source::Sample(network, sample);
                let dir = target.map(|dir| dir.join("samples").join(&sample.id));
                dir.as_deref().map(folder::create).transpose()?;
                let evaluated = run::evaluate(source, &args.sample, global, &config, output)?;
                write_table(&evaluated, dir.as_deref(), None)?;
                print_table(&evaluated, output)
            },
        )?;
        anyhow::ensure!(
            failed.is_empty(),
            "{} samples failed; the others are done",
            failed.len()
        );
        return Ok(());
    }
    let evaluated = evaluate(network.as_ref(), &args.sample, global, &config, output)?;
    write_table(&evaluated, target.filter(|_| single.is_none()), single)?;
    if target.is_none() && output.is_text() {
        output.say(
            "the table is not kept; name a folder or a file ending in .npy with -o to keep it",
        );
    }
    print_table(&evaluated, output)
}

/// The table alone as a file, or with its record as a folder.
fn write_table(
    evaluated: &Evaluated,
    dir: Option<&Path>,
    single: Option<&Path>,
) -> anyhow::Result<()> {
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
    Ok(())
}

/// What `tabulate --format json` prints.
#[derive(Serialize)]
struct TableDocument<'a> {
    record: &'a Record,
    values: &'a [f64],
}

fn print_table(evaluated: &Evaluated, output: &Output) -> anyhow::Result<()> {
    let Evaluated { table, record } = evaluated;
    let document = TableDocument {
        record,
        values: table.values(),
    };
    output.result(&document, || {
        text::sample(output.page, record) + &text::closing(output.page, record)
    })
}
