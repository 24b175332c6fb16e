//! Whatever a file holds, its reader answers with a value or a sentence: no panic, no hang, no memory without bound.
//!
//! A few thousand damaged files per reader; `HARSANYI_FUZZ=N` asks for N of each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use candle_core::{DType, Device};
use harsanyi::game::file::{self, BitOrder};
use harsanyi::game::store::{Identity, Opening, Piece, Store};
use harsanyi::game::{Pieces, Shard, synthetic};
use harsanyi::input::{PlayerRule, Players, Target, TextTokenizer, dataset};
use harsanyi::interaction::{Fit, Threshold};
use harsanyi::model::{Checkpoint, Model, ModelConfig, Recipe, WeightFiles};
use harsanyi::report::Record;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::mutate::mutate;

/// How long one case may take; a loaded machine included.
const LONGEST: Duration = Duration::from_secs(20);

/// How much the memory of the process may grow at the most while a reader is fuzzed, in kibibytes.
const MOST_GROWTH: u64 = 2 << 20;

fn cases(usually: u64) -> u64 {
    let asked = std::env::var("HARSANYI_FUZZ").ok();
    asked.map_or(usually, |count| {
        count.parse().expect("HARSANYI_FUZZ is a number")
    })
}

/// The most memory that this process ever had, in kibibytes.
fn high_water() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok())
        .unwrap_or(0)
}

/// Feeds damaged copies of `seeds` to `read`, which says whether it took them; all seeds must be taken as they are.
fn fuzz(seed: u64, usually: u64, seeds: &[Vec<u8>], mut read: impl FnMut(&[u8]) -> bool) {
    for valid in seeds {
        assert!(
            read(valid),
            "a valid file is refused: {}",
            valid.escape_ascii()
        );
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (before, mut taken) = (high_water(), 0);
    let count = cases(usually);
    for case in 0..count {
        let bytes = mutate(&mut rng, seeds);
        let start = Instant::now();
        let shown = || {
            let shown = &bytes[..bytes.len().min(2000)];
            format!(
                "case {case}, {} bytes: {}",
                bytes.len(),
                shown.escape_ascii()
            )
        };
        match catch_unwind(AssertUnwindSafe(|| read(&bytes))) {
            Ok(ok) => taken += u64::from(ok),
            Err(_) => panic!("the reader panicked on {}", shown()),
        }
        assert!(
            start.elapsed() < LONGEST,
            "{:?} for {}",
            start.elapsed(),
            shown()
        );
    }
    let grown = high_water().saturating_sub(before);
    assert!(grown < MOST_GROWTH, "{grown} KiB more than before");
    assert!(taken < count, "no case was damaged enough to be refused");
    if std::env::var_os("HARSANYI_FUZZ").is_some() {
        #[expect(clippy::print_stderr, reason = "a long run tells what it did")]
        {
            eprintln!("{count} cases, {taken} taken, {grown} KiB");
        }
    }
}

/// A folder in memory, where there is one: a million files are written.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a folder")
}

/// Feeds damaged copies of `seeds` to `read`, in a file called `name`.
fn fuzz_file(
    seed: u64,
    usually: u64,
    name: &str,
    seeds: &[Vec<u8>],
    mut read: impl FnMut(&Path) -> bool,
) {
    let dir = folder();
    let path = dir.path().join(name);
    fuzz(seed, usually, seeds, |bytes| {
        std::fs::write(&path, bytes).expect("written");
        read(&path)
    });
}

fn npy(values: &[f64], descr: &str, version: u8) -> Vec<u8> {
    let header = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({},), }}\n",
        values.len()
    );
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((header.len() as u16).to_le_bytes()),
        _ => bytes.extend((header.len() as u32).to_le_bytes()),
    }
    bytes.extend(header.as_bytes());
    for value in values {
        match descr {
            "<f4" => bytes.extend((*value as f32).to_le_bytes()),
            _ => bytes.extend(value.to_le_bytes()),
        }
    }
    bytes
}

#[test]
fn npy_files() {
    let values: Vec<f64> = (0..16).map(|at| f64::from(at) * 0.5 - 3.0).collect();
    let seeds = [
        npy(&values, "<f8", 1),
        npy(&values, "<f4", 1),
        npy(&values[..2], "<f8", 2),
    ];
    fuzz_file(1, 4000, "values.npy", &seeds, |path| {
        file::read(path, BitOrder::Msb).is_ok()
    });
}

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
fn stores_and_records() {
    let dir = folder();
    let store = dir.path().join("store");
    let pieces = Pieces::new(6, 2).expect("pieces");
    let identity = Identity::default().with("game", "x").with("dtype", "f32");
    let opened = Store::open(
        &store,
        Opening::New,
        identity,
        pieces,
        serde_json::json!({ "batch": 4 }),
    );
    let opened = opened.expect("opens");
    let piece = Piece {
        values: (0..16).map(f64::from).collect(),
        note: serde_json::json!({ "seconds": 1 }),
    };
    opened.write(3, &piece).expect("written");
    let path = store.join("piece-00003.bin");
    let valid = std::fs::read(&path).expect("a piece");
    fuzz(11, 4000, std::slice::from_ref(&valid), |bytes| {
        std::fs::write(&path, bytes).expect("written");
        let read = opened.read(3).expect("a file that can be read");
        // What is taken is what was written.
        read.is_some_and(|read| {
            assert_eq!(read, piece);
            true
        })
    });
    drop(opened);
    let header = store.join("header.json");
    let valid = std::fs::read(&header).expect("a header");
    fuzz(12, 2000, &[valid], |bytes| {
        std::fs::write(&header, bytes).expect("written");
        Store::existing(&store).is_ok_and(|store| {
            // A header may speak of more pieces than are there.
            store.pieces().split() > 8 || store.missing(Shard::WHOLE).is_ok()
        })
    });
    let record = br#"{"schema":1,"program":"h","command":"h","config":{"a":1},"model":{"source":"demo","revision":null,"sha256":"ab","architecture":"bert","parameters":3},"game":null,"device":"cpu","dtype":"f32","sample":"a b","players":[{"index":0,"label":"a","spans":[[1,2]]}],"background":[0],"baseline":"x","readout":"logit","target":{"text":"p","class":1},"n":1,"v_empty":0.5,"v_full":1.5,"counts":null,"seconds":{"load":0.1},"noise":{"probes":2},"seed":0}"#;
    fuzz(13, 3000, &[record.to_vec()], |bytes| {
        serde_json::from_slice::<Record>(bytes).is_ok()
    });
}

#[test]
fn words_of_the_command_line() {
    let seeds: Vec<Vec<u8>> = [
        "and(0,1)*2 - or(3,4,5)*1.5 + 0.3 + noise(0.01,7)",
        "n=6; majority(0,1,2) + xor(1,2)*0.25",
        "max:0.05",
        "least-squares:0.01",
        "papers:lr=0.1,iterations=10,bound=0.04",
        "token:12,7",
        "spans:file.json",
        "1/4",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    fuzz(14, 6000, &seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let game = synthetic::parse(&text);
        if let Ok(game) = &game {
            // What is read can be written and read again.
            let again = synthetic::parse(&game.to_string());
            assert!(again.is_ok(), "{text} became {game}");
        }
        let text = text.as_ref();
        [
            game.is_ok(),
            text.parse::<Threshold>().is_ok(),
            text.parse::<Fit>().is_ok(),
            text.parse::<Shard>().is_ok(),
            text.starts_with("token:") && text.parse::<Target>().is_ok(),
            text.starts_with("spans:") && text.parse::<PlayerRule>().is_ok(),
        ]
        .contains(&true)
    });
}
