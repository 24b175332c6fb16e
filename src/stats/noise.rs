//! What noise in v does to interactions.

/// How many standard deviations of noise an effect must exceed to be told from it: noise alone exceeds three about once in 370
/// times.
pub const FLOOR: f64 = 3.0;

/// The standard deviation of an interaction of `order` players where every value carries independent noise of standard
/// deviation `sigma`: a dividend is a sum of 2^order values, so that its variance doubles with each player.
///
/// std I(S) = 2^(|S|/2) · σ
pub fn of_order(sigma: f64, order: usize) -> f64 {
    sigma * (order as f64 / 2.0).exp2()
}

/// [`of_order`] for the orders 0 to `players`.
pub fn by_order(sigma: f64, players: usize) -> Vec<f64> {
    (0..=players).map(|order| of_order(sigma, order)).collect()
}

/// Whether an effect of `order` players cannot be told from noise of standard deviation `sigma` in v.
pub fn hides(sigma: f64, order: usize, effect: f64) -> bool {
    effect.abs() < FLOOR * of_order(sigma, order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValueTable;
    use crate::transform::mobius;
    use rand::{Rng, SeedableRng};

    #[test]
    fn the_dividends_of_noise_have_the_spread_expected_of_their_order() {
        let (players, sigma, games) = (6, 0.25, 200);
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(11);
        let mut squares = vec![0.0; players + 1];
        let mut count = vec![0.0; players + 1];
        for _ in 0..games {
            // Uniform noise of this width has the standard deviation σ.
            let width = sigma * 3f64.sqrt();
            let values = (0..1 << players)
                .map(|_| rng.random_range(-width..width))
                .collect();
            let table = ValueTable::new(players, values).expect("finite");
            for (coalition, effect) in mobius(&table).values().iter().enumerate() {
                let order = coalition.count_ones() as usize;
                squares[order] += effect * effect;
                count[order] += 1.0;
            }
        }
        for (order, expected) in by_order(sigma, players).into_iter().enumerate() {
            let got = (squares[order] / count[order] as f64).sqrt();
            assert!(
                (got / expected - 1.0).abs() < 0.15,
                "order {order}: {got} instead of {expected}"
            );
        }
        assert!(hides(1.0, 4, -11.9) && !hides(1.0, 4, 12.1) && !hides(0.0, 4, 0.0));
    }
}
