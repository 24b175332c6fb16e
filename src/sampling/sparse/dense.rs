//! Terms that go with a residual, of few players: every AND and every OR scored at once.

use pulp::{Simd, WithSimd};

use super::design::{Design, Rule, Term};
use super::pool::RARE;
use super::search::{RULES, Width};
use crate::lanes::{Work, on_lanes, on_registers};
use crate::transform::superset_sums;

/// The tables of all coalitions that a search runs over.
pub(super) struct Dense<'a> {
    places: &'a [u32],
    players: usize,
    width: Width,
    /// For both rules, 1/‖x‖² of each term's centred column x at its players; 0 for what is no candidate.
    weights: [Vec<f32>; 2],
    sums: Vec<f32>,
}

/// Of the best gain: what gains less is no candidate.
const SHARE: f32 = 0.4;

impl<'a> Dense<'a> {
    pub(super) fn new(design: &'a Design, width: Width) -> Self {
        let mut found = Self {
            places: design.indices(),
            players: design.players(),
            width,
            weights: Default::default(),
            sums: vec![0.0; 1 << design.players()],
        };
        let ones = vec![1.0; design.samples()];
        for (rule, at) in RULES.into_iter().zip(0..) {
            found.sum(rule, &ones);
            let mut weights = found.sums.clone();
            on_lanes(Weigh {
                counts: &mut weights,
                samples: design.samples() as f32,
                orders: 2..=width.order.min(design.players()) as u32,
            });
            found.weights[at] = weights;
        }
        found
    }

    /// Σ of `residual` over the samples where the term of each set of players fires.
    fn sum(&mut self, rule: Rule, residual: &[f32]) {
        // None of U is present where all of U are among the absent ones.
        let flip = match rule {
            Rule::None => (1u32 << self.players) - 1,
            Rule::All | Rule::Odd => 0,
        };
        superset_sums(&mut self.sums, self.places, flip, residual);
    }

    /// Of each order from 2 and each polarity the terms that explain most of `residual`, which sums to 0, and at least
    /// [`SHARE`] of what the best one does.
    ///
    /// # Cost
    /// n·2^n / 2 additions for each polarity.
    pub(super) fn search(&mut self, residual: &[f32]) -> Vec<Term> {
        let mut found = Vec::new();
        for (rule, at) in RULES.into_iter().zip(0..) {
            self.sum(rule, residual);
            let most = on_registers(Gains {
                sums: &mut self.sums,
                weights: &self.weights[at],
            });
            let best = most.iter().fold(0.0f32, |best, gain| best.max(*gain));
            let cut = (SHARE * best).max(f32::MIN_POSITIVE);
            let mut strong = Vec::new();
            for (block, gains) in self.sums.chunks(BLOCK).enumerate() {
                if most[block] >= cut {
                    let here = gains.iter().enumerate().filter(|(_, gain)| **gain >= cut);
                    strong.extend(here.map(|(at, gain)| (*gain, (block * BLOCK + at) as u32)));
                }
            }
            strong.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let mut taken = vec![0; self.players + 1];
            for (_, set) in strong {
                let taken = &mut taken[set.count_ones() as usize];
                *taken += 1;
                if *taken <= self.width.kept {
                    let players = (0..self.players as u16).filter(|i| set >> i & 1 == 1);
                    let players = players.collect();
                    found.push(Term { rule, players });
                }
            }
        }
        found
    }
}

/// Gains that are looked at together.
const BLOCK: usize = 64;

/// Turns counts into 1/(count − count²/samples).
struct Weigh<'a> {
    counts: &'a mut [f32],
    samples: f32,
    orders: std::ops::RangeInclusive<u32>,
}

impl Work for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let rare = RARE as f32;
        let (least, most) = (*self.orders.start(), *self.orders.end());
        for (set, count) in (0u32..).zip(self.counts) {
            let order = set.count_ones();
            let fires = (*count >= rare) & (self.samples - *count >= rare);
            let norm = *count - *count * *count / self.samples;
            *count = match fires & (order >= least) & (order <= most) {
                true => 1.0 / norm,
                false => 0.0,
            };
        }
    }
}

/// Turns sums into gains, sum²·weight, and finds the largest of each block.
struct Gains<'a> {
    sums: &'a mut [f32],
    weights: &'a [f32],
}

impl WithSimd for Gains<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let mut largest = Vec::with_capacity(self.sums.len().div_ceil(BLOCK));
        let weights = self.weights.chunks(BLOCK);
        for (sums, weights) in self.sums.chunks_mut(BLOCK).zip(weights) {
            let (sums, last) = S::as_mut_simd_f32s(sums);
            let (weights, last_weights) = S::as_simd_f32s(weights);
            let mut most = simd.splat_f32s(0.0);
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = simd.mul_f32s(simd.mul_f32s(*sum, *sum), *weight);
                most = simd.max_f32s(most, *sum);
            }
            let mut most = simd.reduce_max_f32s(most);
            for (sum, weight) in last.iter_mut().zip(last_weights) {
                *sum = *sum * *sum * weight;
                most = most.max(*sum);
            }
            largest.push(most);
        }
        largest
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::lanes::tests::on_every_kind;
    use crate::sampling::sparse::design::{count, places};
    use crate::sampling::sparse::plan;

    #[test]
    fn the_strongest_terms_of_each_order_are_found() {
        on_every_kind(|| {
            for players in [3, 8, 11] {
                let coalitions = plan(players, 90.min(1 << players), 6).expect("a plan");
                let design = Design::new(players, &coalitions.iter().collect::<Vec<_>>());
                let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(4);
                let samples = design.samples();
                let mut residual: Vec<f32> =
                    (0..samples).map(|_| rng.random_range(-1.0..1.0)).collect();
                let mean = residual.iter().sum::<f32>() / samples as f32;
                residual.iter_mut().for_each(|r| *r -= mean);
                let width = Width {
                    beam: 9,
                    kept: 4,
                    order: 3,
                };
                let found = Dense::new(&design, width).search(&residual);
                for rule in RULES {
                    let mut exact: Vec<(f64, Term)> = (1u32..1 << players)
                        .filter(|set| (2..=3).contains(&set.count_ones()))
                        .filter_map(|set| {
                            let here = (0..players as u16).filter(|i| set >> i & 1 == 1);
                            let term = Term {
                                rule,
                                players: here.collect(),
                            };
                            let bits = design.fires(&term);
                            let fires = count(&bits);
                            let sum: f32 = places(&bits).map(|s| residual[s]).sum();
                            let norm = f64::from(fires) - f64::from(fires).powi(2) / samples as f64;
                            let often = fires >= RARE && samples as u32 - fires >= RARE;
                            often.then(|| (f64::from(sum).powi(2) / norm, term))
                        })
                        .collect();
                    exact.sort_by(|a, b| b.0.total_cmp(&a.0));
                    let Some(best) = exact.first().map(|best| best.0) else {
                        assert!(found.iter().all(|term| term.rule != rule));
                        continue;
                    };
                    for order in [2, 3] {
                        let of = |term: &Term| term.players.len() == order && term.rule == rule;
                        let expected = exact
                            .iter()
                            .filter(|(gain, term)| of(term) && *gain > 0.401 * best);
                        let expected: Vec<&Term> = expected.map(|(_, term)| term).take(4).collect();
                        let own: Vec<&Term> = found.iter().filter(|term| of(term)).collect();
                        assert_eq!(
                            own[..expected.len()],
                            expected,
                            "{players} players, order {order}"
                        );
                    }
                }
            }
        });
    }
}
