//! Plain batches beside the trie: one seeded Llama-shaped network of about 25 million parameters, a prompt of 64 tokens whose
//! last 40 belong to the players. What sharing can gain is the ratio of token positions; it is printed beside the gain.

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Duration;

use candle_core::{DType, Device, Tensor};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use harsanyi::input::baseline::Absence;
use harsanyi::input::{Players, TokenizedText};
use harsanyi::model::{Checkpoint, Model};
use harsanyi::value::{Aim, Counts, NetworkGame, NetworkOptions, Readout};
use harsanyi::{Coalition, Game, ValueTable, tabulate};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::compare::cpu_seconds;

const HIDDEN: usize = 512;
const INNER: usize = 1376;
const LAYERS: usize = 7;
const VOCABULARY: usize = 4096;
const HEADS: usize = 8;
const TOKENS: usize = 64;

/// Writes the seeded checkpoint to a folder of its own, loads it and lets the folder go.
fn network() -> Model {
    let folder = tempfile::tempdir().expect("a folder");
    let config = json!({
        "model_type": "llama", "hidden_act": "silu", "hidden_size": HIDDEN, "intermediate_size": INNER,
        "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "num_key_value_heads": HEADS, "rms_norm_eps": 1e-5,
        "vocab_size": VOCABULARY, "max_position_embeddings": 256, "tie_word_embeddings": true,
    });
    fs::write(folder.path().join("config.json"), config.to_string()).expect("written");
    fs::write(folder.path().join("tokenizer.json"), "{}").expect("written");
    let mut rng = ChaCha8Rng::seed_from_u64(25);
    let mut weights = HashMap::new();
    let mut add = |name: String, shape: &[usize]| {
        let spread = (3.0 / shape[shape.len() - 1] as f32).sqrt();
        let drawn = (0..shape.iter().product()).map(|_| match shape {
            [_] => 1.0,
            _ => rng.random_range(-spread..spread),
        });
        let tensor = Tensor::from_vec(drawn.collect::<Vec<f32>>(), shape, &Device::Cpu);
        weights.insert(name, tensor.expect("a tensor"));
    };
    add("model.embed_tokens.weight".into(), &[VOCABULARY, HIDDEN]);
    add("model.norm.weight".into(), &[HIDDEN]);
    for layer in 0..LAYERS {
        let mut add =
            |name: &str, shape: &[usize]| add(format!("model.layers.{layer}.{name}.weight"), shape);
        for norm in ["input_layernorm", "post_attention_layernorm"] {
            add(norm, &[HIDDEN]);
        }
        for map in ["q_proj", "k_proj", "v_proj", "o_proj"] {
            add(&format!("self_attn.{map}"), &[HIDDEN, HIDDEN]);
        }
        for map in ["gate_proj", "up_proj"] {
            add(&format!("mlp.{map}"), &[INNER, HIDDEN]);
        }
        add("mlp.down_proj", &[HIDDEN, INNER]);
    }
    candle_core::safetensors::save(&weights, folder.path().join("model.safetensors"))
        .expect("saved");
    let checkpoint = Checkpoint::open(folder.path()).expect("opens");
    Model::load(&checkpoint, &Device::Cpu, DType::F32).expect("loads")
}

/// 24 tokens of background, then 40 that the players share evenly.
fn sample(players: usize) -> (TokenizedText, Players) {
    let mut rng = ChaCha8Rng::seed_from_u64(64);
    let owner = |token: usize| {
        let at = token.checked_sub(24)?;
        (0..players)
            .rev()
            .find(|player| player * 40 / players <= at)
    };
    let text = TokenizedText {
        text: String::new(),
        ids: (0..TOKENS)
            .map(|_| rng.random_range(1..VOCABULARY as u32))
            .collect(),
        bytes: vec![0..0; TOKENS],
        special: vec![false; TOKENS],
    };
    let players = Players {
        owner: (0..TOKENS).map(owner).collect(),
        labels: (0..players).map(|player| player.to_string()).collect(),
    };
    (text, players)
}

fn game<'a>(
    model: &'a Model,
    text: &'a TokenizedText,
    owners: &'a Players,
    share_prefixes: bool,
) -> NetworkGame<'a> {
    static AIM: LazyLock<Aim> = LazyLock::new(|| Aim {
        outputs: vec![1],
        text: String::new(),
        is_class: false,
    });
    let options = NetworkOptions {
        absence: Absence::Token(0),
        readout: Readout::LogOdds,
        batch: None,
        share_prefixes,
    };
    NetworkGame::new(model, text, owners, &AIM, options).expect("a game")
}

fn table(model: &Model, players: usize, share_prefixes: bool) -> (ValueTable, Counts) {
    let (text, owners) = sample(players);
    let mut game = game(model, &text, &owners, share_prefixes);
    let table = tabulate(&mut game, |_| ()).expect("a table");
    (table, game.counts())
}

/// Coalitions of which plain batches are timed where all of them would take minutes; the time of the others is the same.
const TIMED: usize = 1 << 10;

/// Alternating runs, so that a machine that drifts drifts for both; the ratio of the medians of processor time is the figure.
fn side_by_side(model: &Model, players: usize, rounds: usize) {
    let mut seconds = [Vec::new(), Vec::new()];
    let mut counts = Counts::default();
    let mut off = 0.0f64;
    let every = ((1 << players) / TIMED).max(1);
    let some: Vec<Coalition> = (0..1 << players)
        .step_by(every)
        .map(|index| Coalition::from_index(index as u64))
        .collect();
    let (text, owners) = sample(players);
    for _ in 0..rounds {
        let start = cpu_seconds();
        let plain = game(model, &text, &owners, false)
            .values(&some)
            .expect("values");
        seconds[0].push((cpu_seconds() - start) * every as f64);
        let start = cpu_seconds();
        let (shared, computed) = table(model, players, true);
        seconds[1].push(cpu_seconds() - start);
        counts = computed;
        let pairs = plain.iter().zip(shared.values().iter().step_by(every));
        off = pairs.map(|(a, b)| (a - b).abs()).fold(off, f64::max);
    }
    let [plain, shared] = seconds.map(|mut seconds| {
        seconds.sort_by(f64::total_cmp);
        (seconds[rounds / 2], seconds[0], seconds[rounds - 1])
    });
    let positions = counts.token_positions_naive as f64 / counts.token_positions as f64;
    let gain = plain.0 / shared.0;
    let scaled = if every > 1 { " (a part, scaled)" } else { "" };
    #[expect(clippy::print_stdout, reason = "the figure that this bench is for")]
    {
        println!(
            "n = {players}: positions {} of {} ({positions:.2}x); plain{scaled} {:.2} s ({:.2}-{:.2}), trie {:.2} s ({:.2}-{:.2}) \
             of processor time in {} passes: {gain:.2}x, {:.0} % of the positions; largest difference {off:.1e}",
            counts.token_positions,
            counts.token_positions_naive,
            plain.0,
            plain.1,
            plain.2,
            shared.0,
            shared.1,
            shared.2,
            counts.forward_batches,
            100.0 * gain / positions,
        );
    }
}

fn tables(criterion: &mut Criterion) {
    let model = network();
    // The long ones where they are asked for.
    let most = std::env::var("HARSANYI_TRIE").map_or(10, |most| most.parse().expect("players"));
    for players in (8..=most).step_by(2) {
        side_by_side(&model, players, 3);
    }
    let mut group = criterion.benchmark_group("table of a decoder");
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(5));
    for players in [8, 10, 12] {
        group.throughput(Throughput::Elements(1 << players));
        group.bench_function(BenchmarkId::new("trie", players), |bench| {
            bench.iter(|| table(black_box(&model), players, true));
        });
    }
    group.finish();
}

criterion_group!(benches, tables);
