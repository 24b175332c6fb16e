//! Terms that go with a residual, of many players: grown from pairs upwards.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use rayon::prelude::*;
use smallvec::smallvec;

use super::design::{Design, Rule, Term, places};
use super::search::{RULES, Width};
use super::tiles::{Sums, TILE, Tiles};
use crate::lanes::{Work, on_lanes};

/// The samples at most over which terms are searched; what is found is judged by all.
const MOST_SAMPLES: usize = 2048;

/// Extensions of one term that may enter the next level.
const BRANCHES: usize = 12;

/// What a search runs over.
pub(super) struct Beam<'a> {
    design: Cow<'a, Design>,
    tiles: Tiles,
    width: Width,
    widened: bool,
}

impl<'a> Beam<'a> {
    pub(super) fn new(design: &'a Design, width: Width) -> Self {
        let design = match design.samples() > MOST_SAMPLES {
            true => Cow::Owned(design.part(0..MOST_SAMPLES)),
            false => Cow::Borrowed(design),
        };
        Self {
            tiles: Tiles::new(&design),
            design,
            width,
            widened: false,
        }
    }

    /// The first so many samples are searched over.
    pub(super) fn samples(&self) -> usize {
        self.design.samples()
    }

    /// Doubles the width, the first time that it is asked for; `false` where nothing changes.
    pub(super) fn widen(&mut self) -> bool {
        if self.widened {
            return false;
        }
        self.width.beam *= 2;
        self.width.kept *= 2;
        self.widened = true;
        true
    }

    /// All pairs are scored, Σ_s r_s x_si x_sj, and from then on every strong term is extended by every player, over the samples
    /// only where the term fires. The score of a term is its sum times 2^(order/2), which is proportional to its correlation
    /// where every player is present in half of the samples.
    ///
    /// # Cost
    /// n²m/2 for the pairs, 2·n·m·beam/2^k for order k.
    pub(super) fn search(&self, residual: &[f32]) -> Vec<Term> {
        let Width { beam, kept, order } = self.width;
        let players = self.design.players();
        let columns: Vec<&[u64]> = (0..players).map(|i| self.design.column(i)).collect();
        let pairs = self.tiles.pairs(residual, &columns);
        let mut levels = RULES.map(|rule| strongest_pairs(players, &pairs, rule, beam));
        let mut found = Vec::new();
        for next in 3..=order.min(players) + 1 {
            for level in &levels {
                found.extend(level.iter().take(kept).cloned());
            }
            if next > order {
                break;
            }
            levels = self.extended(residual, &levels);
        }
        found
    }

    /// Of each level the strongest terms of one order more, each of which extends a term of it.
    fn extended(&self, residual: &[f32], levels: &[Vec<Term>; 2]) -> [Vec<Term>; 2] {
        let terms = levels.concat();
        let fires: Vec<Vec<u64>> = terms
            .par_iter()
            .map(|term| self.design.fires(term))
            .collect();
        let bits: Vec<&[u64]> = fires.iter().map(Vec::as_slice).collect();
        let sums = self.tiles.sums(residual, &bits);
        let mut extensions: Vec<Vec<(f32, u16)>> = terms
            .par_iter()
            .enumerate()
            .map(|(at, term)| {
                let all: f32 = match term.rule {
                    Rule::None => places(bits[at]).map(|s| residual[s]).sum(),
                    Rule::All | Rule::Odd => 0.0,
                };
                let tiles = self.tiles.count();
                let players = self.design.players();
                on_lanes(Strongest {
                    sums: &sums,
                    at,
                    term,
                    all,
                    tiles,
                    players,
                })
            })
            .collect();
        let second = extensions.split_off(levels[0].len());
        [(&levels[0], extensions), (&levels[1], second)]
            .map(|(level, extensions)| chosen(level, &extensions, self.width.beam))
    }
}

/// The extensions of one term that have the largest sums.
struct Strongest<'a> {
    sums: &'a Sums,
    at: usize,
    term: &'a Term,
    /// What sums are taken off from: Σ r (1 − x_i) where players are absent.
    all: f32,
    tiles: usize,
    players: usize,
}

impl Work for Strongest<'_> {
    type Output = Vec<(f32, u16)>;

    #[inline(always)]
    fn call(self) -> Vec<(f32, u16)> {
        let mut best: Vec<(f32, u16)> = Vec::with_capacity(BRANCHES + 1);
        for tile in 0..self.tiles {
            let sums = self.sums.of(self.at, tile);
            let mut scores = [0.0f32; TILE];
            for lane in 0..TILE {
                scores[lane] = (sums[lane] - self.all).abs();
            }
            let weakest = |best: &[(f32, u16)]| match best.len() == BRANCHES {
                true => best[BRANCHES - 1].0,
                false => -1.0,
            };
            if largest(&scores) <= weakest(&best) {
                continue;
            }
            for (lane, &score) in scores[..TILE.min(self.players - tile * TILE)]
                .iter()
                .enumerate()
            {
                let player = (tile * TILE + lane) as u16;
                if score <= weakest(&best) || self.term.players.contains(&player) {
                    continue;
                }
                let place = best.partition_point(|other| other.0 >= score);
                best.insert(place, (score, player));
                best.truncate(BRANCHES);
            }
        }
        best
    }
}

#[inline(always)]
fn largest(scores: &[f32; TILE]) -> f32 {
    let mut most = [0.0f32; 16];
    for scores in scores.as_chunks::<16>().0 {
        for lane in 0..16 {
            most[lane] = if scores[lane] > most[lane] {
                scores[lane]
            } else {
                most[lane]
            };
        }
    }
    most.into_iter().fold(0.0, |a, b| if b > a { b } else { a })
}

/// The strongest of the extensions of the terms of `level`, each set of players once.
fn chosen(level: &[Term], extensions: &[Vec<(f32, u16)>], beam: usize) -> Vec<Term> {
    let extensions = extensions.iter().enumerate();
    let mut scored: BinaryHeap<Extension> = extensions
        .flat_map(|(at, best)| {
            let best = best.iter();
            // Floats that are not negative are ordered as their bits are.
            best.map(move |(score, player)| (score.to_bits(), Reverse(at), Reverse(*player)))
        })
        .collect();
    let mut seen = HashSet::new();
    let mut next = Vec::with_capacity(beam);
    while next.len() < beam
        && let Some((_, Reverse(at), Reverse(player))) = scored.pop()
    {
        let longer = level[at].with(player);
        if let Some(longer) = longer.filter(|longer| seen.insert(longer.players.clone())) {
            next.push(longer);
        }
    }
    next
}

/// The bits of a score, the term that is extended and the player that it gets: the strongest is the largest, and of equal ones
/// the first.
type Extension = (u32, Reverse<usize>, Reverse<u16>);

fn strongest_pairs(players: usize, pairs: &Sums, rule: Rule, beam: usize) -> Vec<Term> {
    let scored = on_lanes(StrongestPairs {
        players,
        pairs,
        absent: rule == Rule::None,
        beam,
    });
    scored
        .into_iter()
        .map(|(_, i, j)| Term {
            rule,
            players: smallvec![i, j],
        })
        .collect()
}

struct StrongestPairs<'a> {
    players: usize,
    pairs: &'a Sums,
    /// Whether the players of a pair are absent where it fires.
    absent: bool,
    beam: usize,
}

type Pair = (f32, u16, u16);

impl Work for StrongestPairs<'_> {
    type Output = Vec<Pair>;

    #[inline(always)]
    fn call(self) -> Vec<Pair> {
        let tiles = self.players.div_ceil(TILE);
        // Σ r (1 − x_i)(1 − x_j) = Σ r x_i x_j − Σ r x_i − Σ r x_j, where r sums to 0.
        let mut off = vec![[0.0f32; TILE]; tiles];
        if self.absent {
            for player in 0..self.players {
                let (tile, lane) = (player / TILE, player % TILE);
                off[tile][lane] = self.pairs.of(player, tile)[lane];
            }
        }
        let mut best: Vec<Pair> = Vec::with_capacity(5 * self.beam);
        let mut weakest = 0.0;
        for i in 0..self.players {
            let own = off[i / TILE][i % TILE];
            for tile in i / TILE..tiles {
                let (sums, off) = (self.pairs.of(i, tile), &off[tile]);
                let mut scores = [0.0f32; TILE];
                for lane in 0..TILE {
                    scores[lane] = (sums[lane] - own - off[lane]).abs();
                }
                if largest(&scores) < weakest {
                    continue;
                }
                let players = (tile * TILE..self.players).zip(scores);
                for (j, score) in players.skip((i + 1).saturating_sub(tile * TILE)) {
                    if score >= weakest {
                        best.push((score, i as u16, j as u16));
                    }
                }
                if best.len() > 4 * self.beam {
                    weakest = keep(&mut best, self.beam);
                }
            }
        }
        keep(&mut best, self.beam);
        best.sort_unstable_by(order);
        best
    }
}

/// The strongest first, and of equal ones the first.
fn order(a: &Pair, b: &Pair) -> std::cmp::Ordering {
    b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2)))
}

/// Drops all but the strongest `most`; the score of the weakest of them.
fn keep(pairs: &mut Vec<Pair>, most: usize) -> f32 {
    if pairs.len() <= most {
        return 0.0;
    }
    let (_, last, _) = pairs.select_nth_unstable_by(most - 1, order);
    let weakest = last.0;
    pairs.truncate(most);
    weakest
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::sampling::sparse::plan;

    /// Σ of the residual where a term fires, of every term of `order` players, the largest first.
    fn obvious(design: &Design, residual: &[f32], rule: Rule, order: usize) -> Vec<(f32, Term)> {
        let players = design.players() as u16;
        let mut sets: Vec<Vec<u16>> = vec![Vec::new()];
        for _ in 0..order {
            let longer = |set: &Vec<u16>| {
                let first = set.last().map_or(0, |last| last + 1);
                let set = set.clone();
                (first..players).map(move |player| [&set[..], &[player]].concat())
            };
            sets = sets.iter().flat_map(longer).collect();
        }
        let score = |set: Vec<u16>| {
            let players = set.into();
            let term = Term { rule, players };
            let sum: f32 = places(&design.fires(&term)).map(|s| residual[s]).sum();
            (sum.abs(), term)
        };
        let mut scored: Vec<(f32, Term)> = sets.into_iter().map(score).collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        scored
    }

    #[test]
    fn the_strongest_pairs_are_found_and_the_strongest_triple_from_all_pairs() {
        for (players, samples, beam) in [(70, 150, 9), (20, 90, 190)] {
            let coalitions = plan(players, samples, 6).expect("a plan");
            let design = Design::new(players, &coalitions.iter().collect::<Vec<_>>());
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(4);
            let mut residual: Vec<f32> =
                (0..samples).map(|_| rng.random_range(-1.0..1.0)).collect();
            let mean = residual.iter().sum::<f32>() / samples as f32;
            residual.iter_mut().for_each(|r| *r -= mean);
            let width = Width {
                beam,
                kept: 7,
                order: 3,
            };
            let found = Beam::new(&design, width).search(&residual);
            assert_eq!(found.len(), 28);
            for rule in RULES {
                let of = |order: usize| {
                    let own = found.iter();
                    own.filter(move |term| term.rule == rule && term.players.len() == order)
                };
                let pairs = obvious(&design, &residual, rule, 2);
                for (found, (_, exact)) in of(2).zip(&pairs) {
                    assert_eq!(found, exact);
                }
                let triples = obvious(&design, &residual, rule, 3);
                if beam == pairs.len() {
                    assert_eq!(of(3).next(), Some(&triples[0].1));
                }
            }
        }
    }
}
