//! The norm that lets several models share interactions.
//!
//! For the effects x₁, …, x_M of one interaction in M models: (1 − α)·max|x_i| + α·Σ|x_i|. With one model it is |x|.

/// Pays (1 − own)·max + own·sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SharedNorm {
    pub(super) own: f64,
}

impl SharedNorm {
    /// The norm of `effects`.
    pub(super) fn value(self, effects: &[f64]) -> f64 {
        let (mut max, mut sum) = (0.0f64, 0.0);
        for effect in effects {
            max = max.max(effect.abs());
            sum += effect.abs();
        }
        (1.0 - self.own) * max + self.own * sum
    }

    /// The proximal map of γ times the norm, in place: soft threshold, then what is left is clipped at the level that takes
    /// γ·(1 − own) away from it. `sorted` is scratch.
    pub(super) fn shrink(self, effects: &mut [f64], gamma: f64, sorted: &mut Vec<f64>) {
        let threshold = gamma * self.own;
        for effect in effects.iter_mut() {
            *effect = effect.signum() * (effect.abs() - threshold).max(0.0);
        }
        sort(effects, sorted);
        let (mut sum, mut level) = (0.0, 0.0f64);
        for (at, size) in sorted.iter().enumerate() {
            sum += size;
            level = level.max((sum - gamma * (1.0 - self.own)) / (at + 1) as f64);
        }
        for effect in effects {
            *effect = effect.clamp(-level, level);
        }
    }

    /// The dual norm of `costs`: the least factor by which they must be divided before no interaction is worth its price.
    pub(super) fn dual(self, costs: &[f64], sorted: &mut Vec<f64>) -> f64 {
        sort(costs, sorted);
        let (mut sum, mut largest) = (0.0, 0.0f64);
        for (at, size) in sorted.iter().enumerate() {
            sum += size;
            largest = largest.max(sum / (1.0 - self.own + (at + 1) as f64 * self.own));
        }
        largest
    }
}

fn sort(values: &[f64], sorted: &mut Vec<f64>) {
    sorted.clear();
    sorted.extend(values.iter().map(|value| value.abs()));
    sorted.sort_by(|a, b| b.total_cmp(a));
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn one_model_is_the_absolute_value() {
        let mut sorted = Vec::new();
        for own in [0.0, 0.1, 1.0] {
            let norm = SharedNorm { own };
            assert!((norm.value(&[-2.5]) - 2.5).abs() < 1e-15);
            assert!((norm.dual(&[-2.5], &mut sorted) - 2.5).abs() < 1e-15);
            let mut effect = [-2.5];
            norm.shrink(&mut effect, 1.0, &mut sorted);
            assert!((effect[0] + 1.5).abs() < 1e-12);
        }
    }

    #[test]
    fn the_proximal_map_and_the_dual_norm_obey_their_definitions() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(6);
        let mut sorted = Vec::new();
        for _ in 0..200 {
            let norm = SharedNorm {
                own: rng.random_range(0.0..1.0),
            };
            let z: Vec<f64> = (0..3).map(|_| rng.random_range(-2.0..2.0)).collect();
            let gamma = rng.random_range(0.1..2.0);
            let mut x = z.clone();
            norm.shrink(&mut x, gamma, &mut sorted);
            // Optimality: (z − x)/γ is a subgradient, of dual norm at most 1 and ⟨·, x⟩ = norm(x).
            let g: Vec<f64> = z.iter().zip(&x).map(|(z, x)| (z - x) / gamma).collect();
            assert!(norm.dual(&g, &mut sorted) <= 1.0 + 1e-9);
            let inner: f64 = g.iter().zip(&x).map(|(g, x)| g * x).sum();
            assert!((inner - norm.value(&x)).abs() < 1e-9);
        }
    }
}
