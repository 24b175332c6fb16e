//! A network from the command line: which checkpoint, loaded once, then a game per text.

use std::path::Path;
use std::time::Instant;

use candle_core::DType;
use harsanyi::input::baseline::Absence;
use harsanyi::input::{Players, TextTokenizer};
use harsanyi::model::hub::{self, HubId, HubOptions};
use harsanyi::model::{Checkpoint, Model};
use harsanyi::report::{ModelInfo, PlayerInfo};
use harsanyi::value::{Aim, Counts, NetworkGame, NetworkOptions, Noise, probe};
use harsanyi::{ValueTable, device, tabulate};
use serde_json::{Value, json};

use super::args::{Batch, GlobalArgs, Precision, SampleArgs};
use super::output::Output;

/// Coalitions that are evaluated again, to see how far v moves.
const PROBES: usize = 16;

/// A model with its tokenizer, ready for texts.
pub(crate) struct Network {
    pub(crate) model: Model,
    pub(crate) tokenizer: TextTokenizer,
    pub(crate) info: ModelInfo,
    pub(crate) seconds: f64,
}

/// All that was learned about one text.
pub(crate) struct Tabulated {
    pub(crate) table: ValueTable,
    pub(crate) players: Vec<PlayerInfo>,
    pub(crate) background: Vec<usize>,
    pub(crate) baseline: String,
    pub(crate) target: Value,
    pub(crate) counts: Counts,
    pub(crate) noise: Noise,
    pub(crate) batch: usize,
    pub(crate) seconds: f64,
}

/// The players with their tokens.
pub(crate) fn named(players: &Players) -> Vec<PlayerInfo> {
    let info = |(index, label): (usize, &String)| PlayerInfo {
        index,
        label: label.clone(),
        spans: players
            .token_spans(index)
            .into_iter()
            .map(|span| [span.start, span.end])
            .collect(),
    };
    players.labels.iter().enumerate().map(info).collect()
}

/// The tokens that belong to no player.
pub(crate) fn unowned(players: &Players) -> Vec<usize> {
    let tokens = 0..players.owner.len();
    tokens
        .filter(|&token| players.owner[token].is_none())
        .collect()
}

/// What is explained, for the record.
pub(crate) fn told(aim: &Aim) -> Value {
    match aim.is_class {
        true => json!({ "text": aim.text, "class": aim.outputs[0] }),
        false => json!({ "text": aim.text, "ids": aim.outputs }),
    }
}

/// The checkpoint that `model` means: the demo model, a folder, or an id on the hub.
fn checkpoint(model: Option<&str>, output: &Output) -> anyhow::Result<Checkpoint> {
    let model = match model {
        None | Some("demo") => return Ok(Checkpoint::demo()),
        Some(model) => model,
    };
    // A folder wins over an id that reads the same; what cannot be an id is a folder that is not there.
    let id = match model.parse::<HubId>() {
        Ok(id) if !Path::new(model).exists() && !model.starts_with(['.', '/', '~']) => id,
        _ => return Ok(Checkpoint::open(Path::new(model))?),
    };
    let options = HubOptions::from_variables(|name| std::env::var(name).ok());
    let bar = output.bytes();
    let fetched = hub::fetch(&id, &options, |file, done, total| {
        bar.set_prefix(file.to_owned());
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    let checkpoint = Checkpoint::open(&fetched.folder)?;
    Ok(Checkpoint {
        source: id.repository().into(),
        revision: Some(fetched.revision),
        ..checkpoint
    })
}

impl Network {
    pub(crate) fn load(
        model: Option<&str>,
        global: &GlobalArgs,
        output: &Output,
    ) -> anyhow::Result<Self> {
        let start = Instant::now();
        let checkpoint = checkpoint(model, output)?;
        let device = global.device.open()?;
        let dtype = match global.dtype {
            Precision::F32 => DType::F32,
            Precision::Bf16 => DType::BF16,
            Precision::F16 => DType::F16,
        };
        let model = Model::load(&checkpoint, &device, dtype)?;
        let vocabulary = model.config().vocabulary;
        let path = checkpoint.path.join("tokenizer.json");
        let tokenizer = TextTokenizer::new(
            &checkpoint.tokenizer,
            checkpoint.tokenizer_config.as_ref(),
            vocabulary,
            &path,
        )?;
        let info = ModelInfo {
            source: checkpoint.source.clone(),
            revision: checkpoint.revision.clone(),
            sha256: checkpoint.sha256()?,
            architecture: model.config().model_type.clone(),
            parameters: model.parameters(),
        };
        let seconds = start.elapsed().as_secs_f64();
        output.detail(&format!(
            "loaded {} on {} in {seconds:.2} s",
            info.source,
            device::name(&device)
        ));
        Ok(Self {
            model,
            tokenizer,
            info,
            seconds,
        })
    }

    /// v of every coalition of `text`.
    pub(crate) fn tabulate(
        &self,
        text: &str,
        args: &SampleArgs,
        seed: u64,
        output: &Output,
    ) -> anyhow::Result<Tabulated> {
        let start = Instant::now();
        let text = self.tokenizer.encode(text)?;
        let players = Players::new(&text, &args.players, &args.background)?;
        harsanyi::game::check_exact(players.count())?;
        let absence = args.baseline.resolve(&self.tokenizer)?;
        let aim = Aim::resolve(&args.target, &self.model, &self.tokenizer, &text)?;
        let batch = match args.batch {
            Batch::Auto => None,
            Batch::Rows(rows) => Some(rows),
        };
        let options = NetworkOptions {
            absence,
            readout: args.readout,
            batch,
            share_prefixes: true,
        };
        let bar = output.bar("coalitions", 1 << players.count());
        let advance = |coalitions| bar.inc(coalitions);
        let mut game =
            NetworkGame::new(&self.model, &text, &players, &aim, options)?.with_progress(&advance);
        let table = tabulate(&mut game, |_| ())?;
        bar.finish_and_clear();
        let (counts, batch) = (game.counts(), game.batch());
        // The other way to evaluate a coalition: alone where the table was made in batches, in company where it was not.
        let companions = if batch == 1 { 7 } else { 0 };
        let other = NetworkOptions {
            batch: Some(companions + 1),
            share_prefixes: false,
            ..options
        };
        let mut other = NetworkGame::new(&self.model, &text, &players, &aim, other)?;
        let probes = PROBES.min(table.values().len());
        let noise = probe(&mut other, &table, probes, companions, seed)?;
        Ok(Tabulated {
            table,
            players: named(&players),
            background: unowned(&players),
            baseline: self.describe(absence),
            target: told(&aim),
            counts,
            noise,
            batch,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// What `absence` puts in place of a token, as words.
    pub(crate) fn describe(&self, absence: Absence) -> String {
        match absence {
            Absence::Token(id) => format!("token {id} ({})", self.tokenizer.token_name(id)),
            Absence::MeanEmbedding => "mean embedding".into(),
            Absence::Dropped {
                keep_positions: false,
            } => "removed".into(),
            Absence::Dropped {
                keep_positions: true,
            } => "not attended to".into(),
        }
    }

    /// Runs the network once and says what it is.
    pub(crate) fn check(&self) -> anyhow::Result<Value> {
        let text = self
            .tokenizer
            .encode("The quick brown fox jumps over the lazy")?;
        let aim = Aim::resolve(
            &harsanyi::input::Target::Auto,
            &self.model,
            &self.tokenizer,
            &text,
        )?;
        let config = self.model.config();
        let special = |id: Option<u32>| id.map(|id| self.tokenizer.token_name(id));
        Ok(json!({
            "model": self.info,
            "family": format!("{:?}", self.model.family()).to_lowercase(),
            "layers": config.layers,
            "hidden": config.hidden,
            "heads": config.heads,
            "key_value_heads": config.kv_heads,
            "vocabulary": config.vocabulary,
            "max_tokens": self.model.max_tokens(),
            "classes": if aim.is_class { Value::from(config.classes.clone()) } else { Value::Null },
            "mask_token": special(self.tokenizer.mask),
            "padding_token": special(self.tokenizer.pad),
            "unknown_token": special(self.tokenizer.unknown),
            "text": text.text,
            "answer": aim.text,
            "load_seconds": self.seconds,
        }))
    }
}
