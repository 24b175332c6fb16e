//! v(S) does not depend on its neighbours: alone, in any batch size and at any place in the batch, nor on how much memory is left.

use std::path::Path;

use candle_core::{DType, Device};
use harsanyi::input::baseline::Absence;
use harsanyi::input::{PlayerRule, Players, Target, TextTokenizer};
use harsanyi::model::{Checkpoint, Family, Model};
use harsanyi::value::{Aim, NetworkGame, NetworkOptions, Readout};
use harsanyi::{Coalition, Game};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// How far v may move with its neighbours, relative to |v| where that is above 1: some of the seeded networks answer tens.
const TOLERANCE: f64 = 1e-5;

fn check(checkpoint: &Checkpoint) {
    let model = Model::load(checkpoint, &Device::Cpu, DType::F32).expect("loads");
    let config = checkpoint.tokenizer_config.as_ref();
    let tokenizer = TextTokenizer::new(
        &checkpoint.tokenizer,
        config,
        model.config().vocabulary,
        Path::new("tokenizer"),
    );
    let tokenizer = tokenizer.expect("a tokenizer");
    let text = tokenizer
        .encode("The dog and the cat sat on a mat.")
        .expect("tokens");
    // The first word stays, so that there is something to read when everything else is removed.
    let players = Players::new(&text, &PlayerRule::Word, &["0".into()]).expect("players");
    let aim = match model.family() {
        Family::Encoder => Target::Class("1".into()),
        Family::Decoder => Target::Tokens(vec![9, 17]),
    };
    let aim = Aim::resolve(&aim, &model, &tokenizer, &text).expect("an aim");
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    let mut order: Vec<Coalition> = (0..1 << players.count())
        .map(Coalition::from_index)
        .collect();
    for absence in [
        Absence::Token(5),
        Absence::MeanEmbedding,
        Absence::Dropped {
            keep_positions: false,
        },
        Absence::Dropped {
            keep_positions: true,
        },
    ] {
        let values = |coalitions: &[Coalition], batch: usize, share_prefixes: bool| {
            let options = NetworkOptions {
                absence,
                readout: Readout::LogOdds,
                batch: Some(batch),
                share_prefixes,
            };
            let game = NetworkGame::new(&model, &text, &players, &aim, options);
            game.expect("a game").values(coalitions).expect("values")
        };
        let alone = values(&order, 1, false);
        for share_prefixes in [false, false, true, true] {
            let batch = rng.random_range(2..=70);
            let mut shuffled: Vec<usize> = (0..order.len()).collect();
            shuffled.shuffle(&mut rng);
            let coalitions: Vec<Coalition> = shuffled.iter().map(|&at| order[at].clone()).collect();
            for (&at, value) in shuffled
                .iter()
                .zip(values(&coalitions, batch, share_prefixes))
            {
                let off = (value - alone[at]).abs() / alone[at].abs().max(1.0);
                assert!(
                    off < TOLERANCE,
                    "{} {absence:?} batch {batch} {}: {off:e}",
                    checkpoint.source,
                    order[at]
                );
            }
        }
        // A process that has all that it may already halves the batch down to one.
        for share_prefixes in [false, true] {
            let options = NetworkOptions {
                absence,
                readout: Readout::LogOdds,
                batch: Some(64),
                share_prefixes,
            };
            let game = NetworkGame::new(&model, &text, &players, &aim, options);
            let mut game = game.expect("a game").with_memory(Some(1));
            for (value, alone) in game.values(&order).expect("values").iter().zip(&alone) {
                assert!((value - alone).abs() < TOLERANCE * alone.abs().max(1.0));
            }
            assert_eq!((game.batch(), game.counts().halvings), (1, 6));
        }
        order.shuffle(&mut rng);
    }
}

#[test]
fn the_value_of_a_coalition_does_not_depend_on_its_batch() {
    for family in [
        "llama",
        "llama3",
        "mistral",
        "qwen2",
        "qwen3",
        "gemma",
        "gemma2",
        "gemma3",
        "phi3",
        "olmo2",
        "granite",
        "gpt2",
        "gpt-neox",
        "opt",
        "bert",
        "distilbert",
        "roberta",
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/tiny")
            .join(family);
        check(&Checkpoint::open(&folder).expect("opens"));
    }
    check(&Checkpoint::demo());
}
