//! The program: words → settings → library calls → results. No mathematics here.

mod args;
mod batch;
mod games;
mod network;
mod output;
mod run;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use harsanyi::device::DeviceChoice;
use harsanyi::game::file;
use harsanyi::interaction::{AndOrOptions, and_or};
use harsanyi::model::Recipe;
use harsanyi::report::{IndexReport, InteractionReport, OrderReport, folder, text};
use harsanyi::{Error, device};
use serde_json::json;

use args::{
    Cli, Command, ExtractArgs, GlobalArgs, IndexArgs, ModelsCommand, OrderArgs, ProfileArgs,
    SampleArgs,
};
use args::{ExtractionArgs, TabulateArgs};
use network::Network;
use output::Output;
use run::{Evaluated, Source};

/// Parses the command line, runs it, and turns what went wrong into a sentence and an exit code.
pub(crate) fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    match execute(&global, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error),
    }
}

fn execute(global: &GlobalArgs, command: Command) -> anyhow::Result<()> {
    if let Some(threads) = global.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .context("could not start the threads")?;
    }
    let output = Output::new(global);
    match command {
        Command::Profile(args) => profile(&args, global, &output),
        Command::Tabulate(args) => tabulate(&args, global, &output),
        Command::Extract(args) => extract(&args, global, &output),
        Command::Order(args) => order(&args, global, &output),
        Command::Index(args) => index(&args, global, &output),
        Command::Models(ModelsCommand::List) => list_models(&output),
        Command::Models(ModelsCommand::Check { model }) => check_model(&model, global, &output),
        Command::Devices => devices(&output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "harsanyi", &mut script);
            output.raw(&script)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            output.raw(&page)
        }
    }
}

/// The one sample that the options name.
fn sample<'a>(args: &'a SampleArgs, network: Option<&'a Network>) -> anyhow::Result<Source<'a>> {
    let text = args.words.as_deref().or(args.text.as_deref());
    match (network, text, &args.game) {
        (_, _, Some(game)) => Ok(Source::Game(game)),
        (Some(network), Some(text), None) => Ok(Source::Text(network, text)),
        _ => Err(Error::Parameter {
            parameter: "the sample",
            must: "a TEXT, or --data FILE, or --game GAME",
            got: "none".into(),
        }
        .into()),
    }
}

/// The network, where the options call for one.
fn network(
    args: &SampleArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<Option<Network>> {
    let asked = args.words.is_some() || args.text.is_some() || args.data.is_some();
    asked
        .then(|| Network::load(args.model.as_deref(), global, output))
        .transpose()
}

fn profile(args: &ProfileArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let dir = global.output.as_deref();
    dir.map(folder::create).transpose()?;
    let network = network(&args.sample, global, output)?;
    if let (Some(data), Some(network)) = (&args.sample.data, &network) {
        return batch::profile(
            data,
            network,
            &args.sample,
            &args.extraction,
            global,
            output,
        );
    }
    let source = sample(&args.sample, network.as_ref())?;
    let config = run::config(&args.sample, Some(&args.extraction), global);
    let evaluated = run::evaluate(source, &args.sample, global, &config, output)?;
    let profile = run::profile(evaluated, &args.extraction, dir)?;
    output.result(&profile, || {
        batch::page(output, &profile, args.extraction.rows)
    })?;
    if let Some(dir) = dir {
        output.say(&format!("written to {}", dir.display()));
    }
    Ok(())
}

fn tabulate(args: &TabulateArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let target = global.output.as_deref();
    let single = target.filter(|path| path.extension().is_some_and(|extension| extension == "npy"));
    match (single, target) {
        (Some(file), _) => file
            .parent()
            .filter(|dir| !dir.as_os_str().is_empty())
            .map(folder::create)
            .transpose()?,
        (None, dir) => dir.map(folder::create).transpose()?,
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
        let failed = batch::each(data, args.sample.limit, output, |text| {
            let source = Source::Text(network, &text.text);
            let dir = target.map(|dir| dir.join("samples").join(&text.id));
            dir.as_deref().map(folder::create).transpose()?;
            let evaluated = run::evaluate(source, &args.sample, global, &config, output)?;
            write_table(&evaluated, dir.as_deref(), None)?;
            print_table(&evaluated, output)
        })?;
        anyhow::ensure!(
            failed.is_empty(),
            "{} samples failed; the others are done",
            failed.len()
        );
        return Ok(());
    }
    let source = sample(&args.sample, network.as_ref())?;
    let evaluated = run::evaluate(source, &args.sample, global, &config, output)?;
    write_table(&evaluated, target.filter(|_| single.is_none()), single)?;
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
    }
    Ok(())
}

fn print_table(evaluated: &Evaluated, output: &Output) -> anyhow::Result<()> {
    let Evaluated { table, record } = evaluated;
    output.result(
        &json!({ "record": record, "values": table.values() }),
        || text::sample(output.page, record) + &text::closing(output.page, record),
    )
}

/// AND and OR interactions of the table that the options name.
fn extracted(
    values: &args::ValuesArgs,
    extraction: &ExtractionArgs,
    output: &Output,
) -> anyhow::Result<(
    harsanyi::ValueTable,
    Vec<String>,
    harsanyi::interaction::AndOr,
)> {
    let (table, labels, _) = games::values(values, output)?;
    let found = and_or(
        &table,
        &AndOrOptions {
            fit: extraction.fit,
            ..AndOrOptions::default()
        },
    )?;
    Ok((table, labels, found))
}

fn extract(args: &ExtractArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let dir = global.output.as_deref();
    dir.map(folder::create).transpose()?;
    let (table, labels, found) = extracted(&args.values, &args.extraction, output)?;
    let report = InteractionReport::new(&found, &labels, args.extraction.threshold);
    if let Some(dir) = dir {
        harsanyi::report::write_interactions(&dir.join("interactions.parquet"), &found)?;
        folder::write_compact_json(&dir.join("interactions.json"), &report)?;
    }
    let page = text::Page {
        rows: args.extraction.rows,
        ..output.page
    };
    output.result(&report, || text::interactions(page, &report, table.span()))
}

fn order(args: &OrderArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let dir = global.output.as_deref();
    dir.map(folder::create).transpose()?;
    let (table, _, found) = extracted(&args.values, &args.extraction, output)?;
    let report = OrderReport::new(&table, &found)?;
    if let Some(dir) = dir {
        folder::write_json(&dir.join("orders.json"), &report)?;
    }
    output.result(&report, || text::order_profile(output.page, &report))
}

fn index(args: &IndexArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let dir = global.output.as_deref();
    dir.map(folder::create).transpose()?;
    let (table, labels, _) = games::values(&args.values, output)?;
    let report = IndexReport::new(&table, args.index, args.order)?;
    if let Some(dir) = dir {
        folder::write_json(&dir.join("index.json"), &report)?;
    }
    output.result(&report, || text::index(output.page, &report, &labels))
}

fn list_models(output: &Output) -> anyhow::Result<()> {
    let recipes = Recipe::all();
    let kind = |recipe: &Recipe| format!("{:?}", recipe.family).to_lowercase();
    let rows: Vec<_> = recipes
        .iter()
        .flat_map(|recipe| {
            recipe
                .model_types
                .iter()
                .map(|name| json!({ "model_type": name, "kind": kind(recipe) }))
        })
        .collect();
    output.result(&rows, || {
        let mut page = String::from("model_type in config.json   answers\n");
        for recipe in &recipes {
            let answers = match recipe.family {
                harsanyi::model::Family::Decoder => "the next token",
                harsanyi::model::Family::Encoder => "a class",
            };
            for name in &recipe.model_types {
                page += &format!("  {name:<26}{answers}\n");
            }
        }
        page + "\nand `demo`, the sentiment classifier that is built in and used without --model\n"
    })
}

fn check_model(model: &str, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let network = Network::load(Some(model), global, output)?;
    let report = network.check()?;
    output.result(&report, || {
        let mut page = format!("{} loads and answers\n", text::inert(model));
        let entries = report
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key != "model");
        for (key, value) in entries.chain(report["model"].as_object().into_iter().flatten()) {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), text::inert);
            page += &format!("  {:<18}{value}\n", key.replace('_', " "));
        }
        page
    })
}

fn devices(output: &Output) -> anyhow::Result<()> {
    let accelerators = [DeviceChoice::Cuda(0), DeviceChoice::Metal];
    let state = |choice: DeviceChoice| match choice.open() {
        Ok(_) => "ready".to_owned(),
        Err(error) => error.to_string(),
    };
    let threads = rayon::current_num_threads();
    let free = device::free_memory();
    let rows: Vec<_> = accelerators
        .iter()
        .map(|&choice| json!({ "device": choice.to_string(), "state": state(choice) }))
        .collect();
    let cpu = json!({ "device": "cpu", "state": "ready", "threads": threads, "free_bytes": free });
    let rows: Vec<_> = [cpu].into_iter().chain(rows).collect();
    output.result(&rows, || {
        let gigabytes = free.map_or("unknown".into(), |free| {
            format!("{:.1} GB", free as f64 / 1e9)
        });
        let mut page = format!("  cpu      ready, {threads} threads, {gigabytes} of memory free\n");
        for choice in accelerators {
            page += &format!(
                "  {:<8} {}\n",
                choice.to_string(),
                text::inert(&state(choice))
            );
        }
        page
    })
}
