//! The command `sample`: values of some coalitions, what is recovered from them, and its files.

use std::fs;

use serde_json::Value;

use crate::command::{failure, json, stdout};

#[test]
fn terms_of_many_players_are_recovered_and_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("run");
    let folder = path.to_str().expect("UTF-8");
    let game = "synthetic:n=150; and(3,17,120)*2 - or(1,30)*1.5 + 0.25";
    let words = ["sample", "--game", game, "--budget", "400", "-o", folder];
    let document = json(&words);
    let read = |name: &str| -> Value {
        let bytes = fs::read(path.join(name)).expect("written");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    let found = read("interactions.json");
    assert_eq!(found, document["interactions"]);
    assert_eq!(found["samples"], 400);
    assert!(found["held_out"]["r2"].as_f64().expect("a number") > 0.999999);
    assert_eq!(found["held_out"]["samples"], 80);
    let strongest = &found["and"][0];
    assert_eq!(strongest["labels"], serde_json::json!(["3", "17", "120"]));
    assert!((strongest["effect"].as_f64().expect("a number") - 2.0).abs() < 1e-9);
    let indices = read("indices.json");
    let shapley = |player: usize| indices["shapley"][player].as_f64().expect("a number");
    assert!((shapley(17) - 2.0 / 3.0).abs() < 1e-9 && (shapley(30) + 0.75).abs() < 1e-9);
    let record = read("record.json");
    assert_eq!(record["n"], 150);
    assert_eq!(record["v_empty"], 0.25);
    assert_eq!(record["v_full"], 0.75);
    assert_eq!(record["config"]["budget"], 400);
    let samples = fs::read_to_string(path.join("samples.csv")).expect("written");
    assert_eq!(samples.lines().count(), 401);
    assert_eq!(samples.lines().nth(1), Some(",0.25,1"));
    let (code, message) = failure(&["report", folder]);
    assert_eq!(code, 1, "{message}");
    assert!(message.contains("was written by `sample`"), "{message}");
    // The page tells the same.
    let page = stdout(&words);
    assert!(
        page.contains("AND 3 · 17 · 120") && page.contains("R² 1.0000 ± 0.0000"),
        "{page}"
    );
    assert!(page.contains("400 coalitions in"), "{page}");
}

#[test]
fn every_method_can_be_asked_for_and_the_seed_decides() {
    let game = "synthetic:n=26; and(0,1)*2 + and(3,9)*1.5 - or(2,25) + noise(0.1,5)";
    for method in ["auto", "greedy", "ridge", "lasso", "tree", "walsh"] {
        let ask = |seed| {
            let words = ["sample", "--game", game, "--budget", "1200", "--order", "3"];
            json(&[&words[..], &["--method", method, "--seed", seed]].concat())["interactions"]
                .clone()
        };
        let (one, again, other) = (ask("1"), ask("1"), ask("2"));
        assert_eq!(one, again, "{method}");
        assert_ne!(one, other, "{method}");
        let r2 = one["held_out"]["r2"].as_f64().expect("a number");
        assert!(r2 > 0.9, "{method}: {r2}");
    }
}

#[test]
fn a_text_is_sampled_with_its_words_as_players() {
    let text = "a moving and often funny film that never once loses its way";
    let document = json(&[
        "sample", text, "--budget", "300", "--method", "ridge", "--order", "2",
    ]);
    assert_eq!(document["record"]["players"][1]["label"], "moving");
    assert_eq!(document["record"]["counts"]["coalitions"], 300);
    assert!(
        document["interactions"]["held_out"]["r2"]
            .as_f64()
            .expect("a number")
            > 0.5
    );
    let labels = &document["interactions"]["and"][0]["labels"];
    assert!(labels.as_array().is_some_and(|labels| labels.len() <= 2));
}

#[test]
fn what_cannot_be_sampled_is_said_in_a_sentence() {
    let few = ["sample", "--game", "synthetic:and(0,40)", "--budget", "12"];
    let (code, said) = failure(&few);
    assert_eq!(code, 2);
    assert_eq!(
        said,
        "error: the number of samples must be at least 20 for a recovery, got 12\n"
    );
    let coded = [
        "sample",
        "--game",
        "synthetic:and(0,40)",
        "--budget",
        "100",
        "--method",
        "walsh",
    ];
    let (code, said) = failure(&coded);
    assert_eq!(code, 2);
    assert!(
        said.contains("the budget of a coded plan must be large enough"),
        "{said}"
    );
    let (code, said) = failure(&["sample", "--data", "texts.jsonl"]);
    assert_eq!(code, 2);
    assert_eq!(
        said,
        "error: the sample must be one sample or a game, got --data\n"
    );
    let (code, said) = failure(&[
        "sample",
        "--game",
        "synthetic:and(0,1)",
        "--method",
        "magic",
    ]);
    assert_eq!(code, 2);
    assert!(
        said.contains("expected auto, greedy, ridge, lasso, tree or walsh"),
        "{said}"
    );
}
