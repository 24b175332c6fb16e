//! Losses that move the orders at which a network works.
//!
//! Of each image some cells of a grid are kept, S₁ ⊂ S₂ with |S₁| = r₁n and |S₂| = r₂n, and the loss is about
//!
//! Δu = f(x_{S₂}) − (r₂/r₁) f(x_{S₁}),
//!
//! which holds interactions of contexts between about r₁n and r₂n players alone: what is additive cancels.
//!
//! # Source
//! Deng, Ren, Zhang and Zhang 2022, *Discovering and explaining the representation bottleneck of DNNs*, section 4.

use std::fmt;
use std::str::FromStr;

use candle_core::{D, DType, Device, Tensor};
use candle_nn::ops::log_softmax;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::net::TrainableNet;
use crate::{Error, Result};

/// What a term does to the interactions of its band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderGoal {
    /// The cross-entropy of softmax(Δu) with the true class: the band learns to classify.
    Encourage,
    /// Minus the entropy of softmax(Δu): the band learns to say nothing.
    Penalize,
}

/// A term of the loss, on a band [r₁, r₂] of the share of cells that is kept.
///
/// Written and parsed as `encourage:0.3:0.7`, `penalize:0:0.5:2` with a weight, or by the published presets: `low` is
/// `penalize:0.7:1`, `mid` is `encourage:0.3:0.7`, `high` is `penalize:0:0.5`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderTerm {
    goal: OrderGoal,
    band: [f64; 2],
    weight: f64,
}

impl OrderTerm {
    /// A term for 0 ≤ r₁ < r₂ ≤ 1 and a positive weight (published: 1).
    ///
    /// # Errors
    /// [`Error::Parameter`] for another band or weight.
    pub fn new(goal: OrderGoal, band: [f64; 2], weight: f64) -> Result<Self> {
        let [low, high] = band;
        let fits = 0.0 <= low && low < high && high <= 1.0 && weight > 0.0 && weight.is_finite();
        match fits {
            true => Ok(Self { goal, band, weight }),
            false => Err(Error::Parameter {
                parameter: "an order loss",
                must: "over a band 0 ≤ r1 < r2 ≤ 1 with a weight above 0",
                got: format!("{low} to {high}, weight {weight}"),
            }),
        }
    }
}

impl fmt::Display for OrderTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let goal = match self.goal {
            OrderGoal::Encourage => "encourage",
            OrderGoal::Penalize => "penalize",
        };
        let [low, high] = self.band;
        write!(f, "{goal}:{low}:{high}:{}", self.weight)
    }
}

impl FromStr for OrderTerm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        use OrderGoal::{Encourage, Penalize};
        let unknown = || Error::Parameter {
            parameter: "an order loss",
            must: "low, mid, high, or encourage:R1:R2[:WEIGHT] or penalize:R1:R2[:WEIGHT]",
            got: format!("`{text}`"),
        };
        let words: Vec<&str> = text.split(':').collect();
        let (goal, numbers) = match words.as_slice() {
            ["low"] => return Self::new(Penalize, [0.7, 1.0], 1.0),
            ["mid"] => return Self::new(Encourage, [0.3, 0.7], 1.0),
            ["high"] => return Self::new(Penalize, [0.0, 0.5], 1.0),
            ["encourage", numbers @ ..] => (Encourage, numbers),
            ["penalize", numbers @ ..] => (Penalize, numbers),
            _ => return Err(unknown()),
        };
        let numbers: Vec<f64> = numbers
            .iter()
            .map(|number| number.parse().map_err(|_| unknown()))
            .collect::<Result<_>>()?;
        match *numbers.as_slice() {
            [low, high] => Self::new(goal, [low, high], 1.0),
            [low, high, weight] => Self::new(goal, [low, high], weight),
            _ => Err(unknown()),
        }
    }
}

/// Which cell of a grid each pixel lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells {
    /// Row by row.
    owner: Vec<usize>,
    count: usize,
    height: usize,
    width: usize,
}

impl Cells {
    /// `rows` × `columns` cells over an image of `height` × `width` pixels; cell r begins at ⌊r · height / rows⌋.
    ///
    /// # Errors
    /// [`Error::Parameter`] for more cells than pixels along a side, or none.
    pub fn new([rows, columns]: [usize; 2], [height, width]: [usize; 2]) -> Result<Self> {
        if rows == 0 || columns == 0 || rows > height || columns > width {
            return Err(Error::Parameter {
                parameter: "the grid",
                must: "from 1 cell to as many as there are pixels along each side",
                got: format!("{rows}x{columns} for {height} × {width} pixels"),
            });
        }
        // The last cell that begins at the pixel or before it.
        let cell = |pixel: usize, cells: usize, length: usize| ((pixel + 1) * cells - 1) / length;
        let owner = (0..height * width)
            .map(|at| cell(at / width, rows, height) * columns + cell(at % width, columns, width))
            .collect();
        Ok(Self {
            owner,
            count: rows * columns,
            height,
            width,
        })
    }

    /// For each of `images` a random order of the cells, and the pixels of the first r₁ and r₂ shares of it: two tensors
    /// (B, 1, H, W) of ones and zeros. The shares are rounded down to whole cells.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn nested(
        &self,
        images: usize,
        band: [f64; 2],
        rng: &mut ChaCha8Rng,
        (device, dtype): (&Device, DType),
    ) -> Result<[Tensor; 2]> {
        let kept = band.map(|share| (share * self.count as f64 + 1e-9) as usize);
        let mut place: Vec<usize> = (0..self.count).collect();
        let mut pixels = [0, 1].map(|_| Vec::with_capacity(images * self.owner.len()));
        for _ in 0..images {
            for at in (1..self.count).rev() {
                place.swap(at, rng.random_range(0..=at));
            }
            for (pixels, kept) in pixels.iter_mut().zip(kept) {
                pixels.extend(
                    self.owner
                        .iter()
                        .map(|&cell| f32::from(u8::from(place[cell] < kept))),
                );
            }
        }
        let [first, second] = pixels.map(|pixels| {
            let shape = (images, 1, self.height, self.width);
            Ok::<_, Error>(Tensor::from_vec(pixels, shape, device)?.to_dtype(dtype)?)
        });
        Ok([first?, second?])
    }
}

/// Δu (B, classes) of `images` (B, C, H, W), of which the two tensors of `kept` hold on to the cells S₁ and S₂; what is dropped
/// is zero, in normalized space.
///
/// Δu = f(x_{S₂}) − (r₂/r₁) f(x_{S₁}), with 1 in place of r₂/r₁ where r₁ = 0, as published.
///
/// # Errors
/// What the device refuses.
pub fn delta_u(
    net: &TrainableNet,
    images: &Tensor,
    kept: &[Tensor; 2],
    [low, high]: [f64; 2],
) -> Result<Tensor> {
    let factor = if low == 0.0 { 1.0 } else { high / low };
    let answer = |kept: &Tensor| net.forward(&images.broadcast_mul(kept)?);
    let fewer = (answer(&kept[0])? * factor)?;
    Ok((answer(&kept[1])? - fewer)?)
}

/// The loss of `term` at Δu (B, classes), a scalar: weight · CE(softmax(Δu), y), or −weight · H(softmax(Δu)), means over
/// images, in nats.
///
/// # Errors
/// What the device refuses.
pub fn order_loss(term: &OrderTerm, delta_u: &Tensor, classes: &Tensor) -> Result<Tensor> {
    let log = log_softmax(delta_u, D::Minus1)?;
    let loss = match term.goal {
        OrderGoal::Encourage => log.gather(&classes.unsqueeze(1)?, 1)?.neg()?.mean_all()?,
        OrderGoal::Penalize => (log.exp()? * &log)?.sum(D::Minus1)?.mean_all()?,
    };
    Ok((loss * term.weight)?)
}

impl OrderTerm {
    /// The loss of this term on `images` with `classes`, with cells drawn anew.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn loss(
        &self,
        net: &TrainableNet,
        images: &Tensor,
        classes: &Tensor,
        cells: &Cells,
        rng: &mut ChaCha8Rng,
    ) -> Result<Tensor> {
        let place = (images.device(), images.dtype());
        let kept = cells.nested(images.dim(0)?, self.band, rng, place)?;
        order_loss(self, &delta_u(net, images, &kept, self.band)?, classes)
    }
}
