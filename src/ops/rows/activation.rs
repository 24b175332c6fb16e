//! Activations: a function of every number, or of the first half of a row, times its second half.

use std::marker::PhantomData;

use candle_core::Tensor;

use super::{Fill, like, rows, with_numbers};
use crate::Result;
use crate::ops::lanes;

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
        Curve::Silu => activated::<Silu>(x, bias, gated),
        Curve::Gelu => activated::<Gelu>(x, bias, gated),
        Curve::GeluTanh => activated::<GeluTanh>(x, bias, gated),
        Curve::QuickGelu => activated::<QuickGelu>(x, bias, gated),
        Curve::Relu => activated::<Relu>(x, bias, gated),
        Curve::Tanh => activated::<Tanh>(x, bias, gated),
    }
}

/// A function of one number. It is marked `inline(always)`, see [`on_lanes`](crate::lanes::on_lanes).
trait Bend: Sync {
    fn of(x: f32) -> f32;
}

struct Silu;
struct Gelu;
struct GeluTanh;
struct QuickGelu;
struct Relu;
struct Tanh;

impl Bend for Silu {
    #[inline(always)]
    fn of(x: f32) -> f32 {
        x / (1.0 + lanes::exp(-x))
    }
}

impl Bend for Gelu {
    #[inline(always)]
    fn of(x: f32) -> f32 {
        0.5 * x * (1.0 + lanes::erf(x * std::f32::consts::FRAC_1_SQRT_2))
    }
}

impl Bend for GeluTanh {
    #[inline(always)]
    fn of(x: f32) -> f32 {
        // √(2/π)
        let inner = 0.797_884_6 * x * (1.0 + 0.044_715 * x * x);
        0.5 * x * (1.0 + lanes::tanh(inner))
    }
}

impl Bend for QuickGelu {
    #[inline(always)]
    fn of(x: f32) -> f32 {
        x / (1.0 + lanes::exp(-1.702 * x))
    }
}

impl Bend for Relu {
    #[inline(always)]
    fn of(x: f32) -> f32 {
        // A NaN must not become 0.
        if x < 0.0 { 0.0 } else { x }
    }
}

impl Bend for Tanh {
    #[inline(always)]
    fn of(x: f32) -> f32 {
        lanes::tanh(x)
    }
}

fn activated<B: Bend>(x: &Tensor, bias: Option<&Tensor>, gated: bool) -> Result<Option<Tensor>> {
    let width = x.dims().last().copied().unwrap_or(1);
    let out_width = if gated { width / 2 } else { width };
    let tensors: Vec<&Tensor> = [x].into_iter().chain(bias).collect();
    let values = with_numbers(&tensors, |numbers| {
        let fill = Activated {
            x: numbers[0],
            bias: numbers.get(1).copied(),
            width,
            bend: PhantomData::<B>,
        };
        rows(x.elem_count() / width, out_width, &fill)
    });
    let mut shape = x.dims().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = out_width;
    }
    like(values, &shape, x)
}

struct Activated<'a, B> {
    x: &'a [f32],
    bias: Option<&'a [f32]>,
    /// Numbers of a row of `x`.
    width: usize,
    bend: PhantomData<B>,
}

impl<B: Bend> Fill for Activated<'_, B> {
    #[inline(always)]
    fn fill(&self, row: usize, out: &mut [f32]) {
        let x = &self.x[row * self.width..][..self.width];
        let (first, second) = x.split_at(out.len());
        let Some(bias) = self.bias else {
            for (out, &x) in out.iter_mut().zip(first) {
                *out = B::of(x);
            }
            for (out, x) in out.iter_mut().zip(second) {
                *out *= x;
            }
            return;
        };
        let (first_bias, second_bias) = bias.split_at(out.len());
        for ((out, &x), b) in out.iter_mut().zip(first).zip(first_bias) {
            *out = B::of(x + b);
        }
        for ((out, x), b) in out.iter_mut().zip(second).zip(second_bias) {
            *out *= x + b;
        }
    }
}
