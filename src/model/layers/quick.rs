//! Layers on the CPU with kernels of our own, channels last.
//!
//! What a layer puts out goes into fresh memory that fits the caches as long as the batch is small; convolution, shortcut
//! and ReLU are one pass.

use super::plain::part;
use super::{Convolution, Layer, Shape, Shortcut};
use crate::model::Activation;
use crate::ops::Padded;

/// Images (B, H, W, C).
struct Maps {
    values: Vec<f32>,
    images: usize,
    height: usize,
    width: usize,
    channels: usize,
}

/// `layers` on `values` (B, C, H, W), channel by channel as what comes out.
///
/// # Cost
/// The multiplications of the convolutions; memory for three of the widest activations.
pub(super) fn run(layers: &[Layer], values: &[f32], [c, h, w]: Shape) -> Vec<f32> {
    let images = values.len() / (c * h * w);
    let mut maps = Maps {
        values: Vec::new(),
        images,
        height: h,
        width: w,
        channels: c,
    };
    maps.values = last_to_first(values, images, h * w, c);
    maps = all(layers, maps);
    first_to_last(&maps)
}

/// (B, C, P) → (B, P, C)
fn last_to_first(values: &[f32], images: usize, places: usize, channels: usize) -> Vec<f32> {
    if places == 1 || channels == 1 {
        return values.to_vec();
    }
    let mut out = vec![0.0; values.len()];
    for (own, out) in values
        .chunks_exact(places * channels)
        .zip(out.chunks_exact_mut(places * channels))
        .take(images)
    {
        for (c, plane) in own.chunks_exact(places).enumerate() {
            for (place, &value) in plane.iter().enumerate() {
                out[place * channels + c] = value;
            }
        }
    }
    out
}

/// (B, P, C) → (B, C, P)
fn first_to_last(maps: &Maps) -> Vec<f32> {
    // The same exchange of two axes, seen from the other side.
    last_to_first(
        &maps.values,
        maps.images,
        maps.channels,
        maps.height * maps.width,
    )
}

fn all(layers: &[Layer], mut x: Maps) -> Maps {
    let mut rest = layers.iter().peekable();
    while let Some(layer) = rest.next() {
        // A ReLU behind a product costs nothing where it is part of it.
        let floor = match (layer, rest.peek()) {
            (Layer::Conv(_) | Layer::Linear(..), Some(Layer::Activation(Activation::Relu))) => {
                rest.next();
                0.0
            }
            _ => f32::NEG_INFINITY,
        };
        x = one(layer, x, floor);
    }
    x
}

fn one(layer: &Layer, x: Maps, floor: f32) -> Maps {
    match layer {
        Layer::Conv(conv) => convolve(conv, &x, None, floor),
        Layer::Activation(activation) => activate(*activation, x),
        &Layer::MaxPool {
            size,
            stride,
            padding,
        } => max_pool(&x, size, stride, padding),
        &Layer::AveragePool { size } => average_pool(&x, size),
        Layer::Flatten => Maps {
            values: first_to_last(&x),
            channels: x.height * x.width * x.channels,
            height: 1,
            width: 1,
            ..x
        },
        Layer::Linear(_, Some(kernel)) => {
            let mut values = vec![0.0; x.images * kernel.outputs];
            let input = Padded {
                values: &x.values,
                images: x.images,
                height: 1,
                width: 1,
            };
            kernel.forward(input, false, floor, &mut values);
            Maps {
                values,
                channels: kernel.outputs,
                ..x
            }
        }
        Layer::Linear(_, None)
        | Layer::ChannelNorm(_)
        | Layer::Pointwise(_)
        | Layer::Inverted(_)
        | Layer::Tokens(_)
        | Layer::Likeness(_) => unreachable!("a network with such a layer takes the plain path"),
        Layer::Residual {
            branch,
            shortcut,
            activation,
        } => residual(branch, shortcut, *activation, x),
    }
}

/// act(branch(x) + shortcut(x)), the sum being part of the branch's last convolution.
fn residual(branch: &[Layer], shortcut: &Shortcut, activation: Activation, x: Maps) -> Maps {
    let Some((Layer::Conv(last), before)) = branch.split_last() else {
        unreachable!("a branch ends in a convolution")
    };
    let y = match before {
        [
            Layer::Conv(first),
            Layer::Activation(Activation::Relu),
            rest @ ..,
        ] => all(rest, convolve(first, &x, None, 0.0)),
        [Layer::Conv(first), rest @ ..] => all(rest, convolve(first, &x, None, f32::NEG_INFINITY)),
        _ => unreachable!("a branch begins with a convolution"),
    };
    let beside = match shortcut {
        Shortcut::Identity => x.values,
        Shortcut::Conv(conv) => convolve(conv, &x, None, f32::NEG_INFINITY).values,
        &Shortcut::Pad {
            stride,
            before,
            behind,
        } => every(&x, stride, before, behind),
    };
    match activation {
        Activation::Relu => convolve(last, &y, Some(beside), 0.0),
        other => activate(other, convolve(last, &y, Some(beside), f32::NEG_INFINITY)),
    }
}

fn convolve(conv: &Convolution, x: &Maps, residual: Option<Vec<f32>>, floor: f32) -> Maps {
    let kernel = conv
        .kernel
        .as_ref()
        .expect("the quick path has packed weights");
    let padded;
    let (values, height, width) = match conv.padding {
        0 => (&x.values, x.height, x.width),
        padding => {
            padded = pad(x, padding, 0.0);
            (&padded, x.height + 2 * padding, x.width + 2 * padding)
        }
    };
    let (rows, columns) = kernel.output_size(height, width);
    let add = residual.is_some();
    let mut out = residual.unwrap_or_else(|| vec![0.0; x.images * rows * columns * kernel.outputs]);
    kernel.forward(
        Padded {
            values,
            images: x.images,
            height,
            width,
        },
        add,
        floor,
        &mut out,
    );
    Maps {
        values: out,
        images: x.images,
        height: rows,
        width: columns,
        channels: kernel.outputs,
    }
}

fn pad(x: &Maps, padding: usize, with: f32) -> Vec<f32> {
    let (height, width) = (x.height + 2 * padding, x.width + 2 * padding);
    let mut out = vec![with; x.images * height * width * x.channels];
    let row = x.width * x.channels;
    for (line, own) in x.values.chunks_exact(row).enumerate() {
        let (image, y) = (line / x.height, line % x.height);
        let start = ((image * height + y + padding) * width + padding) * x.channels;
        out[start..start + row].copy_from_slice(own);
    }
    out
}

fn activate(activation: Activation, mut x: Maps) -> Maps {
    for value in &mut x.values {
        *value = activation.of(*value);
    }
    x
}

fn max_pool(x: &Maps, size: usize, stride: usize, padding: usize) -> Maps {
    let padded = pad(x, padding, f32::NEG_INFINITY);
    let (height, width) = (x.height + 2 * padding, x.width + 2 * padding);
    let (rows, columns) = ((height - size) / stride + 1, (width - size) / stride + 1);
    let mut values = vec![f32::NEG_INFINITY; x.images * rows * columns * x.channels];
    for (place, out) in values.chunks_exact_mut(x.channels).enumerate() {
        let (image, row, column) = (
            place / (rows * columns),
            place / columns % rows,
            place % columns,
        );
        for i in 0..size {
            for j in 0..size {
                let from = (image * height + row * stride + i) * width + column * stride + j;
                let own = &padded[from * x.channels..][..x.channels];
                for (out, &value) in out.iter_mut().zip(own) {
                    *out = out.max(value);
                }
            }
        }
    }
    Maps {
        values,
        height: rows,
        width: columns,
        ..*x
    }
}

fn average_pool(x: &Maps, size: usize) -> Maps {
    let mut values = vec![0.0; x.images * size * size * x.channels];
    for (place, out) in values.chunks_exact_mut(x.channels).enumerate() {
        let (image, row, column) = (place / (size * size), place / size % size, place % size);
        let (top, bottom) = part(row, x.height, size);
        let (left, right) = part(column, x.width, size);
        for i in top..bottom {
            for j in left..right {
                let from = (image * x.height + i) * x.width + j;
                let own = &x.values[from * x.channels..][..x.channels];
                for (out, &value) in out.iter_mut().zip(own) {
                    *out += value;
                }
            }
        }
        let share = 1.0 / ((bottom - top) * (right - left)) as f32;
        for out in out {
            *out *= share;
        }
    }
    Maps {
        values,
        height: size,
        width: size,
        ..*x
    }
}

/// Every stride-th pixel, with channels of zeros before and behind.
fn every(x: &Maps, stride: usize, before: usize, behind: usize) -> Vec<f32> {
    let channels = x.channels + before + behind;
    let (rows, columns) = (x.height.div_ceil(stride), x.width.div_ceil(stride));
    let mut out = vec![0.0; x.images * rows * columns * channels];
    for (place, out) in out.chunks_exact_mut(channels).enumerate() {
        let (image, row, column) = (
            place / (rows * columns),
            place / columns % rows,
            place % columns,
        );
        let from = (image * x.height + row * stride) * x.width + column * stride;
        out[before..before + x.channels]
            .copy_from_slice(&x.values[from * x.channels..][..x.channels]);
    }
    out
}
