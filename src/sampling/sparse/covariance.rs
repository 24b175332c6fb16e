//! The covariance that a prior on Walsh functions gives to the values of coalitions, and what weights of samples mean under it.
//!
//! K(S, T) = Σ_U ρ_U χ_U(S) χ_U(T), ρ_U = Π_{i∈U} ρ_i being the prior variance of the coefficient of χ_U. The fit to samples S is
//! f(T) = mean + Σ_S a_S K(S, T) with weights a.

use std::ops::RangeInclusive;

use super::design::{DENSE_PLAYERS, Design, Players, Rule, Term};
use super::fit::Fit;
use super::pairs::OfPairs;
use super::ridge::Prior;
use super::sums::add_rows;
use super::symmetric::Symmetric;
use crate::lanes::{Work, on_lanes};
use crate::transform::{SupersetSums, WalshSums, butterfly32, walsh_filter};

/// K of some samples, and of other coalitions with them.
pub(super) trait Covariance {
    /// The prior variance of v, Σ_U ρ_U.
    fn variance(&self) -> f64;

    /// Σ_S x_S K(S, ·) at the samples, and behind them at the others.
    fn apply(&mut self, x: &[f32]) -> Vec<f32>;

    /// Σ_S a_S K(S, ·) at any coalitions.
    fn elsewhere(&mut self, weights: &[f32], coalitions: &Design) -> Vec<f32>;

    /// Σ_S a_S K(S, ·) as a sum of ANDs.
    fn fit(&mut self, weights: &[f32]) -> Fit;
}

/// K of the samples of `own`, and of those of `others` with them, of the orders from `least`, 1 or with few players also 2; the
/// noise of `prior` is no part of it.
pub(super) fn covariance<'a>(
    own: &'a Design,
    others: Option<&'a Design>,
    prior: &Prior,
    least: usize,
) -> Box<dyn Covariance + 'a> {
    match own.players() <= DENSE_PLAYERS {
        true => Box::new(OfAll::new(own, others, prior, least)),
        false => Box::new(OfPairs::new(own, others, prior)),
    }
}

/// The Walsh functions of all coalitions up to an order, of at most 16 players.
struct OfAll<'a> {
    order: usize,
    /// ρ_U, 0 beyond the order.
    variances: Vec<f32>,
    variance: f64,
    /// Places of the samples in a table of all coalitions, and of the others.
    own: &'a [u32],
    others: &'a [u32],
    /// Of the samples with each other, and of each with the others, where that is less work than two transforms of a table.
    matrices: Option<(Symmetric, Vec<f32>)>,
    table: Vec<f32>,
}

impl<'a> OfAll<'a> {
    fn new(own: &'a Design, others: Option<&'a Design>, prior: &Prior, least: usize) -> Self {
        let players = own.players();
        let (own, others) = (own.indices(), others.map_or(&[][..], Design::indices));
        let variances = variances(&prior.scales, least..=prior.order);
        let mut table = variances.clone();
        let beside = own.len() * others.len();
        let few = Symmetric::entries(own.len()) + beside < players << players;
        let matrices = few.then(|| {
            // χ_U(S) χ_U(T) = χ_U(S△T)
            butterfly32(&mut table, WalshSums);
            let mut with_others = Vec::with_capacity(beside);
            for own in own {
                with_others.extend(others.iter().map(|other| table[(own ^ other) as usize]));
            }
            (Symmetric::of_differences(own, &table), with_others)
        });
        Self {
            order: prior.order,
            variance: elementary(&prior.scales, least..=prior.order),
            variances,
            own,
            others,
            matrices,
            table,
        }
    }

    /// Σ_S x_S K(S, ·) at the coalitions at some places, by two transforms of a table.
    fn filter(&mut self, x: &[f32], to: &[&[u32]]) -> Vec<f32> {
        walsh_filter(&mut self.table, &self.variances, self.own, x, to)
    }
}

impl Covariance for OfAll<'_> {
    fn variance(&self) -> f64 {
        self.variance
    }

    fn apply(&mut self, x: &[f32]) -> Vec<f32> {
        if let Some((own, with_others)) = &self.matrices {
            let mut image = own.times(x);
            image.resize(self.own.len() + self.others.len(), 0.0);
            add_rows(&mut image[self.own.len()..], x, with_others);
            return image;
        }
        self.filter(x, &[self.own, self.others])
    }

    fn elsewhere(&mut self, weights: &[f32], coalitions: &Design) -> Vec<f32> {
        self.filter(weights, &[coalitions.indices()])
    }

    /// χ_U = Σ_{T⊆U} (−2)^|T| AND_T, so that T has (−2)^|T| Σ_{U⊇T} w_U.
    fn fit(&mut self, weights: &[f32]) -> Fit {
        self.table.fill(0.0);
        for (&at, weight) in self.own.iter().zip(weights) {
            self.table[at as usize] += weight;
        }
        butterfly32(&mut self.table, WalshSums);
        for (value, variance) in self.table.iter_mut().zip(&self.variances) {
            *value *= variance;
        }
        butterfly32(&mut self.table, SupersetSums);
        let constant = f64::from(self.table[0]);
        let (end, order) = (self.table.len(), self.order);
        // Behind a set of as many players as there may be come those that have more, until its first player is carried.
        let next = |&set: &usize| match set.count_ones() as usize == order {
            true => Some(set + (set & set.wrapping_neg())),
            false => Some(set + 1),
        };
        let sets = std::iter::successors(Some(1), next).take_while(|set| *set < end);
        let term = |set: usize| {
            let mut players = Players::new();
            let mut rest = set;
            while rest != 0 {
                players.push(rest.trailing_zeros() as u16);
                rest &= rest - 1;
            }
            let factor = (-2f64).powi(players.len() as i32);
            let rule = Rule::All;
            (Term { rule, players }, factor * f64::from(self.table[set]))
        };
        Fit {
            constant,
            terms: sets.map(term).collect(),
        }
    }
}

/// Π_{i∈U} scale_i at U, and 0 for ∅ and where the order is none of `orders`.
fn variances(scales: &[f64], orders: RangeInclusive<usize>) -> Vec<f32> {
    struct Products<'a> {
        to: &'a mut [f32],
        scales: &'a [f64],
        orders: (u32, u32),
    }
    impl Work for Products<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            for (player, scale) in self.scales.iter().enumerate() {
                let (without, rest) = self.to.split_at_mut(1 << player);
                for (with, without) in rest.iter_mut().zip(without) {
                    *with = *without * *scale as f32;
                }
            }
            for (set, variance) in (0u32..).zip(self.to) {
                let order = set.count_ones();
                *variance = match (order >= self.orders.0) & (order <= self.orders.1) {
                    true => *variance,
                    false => 0.0,
                };
            }
        }
    }
    let mut variances = vec![1.0; 1 << scales.len()];
    on_lanes(Products {
        to: &mut variances,
        scales,
        orders: (*orders.start() as u32, *orders.end() as u32),
    });
    variances[0] = 0.0;
    variances
}

/// Σ of the products of as many of the scales as `orders` say.
pub(super) fn elementary(scales: &[f64], orders: RangeInclusive<usize>) -> f64 {
    let order = *orders.end();
    let mut sums = vec![0.0; order + 1];
    sums[0] = 1.0;
    for scale in scales {
        for k in (1..=order).rev() {
            sums[k] += scale * sums[k - 1];
        }
    }
    sums.get(orders).unwrap_or_default().iter().sum()
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::lanes::tests::on_every_kind;
    use crate::sampling::sparse::plan;

    /// Σ_U ρ_U χ_U(S) χ_U(T) over all U up to the order, one after the other.
    fn obvious(prior: &Prior, order: usize, s: &[bool], t: &[bool]) -> f64 {
        let players = s.len();
        (1u32..1 << players)
            .filter(|set| set.count_ones() as usize <= order)
            .map(|set| {
                let here = (0..players).filter(|i| set >> i & 1 == 1);
                here.map(|i| prior.scales[i] * if s[i] == t[i] { 1.0 } else { -1.0 })
                    .product::<f64>()
            })
            .sum()
    }

    #[test]
    fn images_and_fits_equal_the_sums_that_they_stand_for() {
        on_every_kind(|| {
            // A matrix, a table, and pairs.
            for (players, samples, order) in [(7, 12, 3), (6, 60, 6), (17, 40, 2), (17, 21, 1)] {
                let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(players as u64);
                let coalitions = plan(players, samples, 3).expect("a plan");
                let rows: Vec<Vec<bool>> = coalitions
                    .iter()
                    .map(|c| (0..players).map(|i| c.contains(i)).collect())
                    .collect();
                let count = samples * 2 / 3;
                let design = |rows: &[crate::Coalition]| {
                    Design::new(players, &rows.iter().collect::<Vec<_>>())
                };
                let (own, others) = (design(&coalitions[..count]), design(&coalitions[count..]));
                let prior = Prior {
                    scales: (0..players).map(|_| rng.random_range(0.05..0.4)).collect(),
                    noise: 0.0,
                    order,
                };
                let x: Vec<f32> = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();
                let mut found = covariance(&own, Some(&others), &prior, 1);
                let empty = vec![true; players];
                assert!((found.variance() - obvious(&prior, order, &empty, &empty)).abs() < 1e-9);
                let image = found.apply(&x);
                let fit = found.fit(&x);
                let fitted = [fit.explain(&own), fit.explain(&others)].concat();
                assert_eq!(image.len(), samples);
                for (at, row) in rows.iter().enumerate() {
                    let exact: f64 = (0..count)
                        .map(|s| f64::from(x[s]) * obvious(&prior, order, &rows[s], row))
                        .sum();
                    assert!(
                        (f64::from(image[at]) - exact).abs() < 1e-4,
                        "{players}: {exact}"
                    );
                    assert!((fitted[at] - exact).abs() < 1e-4, "{players}: {exact}");
                }
            }
        });
    }
}
