//! A network from the command line: which checkpoint, loaded once, then a game per text.

use std::path::Path;
use std::time::Instant;

use candle_core::DType;
use harsanyi::device;
use harsanyi::input::baseline::Absence;
use harsanyi::input::{Players, Target, TextTokenizer, TokenizedText};
use harsanyi::model::hub::{self, HubId, HubOptions};
use harsanyi::model::{Checkpoint, Model};
use harsanyi::report::{ModelInfo, PlayerInfo, Record};
use harsanyi::value::{Aim, NetworkGame, NetworkOptions, Probe, probe};
use serde_json::{Value, json};

use super::args::{Batch, GlobalArgs, Precision, SampleArgs};
use super::keep::{self, Keep};
use super::output::Output;
use super::run::Evaluated;

/// Coalitions that are evaluated again, to see how far v moves.
const PROBES: usize = 16;

/// A model with its tokenizer, ready for texts.
pub(crate) struct Network {
    pub(crate) model: Model,
    pub(crate) tokenizer: TextTokenizer,
    pub(crate) info: ModelInfo,
    pub(crate) seconds: f64,
}

/// A text whose players, baseline and target are decided.
pub(crate) struct Prepared<'a> {
    network: &'a Network,
    text: TokenizedText,
    players: Players,
    absence: Absence,
    aim: Aim,
    args: &'a SampleArgs,
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

    /// Decides what there is to decide about `text` before a coalition is evaluated.
    pub(crate) fn prepare<'a>(
        &'a self,
        text: &str,
        args: &'a SampleArgs,
    ) -> anyhow::Result<Prepared<'a>> {
        let text = self.tokenizer.encode(text)?;
        let players = Players::new(&text, &args.players, &args.background)?;
        harsanyi::game::check_exact(players.count())?;
        let absence = args.baseline.resolve(&self.tokenizer)?;
        let aim = Aim::resolve(&args.target, &self.model, &self.tokenizer, &text)?;
        Ok(Prepared {
            network: self,
            text,
            players,
            absence,
            aim,
            args,
        })
    }

    /// What `absence` puts in place of a token, as words.
    fn describe(&self, absence: Absence) -> String {
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
        let aim = Aim::resolve(&Target::Auto, &self.model, &self.tokenizer, &text)?;
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

impl Prepared<'_> {
    /// Enters into `record` what v depends on, and into its configuration what stood there as `auto`.
    pub(crate) fn describe(&self, record: &mut Record) {
        let network = self.network;
        let info = |(index, label): (usize, &String)| PlayerInfo {
            index,
            label: label.clone(),
            spans: self
                .players
                .token_spans(index)
                .into_iter()
                .map(|span| [span.start, span.end])
                .collect(),
        };
        let Aim {
            outputs,
            text,
            is_class,
        } = &self.aim;
        record.model = Some(network.info.clone());
        record.device = device::name(network.model.device());
        record.dtype = network.model.dtype().as_str().into();
        record.sample = Some(self.text.text.clone());
        record.players = self.players.labels.iter().enumerate().map(info).collect();
        record.background = (0..self.text.ids.len())
            .filter(|&token| self.players.owner[token].is_none())
            .collect();
        record.baseline = Some(network.describe(self.absence));
        record.readout = Some(self.args.readout.to_string());
        record.target = Some(match is_class {
            true => json!({ "text": text, "class": outputs[0] }),
            false => json!({ "text": text, "ids": outputs }),
        });
        record.config["device"] = json!(record.device);
        record.config["baseline"] = json!(match self.absence {
            Absence::Token(id) => format!("token:{id}"),
            Absence::MeanEmbedding => "mean".into(),
            Absence::Dropped {
                keep_positions: false,
            } => "remove".into(),
            Absence::Dropped {
                keep_positions: true,
            } => "ignore".into(),
        });
        record.config["target"] = json!(
            match is_class {
                true => Target::Class(outputs[0].to_string()),
                false => Target::Tokens(outputs.clone()),
            }
            .to_string()
        );
        let revision = network.info.revision.iter();
        let revision: String = revision.map(|revision| format!("@{revision}")).collect();
        record.config["model"] = json!(format!("{}{revision}", network.info.source));
        record.seconds.insert("load".into(), network.seconds);
    }

    /// The rows of a forward pass that the options ask for, or that fit.
    pub(crate) fn batch(&self) -> anyhow::Result<usize> {
        Ok(self.game()?.batch())
    }

    /// The game of this text.
    fn game(&self) -> anyhow::Result<NetworkGame<'_>> {
        let options = NetworkOptions {
            absence: self.absence,
            readout: self.args.readout,
            batch: match self.args.batch {
                Batch::Auto => None,
                Batch::Rows(rows) => Some(rows),
            },
            share_prefixes: true,
        };
        let (model, memory) = (&self.network.model, self.args.memory);
        let game = NetworkGame::new(model, &self.text, &self.players, &self.aim, options)?;
        Ok(game.with_memory(memory))
    }

    /// v of every coalition, kept as `keep` says, and entered into `record`; `None` when other processes have not done their
    /// shares.
    pub(crate) fn tabulate(
        &self,
        keep: &Keep,
        mut record: Record,
        output: &Output,
    ) -> anyhow::Result<Option<Evaluated>> {
        let identity = keep::identity_of(&record)?;
        if let Some(finished) = keep.finished(&identity)? {
            return Ok(Some(finished));
        }
        let start = Instant::now();
        let bar = output.bar("coalitions", 1 << self.players.count());
        let advance = |coalitions| bar.inc(coalitions);
        let mut game = self.game()?.with_progress(&advance);
        record.config["batch"] = json!(game.batch());
        let chosen = json!({ "batch": game.batch(), "record": record });
        let filling = keep.open(identity, game.pieces()?, chosen, output)?;
        // Products of another shape would round otherwise; who asks for another batch knows.
        let batch = filling.chosen("batch").and_then(Value::as_u64);
        if let (Some(rows), Batch::Auto) = (batch, self.args.batch) {
            game.set_batch(rows as usize);
            record.config["batch"] = json!(rows);
        }
        let probe = filling.probe(|| self.probe(game.batch(), record.seed))?;
        record
            .seconds
            .insert("tabulate".into(), start.elapsed().as_secs_f64());
        let filled = filling.fill(&mut game, NetworkGame::take_counts, &bar, output)?;
        bar.finish_and_clear();
        let Some(filled) = filled else {
            return Ok(None);
        };
        keep::complete(&mut record, &filled.table, &filled.notes, Some(&probe))?;
        Ok(Some(Evaluated {
            table: filled.table,
            record,
            store: filled.store,
        }))
    }

    /// Some coalitions in the other way to evaluate one: alone where the table is made in batches of `batch`, in company where
    /// it is not.
    fn probe(&self, batch: usize, seed: u64) -> anyhow::Result<Probe> {
        let companions = if batch == 1 { 7 } else { 0 };
        let options = NetworkOptions {
            absence: self.absence,
            readout: self.args.readout,
            batch: Some(companions + 1),
            share_prefixes: false,
        };
        let model = &self.network.model;
        let mut other = NetworkGame::new(model, &self.text, &self.players, &self.aim, options)?;
        let probes = PROBES.min(1 << self.players.count());
        Ok(probe(&mut other, probes, companions, seed)?)
    }
}
