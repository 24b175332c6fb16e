//! Candidate terms, each seen beside the terms that are already chosen.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::candidate::{Candidate, Extend};
use super::design::{Design, Term, count, places};
use super::fit::{Fit, mean};
use super::sums::add_rows;
use crate::lanes::on_registers;

/// Samples below which a term fires too rarely, or stays away too rarely, to be told from noise.
pub(super) const RARE: u32 = 4;

/// Candidates with the incremental Cholesky factor of the chosen ones.
///
/// All columns are centred, so that a constant is always part of the fit, and inner products are counts of common bits:
/// ⟨a, b⟩ = |a ∩ b| − |a||b|/m.
pub(super) struct Pool<'a> {
    design: &'a Design,
    /// v, centred.
    values: &'a [f64],
    candidates: Vec<Candidate>,
    known: BTreeSet<Term>,
    chosen: Vec<usize>,
    /// Inner products of v with the orthonormal columns that the chosen ones make.
    shares: Vec<f64>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(design: &'a Design, values: &'a [f64]) -> Self {
        Self {
            design,
            values,
            candidates: Vec::new(),
            known: BTreeSet::new(),
            chosen: Vec::new(),
            shares: Vec::new(),
        }
    }

    /// The least-squares fit of `terms` to `values`; a term that those before it span is left out.
    pub(super) fn least_squares(design: &Design, values: &[f64], terms: &[Term]) -> Fit {
        let mean = mean(values);
        let centred: Vec<f64> = values.iter().map(|v| v - mean).collect();
        let mut pool = Pool::new(design, &centred);
        for term in terms {
            pool.add(vec![term.clone()]);
            let last = pool.candidates.len().saturating_sub(1);
            // A term that fires too rarely is no candidate.
            let new = pool.candidates.last();
            if new.is_some_and(|new| new.term == *term && new.is_free()) {
                pool.choose(last);
            }
        }
        let coefficients = pool.coefficients(pool.len());
        let mut constant = mean;
        for (coefficient, &at) in coefficients.iter().zip(&pool.chosen) {
            let share = f64::from(pool.candidates[at].count) / centred.len() as f64;
            constant -= coefficient * share;
        }
        Fit {
            constant,
            terms: pool.terms().into_iter().zip(coefficients).collect(),
        }
    }

    /// Takes in the terms that are new.
    pub(super) fn add(&mut self, terms: Vec<Term>) {
        let new: Vec<Term> = terms
            .into_iter()
            .filter(|term| self.known.insert(term.clone()))
            .collect();
        let added: Vec<Candidate> = new
            .into_par_iter()
            .filter_map(|term| self.candidate(term))
            .collect();
        let from = self.candidates.len();
        self.candidates.extend(added);
        let (old, new) = self.candidates.split_at_mut(from);
        let chosen = self.chosen.iter().map(|&at| &old[at]);
        let chosen: Vec<_> = chosen.zip(self.shares.iter().copied()).collect();
        extend(new, &chosen, self.design.samples());
    }

    fn candidate(&self, term: Term) -> Option<Candidate> {
        let bits = self.design.fires(&term);
        let count = count(&bits);
        if count < RARE || self.design.samples() as u32 - count < RARE {
            return None;
        }
        let with_values = places(&bits).map(|sample| self.values[sample]).sum();
        let samples = self.design.samples();
        Some(Candidate::new(term, bits, count, with_values, samples))
    }

    /// The candidate whose choice lowers the residual most, and by how much; `None` when nothing is left to choose.
    pub(super) fn best(&self) -> Option<(usize, f64)> {
        let gains = self.candidates.iter().map(Candidate::gain).enumerate();
        let best = gains.fold(
            (0, 0.0),
            |best, next| {
                if next.1 > best.1 { next } else { best }
            },
        );
        (best.1 > 0.0).then_some(best)
    }

    /// Adds a candidate to the chosen ones.
    pub(super) fn choose(&mut self, at: usize) {
        let share = self.candidates[at].choose();
        self.shares.push(share);
        self.chosen.push(at);
        let new = self.candidates[at].clone();
        let samples = self.design.samples();
        extend(&mut self.candidates, &[(&new, share)], samples);
    }

    /// Starts anew from the chosen terms at `kept`, places among [`Self::terms`].
    pub(super) fn restart(&mut self, kept: &[usize]) {
        let kept: Vec<usize> = kept.iter().map(|&at| self.chosen[at]).collect();
        self.chosen.clear();
        self.shares.clear();
        self.candidates.iter_mut().for_each(Candidate::start);
        for at in kept {
            if self.candidates[at].is_free() {
                self.choose(at);
            }
        }
    }

    /// The chosen terms, in the order of their choice.
    pub(super) fn terms(&self) -> Vec<Term> {
        let terms = self.chosen.iter();
        terms.map(|&at| self.candidates[at].term.clone()).collect()
    }

    /// The inverse of the Gram matrix of the chosen columns, row by row.
    pub(super) fn inverse(&self) -> Vec<f64> {
        let size = self.len();
        // Column j of L⁻¹ by forward substitution, then L⁻ᵀ L⁻¹.
        let row = |at: usize| self.candidates[self.chosen[at]].along();
        let mut lower = vec![0.0; size * size];
        for at in 0..size {
            let factor = row(at);
            let mut next = vec![0.0; at + 1];
            for (before, x) in factor[..at].iter().enumerate() {
                let from = &lower[before * size..before * size + before + 1];
                add_rows(&mut next[..=before], &[-x], from);
            }
            next[at] = 1.0;
            for (to, from) in lower[at * size..].iter_mut().zip(next) {
                *to = from / factor[at];
            }
        }
        let mut inverse = vec![0.0; size * size];
        for (at, row) in lower.chunks(size.max(1)).enumerate() {
            let row = &row[..=at];
            for (a, x) in row.iter().enumerate() {
                add_rows(&mut inverse[a * size..a * size + at + 1], &[*x], row);
            }
        }
        inverse
    }

    pub(super) fn len(&self) -> usize {
        self.chosen.len()
    }

    /// The part of v that each chosen column explains beyond those before it; Σ of squares is what is explained in all.
    pub(super) fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// Least-squares coefficients of the first `count` chosen terms.
    pub(super) fn coefficients(&self, count: usize) -> Vec<f64> {
        let mut solved = self.shares[..count].to_vec();
        for at in (0..count).rev() {
            let row = self.candidates[self.chosen[at]].along();
            solved[at] /= row[at];
            let value = solved[at];
            for (before, x) in solved[..at].iter_mut().zip(row) {
                *before -= x * value;
            }
        }
        solved
    }

    /// v minus the fit of all chosen terms; sums to 0.
    pub(super) fn residual(&self) -> Vec<f64> {
        let mut residual = self.values.to_vec();
        let mut shift = 0.0;
        for (coefficient, &at) in self.coefficients(self.len()).iter().zip(&self.chosen) {
            let candidate = &self.candidates[at];
            for sample in places(&candidate.bits) {
                residual[sample] -= coefficient;
            }
            shift += coefficient * f64::from(candidate.count);
        }
        shift /= residual.len() as f64;
        residual.iter_mut().for_each(|r| *r += shift);
        residual
    }

    /// Drops candidates far from the residual, so that at most `most` beside the chosen ones remain.
    pub(super) fn thin(&mut self, most: usize) {
        if self.candidates.len() <= most + self.chosen.len() {
            return;
        }
        let mut order: Vec<usize> = (0..self.candidates.len()).collect();
        let chosen: BTreeSet<usize> = self.chosen.iter().copied().collect();
        let singles = self.design.players();
        let rank = |at: usize| {
            let candidate = &self.candidates[at];
            let stays =
                chosen.contains(&at) || candidate.term.players.len() == 1 && singles <= most;
            if stays {
                f64::INFINITY
            } else {
                candidate.gain()
            }
        };
        let ranks: Vec<f64> = (0..self.candidates.len()).map(rank).collect();
        order.sort_by(|&a, &b| ranks[b].total_cmp(&ranks[a]).then(a.cmp(&b)));
        order.truncate(most + self.chosen.len());
        order.sort_unstable();
        let mut place = vec![usize::MAX; self.candidates.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old] = new;
        }
        let mut old = std::mem::take(&mut self.candidates)
            .into_iter()
            .map(Some)
            .collect::<Vec<_>>();
        self.candidates = order.iter().filter_map(|&at| old[at].take()).collect();
        for dropped in old.into_iter().flatten() {
            self.known.remove(&dropped.term);
        }
        self.chosen.iter_mut().for_each(|at| *at = place[*at]);
    }
}

/// Extends the rows of `others` by columns that they have not seen.
fn extend(others: &mut [Candidate], chosen: &[(&Candidate, f64)], samples: usize) {
    others.par_chunks_mut(64).for_each(|others| {
        on_registers(Extend {
            others,
            chosen,
            samples,
        });
    });
}
