//! Each command on a network or a synthetic game: what it prints, what it writes, and that other programs can read it.

use std::fs::File;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use serde_json::Value;

use crate::command::{json, run, stdout};

const NEGATED: &str = "the movie is not bad at all";
const PLANTED: &str = "synthetic:and(0,1)*2 - or(3,4,5)*1.5 + 0.3";

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(number)
        .collect()
}

#[test]
fn a_negated_sentence_shows_the_negation_and_what_it_negates() {
    let profile = json(&["profile", NEGATED]);
    let strongest = |kind: &str| profile["interactions"][kind][0].clone();
    let and = strongest("and");
    assert_eq!(
        and["labels"],
        serde_json::json!(["not", "bad"]),
        "the strongest AND interaction is {and}"
    );
    assert_eq!(and["salient"], true);
    assert_eq!(profile["record"]["target"]["text"], "positive");
}

#[test]
fn the_page_shows_the_sentence_the_interactions_the_orders_and_the_players() {
    let page = stdout(&["profile", NEGATED]);
    for part in [
        "[the] [movie] [is] [not] [bad] [at] [all]",
        "Interactions",
        "not · bad",
        "Strength by order",
        "J(m)",
        "Players",
        "128 coalitions",
    ] {
        assert!(page.contains(part), "no `{part}` in\n{page}");
    }
    assert!(!page.contains('\x1b'), "no colours where nobody looks");
    assert!(stdout(&["profile", NEGATED, "--color", "always"]).contains("\x1b["));
}

#[test]
fn a_run_folder_holds_what_the_contract_lists_and_its_parts_agree() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("run");
    let folder = path.to_str().expect("a plain path");
    stdout(&["profile", NEGATED, "--fit", "exact", "-o", folder]);
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(path.join(name)).expect(name)).expect("JSON")
    };
    let (record, interactions, orders, indices) = (
        read("record.json"),
        read("interactions.json"),
        read("orders.json"),
        read("indices.json"),
    );
    let values: Vec<f64> = npyz::NpyFile::new(File::open(path.join("values.npy")).expect("values"))
        .and_then(|file| file.into_vec())
        .expect("float64");
    assert_eq!(
        (
            record["schema"].as_u64(),
            record["n"].as_u64(),
            values.len()
        ),
        (Some(1), Some(7), 128)
    );
    assert_eq!(
        (number(&record["v_empty"]), number(&record["v_full"])),
        (values[0], values[127])
    );
    assert_eq!(record["counts"]["coalitions"], 128);
    assert_eq!(
        record["counts"]["token_positions"],
        record["counts"]["token_positions_naive"]
    );
    assert!(number(&record["noise"]["probe_std"]) < 1e-5);

    // The interactions, added up again, are the values.
    let masks = |kind: &str| -> Vec<(usize, f64)> {
        let mask = |entry: &Value| {
            numbers(&entry["players"])
                .iter()
                .map(|&player| 1usize << player as usize)
                .sum()
        };
        let list = interactions[kind].as_array().expect("a list");
        list.iter()
            .map(|entry| (mask(entry), number(&entry["effect"])))
            .collect()
    };
    let (and, or) = (masks("and"), masks("or"));
    for (coalition, value) in values.iter().enumerate() {
        let of = |list: &[(usize, f64)], fires: &dyn Fn(usize) -> bool| -> f64 {
            list.iter()
                .filter(|(mask, _)| fires(*mask))
                .map(|(_, effect)| effect)
                .sum()
        };
        let sum = number(&interactions["empty"])
            + of(&and, &|mask| mask & coalition == mask)
            + of(&or, &|mask| mask & coalition != 0);
        assert!((sum - value).abs() < 1e-9, "{coalition:b}: {sum} {value}");
    }
    assert!(
        (numbers(&indices["shapley"]).iter().sum::<f64>() - (values[127] - values[0])).abs() < 1e-9
    );
    assert_eq!(numbers(&orders["multi_order"]["J"]).len(), 6);
    assert_eq!(numbers(&orders["strength"]["and"]["positive"]).len(), 8);

    // The rows of the data frame are the same interactions.
    let rows =
        SerializedFileReader::new(File::open(path.join("interactions.parquet")).expect("there"))
            .expect("parquet");
    let rows: Vec<_> = rows
        .get_row_iter(None)
        .expect("rows")
        .map(|row| row.expect("a row"))
        .collect();
    assert_eq!(rows.len(), and.len() + or.len());
    for (kind, list) in [("and", &and), ("or", &or)] {
        let frame: Vec<(usize, f64)> = rows
            .iter()
            .filter(|row| row.get_string(0).expect("kind") == kind)
            .map(|row| {
                (
                    row.get_ulong(1).expect("mask") as usize,
                    row.get_double(3).expect("effect"),
                )
            })
            .collect();
        assert_eq!(frame.len(), list.len());
        // Reading a number from JSON may cost its last bit.
        let same = |(a, b): (&(usize, f64), &(usize, f64))| {
            a.0 == b.0 && (a.1 - b.1).abs() <= 1e-15 * a.1.abs()
        };
        assert!(
            frame.iter().zip(list).all(same),
            "{kind}: {frame:?} {list:?}"
        );
        assert!(rows.iter().all(|row| row.get_int(2).expect("order") as u32
            == row.get_ulong(1).expect("mask").count_ones()));
    }

    // Later commands take the folder and know the players' names.
    assert!(stdout(&["extract", "--values", folder]).contains("not · bad"));
    assert!(
        stdout(&[
            "index", "--values", folder, "--index", "SII", "--order", "2"
        ])
        .contains("not · bad")
    );
}

#[test]
fn every_command_works_on_a_synthetic_game() {
    let found = json(&["extract", "--game", PLANTED, "--fit", "exact"]);
    assert_eq!(found["and"][0]["players"], serde_json::json!([0, 1]));
    assert!((number(&found["and"][0]["effect"]) - 2.0).abs() < 1e-3);
    assert_eq!(found["or"][0]["players"], serde_json::json!([3, 4, 5]));
    assert!(
        number(&found["gap"]) < 1e-3
            && number(&found["lower_bound"]) <= number(&found["objective"])
    );

    let orders = json(&["order", "--game", PLANTED]);
    assert_eq!(
        orders["multi_order"]["context_size"],
        serde_json::json!([0, 1, 2, 3, 4])
    );

    let index = json(&["index", "--game", PLANTED, "--index", "SV"]);
    let shapley: Vec<f64> = index["values"]
        .as_array()
        .expect("values")
        .iter()
        .map(|v| number(&v["value"]))
        .collect();
    for (got, expected) in shapley.iter().zip([1.0, 1.0, 0.0, -0.5, -0.5, -0.5]) {
        assert!((got - expected).abs() < 1e-12, "{shapley:?}");
    }

    let table = json(&["tabulate", "--game", "synthetic:and(0,1)*2"]);
    assert_eq!(numbers(&table["values"]), [0.0, 0.0, 0.0, 2.0]);
    let page = stdout(&["profile", "--game", PLANTED]);
    assert!(
        page.contains("AND 0 · 1") && page.contains("OR  3 · 4 · 5"),
        "{page}"
    );
}

#[test]
fn an_index_can_be_estimated_with_error_bars_among_more_players_than_a_table_has() {
    let game = "synthetic:and(0,1)*2 + or(2..30)";
    let ask = |more: &[&str]| {
        let mut words = vec!["index", "--game", game, "--estimate"];
        words.extend(more);
        json(&words)
    };
    for method in ["permutation", "kernel-shap", "leverage", "stratified"] {
        let found = ask(&[method, "--budget", "900", "--seed", "3"]);
        let estimate = &found["estimate"];
        assert_eq!(estimate["method"], method);
        assert_eq!(estimate["seed"], 3);
        assert!(number(&estimate["evaluations"]) <= 900.0);
        let values = found["values"].as_array().expect("a list");
        assert_eq!(values.len(), 30);
        let first = &values[0];
        let (low, high) = (number(&first["low"]), number(&first["high"]));
        // Half of the AND; four players in a hundred may lie outside their interval.
        assert!(low - 0.2 < 1.0 && 1.0 < high + 0.2, "{method}: {first}");
        assert!(low <= number(&first["value"]) && number(&first["standard_error"]) >= 0.0);
    }
    let pairs = ask(&[
        "k-additive",
        "--index",
        "FSII",
        "--order",
        "2",
        "--budget",
        "2000",
    ]);
    assert_eq!(pairs["values"].as_array().expect("a list").len(), 30 + 435);
    let page = stdout(&[
        "index",
        "--game",
        game,
        "--estimate",
        "permutation",
        "--budget",
        "900",
    ]);
    assert!(
        page.contains("estimated by permutation") && page.contains('±'),
        "{page}"
    );
}

#[test]
fn an_index_is_written_for_other_programs_too() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("run");
    let file = dir.path().join("deep.json");
    let ask = |output: &std::path::Path| {
        let output = output.to_str().expect("a plain path");
        json(&[
            "index", "--game", PLANTED, "--index", "k-SII", "--order", "2", "-o", output,
        ])
    };
    let read = |path: &std::path::Path| -> Value {
        serde_json::from_slice(&std::fs::read(path).expect("written")).expect("JSON")
    };
    let printed = ask(&folder);
    assert_eq!(read(&folder.join("index.json")), printed);
    ask(&file);
    let values = read(&file);
    assert_eq!(read(&folder.join("interaction_values.json")), values);
    assert_eq!(values["metadata"]["index"], "k-SII");
    assert!((number(&values["data"]["Empty"]) - 0.3).abs() < 1e-12);
    let sum: f64 = values["data"]
        .as_object()
        .expect("a map")
        .values()
        .map(number)
        .sum();
    // v(N) = 0.3 + 2 − 1.5
    assert!((sum - 0.8).abs() < 1e-12);
}

#[test]
fn value_files_go_round_and_the_bit_order_is_the_callers_word() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("deep/er/v.npy");
    let file = path.to_str().expect("a plain path");
    stdout(&[
        "tabulate",
        "--game",
        "synthetic:and(0)*1 + and(1)*2",
        "-o",
        file,
    ]);
    let values = |game: String| numbers(&json(&["tabulate", "--game", &game])["values"]);
    assert_eq!(values(format!("file:{file}")), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(
        values(format!("file:{file},bits=msb")),
        [0.0, 2.0, 1.0, 3.0]
    );
    let index = json(&["index", "--values", file]);
    assert_eq!(
        index["values"],
        serde_json::json!([{"players": [0], "value": 1.0}, {"players": [1], "value": 2.0}])
    );
}

#[test]
fn a_data_set_gives_a_folder_for_each_sample_and_says_which_failed() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("texts.jsonl");
    let long = "word ".repeat(30);
    let lines = format!(
        "{{\"id\": \"good\", \"text\": \"a good film\"}}\n{{\"text\": \"{long}\"}}\n{{\"text\": \"not a bad one\"}}\n"
    );
    std::fs::write(&data, lines).expect("written");
    let out = dir.path().join("out");
    let run = run(&[
        "profile",
        "--data",
        data.to_str().expect("plain"),
        "-o",
        out.to_str().expect("plain"),
        "--format",
        "json",
    ]);
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&run.stdout).lines().count(),
        2,
        "a line of JSON for each sample that worked"
    );
    let talk = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(
        talk.contains("sample 00002: 30 players make 2^30 coalitions")
            && talk.contains("1 of 3 samples failed"),
        "{talk}"
    );
    assert!(
        out.join("samples/good/values.npy").exists()
            && out.join("samples/00003/orders.json").exists()
    );
    let summary: Value =
        serde_json::from_slice(&std::fs::read(out.join("summary.json")).expect("there"))
            .expect("JSON");
    assert_eq!(summary["samples"].as_array().expect("samples").len(), 2);
    assert_eq!(summary["failed"][0]["id"], "00002");
    assert_eq!(summary["by_players"][0]["n"], 3);
}

#[test]
fn results_repeat_byte_for_byte_and_with_any_number_of_threads() {
    let values =
        |threads: &str| json(&["tabulate", NEGATED, "--threads", threads])["values"].clone();
    assert_eq!(values("1"), values("2"));
    assert_eq!(values("3"), values("1"));
}

#[test]
fn players_background_and_targets_can_be_chosen() {
    let record = |words: &[&str]| json(&[&["tabulate", NEGATED], words].concat())["record"].clone();
    let labels = |record: &Value| -> Vec<String> {
        let players = record["players"].as_array().expect("players");
        players
            .iter()
            .map(|player| player["label"].as_str().expect("a label").into())
            .collect()
    };
    assert_eq!(labels(&record(&["--players", "bad,not"])), ["bad", "not"]);
    assert_eq!(
        labels(&record(&["--background", "the,1"])),
        ["is", "not", "bad", "at", "all"]
    );
    assert_eq!(labels(&record(&["--players", "sentence"])), [NEGATED]);
    assert_eq!(record(&["--players", "token"])["n"], 7);
    let positive = record(&["--target", "class:positive"]);
    let negative = record(&["--target", "class:0"]);
    assert_eq!(number(&positive["v_full"]), -number(&negative["v_full"]));
    assert_eq!(
        record(&["--baseline", "remove"])["counts"]["token_positions"],
        7 * 64 + 2 * 128
    );
}

#[test]
fn spans_may_be_given_as_bytes_or_as_tokens() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("spans.json");
    let labels = |spans: &str| {
        std::fs::write(&file, spans).expect("written");
        let rule = format!("spans:{}", file.display());
        let record = json(&["tabulate", NEGATED, "--players", &rule])["record"].clone();
        record["players"].clone()
    };
    let bytes = labels(
        r#"{"players": [{"label": "not bad", "chars": [[13, 20]]}, {"chars": [[0, 3], [21, 23]]}]}"#,
    );
    assert_eq!(
        bytes,
        serde_json::json!([
            {"index": 0, "label": "not bad", "spans": [[4, 6]], "chars": [[13, 20]]},
            {"index": 1, "label": "the at", "spans": [[1, 2], [6, 7]], "chars": [[0, 3], [21, 23]]},
        ])
    );
    let tokens = labels(r#"{"players": [{"tokens": [[4, 6]]}]}"#);
    assert_eq!(
        tokens,
        serde_json::json!([
            {"index": 0, "label": "not bad", "spans": [[4, 6]], "chars": [[13, 20]]}
        ])
    );
}

#[test]
fn the_program_tells_about_itself() {
    assert!(stdout(&["--help"]).contains("profile"));
    assert!(stdout(&["models", "list"]).contains("qwen3"));
    assert_eq!(
        json(&["models", "check", "demo"])["classes"],
        serde_json::json!(["negative", "positive"])
    );
    assert!(stdout(&["devices"]).contains("cpu"));
    assert!(stdout(&["completions", "bash"]).contains("harsanyi"));
    assert!(stdout(&["man"]).starts_with(".ie"));
}

#[test]
fn several_tables_are_explained_together_and_their_overlap_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let table = |name: &str, game: &str| {
        let path = dir.path().join(name);
        let file = path.to_str().expect("plain").to_owned();
        stdout(&["tabulate", "--game", game, "-o", &file]);
        file
    };
    let one = table(
        "one.npy",
        "synthetic:n=4; and(0,1)*2 + or(2,3) + and(1,3)*0.2",
    );
    let other = table(
        "other.npy",
        "synthetic:n=4; and(0,1)*1.5 + or(2,3)*1.2 + and(0,2)*0.2",
    );
    let out = dir.path().join("joint");
    let words = [
        "extract",
        "--values",
        &one,
        "--with",
        &other,
        "-o",
        out.to_str().expect("plain"),
    ];
    let found = json(&words);
    assert!(number(&found["gap"]) < 1e-3);
    for model in found["models"].as_array().expect("two") {
        assert_eq!(model["and"][0]["players"], serde_json::json!([0, 1]));
        assert_eq!(model["or"][0]["players"], serde_json::json!([2, 3]));
    }
    assert!(out.join("joint.json").exists() && out.join("model-1/interactions.parquet").exists());
    assert!(stdout(&words).contains("Model 1"));
    let (code, message) = crate::command::failure(&[
        "extract",
        "--values",
        &one,
        "--with",
        &table("three.npy", "synthetic:n=3; and(0,1)"),
    ]);
    assert_eq!(code, 1, "{message}");
}

#[test]
fn extraction_writes_sparsity_and_a_graph_and_can_refit() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().to_str().expect("plain");
    let game = "synthetic:and(0,1,2)*2 + and(0,1,3) - or(3,4)*0.7 + noise(0.01,7)";
    let found = json(&[
        "extract",
        "--game",
        game,
        "--fit",
        "least-squares:0.01",
        "--refit",
        "-o",
        out,
    ]);
    let refitted = &found["refit"]["and"][0];
    assert_eq!(refitted["players"], serde_json::json!([0, 1, 2]));
    assert!(
        (number(&refitted["effect"]) - 2.0).abs() < 0.1,
        "{refitted}"
    );
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(dir.path().join(name)).expect(name)).expect("JSON")
    };
    let sparsity = read("sparsity.json");
    assert_eq!(sparsity["salient"][0]["threshold"], "max:0.05");
    assert_eq!(number(&sparsity["strength_curve"][0]), 1.0);
    assert!(number(&sparsity["faithfulness"]["rms"]) < 0.1);
    assert!(number(&sparsity["pruning"][0]["kept"]) >= 1.0);
    assert!(read("graph.json")["nodes"].as_array().expect("nodes").len() >= 5);
    let dot = std::fs::read_to_string(dir.path().join("graph.dot")).expect("there");
    assert!(dot.starts_with("digraph interactions {"), "{dot}");
}

#[test]
fn a_finished_run_is_reported_again_from_its_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name).to_str().expect("plain").to_owned();
    let page = stdout(&["profile", NEGATED, "-o", &path("run")]);
    assert_eq!(stdout(&["report", &path("run")]), page);
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect(name);
    let written = read("run/report.html");
    assert_eq!(
        stdout(&["report", &path("run"), "--format", "html"]),
        written
    );
    for name in ["again.html", "table.csv", "chart.svg", "all.json"] {
        stdout(&["report", &path("run"), "-o", &path(name)]);
    }
    assert_eq!(read("again.html"), written);
    assert!(read("table.csv").starts_with("kind,order,effect,salient,players,labels\nand,2,"));
    assert_eq!(read("chart.svg"), read("run/charts/interactions.svg"));
    assert!(read("all.json").contains("\"sparsity\""));
    let one = stdout(&[
        "report",
        &path("run"),
        "--format",
        "svg",
        "--chart",
        "bottleneck",
    ]);
    assert_eq!(one, read("run/charts/bottleneck.svg"));
    stdout(&[
        "report",
        &path("run"),
        "--format",
        "svg",
        "-o",
        &path("charts"),
    ]);
    assert_eq!(read("charts/orders.svg"), read("run/charts/orders.svg"));

    // Values without the rest have no page any more, and what else lies beside the charts stays.
    std::fs::write(dir.path().join("run/charts/mine.svg"), "<svg/>").expect("written");
    stdout(&["tabulate", NEGATED, "-o", &path("run")]);
    let left: Vec<_> = std::fs::read_dir(dir.path().join("run/charts"))
        .expect("a folder")
        .collect();
    assert_eq!(left.len(), 1);
    assert!(!dir.path().join("run/report.html").exists());

    let failure = |words: &[&str]| crate::command::failure(words);
    let (code, message) = failure(&["report", &path("run")]);
    assert_eq!(code, 1, "{message}");
    assert!(message.contains("interactions.json"), "{message}");
    let (code, message) = failure(&["extract", "--game", PLANTED, "--format", "svg"]);
    assert_eq!(code, 2, "{message}");
    assert!(
        message.contains("--format must be text or json here"),
        "{message}"
    );
    stdout(&["profile", NEGATED, "-o", &path("run")]);
    let (code, message) = failure(&["report", &path("run"), "--format", "svg", "--chart", "pie"]);
    assert_eq!(code, 2, "{message}");
    assert!(message.contains("bottleneck"), "{message}");
}
