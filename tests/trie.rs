//! Prefix sharing: the trie computes each distinct prefix once, and what it answers is what plain batches answer.

use std::collections::HashSet;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use harsanyi::input::baseline::Absence;
use harsanyi::input::{Players, TokenizedText};
use harsanyi::model::{Budget, Checkpoint, Model, TokenBatch, Trie};
use harsanyi::value::{Aim, NetworkGame, NetworkOptions, Readout, Sequence, fill};
use harsanyi::{Coalition, tabulate};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DECODERS: [&str; 20] = [
    "llama",
    "llama3",
    "llama-linear",
    "llama-sharded-bf16",
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
    "gpt-neox-serial",
    "opt",
    "phi",
    "starcoder2",
    "stablelm",
];

/// Between plain batches and the trie, on logits of order 1. Products of other shapes round otherwise: most logits differ by
/// 1e-6, one in ten thousand by 2e-5, which is also how far f32 is from f64 on these checkpoints.
const TOLERANCE: f64 = 1e-4;

fn load(family: &str) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/tiny")
        .join(family);
    let checkpoint = Checkpoint::open(&folder).expect("opens");
    Model::load(&checkpoint, &Device::Cpu, DType::F32).expect("loads")
}

/// Random tokens with random players: each owns some runs, in any order, background before, between and behind.
fn sample(rng: &mut ChaCha8Rng, players: usize, vocabulary: u32) -> (TokenizedText, Players) {
    let mut owner: Vec<Option<usize>> = vec![None; rng.random_range(1..6)];
    let mut runs: Vec<usize> = (0..players)
        .chain((0..players).filter(|i| i % 3 == 0))
        .collect();
    runs.shuffle(rng);
    for player in runs {
        owner.extend(vec![Some(player); rng.random_range(1..4)]);
        owner.extend(vec![None; usize::from(rng.random_bool(0.3))]);
    }
    owner.extend(vec![None; rng.random_range(0..3)]);
    let tokens = owner.len();
    let text = TokenizedText {
        text: String::new(),
        // Few ids, so that tokens and baselines coincide now and then.
        ids: (0..tokens)
            .map(|_| rng.random_range(0..vocabulary.min(9)))
            .collect(),
        bytes: vec![0..0; tokens],
        special: vec![false; tokens],
    };
    let labels = (0..players).map(|player| player.to_string()).collect();
    (text, Players { owner, labels })
}

fn absences() -> [Absence; 4] {
    [
        Absence::Token(3),
        Absence::MeanEmbedding,
        Absence::Dropped {
            keep_positions: false,
        },
        Absence::Dropped {
            keep_positions: true,
        },
    ]
}

fn sequences(
    text: &TokenizedText,
    players: &Players,
    absence: Absence,
    vocabulary: usize,
    suffix: &[u32],
) -> Vec<Sequence> {
    let all = (0..1 << players.count()).map(Coalition::from_index);
    all.map(|coalition| fill(text, players, absence, vocabulary, suffix, &coalition))
        .collect()
}

fn trie(sequences: &[Sequence], read: usize) -> Trie {
    let pairs = sequences
        .iter()
        .map(|s| (s.ids.clone(), s.positions.clone()));
    Trie::new(pairs, read)
}

/// How many prefixes differ, one by one.
fn distinct(sequences: &[Sequence]) -> usize {
    let mut prefixes = HashSet::new();
    for sequence in sequences {
        for end in 1..=sequence.ids.len() {
            prefixes.insert((&sequence.ids[..end], &sequence.positions[..end]));
        }
    }
    prefixes.len()
}

#[test]
fn a_trie_holds_each_distinct_prefix_once_and_each_sequence_whole() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for players in 1..=8 {
        let (text, owners) = sample(&mut rng, players, 100);
        for absence in absences() {
            for suffix in [&[][..], &[5], &[5, 3, 3]] {
                let sequences = sequences(&text, &owners, absence, 100, suffix);
                let read = suffix.len() + 1;
                let plan = trie(&sequences, read);
                assert_eq!(plan.ids.len(), distinct(&sequences));
                assert_eq!(plan.reads.len(), sequences.len() * read);
                for at in &plan.reads {
                    // Back from the token read to the first, the sequence must come out.
                    let segment = plan
                        .segments
                        .iter()
                        .position(|segment| segment.tokens.contains(&at.token))
                        .expect("in a segment");
                    let mut path = vec![segment];
                    while let Some(parent) = plan.segments[path[path.len() - 1]].parent {
                        path.push(parent);
                    }
                    let tokens: Vec<usize> = path
                        .iter()
                        .rev()
                        .flat_map(|&segment| plan.segments[segment].tokens.clone())
                        .take_while(|&token| token <= at.token)
                        .collect();
                    let Sequence { ids, positions } = &sequences[at.sequence];
                    let end = ids.len() - read + at.place + 1;
                    let of = |column: &[u32]| tokens.iter().map(|&t| column[t]).collect::<Vec<_>>();
                    assert_eq!(
                        (of(&plan.ids), of(&plan.positions)),
                        (ids[..end].to_vec(), positions[..end].to_vec())
                    );
                }
            }
        }
    }
}

/// k(t), the players whose first token stands at or before t, in order and without gaps between their tokens.
#[test]
fn positions_follow_the_formula() {
    // 24 shared tokens, then players of 4 tokens over the last 40, as in the documentation of the method.
    for (players, behind, expected) in [
        (8, 0, 2_574),
        (10, 0, 8_208),
        (12, 0, 29_274),
        (10, 8, 16_400),
    ] {
        let first = |player: usize| 24 + player * 40 / players;
        let owner: Vec<Option<usize>> = (0..64 + behind)
            .map(|token| {
                (24..64)
                    .contains(&token)
                    .then(|| (0..players).rev().find(|&p| first(p) <= token))
                    .flatten()
            })
            .collect();
        let text = TokenizedText {
            text: String::new(),
            ids: (1..=owner.len() as u32).collect(),
            bytes: vec![0..0; owner.len()],
            special: vec![false; owner.len()],
        };
        let known = |token: usize| {
            (0..players)
                .filter(|&player| first(player) <= token)
                .count()
        };
        let tokens = owner.len();
        let labels = vec![String::new(); players];
        let owners = Players {
            owner: owner.clone(),
            labels,
        };
        let formula: usize = (0..tokens).map(|token| 1 << known(token)).sum();
        let plan = trie(&sequences(&text, &owners, Absence::Token(0), 100, &[]), 1);
        assert_eq!((plan.ids.len(), formula), (expected, expected));
        // An absent player costs nothing where its tokens are not there; the prefix must still be told apart by what it holds.
        let dropped: usize = (0..tokens)
            .map(|token| 1 << (known(token) - usize::from(owner[token].is_some())))
            .sum();
        for keep_positions in [false, true] {
            let absence = Absence::Dropped { keep_positions };
            let plan = trie(&sequences(&text, &owners, absence, 100, &[]), 1);
            assert_eq!(plan.ids.len(), dropped);
        }
    }
}

/// Logits of every sequence at its last tokens, each sequence alone in its batch.
fn plain(
    model: &Model,
    sequences: &[Sequence],
    read: usize,
    extra: Option<&Tensor>,
) -> Vec<Vec<f32>> {
    let of = |sequence: &Sequence| {
        let batch = TokenBatch {
            ids: sequence.ids.clone(),
            positions: sequence.positions.clone(),
            tokens: sequence.ids.len(),
            read,
            extra,
        };
        let logits = model
            .logits(&batch)
            .expect("forward")
            .squeeze(0)
            .expect("one");
        logits.to_vec2::<f32>().expect("values")
    };
    sequences.iter().flat_map(of).collect()
}

#[test]
fn logits_equal_those_of_plain_batches_at_every_budget() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for family in DECODERS {
        let model = load(family);
        let vocabulary = model.config().vocabulary;
        let mean = model.mean_embedding().expect("a mean");
        for (players, absence) in (1..=6).zip(absences().into_iter().cycle()) {
            let (text, owners) = sample(&mut rng, players, vocabulary as u32);
            let suffix = &[7, 2, 7][..players % 4];
            let (sequences, read) = (
                sequences(&text, &owners, absence, vocabulary, suffix),
                suffix.len() + 1,
            );
            let extra = (absence == Absence::MeanEmbedding).then_some(&mean);
            let expected = plain(&model, &sequences, read, extra);
            let plan = trie(&sequences, read);
            for (segments, positions) in
                [(1, 1), (3, usize::MAX), (usize::MAX, 20), (usize::MAX, 512)]
            {
                let budget = Budget {
                    segments,
                    positions,
                };
                let got = model
                    .read_trie(&plan, extra, budget, |_, logits| logits.to_vec())
                    .expect("forward");
                if segments == 1 {
                    assert_eq!(got.forwards, plan.segments.len() as u64);
                }
                assert_eq!(got.answers.len(), expected.len());
                for (got, expected) in got.answers.iter().zip(&expected) {
                    for (got, expected) in got.iter().zip(expected) {
                        let off = f64::from((got - expected).abs());
                        assert!(
                            off < TOLERANCE,
                            "{family} {absence:?} {budget:?}: {got} {expected}"
                        );
                    }
                }
            }
        }
    }
}

/// A game over `suffix.len() + 1` target tokens.
fn table(
    model: &Model,
    (text, players): (&TokenizedText, &Players),
    outputs: &[u32],
    options: NetworkOptions,
) -> (Vec<f64>, harsanyi::value::Counts) {
    let aim = Aim {
        outputs: outputs.to_vec(),
        text: String::new(),
        is_class: false,
    };
    let mut game = NetworkGame::new(model, text, players, &aim, options).expect("a game");
    let table = tabulate(&mut game, |_| ()).expect("a table");
    (table.values().to_vec(), game.counts())
}

#[test]
fn games_are_worth_the_same_with_shared_prefixes_and_without() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for family in DECODERS {
        let model = load(family);
        let vocabulary = model.config().vocabulary;
        for (players, absence) in (1..=10).zip(absences().into_iter().cycle()) {
            let (text, owners) = sample(&mut rng, players, vocabulary as u32);
            let outputs = &[11, 2, 7][..1 + players % 3];
            let options = |share_prefixes, batch| NetworkOptions {
                absence,
                readout: Readout::LogOdds,
                batch,
                share_prefixes,
            };
            let game =
                |share, batch| table(&model, (&text, &owners), outputs, options(share, batch));
            let (expected, naive) = game(false, None);
            let (got, counts) = game(true, [None, Some(1), Some(5)][players % 3]);
            for (got, expected) in got.iter().zip(&expected) {
                assert!(
                    (got - expected).abs() < 1e-4,
                    "{family} {absence:?}: {got} {expected}"
                );
            }
            let suffix = &outputs[..outputs.len() - 1];
            let sequences = sequences(&text, &owners, absence, vocabulary, suffix);
            let whole: usize = sequences.iter().map(|sequence| sequence.ids.len()).sum();
            assert_eq!(naive.token_positions, whole as u64);
            assert_eq!(counts.token_positions, distinct(&sequences) as u64);
            assert_eq!(counts.token_positions_naive, naive.token_positions_naive);
            assert_eq!(counts.coalitions, 1 << players);
        }
    }
}

#[test]
fn values_do_not_depend_on_the_number_of_threads() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let model = load("llama");
    let (text, owners) = sample(&mut rng, 9, 100);
    let options = NetworkOptions {
        absence: Absence::Token(3),
        readout: Readout::LogOdds,
        batch: Some(40),
        share_prefixes: true,
    };
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a pool")
            .install(|| table(&model, (&text, &owners), &[5, 6], options))
    };
    assert_eq!(with(1), with(2));
    assert_eq!(with(1), with(5));
}

#[test]
fn a_sample_that_can_vanish_is_refused() {
    let model = load("llama");
    let text = TokenizedText {
        text: String::new(),
        ids: vec![4],
        bytes: vec![0..0; 1],
        special: vec![false],
    };
    let players = Players {
        owner: vec![Some(0)],
        labels: vec!["only".into()],
    };
    let aim = Aim {
        outputs: vec![1],
        text: String::new(),
        is_class: false,
    };
    for share_prefixes in [false, true] {
        let options = NetworkOptions {
            absence: Absence::Dropped {
                keep_positions: false,
            },
            readout: Readout::Logit,
            batch: None,
            share_prefixes,
        };
        let mut game = NetworkGame::new(&model, &text, &players, &aim, options).expect("a game");
        let error = tabulate(&mut game, |_| ()).expect_err("nothing to read");
        assert!(
            error.to_string().starts_with("with every player absent"),
            "{error}"
        );
    }
}
