//! Sequences that share prefixes, as a plan: which runs of tokens are distinct, and which stands behind which. No tensors.
//!
//! In come token sequences of any lengths; out goes a [`Trie`] whose segments hold each distinct prefix once. What a decoder
//! computes for a token depends on nothing but the tokens up to it and their positions, so that one computation serves all
//! sequences that agree so far.

use std::ops::Range;

/// A run of tokens that the same sequences pass through, none ending and none branching off inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The segment in front; `None` at the beginning of a sequence.
    pub parent: Option<usize>,
    /// Where its tokens stand in [`Trie::ids`] and [`Trie::positions`].
    pub tokens: Range<usize>,
    /// How many tokens stand in front of it, in its sequences.
    pub before: usize,
    /// One behind the last segment of the subtree that begins here.
    pub end: usize,
}

/// A token at which a sequence is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// Its place in [`Trie::ids`].
    pub token: usize,
    /// The sequence, in the order given.
    pub sequence: usize,
    /// Which of the R tokens of the sequence that are read, from 0.
    pub place: usize,
}

/// The distinct prefixes of a set of sequences.
///
/// Segments stand in preorder: a segment, then its subtree, then its next sibling. Tokens stand in the order of segments, so
/// that a subtree owns one range of segments and one of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trie {
    /// Token ids of all segments.
    pub ids: Vec<u32>,
    /// The position of each token.
    pub positions: Vec<u32>,
    /// All segments in preorder.
    pub segments: Vec<Segment>,
    /// R reads of each sequence, by token.
    pub reads: Vec<Read>,
    /// How many sequences there are.
    pub sequences: usize,
    /// R, how many of its last tokens each sequence is read at.
    pub read: usize,
}

impl Trie {
    /// Finds the distinct prefixes of `sequences`, pairs of ids and positions, of which the last `read` tokens are read.
    ///
    /// Two tokens are shared when they and all in front of them agree in id and position. The order of the sequences does
    /// not change what is shared.
    ///
    /// # Cost
    /// One comparison per token of each sequence, and one more per sibling where prefixes branch; memory for the distinct
    /// prefixes only.
    ///
    /// # Panics
    /// If a sequence is shorter than `read`, `read` is 0, or ids and positions differ in number.
    pub fn new(sequences: impl IntoIterator<Item = (Vec<u32>, Vec<u32>)>, read: usize) -> Self {
        assert!(read > 0, "a sequence is read somewhere");
        let mut growth = Growth::default();
        let mut ends = Vec::new();
        for (ids, positions) in sequences {
            assert_eq!(ids.len(), positions.len(), "every token has a position");
            assert!(ids.len() >= read, "a sequence is read at its own tokens");
            ends.push(growth.insert(&ids, &positions));
        }
        growth.settle(&ends, read)
    }

    /// The segments that follow `segment`; those that begin sequences for `None`.
    pub fn children(&self, segment: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        let (first, end) = match segment {
            Some(segment) => (segment + 1, self.segments[segment].end),
            None => (0, self.segments.len()),
        };
        let within = move |&child: &usize| child < end;
        std::iter::successors(Some(first).filter(within), move |&child| {
            Some(self.segments[child].end).filter(within)
        })
    }

    /// How many token positions stand in `segment` and behind it.
    pub fn positions_from(&self, segment: usize) -> usize {
        let Segment { tokens, end, .. } = &self.segments[segment];
        self.segments[end - 1].tokens.end - tokens.start
    }

    /// The reads at the tokens of `segment`, by token.
    pub fn reads_of(&self, segment: usize) -> &[Read] {
        let tokens = &self.segments[segment].tokens;
        let at = |token: usize| self.reads.partition_point(|read| read.token < token);
        &self.reads[at(tokens.start)..at(tokens.end)]
    }
}

/// No branch.
const NONE: u32 = u32::MAX;

/// The branch in front of all, without tokens.
const ROOT: u32 = 0;

/// A segment while the trie still grows: children are a list, in the order in which they came.
struct Branch {
    start: u32,
    len: u32,
    first_child: u32,
    sibling: u32,
}

/// A trie that grows by one sequence after the other.
struct Growth {
    ids: Vec<u32>,
    positions: Vec<u32>,
    branches: Vec<Branch>,
}

impl Default for Growth {
    fn default() -> Self {
        let root = Branch {
            start: 0,
            len: 0,
            first_child: NONE,
            sibling: NONE,
        };
        Self {
            ids: Vec::new(),
            positions: Vec::new(),
            branches: vec![root],
        }
    }
}

impl Growth {
    /// Adds a sequence and returns the branch at whose last token it ends, then and later.
    fn insert(&mut self, ids: &[u32], positions: &[u32]) -> u32 {
        let (mut at, mut done) = (ROOT, 0);
        while done < ids.len() {
            let (mut last, mut child) = (NONE, self.branches[at as usize].first_child);
            while child != NONE && self.shared(child, &ids[done..], &positions[done..]) == 0 {
                (last, child) = (child, self.branches[child as usize].sibling);
            }
            let next = if child == NONE {
                let start = self.ids.len() as u32;
                self.ids.extend(&ids[done..]);
                self.positions.extend(&positions[done..]);
                done = ids.len();
                self.push(start, self.ids.len() as u32 - start, NONE, NONE)
            } else {
                let shared = self.shared(child, &ids[done..], &positions[done..]);
                done += shared as usize;
                self.split(child, shared)
            };
            match last {
                NONE => self.branches[at as usize].first_child = next,
                last => self.branches[last as usize].sibling = next,
            }
            at = next;
        }
        at
    }

    fn push(&mut self, start: u32, len: u32, first_child: u32, sibling: u32) -> u32 {
        self.branches.push(Branch {
            start,
            len,
            first_child,
            sibling,
        });
        self.branches.len() as u32 - 1
    }

    /// How many tokens of `branch` the sequence begins with.
    fn shared(&self, branch: u32, ids: &[u32], positions: &[u32]) -> u32 {
        let Branch { start, len, .. } = self.branches[branch as usize];
        let own = start as usize..(start + len) as usize;
        let own = self.ids[own.clone()].iter().zip(&self.positions[own]);
        own.zip(ids.iter().zip(positions))
            .take_while(|(own, given)| own == given)
            .count() as u32
    }

    /// The branch that holds the first `len` tokens of `branch`. What ends at `branch` still does: it keeps its last tokens.
    fn split(&mut self, branch: u32, len: u32) -> u32 {
        let tail = &mut self.branches[branch as usize];
        if tail.len == len {
            return branch;
        }
        let (start, sibling) = (tail.start, tail.sibling);
        tail.start += len;
        tail.len -= len;
        tail.sibling = NONE;
        self.push(start, len, branch, sibling)
    }

    /// Puts everything in preorder; sequence i ends at the last token of branch `ends[i]`.
    fn settle(self, ends: &[u32], read: usize) -> Trie {
        let mut trie = Trie {
            ids: Vec::with_capacity(self.ids.len()),
            positions: Vec::with_capacity(self.ids.len()),
            segments: Vec::with_capacity(self.branches.len() - 1),
            reads: Vec::with_capacity(ends.len() * read),
            sequences: ends.len(),
            read,
        };
        let mut places = vec![usize::MAX; self.branches.len()];
        let mut open = vec![(self.branches[ROOT as usize].first_child, None)];
        while let Some((branch, parent)) = open.pop() {
            if branch == NONE {
                continue;
            }
            let Branch {
                start,
                len,
                first_child,
                sibling,
            } = self.branches[branch as usize];
            let (own, first) = (start as usize..(start + len) as usize, trie.ids.len());
            trie.ids.extend(&self.ids[own.clone()]);
            trie.positions.extend(&self.positions[own]);
            let place = trie.segments.len();
            places[branch as usize] = place;
            let before = |parent: usize| {
                let parent: &Segment = &trie.segments[parent];
                parent.before + parent.tokens.len()
            };
            trie.segments.push(Segment {
                parent,
                tokens: first..trie.ids.len(),
                before: parent.map_or(0, before),
                end: place + 1,
            });
            open.extend([(sibling, parent), (first_child, Some(place))]);
        }
        for segment in (0..trie.segments.len()).rev() {
            if let Some(parent) = trie.segments[segment].parent {
                trie.segments[parent].end =
                    trie.segments[parent].end.max(trie.segments[segment].end);
            }
        }
        for (sequence, &end) in ends.iter().enumerate() {
            let mut segment = places[end as usize];
            let mut left = trie.segments[segment].tokens.len();
            for place in (0..read).rev() {
                while left == 0 {
                    segment = trie.segments[segment]
                        .parent
                        .expect("a sequence is at least as long as it is read");
                    left = trie.segments[segment].tokens.len();
                }
                left -= 1;
                trie.reads.push(Read {
                    token: trie.segments[segment].tokens.start + left,
                    sequence,
                    place,
                });
            }
        }
        trie.reads.sort_unstable();
        trie
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sequences: &[&[u32]], read: usize) -> Trie {
        let place = |ids: &&[u32]| (ids.to_vec(), (0..ids.len() as u32).collect());
        Trie::new(sequences.iter().map(place), read)
    }

    #[test]
    fn sequences_meet_where_they_agree_whatever_their_order() {
        let trie = of(&[&[1, 2, 3, 4], &[1, 9, 3], &[1, 2, 3, 5], &[1, 2]], 1);
        assert_eq!(trie.ids, [1, 2, 3, 4, 5, 9, 3]);
        let tokens: Vec<_> = trie.segments.iter().map(|s| s.tokens.clone()).collect();
        assert_eq!(tokens, [0..1, 1..2, 2..3, 3..4, 4..5, 5..7]);
        let parents: Vec<_> = trie.segments.iter().map(|s| s.parent).collect();
        assert_eq!(parents, [None, Some(0), Some(1), Some(2), Some(2), Some(0)]);
        assert_eq!(trie.children(Some(0)).collect::<Vec<_>>(), [1, 5]);
        assert_eq!(trie.children(None).collect::<Vec<_>>(), [0]);
        assert_eq!((trie.positions_from(0), trie.positions_from(1)), (7, 4));
        // The sequence that is a prefix of another is read inside the tree.
        let read: Vec<_> = trie.reads.iter().map(|r| (r.token, r.sequence)).collect();
        assert_eq!(read, [(1, 3), (3, 0), (4, 2), (6, 1)]);
    }

    #[test]
    fn tokens_at_other_positions_are_other_tokens() {
        let trie = Trie::new(
            [
                (vec![1, 2, 3], vec![0, 1, 2]),
                (vec![1, 2, 3], vec![0, 1, 3]),
                (vec![1, 2, 3], vec![0, 1, 2]),
            ],
            2,
        );
        assert_eq!((trie.ids.len(), trie.segments.len()), (4, 3));
        assert_eq!(trie.reads_of(0).len(), 3);
        assert_eq!(trie.reads_of(1).len() + trie.reads_of(2).len(), 3);
    }
}
