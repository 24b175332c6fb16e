//! What a user types, as typed words. Parsing touches neither disk nor device.

mod tables;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use harsanyi::Error;
use harsanyi::device::DeviceChoice;
use harsanyi::game::Shard;
use harsanyi::input::{Baseline, PlayerRule, Target};
use harsanyi::interaction::{AndOrOptions, Fit, Threshold};
use harsanyi::sampling::sparse;
use harsanyi::value::Readout;
use serde::Serialize;

use super::quantities::{batch, bytes, positive};
use super::train::TrainArgs;

pub(crate) use tables::{
    CompareArgs, ContextArgs, ExtractArgs, IndexArgs, OrderArgs, ReportArgs, ValuesArgs,
};

/// Which inputs a neural network combines, how strongly, and at which orders.
#[derive(Debug, Parser)]
#[command(name = "harsanyi", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything in one go: values of all coalitions, interactions, orders, report
    Profile(ProfileArgs),
    /// The value of every coalition of a sample, or of many
    Tabulate(TabulateArgs),
    /// AND and OR terms of a game with many players, recovered from the values of some coalitions
    Sample(RecoverArgs),
    /// AND and OR interactions of a value table
    Extract(ExtractArgs),
    /// Strength per order, multi-order interactions I(m) and order strength J(m)
    Order(OrderArgs),
    /// Shapley, Banzhaf and interaction indices
    Index(IndexArgs),
    /// Faithfulness, sparsity, overlap and transfer between tables on the same players
    Compare(CompareArgs),
    /// Train a small network on images, with or without losses that move its orders
    Train(TrainArgs),
    /// A finished run folder again: as text, JSON, CSV, SVG or an HTML page
    Report(ReportArgs),
    /// Model families that load, or a check of one model
    #[command(subcommand)]
    Models(ModelsCommand),
    /// What this build can compute on
    Devices,
    /// Put together the table that several processes filled with --shard, saying what is missing
    Merge {
        /// The run folder, or the .npy file that `tabulate -o` named
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },
    /// Everything that a run file names
    #[command(
        after_help = "A run file is TOML: `command = \"profile\"`, and the options of that command without their dashes, as in\n\
                      `text = \"not bad at all\"` or `background = [\"at\"]`. Several commands stand in [[stage]] tables, which also\n\
                      have what stands above them. A run folder or its record.json does for the run file that would repeat it."
    )]
    Run(RunArgs),
    /// Completions for a shell, to be sourced by it
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// The manual page, in roff
    Man,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// The model families that this build loads
    List,
    /// Load a model, run it once and say what it is
    Check {
        /// A folder in Hugging Face layout, a hub id `org/name[@revision]`, or `demo`
        model: String,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// The run file, a run folder, or its record.json
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Options of the command that the file names, which go before those of the file
    #[arg(
        value_name = "OPTIONS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) options: Vec<OsString>,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct GlobalArgs {
    /// Where to compute: auto, cpu, cuda[:N], metal
    #[arg(long, global = true, default_value_t, value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
    /// Precision of weights and activations
    #[arg(long, global = true, value_enum, default_value_t = Precision::F32)]
    pub(crate) dtype: Precision,
    /// Seed of everything drawn
    #[arg(long, global = true, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// Threads; all cores by default
    #[arg(long, global = true, value_name = "N", value_parser = positive)]
    pub(crate) threads: Option<usize>,
    /// What stdout gets: text [default] or json; for `report` also html, svg and csv
    #[arg(long, global = true, value_enum)]
    pub(crate) format: Option<Format>,
    /// Write files here: a folder; for `tabulate` also a file ending in .npy, for `index` one ending in .json, for `report` the
    /// file of its one document
    #[arg(short, long, global = true, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Say nothing but the result
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more about what happens
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Show no progress bar
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// Colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Print the run file of this command, everything decided that can be before it runs, and do not run it
    #[arg(long, global = true)]
    pub(crate) dump_config: bool,
}

impl GlobalArgs {
    /// The folder that `--output` names.
    ///
    /// # Errors
    /// The name of a file, as other commands of this program or of others would take it.
    pub(crate) fn folder(&self) -> Result<Option<&Path>, Error> {
        let Some(path) = self.output.as_deref() else {
            return Ok(None);
        };
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        let is_file = ["npy", "json", "csv", "parquet", "txt", "html", "svg"].contains(&extension)
            && !path.is_dir();
        match is_file {
            true => Err(Error::Parameter {
                parameter: "--output",
                must: "a folder here (`tabulate` also takes a file ending in .npy)",
                got: format!("`{}`", path.display()),
            }),
            false => Ok(Some(path)),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Precision {
    F32,
    Bf16,
    F16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Html,
    Svg,
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// Where values come from: a model on a text, or another game.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Sample")]
pub(crate) struct SampleArgs {
    /// The text
    #[arg(value_name = "TEXT", conflicts_with_all = ["text", "image", "row", "data", "game"])]
    pub(crate) words: Option<String>,
    /// The text, as an option
    #[arg(long, conflicts_with_all = ["image", "row", "data", "game"])]
    pub(crate) text: Option<String>,
    /// The image: a PNG or JPEG file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["row", "data", "game"])]
    pub(crate) image: Option<PathBuf>,
    /// The row of a CSV file with a header; the first row behind it is 0
    #[arg(long, value_name = "FILE:N", conflicts_with_all = ["data", "game"])]
    pub(crate) row: Option<String>,
    /// Many samples: JSON Lines with `text`, or CSV or TSV with such a column; a folder of images, an IDX file or a CIFAR
    /// binary; a CSV file of rows
    #[arg(long, value_name = "FILE", conflicts_with = "game")]
    pub(crate) data: Option<PathBuf>,
    /// Only the first N samples of --data
    #[arg(long, value_name = "N", requires = "data", value_parser = positive)]
    pub(crate) limit: Option<usize>,
    /// A folder in Hugging Face layout, one .safetensors file of it, or a hub id `org/name[@revision]` [default: the
    /// built-in demo model]
    #[arg(long, value_name = "MODEL", conflicts_with = "game")]
    pub(crate) model: Option<String>,
    /// The classes of a network that compares images with texts, as texts: "a cat,a dog"
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "TEXTS",
        conflicts_with = "game"
    )]
    pub(crate) classes: Vec<String>,
    /// A game in place of a model: synthetic:EXPR, file:PATH[,bits=msb][,missing=VALUE], or exec:PROGRAM ARGS[,workers=K][,batch=N][,timeout=SECONDS][,retries=K]
    #[arg(long, value_name = "GAME")]
    pub(crate) game: Option<String>,
    /// Keep the values of an exec: game here as they come, and take from here what is there
    #[arg(long, value_name = "FILE", requires = "game")]
    pub(crate) memo: Option<PathBuf>,
    /// Who the players of a game are: CSV with columns label, agent, time, behaviour, or JSON
    #[arg(long, value_name = "FILE", requires = "game")]
    pub(crate) labels: Option<PathBuf>,
    /// Who the players are: word, token, sentence, spans:FILE, or words of the text separated by commas; grid:RxC or
    /// segments:FILE for an image; column, or columns separated by commas, for a row
    #[arg(long, default_value_t, value_name = "RULE", conflicts_with = "game")]
    pub(crate) players: PlayerRule,
    /// Players, by word or number, that are never absent
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "WORDS",
        conflicts_with = "game"
    )]
    pub(crate) background: Vec<String>,
    /// What stands where a player is absent: auto, mask, pad, unk, token:ID-or-STRING, mean, remove, ignore; zero, mean,
    /// blur, file:PATH for images and rows
    #[arg(
        long,
        default_value_t,
        value_name = "BASELINE",
        conflicts_with = "game"
    )]
    pub(crate) baseline: Baseline,
    /// Players are cells of the map that this layer of the network puts out, not of the image; `models check` names layers
    #[arg(long, value_name = "NAME", conflicts_with = "game")]
    pub(crate) layer: Option<String>,
    /// What is explained: auto (the model's own answer), class:NAME-or-INDEX, token:ID[,ID…], or a text that continues
    #[arg(long, default_value_t, value_name = "TARGET", conflicts_with = "game")]
    pub(crate) target: Target,
    /// How the answer becomes a number: log-odds, logit, log-prob, prob, margin
    #[arg(long, default_value_t, value_name = "READOUT", conflicts_with = "game")]
    pub(crate) readout: Readout,
    /// Coalitions per forward pass: auto, or a number
    #[arg(long, default_value = "auto", value_name = "N", value_parser = batch, conflicts_with = "game")]
    pub(crate) batch: Batch,
    /// Memory that the program may take, as 4GB; batches are chosen to fit [default: what is free]
    #[arg(long, value_name = "BYTES", value_parser = bytes, conflicts_with = "game")]
    pub(crate) memory: Option<u64>,
}

/// What outlives a run that is stopped.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Long runs")]
pub(crate) struct KeepArgs {
    /// Go on with the table, or the samples, that an earlier run began in --output
    #[arg(long)]
    pub(crate) resume: bool,
    /// Do the i-th of K shares, beside processes that do the others in the same --output
    #[arg(long, value_name = "i/K")]
    pub(crate) shard: Option<Shard>,
}

/// Coalitions per forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Batch {
    Auto,
    Rows(usize),
}

/// How interactions are extracted.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Extraction")]
pub(crate) struct ExtractionArgs {
    /// How closely v is followed: auto, least-squares[:SIGMA], exact, box:SHARE, papers[:lr=…,iterations=…,bound=…], half
    #[arg(long, default_value_t, value_name = "FIT")]
    pub(crate) fit: Fit,
    /// Stop when the explanation is proven to be this close to the least possible, as a share of it
    #[arg(long, default_value_t = AndOrOptions::default().gap, value_name = "SHARE")]
    pub(crate) gap: f64,
}

/// Which of the interactions are told.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Extraction")]
pub(crate) struct ListingArgs {
    /// Which interactions count as salient: max:0.05 (of the strongest), span:0.03 (of |v(N) − v(∅)|), abs:X, top:K
    #[arg(long, default_value_t, value_name = "RULE")]
    pub(crate) threshold: Threshold,
    /// Fit the effects of the salient interactions anew by least squares
    #[arg(long)]
    pub(crate) refit: bool,
    /// Interactions to list
    #[arg(long, default_value_t = 12, value_name = "N")]
    pub(crate) rows: usize,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ProfileArgs {
    #[command(flatten)]
    pub(crate) sample: SampleArgs,
    #[command(flatten)]
    pub(crate) extraction: ExtractionArgs,
    #[command(flatten)]
    pub(crate) listing: ListingArgs,
    #[command(flatten)]
    pub(crate) keep: KeepArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TabulateArgs {
    #[command(flatten)]
    pub(crate) sample: SampleArgs,
    #[command(flatten)]
    pub(crate) keep: KeepArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RecoverArgs {
    #[command(flatten)]
    pub(crate) sample: SampleArgs,
    /// Coalitions to ask, a fifth of which judge what the others tell
    #[arg(long, default_value_t = 2000, value_name = "N", value_parser = positive)]
    pub(crate) budget: usize,
    /// How terms are found: auto (what predicts best of several), greedy, ridge, lasso, tree, walsh (asks coalitions of its own)
    #[arg(long, default_value = "auto", value_name = "METHOD", value_parser = method)]
    pub(crate) method: RecoverMethod,
    /// The highest order of a term
    #[arg(long, default_value_t = 5, value_name = "K", value_parser = positive)]
    pub(crate) order: usize,
    /// Interactions and players to list
    #[arg(long, default_value_t = 12, value_name = "N")]
    pub(crate) rows: usize,
}

/// How terms are recovered; `None` tries several methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecoverMethod(pub(crate) Option<sparse::Method>);

fn method(text: &str) -> Result<RecoverMethod, String> {
    match text {
        "auto" => Ok(RecoverMethod(None)),
        _ => text
            .parse()
            .map(|method| RecoverMethod(Some(method)))
            .map_err(|_| "expected auto, greedy, ridge, lasso, tree or walsh".into()),
    }
}
