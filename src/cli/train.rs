//! `train`: a small network on images, with or without losses that move its orders.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use candle_core::DType;
use clap::Args;
use harsanyi::input::{ImageForm, Material, Picture, RawSample};
use harsanyi::report::{SCHEMA, folder};
use harsanyi::train::series::Series;
use harsanyi::train::{
    Augmentation, Design, ImageSet, Metrics, OrderTerm, Rule, Schedule, TrainOptions, TrainableNet,
    train,
};
use harsanyi::{Error, device};
use serde::Serialize;
use serde_json::{Value, json};

use super::args::{GlobalArgs, Precision};
use super::output::Output;
use super::quantities::{grid, positive};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Training")]
pub(crate) struct TrainArgs {
    /// Images to learn: an IDX file with its labels beside it, a CIFAR binary, or a folder with a labels.csv
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// Images to test on, likewise
    #[arg(long, value_name = "FILE")]
    pub(crate) test: PathBuf,
    /// The network: lenet, or mlp:WIDTH,WIDTH,…
    #[arg(long, default_value_t = Design::Lenet, value_name = "NET")]
    pub(crate) net: Design,
    /// A loss on a band of orders: low, mid, high, encourage:R1:R2[:WEIGHT], penalize:R1:R2[:WEIGHT]; may be repeated
    #[arg(long, value_name = "TERM")]
    pub(crate) order_loss: Vec<OrderTerm>,
    /// Cells that the order losses keep and drop
    #[arg(long, default_value = "16x16", value_name = "RxC", value_parser = grid)]
    pub(crate) grid: [usize; 2],
    /// How often every image is seen
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(crate) epochs: usize,
    /// Images per step
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = positive)]
    pub(crate) batch: usize,
    /// The optimizer: sgd, sgd:MOMENTUM, adamw
    #[arg(long, default_value_t = TrainOptions::default().rule, value_name = "RULE")]
    pub(crate) optimizer: Rule,
    /// The rate over all steps: constant:RATE, log-linear:FIRST:LAST, cosine:FIRST:LAST
    #[arg(long, default_value_t = TrainOptions::default().rate, value_name = "RATE")]
    pub(crate) rate: Schedule,
    /// Weight decay
    #[arg(long, default_value_t = TrainOptions::default().decay, value_name = "X")]
    pub(crate) decay: f64,
    /// Move images by up to N pixels along both axes
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) crop: usize,
    /// Mirror half of the images
    #[arg(long)]
    pub(crate) mirror: bool,
    /// Epochs, fractions too, after which to keep the weights, beside the end
    #[arg(long, value_delimiter = ',', value_name = "EPOCHS")]
    pub(crate) checkpoints: Vec<f64>,
}

/// What `train --format json` prints and `training.json` holds.
#[derive(Serialize)]
struct Training {
    schema: u32,
    program: &'static str,
    config: Value,
    parameters: usize,
    metrics: Metrics,
    seconds: f64,
}

pub(crate) fn run(args: &TrainArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let Some(dir) = global.folder()? else {
        return Err(Error::Parameter {
            parameter: "--output",
            must: "a folder for the network",
            got: "none".into(),
        }
        .into());
    };
    if global.dtype != Precision::F32 {
        return Err(Error::Parameter {
            parameter: "--dtype",
            must: "f32 for training",
            got: format!("{:?}", global.dtype).to_lowercase(),
        }
        .into());
    }
    folder::create(dir)?;
    let (learn, test) = (pictures(&args.data)?, pictures(&args.test)?);
    let (mean, std) = moments(&learn)?;
    let shape = shape(&learn)?;
    let classes = learn.iter().chain(&test).map(|(_, class)| class + 1);
    let classes = classes.max().unwrap_or(0);
    let place = (&global.device.open()?, DType::F32);
    let net = TrainableNet::new(args.net.clone(), shape, classes, global.seed, place)?;
    let config = net.config(&mean, &std);
    let form = ImageForm::new(&config, None, shape, dir)?;
    let sets = [ImageSet::new(&learn, &form)?, ImageSet::new(&test, &form)?];
    let options = TrainOptions {
        epochs: args.epochs,
        batch: args.batch,
        rule: args.optimizer,
        rate: args.rate,
        decay: args.decay,
        augmentation: Augmentation {
            padding: args.crop,
            mirror: args.mirror,
        },
        terms: args.order_loss.clone(),
        grid: args.grid,
        checkpoints: args.checkpoints.clone(),
        seed: global.seed,
    };
    let settings = json!({
        "data": args.data.display().to_string(),
        "test": args.test.display().to_string(),
        "net": args.net.to_string(),
        "order_loss": args.order_loss.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "grid": args.grid,
        "epochs": args.epochs,
        "batch": args.batch,
        "optimizer": args.optimizer.to_string(),
        "rate": args.rate.to_string(),
        "decay": args.decay,
        "crop": args.crop,
        "mirror": args.mirror,
        "checkpoints": args.checkpoints,
        "device": device::name(place.0),
        "seed": global.seed,
    });
    let mut series = Series::new(dir, config);
    let bar = output.bar("steps", 0);
    let output = &output.under(&bar);
    let start = Instant::now();
    let metrics = train(
        &net,
        [&sets[0], &sets[1]],
        &options,
        place,
        |done, all| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        },
        |net, metrics| {
            output.say(&sentence(metrics));
            series.add(net, metrics).map(drop)
        },
    )?;
    bar.finish_and_clear();
    net.save(&dir.join("model.safetensors"))?;
    let training = Training {
        schema: SCHEMA,
        program: concat!("harsanyi ", env!("CARGO_PKG_VERSION")),
        config: settings,
        parameters: net.parameters(),
        metrics,
        seconds: start.elapsed().as_secs_f64(),
    };
    folder::write_json(&dir.join("training.json"), &training)?;
    output.result(&training, || format!("{}\n", sentence(&metrics)))
}

fn sentence(metrics: &Metrics) -> String {
    format!(
        "epoch {:.2}: training loss {:.4} nats, accuracy {:.2} %; test loss {:.4} nats, accuracy {:.2} %",
        metrics.epoch,
        metrics.train_loss,
        100.0 * metrics.train_acc,
        metrics.test_loss,
        100.0 * metrics.test_acc
    )
}

/// The images of a data set with their classes.
fn pictures(path: &Path) -> anyhow::Result<Vec<(Picture, usize)>> {
    let labelled = |sample: RawSample| {
        let picture = match sample.material {
            Material::Picture(picture) => picture,
            Material::PictureFile(path) => Picture::read(&path)?,
            Material::Text(_) | Material::Row(..) => unreachable!("a data set of images"),
        };
        let class = sample.label.and_then(|label| label.trim().parse().ok());
        let class = class.with_context(|| format!("`{}` has no class by number", sample.name))?;
        Ok((picture, class))
    };
    let images = RawSample::images(path, None)?;
    images.into_iter().map(labelled).collect()
}

/// (C, H, W) of the first image.
fn shape(samples: &[(Picture, usize)]) -> anyhow::Result<[usize; 3]> {
    let first = samples.first().map(|(picture, _)| picture);
    let shape = first.map(|first| [first.channels, first.height, first.width]);
    shape.context("the data set holds no image")
}

/// Mean and standard deviation of each channel of bytes divided by 255, to four decimals.
fn moments(samples: &[(Picture, usize)]) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    let [channels, ..] = shape(samples)?;
    let mut sums = vec![[0.0; 3]; channels];
    for (picture, _) in samples {
        for (at, &byte) in picture.bytes.iter().enumerate() {
            let x = f64::from(byte) / 255.0;
            let sum = &mut sums[at % picture.channels.min(channels)];
            *sum = [sum[0] + 1.0, sum[1] + x, sum[2] + x * x];
        }
    }
    let rounded = |x: f64| (x * 1e4).round() / 1e4;
    let mean = |[count, sum, _]: [f64; 3]| sum / count.max(1.0);
    let deviation = |sum: [f64; 3]| {
        (sum[2] / sum[0].max(1.0) - mean(sum).powi(2))
            .max(0.0)
            .sqrt()
    };
    Ok((
        sums.iter().map(|&sum| rounded(mean(sum))).collect(),
        // Images of a single colour have no deviation to divide by.
        sums.iter()
            .map(|&sum| {
                Some(rounded(deviation(sum)))
                    .filter(|&std| std > 0.0)
                    .unwrap_or(1.0)
            })
            .collect(),
    ))
}
