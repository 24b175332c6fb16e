//! Convolution on the CPU, for small networks on many images:
//! y(b, p, o) = max(bias(o) + Σ_{i,j,c} w(o, c, i, j) · x(b, p·stride + (i, j), c) + residual(b, p, o), floor).
//!
//! Channels stand last, so that what one output needs is a run of kw·C numbers per kernel row, and 16 or 32 outputs are
//! computed at once for a handful of pixels: weights are read once for all of these, inputs are broadcast, and nothing is
//! unfolded in memory. A linear map is the case of one pixel and a kernel of 1 × 1.
//!
//! Every output is one chain of multiplications and additions in a fixed order, whatever stands beside it in the batch.

use pulp::{Arch, Simd, WithSimd};

/// Outputs that are computed together, where there are more than half as many.
const WIDE: usize = 32;
const NARROW: usize = 16;

/// The weights of a convolution, in the order in which they are read.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    /// (⌈O / width⌉, kh, kw, C, width), padded with zeros
    weights: Vec<f32>,
    /// (O), padded likewise
    bias: Vec<f32>,
    width: usize,
    /// O
    pub(crate) outputs: usize,
    /// C
    pub(crate) channels: usize,
    /// (kh, kw)
    pub(crate) size: (usize, usize),
    pub(crate) stride: usize,
}

/// Images (B, H, W, C) with what padding the convolution needs already around them.
#[derive(Clone, Copy)]
pub(crate) struct Padded<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) images: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Kernel {
    /// Packs `weights` (O, C, kh, kw) and `bias` (O).
    pub(crate) fn new(
        weights: &[f32],
        bias: &[f32],
        channels: usize,
        (kh, kw): (usize, usize),
        stride: usize,
    ) -> Self {
        let outputs = bias.len();
        debug_assert_eq!(weights.len(), outputs * channels * kh * kw);
        let width = if outputs > NARROW { WIDE } else { NARROW };
        let blocks = outputs.div_ceil(width);
        let run = kh * kw * channels;
        let mut packed = vec![0.0; blocks * run * width];
        for (o, own) in weights.chunks_exact(run.max(1)).enumerate() {
            let block = &mut packed[o / width * run * width..][..run * width];
            for c in 0..channels {
                for place in 0..kh * kw {
                    block[(place * channels + c) * width + o % width] = own[c * kh * kw + place];
                }
            }
        }
        let mut padded = bias.to_vec();
        padded.resize(blocks * width, 0.0);
        Self {
            weights: packed,
            bias: padded,
            width,
            outputs,
            channels,
            size: (kh, kw),
            stride,
        }
    }

    /// The rows and columns of outputs for an input of this padded size.
    pub(crate) fn output_size(&self, height: usize, width: usize) -> (usize, usize) {
        let along = |length: usize, kernel: usize| (length - kernel) / self.stride + 1;
        (along(height, self.size.0), along(width, self.size.1))
    }

    /// y (B, H', W', O) into `out`, which already holds the residual where `add` says so; nothing is below `floor`.
    ///
    /// # Cost
    /// B·H'·W'·kh·kw·C·O multiplications and additions, O rounded up to 16 or a multiple of 32.
    ///
    /// # Panics
    /// If the input is smaller than the kernel, or a length is not that of its shape.
    pub(crate) fn forward(&self, input: Padded<'_>, add: bool, floor: f32, out: &mut [f32]) {
        let (rows, columns) = self.output_size(input.height, input.width);
        assert_eq!(
            input.values.len(),
            input.images * input.height * input.width * self.channels
        );
        assert_eq!(out.len(), input.images * rows * columns * self.outputs);
        let row = input.width * self.channels;
        let starts: Vec<usize> = (0..input.images)
            .flat_map(|image| {
                (0..rows).map(move |y| (image * input.height + y * self.stride) * row)
            })
            .flat_map(|start| (0..columns).map(move |x| start + x * self.stride * self.channels))
            .collect();
        Arch::new().dispatch(Task {
            kernel: self,
            input: input.values,
            row,
            starts: &starts,
            add,
            floor,
            out,
        });
    }
}

/// One convolution, for the vector instructions that this machine has.
struct Task<'a> {
    kernel: &'a Kernel,
    input: &'a [f32],
    /// Numbers per row of the input.
    row: usize,
    /// Where in the input the window of each output pixel begins.
    starts: &'a [usize],
    add: bool,
    floor: f32,
    out: &'a mut [f32],
}

impl WithSimd for Task<'_> {
    type Output = ();

    /// As many pixels at a time as leave room for the sums in the registers.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (S::F32_LANES, self.kernel.width) {
            (16, NARROW) => self.run::<S, 1, 8>(simd),
            (16, _) => self.run::<S, 2, 8>(simd),
            (8, NARROW) => self.run::<S, 2, 4>(simd),
            (8, _) => self.run::<S, 4, 2>(simd),
            (4, NARROW) => self.run::<S, 4, 2>(simd),
            (4, _) => self.run::<S, 8, 2>(simd),
            (1, NARROW) => self.run::<S, NARROW, 1>(simd),
            (1, _) => self.run::<S, WIDE, 1>(simd),
            (lanes, _) => unreachable!("vectors of {lanes} numbers"),
        }
    }
}

impl Task<'_> {
    /// V vectors of outputs for P pixels at a time.
    #[inline(always)]
    fn run<S: Simd, const V: usize, const P: usize>(self, simd: S) {
        let Kernel {
            weights,
            bias,
            width,
            outputs,
            ..
        } = self.kernel;
        let run = weights.len() / bias.len() * width;
        let floor = simd.splat_f32s(self.floor);
        for (block, (weights, bias)) in weights
            .chunks_exact(run)
            .zip(bias.chunks_exact(*width))
            .enumerate()
        {
            let (weights, _) = pulp::as_arrays::<V, _>(S::as_simd_f32s(weights).0);
            let (bias, _) = pulp::as_arrays::<V, _>(S::as_simd_f32s(bias).0);
            let own = (outputs - block * width).min(*width);
            for (tile, starts) in self.starts.chunks(P).enumerate() {
                let mut sums = [bias[0]; P];
                match starts.try_into() {
                    Ok(starts) => self.sum::<S, V, P>(simd, weights, starts, &mut sums),
                    // What is left at the end goes one by one.
                    Err(_) => {
                        for (start, sums) in starts.iter().zip(&mut sums) {
                            let mut one = [*sums];
                            self.sum::<S, V, 1>(simd, weights, &[*start], &mut one);
                            *sums = one[0];
                        }
                    }
                }
                for (pixel, sums) in (tile * P..).take(starts.len()).zip(&sums) {
                    let out = &mut self.out[pixel * outputs + block * width..][..own];
                    for (out, &sum) in out.chunks_mut(S::F32_LANES).zip(sums) {
                        let sum = match self.add {
                            true => simd.add_f32s(sum, simd.partial_load_f32s(out)),
                            false => sum,
                        };
                        simd.partial_store_f32s(out, simd.max_f32s(sum, floor));
                    }
                }
            }
        }
    }

    /// Adds the products of `weights` with the windows at `starts` to `sums`.
    #[inline(always)]
    fn sum<S: Simd, const V: usize, const P: usize>(
        &self,
        simd: S,
        weights: &[[S::f32s; V]],
        starts: &[usize; P],
        sums: &mut [[S::f32s; V]; P],
    ) {
        let length = self.kernel.size.1 * self.kernel.channels;
        let mut acc = *sums;
        for (i, weights) in weights.chunks_exact(length).enumerate() {
            let mut windows = [&self.input[..0]; P];
            for (window, &start) in windows.iter_mut().zip(starts) {
                *window = &self.input[start + i * self.row..][..length];
            }
            for (k, weights) in weights.iter().enumerate() {
                for p in 0..P {
                    let x = simd.splat_f32s(windows[p][k]);
                    for v in 0..V {
                        acc[p][v] = simd.mul_add_e_f32s(x, weights[v], acc[p][v]);
                    }
                }
            }
        }
        *sums = acc;
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The formula, as loops.
    fn slow(
        kernel: (&[f32], &[f32], (usize, usize), usize),
        channels: usize,
        input: Padded<'_>,
        residual: Option<&[f32]>,
        floor: f32,
    ) -> Vec<f32> {
        let (weights, bias, (kh, kw), stride) = kernel;
        let rows = (input.height - kh) / stride + 1;
        let columns = (input.width - kw) / stride + 1;
        let mut out = Vec::new();
        for b in 0..input.images {
            for y in 0..rows {
                for x in 0..columns {
                    for (o, bias) in bias.iter().enumerate() {
                        let mut sum = f64::from(*bias);
                        for c in 0..channels {
                            for i in 0..kh {
                                for j in 0..kw {
                                    let w = weights[((o * channels + c) * kh + i) * kw + j];
                                    let (row, column) = (y * stride + i, x * stride + j);
                                    let place = (b * input.height + row) * input.width + column;
                                    sum += f64::from(w)
                                        * f64::from(input.values[place * channels + c]);
                                }
                            }
                        }
                        sum += residual.map_or(0.0, |residual| f64::from(residual[out.len()]));
                        out.push(sum.max(f64::from(floor)) as f32);
                    }
                }
            }
        }
        out
    }

    #[test]
    fn convolutions_equal_their_formula_at_every_width() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut draw =
            |n: usize| -> Vec<f32> { (0..n).map(|_| rng.random_range(-1.0..1.0)).collect() };
        for (outputs, channels, size, stride, images, (height, width)) in [
            (16, 3, (3, 3), 1, 2, (7, 9)),
            (7, 5, (1, 1), 2, 3, (6, 5)),
            (32, 16, (3, 3), 2, 1, (9, 9)),
            (70, 4, (5, 2), 1, 2, (6, 7)),
            (10, 33, (1, 1), 1, 13, (1, 1)),
        ] {
            let weights = draw(outputs * channels * size.0 * size.1);
            let bias = draw(outputs);
            let values = draw(images * height * width * channels);
            let input = Padded {
                values: &values,
                images,
                height,
                width,
            };
            let kernel = Kernel::new(&weights, &bias, channels, size, stride);
            let (rows, columns) = kernel.output_size(height, width);
            let residual = draw(images * rows * columns * outputs);
            for (add, floor) in [(false, f32::NEG_INFINITY), (true, 0.0)] {
                let mut out = residual.clone();
                kernel.forward(input, add, floor, &mut out);
                let own = add.then_some(residual.as_slice());
                let expected = slow((&weights, &bias, size, stride), channels, input, own, floor);
                for (got, expected) in out.iter().zip(&expected) {
                    assert!(
                        (got - expected).abs() < 1e-4,
                        "{outputs} outputs: {got} instead of {expected}"
                    );
                }
            }
            // The same image alone, to the last bit.
            let alone = Padded {
                values: &values[..height * width * channels],
                images: 1,
                ..input
            };
            let mut together = residual.clone();
            kernel.forward(input, true, 0.0, &mut together);
            let mut single = residual[..rows * columns * outputs].to_vec();
            kernel.forward(alone, true, 0.0, &mut single);
            assert_eq!(single, together[..single.len()]);
        }
    }
}
