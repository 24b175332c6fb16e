//! The Walsh functions of one and of two players, of any number of players.

use rayon::prelude::*;
use smallvec::smallvec;

use super::covariance::{Covariance, elementary};
use super::design::{Design, Rule, Term};
use super::fit::Fit;
use super::ridge::Prior;
use super::sums::{add_inlined, add_rows, dot};
use crate::lanes::{Work, on_lanes};

/// Covariances, as a matrix: Σ_i ρ_i z_i z'_i = s, and with pairs s + (s² − Σ ρ_i²)/2, z being the signs of the players.
pub(super) struct OfPairs {
    own: Design,
    scales: Vec<f64>,
    two: bool,
    variance: f64,
    /// Row by row for the samples and the others.
    matrix: Vec<f32>,
}

/// Rows of a matrix that one task takes.
const ROWS: usize = 64;

impl OfPairs {
    pub(super) fn new(own: &Design, others: Option<&Design>, prior: &Prior) -> Self {
        Self::over(own, others, prior.scales.clone(), prior.order > 1)
    }

    fn over(own: &Design, others: Option<&Design>, scales: Vec<f64>, two: bool) -> Self {
        let squares: f64 = scales.iter().map(|scale| scale * scale).sum();
        let columns = columns_of_signs(own);
        let (samples, stride) = (own.samples(), own.stride());
        let rows = [signs(own), others.map_or(Vec::new(), signs)].concat();
        let mut matrix = vec![0.0f32; rows.len() / stride * samples];
        matrix
            .par_chunks_mut(ROWS * samples)
            .zip(rows.par_chunks(ROWS * stride))
            .for_each(|(to, rows)| {
                on_lanes(Gram {
                    to,
                    rows,
                    columns: &columns,
                    scales: &scales,
                    stride,
                    squares: two.then_some(squares as f32),
                });
            });
        Self {
            own: own.clone(),
            variance: elementary(&scales, 1..=1 + usize::from(two)),
            scales,
            two,
            matrix,
        }
    }
}

impl Covariance for OfPairs {
    fn variance(&self) -> f64 {
        self.variance
    }

    fn apply(&mut self, x: &[f32]) -> Vec<f32> {
        let mut image = vec![0.0; self.matrix.len() / x.len()];
        image
            .par_chunks_mut(ROWS)
            .zip(self.matrix.par_chunks(ROWS * x.len()))
            .for_each(|(to, rows)| {
                for (to, row) in to.iter_mut().zip(rows.chunks_exact(x.len())) {
                    *to = dot(row, x);
                }
            });
        image
    }

    fn cover(&mut self, own: &Design) {
        *self = Self::over(own, None, std::mem::take(&mut self.scales), self.two);
    }

    fn elsewhere(&mut self, weights: &[f32], coalitions: &Design) -> Vec<f32> {
        let explained = self.fit(weights).explain(coalitions).into_iter();
        explained.map(|x| x as f32).collect()
    }

    /// χ_i = 1 − 2x_i, χ_ij = 1 − 2x_i − 2x_j + 4x_i x_j.
    fn fit(&mut self, weights: &[f32]) -> Fit {
        let (players, stride) = (self.own.players(), self.own.stride());
        let (signs, columns) = (signs(&self.own), columns_of_signs(&self.own));
        let samples = weights.len();
        let mut constant = 0.0;
        let mut singles = vec![0.0; players];
        let rows: Vec<(f64, Vec<f32>)> = (0..players)
            .into_par_iter()
            .map(|i| {
                let own = &columns[i * samples..(i + 1) * samples];
                let own: Vec<f32> = own.iter().zip(weights).map(|(z, a)| z * a).collect();
                let mut sums = vec![0.0f32; stride];
                if self.two {
                    add_rows(&mut sums, &own, &signs);
                }
                (own.iter().map(|x| f64::from(*x)).sum(), sums)
            })
            .collect();
        let mut terms = Vec::new();
        for (i, (own, sums)) in rows.iter().enumerate() {
            let own = own * self.scales[i];
            constant += own;
            singles[i] -= 2.0 * own;
            let first = if self.two { i + 1 } else { players };
            for j in first..players {
                let w = f64::from(sums[j]) * self.scales[i] * self.scales[j];
                constant += w;
                singles[i] -= 2.0 * w;
                singles[j] -= 2.0 * w;
                let players = smallvec![i as u16, j as u16];
                let rule = Rule::All;
                terms.push((Term { rule, players }, 4.0 * w));
            }
        }
        let singles = singles.into_iter().enumerate();
        terms.extend(singles.map(|(i, effect)| (Term::single(i), effect)));
        Fit { constant, terms }
    }
}

/// −1 where a player is present, 1 where it is not, sample by sample; 0 behind the last player of a row.
fn signs(design: &Design) -> Vec<f32> {
    let rows = design.rows();
    let mut signs = vec![0.0; design.samples() * design.stride()];
    for (sample, signs) in signs.chunks_exact_mut(design.stride()).enumerate() {
        let row = &rows.row(sample)[..design.players()];
        for (sign, present) in signs.iter_mut().zip(row) {
            *sign = 1.0 - 2.0 * present;
        }
    }
    signs
}

/// The same player by player.
fn columns_of_signs(design: &Design) -> Vec<f32> {
    let mut columns = vec![1.0; design.players() * design.samples()];
    for (player, column) in columns.chunks_exact_mut(design.samples()).enumerate() {
        for sample in super::design::places(design.column(player)) {
            column[sample] = -1.0;
        }
    }
    columns
}

/// Covariances of some rows with all samples.
struct Gram<'a> {
    to: &'a mut [f32],
    /// Signs, `stride` to a row.
    rows: &'a [f32],
    /// Signs of the samples, player by player.
    columns: &'a [f32],
    scales: &'a [f64],
    stride: usize,
    /// Σ ρ_i² where pairs count.
    squares: Option<f32>,
}

/// Samples whose sums stay in the first-level cache.
const BLOCK: usize = 1024;

impl Work for Gram<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let samples = self.columns.len() / self.scales.len();
        for start in (0..samples).step_by(BLOCK) {
            let end = samples.min(start + BLOCK);
            let rows = self.rows.chunks_exact(self.stride);
            for (to, row) in self.to.chunks_exact_mut(samples).zip(rows) {
                let to = &mut to[start..end];
                let columns = self.columns.chunks_exact(samples);
                for ((column, sign), scale) in columns.zip(row).zip(self.scales) {
                    add_inlined(to, sign * *scale as f32, &column[start..end]);
                }
                if let Some(squares) = self.squares {
                    for s in to {
                        *s += 0.5 * (*s * *s - squares);
                    }
                }
            }
        }
    }
}
