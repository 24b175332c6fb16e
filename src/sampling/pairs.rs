//! Coalitions and their complements, drawn size by size and none twice.
//!
//! A coalition of s ≤ n/2 players and its complement are one *unit*; units of one s are a *stratum*. A stratum that the budget
//! covers is asked whole and brings no chance into an estimate, ∅ and N always.

use std::collections::HashSet;
use std::ops::Range;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Coalition, Error, Result};

/// Which sizes get how much of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emphasis {
    /// As the Shapley kernel weighs them, 1/(s(n−s)): small coalitions and large ones get most.
    Kernel,
    /// All sizes alike: the leverage scores of the regression for Shapley values.
    Sizes,
    /// As many coalitions as there are of each size, C(n,s): every coalition alike.
    Count,
}

/// Units drawn for n players.
#[derive(Clone, Debug)]
pub struct Plan {
    players: usize,
    /// Coalition and complement of one unit after the other, ∅ and N first.
    coalitions: Vec<Coalition>,
    strata: Vec<Stratum>,
}

/// The units of one size.
#[derive(Clone, Debug)]
pub(super) struct Stratum {
    /// s, the players of the smaller coalition.
    pub(super) size: usize,
    /// Which units of the plan.
    pub(super) units: Range<usize>,
    /// How many units there are, drawn or not.
    pub(super) all: f64,
}

impl Stratum {
    /// Whether nothing was left to chance.
    pub(super) fn is_whole(&self) -> bool {
        self.units.len() as f64 >= self.all
    }
}

impl Plan {
    /// Draws at most `budget` coalitions; every stratum gets two units or all it has, the rest goes by `emphasis`.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there is no player or the budget does not reach two units of each size.
    pub fn new(players: usize, budget: usize, emphasis: Emphasis, seed: u64) -> Result<Self> {
        let most = players / 2;
        let all: Vec<f64> = (1..=most).map(|size| units_of(players, size)).collect();
        let mut counts: Vec<usize> = all.iter().map(|all| all.min(2.0) as usize).collect();
        let fewest: usize = counts.iter().sum();
        let units = (budget / 2).saturating_sub(1);
        if players == 0 || budget < 2 || units < fewest {
            return Err(Error::Parameter {
                parameter: "the budget",
                must: "enough for ∅, N and two coalitions of each size with their complements",
                got: format!(
                    "{budget}, less than {}, for {players} players",
                    2 * fewest + 2
                ),
            });
        }
        let weights: Vec<f64> = (1..=most)
            .map(|size| match emphasis {
                Emphasis::Kernel => 1.0 / (size as f64 * (players - size) as f64),
                Emphasis::Sizes if 2 * size == players => 0.5,
                Emphasis::Sizes => 1.0,
                Emphasis::Count => all[size - 1] / 2f64.powi(players as i32 - 1),
            })
            .collect();
        share_out(&mut counts, units - fewest, &weights, &all);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut plan = Self {
            players,
            coalitions: vec![Coalition::EMPTY, Coalition::grand(players)],
            strata: vec![Stratum {
                size: 0,
                units: 0..1,
                all: 1.0,
            }],
        };
        for (at, (count, all)) in counts.into_iter().zip(all).enumerate() {
            let from = plan.units();
            for coalition in draw(players, at + 1, count, all, &mut rng) {
                let complement = coalition.complement(players);
                plan.coalitions.extend([coalition, complement]);
            }
            plan.strata.push(Stratum {
                size: at + 1,
                units: from..plan.units(),
                all,
            });
        }
        Ok(plan)
    }

    /// n, the number of players.
    pub fn players(&self) -> usize {
        self.players
    }

    /// The coalitions to ask, each once.
    pub fn coalitions(&self) -> &[Coalition] {
        &self.coalitions
    }

    pub(super) fn units(&self) -> usize {
        self.coalitions.len() / 2
    }

    pub(super) fn strata(&self) -> &[Stratum] {
        &self.strata
    }

    /// For each unit the coalitions drawn that have the size of one of its own: two to a unit where coalition and complement
    /// are of one size.
    pub(super) fn rows_of_size(&self, stratum: &Stratum) -> f64 {
        let twice = 2 * stratum.size == self.players && self.players > 0;
        (stratum.units.len() * if twice { 2 } else { 1 }) as f64
    }
}

/// C(n, k) as a number of any size.
pub(super) fn choose(n: usize, k: usize) -> f64 {
    let product: f64 = (0..k.min(n - k)).fold(1.0, |product, i| {
        product * ((n - i) as f64 / (i + 1) as f64)
    });
    if product < 2f64.powi(50) {
        product.round()
    } else {
        product
    }
}

/// The units of a size: half as many as coalitions where the complement has the same size.
fn units_of(players: usize, size: usize) -> f64 {
    let all = choose(players, size);
    if 2 * size == players { all / 2.0 } else { all }
}

/// Adds `left` units to `counts` in proportion to `weights`, none beyond `all`.
fn share_out(counts: &mut [usize], mut left: usize, weights: &[f64], all: &[f64]) {
    while left > 0 {
        let open: Vec<usize> = (0..counts.len())
            .filter(|&at| (counts[at] as f64) < all[at])
            .collect();
        let total: f64 = open.iter().map(|&at| weights[at]).sum();
        if open.is_empty() {
            return;
        }
        let budget = left;
        for &at in &open {
            let fair = (budget as f64 * weights[at] / total) as usize;
            let more = fair.min((all[at] - counts[at] as f64) as usize).min(left);
            counts[at] += more;
            left -= more;
        }
        if left == budget {
            // Less than one unit each: the heaviest first.
            let mut heaviest = open;
            heaviest.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]));
            for &at in heaviest.iter().take(left) {
                counts[at] += 1;
            }
            left -= left.min(heaviest.len());
        }
    }
}

/// `count` different coalitions of `size`, one of each unit. Where most units are asked they are listed and shuffled.
fn draw(
    players: usize,
    size: usize,
    count: usize,
    all: f64,
    rng: &mut ChaCha8Rng,
) -> Vec<Coalition> {
    let halved = 2 * size == players;
    if (2 * count) as f64 >= all {
        let mut every = every_of_size(players, size);
        // The half without the last player stands for both.
        every.retain(|coalition| !halved || !coalition.contains(players - 1));
        for at in 0..count {
            let other = rng.random_range(at..every.len());
            every.swap(at, other);
        }
        every.truncate(count);
        return every;
    }
    let mut order: Vec<usize> = (0..players).collect();
    let mut seen = HashSet::new();
    let mut drawn = Vec::with_capacity(count);
    while drawn.len() < count {
        for at in 0..size {
            let other = rng.random_range(at..players);
            order.swap(at, other);
        }
        let mut coalition = Coalition::from_players(order[..size].iter().copied());
        if halved && coalition.contains(players - 1) {
            coalition = coalition.complement(players);
        }
        if seen.insert(coalition.clone()) {
            drawn.push(coalition);
        }
    }
    drawn
}

/// All coalitions of a size, in the order of their sorted players.
pub(super) fn every_of_size(players: usize, size: usize) -> Vec<Coalition> {
    let mut chosen: Vec<usize> = (0..size).collect();
    let mut every = Vec::new();
    loop {
        every.push(Coalition::from_players(chosen.iter().copied()));
        // The last player that can still move up does, and those after it follow close behind.
        let Some(at) = (0..size).rfind(|&at| chosen[at] < players - size + at) else {
            return every;
        };
        chosen[at] += 1;
        for next in at + 1..size {
            chosen[next] = chosen[next - 1] + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_asks_no_coalition_twice_and_keeps_to_its_budget() {
        for (players, budget) in [(1, 2), (2, 4), (7, 30), (8, 100), (12, 1000), (100, 777)] {
            for emphasis in [Emphasis::Kernel, Emphasis::Sizes, Emphasis::Count] {
                let plan = Plan::new(players, budget, emphasis, 3).expect("enough");
                let distinct: HashSet<_> = plan.coalitions().iter().collect();
                assert_eq!(distinct.len(), plan.coalitions().len());
                assert!(plan.coalitions().len() <= budget);
                assert!(plan.coalitions().len() + 1 >= budget.min(1 << players.min(20)));
                for stratum in plan.strata() {
                    for unit in stratum.units.clone() {
                        let coalition = &plan.coalitions()[2 * unit];
                        assert_eq!(coalition.len(), stratum.size);
                        let complement = &plan.coalitions()[2 * unit + 1];
                        assert_eq!(&coalition.complement(players), complement);
                    }
                    assert!(stratum.is_whole() || stratum.units.len() >= 2);
                }
            }
        }
    }

    #[test]
    fn a_full_budget_asks_every_coalition() {
        for players in 1..=9 {
            let plan = Plan::new(players, 1 << players, Emphasis::Kernel, 0).expect("enough");
            assert_eq!(plan.coalitions().len(), 1 << players);
            assert!(plan.strata().iter().all(Stratum::is_whole));
        }
    }

    #[test]
    fn every_unit_of_a_stratum_is_as_likely_as_the_others() {
        let mut asked = std::collections::HashMap::new();
        for seed in 0..2000 {
            let plan = Plan::new(6, 22, Emphasis::Sizes, seed).expect("enough");
            for coalition in plan.coalitions().iter().filter(|s| s.len() == 3) {
                *asked.entry(coalition.clone()).or_insert(0) += 1;
            }
        }
        assert_eq!(asked.len(), 20);
        let mean = asked.values().sum::<i32>() as f64 / 20.0;
        for (coalition, count) in asked {
            let away = (f64::from(count) - mean).abs();
            assert!(
                away < 5.0 * mean.sqrt(),
                "{coalition}: {count}, mean {mean}"
            );
        }
    }

    #[test]
    fn a_budget_too_small_for_every_size_is_refused() {
        let error = Plan::new(10, 21, Emphasis::Kernel, 0).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "the budget must be enough for ∅, N and two coalitions of each size with their complements, got 21, less than 22, \
             for 10 players"
        );
    }
}
