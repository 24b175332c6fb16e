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
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;

use super::args::{Color, Format, GlobalArgs};
use super::interrupt::{Interrupt, Interrupted};

/// The exit code of a run that was stopped.
pub(crate) const STOPPED: u8 = 130;

/// Characters of a cause that are shown: it may quote what was given, and that may be a book.
const LONGEST_CAUSE: usize = 2000;

/// Seconds that a run may have left for anybody to believe it.
const LONGEST_LEFT: f64 = 3e7;

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
        match self.format {
            Format::Json => self.document((serde_json::to_string(json)? + "\n").as_bytes()),
            _ => self.raw(text().as_bytes()),
        }
    }

    /// Prints a document that holds text of others as it is; on a terminal, which would act on it, inert.
    pub(crate) fn document(&self, bytes: &[u8]) -> anyhow::Result<()> {
        match std::str::from_utf8(bytes) {
            Ok(text) if io::stdout().is_terminal() => self.raw(lines(text).as_bytes()),
            _ => self.raw(bytes),
        }
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

    /// Prints bytes as they are: nothing in them is somebody else's, or it is inert.
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
            "{prefix} {wide_bar} {human_pos}/{human_len}, {rate}, {left} left",
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
            let _ = out.write_str(&rate(per_second(state)));
        };
        let left = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let steps = state.len().unwrap_or(0).saturating_sub(state.pos());
            let _ = out.write_str(&time_left(steps, per_second(state)));
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("rate", rate)
            .with_key("left", left);
        let bar = ProgressBar::with_draw_target(Some(length), target).with_style(style);
        if self.progress {
            // The clock runs on while a slow batch is under way.
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        bar
    }
}

/// `text` with its lines as they are, and everything else in it inert.
fn lines(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| match line.strip_suffix('\n') {
            Some(line) => inert(line) + "\n",
            None => inert(line),
        })
        .collect()
}

/// Steps per second. The latest ones count, unless each takes so long that there are none in sight: then all do.
fn per_second(state: &ProgressState) -> f64 {
    let latest = state.per_sec();
    if latest >= 1.0 {
        return latest;
    }
    let all = state.pos() as f64 / state.elapsed().as_secs_f64().max(1e-3);
    all.min(1.0)
}

fn rate(per_second: f64) -> String {
    match per_second {
        many if many >= 1.0 => format!("{many:.0}/s"),
        some if some >= 1.0 / 60.0 => format!("{:.1}/min", 60.0 * some),
        few => format!("{:.1}/h", 3600.0 * few),
    }
}

/// How long so many steps take, where that can be said.
fn time_left(steps: u64, per_second: f64) -> String {
    let seconds = steps as f64 / per_second;
    match seconds < LONGEST_LEFT {
        true => format!("{:#}", HumanDuration(Duration::from_secs_f64(seconds))),
        false => "?".into(),
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
            "name fewer players with --players WORD,WORD,… or --players sentence, or take some out with --background; \
             `sample`, `index --estimate` and `order --contexts` take more players, of any game"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_steps_have_a_rate_and_a_time_that_can_be_read() {
        assert_eq!(rate(1234.4), "1234/s");
        assert_eq!(rate(0.25), "15.0/min");
        assert_eq!(rate(0.001), "3.6/h");
        assert_eq!(time_left(90, 0.5), "3m");
        assert_eq!(time_left(0, 7.0), "0s");
        // Nothing is done yet, or hardly anything.
        assert_eq!(time_left(5, 0.0), "?");
        assert_eq!(time_left(0, 0.0), "?");
        assert_eq!(time_left(1 << 40, 0.01), "?");
    }

    #[test]
    fn lines_stay_and_what_acts_on_a_terminal_does_not() {
        assert_eq!(
            lines("a\u{1b}[2J\nb\u{202e}c\n"),
            "a\u{fffd}[2J\nb\u{fffd}c\n"
        );
        assert_eq!(lines("no end"), "no end");
    }
}
