//! Every bad input that these commands can meet ends in one sentence, a hint where there is something to do, and the right
//! exit code.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tempfile::TempDir;

use crate::command::failure;

/// A writable copy of a tiny checkpoint.
fn copy(family: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/tiny")
        .join(family);
    for name in [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ] {
        std::fs::copy(from.join(name), dir.path().join(name)).expect(name);
    }
    dir
}

fn name(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Rewrites the f32 tensors of a checkpoint.
fn rewrite(dir: &TempDir, change: impl Fn(&str, &mut Vec<f32>, &mut Vec<usize>) -> bool) {
    let path = dir.path().join("model.safetensors");
    let bytes = std::fs::read(&path).expect("reads");
    let mut tensors: HashMap<String, (Vec<usize>, Vec<u8>)> = HashMap::new();
    for (name, view) in SafeTensors::deserialize(&bytes)
        .expect("safetensors")
        .iter()
    {
        let mut shape = view.shape().to_vec();
        let values = view
            .data()
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes(four.try_into().expect("four bytes")));
        let mut values: Vec<f32> = values.collect();
        if change(name, &mut values, &mut shape) {
            tensors.insert(
                name.into(),
                (
                    shape,
                    values
                        .iter()
                        .flat_map(|value| value.to_le_bytes())
                        .collect(),
                ),
            );
        }
    }
    let views = tensors.iter().map(|(name, (shape, data))| {
        (
            name.as_str(),
            TensorView::new(Dtype::F32, shape.clone(), data).expect("a tensor"),
        )
    });
    safetensors::serialize_to_file(views, None, &path).expect("written");
}

/// The sentence and hint of a run that fails with exit code `code`.
fn refused(words: &[&str], code: i32, parts: &[&str]) {
    let (got, message) = failure(words);
    assert_eq!(got, code, "{words:?}: {message}");
    for part in parts {
        assert!(
            message.contains(part),
            "{words:?}: no `{part}` in {message}"
        );
    }
    assert!(!message.contains("panicked"), "{message}");
}

fn profile(dir: &TempDir, code: i32, parts: &[&str]) {
    refused(
        &["profile", "The cat sat", "--model", name(dir.path())],
        code,
        parts,
    );
}

#[test]
fn damaged_weights_say_what_is_damaged() {
    let none = copy("bert");
    std::fs::remove_file(none.path().join("model.safetensors")).expect("removed");
    profile(
        &none,
        1,
        &["no weights; expected model.safetensors or model.safetensors.index.json"],
    );

    std::fs::write(none.path().join("pytorch_model.bin"), b"\x80\x02").expect("written");
    profile(
        &none,
        1,
        &["found `pytorch_model.bin`, a PyTorch pickle; expected model.safetensors"],
    );

    let truncated = copy("bert");
    let path = truncated.path().join("model.safetensors");
    let bytes = std::fs::read(&path).expect("reads");
    std::fs::write(&path, &bytes[..bytes.len() - 100]).expect("written");
    profile(
        &truncated,
        1,
        &["model.safetensors` is not a valid safetensors file"],
    );

    let missing = copy("llama");
    rewrite(&missing, |name, _, _| {
        name != "model.layers.1.mlp.up_proj.weight"
    });
    profile(
        &missing,
        1,
        &["tensor `model.layers.1.mlp.up_proj.weight` is missing"],
    );

    let reshaped = copy("llama");
    rewrite(&reshaped, |name, values, shape| {
        if name == "model.norm.weight" {
            values.push(0.0);
            shape[0] += 1;
        }
        true
    });
    profile(
        &reshaped,
        1,
        &["tensor `model.norm.weight`: expected shape [32], got [33]"],
    );

    let poisoned = copy("bert");
    rewrite(&poisoned, |name, values, _| {
        if name == "classifier.weight" {
            values[3] = f32::NAN;
        }
        true
    });
    profile(
        &poisoned,
        1,
        &["tensor `classifier.weight` holds values that are not finite"],
    );
}

#[test]
fn logits_that_are_not_finite_name_the_coalition() {
    let overflowing = copy("bert");
    rewrite(&overflowing, |name, values, _| {
        if name == "classifier.weight" {
            values.fill(3e38);
        }
        true
    });
    let model = name(overflowing.path());
    let words = [
        "profile",
        "The cat sat",
        "--model",
        model,
        "--target",
        "class:0",
    ];
    refused(&words, 1, &["v({", "every value must be finite"]);
}

#[test]
fn a_checkpoint_that_is_something_else_says_what_it_is() {
    let unknown = copy("llama");
    std::fs::write(
        unknown.path().join("config.json"),
        r#"{"model_type": "mamba"}"#,
    )
    .expect("written");
    profile(
        &unknown,
        1,
        &[
            "model type `mamba` has no recipe; known: llama, mistral",
            "hint: `harsanyi models list`",
        ],
    );
    std::fs::write(
        unknown.path().join("config.json"),
        r#"{"model_type": "llama"}"#,
    )
    .expect("written");
    profile(&unknown, 1, &["`hidden_size` is missing"]);
    std::fs::write(unknown.path().join("config.json"), "{").expect("written");
    profile(&unknown, 1, &["config.json` is not a valid JSON file"]);

    let foreign = copy("bert");
    let tokenizer = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo/tokenizer.json");
    std::fs::copy(tokenizer, foreign.path().join("tokenizer.json")).expect("copied");
    profile(
        &foreign,
        1,
        &[
            "is not below the model's vocabulary of 128; the tokenizer does not belong to this model",
        ],
    );
    std::fs::write(foreign.path().join("tokenizer.json"), "{}").expect("written");
    profile(
        &foreign,
        1,
        &["tokenizer.json` is not a valid tokenizer file"],
    );

    refused(
        &["profile", "x", "--model", "./nowhere"],
        1,
        &["`./nowhere`: no such folder"],
    );
    refused(
        &["profile", "x", "--model", "no/such"],
        1,
        &["could not get `no/such` from the hub", "offline"],
    );
}

#[test]
fn texts_and_players_that_do_not_fit_are_refused() {
    refused(
        &["profile", ""],
        1,
        &["the text is empty; expected at least one word"],
    );
    refused(&["profile"], 2, &["the sample must be a TEXT"]);
    let long = "word ".repeat(25);
    refused(
        &["profile", &long],
        1,
        &[
            "25 players make 2^25 coalitions; the exact path takes at most 24",
            "hint: name fewer players",
        ],
    );
    refused(
        &["profile", "a b", "--background", "a,b"],
        1,
        &["there is no player"],
    );
    refused(
        &["profile", "a b", "--background", "z"],
        1,
        &["the background `z` is neither a player's label nor its number"],
    );
    refused(
        &["profile", "good film", "--players", "good,bad"],
        1,
        &["the word `bad` does not occur in the text"],
    );
    refused(
        &["profile", "a b", "--players", "grid:2x2"],
        2,
        &["cuts images or rows"],
    );
    let long = "word ".repeat(200);
    let one = ["profile", &long, "--players", "sentence"];
    refused(&one, 1, &["the network takes at most"]);
}

#[test]
fn spans_that_do_not_fit_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("spans.json");
    let spans = |content: &str, parts: &[&str]| {
        std::fs::write(&file, content).expect("written");
        refused(
            &[
                "profile",
                "good film",
                "--players",
                &format!("spans:{}", file.display()),
            ],
            1,
            parts,
        );
    };
    spans(
        r#"{"players": [{"chars": [[0, 4]]}, {"chars": [[3, 9]]}]}"#,
        &["player 1 of the file of spans overlaps player 0"],
    );
    spans(
        r#"{"players": [{"tokens": [[0, 2]]}, {"tokens": [[1, 3]]}]}"#,
        &["players 0 and 1 both own token 1"],
    );
    spans(
        r#"{"players": [{"chars": [[0, 99]]}]}"#,
        &["player 0 of the file of spans spans bytes 0..99; the text has 9"],
    );
    spans(
        r#"{"players": [{"tokens": [[2, 9]]}]}"#,
        &["spans tokens 2..9"],
    );
    spans(
        r#"{"players": [{"label": "x"}]}"#,
        &["must have either `chars` or `tokens`"],
    );
    spans(
        r#"{"players": [{"chars": [[4, 5]]}, {"chars": [[0, 4]]}]}"#,
        &["player 0 (` `) owns no token"],
    );
    spans("[]", &["is not a valid file of spans"]);
    refused(
        &["profile", "x", "--players", "spans:/nowhere.json"],
        1,
        &["could not read `/nowhere.json`"],
    );
}

#[test]
fn targets_and_baselines_that_the_model_lacks_are_refused() {
    let tiny = |family: &str| -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/tiny")
            .join(family)
    };
    let (llama, qwen) = (tiny("llama"), tiny("qwen2"));
    refused(
        &["profile", "x", "--target", "class:neutral"],
        1,
        &["no class `neutral`; known: negative, positive"],
    );
    refused(
        &["profile", "x", "--target", "great"],
        1,
        &["`great` is no class; this model answers classes"],
    );
    refused(
        &[
            "profile",
            "The cat",
            "--model",
            name(&llama),
            "--target",
            "token:9999",
        ],
        1,
        &["token 9999 is not below"],
    );
    refused(
        &[
            "profile",
            "The cat",
            "--model",
            name(&llama),
            "--target",
            "class:0",
        ],
        1,
        &["answers tokens, not classes"],
    );
    refused(
        &["profile", "x", "--target", "token:a"],
        2,
        &["expected token ids"],
    );
    refused(
        &[
            "profile",
            "The cat",
            "--model",
            name(&llama),
            "--baseline",
            "mask",
        ],
        1,
        &["this model has no mask token"],
    );
    refused(
        &["profile", "x", "--baseline", "token:nosuchtoken"],
        1,
        &["`nosuchtoken` is no single token of this model"],
    );
    refused(
        &["profile", "x", "--baseline", "blur"],
        2,
        &["baseline of images and rows"],
    );
    let words = [
        "profile",
        "The cat",
        "--model",
        name(&qwen),
        "--baseline",
        "remove",
    ];
    refused(
        &words,
        1,
        &["with every player absent no token is left to read"],
    );
}

#[test]
fn games_and_value_files_that_are_none_are_refused() {
    refused(
        &["extract", "--game", "synthetic:and(0"],
        2,
        &["cannot read the game `and(0`"],
    );
    refused(
        &["extract", "--game", "magic:1"],
        2,
        &["--game must be synthetic:EXPR, file:PATH"],
    );
    refused(&["extract"], 2, &["--values <FILE>"]);
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("v.npy");
    let array = |length: usize| {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({length},), }}");
        let header = format!("{header:<117}\n");
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend((0..length).flat_map(|value| (value as f64).to_le_bytes()));
        bytes
    };
    let file = name(&path);
    std::fs::write(&path, array(6)).expect("written");
    refused(&["index", "--values", file], 1, &["is not a valid", "6"]);
    std::fs::write(&path, &array(8)[..150]).expect("written");
    refused(&["order", "--values", file], 1, &["v.npy"]);
    std::fs::write(&path, array(4)).expect("written");
    refused(
        &["index", "--values", file, "--order", "2"],
        2,
        &["the order of the index must be 1"],
    );
    refused(
        &["index", "--values", file, "--index", "magic"],
        2,
        &["one of SV, BV"],
    );
    let estimate = |method, budget| {
        [
            "index",
            "--values",
            file,
            "--estimate",
            method,
            "--budget",
            budget,
        ]
    };
    refused(&estimate("magic", "9"), 2, &["permutation, kernel-shap"]);
    refused(
        &estimate("k-additive", "9"),
        2,
        &["FSII, FBII or kADD-SHAP"],
    );
    refused(&estimate("permutation", "0"), 2, &["above 0"]);
    refused(&estimate("permutation", "3"), 2, &["the budget must be"]);
    refused(
        &["index", "--values", file, "--budget", "9"],
        2,
        &["--estimate"],
    );
    refused(
        &["extract", "--values", "/nowhere.npy"],
        1,
        &["could not read `/nowhere.npy`"],
    );
}

#[test]
fn results_that_cannot_be_written_are_refused_before_anything_is_computed() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    std::fs::write(&file, "not a folder").expect("written");
    let inside = file.join("run");
    refused(
        &["profile", "good film", "-o", name(&inside)],
        1,
        &["could not write", "file/run"],
    );
    #[cfg(target_os = "linux")]
    {
        let full = dir.path().join("full.npy");
        std::os::unix::fs::symlink("/dev/full", &full).expect("linked");
        refused(
            &["tabulate", "good film", "-o", name(&full)],
            1,
            &["could not write", "full.npy", "No space left"],
        );
    }
}

#[test]
fn devices_that_this_build_lacks_are_named() {
    if !cfg!(feature = "cuda") {
        let words = ["profile", "x", "--device", "cuda"];
        refused(
            &words,
            1,
            &[
                "this build has no `cuda` backend",
                "hint: build with `cargo build --release --features cuda`",
            ],
        );
    }
    refused(
        &["profile", "x", "--device", "abacus"],
        2,
        &["expected auto, cpu, cuda, cuda:N or metal"],
    );
    refused(&["profile", "x", "--fit", "guess"], 2, &["--fit"]);
    refused(
        &["profile", "x", "--threads", "0"],
        2,
        &["expected a whole number above 0"],
    );
    refused(&["nonsense"], 2, &["unrecognized subcommand"]);
}

#[test]
fn a_mask_token_that_the_model_has_no_embedding_for_is_refused() {
    let beyond = copy("llama");
    let path = beyond.path().join("tokenizer.json");
    let mut tokenizer: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).expect("reads")).expect("JSON");
    let added = serde_json::json!({
        "id": 128, "content": "<mask>", "special": true, "single_word": false,
        "lstrip": false, "rstrip": false, "normalized": false,
    });
    tokenizer["added_tokens"]
        .as_array_mut()
        .expect("a list")
        .push(added);
    std::fs::write(&path, tokenizer.to_string()).expect("written");
    profile(
        &beyond,
        1,
        &["token 128 is not below the model's vocabulary of 128"],
    );
}

#[test]
fn configurations_that_change_what_a_network_computes_are_refused() {
    let with = |family: &str, key: &str, value: serde_json::Value, part: &str| {
        let changed = copy(family);
        let path = changed.path().join("config.json");
        let mut config: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).expect("reads")).expect("JSON");
        config[key] = value;
        std::fs::write(&path, config.to_string()).expect("written");
        profile(&changed, 1, &[part]);
    };
    let json = |text: &str| serde_json::from_str(text).expect("JSON");
    with(
        "bert",
        "position_embedding_type",
        json("\"relative_key\""),
        "`position_embedding_type` = \"relative_key\" is not",
    );
    with(
        "llama",
        "partial_rotary_factor",
        json("0.5"),
        "`partial_rotary_factor` = 0.5 is not supported",
    );
    with(
        "llama",
        "architectures",
        json("[\"LlamaForSequenceClassification\"]"),
        "ends in `ForCausalLM`",
    );
    with(
        "llama",
        "rope_scaling",
        json("{\"rope_type\": \"yarn\"}"),
        "rope scaling `yarn` is not supported",
    );
    with(
        "llama",
        "rope_scaling",
        json("{\"type\": \"linear\", \"factor\": 0}"),
        "lacks a positive `factor`",
    );
    with(
        "llama",
        "num_hidden_layers",
        json("100000"),
        "more than any network has",
    );
    with(
        "llama",
        "hidden_act",
        json("\"magic\""),
        "activation \"magic\" is not supported",
    );
    with("bert", "id2label", json("{}"), "`id2label` names no class");
}

#[test]
fn tables_and_noises_beyond_reason_are_refused_or_bounded() {
    let wide = "synthetic:and(0,1)*1e308 - and(0)*1e308";
    refused(
        &["extract", "--game", wide],
        1,
        &["interactions are extracted up to a span of 1e100"],
    );
    refused(
        &[
            "extract",
            "--game",
            "synthetic:and(0,1)",
            "--fit",
            "least-squares",
        ],
        2,
        &["the noise of v must be measured"],
    );
    let tiny = [
        "extract",
        "--game",
        "synthetic:and(0,1)*1e5 + or(1,2)",
        "--fit",
        "least-squares:1e-310",
    ];
    assert!(crate::command::stdout(&tiny).contains("AND 0 · 1"));
}

#[test]
fn a_line_that_is_no_json_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("d.jsonl");
    std::fs::write(&data, "{\"text\": \"a film\"}\n{oops\n").expect("written");
    refused(
        &["profile", "--data", name(&data)],
        1,
        &["d.jsonl` is not a valid JSON Lines file: line 2"],
    );
}
