//! A game that another program plays, over its standard input and output.
//!
//! The program is started once or, with several [`workers`](ProcessOptions::workers), several times, and speaks lines of JSON:
//!
//! | line | direction | content |
//! | --- | --- | --- |
//! | first | to the program | `{"harsanyi":1,"seed":0}`: the version of this protocol, and the seed of the game |
//! | first | from it | `{"players":3}` or `{"players":["a","b","c"]}`, and where the players belong to groups `"groups":{"agent":["x","x","y"],"time":[0,1,0],"behaviour":["buy","wait","buy"]}` with any of the three |
//! | each request | to it | `{"id":7,"seed":0,"coalitions":[[0,2],[],[1]]}`: who is present in each coalition, counted from 0 |
//! | its answer | from it | `{"id":7,"values":[0.5,0.25,1.0]}`: v of each, in that order; or `{"id":7,"error":"why not"}` |
//!
//! A program gets one request at a time, answers it before the next one comes, and ends when its input does. Answers must be
//! flushed. What it writes to standard error is handed to the caller line by line, and the last line is quoted when it fails.
//!
//! **One game, one seed.** v must be a function of the coalition: whatever a program draws at random it draws from the seed it
//! is given, anew for every coalition, so that the answer depends neither on what was asked before nor on which worker was
//! asked.
//!
//! **Failures.** A program that ends, cannot be understood, or does not answer in time is started again, and what it did not
//! answer is asked again, up to [`retries`](ProcessOptions::retries) times; after that a batch is split until the coalition
//! at which the program fails stands alone and can be named. A value that is not finite is an answer, and an error at once.
//! Values answered before an error are not lost to [`Game::values_heard`].
//!
//! ```python
//! import json, sys
//! seed = json.loads(input())["seed"]
//! print(json.dumps({"players": 3}), flush=True)
//! for line in sys.stdin:
//!     request = json.loads(line)
//!     values = [len(players) ** 2 for players in request["coalitions"]]
//!     print(json.dumps({"id": request["id"], "values": values}), flush=True)
//! ```

mod batches;
mod protocol;
mod worker;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::game::{Game, Roster};
use crate::{Coalition, Error, Result};
use worker::{Fault, Worker};

/// How a program is asked. None of it changes a value.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessOptions {
    /// How many copies of the program run at once.
    pub workers: usize,
    /// The most coalitions in a request; fewer where that keeps all workers busy.
    pub batch: usize,
    /// How long a program may take to begin, and to answer a request.
    pub timeout: Duration,
    /// How often a batch that was not answered is asked again before it is split.
    pub retries: usize,
    /// The seed that the program is given.
    pub seed: u64,
}

impl Default for ProcessOptions {
    fn default() -> Self {
        Self {
            workers: 1,
            batch: 64,
            timeout: Duration::from_secs(120),
            retries: 2,
            seed: 0,
        }
    }
}

/// What every worker of a game shares.
struct Shared {
    words: Vec<String>,
    options: ProcessOptions,
    /// Hears what the programs write to standard error.
    talk: Box<dyn Fn(&str) + Send + Sync>,
    /// The number of the next request.
    next: AtomicU64,
}

/// Another program as a game; see the [module](self). Its processes are ended when it is dropped.
pub struct ProcessGame {
    shared: Arc<Shared>,
    roster: Roster,
    workers: Vec<Option<Worker>>,
}

impl ProcessGame {
    /// Starts the program `words[0]` with the arguments `words[1..]` and hears who its players are; further workers are started
    /// when they are needed. `talk` hears each line that a program writes to standard error.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty command or options of zero, [`Error::Process`] when the program cannot be started or
    /// does not begin as it should.
    ///
    /// # Example
    /// ```
    /// use harsanyi::game::process::{ProcessGame, ProcessOptions, words};
    /// use harsanyi::tabulate;
    /// let squares = r#"sh -c 'read first; echo "{\"players\":1}"
    ///     while IFS= read -r request; do
    ///         id=${request#*:}; echo "{\"id\":${id%%,*},\"values\":[0,2.5]}"
    ///     done'"#;
    /// let mut game = ProcessGame::start(&words(squares)?, ProcessOptions::default(), |_| ())?;
    /// assert_eq!(tabulate(&mut game, |_| ())?.values(), [0.0, 2.5]);
    /// # Ok::<(), harsanyi::Error>(())
    /// ```
    pub fn start(
        words: &[String],
        options: ProcessOptions,
        talk: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Self> {
        let positive = [
            ("the command", words.len()),
            ("the number of workers", options.workers),
            ("the number of coalitions in a batch", options.batch),
            ("the timeout", options.timeout.as_millis() as usize),
        ];
        if let Some((parameter, _)) = positive.into_iter().find(|(_, count)| *count == 0) {
            return Err(Error::Parameter {
                parameter,
                must: "more than nothing",
                got: "nothing".into(),
            });
        }
        let mut workers: Vec<_> = (0..options.workers).map(|_| None).collect();
        let shared = Arc::new(Shared {
            words: words.to_vec(),
            options,
            talk: Box::new(talk),
            next: AtomicU64::new(0),
        });
        let (first, roster) = Worker::start(&shared).map_err(|fault| shared.failed(&fault))?;
        workers[0] = Some(first);
        Ok(Self {
            shared,
            roster,
            workers,
        })
    }

    /// Who the players are.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }
}

impl Shared {
    fn failed(&self, fault: &Fault) -> Error {
        self.error(fault.to_string())
    }

    fn error(&self, reason: String) -> Error {
        Error::Process {
            command: self.words.join(" "),
            reason,
        }
    }
}

impl Game for ProcessGame {
    fn players(&self) -> usize {
        self.roster.players()
    }

    fn values(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        self.values_heard(coalitions, &mut |_, _| ())
    }

    fn values_heard(
        &mut self,
        coalitions: &[Coalition],
        heard: &mut dyn FnMut(usize, f64),
    ) -> Result<Vec<f64>> {
        batches::ask(self, coalitions, heard)
    }
}

/// The words of a command line as a shell would split them: quotes and backslashes keep spaces, nothing is expanded.
///
/// # Errors
/// [`Error::Parameter`] for a quote that is not closed.
pub fn words(command: &str) -> Result<Vec<String>> {
    shlex::split(command).ok_or_else(|| Error::Parameter {
        parameter: "the command",
        must: "words whose quotes are closed",
        got: format!("`{command}`"),
    })
}
