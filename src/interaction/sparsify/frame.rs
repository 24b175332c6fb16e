//! The exact constraint as a tight frame.
//!
//! With o′ = −o and both constants free, an exact explanation is Z a + F Z o′ = u for all T, where Z sums over subsets and F
//! flips the index to the complement. Per player ZZᵀ has the rows (1, 1), (1, 2) and FZZᵀFᵀ the rows (2, 1), (1, 1); one congruence X
//! diagonalises both, and scaled by the norms of its rows the constraint reads
//!
//! c ⊙ (U a) + d ⊙ (W o′) = ū, U and W Kronecker powers of orthogonal 2×2 matrices, c² + d² = 1,
//!
//! so that the projection onto it is w + Qᵀ(ū − Q w), four butterflies, whatever n.

use super::reduce::{zip2, zip3};
use crate::transform::butterfly;

/// 1/φ, φ the golden ratio: the tangent of both rotations.
const TANGENT: f64 = 0.618_033_988_749_894_9;

/// The constraint Q x = ū.
pub(super) struct Frame {
    /// c and d; each holds the n cosines that [`rotate`] and [`reflect`] leave out.
    weights: [Vec<f64>; 2],
    /// 1 / (norm of each row) before scaling.
    scale: Vec<f64>,
    /// ū.
    target: Vec<f64>,
}

/// √(1 + TANGENT²) times U, along every player.
fn rotate(values: &mut [f64]) {
    butterfly(values, |p, q| (TANGENT * p + q, TANGENT * q - p));
}

/// The transpose of [`rotate`].
fn rotate_back(values: &mut [f64]) {
    butterfly(values, |p, q| (TANGENT * p - q, p + TANGENT * q));
}

/// √(1 + TANGENT²) times W, which is symmetric.
fn reflect(values: &mut [f64]) {
    butterfly(values, |p, q| (p - TANGENT * q, -(TANGENT * p + q)));
}

/// Two independent pieces of work, on two threads where they are long enough.
pub(super) fn both(len: usize, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    if len >= 1 << 11 {
        rayon::join(a, b);
    } else {
        a();
        b();
    }
}

impl Frame {
    /// The constraint for the centred game `u`.
    pub(super) fn new(u: &[f64]) -> Self {
        let players = u.len().trailing_zeros();
        let golden = (1.0 + 5f64.sqrt()) / 2.0;
        let cosine = 1.0 / (1.0 + TANGENT * TANGENT).sqrt();
        // One value per number of players present.
        let levels: Vec<[f64; 3]> = (0..=players)
            .map(|present| {
                let ratio = golden.powf((f64::from(players) - 2.0 * f64::from(present)) / 2.0);
                let norm = ratio.hypot(1.0 / ratio);
                let cosines = cosine.powi(players as i32);
                [ratio / norm * cosines, cosines / (ratio * norm), 1.0 / norm]
            })
            .collect();
        let level = |which: usize| -> Vec<f64> {
            (0..u.len())
                .map(|t| levels[t.count_ones() as usize][which])
                .collect()
        };
        let mut frame = Self {
            weights: [level(0), level(1)],
            scale: level(2),
            target: Vec::new(),
        };
        let mut target = u.to_vec();
        let [[a, b], [c, d]] = congruence();
        butterfly(&mut target, |p, q| (a * p + c * q, b * p + d * q));
        zip2(&mut target, &frame.scale, |target, scale| *target *= scale);
        frame.target = target;
        frame
    }

    /// Moves that take `w` to its projection: `moves` ← P(w) − w, `multiplier` ← ū − Q w.
    pub(super) fn project(
        &self,
        w: &[Vec<f64>],
        moves: &mut [Vec<f64>],
        multiplier: &mut Vec<f64>,
    ) {
        let [c, d] = &self.weights;
        let (and, or) = moves.split_at_mut(1);
        let (and, or) = (&mut and[0], &mut or[0]);
        let len = c.len();
        both(
            len,
            || {
                and.copy_from_slice(&w[0]);
                rotate(and);
            },
            || {
                or.copy_from_slice(&w[1]);
                reflect(or);
            },
        );
        multiplier.clone_from(&self.target);
        zip3(multiplier, c, and, |rest, c, and| *rest -= c * and);
        zip3(multiplier, d, or, |rest, d, or| *rest -= d * or);
        self.adjoint(multiplier, and, or);
    }

    /// (`and`, `or`) ← Qᵀ `multiplier`.
    fn adjoint(&self, multiplier: &[f64], and: &mut [f64], or: &mut [f64]) {
        let [c, d] = &self.weights;
        both(
            c.len(),
            || {
                zip3(and, c, multiplier, |and, c, rest| *and = c * rest);
                rotate_back(and);
            },
            || {
                zip3(or, d, multiplier, |or, d, rest| *or = d * rest);
                reflect(or);
            },
        );
    }

    /// The least-norm effects that explain `residual` (in the place of u): (`and`, `or`) ← Aᵀ(AAᵀ)⁻¹ `residual`.
    pub(super) fn least_norm(&self, mut residual: Vec<f64>, and: &mut [f64], or: &mut [f64]) {
        let [[a, b], [c, d]] = congruence();
        butterfly(&mut residual, |p, q| (a * p + c * q, b * p + d * q));
        zip2(&mut residual, &self.scale, |rest, scale| *rest *= scale);
        self.adjoint(&residual, and, or);
    }

    /// The dual vector y with Aᵀy = Qᵀ `multiplier`.
    pub(super) fn dual(&self, multiplier: &[f64], dual: &mut Vec<f64>) {
        dual.clear();
        dual.extend_from_slice(multiplier);
        zip2(dual, &self.scale, |dual, scale| *dual *= scale);
        let [[a, b], [c, d]] = congruence();
        butterfly(dual, |p, q| (a * p + b * q, c * p + d * q));
    }

    /// (AAᵀ)⁻¹ 1: the direction in which a dual vector is moved until its entries sum to zero.
    pub(super) fn constant_direction(&self) -> Vec<f64> {
        let mut multiplier = vec![1.0; self.scale.len()];
        let [[a, b], [c, d]] = congruence();
        butterfly(&mut multiplier, |p, q| (a * p + c * q, b * p + d * q));
        zip2(&mut multiplier, &self.scale, |rest, scale| *rest *= scale);
        let mut dual = Vec::new();
        self.dual(&multiplier, &mut dual);
        dual
    }
}

/// X, whose columns are the generalised eigenvectors (−1, φ²) and (−φ², 1) of the two Gram matrices, scaled to φ and 1/φ.
fn congruence() -> [[f64; 2]; 2] {
    let golden = (1.0 + 5f64.sqrt()) / 2.0;
    let square = golden * golden;
    let scale = (golden / (1.0 - 2.0 * square + 2.0 * square * square)).sqrt();
    [[-scale, -square * scale], [square * scale, scale]]
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::interaction::sparsify::operator;
    use crate::interaction::sparsify::reduce::{dot, max_abs};

    fn random(rng: &mut impl Rng, len: usize) -> Vec<f64> {
        (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    #[test]
    fn the_projection_is_feasible_and_orthogonal() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(2);
        for players in [1, 2, 3, 6, 11] {
            let len = 1 << players;
            let u = random(&mut rng, len);
            let frame = Frame::new(&u);
            let w = vec![random(&mut rng, len), random(&mut rng, len)];
            let mut moves = vec![vec![0.0; len], vec![0.0; len]];
            let (mut multiplier, mut dual) = (Vec::new(), Vec::new());
            frame.project(&w, &mut moves, &mut multiplier);
            let x: Vec<Vec<f64>> = (0..2)
                .map(|k| w[k].iter().zip(&moves[k]).map(|(w, m)| w + m).collect())
                .collect();
            let mut residual = operator::residual(&u, &x);
            assert!(max_abs(&residual) < 1e-11, "{players} players");
            // The move lies in the range of Aᵀ, and the dual vector is its preimage.
            frame.dual(&multiplier, &mut dual);
            let slack = operator::adjoint(&dual);
            for k in 0..2 {
                for (slack, step) in slack[k].iter().zip(&moves[k]) {
                    assert!((slack - step).abs() < 1e-11);
                }
            }
            // A second projection does not move.
            frame.project(&x, &mut moves, &mut multiplier);
            assert!(max_abs(&moves[0]) + max_abs(&moves[1]) < 1e-11);
            // The least-norm explanation of a residual explains it.
            residual.clone_from(&w[0]);
            let (and, or) = moves.split_at_mut(1);
            frame.least_norm(residual, &mut and[0], &mut or[0]);
            assert!(max_abs(&operator::residual(&w[0], &moves)) < 1e-11);
            // Aᵀ of the constant direction is the projection of the unit vector of a(∅).
            let direction = frame.constant_direction();
            let slack = operator::adjoint(&direction);
            let norm = dot(&slack[0], &slack[0]) + dot(&slack[1], &slack[1]);
            assert!((norm - slack[0][0]).abs() < 1e-11);
        }
    }
}
