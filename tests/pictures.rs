//! Images and rows through the command line: what a record says of them, and every bad input.

use std::path::{Path, PathBuf};

use harsanyi::input::Picture;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{self, failure, stdout};
use crate::vision::tiny;

fn name(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// A picture of so many pixels, no two rows alike, as a file.
fn png(dir: &Path, file: &str, height: usize, width: usize, channels: usize) -> PathBuf {
    let bytes = (0..height * width * channels)
        .map(|at| (at * 37 + at / 7) as u8)
        .collect();
    let picture = Picture {
        width,
        height,
        channels,
        bytes,
    };
    let path = dir.join(file);
    std::fs::write(&path, picture.png().expect("encoded")).expect("written");
    path
}

/// A network of rows with four columns, and a table for it.
fn tabular() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let from = tiny("mlp");
    std::fs::copy(
        from.join("model.safetensors"),
        dir.path().join("model.safetensors"),
    )
    .expect("copied");
    let columns: Vec<String> = (0..63).map(|c| format!("c{c}")).collect();
    let config =
        json!({ "architecture": "mlp", "classes": ["no", "yes"], "input": { "columns": columns } });
    std::fs::write(dir.path().join("config.json"), config.to_string()).expect("written");
    let table = dir.path().join("t.csv");
    let row = |scale: f64| {
        (0..63)
            .map(|c| (scale * f64::from(c)).sin().to_string())
            .collect::<Vec<_>>()
            .join(",")
    };
    let rows = format!(
        "{},target\n{},1\n{},0\n",
        columns.join(","),
        row(0.7),
        row(1.1)
    );
    std::fs::write(&table, rows).expect("written");
    (dir, table)
}

fn refused(words: &[&str], code: i32, parts: &[&str]) {
    let (got, message) = failure(words);
    assert_eq!(got, code, "{words:?}: {message}");
    for part in parts {
        assert!(
            message.contains(part),
            "{words:?}: `{part}` is not in {message}"
        );
    }
    assert!(!message.contains("panicked"), "{message}");
}

#[test]
fn the_record_of_an_image_tells_its_cells() {
    let dir = tempfile::tempdir().expect("a folder");
    let image = png(dir.path(), "a.png", 17, 16, 3);
    let (model, out) = (tiny("cifar_resnet"), dir.path().join("out"));
    let words = [
        "profile",
        "--image",
        name(&image),
        "--model",
        name(&model),
        "--players",
        "grid:2x3",
    ];
    let page = stdout(&[words.as_slice(), &["-o", name(&out)]].concat());
    assert!(
        page.contains("a.png, 17 × 16 pixels") && page.contains("[r0c0] [r0c1]"),
        "{page}"
    );
    let record: Value =
        serde_json::from_slice(&std::fs::read(out.join("record.json")).expect("there"))
            .expect("JSON");
    assert_eq!(record["kind"], "image");
    assert_eq!(record["n"], 6);
    assert_eq!(
        record["image"]["grid"],
        json!({ "rows": [0, 8, 17], "columns": [0, 5, 10, 16] })
    );
    assert_eq!(record["players"][1]["label"], "r0c1");
    assert_eq!(record["players"][1]["spans"][2], json!([37, 42]));
    assert_eq!(record["noise"]["probe_max"], 0.0);
    assert_eq!(record["counts"]["coalitions"], 64);
    let png = record["image"]["png"].as_str().expect("an address");
    assert!(png.starts_with("data:image/png;base64,iVBOR"), "{png}");
    let again = command::json(
        &[
            &["tabulate"],
            &words[1..],
            &["--threads", "1", "--batch", "5"],
        ]
        .concat(),
    );
    let values =
        |json: &Value| serde_json::from_value::<Vec<f64>>(json["values"].clone()).expect("values");
    let one = command::json(
        &[
            &["tabulate"],
            &words[1..],
            &["--threads", "2", "--batch", "64"],
        ]
        .concat(),
    );
    assert_eq!(values(&again), values(&one));
}

#[test]
fn segments_layers_and_baselines_change_what_is_asked() {
    let dir = tempfile::tempdir().expect("a folder");
    let image = png(dir.path(), "a.png", 17, 16, 3);
    let model = tiny("cifar_resnet");
    let segments = dir.path().join("s.png");
    let bytes = (0..17 * 16)
        .map(|at| {
            if at % 16 < 2 {
                255
            } else {
                (at / 16 / 6) as u8
            }
        })
        .collect();
    let picture = Picture {
        width: 16,
        height: 17,
        channels: 1,
        bytes,
    };
    std::fs::write(&segments, picture.png().expect("encoded")).expect("written");
    let rule = format!("segments:{}", segments.display());
    let start = ["tabulate", "--image", name(&image), "--model", name(&model)];
    let record = |words: &[&str]| command::json(&[&start, words].concat())["record"].clone();
    let own = record(&["--players", &rule]);
    assert_eq!(
        (own["n"].as_u64(), own["players"][2]["label"].as_str()),
        (Some(3), Some("s2"))
    );
    assert_eq!(own["background"].as_array().expect("a list").len(), 34);
    let grid = |more: &[&str]| record(&[&["--players", "grid:1x2"], more].concat());
    let zero = grid(&[]);
    let full = zero["v_full"].as_f64();
    for baseline in ["mean", "blur"] {
        let other = grid(&["--baseline", baseline]);
        assert_eq!(other["v_full"].as_f64(), full);
        assert_ne!(other["v_empty"], zero["v_empty"], "{baseline}");
    }
    let file = format!("file:{}", image.display());
    assert_eq!(
        grid(&["--baseline", &file])["v_empty"].as_f64(),
        full,
        "the image in place of itself"
    );
    let map = grid(&["--layer", "conv1.activation"]);
    assert_eq!(
        map["map"],
        json!({ "layer": "conv1.activation", "channels": 4, "height": 17, "width": 16,
        "grid": { "rows": [0, 17], "columns": [0, 8, 16] } })
    );
    assert!((map["v_full"].as_f64().expect("a value") - full.expect("a value")).abs() < 1e-4);
    assert_ne!(map["v_empty"], zero["v_empty"]);
    assert_eq!(map["image"]["grid"], Value::Null);
}

#[test]
fn data_sets_of_images_and_rows_give_a_folder_each() {
    let dir = tempfile::tempdir().expect("a folder");
    let images = dir.path().join("images");
    std::fs::create_dir(&images).expect("made");
    png(&images, "a.png", 17, 16, 3);
    png(&images, "b.png", 20, 30, 3);
    std::fs::write(images.join("c.png"), "no image").expect("written");
    let out = dir.path().join("out");
    let model = tiny("cifar_resnet");
    let words = [
        "profile",
        "--data",
        name(&images),
        "--model",
        name(&model),
        "--players",
        "grid:1x3",
        "--quiet",
    ];
    let run = command::run(&[words.as_slice(), &["-o", name(&out)]].concat());
    assert_eq!(run.status.code(), Some(1));
    let summary: Value =
        serde_json::from_slice(&std::fs::read(out.join("summary.json")).expect("there"))
            .expect("JSON");
    assert_eq!(summary["failed"][0]["id"], "c");
    assert_eq!(summary["by_players"][0]["samples"], 2);
    assert!(out.join("samples/b/values.npy").exists());
    let (model, table) = tabular();
    let rows = [
        "tabulate",
        "--data",
        name(&table),
        "--model",
        name(model.path()),
        "--players",
        "c0,c5+c6",
    ];
    let lines = stdout(&[rows.as_slice(), &["--format", "json", "--quiet"]].concat());
    let records: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(records.len(), 2);
    assert_eq!(records[1]["record"]["kind"], "row");
    assert_eq!(
        records[1]["record"]["players"][1],
        json!({ "index": 1, "label": "c5+c6", "spans": [[5, 7]] })
    );
    assert_eq!(records[1]["record"]["row"]["columns"][62], "c62");
}

#[test]
fn images_that_do_not_fit_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let (colour, residual) = (png(dir.path(), "a.png", 28, 28, 3), tiny("cifar_resnet"));
    let on = |model: &Path, words: &[&str], code: i32, parts: &[&str]| {
        refused(
            &[&["tabulate", "--model", name(model)], words].concat(),
            code,
            parts,
        );
    };
    let own = ["--image", name(&colour)];
    on(
        &tiny("lenet"),
        &own,
        1,
        &["the network takes images of 1 channel, and this one has 3"],
    );
    let broken = dir.path().join("b.png");
    let whole = std::fs::read(&colour).expect("there");
    for bytes in [b"no image".as_slice(), &whole[..whole.len() / 2]] {
        std::fs::write(&broken, bytes).expect("written");
        on(
            &residual,
            &["--image", name(&broken)],
            1,
            &["b.png` is not a valid PNG or JPEG image"],
        );
    }
    on(
        &residual,
        &["--image", "no/such.png"],
        1,
        &["could not read `no/such.png`"],
    );
    let with = |words: &[&str], code: i32, parts: &[&str]| {
        on(&residual, &[&own, words].concat(), code, parts)
    };
    let small = png(dir.path(), "s.png", 5, 5, 1);
    let segments = format!("segments:{}", small.display());
    with(
        &["--players", &segments],
        1,
        &["are 5 × 5 pixels; the image is 28 × 28"],
    );
    let coloured = format!("segments:{}", colour.display());
    with(
        &["--players", &coloured],
        1,
        &["are coloured; expected a grey image"],
    );
    with(&["--players", "grid:3"], 2, &["expected grid:ROWSxCOLUMNS"]);
    with(
        &["--players", "grid:40x2"],
        1,
        &["a grid of 40 × 2 cells does not fit into 17 × 16 pixels"],
    );
    with(
        &["--players", "grid:5x5"],
        1,
        &["25 players make 2^25 coalitions"],
    );
    with(
        &["--players", "word"],
        2,
        &["the players must be grid:ROWSxCOLUMNS or segments:FILE for an image"],
    );
    with(
        &["--baseline", "mask"],
        2,
        &["the baseline must be zero, mean, blur or file:PATH for an image"],
    );
    with(
        &["--target", "class:cat"],
        1,
        &["the model has no class `cat`; known: 0, 1, 2, 3"],
    );
    with(
        &["--layer", "conv9"],
        1,
        &["no layer `conv9` puts out a map; those that do: conv1, conv1.activation"],
    );
    on(
        &residual,
        &["a text"],
        1,
        &["this model takes images, and the sample is a text"],
    );
    on(
        &residual,
        &["--row", "t.csv:0"],
        1,
        &["this model takes images, and the sample is a row"],
    );
    refused(
        &["tabulate", "--image", name(&colour)],
        1,
        &["this model takes texts, and the sample is an image"],
    );
    refused(
        &["tabulate", "a", "--layer", "x"],
        1,
        &["only layers of networks of images put out maps"],
    );
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let (model, table) = tabular();
    let place = format!("{}:2", table.display());
    let with = |words: &[&str], code: i32, parts: &[&str]| {
        refused(
            &[&["tabulate", "--model", name(model.path())], words].concat(),
            code,
            parts,
        );
    };
    with(
        &["--row", &place],
        1,
        &["row 2 is not there; the table has rows 0 to 1"],
    );
    with(&["--row", name(&table)], 2, &["the row must be FILE:N"]);
    let place = format!("{}:1", table.display());
    with(
        &["--row", &place, "--players", "c0,hue"],
        1,
        &["the row has no column `hue`; it has c0, c1"],
    );
    with(&["--row", &place], 1, &["63 players make 2^63 coalitions"]);
    with(
        &["--row", &place, "--players", "grid:2x2"],
        2,
        &["the players must be column"],
    );
    std::fs::write(&table, "c0,c1\n1,2\n").expect("written");
    with(
        &["--row", &place],
        1,
        &["has no column `c2`; it has c0, c1"],
    );
}

#[test]
fn damaged_networks_of_images_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let image = png(dir.path(), "a.png", 17, 16, 3);
    let from = tiny("cifar_resnet");
    let config = std::fs::read_to_string(from.join("config.json")).expect("there");
    let weights = std::fs::read(from.join("model.safetensors")).expect("there");
    let with = |config: &str, weights: &[u8], parts: &[&str]| {
        std::fs::write(dir.path().join("config.json"), config).expect("written");
        std::fs::write(dir.path().join("model.safetensors"), weights).expect("written");
        refused(
            &[
                "tabulate",
                "--image",
                name(&image),
                "--model",
                name(dir.path()),
            ],
            1,
            parts,
        );
    };
    let other = |from: &str, to: &str| {
        let changed: Value = serde_json::from_str(&config).expect("JSON");
        changed.to_string().replace(from, to)
    };
    with(
        &other("[3,17,16]", "[1,17,16]"),
        &weights,
        &["tensor `conv1.weight`: expected shape [4, 1, 3, 3], got [4, 3, 3, 3]"],
    );
    with(
        &other("cifar_resnet", "swin"),
        &weights,
        &["model type `swin` has no recipe"],
    );
    with(
        &other("\"input\"", "\"inputs\""),
        &weights,
        &["the configuration does not say what goes in"],
    );
    with(
        &other("0.229", "-1"),
        &weights,
        &["`std` holds -1; a deviation is above 0"],
    );
    with(
        &other("\"architecture\"", "\"classes\":[\"a\"],\"architecture\""),
        &weights,
        &["names 1 classes; the network answers 4"],
    );
    with(
        &config,
        &weights[..weights.len() - 40],
        &["is not a valid safetensors file"],
    );
    let lenet = std::fs::read(tiny("lenet").join("model.safetensors")).expect("there");
    with(&config, &lenet, &["tensor `conv1.weight`"]);
}

#[test]
fn classes_of_a_network_that_compares_are_texts() {
    let dir = tempfile::tempdir().expect("a folder");
    let image = png(dir.path(), "a.png", 16, 16, 3);
    for model in ["clip", "siglip"].map(tiny) {
        let words = [
            "profile",
            "--image",
            name(&image),
            "--model",
            name(&model),
            "--players",
            "grid:2x2",
        ];
        let classes = ["--classes", "a cat,two cats,a small red dog"];
        let run = command::json(&[&words[..], &classes].concat());
        assert_eq!(run["record"]["n"], 4);
        let text = run["record"]["target"]["text"].as_str().expect("a class");
        assert!(
            ["a cat", "two cats", "a small red dog"].contains(&text),
            "{text}"
        );
        let chosen = command::json(&[&words[..], &classes, &["--target", "class:a cat"]].concat());
        assert_eq!(chosen["record"]["target"]["class"], 0);
        let (code, message) = failure(&words);
        assert_eq!(code, 2);
        assert!(message.contains("at least two texts"), "{message}");
        assert!(stdout(&["models", "check", name(&model)]).contains("loads and answers"));
        // Other texts are another table.
        let out = dir.path().join("out");
        let kept = ["-o", name(&out), "--resume"];
        command::json(&[&words[..], &classes, &kept].concat());
        let other = ["--classes", "a cat,two cats", "--target", "class:a cat"];
        let (code, message) = failure(&[&words[..], &other, &kept].concat());
        assert!(code == 1 && message.contains("classes"), "{message}");
        std::fs::remove_dir_all(&out).expect("removed");
    }
    let lenet = tiny("lenet");
    let words = [
        "profile",
        "--image",
        name(&image),
        "--model",
        name(&lenet),
        "--classes",
        "a,b",
    ];
    let (code, message) = failure(&words);
    assert!(
        code == 2 && message.contains("classes of its own"),
        "{message}"
    );
}

#[test]
fn segments_are_not_believed_on_the_word_of_their_header() {
    let dir = tempfile::tempdir().expect("a folder");
    let image = png(dir.path(), "a.png", 16, 16, 3);
    let model = tiny("cifar_resnet");
    let file = dir.path().join("s.npy");
    let long =
        |len: u32, text: &[u8]| [b"\x93NUMPY\x02\x00", &len.to_le_bytes()[..], text].concat();
    let deep = [b"{'descr': ", [b'['; 1 << 20].as_slice()].concat();
    let wide = b"{'descr': '<i8', 'fortran_order': False, 'shape': (4294967296, 4294967297), }";
    let other = b"{'descr': '<i8', 'fortran_order': False, 'shape': (100000, 100000), }";
    for (bytes, said) in [
        (long(u32::MAX, b""), "its header is 4294967295 bytes long"),
        (
            long(deep.len() as u32, &deep),
            "its header is 1048586 bytes long",
        ),
        (
            long(wide.len() as u32, wide),
            "is not that of a plain array",
        ),
        (
            long(other.len() as u32, other),
            "are 100000 × 100000 pixels; the image is 16 × 16",
        ),
    ] {
        std::fs::write(&file, bytes).expect("written");
        let rule = format!("segments:{}", name(&file));
        let words = ["tabulate", "--image", name(&image), "--model", name(&model)];
        refused(&[&words[..], &["--players", &rule]].concat(), 1, &[said]);
    }
}
