//! The one error type of the library: a variant for each thing a caller could do something about.

use std::path::PathBuf;

use crate::coalition::Coalition;

/// What every fallible function of the library returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A cause that is kept as [`std::error::Error::source`] and never repeated in the text.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong, in three groups: what was asked, what was answered, what this machine or disk has.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More players than the exact path takes.
    #[error(
        "{players} players make 2^{players} coalitions; the exact path takes at most {max} players"
    )]
    TooManyPlayers {
        /// Players asked for.
        players: usize,
        /// The limit, [`crate::game::MAX_EXACT_PLAYERS`].
        max: usize,
    },
    /// A setting out of its range.
    #[error("{parameter} must be {must}, got {got}")]
    Parameter {
        /// The setting's name.
        parameter: &'static str,
        /// What it must be.
        must: &'static str,
        /// What it was.
        got: String,
    },
    /// The sample, its players, baseline or target do not fit together.
    #[error("{0}")]
    Input(String),
    /// A table whose length is no power of two, or not that of its players.
    #[error("a table over {players} players holds 2^{players} values, got {len}")]
    TableLength {
        /// Number of players.
        players: usize,
        /// Number of values.
        len: usize,
    },
    /// A value that is NaN or infinite.
    #[error("v({coalition}) is {value}; every value must be finite")]
    NotFinite {
        /// The coalition asked.
        coalition: Coalition,
        /// What the game answered.
        value: f64,
    },
    /// A game that answered too many or too few values.
    #[error("the game returned {got} values for {expected} coalitions")]
    ValueCount {
        /// Coalitions asked.
        expected: usize,
        /// Values answered.
        got: usize,
    },
    /// Another program that is no game, or does not go on being one.
    #[error("the game `{command}` {reason}")]
    Process {
        /// The program and its arguments.
        command: String,
        /// What it did.
        reason: String,
    },
    /// A coalition that a table or file of values does not hold.
    #[error("v({coalition}) is not among the values of the game")]
    NoValue {
        /// The coalition asked.
        coalition: Coalition,
    },
    /// A file of values that is no complete table.
    #[error("{missing} of {of} coalitions have no value, the first of them {first}")]
    Incomplete {
        /// How many have none.
        missing: usize,
        /// 2^n.
        of: usize,
        /// The first of them in the order of a table.
        first: Coalition,
    },
    /// A synthetic expression that does not parse.
    #[error("cannot read the game `{expression}`: {reason}")]
    Expression {
        /// The whole expression.
        expression: String,
        /// What was expected where.
        reason: String,
    },
    /// A file that cannot be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file that cannot be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file that is not what it should be.
    #[error("`{}` is not a valid {format}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The format expected.
        format: &'static str,
        /// The cause.
        #[source]
        source: Source,
    },
    /// A checkpoint of an architecture without a recipe.
    #[error("model type `{found}` has no recipe; known: {known}")]
    UnknownModel {
        /// What `config.json` says.
        found: String,
        /// The model types that have one.
        known: String,
    },
    /// A checkpoint that lacks something or contradicts itself.
    #[error("`{}`: {reason}", path.display())]
    Checkpoint {
        /// The folder or file.
        path: PathBuf,
        /// What was expected and what came.
        reason: String,
    },
    /// A tensor whose shape is not the one that the configuration calls for.
    #[error("tensor `{name}`: expected shape {expected:?}, got {got:?}")]
    TensorShape {
        /// The tensor's name in the checkpoint.
        name: String,
        /// The shape that the configuration calls for.
        expected: Vec<usize>,
        /// The shape on disk.
        got: Vec<usize>,
    },
    /// A model that could not be had from the hub.
    #[error("could not get `{repository}` from the hub: {reason}")]
    Hub {
        /// `org/name`.
        repository: String,
        /// What happened, with the file and the status where there is one.
        reason: String,
        /// The cause, where another library reported one.
        #[source]
        source: Option<Source>,
    },
    /// Values on disk that belong to another game.
    #[error(
        "the values in `{}` belong to another run: {field} was {stored}, now it is {asked}",
        path.display()
    )]
    OtherGame {
        /// Where the values are.
        path: PathBuf,
        /// The first field in which the two differ.
        field: String,
        /// What it was.
        stored: String,
        /// What it is now.
        asked: String,
    },
    /// An unfinished table where a new one was to begin.
    #[error("`{}` holds the unfinished table of another run", path.display())]
    Unfinished {
        /// Where it is.
        path: PathBuf,
    },
    /// A table of which not all pieces are there.
    #[error("`{}` is not complete: {missing} of {of} pieces are missing ({which})", path.display())]
    PiecesMissing {
        /// Where it is.
        path: PathBuf,
        /// How many pieces are missing.
        missing: usize,
        /// How many there are in all.
        of: usize,
        /// Which ones.
        which: String,
    },
    /// A store that another process works in.
    #[error("another process works in `{}`", path.display())]
    Busy {
        /// Where.
        path: PathBuf,
    },
    /// A backend that this build lacks.
    #[error("this build has no `{feature}` backend")]
    MissingBackend {
        /// The cargo feature that brings it.
        feature: &'static str,
    },
    /// A device that this machine lacks, or that does not open.
    #[error("{device} does not open: {why}")]
    NoDevice {
        /// Its name.
        device: String,
        /// What its driver said.
        why: String,
    },
    /// A network that failed on a batch.
    #[cfg(feature = "network")]
    #[error("the network failed on a batch of {batch} coalitions")]
    Forward {
        /// How many coalitions the batch held.
        batch: usize,
        /// The cause.
        #[source]
        source: candle_core::Error,
    },
    /// A tensor operation that failed.
    #[cfg(feature = "network")]
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl Error {
    /// [`Error::Read`] for `path`; to be used in `map_err`.
    pub fn read(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Read { path, source }
    }

    /// [`Error::Write`] for `path`; to be used in `map_err`.
    pub fn write(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }

    /// [`Error::Parse`] for `path`; to be used in `map_err`.
    pub fn parse<S: Into<Source>>(
        path: impl Into<PathBuf>,
        format: &'static str,
    ) -> impl FnOnce(S) -> Self {
        let path = path.into();
        move |source| Self::Parse {
            path,
            format,
            source: source.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_stays_small_enough_to_return_by_value() {
        assert!(size_of::<Error>() <= 128, "{} bytes", size_of::<Error>());
    }
}
