//! Options of the commands that work on tables, and of `order`, which can do without.

use std::path::PathBuf;

use clap::Args;
use harsanyi::interaction::Threshold;
use harsanyi::sampling::Method;
use harsanyi::sampling::context::{ContextOptions, Grid, PairRule};
use harsanyi::transform::index::Index;

use super::{ExtractionArgs, ListingArgs, SampleArgs};
use crate::cli::quantities::positive;

/// A table that is already on disk, or a game to make one from.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Values")]
pub(crate) struct ValuesArgs {
    /// A value table: .npy, 2^n numbers, bit i of the index is player i; .npz, .csv or .json; or a run folder
    #[arg(long, value_name = "FILE", required_unless_present = "game")]
    pub(crate) values: Option<PathBuf>,
    /// A game: synthetic:EXPR, file:PATH[,bits=msb][,missing=VALUE], or exec:PROGRAM ARGS[,workers=K][,batch=N][,timeout=SECONDS][,retries=K]
    #[arg(long, value_name = "GAME", conflicts_with = "values")]
    pub(crate) game: Option<String>,
    /// Keep the values of an exec: game here as they come, and take from here what is there
    #[arg(long, value_name = "FILE", requires = "game")]
    pub(crate) memo: Option<PathBuf>,
    /// Who the players are: CSV with columns label, agent, time, behaviour, or JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ExtractArgs {
    #[command(flatten)]
    pub(crate) values: ValuesArgs,
    /// A further table on the same players, to be explained together with the first; may be repeated
    #[arg(long, value_name = "FILE", requires = "values")]
    pub(crate) with: Vec<PathBuf>,
    /// Under --with, what an interaction pays for each model that has it, beside what it pays once for all (0 to 1)
    #[arg(long, default_value_t = 0.1, value_name = "SHARE", requires = "with")]
    pub(crate) alpha: f64,
    #[command(flatten)]
    pub(crate) extraction: ExtractionArgs,
    #[command(flatten)]
    pub(crate) listing: ListingArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct OrderArgs {
    #[command(flatten)]
    pub(crate) sample: SampleArgs,
    /// A value table in place of a sample: .npy, 2^n numbers, bit i of the index is player i; or a run folder
    #[arg(long, value_name = "FILE", conflicts_with_all = ["words", "text", "image", "row", "data", "game", "model"])]
    pub(crate) values: Option<PathBuf>,
    /// Compare folders in which `order --data` has left its results; named at least twice
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["words", "text", "image", "row", "data", "game", "model", "values"])]
    pub(crate) beside: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) contexts: ContextArgs,
    #[command(flatten)]
    pub(crate) extraction: ExtractionArgs,
}

/// Which pairs, in which contexts. With none of these options a single sample is measured exactly, from all coalitions.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Contexts")]
pub(crate) struct ContextArgs {
    /// Pairs of players: all, random:COUNT, near:COUNT[:RADIUS] [default: near:200:2 on a grid, random:200 elsewhere]
    #[arg(long, value_name = "RULE")]
    pub(crate) pairs: Option<PairRule>,
    /// Contexts for each pair and size, at least 2 [default: 100]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) contexts: Option<usize>,
    /// Context sizes as shares of n-2 [default: all sizes up to 16 players, else 0,0.05,0.1,0.2,…,0.9,0.95,1]
    #[arg(long, value_delimiter = ',', value_name = "SHARES")]
    pub(crate) ratios: Option<Vec<f64>>,
    /// Only samples of --data that the model answers as they are labelled
    #[arg(long, requires = "data")]
    pub(crate) correct: bool,
    /// At most N samples of --data of each class
    #[arg(long, value_name = "N", requires = "data", value_parser = positive)]
    pub(crate) per_class: Option<usize>,
    /// Keep what a run with the same settings left in the folder of --output
    #[arg(long, requires = "data")]
    pub(crate) resume: bool,
}

impl ContextArgs {
    /// Whether sampling was asked for.
    pub(crate) fn asks(&self) -> bool {
        self.pairs.is_some() || self.contexts.is_some() || self.ratios.is_some()
    }

    /// Contexts for each pair and size.
    pub(crate) fn count(&self) -> usize {
        self.contexts.unwrap_or(ContextOptions::default().contexts)
    }

    pub(crate) fn options(&self, grid: Option<Grid>, seed: u64) -> ContextOptions {
        let elsewhere = match grid {
            Some(_) => ContextOptions::default().pairs,
            None => PairRule::Random(200),
        };
        ContextOptions {
            pairs: self.pairs.unwrap_or(elsewhere),
            ratios: self.ratios.clone(),
            contexts: self.count(),
            grid,
            seed,
        }
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct IndexArgs {
    #[command(flatten)]
    pub(crate) values: ValuesArgs,
    /// The index, by its name in shapiq: SV, BV, SII, BII, CHII, STII, Moebius, Co-Moebius, Fourier, k-SII, FSII, FBII,
    /// kADD-SHAP, JointSV, SGV, BGV, CHGV, IGV, EGV
    #[arg(long, default_value_t = Index::ShapleyValue, value_name = "INDEX")]
    pub(crate) index: Index,
    /// The highest order
    #[arg(long, default_value_t = 1, value_name = "K", value_parser = positive)]
    pub(crate) order: usize,
    /// What becomes of v as the players with the largest values go, and as they come
    #[arg(long)]
    pub(crate) curves: bool,
    /// Estimate the index from --budget values, with error bars: permutation, kernel-shap, leverage, k-additive, stratified
    #[arg(long, value_name = "METHOD", requires = "budget")]
    pub(crate) estimate: Option<Method>,
    /// The most values of the game that an estimate may ask for; 2^n make it exact
    #[arg(long, value_name = "N", value_parser = positive, requires = "estimate")]
    pub(crate) budget: Option<usize>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CompareArgs {
    /// Two or more tables on the same players: run folders, value files, or games as for --game
    #[arg(required = true, num_args = 2.., value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
    #[command(flatten)]
    pub(crate) extraction: ExtractionArgs,
    /// Which interactions count as salient: max:0.05 (of the strongest), span:0.03 (of |v(N) − v(∅)|), abs:X, top:K
    #[arg(long, default_value_t, value_name = "RULE")]
    pub(crate) threshold: Threshold,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ReportArgs {
    /// A folder that `profile -o` or `order -o` wrote, of one sample or of many
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Which chart --format svg prints, by the name of its file; with -o a folder, all are written
    #[arg(long, value_name = "NAME")]
    pub(crate) chart: Option<String>,
    /// Interactions that --format text lists
    #[arg(long, default_value_t = 12, value_name = "N")]
    pub(crate) rows: usize,
}
