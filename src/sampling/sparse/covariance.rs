//! The covariance that a prior on Walsh functions gives to the values of coalitions, and what weights of samples mean under it.
//!
//! K(S, T) = Σ_U ρ_U χ_U(S) χ_U(T), ρ_U = Π_{i∈U} ρ_i being the prior variance of the coefficient of χ_U. The fit to samples S is
//! f(T) = mean + Σ_S a_S K(S, T) with weights a.

use std::ops::RangeInclusive;

use super::design::{DENSE_PLAYERS, Design, Players, Rule, Term};
use super::fit::Fit;
use super::pairs::OfPairs;
use super::ridge::Prior;
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

    /// Goes over to the samples of `own` and no others; what is known of the first of them is kept.
    fn cover(&mut self, own: &Design);
}

/// K of the samples of `own`, and of those of `others` with them, of the orders from `least`, 1 or with few players also 2; the
/// noise of `prior` is no part of it.
pub(super) fn covariance(
    own: &Design,
    others: Option<&Design>,
    prior: &Prior,
    least: usize,
) -> Box<dyn Covariance> {
    match own.players() <= DENSE_PLAYERS {
        true => Box::new(OfAll::new(own, others, prior, least)),
        false => Box::new(OfPairs::new(own, others, prior)),
    }
}

/// The Walsh functions of all coalitions up to an order, of at most 16 players.
struct OfAll {
    order: usize,
    /// ρ_U, 0 beyond the order.
    variances: Vec<f32>,
    variance: f64,
    /// Places of the samples in a table of all coalitions, and behind them of the others.
    places: Vec<u32>,
    /// Of all of them with each other, where that is less work than two transforms of a table.
    matrix: Option<Symmetric>,
    table: Vec<f32>,
}

impl OfAll {
    fn new(own: &Design, others: Option<&Design>, prior: &Prior, least: usize) -> Self {
        let variances = variances(&prior.scales, least..=prior.order);
        let mut found = Self {
            order: prior.order,
            variance: elementary(&prior.scales, least..=prior.order),
            places: [own.indices(), others.map_or(&[][..], Design::indices)].concat(),
            matrix: None,
            table: vec![0.0; variances.len()],
            variances,
        };
        if found.is_small(found.places.len()) {
            // χ_U(S) χ_U(T) = χ_U(S△T)
            let mut kernel = found.variances.clone();
            butterfly32(&mut kernel, WalshSums);
            found.matrix = Some(Symmetric::of_differences(&found.places, kernel));
        }
        found
    }

    /// Whether a matrix of so many samples is less work than two transforms of a table.
    fn is_small(&self, samples: usize) -> bool {
        let size = self.table.len();
        Symmetric::entries(samples) < size * size.ilog2() as usize
    }

    /// Σ_S x_S K(S, ·) at some places, by two transforms of a table.
    fn filter(&mut self, x: &[f32], to: Option<&[u32]>) -> Vec<f32> {
        let own = &self.places[..x.len()];
        let to = to.unwrap_or(&self.places);
        walsh_filter(&mut self.table, &self.variances, own, x, to)
    }
}

impl Covariance for OfAll {
    fn variance(&self) -> f64 {
        self.variance
    }

    fn apply(&mut self, x: &[f32]) -> Vec<f32> {
        match &self.matrix {
            Some(matrix) => matrix.times(x),
            None => self.filter(x, None),
        }
    }

    fn elsewhere(&mut self, weights: &[f32], coalitions: &Design) -> Vec<f32> {
        self.filter(weights, Some(coalitions.indices()))
    }

    fn cover(&mut self, own: &Design) {
        let matrix = self.matrix.take();
        let known = own.indices().starts_with(&self.places);
        self.places = own.indices().to_vec();
        if known && self.is_small(self.places.len()) {
            self.matrix = matrix.map(|mut matrix| {
                matrix.extend(&self.places);
                matrix
            });
        }
    }

    /// χ_U = Σ_{T⊆U} (−2)^|T| AND_T, so that T has (−2)^|T| Σ_{U⊇T} w_U.
    fn fit(&mut self, weights: &[f32]) -> Fit {
        self.table.fill(0.0);
        for (&at, weight) in self.places.iter().zip(weights) {
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
