//! Training of small networks, with losses that move the orders at which they work.
//!
//! In come an [`ImageSet`], a [`TrainableNet`] and [`TrainOptions`]; the network is changed in place, and after every epoch and at
//! every checkpoint that was asked for an observer hears the [`Metrics`]. A [`series`] on disk can be loaded like any other
//! model of this crate.
//!
//! Everything drawn comes from the seed. The layers are written so that every one of their gradients is right in candle:
//! its maximum pooling and its fused softmax are not used.

mod images;
mod net;
mod optimizer;
mod order_loss;
pub mod series;

pub use images::{Augmentation, ImageSet};
pub use net::{Design, TrainableNet};
pub use optimizer::{Rule, Schedule};
pub use order_loss::{Cells, OrderGoal, OrderTerm, delta_u, order_loss};

use candle_core::{D, DType, Device, Tensor};
use candle_nn::ops::log_softmax;
use optimizer::Stepper;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::{Error, Result};

/// Images of one forward pass where accuracy is measured.
const EVALUATION_BATCH: usize = 500;

/// Settings of [`train`].
#[derive(Clone, Debug, PartialEq)]
pub struct TrainOptions {
    /// How often every image is seen.
    pub epochs: usize,
    /// Images per step; the last step of an epoch takes those that are left.
    pub batch: usize,
    /// Which steps.
    pub rule: Rule,
    /// How far they go.
    pub rate: Schedule,
    /// Weight decay.
    pub decay: f64,
    /// How images are varied.
    pub augmentation: Augmentation,
    /// Order losses beside the cross-entropy.
    pub terms: Vec<OrderTerm>,
    /// Rows and columns of the grid whose cells are kept and dropped by the order losses.
    pub grid: [usize; 2],
    /// At which epochs, from 0 on, the observer hears of the network beside the end; fractions are rounded to whole steps.
    pub checkpoints: Vec<f64>,
    /// Seed of everything drawn.
    pub seed: u64,
}

/// The published recipe, but for the 200 epochs and the augmentation.
impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch: 128,
            rule: Rule::Sgd { momentum: 0.9 },
            rate: Schedule::LogLinear(0.01, 0.001),
            decay: 5e-4,
            augmentation: Augmentation::default(),
            terms: Vec::new(),
            grid: [16, 16],
            checkpoints: Vec::new(),
            seed: 0,
        }
    }
}

/// How a network does at some step. Losses are cross-entropies in nats.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// Epochs done, a fraction within one.
    pub epoch: f64,
    /// Steps done.
    pub step: usize,
    /// Mean over the training images.
    pub train_loss: f64,
    /// Share of the training images answered right.
    pub train_acc: f64,
    /// Mean over the test images.
    pub test_loss: f64,
    /// Share of the test images answered right.
    pub test_acc: f64,
}

/// Trains `net` on `images`. `observe` hears of every checkpoint and of the end; `progress` after each step, how many are done
/// and of how many.
///
/// Each step lowers CE(f(x), y) + Σ weight · L(Δu), the sum going over the order losses.
///
/// # Cost
/// A forward and a backward pass per image and epoch, and two more for each order loss.
///
/// # Errors
/// Settings out of range; a class that the network does not have; a loss that is not finite; what the device refuses; what
/// `observe` returns.
pub fn train(
    net: &TrainableNet,
    [images, tests]: [&ImageSet; 2],
    options: &TrainOptions,
    place: (&Device, DType),
    mut progress: impl FnMut(usize, usize),
    mut observe: impl FnMut(&TrainableNet, &Metrics) -> Result<()>,
) -> Result<Metrics> {
    check(net, [images, tests], options)?;
    let (device, dtype) = place;
    let [_, height, width] = images.shape();
    let cells = match options.terms.is_empty() {
        true => None,
        false => Some(Cells::new(options.grid, [height, width])?),
    };
    let in_epoch = images.len().div_ceil(options.batch);
    let steps = options.epochs * in_epoch;
    let mut marks: Vec<usize> = options
        .checkpoints
        .iter()
        .map(|epoch| (epoch * in_epoch as f64).round() as usize)
        .chain([steps])
        .collect();
    marks.sort_unstable();
    marks.dedup();
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let mut stepper = Stepper::new(options.rule, options.decay, net)?;
    let mut order: Vec<usize> = (0..images.len()).collect();
    let mut last = None;
    for step in 0..=steps {
        if marks.contains(&step) {
            let metrics = measure(net, [images, tests], step, in_epoch, place)?;
            observe(net, &metrics)?;
            last = Some(metrics);
        }
        if step == steps {
            break;
        }
        let at = step % in_epoch;
        if at == 0 {
            for place in (1..order.len()).rev() {
                order.swap(place, rng.random_range(0..=place));
            }
        }
        let chosen =
            &order[at * options.batch..][..options.batch.min(images.len() - at * options.batch)];
        let (x, y) = images.batch(
            chosen,
            Some((&options.augmentation, &mut rng)),
            device,
            dtype,
        )?;
        let mut loss = cross_entropy(&net.forward(&x)?, &y)?;
        if let Some(cells) = &cells {
            for term in &options.terms {
                loss = (loss + term.loss(net, &x, &y, cells, &mut rng)?)?;
            }
        }
        let value = loss.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        if !value.is_finite() {
            return Err(Error::Input(format!(
                "the loss is {value} at step {step}; a smaller rate may help"
            )));
        }
        stepper.step(net, &loss.backward()?, options.rate.at(step, steps))?;
        progress(step + 1, steps);
    }
    last.ok_or_else(|| Error::Input("nothing was trained".into()))
}

fn check(net: &TrainableNet, sets: [&ImageSet; 2], options: &TrainOptions) -> Result<()> {
    let refuse = |parameter, must, got: String| {
        Err(Error::Parameter {
            parameter,
            must,
            got,
        })
    };
    for set in sets {
        if set.shape() != net.input() {
            let (own, other) = (net.input(), set.shape());
            return Err(Error::Input(format!(
                "the network takes images of {own:?} (channels, rows, columns), these have {other:?}"
            )));
        }
        if set.class_count() > net.classes() {
            return Err(Error::Input(format!(
                "class {} is beyond the {} of the network",
                set.class_count() - 1,
                net.classes()
            )));
        }
    }
    if options.batch == 0 {
        return refuse("the batch", "at least 1", "0".into());
    }
    if !(options.decay >= 0.0 && options.decay.is_finite()) {
        return refuse("the weight decay", "at least 0", options.decay.to_string());
    }
    let end = options.epochs as f64;
    match options
        .checkpoints
        .iter()
        .find(|epoch| !(0.0..=end).contains(*epoch))
    {
        Some(epoch) => refuse(
            "a checkpoint",
            "from epoch 0 to the last",
            epoch.to_string(),
        ),
        None => Ok(()),
    }
}

/// The mean cross-entropy of logits (B, classes) with classes (B), in nats; not candle's own, whose reduction is over f32 alone.
fn cross_entropy(logits: &Tensor, classes: &Tensor) -> Result<Tensor> {
    let log = log_softmax(logits, D::Minus1)?;
    Ok(log.gather(&classes.unsqueeze(1)?, 1)?.neg()?.mean_all()?)
}

/// Loss and accuracy on both sets.
fn measure(
    net: &TrainableNet,
    sets: [&ImageSet; 2],
    step: usize,
    in_epoch: usize,
    (device, dtype): (&Device, DType),
) -> Result<Metrics> {
    let of = |set: &ImageSet| -> Result<(f64, f64)> {
        let (mut loss, mut right) = (0.0, 0.0);
        let every: Vec<usize> = (0..set.len()).collect();
        for chosen in every.chunks(EVALUATION_BATCH) {
            let (x, y) = set.batch(chosen, None, device, dtype)?;
            let logits = net.forward(&x)?.detach();
            let sum = |x: Tensor| x.to_dtype(DType::F64)?.sum_all()?.to_scalar::<f64>();
            loss += sum((cross_entropy(&logits, &y)? * chosen.len() as f64)?)?;
            right += sum(logits.argmax(D::Minus1)?.eq(&y)?)?;
        }
        let count = set.len() as f64;
        Ok((loss / count, right / count))
    };
    let ((train_loss, train_acc), (test_loss, test_acc)) = (of(sets[0])?, of(sets[1])?);
    Ok(Metrics {
        epoch: step as f64 / in_epoch as f64,
        step,
        train_loss,
        train_acc,
        test_loss,
        test_acc,
    })
}
