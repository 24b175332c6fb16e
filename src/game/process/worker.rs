//! One running copy of a program.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Shared, protocol};
use crate::Coalition;
use crate::game::Roster;

/// The longest line that is taken from a program.
const LONGEST_LINE: u64 = 1 << 26;

/// The longest line of standard error that is taken as one; of longer ones, pieces.
const LONGEST_WORDS: u64 = 1 << 12;

/// Characters of the last words that are kept to be quoted.
const QUOTED: usize = 200;

/// How long a program whose input has ended may take to end before it is killed.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a program did wrong.
#[derive(Debug)]
pub(super) enum Fault {
    /// It could not be started.
    Start(io::Error),
    /// It ended, or closed its output.
    Ended(Option<ExitStatus>, Words),
    /// It did not answer in time.
    Late(Duration, Words),
    /// Its answer cannot be understood.
    Nonsense(String),
    /// It answered that it cannot.
    Refused(String),
}

/// The last line that a program wrote to standard error, where it wrote one.
#[derive(Debug, Default)]
pub(super) struct Words(Option<String>);

/// What happened, to be read after the name of the program.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(f, "could not be started: {error}"),
            Self::Ended(Some(status), words) => write!(f, "ended ({status}){words}"),
            Self::Ended(None, words) => write!(f, "closed its output{words}"),
            Self::Late(limit, words) => {
                write!(f, "did not answer within {} s{words}", limit.as_secs_f64())
            }
            Self::Nonsense(what) => f.write_str(what),
            Self::Refused(reason) => write!(f, "said that it cannot answer: {reason}"),
        }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(line) => write!(f, "; its last words were `{line}`"),
            None => Ok(()),
        }
    }
}

/// A running program with a thread for each of its streams, so that none of them can hold up another.
pub(super) struct Worker {
    child: Child,
    /// Closes the program's input when it is dropped.
    requests: Option<Sender<String>>,
    /// Closed when the program's output is.
    lines: Receiver<io::Result<String>>,
    last_words: Arc<Mutex<Option<String>>>,
    /// Closed when the program's standard error is.
    silence: Receiver<()>,
    /// Whether it may be killed without being given time to end.
    hopeless: bool,
}

impl Worker {
    /// Starts the program and hears who its players are.
    pub(super) fn start(shared: &Arc<Shared>) -> Result<(Self, Roster), Fault> {
        let mut child = Command::new(&shared.words[0])
            .args(&shared.words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Fault::Start)?;
        let (requests, to_write) = channel::<String>();
        let (read, lines) = channel();
        let (silent, silence) = channel();
        let last_words = Arc::new(Mutex::new(None));
        if let Some(mut input) = child.stdin.take() {
            thread::spawn(move || {
                for line in to_write {
                    // A program that does not listen any more is noticed by its silence.
                    if input
                        .write_all(line.as_bytes())
                        .and_then(|()| input.flush())
                        .is_err()
                    {
                        break;
                    }
                }
            });
        }
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                each_line(output, LONGEST_LINE, |line| {
                    let line = answer(line);
                    let goes_on = line.is_ok();
                    read.send(line).is_ok() && goes_on
                });
            });
        }
        if let Some(errors) = child.stderr.take() {
            let (shared, last) = (Arc::clone(shared), Arc::clone(&last_words));
            thread::spawn(move || {
                // To the end, whatever it says: a program whose words nobody takes would stand still.
                each_line(errors, LONGEST_WORDS, |line| {
                    let Ok(line) = line else {
                        return false;
                    };
                    let line = String::from_utf8_lossy(line);
                    // A bar that is drawn over and over is one line to its program.
                    for line in line
                        .split(['\r', '\n'])
                        .filter(|line| !line.trim().is_empty())
                    {
                        (shared.talk)(line);
                        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                        *last = Some(line.trim_end().chars().take(QUOTED).collect());
                    }
                    true
                });
                drop(silent);
            });
        }
        let mut worker = Self {
            child,
            requests: Some(requests),
            lines,
            last_words,
            silence,
            hopeless: false,
        };
        let first = worker.ask(protocol::hello(shared.options.seed), shared.options.timeout)?;
        let roster = protocol::roster(&first)?;
        Ok((worker, roster))
    }

    /// v of each of `coalitions`, finite or not.
    pub(super) fn values(
        &mut self,
        shared: &Shared,
        coalitions: &[Coalition],
    ) -> Result<Vec<f64>, Fault> {
        let id = shared.next.fetch_add(1, Ordering::Relaxed);
        let request = protocol::request(id, shared.options.seed, coalitions);
        let answer = self.ask(request, shared.options.timeout)?;
        protocol::values(&answer, id, coalitions.len())
    }

    /// The line that answers `line`.
    fn ask(&mut self, line: String, timeout: Duration) -> Result<String, Fault> {
        if let Some(requests) = &self.requests {
            // Where nobody takes it, no answer comes either.
            let _ = requests.send(line);
        }
        match self.lines.recv_timeout(timeout) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Fault::Nonsense(format!("answered {error}"))),
            Err(RecvTimeoutError::Timeout) => {
                self.hopeless = true;
                Err(Fault::Late(timeout, self.words()))
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.requests = None;
                let status = self.ended_within(PATIENCE);
                // What it said last may still be on its way.
                let _ = self.silence.recv_timeout(PATIENCE);
                Err(Fault::Ended(status, self.words()))
            }
        }
    }

    fn words(&self) -> Words {
        let last = self.last_words.lock();
        Words(last.unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn ended_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                _ => return None,
            }
        }
    }
}

impl Drop for Worker {
    /// Lets the program end with its input, or ends it.
    fn drop(&mut self) {
        self.requests = None;
        if self.hopeless || self.ended_within(PATIENCE).is_none() {
            // It is gone already, or it goes now; there is nobody to tell.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Hands every line of `stream` to `take` until that has enough; a line of more than `longest` bytes in pieces, all but the last
/// of which have no end.
fn each_line(stream: impl Read, longest: u64, mut take: impl FnMut(io::Result<&[u8]>) -> bool) {
    let mut stream = BufReader::new(stream);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let more = match stream.by_ref().take(longest).read_until(b'\n', &mut bytes) {
            Ok(0) => false,
            Ok(_) => take(Ok(&bytes)),
            Err(error) => {
                take(Err(error));
                false
            }
        };
        if !more {
            return;
        }
    }
}

/// A line of an answer.
fn answer(line: io::Result<&[u8]>) -> io::Result<String> {
    let line = line?;
    match line.len() as u64 == LONGEST_LINE && line.last() != Some(&b'\n') {
        true => Err(io::Error::other(format!(
            "a line of more than {LONGEST_LINE} bytes"
        ))),
        false => Ok(String::from_utf8_lossy(line).trim_end().to_owned()),
    }
}
