//! Which tokens see which: the order of positions, and windows over them.

use std::ops::Range;

use candle_core::{Device, Tensor};

use super::rope::Angles;
use crate::Result;

/// Added to the score of a key that may not be seen: far below any score, and finite, so that no row becomes NaN.
const HIDDEN: f32 = -1e30;

/// Which tokens of a sequence a layer computes: all of them as keys and values, these as queries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) start: usize,
    pub(crate) count: usize,
}

/// What the positions of a batch mean to every layer.
pub(crate) struct Sight {
    /// Rotary angles for each kind of layer, where positions are rotary.
    pub(crate) angles: Vec<Angles>,
    /// Whether a token sees only itself and the tokens before it.
    pub(crate) causal: bool,
    /// The positions of the tokens: one row of T that all share, or B rows.
    pub(crate) positions: Vec<u32>,
    /// T
    pub(crate) tokens: usize,
}

impl Sight {
    /// The keys that token `query` of row `row` sees in a layer with this window. Positions ascend along a row.
    pub(crate) fn seen(&self, row: usize, query: usize, window: Option<usize>) -> Range<usize> {
        if !self.causal {
            return 0..self.tokens;
        }
        let start = window.map_or(0, |window| {
            let row = row * self.tokens % self.positions.len();
            let row = &self.positions[row..][..self.tokens];
            let far = |&key: &u32| (row[query] - key) as usize >= window;
            row[..query].partition_point(far)
        });
        start..query + 1
    }

    /// What is added to the scores (B or 1, 1, 1, queries, T) for a layer with this window; `None` when all is seen.
    ///
    /// A key is seen when it stands at or before the query and, under a window of w, fewer than w positions back.
    pub(crate) fn hidden(
        &self,
        window: Option<usize>,
        rows: Rows,
        device: &Device,
    ) -> Result<Option<Tensor>> {
        let span = |row: &[u32]| {
            row.iter()
                .max()
                .zip(row.iter().min())
                .map_or(0, |(max, min)| (max - min) as usize)
        };
        let narrow = window.filter(|&window| {
            self.positions
                .chunks(self.tokens)
                .any(|row| span(row) >= window)
        });
        if !self.causal || (rows.count == 1 && rows.start + 1 == self.tokens && narrow.is_none()) {
            return Ok(None);
        }
        // Without a window only the order counts, and that is the same in every row.
        let distinct = if narrow.is_some() {
            self.positions.len() / self.tokens
        } else {
            1
        };
        let mut values = Vec::with_capacity(distinct * rows.count * self.tokens);
        for row in self.positions.chunks(self.tokens).take(distinct) {
            for query in rows.start..rows.start + rows.count {
                values.extend((0..self.tokens).map(|key| {
                    let near = narrow.is_none_or(|window| {
                        ((row[query] - row[key.min(query)]) as usize) < window
                    });
                    if key <= query && near { 0.0 } else { HIDDEN }
                }));
            }
        }
        Ok(Some(Tensor::from_vec(
            values,
            (distinct, 1, 1, rows.count, self.tokens),
            device,
        )?))
    }
}
