//! The way of queries, keys and values from their product to attention.

use candle_core::Tensor;

use super::{Fill, like, norm_in_place, rows, with_numbers};
use crate::Result;

/// Scale, shift and ε of a norm.
pub(crate) type NormOf<T> = (T, Option<T>, f32);

/// What becomes of some columns of every row on their way to attention.
pub(crate) struct Turn<'a> {
    /// The first column, and how many.
    pub(crate) columns: (usize, usize),
    /// Scale, shift and ε of the norm over each run of as many columns as it is wide.
    pub(crate) norm: Option<NormOf<&'a Tensor>>,
    /// cos and sin of the angles (A, r/2), row p of `x` at row p mod A: the first r components of each head are rotated,
    /// component j with j + r/2.
    pub(crate) angles: Option<(&'a Tensor, &'a Tensor)>,
    /// d
    pub(crate) head_dim: usize,
}

/// The columns of `x` (P, W), with the bias (W), normed and rotated → (P, columns).
pub(crate) fn turn(x: &Tensor, bias: Option<&Tensor>, turn: &Turn<'_>) -> Result<Option<Tensor>> {
    let (count, width) = x.dims2()?;
    let (start, columns) = turn.columns;
    let mut tensors = vec![x];
    let place = |tensors: &mut Vec<_>, tensor| {
        tensors.push(tensor);
        tensors.len() - 1
    };
    let bias = bias.map(|bias| place(&mut tensors, bias));
    let norm = turn.norm.map(|(scale, shift, epsilon)| {
        let scale = place(&mut tensors, scale);
        let shift = shift.map(|shift| place(&mut tensors, shift));
        (scale, shift, epsilon)
    });
    let angles = turn.angles.map(|(cos, sin)| {
        let cos = place(&mut tensors, cos);
        (cos, place(&mut tensors, sin))
    });
    let rotated = match turn.angles {
        Some((cos, _)) => 2 * cos.dim(candle_core::D::Minus1)?,
        None => 0,
    };
    let turned = with_numbers(&tensors, |numbers| {
        let fill = Turned {
            x: numbers[0],
            width,
            start,
            bias: bias.map(|bias| &numbers[bias][start..]),
            norm: norm.map(|(scale, shift, epsilon)| {
                let shift = shift.map(|shift| numbers[shift]);
                (numbers[scale], shift, epsilon)
            }),
            angles: angles.map(|(cos, sin)| (numbers[cos], numbers[sin])),
            half: rotated / 2,
            head_dim: turn.head_dim,
        };
        rows(count, columns, &fill)
    });
    like(turned, &[count, columns], x)
}

struct Turned<'a> {
    x: &'a [f32],
    /// Numbers of a row of `x`, and the first of them that is taken.
    width: usize,
    start: usize,
    bias: Option<&'a [f32]>,
    norm: Option<NormOf<&'a [f32]>>,
    angles: Option<(&'a [f32], &'a [f32])>,
    /// r/2
    half: usize,
    head_dim: usize,
}

impl Fill for Turned<'_> {
    #[inline(always)]
    fn fill(&self, row: usize, out: &mut [f32]) {
        out.copy_from_slice(&self.x[row * self.width + self.start..][..out.len()]);
        for (out, b) in out.iter_mut().zip(self.bias.unwrap_or_default()) {
            *out += b;
        }
        if let Some((scale, shift, epsilon)) = self.norm {
            for run in out.chunks_mut(scale.len()) {
                norm_in_place(run, scale, shift, epsilon);
            }
        }
        if let Some((cos, sin)) = self.angles {
            let half = self.half;
            let at = row % (cos.len() / half) * half;
            let (cos, sin) = (&cos[at..][..half], &sin[at..][..half]);
            for head in out.chunks_mut(self.head_dim) {
                let (first, rest) = head.split_at_mut(half);
                for (((a, b), c), s) in first.iter_mut().zip(rest).zip(cos).zip(sin) {
                    (*a, *b) = (*a * c - *b * s, *b * c + *a * s);
                }
            }
        }
    }
}
