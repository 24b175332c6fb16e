//! Every recipe against logits that the `transformers` library computed in float64 on tiny seeded checkpoints
//! (`scripts/make_tiny_models.py`).

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, IndexOp};
use harsanyi::model::{Checkpoint, Family, Model, ModelConfig, Recipe, TokenBatch};
use serde_json::Value;

/// f32 against f64; transformers' own f32 forward is off by 1.3e-5 on the decoders and 7e-7 on the encoders.
const DECODER_TOLERANCE: f64 = 4e-5;
const ENCODER_TOLERANCE: f64 = 4e-6;

fn tiny(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/tiny")
        .join(family)
}

fn numbers<T>(json: &Value, of: impl Fn(&Value) -> Option<T>) -> Vec<T> {
    json.as_array()
        .expect("a list")
        .iter()
        .map(|value| of(value).expect("a number"))
        .collect()
}

/// Ids, positions, and the expected logits of the rows read.
type Case = (Vec<u32>, Vec<u32>, Vec<Vec<f64>>);

/// A golden case; `None` where our batches cannot say it.
fn case(case: &Value, offset: usize) -> Option<Case> {
    let mut ids = numbers(&case["ids"], |id| id.as_u64().map(|id| id as u32));
    let mut positions: Vec<i64> = match &case["positions"] {
        Value::Null => (0..ids.len() as i64).collect(),
        given => numbers(given, Value::as_i64)
            .into_iter()
            .map(|position| position - offset as i64)
            .collect(),
    };
    if let Some(kept) = case.get("attention_mask") {
        // A token that nobody attends to is a token that is not there, the others keeping their positions.
        let kept = numbers(kept, Value::as_u64);
        let mut at = kept.iter();
        ids.retain(|_| at.next() == Some(&1));
        let mut at = kept.iter();
        positions.retain(|_| at.next() == Some(&1));
    }
    let positions = positions
        .into_iter()
        .map(|position| u32::try_from(position).ok())
        .collect::<Option<Vec<_>>>()?;
    let logits = match case.get("all_logits") {
        Some(rows) => rows
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| numbers(row, Value::as_f64))
            .collect(),
        None => vec![numbers(&case["logits"], Value::as_f64)],
    };
    Some((ids, positions, logits))
}

fn check(family: &str) {
    let folder = tiny(family);
    let checkpoint = Checkpoint::open(&folder).expect("opens");
    let model = Model::load(&checkpoint, &Device::Cpu, DType::F32).expect("loads");
    let golden = std::fs::read(folder.join("golden.json")).expect("golden");
    let golden: Value = serde_json::from_slice(&golden).expect("json");
    // RoBERTa's positions are rows of its table, those of the others begin at 0.
    let offset = match model.family() {
        Family::Encoder => model.config().position_offset,
        Family::Decoder => 0,
    };
    let tolerance = match model.family() {
        Family::Decoder => DECODER_TOLERANCE,
        Family::Encoder => ENCODER_TOLERANCE,
    };
    let stock = model.family() == Family::Decoder && !model.takes_tries();
    let mut checked = 0;
    for (ids, positions, expected) in golden["cases"]
        .as_array()
        .expect("cases")
        .iter()
        .filter_map(|c| case(c, offset))
    {
        if stock && positions != (0..ids.len() as u32).collect::<Vec<_>>() {
            continue;
        }
        // Twice in one batch, so that a row that leaks into its neighbour shows.
        let other: Vec<u32> = ids.iter().map(|id| (id + 7) % 100).collect();
        let tokens = ids.len();
        let batch = TokenBatch {
            ids: [other, ids].concat(),
            positions,
            tokens,
            read: expected.len(),
            extra: None,
        };
        let logits = model
            .logits(&batch)
            .expect("forward")
            .i(1)
            .expect("row")
            .to_vec2::<f32>()
            .expect("values");
        for (row, expected) in logits.iter().zip(&expected) {
            assert_eq!(row.len(), expected.len());
            for (&got, &expected) in row.iter().zip(expected) {
                assert!(
                    (f64::from(got) - expected).abs() < tolerance,
                    "{family}, {tokens} tokens: {got} {expected}"
                );
            }
        }
        checked += 1;
    }
    // A stock network counts positions itself, which leaves out the case with gaps.
    let expected = if stock { 4 } else { 5 };
    assert!(checked >= expected, "{family}: only {checked} cases");
}

macro_rules! golden {
    ($($name:ident $folder:literal)*) => {$(
        #[test]
        fn $name() {
            check($folder);
        }
    )*};
}

golden! {
    llama_equals_transformers "llama"
    llama_3_rope_scaling_equals_transformers "llama3"
    llama_linear_rope_scaling_equals_transformers "llama-linear"
    sharded_bf16_weights_equal_transformers "llama-sharded-bf16"
    mistral_window_equals_transformers "mistral"
    qwen2_equals_transformers "qwen2"
    qwen3_equals_transformers "qwen3"
    gemma_equals_transformers "gemma"
    gemma_2_equals_transformers "gemma2"
    gemma_3_equals_transformers "gemma3"
    phi_3_equals_transformers "phi3"
    olmo_2_equals_transformers "olmo2"
    granite_equals_transformers "granite"
    gpt_2_equals_transformers "gpt2"
    gpt_neox_equals_transformers "gpt-neox"
    gpt_neox_in_series_equals_transformers "gpt-neox-serial"
    opt_equals_transformers "opt"
    phi_equals_transformers "phi"
    starcoder_2_equals_transformers "starcoder2"
    stablelm_equals_transformers "stablelm"
    bert_equals_transformers "bert"
    bert_f16_weights_equal_transformers "bert-f16"
    distilbert_equals_transformers "distilbert"
    roberta_equals_transformers "roberta"
}

#[cfg(feature = "stock")]
golden! {
    stock_mixtral_equals_transformers "mixtral"
    stock_qwen2_moe_equals_transformers "qwen2-moe"
    stock_qwen3_moe_equals_transformers "qwen3-moe"
    stock_deepseek_2_equals_transformers "deepseek2"
    stock_olmo_equals_transformers "olmo"
    stock_helium_equals_transformers "helium"
}

#[test]
fn the_demo_model_loads() {
    let model = Model::load(&Checkpoint::demo(), &Device::Cpu, DType::F32).expect("loads");
    assert_eq!(model.config().classes, ["negative", "positive"]);
}

/// Gemma 3 was published with θ, scaling and the kind of each layer under other keys than those that are written today.
#[test]
fn rotary_positions_by_kind_of_layer_read_the_same_in_both_spellings() {
    let folder = tiny("gemma3");
    let old = std::fs::read(folder.join("config.json")).expect("config");
    let mut json: Value = serde_json::from_slice(&old).expect("json");
    let recipe = Recipe::find("gemma3_text").expect("a recipe");
    let read = |json: &Value| ModelConfig::new(json, &recipe, &folder).expect("reads");
    let old = read(&json);
    for key in ["rope_theta", "rope_local_base_freq", "rope_scaling"] {
        json[key] = Value::Null;
    }
    json["sliding_window_pattern"] = Value::Null;
    json["layer_types"] =
        serde_json::json!(["sliding_attention", "sliding_attention", "full_attention"]);
    json["rope_parameters"] = serde_json::json!({
        "full_attention": {"rope_type": "linear", "rope_theta": 1000.0, "factor": 2.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 50.0},
    });
    let new = read(&json);
    assert_eq!((&new.ropes, &new.windows), (&old.ropes, &old.windows));
    assert_eq!(old.windows, [Some(6), Some(6), None]);
    assert_eq!(
        (0..3).map(|layer| old.rope_of(layer)).collect::<Vec<_>>(),
        [1, 1, 0]
    );
    json["use_bidirectional_attention"] = Value::Bool(true);
    let refused = ModelConfig::new(&json, &recipe, &folder).expect_err("refused");
    assert!(
        refused
            .to_string()
            .ends_with("`use_bidirectional_attention` = true is not supported"),
        "{refused}"
    );
}
