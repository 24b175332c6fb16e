//! A network from the command line: which checkpoint, loaded once, then a game per sample.

use std::path::Path;
use std::time::Instant;

use candle_core::DType;
use harsanyi::input::{ImageForm, RawSample, RowForm, TextTokenizer, dataset};
use harsanyi::model::hub::{self, HubId, HubOptions};
use harsanyi::model::{Checkpoint, FeatureModel, Labels, Model};
use harsanyi::report::ModelInfo;
use harsanyi::value::Aim;
use harsanyi::{Error, device};
use serde_json::{Value, json};

use super::args::{GlobalArgs, Precision};
use super::output::Output;

/// A model, ready for samples.
pub(crate) struct Network {
    pub(crate) model: Loaded,
    pub(crate) info: ModelInfo,
    pub(crate) seconds: f64,
}

/// A model with what it takes to make its input.
pub(crate) enum Loaded {
    Text {
        model: Box<Model>,
        tokenizer: Box<TextTokenizer>,
    },
    Image {
        model: FeatureModel,
        form: ImageForm,
    },
    Row {
        model: FeatureModel,
        form: RowForm,
    },
}

impl Loaded {
    /// What it takes, as words.
    pub(crate) fn takes(&self) -> &'static str {
        match self {
            Self::Text { .. } => "texts",
            Self::Image { .. } => "images",
            Self::Row { .. } => "rows of a table",
        }
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

/// The classes of a network that compares images with texts; none for another.
fn labels(checkpoint: &Checkpoint, classes: Option<&[String]>) -> anyhow::Result<Option<Labels>> {
    if !checkpoint.compares_texts() {
        return refuse(classes).map(|()| None);
    }
    let example = ["a photo of a cat", "a photo of a dog"].map(String::from);
    let classes = classes.unwrap_or(&example);
    if classes.len() < 2 {
        return Err(Error::Parameter {
            parameter: "--classes",
            must: "at least two texts, since this network compares images with texts",
            got: classes
                .first()
                .map_or("none".into(), |text| format!("`{text}`")),
        }
        .into());
    }
    let vocabulary = &checkpoint.config["text_config"]["vocab_size"];
    let tokenizer = TextTokenizer::new(
        &checkpoint.tokenizer,
        checkpoint.tokenizer_config.as_ref(),
        // Where a configuration leaves it out, the embedding refuses what is beyond it.
        vocabulary.as_u64().map_or(usize::MAX, |size| size as usize),
        &checkpoint.path.join("tokenizer.json"),
    )?;
    let encoded = |text: &String| Ok((text.clone(), tokenizer.encode(text)?.ids));
    Ok(Some(Labels {
        texts: classes.iter().map(encoded).collect::<Result<_, Error>>()?,
        padding: tokenizer.pad,
    }))
}

/// Refuses texts as classes of a network that has its own.
fn refuse(classes: Option<&[String]>) -> anyhow::Result<()> {
    match classes.unwrap_or_default().first() {
        Some(text) => Err(Error::Parameter {
            parameter: "--classes",
            must: "left out for a network with classes of its own",
            got: format!("`{text}`"),
        }
        .into()),
        None => Ok(()),
    }
}

impl Network {
    /// Loads `model`; `classes` are the texts to choose between for a network that needs some, any will do where they are `None`.
    pub(crate) fn load(
        model: Option<&str>,
        classes: Option<&[String]>,
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
        let (model, architecture, parameters) = match checkpoint.takes_numbers() {
            true => {
                let model = match labels(&checkpoint, classes)? {
                    Some(labels) => FeatureModel::of_labels(&checkpoint, &labels, &device, dtype)?,
                    None => FeatureModel::load(&checkpoint, &device, dtype)?,
                };
                let (name, parameters) = (model.architecture().to_owned(), model.parameters());
                (Loaded::of_numbers(model, &checkpoint)?, name, parameters)
            }
            false => {
                refuse(classes)?;
                let model = Model::load(&checkpoint, &device, dtype)?;
                let tokenizer = TextTokenizer::new(
                    &checkpoint.tokenizer,
                    checkpoint.tokenizer_config.as_ref(),
                    model.config().vocabulary,
                    &checkpoint.path.join("tokenizer.json"),
                )?;
                let (name, parameters) = (model.config().model_type.clone(), model.parameters());
                let (model, tokenizer) = (Box::new(model), Box::new(tokenizer));
                (Loaded::Text { model, tokenizer }, name, parameters)
            }
        };
        let info = ModelInfo {
            source: checkpoint.source.clone(),
            revision: checkpoint.revision.clone(),
            sha256: checkpoint.sha256()?,
            architecture,
            parameters,
        };
        let seconds = start.elapsed().as_secs_f64();
        output.detail(&format!(
            "loaded {} on {} in {seconds:.2} s",
            info.source,
            device::name(&device)
        ));
        Ok(Self {
            model,
            info,
            seconds,
        })
    }

    /// The device that it runs on, and the precision.
    pub(crate) fn place(&self) -> (String, String) {
        let (device, dtype) = match &self.model {
            Loaded::Text { model, .. } => (model.device(), model.dtype()),
            Loaded::Image { model, .. } | Loaded::Row { model, .. } => {
                (model.device(), model.dtype())
            }
        };
        (device::name(device), dtype.as_str().into())
    }

    /// The samples at `data`, of the kind that the network takes.
    pub(crate) fn samples(
        &self,
        data: &Path,
        limit: Option<usize>,
    ) -> harsanyi::Result<Vec<RawSample>> {
        match &self.model {
            Loaded::Text { .. } => {
                let texts = dataset::read(data, limit)?.into_iter();
                Ok(texts
                    .map(|entry| RawSample {
                        id: entry.id,
                        label: entry.label,
                        ..RawSample::text(&entry.text)
                    })
                    .collect())
            }
            Loaded::Image { .. } => RawSample::images(data, limit),
            Loaded::Row { form, .. } => RawSample::rows(data, form, limit),
        }
    }

    /// Runs the network once and says what it is.
    pub(crate) fn check(&self) -> anyhow::Result<Value> {
        let (model, tokenizer) = match &self.model {
            Loaded::Text { model, tokenizer } => (model, tokenizer),
            Loaded::Image { model, .. } | Loaded::Row { model, .. } => {
                return self.check_features(model);
            }
        };
        let text = tokenizer.encode("The quick brown fox jumps over the lazy")?;
        let aim = Aim::resolve(&harsanyi::input::Target::Auto, model, tokenizer, &text)?;
        let config = model.config();
        let special = |id: Option<u32>| id.map(|id| tokenizer.token_name(id));
        Ok(json!({
            "model": self.info,
            "family": format!("{:?}", model.family()).to_lowercase(),
            "layers": config.layers,
            "hidden": config.hidden,
            "heads": config.heads,
            "key_value_heads": config.kv_heads,
            "vocabulary": config.vocabulary,
            "max_tokens": model.max_tokens(),
            "classes": if aim.is_class { Value::from(config.classes.clone()) } else { Value::Null },
            "mask_token": special(tokenizer.mask),
            "padding_token": special(tokenizer.pad),
            "unknown_token": special(tokenizer.unknown),
            "text": text.text,
            "answer": aim.text,
            "load_seconds": self.seconds,
        }))
    }

    /// The same for a network of numbers, on zeros.
    fn check_features(&self, model: &FeatureModel) -> anyhow::Result<Value> {
        let shape = model.shape(0);
        let logits = model.logits(&vec![0.0; shape.iter().product()], 0)?;
        anyhow::ensure!(
            logits.iter().all(|logit| logit.is_finite()),
            "the network answers {logits:?} on zeros; its logits must be finite"
        );
        let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
        Ok(json!({
            "model": self.info,
            "takes": self.model.takes(),
            "input": shape,
            "layers": model.names(),
            "classes": model.classes(),
            "answer_on_zeros": best.map(|best| &model.classes()[best]),
            "load_seconds": self.seconds,
        }))
    }
}

impl Loaded {
    /// A network of numbers takes rows where its configuration names columns or its input is no image.
    fn of_numbers(model: FeatureModel, checkpoint: &Checkpoint) -> harsanyi::Result<Self> {
        let (config, path) = (&checkpoint.config, &checkpoint.path);
        let shape @ [channels, height, width] = model.shape(0);
        Ok(match height * width == 1 {
            true => Self::Row {
                form: RowForm::new(config, channels, path)?,
                model,
            },
            false => Self::Image {
                form: ImageForm::new(config, checkpoint.preprocessor.as_ref(), shape, path)?,
                model,
            },
        })
    }
}
