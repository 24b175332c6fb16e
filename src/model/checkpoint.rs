//! A checkpoint in Hugging Face layout: configuration, tokenizer and weights, in a folder or built into the program.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::layers::LayerRecipe;
use super::recipe::Recipe;
use super::stock;
use crate::{Error, Result};

/// The files of one checkpoint, opened but not yet understood.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// What the user calls it: a folder, a hub id, `demo`.
    pub source: String,
    /// The commit of a hub checkpoint.
    pub revision: Option<String>,
    /// Where it lies; `demo` for the one that is built in.
    pub path: PathBuf,
    /// `config.json`
    pub config: Value,
    /// `tokenizer.json`, as bytes; empty where the network reads no text.
    pub tokenizer: Vec<u8>,
    /// `tokenizer_config.json`, where there is one.
    pub tokenizer_config: Option<Value>,
    /// `preprocessor_config.json`, where there is one.
    pub preprocessor: Option<Value>,
    /// Where the tensors are.
    pub weights: WeightFiles,
}

/// Where the tensors of a checkpoint are.
#[derive(Clone, Debug)]
pub enum WeightFiles {
    /// Built into the program.
    Embedded(&'static [u8]),
    /// `model.safetensors`, or the shards that its index names.
    Files(Vec<PathBuf>),
}

impl Checkpoint {
    /// The sentiment classifier that is built into the program; see `models/demo/README.md`.
    ///
    /// # Panics
    /// If the embedded files are malformed, which a test excludes.
    pub fn demo() -> Self {
        let json = |text: &str| serde_json::from_str(text).expect("embedded files are tested");
        Self {
            source: "demo".into(),
            revision: None,
            path: "demo".into(),
            config: json(include_str!("../../models/demo/config.json")),
            tokenizer: include_bytes!("../../models/demo/tokenizer.json").to_vec(),
            tokenizer_config: None,
            preprocessor: None,
            weights: WeightFiles::Embedded(include_bytes!("../../models/demo/model.safetensors")),
        }
    }

    /// Opens the folder `dir`, or one of several weight files (`….safetensors`) in a folder that share its `config.json`.
    ///
    /// # Errors
    /// A file that is missing or not JSON, a folder without safetensors weights (a PyTorch pickle is named as such), an
    /// index that names no shard or a shard outside the folder.
    pub fn open(path: &Path) -> Result<Self> {
        let wrong = |reason: &str| Error::Checkpoint {
            path: path.into(),
            reason: reason.into(),
        };
        let is_weights = path.is_file()
            && path
                .extension()
                .is_some_and(|extension| extension == "safetensors");
        let dir = match path.parent() {
            Some(dir) if is_weights => dir,
            _ => path,
        };
        if !is_weights && !dir.is_dir() {
            return Err(wrong(
                "no such folder; a model is a folder with config.json, tokenizer.json and model.safetensors",
            ));
        }
        let config = read_json(&dir.join("config.json"))?;
        // What cannot be run is refused before anything else that it lacks.
        if !takes_numbers(&config) {
            let name = config["model_type"]
                .as_str()
                .or(config["architecture"].as_str())
                .unwrap_or("(none)");
            if !stock::MODEL_TYPES.contains(&name) {
                Recipe::find(name)?;
            }
        }
        let optional = |name: &str| {
            let path = dir.join(name);
            path.exists().then(|| read_json(&path)).transpose()
        };
        Ok(Self {
            source: path.display().to_string(),
            revision: None,
            path: path.into(),
            tokenizer: match reads_text(&config) {
                true => read(&dir.join("tokenizer.json"))?,
                false => Vec::new(),
            },
            tokenizer_config: optional("tokenizer_config.json")?,
            preprocessor: optional("preprocessor_config.json")?,
            weights: WeightFiles::Files(match is_weights {
                true => vec![path.into()],
                false => weight_files(dir)?,
            }),
            config,
        })
    }

    /// Whether the network takes images or rows, not text.
    pub fn takes_numbers(&self) -> bool {
        takes_numbers(&self.config)
    }

    /// Whether the network compares images with texts, which are then its classes.
    pub fn compares_texts(&self) -> bool {
        compares_texts(&self.config)
    }

    /// SHA-256 over the weight files in order, in hexadecimal.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn sha256(&self) -> Result<String> {
        let mut hash = Sha256::new();
        match &self.weights {
            WeightFiles::Embedded(bytes) => hash.update(bytes),
            WeightFiles::Files(files) => {
                let mut buffer = vec![0; 1 << 20];
                for path in files {
                    let mut file = fs::File::open(path).map_err(Error::read(path))?;
                    loop {
                        match file.read(&mut buffer).map_err(Error::read(path))? {
                            0 => break,
                            length => hash.update(&buffer[..length]),
                        }
                    }
                }
            }
        }
        Ok(hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect())
    }
}

/// Whether a network with this `config.json` cannot do without a tokenizer.
pub(super) fn reads_text(config: &Value) -> bool {
    !takes_numbers(config) || compares_texts(config)
}

fn takes_numbers(config: &Value) -> bool {
    !LayerRecipe::find(config).is_empty()
}

fn compares_texts(config: &Value) -> bool {
    let found = LayerRecipe::find(config);
    found.iter().any(|recipe| recipe.labels.is_some())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(Error::read(path))
}

fn read_json(path: &Path) -> Result<Value> {
    serde_json::from_slice(&read(path)?).map_err(Error::parse(path, "JSON file"))
}

/// The single file, or the shards of the index in the order of their names.
fn weight_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let single = dir.join("model.safetensors");
    if single.exists() {
        return Ok(vec![single]);
    }
    let index = dir.join("model.safetensors.index.json");
    let wrong = |reason: String| Error::Checkpoint {
        path: dir.into(),
        reason,
    };
    if !index.exists() {
        let pickle = ["pytorch_model.bin", "pytorch_model.bin.index.json"]
            .into_iter()
            .find(|name| dir.join(name).exists());
        return Err(wrong(match pickle {
            Some(name) => format!("found `{name}`, a PyTorch pickle; expected model.safetensors"),
            None => "no weights; expected model.safetensors or model.safetensors.index.json".into(),
        }));
    }
    let json = read_json(&index)?;
    let map = json["weight_map"]
        .as_object()
        .ok_or_else(|| wrong("the index has no `weight_map`".into()))?;
    let mut shards = BTreeSet::new();
    for shard in map.values() {
        let name = shard.as_str().unwrap_or_default();
        if Path::new(name).file_name().is_none_or(|file| file != name) {
            return Err(wrong(format!(
                "the index names {shard}, which is no file of this folder"
            )));
        }
        shards.insert(dir.join(name));
    }
    match shards.iter().find(|shard| !shard.exists()) {
        Some(missing) => Err(wrong(format!(
            "the index names `{}`, which is missing",
            missing.display()
        ))),
        None if shards.is_empty() => Err(wrong("the index names no shard".into())),
        None => Ok(shards.into_iter().collect()),
    }
}
