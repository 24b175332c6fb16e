//! `order --beside`: studies that are done, next to each other.

use std::path::{Path, PathBuf};

use harsanyi::Error;
use harsanyi::interaction::order_sampled::SizeMoments;
use harsanyi::report::text;
use harsanyi::stats::bootstrap::Resampling;
use harsanyi::stats::strength_curve::index_difference;
use serde::Serialize;
use serde_json::Value;

use super::args::GlobalArgs;
use super::output::Output;
use super::study::{self, Sampled};

/// All studies.
#[derive(Serialize)]
struct Beside {
    studies: Vec<Line>,
}

/// One of them, and what sets it apart from the first.
#[derive(Serialize)]
struct Line {
    folder: String,
    model: Value,
    samples: usize,
    ratio: Value,
    #[serde(rename = "J_split_half")]
    strength: Value,
    bottleneck: Value,
    /// Samples that the first study has too.
    shared: usize,
    /// The bottleneck index by split halves, less that of the first study, over the shared samples.
    index_difference: Option<f64>,
    /// Its bootstrap interval over these samples.
    index_difference_interval: Option<[f64; 2]>,
}

pub(crate) fn beside(
    folders: &[PathBuf],
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<()> {
    let mut first: Vec<Sampled> = Vec::new();
    let mut studies = Vec::new();
    for folder in folders {
        let path = folder.join("orders.json");
        let bytes = std::fs::read(&path).map_err(Error::read(&path))?;
        let study: Value = serde_json::from_slice(&bytes).map_err(Error::parse(&path, "study"))?;
        let samples = samples(folder, &study)?;
        if first.is_empty() {
            first.clone_from(&samples);
        }
        let (one, other): (Vec<&Sampled>, Vec<&Sampled>) = samples
            .iter()
            .filter_map(|sample| Some((sample, first.iter().find(|other| other.id == sample.id)?)))
            .unzip();
        let shared = one.len();
        let difference = difference(&one, &other, global.seed);
        studies.push(Line {
            folder: folder.display().to_string(),
            model: study["model"].clone(),
            samples: samples.len(),
            ratio: study["multi_order"]["ratio"].clone(),
            strength: study["multi_order"]["J_split_half"].clone(),
            bottleneck: study["bottleneck_split_half"].clone(),
            shared,
            index_difference: difference.map(|(difference, _)| difference),
            index_difference_interval: difference.and_then(|(_, interval)| interval),
        });
    }
    let all = Beside { studies };
    output.result(&all, || page(&all))
}

/// The samples that a study lists as done.
fn samples(folder: &Path, study: &Value) -> anyhow::Result<Vec<Sampled>> {
    let ids = study["done"].as_array().into_iter().flatten();
    ids.filter_map(|line| line["id"].as_str())
        .map(|id| {
            let path = folder.join("samples").join(id).join("orders.json");
            let bytes = std::fs::read(&path).map_err(Error::read(&path))?;
            Ok(serde_json::from_slice(&bytes).map_err(Error::parse(&path, "sample's orders"))?)
        })
        .collect()
}

fn difference(one: &[&Sampled], other: &[&Sampled], seed: u64) -> Option<(f64, Option<[f64; 2]>)> {
    let axis = study::axis(one.iter().chain(other).copied(), None)?;
    let along = |samples: &[&Sampled]| -> Vec<Vec<SizeMoments>> {
        samples
            .iter()
            .map(|sample| study::along(&axis, &sample.orders))
            .collect()
    };
    let (one, other) = (along(one), along(other));
    let whole = |games: &[Vec<SizeMoments>]| {
        games
            .iter()
            .all(|game| game.len() == axis.positions().len())
    };
    if !whole(&one) || !whole(&other) {
        return None;
    }
    let resampling = Resampling {
        seed,
        ..Resampling::default()
    };
    index_difference(&axis, [&one, &other], &resampling)
}

fn page(all: &Beside) -> String {
    let mut out = String::from(
        "\nBottleneck index by split halves, and its difference from the first over the samples they share\n",
    );
    for line in &all.studies {
        let number = |value: &Value| value.as_f64().map_or("–".into(), |x| format!("{x:.3}"));
        let difference = match (line.index_difference, line.index_difference_interval) {
            (Some(difference), Some([low, high])) => {
                format!(
                    "{difference:+.3} ({low:+.3} to {high:+.3}), {} shared",
                    line.shared
                )
            }
            _ => "not comparable".into(),
        };
        out += &format!(
            "  {:<28} {:>7}  n' = {:>7}  {difference}\n",
            text::inert(&line.folder),
            number(&line.bottleneck["index"]),
            number(&line.bottleneck["fitted_n"]),
        );
    }
    let ratios = all.studies.first().and_then(|first| first.ratio.as_array());
    out += "\nOrder strength J(m) by split halves, at m/(n-2)\n";
    for (at, ratio) in ratios.into_iter().flatten().enumerate() {
        out += &format!("  {:>5.3}", ratio.as_f64().unwrap_or(0.0));
        for line in &all.studies {
            let strength = line.strength[at].as_f64();
            out += &strength.map_or("        –".into(), |x| format!("  {x:>7.3}"));
        }
        out.push('\n');
    }
    out
}
