//! Value tables of real networks through the command line, against float64 references.
//!
//! Weights and references lie outside the repository; the folder that holds `models` and `goldens/inference` is named by
//! `HARSANYI_SHARED`, and without it these tests say so and pass.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::shared;

/// The folder of everything that these tests read.
fn everything() -> Option<PathBuf> {
    shared::folder("")
}

/// The table that `harsanyi tabulate` writes for `sample`, a text or an option that names another.
fn tabulate(model: &Path, sample: &str, options: &[&str]) -> Vec<f64> {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("values.npy");
    let run = Command::new(env!("CARGO_BIN_EXE_harsanyi"))
        .args(["tabulate", sample, "--quiet", "--model"])
        .arg(model)
        .args(options)
        .arg("-o")
        .arg(&path)
        .output()
        .expect("runs");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    shared::npy(&path)
}

fn reference(shared: &Path, case: &str, array: &str) -> Vec<f64> {
    shared::npz(&shared.join(format!("goldens/inference/{case}.npz")), array)
}

fn describe(shared: &Path, case: &str) -> Value {
    let text = std::fs::read(shared.join(format!("goldens/inference/{case}.json"))).expect("reads");
    serde_json::from_slice(&text).expect("JSON")
}

fn furthest(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    got.iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

/// Both maskings and three readouts of the language model; words are the players of the reference, and so is the target.
fn language_model(case: &str) {
    let Some(shared) = everything() else { return };
    let about = describe(&shared, case);
    let text = about["prompt"].as_str().expect("a prompt");
    let model = shared.join("models/stories260k");
    for (baseline, masking) in [("unk", "unk"), ("remove", "drop")] {
        for (readout, quantity, tolerance) in [
            ("logit", "logit", 2e-4),
            ("log-odds", "log_odds", 1e-3),
            ("log-prob", "log_prob", 1e-3),
        ] {
            let got = tabulate(
                &model,
                text,
                &["--baseline", baseline, "--readout", readout],
            );
            let expected = reference(&shared, case, &format!("{quantity}_{masking}"));
            let off = furthest(&got, &expected);
            assert!(off < tolerance, "{case} {baseline} {readout}: {off:e}");
        }
    }
}

/// One table of the classifier: a class's logit, or the log-odds, which between two classes are a difference of logits.
fn classifier(case: &str, baseline: &str, target: &str, readout: &str) {
    let Some(shared) = everything() else { return };
    let about = describe(&shared, case);
    let text = about["text"].as_str().expect("a text");
    // A token that is never attended to may as well be padding.
    let masking = if baseline == "mask" { "mask" } else { "pad" };
    let logits = reference(&shared, case, &format!("logits_{masking}"));
    let expected: Vec<f64> = match (target, readout) {
        ("class:0", "logit") => logits.chunks(2).map(|row| row[0]).collect(),
        ("class:positive", "logit") => logits.chunks(2).map(|row| row[1]).collect(),
        _ => logits.chunks(2).map(|row| row[1] - row[0]).collect(),
    };
    let options = [
        "--baseline",
        baseline,
        "--target",
        target,
        "--readout",
        readout,
    ];
    let got = tabulate(&shared.join("models/minilm-sst2"), text, &options);
    let off = furthest(&got, &expected);
    let tolerance = if readout == "logit" { 2e-4 } else { 1e-3 };
    assert!(
        off < tolerance,
        "{case} {baseline} {target} {readout}: {off:e}"
    );
}

#[test]
fn a_language_model_of_8_words_equals_its_reference() {
    language_model("stories260k_n08");
}

#[test]
fn a_language_model_of_10_words_equals_its_reference() {
    language_model("stories260k_n10");
}

#[test]
fn a_language_model_of_12_words_equals_its_reference() {
    language_model("stories260k_n12");
}

#[test]
fn a_classifier_of_8_words_equals_its_reference() {
    for baseline in ["mask", "pad", "ignore"] {
        classifier("minilm-sst2_n08", baseline, "class:0", "logit");
        classifier("minilm-sst2_n08", baseline, "class:positive", "logit");
        classifier("minilm-sst2_n08", baseline, "class:1", "log-odds");
    }
}

#[test]
fn a_classifier_of_10_words_equals_its_reference() {
    for baseline in ["mask", "pad"] {
        classifier("minilm-sst2_n10", baseline, "class:positive", "logit");
    }
    classifier("minilm-sst2_n10", "mask", "class:1", "log-odds");
}

#[test]
fn a_classifier_of_12_words_equals_its_reference() {
    for baseline in ["mask", "pad"] {
        classifier("minilm-sst2_n12", baseline, "class:positive", "logit");
    }
}

/// Column `class` of the logits (2^n, C).
fn column(logits: &[f64], classes: usize, class: usize) -> Vec<f64> {
    logits.chunks(classes).map(|row| row[class]).collect()
}

/// Every class's logit of a residual network on an image of 3 × 4 uneven cells, and the log-odds of its answer.
fn residual_network(case: &str) {
    let Some(shared) = everything() else { return };
    let about = describe(&shared, case);
    let image = shared.join(about["image"].as_str().expect("an image"));
    let image = format!("--image={}", image.display());
    let model = shared.join("models/cifar10-resnet20");
    let logits = reference(&shared, case, "logits");
    for class in [0, 1, 5, 9] {
        let target = format!("class:{class}");
        let options = [
            "--players",
            "grid:3x4",
            "--readout",
            "logit",
            "--target",
            &target,
        ];
        let off = furthest(
            &tabulate(&model, &image, &options),
            &column(&logits, 10, class),
        );
        assert!(off < 2e-4, "{case} class {class}: {off:e}");
    }
    let predicted = about["predicted"].as_u64().expect("a class") as usize;
    let log_odds: Vec<f64> = logits
        .chunks(10)
        .map(|row| {
            let others = row
                .iter()
                .enumerate()
                .filter(|(class, _)| *class != predicted);
            row[predicted] - others.map(|(_, z)| z.exp()).sum::<f64>().ln()
        })
        .collect();
    let off = furthest(
        &tabulate(&model, &image, &["--baseline", "zero"]),
        &log_odds,
    );
    assert!(off < 1e-3, "{case} log-odds: {off:e}");
}

#[test]
fn images_on_a_residual_network_equal_their_references() {
    residual_network("resnet20_img0");
    residual_network("resnet20_img1");
}

#[test]
fn rows_of_a_table_equal_their_references() {
    let Some(shared) = everything() else { return };
    for case in ["breast-cancer_row004", "breast-cancer_row052"] {
        let number = describe(&shared, case)["csv_row"].as_u64().expect("a row");
        let table = shared.join("data/tabular/breast_cancer.csv");
        let row = format!("--row={}:{number}", table.display());
        let model = shared.join("models/breast-cancer-mlp");
        let logits = reference(&shared, case, "logits");
        for (class, name) in ["malignant", "benign"].into_iter().enumerate() {
            let target = format!("class:{name}");
            let options = ["--readout", "logit", "--target", &target];
            let off = furthest(
                &tabulate(&model, &row, &options),
                &column(&logits, 2, class),
            );
            assert!(off < 2e-4, "{case} {name}: {off:e}");
        }
    }
}
