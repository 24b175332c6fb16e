//! Readers of what networks are given: samples, players, configurations, weights.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device};
use harsanyi::input::{PlayerRule, Players, Target, TextTokenizer, dataset};
use harsanyi::model::{Checkpoint, Model, ModelConfig, Recipe, WeightFiles};

use super::{folder, fuzz, fuzz_file};

#[test]
fn data_sets() {
    let seeds = |texts: &[&str]| -> Vec<Vec<u8>> {
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    };
    let lines = seeds(&[
        "{\"id\": \"s1\", \"text\": \"one two\", \"label\": 1}\n\n{\"sentence\": \"d\u{e9}j\u{e0} vu\", \"id\": 7}\n",
        "{\"text\": \"\\u201equoted\\\" \\ud83d\\ude00\"}\n",
    ]);
    fuzz_file(2, 3000, "data.jsonl", &lines, |path| {
        dataset::read(path, Some(50)).is_ok()
    });
    let table = seeds(&[
        "id,text,label\n7,\"a, \"\"b\"\"\",1\n8,c d,0\n",
        "sentence\nx y z\n",
    ]);
    fuzz_file(3, 3000, "data.csv", &table, |path| {
        dataset::read(path, None).is_ok()
    });
    let table = seeds(&["sentence\tlabel\na \"quote\t1\nb\t0\n"]);
    fuzz_file(4, 2000, "data.tsv", &table, |path| {
        dataset::read(path, None).is_ok()
    });
}

fn tokenizer() -> TextTokenizer {
    let demo = Checkpoint::demo();
    let vocabulary = demo.config["vocab_size"].as_u64().expect("a size") as usize;
    TextTokenizer::new(&demo.tokenizer, None, vocabulary, Path::new("demo")).expect("a tokenizer")
}

#[test]
fn files_of_spans() {
    let text = tokenizer()
        .encode("the movie is not bad, d\u{e9}j\u{e0} vu")
        .expect("tokens");
    let seeds = [
        br#"{"players": [{"label": "not bad", "chars": [[13, 20]]}, {"chars": [[0, 3], [4, 9]]}]}"#
            .to_vec(),
        br#"{"players": [{"tokens": [[1, 2], [3, 5]]}, {"label": "x", "tokens": [[2, 3]]}]}"#
            .to_vec(),
    ];
    fuzz_file(5, 4000, "spans.json", &seeds, |path| {
        Players::new(&text, &PlayerRule::Spans(path.into()), &[]).is_ok()
    });
}

#[test]
fn recipes_and_configurations() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let recipes: Vec<Vec<u8>> = ["llama", "qwen2", "qwen3", "bert", "roberta"]
        .map(|name| std::fs::read(models.join(format!("{name}.toml"))).expect("a recipe"))
        .to_vec();
    fuzz(6, 2000, &recipes, |bytes| {
        std::str::from_utf8(bytes).is_ok_and(|text| toml::from_str::<Recipe>(text).is_ok())
    });
    let tiny = |name: &str| fixture(name).join("config.json");
    let configs: Vec<Vec<u8>> = ["llama", "llama3", "qwen2", "bert", "roberta"]
        .map(|name| std::fs::read(tiny(name)).expect("a configuration"))
        .to_vec();
    fuzz(7, 2000, &configs, |bytes| {
        let Ok(json) = serde_json::from_slice::<serde_json::Value>(bytes) else {
            return false;
        };
        let recipe = Recipe::find(json["model_type"].as_str().unwrap_or_default());
        recipe
            .is_ok_and(|recipe| ModelConfig::new(&json, &recipe, Path::new("config.json")).is_ok())
    });
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/tiny")
        .join(name)
}

/// The whole way from a folder to a network: header of the weights, configuration and index.
#[test]
fn checkpoints() {
    let dir = folder();
    let own = fixture("bert");
    for name in [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model.safetensors",
    ] {
        std::fs::copy(own.join(name), dir.path().join(name)).expect(name);
    }
    let weights = dir.path().join("model.safetensors");
    let whole = std::fs::read(&weights).expect("weights");
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().expect("eight bytes")) as usize;
    let (head, data) = whole.split_at(header);
    let checkpoint = Checkpoint::open(dir.path()).expect("opens");
    let load = || {
        let loaded = Checkpoint {
            weights: WeightFiles::Files(vec![weights.clone()]),
            ..checkpoint.clone()
        };
        Model::load(&loaded, &Device::Cpu, DType::F32).is_ok()
    };
    fuzz(8, 600, &[head.to_vec()], |head| {
        std::fs::write(&weights, [head, data].concat()).expect("written");
        load()
    });
    std::fs::write(&weights, &whole).expect("written");
    let config = std::fs::read(own.join("config.json")).expect("a configuration");
    fuzz_file(9, 600, "config.json", &[config], |path| {
        std::fs::copy(path, dir.path().join("config.json")).expect("copied");
        let opened = Checkpoint::open(dir.path());
        opened.is_ok_and(|opened| Model::load(&opened, &Device::Cpu, DType::F32).is_ok())
    });
    std::fs::copy(own.join("config.json"), dir.path().join("config.json")).expect("copied");
    std::fs::rename(&weights, dir.path().join("a.safetensors")).expect("renamed");
    let index = dir.path().join("model.safetensors.index.json");
    let seeds = [br#"{"metadata": {"total_size": 1}, "weight_map": {"x": "a.safetensors", "y": "a.safetensors"}}"#.to_vec()];
    fuzz(10, 2000, &seeds, |bytes| {
        std::fs::write(&index, bytes).expect("written");
        Checkpoint::open(dir.path()).is_ok()
    });
}

#[test]
fn words_about_samples() {
    let seeds =
        ["token:12,7", "spans:file.json", "class:positive"].map(|text| text.as_bytes().to_vec());
    fuzz(15, 3000, &seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        // Any text but an empty one continues a sample or lists words of it.
        let target = text.parse::<Target>();
        assert!(
            target.is_ok() || text.is_empty() || text.starts_with("token:"),
            "{text}"
        );
        target.is_ok() && text.parse::<PlayerRule>().is_ok()
    });
}
