//! Row by row on the CPU in f32: norms, activations, sums and rotations, each in one pass over the data.
//!
//! Every function answers `None` for tensors that are elsewhere or of another dtype; what candle computes there is the same up
//! to rounding.

use candle_core::{CpuStorage, DType, Storage, Tensor};
use rayon::prelude::*;

use super::lanes::{self, on_lanes};
use crate::Result;

/// Rows that one task takes: enough to outweigh handing it to another thread.
const TASK: usize = 64;

/// Calls `work` with the numbers of contiguous f32 tensors on the CPU; `None` where one is not such.
pub(super) fn with_numbers<R>(tensors: &[&Tensor], work: impl FnOnce(&[&[f32]]) -> R) -> Option<R> {
    let guards: Vec<_> = tensors
        .iter()
        .map(|tensor| tensor.storage_and_layout())
        .collect();
    let slices: Option<Vec<&[f32]>> = guards
        .iter()
        .map(
            |(storage, layout)| match (&**storage, layout.contiguous_offsets()) {
                (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) => {
                    Some(&values[start..end])
                }
                _ => None,
            },
        )
        .collect();
    Some(work(&slices?))
}

/// Whether the functions of this module take `x`.
pub(crate) fn taken(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// Fills rows of `width` numbers each, `fill(row, numbers)`, side by side.
fn rows(count: usize, width: usize, fill: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f32> {
    let mut out = vec![0.0; count * width];
    let tasks = out.par_chunks_mut((TASK * width).max(1)).enumerate();
    tasks.for_each(|(task, chunk)| {
        on_lanes(|| {
            for (at, row) in chunk.chunks_mut(width).enumerate() {
                fill(task * TASK + at, row);
            }
        });
    });
    out
}

/// The norm of each row of `x` (…, D).
pub(crate) fn norm(
    x: &Tensor,
    scale: &Tensor,
    shift: Option<&Tensor>,
    epsilon: f32,
) -> Result<Option<Tensor>> {
    let tensors: Vec<&Tensor> = [x, scale].into_iter().chain(shift).collect();
    let normed = with_numbers(&tensors, |numbers| {
        let (x, scale, shift) = (numbers[0], numbers[1], numbers.get(2).copied());
        let width = scale.len();
        rows(x.len() / width, width, |row, out| {
            out.copy_from_slice(&x[row * width..][..width]);
            norm_in_place(out, scale, shift, epsilon);
        })
    });
    like(normed, x.dims(), x)
}

/// x + y, and the bias b on every row where there is one, in one pass. All are (…, D), b is (D).
pub(crate) fn add(x: &Tensor, y: &Tensor, bias: Option<&Tensor>) -> Result<Option<Tensor>> {
    let tensors: Vec<&Tensor> = [x, y].into_iter().chain(bias).collect();
    let width = x.dims().last().copied().unwrap_or(1);
    let sum = with_numbers(&tensors, |numbers| {
        rows(x.elem_count() / width, width, |row, out| {
            let of = |at: usize| &numbers[at][row * width..][..width];
            for ((out, x), y) in out.iter_mut().zip(of(0)).zip(of(1)) {
                *out = x + y;
            }
            if let Some(bias) = numbers.get(2) {
                for (out, bias) in out.iter_mut().zip(*bias) {
                    *out += bias;
                }
            }
        })
    });
    like(sum, x.dims(), x)
}

/// An activation function of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    Silu,
    Gelu,
    GeluTanh,
    QuickGelu,
    Relu,
    Tanh,
}

/// act(x + b), or act(first half) · second half of each row where it is `gated`. `x` (…, W), b (W).
pub(crate) fn activate(
    x: &Tensor,
    bias: Option<&Tensor>,
    curve: Curve,
    gated: bool,
) -> Result<Option<Tensor>> {
    match curve {
        Curve::Silu => activated(x, bias, gated, |x| x / (1.0 + lanes::exp(-x))),
        Curve::Gelu => activated(x, bias, gated, |x| {
            0.5 * x * (1.0 + lanes::erf(x * std::f32::consts::FRAC_1_SQRT_2))
        }),
        Curve::GeluTanh => activated(x, bias, gated, |x| {
            // √(2/π)
            let inner = 0.797_884_6 * x * (1.0 + 0.044_715 * x * x);
            0.5 * x * (1.0 + lanes::tanh(inner))
        }),
        Curve::QuickGelu => activated(x, bias, gated, |x| x / (1.0 + lanes::exp(-1.702 * x))),
        // A NaN must not become 0.
        Curve::Relu => activated(x, bias, gated, |x| if x < 0.0 { 0.0 } else { x }),
        Curve::Tanh => activated(x, bias, gated, lanes::tanh),
    }
}

fn activated(
    x: &Tensor,
    bias: Option<&Tensor>,
    gated: bool,
    curve: impl Fn(f32) -> f32 + Sync,
) -> Result<Option<Tensor>> {
    let width = x.dims().last().copied().unwrap_or(1);
    let out_width = if gated { width / 2 } else { width };
    let tensors: Vec<&Tensor> = [x].into_iter().chain(bias).collect();
    let values = with_numbers(&tensors, |numbers| {
        rows(x.elem_count() / width, out_width, |row, out| {
            let x = &numbers[0][row * width..][..width];
            let (first, second) = x.split_at(out_width);
            match numbers.get(1) {
                None => {
                    for (out, &x) in out.iter_mut().zip(first) {
                        *out = curve(x);
                    }
                }
                Some(bias) => {
                    for ((out, &x), b) in out.iter_mut().zip(first).zip(*bias) {
                        *out = curve(x + b);
                    }
                }
            }
            match numbers.get(1).map(|bias| &bias[out_width..]) {
                None => {
                    for (out, x) in out.iter_mut().zip(second) {
                        *out *= x;
                    }
                }
                Some(bias) => {
                    for ((out, x), b) in out.iter_mut().zip(second).zip(bias) {
                        *out *= x + b;
                    }
                }
            }
        })
    });
    let mut shape = x.dims().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = out_width;
    }
    like(values, &shape, x)
}

/// What becomes of some columns of every row on their way to attention.
pub(crate) struct Turn<'a> {
    /// The first column, and how many.
    pub(crate) columns: (usize, usize),
    /// Scale, shift and ε of the norm over each run of as many columns as it is wide.
    pub(crate) norm: Option<(&'a Tensor, Option<&'a Tensor>, f32)>,
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
        rows(count, columns, |row, out| {
            out.copy_from_slice(&numbers[0][row * width + start..][..columns]);
            if let Some(bias) = bias {
                for (out, b) in out.iter_mut().zip(&numbers[bias][start..]) {
                    *out += b;
                }
            }
            if let Some((scale, shift, epsilon)) = norm {
                let (scale, shift) = (numbers[scale], shift.map(|shift| numbers[shift]));
                for run in out.chunks_mut(scale.len()) {
                    norm_in_place(run, scale, shift, epsilon);
                }
            }
            if let Some((cos, sin)) = angles {
                let half = rotated / 2;
                let at = row % (numbers[cos].len() / half) * half;
                let (cos, sin) = (&numbers[cos][at..][..half], &numbers[sin][at..][..half]);
                for head in out.chunks_mut(turn.head_dim) {
                    let (first, rest) = head.split_at_mut(half);
                    for (((a, b), c), s) in first.iter_mut().zip(rest).zip(cos).zip(sin) {
                        (*a, *b) = (*a * c - *b * s, *b * c + *a * s);
                    }
                }
            }
        })
    });
    like(turned, &[count, columns], x)
}

/// x / √(mean x² + ε) · w, or (x − mean x) / √(var x + ε) · w + b where there is a shift b.
#[inline(always)]
fn norm_in_place(x: &mut [f32], scale: &[f32], shift: Option<&[f32]>, epsilon: f32) {
    let count = x.len() as f32;
    let mean = shift.map_or(0.0, |_| lanes::sum(x, x, |x, _| x) / count);
    let variance = lanes::sum(x, x, |x, _| (x - mean) * (x - mean)) / count;
    let factor = 1.0 / (variance + epsilon).sqrt();
    for (x, scale) in x.iter_mut().zip(scale) {
        *x = (*x - mean) * factor * scale;
    }
    for (x, shift) in x.iter_mut().zip(shift.unwrap_or_default()) {
        *x += shift;
    }
}

/// The values as a tensor of `shape` beside `x`.
fn like(values: Option<Vec<f32>>, shape: &[usize], x: &Tensor) -> Result<Option<Tensor>> {
    let tensor = values.map(|values| Tensor::from_vec(values, shape, x.device()));
    Ok(tensor.transpose()?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn random(rng: &mut ChaCha8Rng, shape: &[usize]) -> Tensor {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| rng.random_range(-4.0..4.0)).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor")
    }

    fn close(got: Result<Option<Tensor>>, expected: candle_core::Result<Tensor>) {
        let (got, expected) = (got.expect("runs").expect("taken"), expected.expect("runs"));
        assert_eq!(got.dims(), expected.dims());
        let off = (got - expected).and_then(|off| off.abs()?.max_all()?.to_scalar::<f32>());
        let off = off.expect("a number");
        assert!(off < 4e-6, "{off:e}");
    }

    #[test]
    fn rows_equal_what_candle_computes() {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        for (count, width) in [(1, 6), (70, 24), (3, 130)] {
            let x = random(&mut rng, &[count, width]);
            let y = random(&mut rng, &[count, width]);
            let [scale, bias] = [0, 1].map(|_| random(&mut rng, &[width]));
            close(
                norm(&x, &scale, None, 1e-3),
                candle_nn::ops::rms_norm(&x, &scale, 1e-3),
            );
            let layered = candle_nn::ops::layer_norm(&x, &scale, &bias, 1e-3);
            close(norm(&x, &scale, Some(&bias), 1e-3), layered);
            close(add(&x, &y, None), &x + &y);
            close(
                add(&x, &y, Some(&bias)),
                (&x + &y).and_then(|sum| sum.broadcast_add(&bias)),
            );
            type ByCandle = fn(&Tensor) -> candle_core::Result<Tensor>;
            let curves: [(Curve, ByCandle); 5] = [
                (Curve::Silu, Tensor::silu),
                (Curve::Gelu, Tensor::gelu_erf),
                (Curve::GeluTanh, Tensor::gelu),
                (Curve::Relu, Tensor::relu),
                (Curve::Tanh, Tensor::tanh),
            ];
            for (curve, by_candle) in curves {
                close(activate(&x, None, curve, false), by_candle(&x));
                let biased = x.broadcast_add(&bias).expect("runs");
                close(activate(&x, Some(&bias), curve, false), by_candle(&biased));
                let half = |which: usize| biased.narrow(1, which * width / 2, width / 2);
                let gated = half(0).and_then(|gate| by_candle(&gate.contiguous()?)? * half(1)?);
                close(activate(&x, Some(&bias), curve, true), gated);
            }
        }
    }
}
