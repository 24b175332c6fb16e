//! The only place that prints: results on stdout, talk on stderr, and the exit code.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Error as AnyError};
use harsanyi::Error;
use harsanyi::report::text::{Page, inert};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;

use super::args::{Color, Format, GlobalArgs};
use super::interrupt::{Interrupt, Interrupted};

/// The exit code of a run that was stopped.
pub(crate) const STOPPED: u8 = 130;

/// Characters of a cause that are shown: it may quote what was given, and that may be a book.
const LONGEST_CAUSE: usize = 2000;

/// The width of a page that no terminal bounds.
const PAGE_WIDTH: usize = 100;

/// Where a command's words go.
pub(crate) struct Output {
    format: Format,
    quiet: bool,
    verbose: bool,
    progress: bool,
    /// Whether the reader of stdout has closed the pipe: it has what it wanted, and what goes to disk goes on.
    closed: Rc<Cell<bool>>,
    /// A bar that is on the screen, to be lifted while something is printed.
    over: Option<ProgressBar>,
    pub(crate) page: Page,
    /// Whether somebody asked to stop.
    pub(crate) interrupt: Arc<Interrupt>,
}

impl Output {
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        let terminal = io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|kind| kind == "dumb");
        let color = match global.color {
            Color::Auto => terminal && !plain,
            Color::Always => true,
            Color::Never => false,
        };
        let width = if terminal {
            usize::from(console::Term::stdout().size().1)
        } else {
            PAGE_WIDTH
        };
        Self {
            format: global.format.unwrap_or(Format::Text),
            quiet: global.quiet,
            verbose: global.verbose,
            // A bar would shred a log.
            progress: !global.no_progress
                && !global.quiet
                && !global.verbose
                && io::stderr().is_terminal(),
            closed: Rc::default(),
            over: None,
            interrupt: Interrupt::listen(),
            page: Page {
                width: width.clamp(40, 120),
                color,
                rows: usize::MAX,
            },
        }
    }

    /// Whether results are pages for people.
    pub(crate) fn is_text(&self) -> bool {
        self.format == Format::Text
    }

    /// Prints a result: `json` as one line of JSON, or `text`.
    pub(crate) fn result(
        &self,
        json: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        let line = match self.format {
            Format::Json => serde_json::to_string(json)? + "\n",
            _ => text(),
        };
        self.raw(line.as_bytes())
    }

    /// The same output while `bar` is on the screen: it is lifted for every word, and no other bar is drawn.
    pub(crate) fn under(&self, bar: &ProgressBar) -> Self {
        Self {
            progress: false,
            closed: Rc::clone(&self.closed),
            interrupt: Arc::clone(&self.interrupt),
            over: Some(bar.clone()),
            ..*self
        }
    }

    fn lifted<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.over {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Prints bytes as they are.
    pub(crate) fn raw(&self, bytes: &[u8]) -> anyhow::Result<()> {
        if self.closed.get() {
            return Ok(());
        }
        let printed = self.lifted(|| {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes).and_then(|()| stdout.flush())
        });
        match printed {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed.set(true);
                Ok(())
            }
            printed => printed.context("could not write to standard output"),
        }
    }

    /// Whether nobody reads stdout any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Says something on stderr; nobody listening is no failure.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            // Paths and ids come from elsewhere.
            let _ = self.lifted(|| writeln!(io::stderr(), "{}", inert(text)));
        }
    }

    /// Says something that only `--verbose` asks for.
    pub(crate) fn detail(&self, text: &str) {
        if self.verbose {
            self.say(text);
        }
    }

    /// What hears what other programs say on the side: it is passed on where `--verbose` asks for it.
    pub(crate) fn talk(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let verbose = self.verbose;
        move |line| {
            if verbose {
                let _ = writeln!(io::stderr(), "{}", inert(line));
            }
        }
    }

    /// A bar over `length` steps with rate and time left, drawn on stderr; hidden where nobody would see it.
    pub(crate) fn bar(&self, what: &'static str, length: u64) -> ProgressBar {
        self.styled(
            "{prefix} {wide_bar} {human_pos}/{human_len}, {rate}, {eta} left",
            length,
        )
        .with_prefix(what)
    }

    /// A bar over the bytes of a transfer, whose length is not known yet.
    pub(crate) fn bytes(&self) -> ProgressBar {
        self.styled(
            "{prefix} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left",
            0,
        )
    }

    /// A line that tells how far something of unknown length is.
    pub(crate) fn spinner(&self, what: &'static str) -> ProgressBar {
        self.styled("{prefix} {spinner} {elapsed} {msg}", 0)
            .with_prefix(what)
    }

    fn styled(&self, template: &str, length: u64) -> ProgressBar {
        let target = if self.progress {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.0}/s", state.per_sec());
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("rate", rate);
        let bar = ProgressBar::with_draw_target(Some(length), target).with_style(style);
        if self.progress {
            // The clock runs on while a slow batch is under way.
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        bar
    }
}

/// Prints `error` with its causes and a hint, and says which exit code it has.
pub(crate) fn fail(error: &AnyError) -> ExitCode {
    if let Some(usage) = error.downcast_ref::<clap::Error>() {
        let _ = usage.print();
        return ExitCode::from(2);
    }
    // A tensor error may carry a backtrace behind its sentence.
    let sentence = |text: &str| {
        let text = inert(text.split("\n   0: ").next().unwrap_or(text).trim());
        match text.char_indices().nth(LONGEST_CAUSE) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    };
    let causes: Vec<String> = error
        .chain()
        .map(|cause| sentence(&cause.to_string()))
        .collect();
    let _ = writeln!(io::stderr(), "error: {}", causes.join(": "));
    let mut known = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<Error>());
    let hint = known.clone().find_map(hint);
    let known = known.next();
    if let Some(hint) = hint {
        let _ = writeln!(io::stderr(), "hint: {hint}");
    }
    if error.is::<Interrupted>() {
        let _ = writeln!(io::stderr(), "hint: the same command with --resume goes on");
        return ExitCode::from(STOPPED);
    }
    match known {
        Some(Error::Parameter { .. } | Error::Expression { .. }) => ExitCode::from(2),
        _ => ExitCode::from(1),
    }
}

/// What the user can do, in the words of the command line.
fn hint(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::TooManyPlayers { .. } => {
            "name fewer players with --players WORD,WORD,… or --players sentence, or take some out with --background"
        }
        Error::Incomplete { .. } => {
            "with --game file:PATH,missing=VALUE every coalition that the file lacks has that value"
        }
        Error::Process { .. } => "--verbose shows what the program writes to standard error",
        Error::UnknownModel { .. } => "`harsanyi models list` lists the families that load",
        Error::MissingBackend { feature: "cuda" } => {
            "build with `cargo build --release --features cuda`, or use --device cpu"
        }
        Error::MissingBackend { feature: "metal" } => {
            "build with `cargo build --release --features metal`, or use --device cpu"
        }
        Error::Forward { .. } => "a smaller --batch needs less memory",
        Error::OtherGame { .. } => {
            "name another folder with -o, or leave out --resume and --shard to begin anew"
        }
        Error::Unfinished { .. } => {
            "--resume goes on with it; to begin anew, name another folder with -o or remove it"
        }
        Error::PiecesMissing { .. } => {
            "run the shares that are missing again with --shard i/K, or all of it with --resume"
        }
        Error::Busy { .. } => {
            "wait for it, or give every process a share of its own with --shard i/K"
        }
        Error::Checkpoint { .. } => "`harsanyi models check DIR` loads a model and says what it is",
        _ => return None,
    })
}
