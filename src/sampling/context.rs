//! Pairs of players and the contexts in which each pair is looked at.
//!
//! In come the number of players and rules; out goes a [`ContextPlan`]: pairs, context sizes, and for each pair and size the
//! contexts S ⊆ N∖ij, drawn uniformly and independently, or all of them where there are no more than asked for.

mod pairs;

pub use pairs::{Grid, PairRule};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use pairs::pairs;

use crate::{Coalition, Error, Result};

/// The ratios m/(n−2) at which the papers sample.
///
/// # Source
/// Deng, Ren, Zhang and Zhang 2022, *Discovering and explaining the representation bottleneck of DNNs*.
pub const PUBLISHED_RATIOS: [f64; 13] = [
    0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0,
];

/// Up to so many players every context size is sampled unless ratios are given.
const ALL_SIZES_UP_TO: usize = 16;

/// The stream of the generator from which pairs come; contexts of size m come from stream m.
const PAIR_STREAM: u64 = u64::MAX;

/// The context size m = ⌊ratio · (n−2)⌋ among `players`, as published; a ratio within 1e-9 below a whole number counts as that.
///
/// # Panics
/// With fewer than 2 players.
pub fn context_size(ratio: f64, players: usize) -> usize {
    (ratio * (players - 2) as f64 + 1e-9) as usize
}

/// Settings of a [`ContextPlan`].
#[derive(Clone, Debug, PartialEq)]
pub struct ContextOptions {
    /// Which pairs.
    pub pairs: PairRule,
    /// m/(n−2) of the context sizes, each from 0 to 1; m is rounded down, as published. `None`: all sizes for up to 16
    /// players, [`PUBLISHED_RATIOS`] for more.
    pub ratios: Option<Vec<f64>>,
    /// Contexts per pair and size, at least 2 (published: 100).
    pub contexts: usize,
    /// How the players lie; `None` for a single row.
    pub grid: Option<Grid>,
    /// Seed of everything drawn.
    pub seed: u64,
}

/// As published: 200 near pairs, 100 contexts.
impl Default for ContextOptions {
    fn default() -> Self {
        Self {
            pairs: PairRule::Near {
                count: 200,
                radius: 2,
            },
            ratios: None,
            contexts: 100,
            grid: None,
            seed: 0,
        }
    }
}

/// The contexts of one pair at one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Contexts {
    /// Each S ⊆ N∖ij, |S| = m.
    pub list: Vec<Coalition>,
    /// Whether these are all there are, each once, so that a mean over them is exact.
    pub complete: bool,
}

/// Which pairs of players are looked at, at which context sizes, and in how many contexts.
///
/// Contexts of one size depend on the seed, the size and the pairs alone: not on the other sizes of the plan, on batches or
/// on threads.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextPlan {
    players: usize,
    pairs: Vec<[usize; 2]>,
    sizes: Vec<usize>,
    contexts: usize,
    seed: u64,
}

impl ContextPlan {
    /// Draws the pairs and fixes the sizes.
    ///
    /// # Errors
    /// [`Error::Parameter`] for fewer than 2 players or more than [`Coalition::MAX_PLAYERS`], fewer than 2 contexts (which
    /// have no standard error), a ratio outside [0, 1], no ratio at all, or a grid of another number of players.
    pub fn new(players: usize, options: &ContextOptions) -> Result<Self> {
        let refuse = |parameter, must, got: String| {
            Err(Error::Parameter {
                parameter,
                must,
                got,
            })
        };
        if !(2..=Coalition::MAX_PLAYERS).contains(&players) {
            let must = "from 2 to 1024, since interactions are of pairs";
            return refuse("the number of players", must, players.to_string());
        }
        if options.contexts < 2 {
            let got = options.contexts.to_string();
            return refuse("the number of contexts", "at least 2", got);
        }
        let grid = options.grid.unwrap_or(Grid::line(players));
        if grid.rows.checked_mul(grid.columns) != Some(players) {
            let got = format!("{}x{} for {players}", grid.rows, grid.columns);
            return refuse("the grid", "one cell for each player", got);
        }
        let ratios = match &options.ratios {
            Some(ratios) => ratios,
            None if players <= ALL_SIZES_UP_TO => &(0..players - 1)
                .map(|m| m as f64 / (players - 2).max(1) as f64)
                .collect(),
            None => &PUBLISHED_RATIOS.to_vec(),
        };
        if let Some(ratio) = ratios.iter().find(|ratio| !(0.0..=1.0).contains(*ratio)) {
            return refuse("a ratio", "from 0 to 1", ratio.to_string());
        }
        if ratios.is_empty() {
            return refuse("the ratios", "at least one", "none".into());
        }
        let mut sizes: Vec<usize> = ratios
            .iter()
            .map(|&ratio| context_size(ratio, players))
            .collect();
        sizes.sort_unstable();
        sizes.dedup();
        let mut rng = generator(options.seed, PAIR_STREAM);
        Ok(Self {
            players,
            pairs: pairs(players, options.pairs, grid, &mut rng),
            sizes,
            contexts: options.contexts,
            seed: options.seed,
        })
    }

    /// n, the number of players.
    pub fn players(&self) -> usize {
        self.players
    }

    /// The pairs i < j.
    pub fn pairs(&self) -> &[[usize; 2]] {
        &self.pairs
    }

    /// The context sizes m, ascending, each once.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The most contexts of a pair at one size.
    pub fn contexts(&self) -> usize {
        self.contexts
    }

    /// The contexts of size m for every pair, in the order of [`Self::pairs`].
    ///
    /// # Panics
    /// If m exceeds n−2.
    ///
    /// # Cost
    /// n steps for each context.
    pub fn at(&self, size: usize) -> Vec<Contexts> {
        assert!(size + 2 <= self.players, "no context of {size} players");
        let mut rng = generator(self.seed, size as u64);
        let distinct = choices(self.players - 2, size, self.contexts);
        let mut order: Vec<usize> = Vec::with_capacity(self.players);
        self.pairs
            .iter()
            .map(|&[i, j]| {
                order.clear();
                order.extend((0..self.players).filter(|&player| player != i && player != j));
                match distinct {
                    Some(_) => Contexts {
                        list: subsets(&order, size),
                        complete: true,
                    },
                    None => Contexts {
                        list: (0..self.contexts)
                            .map(|_| draw(&mut order, size, &mut rng))
                            .collect(),
                        complete: false,
                    },
                }
            })
            .collect()
    }
}

fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// C(n, k), unless it exceeds `most`.
fn choices(n: usize, k: usize, most: usize) -> Option<usize> {
    // Every partial product is a binomial coefficient itself, and they only grow.
    (0..k.min(n - k)).try_fold(1usize, |c, i| {
        let next = c.checked_mul(n - i)? / (i + 1);
        (next <= most).then_some(next)
    })
}

/// A uniform draw of `size` of `players`, whose order is shuffled on the way (the first steps of Fisher and Yates 1938).
fn draw(players: &mut [usize], size: usize, rng: &mut ChaCha8Rng) -> Coalition {
    for at in 0..size {
        let other = rng.random_range(at..players.len());
        players.swap(at, other);
    }
    Coalition::from_players(players[..size].iter().copied())
}

/// Every choice of `size` of `players`.
fn subsets(players: &[usize], size: usize) -> Vec<Coalition> {
    let mut chosen: Vec<usize> = (0..size).collect();
    let mut found = Vec::new();
    loop {
        found.push(Coalition::from_players(
            chosen.iter().map(|&at| players[at]),
        ));
        // The last place that can still move on; those behind it follow.
        let Some(place) = (0..size).rfind(|&at| chosen[at] < players.len() - size + at) else {
            return found;
        };
        let first = chosen[place] + 1;
        for (step, at) in (place..size).enumerate() {
            chosen[at] = first + step;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn plan(players: usize, options: ContextOptions) -> ContextPlan {
        ContextPlan::new(players, &options).expect("a plan")
    }

    #[test]
    fn contexts_have_their_size_and_leave_the_pair_out() {
        let plan = plan(
            300,
            ContextOptions {
                pairs: PairRule::Random(20),
                contexts: 7,
                ..ContextOptions::default()
            },
        );
        let sizes = [0, 14, 29, 59, 89, 119, 149, 178, 208, 238, 268, 283, 298];
        assert_eq!(plan.sizes(), sizes);
        for &size in plan.sizes() {
            let ends = size == 0 || size == 298;
            for (contexts, &[i, j]) in plan.at(size).iter().zip(plan.pairs()) {
                assert_eq!(contexts.list.len(), if ends { 1 } else { 7 });
                assert_eq!(contexts.complete, ends);
                for context in &contexts.list {
                    assert_eq!(context.len(), size);
                    assert!(!context.contains(i) && !context.contains(j));
                }
            }
        }
    }

    #[test]
    fn few_contexts_are_all_there_are() {
        let plan = plan(
            7,
            ContextOptions {
                pairs: PairRule::All,
                contexts: 10,
                ..ContextOptions::default()
            },
        );
        for (size, count) in [1, 5, 10, 10, 5, 1].into_iter().enumerate() {
            for contexts in plan.at(size) {
                let different: HashSet<_> = contexts.list.iter().collect();
                assert_eq!((different.len(), contexts.list.len()), (count, count));
                assert!(contexts.complete);
            }
        }
    }

    #[test]
    fn a_size_is_drawn_alike_whatever_the_others_are() {
        let options = |ratios: &[f64], seed| ContextOptions {
            ratios: Some(ratios.to_vec()),
            contexts: 5,
            seed,
            ..ContextOptions::default()
        };
        let some = plan(40, options(&[0.5], 3));
        let more = plan(40, options(&[0.1, 0.5, 0.9], 3));
        assert_eq!(some.at(19), more.at(19));
        assert_ne!(some.at(19), plan(40, options(&[0.5], 4)).at(19));
    }

    #[test]
    fn every_player_is_drawn_equally_often() {
        let options = ContextOptions {
            pairs: PairRule::Random(1),
            ratios: Some(vec![0.3]),
            contexts: 40_000,
            ..ContextOptions::default()
        };
        let plan = plan(22, options);
        let contexts = &plan.at(6)[0];
        for player in (0..22).filter(|player| !plan.pairs()[0].contains(player)) {
            let count = contexts.list.iter().filter(|s| s.contains(player)).count() as f64;
            // 0.3 of 40,000 with a standard deviation of 92.
            assert!((count - 12_000.0).abs() < 420.0, "{count}");
        }
    }

    #[test]
    fn ratios_are_rounded_down_as_published() {
        let sizes = plan(256, ContextOptions::default()).sizes().to_vec();
        let published = [0, 12, 25, 50, 76, 101, 127, 152, 177, 203, 228, 241, 254];
        assert_eq!(sizes, published);
        let all = plan(12, ContextOptions::default()).sizes().to_vec();
        assert_eq!(all, (0..11).collect::<Vec<_>>());
    }

    #[test]
    fn what_makes_no_plan_is_refused() {
        let refused = |players, change: fn(&mut ContextOptions)| {
            let mut options = ContextOptions::default();
            change(&mut options);
            ContextPlan::new(players, &options)
                .expect_err("refused")
                .to_string()
        };
        assert_eq!(
            refused(1, |_| ()),
            "the number of players must be from 2 to 1024, since interactions are of pairs, got 1"
        );
        assert!(refused(5, |options| options.contexts = 1).contains("at least 2, got 1"));
        assert!(refused(5, |options| options.ratios = Some(vec![1.5])).contains("from 0 to 1"));
        assert!(refused(5, |options| options.ratios = Some(vec![])).contains("at least one"));
        assert!(refused(5, |options| options.grid = Some(Grid::line(4))).contains("1x4 for 5"));
    }
}
