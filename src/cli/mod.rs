//! The program: words → settings → library calls → results. No mathematics here.

mod about;
mod args;
mod batch;
mod beside;
mod compare;
mod evaluate;
mod extraction;
mod games;
mod interrupt;
mod keep;
mod merge;
mod network;
mod order;
mod output;
mod prepared;
mod quantities;
mod recover;
mod report;
mod run;
mod samples;
mod settings;
mod study;
mod tables;
mod train;
mod values;

use std::process::ExitCode;

use anyhow::Context;
use clap::{ArgMatches, CommandFactory, FromArgMatches};
use harsanyi::Error;
use serde_json::Value;

use args::{Cli, Command, Format, GlobalArgs, ModelsCommand};
use output::Output;

/// Parses the command line, runs it, and turns what went wrong into a sentence and an exit code.
pub(crate) fn main() -> ExitCode {
    match parsed(&Cli::command().get_matches()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error),
    }
}

/// Runs what was typed: a command, or the commands of a run file.
fn parsed(matches: &ArgMatches) -> anyhow::Result<()> {
    let Cli { global, command } = Cli::from_arg_matches(matches)?;
    let Command::Run(args) = command else {
        start_threads(&global)?;
        return run(&global, command, matches);
    };
    let lines = settings::command_lines(&args, matches)?;
    let stages = lines.iter().map(|words| {
        let matches = Cli::command().try_get_matches_from(words)?;
        Ok((Cli::from_arg_matches(&matches)?, matches))
    });
    // All are understood before the first begins.
    let stages: Vec<(Cli, ArgMatches)> = stages.collect::<anyhow::Result<_>>()?;
    if let Some((first, _)) = stages.first() {
        start_threads(&first.global)?;
    }
    for (Cli { global, command }, matches) in stages {
        run(&global, command, &matches)?;
    }
    Ok(())
}

fn start_threads(global: &GlobalArgs) -> anyhow::Result<()> {
    let Some(threads) = global.threads else {
        return Ok(());
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global().context("could not start the threads")
}

fn run(global: &GlobalArgs, command: Command, matches: &ArgMatches) -> anyhow::Result<()> {
    let output = Output::new(global);
    if let (Some(Format::Html | Format::Svg | Format::Csv), false) =
        (global.format, matches!(command, Command::Report(_)))
    {
        return Err(Error::Parameter {
            parameter: "--format",
            must: "text or json here (`harsanyi report DIR` also takes html, svg and csv)",
            got: format!("{:?}", global.format.unwrap_or(Format::Text)).to_lowercase(),
        }
        .into());
    }
    let done = execute(global, command, &settings::of(matches), &output);
    if done.is_err() {
        output.interrupt.tidy();
    }
    done
}

fn execute(
    global: &GlobalArgs,
    command: Command,
    config: &Value,
    output: &Output,
) -> anyhow::Result<()> {
    match command {
        Command::Profile(args) => samples::profile(&args, global, config, output),
        Command::Tabulate(args) => samples::tabulate(&args, global, config, output),
        Command::Merge { path } => merge::merge(&path, global, output),
        _ if global.dump_config => output.document(settings::to_toml(config)?.as_bytes()),
        Command::Sample(args) => recover::sample(&args, global, config, output),
        Command::Extract(args) => tables::extract(&args, global, output),
        Command::Order(args) => order::order(&args, global, config, output),
        Command::Index(args) => tables::index(&args, global, output),
        Command::Compare(args) => compare::compare(&args, global, output),
        Command::Train(args) => train::run(&args, global, output),
        Command::Report(args) => report::report(&args, global, output),
        Command::Models(ModelsCommand::List) => about::list_models(output),
        Command::Models(ModelsCommand::Check { model }) => {
            about::check_model(&model, global, output)
        }
        Command::Devices => about::devices(output),
        Command::Run(_) => anyhow::bail!("a run file cannot run another"),
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
