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

/// The root mean square over `values` of what storing each with a significand of `bits` bits loses: an error spread evenly over
/// the distance s(v) between neighbouring numbers.
///
/// √(mean s(v)²/12), s(v) = 2^(⌊log₂|v|⌋ + 1 − bits)
pub fn rounding(values: &[f64], bits: i32) -> f64 {
    let square = |value: &f64| match value.abs() {
        0.0 => 0.0,
        size => (2.0 * (size.log2().floor() + f64::from(1 - bits))).exp2() / 12.0,
    };
    let sum: f64 = values.iter().map(square).sum();
    (sum / values.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValueTable;
    use crate::transform::mobius;
    use rand::{Rng, SeedableRng};

    #[test]
    fn rounding_loses_what_is_expected() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(2);
        let values: Vec<f64> = (0..20_000).map(|_| rng.random_range(-9.0..9.0)).collect();
        let lost = |value: &f64| (f64::from(*value as f32) - value).powi(2);
        let got = (values.iter().map(lost).sum::<f64>() / values.len() as f64).sqrt();
        assert!((got / rounding(&values, 24) - 1.0).abs() < 0.05);
        assert_eq!(rounding(&[0.0, 0.0], 8), 0.0);
    }

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
