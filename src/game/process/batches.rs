//! Who is asked what: batches over workers, asked again when a worker fails, and split until the culprit stands alone.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::worker::{Fault, Worker};
use super::{ProcessGame, Shared};
use crate::game::Roster;
use crate::{Coalition, Error, Result};

/// Batches per worker that keep all of them busy to the end.
const SHARES: usize = 4;

/// Coalitions that are asked for together.
struct Batch {
    range: Range<usize>,
    /// How often it was not answered.
    failures: usize,
}

/// The values of some coalitions, or why there are none.
type Answer = Result<(Range<usize>, Vec<f64>)>;

/// What is left to ask.
struct Queue {
    batches: Mutex<VecDeque<Batch>>,
    stopped: AtomicBool,
}

/// v of every coalition; `heard` hears of each as it comes, also of those that come beside an error.
pub(super) fn ask(
    game: &mut ProcessGame,
    coalitions: &[Coalition],
    heard: &mut dyn FnMut(usize, f64),
) -> Result<Vec<f64>> {
    let options = &game.shared.options;
    let even = match options.workers {
        1 => options.batch,
        workers => coalitions.len().div_ceil(SHARES * workers).max(1),
    };
    let size = options.batch.min(even);
    let starts = (0..coalitions.len()).step_by(size);
    let batches: VecDeque<Batch> = starts
        .map(|start| Batch {
            range: start..coalitions.len().min(start + size),
            failures: 0,
        })
        .collect();
    let needed = batches.len().min(game.workers.len());
    let queue = Queue {
        batches: Mutex::new(batches),
        stopped: AtomicBool::new(false),
    };
    let mut values = vec![0.0; coalitions.len()];
    let mut failed: Option<Error> = None;
    thread::scope(|scope| {
        let (tell, answers) = channel();
        for slot in &mut game.workers[..needed] {
            let (tell, queue) = (tell.clone(), &queue);
            let (shared, roster) = (&game.shared, &game.roster);
            scope.spawn(move || serve(slot, shared, roster, coalitions, queue, &tell));
        }
        drop(tell);
        for answer in answers {
            let taken = answer.and_then(|(range, answered)| {
                let mut bad = None;
                for (at, value) in range.zip(answered) {
                    match value.is_finite() {
                        true => {
                            values[at] = value;
                            heard(at, value);
                        }
                        false => bad = bad.or(Some((at, value))),
                    }
                }
                bad.map_or(Ok(()), |(at, value)| {
                    let coalition = coalitions[at].clone();
                    Err(Error::NotFinite { coalition, value })
                })
            });
            if let Err(error) = taken {
                queue.stopped.store(true, Ordering::Relaxed);
                failed.get_or_insert(error);
            }
        }
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(values),
    }
}

impl Queue {
    fn next(&self) -> Option<Batch> {
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        self.lock().pop_front()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Batch>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a batch that was not answered back in front: whole, or in halves, or, when it is one coalition, not at all.
    fn again(&self, batch: Batch, retries: usize) -> bool {
        let Batch { range, failures } = batch;
        if failures < retries {
            self.lock().push_front(Batch {
                range,
                failures: failures + 1,
            });
            return true;
        }
        if range.len() < 2 {
            return false;
        }
        let middle = range.start + range.len() / 2;
        for range in [middle..range.end, range.start..middle] {
            self.lock().push_front(Batch { range, failures });
        }
        true
    }
}

/// Takes batches and has them answered by the worker in `slot`, until there are none.
fn serve(
    slot: &mut Option<Worker>,
    shared: &Arc<Shared>,
    roster: &Roster,
    coalitions: &[Coalition],
    queue: &Queue,
    tell: &Sender<Answer>,
) {
    while let Some(batch) = queue.next() {
        let range = batch.range.clone();
        let answer = match answer(slot, shared, roster, &coalitions[range.clone()]) {
            Ok(values) => Ok((range, values)),
            Err(fault) => {
                // Whatever state it is in, it is not to be trusted with the next batch.
                *slot = None;
                if queue.again(batch, shared.options.retries) {
                    continue;
                }
                // Before the error is heard, so that nothing more is asked beside it.
                queue.stopped.store(true, Ordering::Relaxed);
                let coalition = &coalitions[range.start];
                Err(shared.error(format!("failed at v({coalition}): it {fault}")))
            }
        };
        if tell.send(answer).is_err() {
            return;
        }
    }
}

/// The values of `coalitions` from the worker in `slot`, which is started where none is running.
fn answer(
    slot: &mut Option<Worker>,
    shared: &Arc<Shared>,
    roster: &Roster,
    coalitions: &[Coalition],
) -> Result<Vec<f64>, Fault> {
    let worker = match slot {
        Some(worker) => worker,
        None => {
            let (worker, found) = Worker::start(shared)?;
            if found != *roster {
                let what = "began with other players than it did at first";
                return Err(Fault::Nonsense(what.into()));
            }
            slot.insert(worker)
        }
    };
    worker.values(shared, coalitions)
}
