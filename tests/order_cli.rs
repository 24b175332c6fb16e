//! `order` with contexts, over single samples and data sets, and `train`.

use std::path::Path;

use serde_json::Value;

use crate::command::{failure, json, run, stdout};

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().expect("a list");
    list.iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("written")).expect("JSON")
}

#[test]
fn the_orders_of_a_table_are_reported_again_from_their_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name).to_str().expect("plain").to_owned();
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect(name);
    let game = "synthetic:n=4; and(0,1)*2 - or(2,3)*1.5";
    let page = stdout(&["order", "--game", game, "-o", &path("run")]);
    assert_eq!(stdout(&["report", &path("run")]), page);
    let html = stdout(&["report", &path("run"), "--format", "html"]);
    assert_eq!(html, read("run/report.html"));
    let again: Value = json(&["report", &path("run")]);
    assert_eq!(again, json(&["order", "--game", game]));
    let table = stdout(&["report", &path("run"), "--format", "csv"]);
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(
        rows[0],
        "m,and_positive,and_negative,or_positive,or_negative,mean_output,mean_abs,J"
    );
    assert_eq!(rows.len(), 6);
    let fields: Vec<&str> = rows[3].split(',').collect();
    let number = |at: usize| fields[at].parse::<f64>().expect("a number");
    // Pairs beside nobody to two others; of order 2 there is the AND, and the OR that lowers v.
    assert_eq!(fields[0], "2");
    assert!((number(1) - 2.0).abs() < 1e-3 && (number(4) + 1.5).abs() < 1e-3);
    let mean_abs = numbers(&again["multi_order"]["mean_abs"])[2];
    assert!((number(6) - mean_abs).abs() < 1e-12);
    assert!(rows[5].ends_with(",,"), "{}", rows[5]);

    let cut = read("run/orders.json").replacen("0.0,", "", 1);
    std::fs::write(dir.path().join("run/orders.json"), cut).expect("written");
    let (code, message) = failure(&["report", &path("run")]);
    assert_eq!(code, 1, "{message}");
    assert!(message.contains("do not belong together"), "{message}");
}

#[test]
fn contexts_of_a_small_game_that_are_all_there_are_give_the_exact_curve() {
    let game = "synthetic:and(0,1)*2 - or(2..6)*1.5 + majority(0..7) + noise(0.3,1)";
    let exact = json(&["order", "--game", game]);
    let all = json(&[
        "order",
        "--game",
        game,
        "--contexts",
        "10",
        "--pairs",
        "all",
    ]);
    for key in ["mean_abs", "J"] {
        let (a, b) = (
            numbers(&exact["multi_order"][key]),
            numbers(&all["multi_order"][key]),
        );
        assert_eq!(a.len(), 6);
        assert!(
            a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12),
            "{key}: {a:?} and {b:?}"
        );
    }
    assert_eq!(
        all["multi_order"]["mean_abs"],
        all["multi_order"]["split_half"]
    );
    assert_eq!(all["counts"]["evaluated"], 128);
    assert_eq!(all["multi_order"]["J"], all["multi_order"]["J_all_orders"]);
    let (index, other) = (&exact["bottleneck"]["index"], &all["bottleneck"]["index"]);
    assert!((index.as_f64().expect("one") - other.as_f64().expect("one")).abs() < 1e-12);
}

#[test]
fn games_beyond_every_table_are_sampled() {
    let game = "synthetic:n=256; and(0,1)*2 + or(3..200) + noise(0.2,1)";
    let words = [
        "order",
        "--game",
        game,
        "--contexts",
        "6",
        "--pairs",
        "random:40",
    ];
    let found = json(&words);
    let sizes = [0, 12, 25, 50, 76, 101, 127, 152, 177, 203, 228, 241, 254];
    assert_eq!(
        found["multi_order"]["context_size"],
        serde_json::json!(sizes)
    );
    assert_eq!(found["counts"]["asked"], 4 * 40 * (11 * 6 + 2));
    // With only noise in the middle the halves have less in common than the published figure shows.
    let (naive, split) = (
        numbers(&found["multi_order"]["mean_abs"]),
        numbers(&found["multi_order"]["split_half"]),
    );
    assert!(split[6] < 0.7 * naive[6] && split[0] == naive[0]);
    assert_eq!(found, json(&words), "the seed decides");
    assert!(stdout(&words).contains("by split halves: bottleneck index"));
}

#[test]
fn a_data_set_is_measured_sample_by_sample_and_resumed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (data, out) = (dir.path().join("texts.jsonl"), dir.path().join("out"));
    std::fs::write(
        &data,
        "{\"id\": \"a\", \"text\": \"a good movie\"}\n{\"id\": \"b\", \"text\": \"not a very bad film\"}\n{\"id\": \"c\", \"text\": \"it is so dull\"}\n",
    )
    .expect("written");
    let (data, out) = (data.to_str().expect("text"), out.to_str().expect("text"));
    let words = ["order", "--data", data, "-o", out, "--contexts", "4"];
    let study = json(&words);
    assert_eq!(study["samples"], 3);
    assert_eq!(study["failed"], serde_json::json!([]));
    // Texts with 3 to 5 players meet at ratios.
    assert_eq!(study["n"], Value::Null);
    assert_eq!(
        study["multi_order"]["ratio"]
            .as_array()
            .expect("a list")
            .len(),
        13
    );
    let one = Path::new(out).join("samples").join("b").join("orders.json");
    let mut before = read(&one);
    assert_eq!(
        (&before["n"], &before["context_size"]),
        (&serde_json::json!(5), &serde_json::json!([0, 1, 2, 3]))
    );
    // What was measured before is not measured again: a mark in it survives, unless the settings are others.
    before["seconds"] = serde_json::json!(12345.0);
    std::fs::write(&one, before.to_string()).expect("written");
    let again = json(&[&words[..], &["--resume"]].concat());
    assert_eq!(again["done"][1]["seconds"], 12345.0);
    // Nor where the folder has another name, or batches another size.
    let moved = format!("{out}-moved");
    std::fs::rename(out, &moved).expect("renamed");
    let elsewhere = [
        "order",
        "--data",
        data,
        "-o",
        &moved,
        "--contexts",
        "4",
        "--batch",
        "3",
        "--resume",
    ];
    assert_eq!(json(&elsewhere)["done"][1]["seconds"], 12345.0);
    std::fs::rename(&moved, out).expect("renamed");
    // Numbers that were written down and read again may differ in the last bit.
    let strengths = |study: &Value| numbers(&study["multi_order"]["J"]);
    let pairs = strengths(&again).into_iter().zip(strengths(&study));
    assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-12));
    // Options that change no value do not stand in the way, nor does a run file that says the same.
    let aside = [
        "--batch",
        "3",
        "--threads",
        "1",
        "--gap",
        "0.01",
        "--per-class",
        "9",
        "--limit",
        "2",
    ];
    let again = json(&[&words[..], &["--resume"], &aside].concat());
    assert_eq!(again["done"][1]["seconds"], 12345.0);
    let file = dir.path().join("run.toml");
    let listed = format!(
        "command = \"order\"\ndata = '{data}'\ncontexts = 4\nplayers = \"word\"\noutput = '{out}'\nresume = true\n"
    );
    std::fs::write(&file, listed).expect("written");
    let again = json(&["run", file.to_str().expect("text")]);
    assert_eq!(again["done"][1]["seconds"], 12345.0);
    for other in [
        ["--readout", "logit"],
        ["--baseline", "unk"],
        ["--seed", "1"],
        ["--contexts", "5"],
    ] {
        std::fs::write(&one, before.to_string()).expect("written");
        let words = ["order", "--data", data, "-o", out, "--resume"];
        let contexts: &[&str] = if other[0] == "--contexts" {
            &[]
        } else {
            &["--contexts", "4"]
        };
        json(&[&words, contexts, &other[..]].concat());
        assert_ne!(read(&one)["seconds"], 12345.0, "{other:?}");
    }
    // Beside itself a study has nothing to tell.
    let beside = json(&["order", "--beside", out, "--beside", out]);
    assert_eq!(beside["studies"][1]["index_difference"], 0.0);
}

#[test]
fn a_study_leaves_a_page_and_charts_that_show_its_curve() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("out");
    let at = out.to_str().expect("text");
    let game = "synthetic:n=40; and(0,1)*2 + or(3..30) + noise(0.2,1)";
    let words = [
        "order",
        "--game",
        game,
        "--contexts",
        "4",
        "--pairs",
        "random:20",
        "-o",
        at,
    ];
    let found = json(&words);
    let page = std::fs::read_to_string(out.join("report.html")).expect("written");
    assert!(page.contains("Order strength of 1 sample") && page.contains("without noise"));
    for name in ["bottleneck", "bottleneck-split-half"] {
        let file = std::fs::read_to_string(out.join(format!("charts/{name}.svg"))).expect(name);
        roxmltree::Document::parse(&file).expect("well-formed");
    }
    // The same again from the files alone.
    assert_eq!(stdout(&["report", at, "--format", "html"]), page);
    assert_eq!(
        json(&["report", at])["multi_order"]["context_size"],
        found["multi_order"]["context_size"]
    );
    let table = stdout(&["report", at, "--format", "csv"]);
    let first = table.lines().nth(1).expect("a row");
    let strength = &found["multi_order"]["J"][0];
    assert!(first.starts_with(&format!("0,0,{strength}")), "{first}");
    // From a table of all coalitions there is a page too.
    json(&[
        "order",
        "--game",
        "synthetic:and(0,1)*2 - or(2..5)",
        "-o",
        at,
    ]);
    let page = std::fs::read_to_string(out.join("report.html")).expect("written");
    assert!(page.contains("Orders of one table") && out.join("charts/growth.svg").exists());
    assert!(!out.join("charts/bottleneck-split-half.svg").exists());
}

#[test]
fn texts_that_are_not_answered_as_labelled_are_left_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("texts.jsonl");
    let text = "the movie is not bad at all";
    let answer = json(&["profile", text])["record"]["target"].clone();
    let (class, name) = (&answer["class"], &answer["text"]);
    let lines = format!(
        "{{\"text\": \"{text}\", \"label\": {class}}}\n{{\"text\": \"{text}\", \"label\": \"other\"}}\n{{\"text\": \"{text}\", \"label\": {name}}}\n"
    );
    std::fs::write(&data, lines).expect("written");
    let data = data.to_str().expect("text");
    let study = json(&[
        "order",
        "--data",
        data,
        "--correct",
        "--contexts",
        "3",
        "--pairs",
        "random:5",
    ]);
    let ids: Vec<&str> = study["done"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|line| line["id"].as_str())
        .collect();
    assert_eq!(ids, ["00001", "00003"]);
}

#[test]
fn orders_that_cannot_be_are_refused() {
    for (words, code, says) in [
        (&["order"][..], 2, "the sample must be"),
        (
            &["order", "--game", "synthetic:and(0,1)", "--contexts", "1"],
            2,
            "at least 2",
        ),
        (
            &["order", "--game", "synthetic:and(0,1)", "--ratios", "0,2"],
            2,
            "from 0 to 1",
        ),
        (
            &["order", "--game", "synthetic:and(0,1)", "--pairs", "some"],
            2,
            "near:COUNT",
        ),
        (
            &[
                "order",
                "--game",
                "synthetic:n=1; and(0)",
                "--contexts",
                "3",
            ],
            2,
            "from 2 to 1024",
        ),
        (&["order", "--beside", "/nowhere"], 1, "could not read"),
        (
            &["train", "--data", "/nowhere", "--test", "/nowhere"],
            2,
            "a folder for the network",
        ),
    ] {
        let (found, message) = failure(words);
        assert_eq!(found, code, "{words:?}: {message}");
        assert!(message.contains(says), "{words:?}: {message}");
    }
}

/// An IDX file of 16 × 16 images whose bright half is their class, and its labels.
fn images(path: &Path, count: usize) {
    let mut bytes = vec![0, 0, 8, 3];
    let mut labels = vec![0, 0, 8, 1];
    for size in [count as u32, 16, 16] {
        bytes.extend(size.to_be_bytes());
    }
    labels.extend((count as u32).to_be_bytes());
    for number in 0..count {
        let class = number % 2;
        labels.push(class as u8);
        bytes.extend((0..256).map(|at| {
            let bright = if at / 128 == class { 120 } else { 10 };
            bright + ((at * 7 + number * 31) % 97) as u8
        }));
    }
    std::fs::write(path, bytes).expect("written");
    let name = path
        .to_str()
        .expect("text")
        .replace("images", "labels")
        .replace("idx3", "idx1");
    std::fs::write(name, labels).expect("written");
}

#[test]
fn a_trained_network_can_be_measured() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name).to_str().expect("text").to_owned();
    let (learn, test, out) = (
        at("train-images-idx3-ubyte"),
        at("test-images-idx3-ubyte"),
        at("net"),
    );
    images(Path::new(&learn), 200);
    images(Path::new(&test), 40);
    let words = [
        "train",
        "--data",
        &learn,
        "--test",
        &test,
        "--net",
        "mlp:16",
        "--order-loss",
        "high",
        "--grid",
        "8x8",
        "--epochs",
        "3",
        "--batch",
        "20",
        "--rate",
        "constant:0.05",
        "--checkpoints",
        "0,1",
        "-o",
        &out,
    ];
    let training = json(&words);
    assert_eq!(training["metrics"]["test_acc"], 1.0);
    assert_eq!(training["config"]["order_loss"][0], "penalize:0:0.5:1");
    let config = read(&Path::new(&out).join("config.json"));
    assert_eq!(config["checkpoints"].as_array().expect("a list").len(), 3);
    let model = at("net/epoch-03.00.safetensors");
    let words = [
        "order",
        "--data",
        &test,
        "--model",
        &model,
        "--players",
        "grid:8x8",
        "--correct",
        "--per-class",
        "2",
        "--contexts",
        "3",
        "--pairs",
        "near:10",
    ];
    let study = json(&words);
    assert_eq!(
        (&study["samples"], &study["n"]),
        (&serde_json::json!(4), &serde_json::json!(64))
    );
    assert_eq!(study["classes"].as_object().expect("two").len(), 2);
    let intervals = study["multi_order"]["J_interval"]
        .as_array()
        .expect("a list");
    assert_eq!(intervals.len(), 13);
    // A network that takes images is not given a text.
    assert!(
        !run(&["order", "a text", "--model", &model])
            .status
            .success()
    );
}
