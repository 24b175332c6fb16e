//! A decoder over a trie: each segment goes through the network once, many segments to a forward pass.
//!
//! A wave is one forward pass over some segments whose parents are done. The first waves go breadth-first, until there is
//! enough to share out; then tasks of a fixed split go depth-first side by side. Keys and values stay where their wave left
//! them and go with the last segment that stands behind them, so that memory follows the budget and not the trie.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::transformer::{TokenBatch, Transformer};
use super::trie::{Segment, Trie};
use crate::Result;
use crate::ops::{Query, Span};

/// How much of a trie goes through the network at once; a single segment always does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The most segments of one forward pass.
    pub segments: usize,
    /// The most token positions of one forward pass.
    pub positions: usize,
}

/// What was read along a trie.
#[derive(Clone, Debug, PartialEq)]
pub struct Reads<T> {
    /// B·R answers, sequence by sequence.
    pub answers: Vec<T>,
    /// Forward passes.
    pub forwards: u64,
}

/// The most tasks that a trie is split into. Fixed, so that results do not depend on the number of threads.
const TASKS: usize = 8;

/// Full forward passes that are open, breadth-first, before there are tasks: products of few rows are slow, and every task
/// begins with as many as it is given.
const OPEN: usize = 2;

/// Forward passes that a task should be worth.
const WAVES_PER_TASK: usize = 2;

/// Logits that are held at once: a vocabulary is wide.
const HEAD_LOGITS: usize = 1 << 21;

/// Keys and values (P, K·d) of one forward pass, layer by layer.
struct Wave(Vec<(Tensor, Tensor)>);

/// Where the keys and values of a segment are, and what stands in front of it.
struct Link {
    wave: Arc<Wave>,
    span: Range<usize>,
    before: Option<Arc<Link>>,
}

/// A segment whose parent is done.
struct Open {
    segment: usize,
    before: Option<Arc<Link>>,
}

/// What a run over a trie needs throughout.
struct Run<'a, F> {
    network: &'a Transformer,
    trie: &'a Trie,
    extra: Option<&'a Tensor>,
    budget: Budget,
    device: &'a Device,
    answer: F,
}

/// Answers with the places where they belong, and how many forward passes they took.
struct Found<T> {
    answers: Vec<(usize, T)>,
    forwards: u64,
}

impl Transformer {
    /// `answer(place, logits)` of each of the R places of each sequence of `trie`.
    pub(crate) fn read_trie<T: Send>(
        &self,
        trie: &Trie,
        extra: Option<&Tensor>,
        budget: Budget,
        device: &Device,
        answer: impl Fn(usize, &[f32]) -> T + Sync,
    ) -> Result<Reads<T>> {
        let run = Run {
            network: self,
            trie,
            extra,
            budget,
            device,
            answer,
        };
        match device.is_cpu() {
            // Inside the pool: work that is handed out from elsewhere has to wake a thread each time.
            true => rayon::scope(|_| run.read()),
            false => run.read(),
        }
    }
}

impl<T: Send, F: Fn(usize, &[f32]) -> T + Sync> Run<'_, F> {
    /// All of the trie.
    fn read(&self) -> Result<Reads<T>> {
        let mut found = Found {
            answers: Vec::with_capacity(self.trie.reads.len()),
            forwards: 0,
        };
        let beginning = self.trie.children(None).map(|segment| Open {
            segment,
            before: None,
        });
        let mut frontier: VecDeque<Open> = beginning.collect();
        while !frontier.is_empty() && !self.is_wide(&frontier) {
            let children = self.wave(&mut frontier, &mut found)?;
            frontier.extend(children);
        }
        let tasks = self.split(frontier);
        // An accelerator has one queue, and its work stays in order only if one thread gives it.
        let descend = |task| self.descend(task);
        let tasks: Result<Vec<Found<T>>> = match self.device.is_cpu() {
            true => tasks.into_par_iter().map(descend).collect(),
            false => tasks.into_iter().map(descend).collect(),
        };
        let mut answers: Vec<Option<T>> = Vec::new();
        answers.resize_with(self.trie.sequences * self.trie.read, || None);
        let mut forwards = found.forwards;
        let mut place = |found: Found<T>| {
            for (at, answer) in found.answers {
                answers[at] = Some(answer);
            }
        };
        place(found);
        for task in tasks? {
            forwards += task.forwards;
            place(task);
        }
        let answers = answers.into_iter().map(|answer| {
            answer.expect("every sequence ends at a segment, and all segments were run")
        });
        Ok(Reads {
            answers: answers.collect(),
            forwards,
        })
    }

    /// Positions that a full wave holds, with segments of the mean length.
    fn full(&self) -> usize {
        let segments = self.trie.segments.len().max(1);
        let mean = self.trie.ids.len().div_ceil(segments);
        let positions = self.budget.segments.saturating_mul(mean);
        positions.min(self.budget.positions).max(1)
    }

    /// Whether there is enough open for tasks to begin with.
    fn is_wide(&self, frontier: &VecDeque<Open>) -> bool {
        let tokens = |open: &Open| self.trie.segments[open.segment].tokens.len();
        let open: usize = frontier.iter().map(tokens).sum();
        frontier.len() >= TASKS && open >= self.full().saturating_mul(OPEN)
    }

    /// Neighbours of about equal work, as many as are worth it.
    fn split(&self, frontier: VecDeque<Open>) -> Vec<VecDeque<Open>> {
        let work = |open: &Open| self.trie.positions_from(open.segment);
        let total: usize = frontier.iter().map(work).sum();
        let worth = self.full().saturating_mul(WAVES_PER_TASK);
        let count = (total / worth).clamp(1, TASKS);
        let mut tasks: Vec<VecDeque<Open>> = (0..count).map(|_| VecDeque::new()).collect();
        let mut before = 0;
        for open in frontier {
            let own = work(&open);
            tasks[(before + own / 2) * count / total].push_back(open);
            before += own;
        }
        tasks.retain(|task| !task.is_empty());
        tasks
    }

    /// All segments of `task` and behind, depth-first: what a wave opens goes before what was open already.
    fn descend(&self, mut task: VecDeque<Open>) -> Result<Found<T>> {
        let mut found = Found {
            answers: Vec::new(),
            forwards: 0,
        };
        while !task.is_empty() {
            let children = self.wave(&mut task, &mut found)?;
            for child in children.into_iter().rev() {
                task.push_front(child);
            }
        }
        Ok(found)
    }

    /// Takes from the front of `open` what the budget allows, runs it, and returns the segments that stand behind.
    fn wave(&self, open: &mut VecDeque<Open>, found: &mut Found<T>) -> Result<Vec<Open>> {
        let (mut count, mut positions) = (0, 0);
        for next in &*open {
            positions += self.trie.segments[next.segment].tokens.len();
            if count > 0 && (count >= self.budget.segments || positions > self.budget.positions) {
                break;
            }
            count += 1;
        }
        let taken: Vec<Open> = open.drain(..count).collect();
        found.forwards += 1;
        let wave = Arc::new(self.forward(&taken, found)?);
        let mut start = 0;
        let mut children = Vec::new();
        for Open { segment, before } in taken {
            let span = start..start + self.trie.segments[segment].tokens.len();
            start = span.end;
            let mut behind = self.trie.children(Some(segment)).peekable();
            if behind.peek().is_some() {
                let wave = Arc::clone(&wave);
                let link = Arc::new(Link { wave, span, before });
                children.extend(behind.map(|segment| Open {
                    segment,
                    before: Some(Arc::clone(&link)),
                }));
            }
        }
        Ok(children)
    }

    /// One forward pass over `taken`; answers what is read there.
    fn forward(&self, taken: &[Open], found: &mut Found<T>) -> Result<Wave> {
        let tokens = || {
            let segments = taken.iter().map(|open| &self.trie.segments[open.segment]);
            segments.flat_map(|segment| segment.tokens.clone())
        };
        let batch = TokenBatch {
            ids: tokens().map(|token| self.trie.ids[token]).collect(),
            positions: tokens().map(|token| self.trie.positions[token]).collect(),
            tokens: 1,
            read: 1,
            extra: self.extra,
        };
        let (x, angles) = self
            .network
            .enter(&batch, &[batch.ids.len(), 1], self.device)?;
        let mut x = x.squeeze(1)?;
        let rows = self.rows_read(taken);
        let (waves, branches) = branches(taken, &self.trie.segments);
        let mut own = Wave(Vec::with_capacity(self.network.blocks.len()));
        let mut window = None;
        let mut queries = self.queries(taken, window);
        for (layer, block) in self.network.blocks.iter().enumerate() {
            if block.attention.window != window {
                window = block.attention.window;
                queries = self.queries(taken, window);
            }
            let attention = &block.attention;
            let sources = |own: &Wave| -> Vec<(Tensor, Tensor)> {
                let before = waves.iter().map(|wave| &**wave);
                let all = [own].into_iter().chain(before);
                all.map(|wave| wave.0[layer].clone()).collect()
            };
            let last = layer + 1 == self.network.blocks.len();
            if !last {
                x = block.around(&x, &x, |x| {
                    let (asked, kept) = attention.ask_and_remember(x, &angles)?;
                    own.0.push(kept);
                    attention.look(&asked, &sources(&own), &branches, &queries)
                })?;
            } else if rows.is_empty() {
                let kept = attention.remember(&block.before_attention(&x)?, &angles)?;
                own.0.push(kept);
            } else {
                // Behind the last keys and values only what is read is needed.
                let chosen = Tensor::new(rows.as_slice(), self.device)?;
                let kept = x.index_select(&chosen, 0)?;
                let asked: Vec<Query> = rows
                    .iter()
                    .map(|&row| queries[row as usize].clone())
                    .collect();
                x = block.around(&x, &kept, |x| {
                    own.0.push(attention.remember(x, &angles)?);
                    let angles: Vec<_> = angles
                        .iter()
                        .map(|angles| angles.select(&chosen))
                        .collect::<Result<_>>()?;
                    let query = attention.ask(&x.index_select(&chosen, 0)?, &angles)?;
                    attention.look(&query, &sources(&own), &branches, &asked)
                })?;
                self.answer_rows(taken, &x, found)?;
            }
        }
        Ok(own)
    }

    /// The rows of a wave that are read, ascending.
    fn rows_read(&self, taken: &[Open]) -> Vec<u32> {
        let mut rows = Vec::new();
        let mut start = 0;
        for open in taken {
            let tokens = &self.trie.segments[open.segment].tokens;
            let reads = self.trie.reads_of(open.segment).iter();
            rows.extend(reads.map(|read| (start + read.token - tokens.start) as u32));
            start += tokens.len();
        }
        rows.dedup();
        rows
    }

    /// What each token of a wave sees: all in front of it and itself, under a window of w the last w positions.
    fn queries(&self, taken: &[Open], window: Option<usize>) -> Vec<Query> {
        let mut queries = Vec::new();
        let mut positions = Vec::new();
        for (branch, open) in taken.iter().enumerate() {
            let Segment { tokens, before, .. } = &self.trie.segments[open.segment];
            if window.is_some() {
                self.positions_along(open.segment, &mut positions);
            }
            queries.extend((0..tokens.len()).map(|token| {
                let end = before + token + 1;
                let start = window.map_or(0, |window| {
                    let near = |&key: &u32| (positions[end - 1] - key) as usize >= window;
                    positions[..end].partition_point(near)
                });
                Query {
                    branch,
                    seen: start..end,
                }
            }));
        }
        queries
    }

    /// The positions of all tokens up to the last of `segment`.
    fn positions_along(&self, segment: usize, positions: &mut Vec<u32>) {
        let parent = |&segment: &usize| self.trie.segments[segment].parent;
        let path: Vec<usize> = std::iter::successors(Some(segment), parent).collect();
        positions.clear();
        for &segment in path.iter().rev() {
            positions.extend(&self.trie.positions[self.trie.segments[segment].tokens.clone()]);
        }
    }

    /// `x` (rows read, D) behind the last block → answers, some rows of logits at a time.
    fn answer_rows(&self, taken: &[Open], x: &Tensor, found: &mut Found<T>) -> Result<()> {
        let reads = taken
            .iter()
            .flat_map(|open| self.trie.reads_of(open.segment));
        let reads: Vec<_> = reads.collect();
        let mut tokens = reads.chunk_by(|a, b| a.token == b.token);
        let rows = x.dim(0)?;
        let most = (HEAD_LOGITS / self.network.outputs()?).clamp(16, 512);
        for start in (0..rows).step_by(most) {
            let count = most.min(rows - start);
            let logits = self.network.answer(x.narrow(0, start, count)?)?;
            for (row, reads) in logits.to_vec2::<f32>()?.iter().zip(tokens.by_ref()) {
                for read in reads {
                    let at = read.sequence * self.trie.read + read.place;
                    found.answers.push((at, (self.answer)(read.place, row)));
                }
            }
        }
        Ok(())
    }
}

/// The keys of each segment taken, oldest first and its own last, as spans of the waves that hold them. Source 0 is the wave
/// that is taken, source i + 1 the i-th of those returned.
fn branches(taken: &[Open], segments: &[Segment]) -> (Vec<Arc<Wave>>, Vec<Vec<Span>>) {
    let mut waves: Vec<Arc<Wave>> = Vec::new();
    let mut sources: HashMap<*const Wave, usize> = HashMap::new();
    let mut start = 0;
    let mut branch = |open: &Open| {
        let count = segments[open.segment].tokens.len();
        let mut spans = vec![Span {
            source: 0,
            start,
            count,
        }];
        start += count;
        let links = std::iter::successors(open.before.as_deref(), |link| link.before.as_deref());
        spans.extend(links.map(|link| {
            let source = *sources.entry(Arc::as_ptr(&link.wave)).or_insert_with(|| {
                waves.push(Arc::clone(&link.wave));
                waves.len()
            });
            Span {
                source,
                start: link.span.start,
                count: link.span.len(),
            }
        }));
        spans.reverse();
        spans
    };
    let branches = taken.iter().map(&mut branch).collect();
    (waves, branches)
}
