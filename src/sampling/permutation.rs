//! Shapley values from random orders in which players join.
//!
//! Player i adds v(S∪i) − v(S) to the players S before it; its mean over all n! orders is the Shapley value. Orders come in
//! pairs, one the reverse of the other: who comes late in one comes early in the other, so that much of the chance cancels.

use std::collections::HashMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::estimate::{Estimate, Estimated, Spread};
use crate::{Coalition, Error, Result};

/// The fewest pairs of orders whose spread is taken for a standard error.
const FEWEST_PAIRS: usize = 4;

/// What seldom happens may not have happened yet: to the spread of each player's own pairs comes that of so many pairs more, of the
/// mean spread over all players.
const SHARED_PAIRS: f64 = 12.0;

/// Random orders in which the players join, and the coalitions on their ways, each once.
#[derive(Clone, Debug)]
pub struct Plan {
    players: usize,
    coalitions: Vec<Coalition>,
    /// For each order the players as they join.
    orders: Vec<Vec<usize>>,
    /// For each order the places in `coalitions` from ∅ to N.
    ways: Vec<Vec<usize>>,
}

impl Plan {
    /// As many pairs of orders as `budget` coalitions allow, an order and its reverse to a pair; each pair asks at most
    /// 2n − 2 coalitions beside ∅ and N.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there is no player or the budget does not allow 4 pairs: 8n − 6 coalitions always do.
    pub fn new(players: usize, budget: usize, seed: u64) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut plan = Self {
            players,
            coalitions: vec![Coalition::EMPTY, Coalition::grand(players)],
            orders: Vec::new(),
            ways: Vec::new(),
        };
        let mut places = HashMap::from([(plan.coalitions[0].clone(), 0)]);
        places.insert(plan.coalitions[1].clone(), plan.coalitions.len() - 1);
        let mut order: Vec<usize> = (0..players).collect();
        // Among few players nearly every order may be made of coalitions that are there already, so pairs are bounded too.
        while players > 0 && plan.orders.len() < 2 * budget {
            order.shuffle(&mut rng);
            let reverse: Vec<usize> = order.iter().rev().copied().collect();
            let pair = [order.clone(), reverse].map(|order| (way(&order), order));
            let before = plan.coalitions.len();
            for (way, _) in &pair {
                for coalition in way {
                    places.entry(coalition.clone()).or_insert_with(|| {
                        plan.coalitions.push(coalition.clone());
                        plan.coalitions.len() - 1
                    });
                }
            }
            if plan.coalitions.len() > budget {
                plan.coalitions.truncate(before);
                break;
            }
            for (way, order) in pair {
                plan.ways.push(way.iter().map(|s| places[s]).collect());
                plan.orders.push(order);
            }
        }
        if plan.orders.len() < 2 * FEWEST_PAIRS {
            return Err(Error::Parameter {
                parameter: "the budget",
                must: "enough for 4 pairs of orders, 8n − 6 coalitions of n players",
                got: format!("{budget} for {players} players"),
            });
        }
        Ok(plan)
    }

    /// The coalitions to ask, each once.
    pub fn coalitions(&self) -> &[Coalition] {
        &self.coalitions
    }
}

/// ∅, then one player more at a time.
fn way(order: &[usize]) -> Vec<Coalition> {
    let mut way = vec![Coalition::EMPTY];
    for count in 1..=order.len() {
        way.push(Coalition::from_players(order[..count].iter().copied()));
    }
    way
}

/// Shapley values from the answers to a plan: means over its pairs of orders, with the standard errors of these means.
///
/// # Panics
/// If there is not one value for each coalition of the plan.
///
/// # Source
/// Castro, Gómez and Tejada 2009; antithetic pairs: Mitchell, Cooper, Frank and Holmes 2022.
pub fn shapley(plan: &Plan, values: &[f64]) -> Estimate {
    assert_eq!(values.len(), plan.coalitions.len(), "a value each");
    let mut added = vec![Vec::with_capacity(plan.orders.len()); plan.players];
    for (order, way) in plan.orders.iter().zip(&plan.ways) {
        for (player, step) in order.iter().zip(way.windows(2)) {
            added[*player].push(values[step[1]] - values[step[0]]);
        }
    }
    let pairs = plan.orders.len() as f64 / 2.0;
    let found: Vec<(f64, Spread)> = added
        .iter()
        .map(|added| {
            let means: Vec<f64> = added
                .chunks_exact(2)
                .map(|pair| 0.5 * (pair[0] + pair[1]))
                .collect();
            let mut spread = Spread::default();
            spread.add(&means, 1.0 / pairs);
            (means.iter().sum::<f64>() / pairs, spread)
        })
        .collect();
    let mean_variance =
        found.iter().map(|(_, spread)| spread.variance).sum::<f64>() / plan.players as f64;
    let of = |(player, (value, spread)): (usize, (f64, Spread))| Estimated {
        coalition: Coalition::from_players([player]),
        value,
        standard_error: (spread.variance + SHARED_PAIRS / pairs * mean_variance).sqrt(),
        degrees: spread.degrees(),
    };
    Estimate {
        values: found.into_iter().enumerate().map(of).collect(),
        v_empty: values[0],
        empty: values[0],
        evaluations: values.len(),
    }
}
