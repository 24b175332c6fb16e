//! The program: words → settings → library calls → results. No mathematics here.

mod about;
mod args;
mod batch;
mod beside;
mod extraction;
mod games;
mod network;
mod order;
mod output;
mod prepared;
mod run;
mod samples;
mod study;
mod tables;
mod train;

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};

use args::{Cli, Command, GlobalArgs, ModelsCommand};
use output::Output;

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
        Command::Profile(args) => samples::profile(&args, global, &output),
        Command::Tabulate(args) => samples::tabulate(&args, global, &output),
        Command::Extract(args) => tables::extract(&args, global, &output),
        Command::Order(args) => order::order(&args, global, &output),
        Command::Index(args) => tables::index(&args, global, &output),
        Command::Train(args) => train::run(&args, global, &output),
        Command::Models(ModelsCommand::List) => about::list_models(&output),
        Command::Models(ModelsCommand::Check { model }) => {
            about::check_model(&model, global, &output)
        }
        Command::Devices => about::devices(&output),
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
