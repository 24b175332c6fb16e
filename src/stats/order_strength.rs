//! How much effect each order carries, by sign.

/// The sum of positive and of negative effects at each order, in the units of v; the order is the place in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderStrength {
    /// Σ_{|S|=k} max(I(S), 0) for k = 0, …, n.
    pub positive: Vec<f64>,
    /// Σ_{|S|=k} min(I(S), 0) for k = 0, …, n: zero or below.
    pub negative: Vec<f64>,
}

/// Sums effects by order and sign.
///
/// `effects` holds 2^n numbers in index order, such as the AND or the OR effects of a game; order 0 is the effect of ∅.
///
/// # Cost
/// One pass.
///
/// # Panics
/// If the length is no power of two.
///
/// # Source
/// Ren et al. 2024, *Towards the dynamics of a DNN learning symbolic interactions*, where the ratio of these sums to their
/// total is drawn order by order.
///
/// # Example
/// ```
/// use harsanyi::stats::order_strength::order_strength;
/// let strength = order_strength(&[0.5, 1.0, -2.0, 3.0]);
/// assert_eq!(strength.positive, [0.5, 1.0, 3.0]);
/// assert_eq!(strength.negative, [0.0, -2.0, 0.0]);
/// ```
pub fn order_strength(effects: &[f64]) -> OrderStrength {
    assert!(
        effects.len().is_power_of_two(),
        "effects over n players are 2^n numbers, these {}",
        effects.len()
    );
    let orders = effects.len().trailing_zeros() as usize + 1;
    let mut strength = OrderStrength {
        positive: vec![0.0; orders],
        negative: vec![0.0; orders],
    };
    for (s, effect) in effects.iter().enumerate() {
        let order = s.count_ones() as usize;
        if *effect > 0.0 {
            strength.positive[order] += effect;
        } else {
            strength.negative[order] += effect;
        }
    }
    strength
}
