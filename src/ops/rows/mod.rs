//! Row by row on the CPU in f32: norms, activations, sums and rotations, each in one pass over the data.
//!
//! Every function answers `None` for tensors that are elsewhere or of another dtype; what candle computes there is the same up
//! to rounding.

mod activation;
mod turn;

pub(crate) use activation::{Curve, activate};
pub(crate) use turn::{Turn, turn};

use candle_core::{CpuStorage, DType, Storage, Tensor};
use rayon::prelude::*;

use super::lanes;
use crate::Result;
use crate::lanes::{Work, on_lanes};

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

/// What fills a row. It is marked `inline(always)`, see [`on_lanes`].
pub(super) trait Fill: Sync {
    fn fill(&self, row: usize, out: &mut [f32]);
}

/// Rows of `width` numbers each, filled side by side.
pub(super) fn rows<F: Fill>(count: usize, width: usize, fill: &F) -> Vec<f32> {
    let mut out = vec![0.0; count * width];
    let tasks = out.par_chunks_mut((TASK * width).max(1)).enumerate();
    tasks.for_each(|(task, out)| {
        on_lanes(Rows {
            first: task * TASK,
            width,
            fill,
            out,
        });
    });
    out
}

/// The rows of one task.
struct Rows<'a, F> {
    first: usize,
    width: usize,
    fill: &'a F,
    out: &'a mut [f32],
}

impl<F: Fill> Work for Rows<'_, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (at, row) in self.out.chunks_mut(self.width).enumerate() {
            self.fill.fill(self.first + at, row);
        }
    }
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
        let fill = Normed {
            x,
            scale,
            shift,
            epsilon,
        };
        rows(x.len() / width, width, &fill)
    });
    like(normed, x.dims(), x)
}

struct Normed<'a> {
    x: &'a [f32],
    scale: &'a [f32],
    shift: Option<&'a [f32]>,
    epsilon: f32,
}

impl Fill for Normed<'_> {
    #[inline(always)]
    fn fill(&self, row: usize, out: &mut [f32]) {
        out.copy_from_slice(&self.x[row * out.len()..][..out.len()]);
        norm_in_place(out, self.scale, self.shift, self.epsilon);
    }
}

/// x + y, and the bias b on every row where there is one, in one pass. All are (…, D), b is (D).
pub(crate) fn add(x: &Tensor, y: &Tensor, bias: Option<&Tensor>) -> Result<Option<Tensor>> {
    let tensors: Vec<&Tensor> = [x, y].into_iter().chain(bias).collect();
    let width = x.dims().last().copied().unwrap_or(1);
    let sum = with_numbers(&tensors, |numbers| {
        let fill = Sum {
            x: numbers[0],
            y: numbers[1],
            bias: numbers.get(2).copied(),
        };
        rows(x.elem_count() / width, width, &fill)
    });
    like(sum, x.dims(), x)
}

struct Sum<'a> {
    x: &'a [f32],
    y: &'a [f32],
    bias: Option<&'a [f32]>,
}

impl Fill for Sum<'_> {
    #[inline(always)]
    fn fill(&self, row: usize, out: &mut [f32]) {
        let at = row * out.len();
        let (x, y) = (&self.x[at..], &self.y[at..]);
        for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
            *out = x + y;
        }
        for (out, bias) in out.iter_mut().zip(self.bias.unwrap_or_default()) {
            *out += bias;
        }
    }
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
            let quick: ByCandle = |x| x * candle_nn::ops::sigmoid(&(x * 1.702)?)?;
            let curves: [(Curve, ByCandle); 6] = [
                (Curve::Silu, Tensor::silu),
                (Curve::Gelu, Tensor::gelu_erf),
                (Curve::GeluTanh, Tensor::gelu),
                (Curve::QuickGelu, quick),
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
