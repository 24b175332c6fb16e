//! A series of checkpoints on disk: one safetensors file for each, and a `config.json` that lists them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Metrics, TrainableNet};
use crate::{Error, Result};

/// A folder in which a training leaves its checkpoints.
#[derive(Debug)]
pub struct Series {
    dir: PathBuf,
    config: Value,
}

impl Series {
    /// Begins a series in the folder `dir`, which is there; `config` is the configuration of the network.
    pub fn new(dir: &Path, config: Value) -> Self {
        let mut config = config;
        config["checkpoints"] = json!([]);
        Self {
            dir: dir.into(),
            config,
        }
    }

    /// Writes the weights as `epoch-EE.FF.safetensors` and what is known of them to `config.json`, last, so that it names no
    /// file that is not there.
    ///
    /// # Errors
    /// [`Error::Write`]
    pub fn add(&mut self, net: &TrainableNet, metrics: &Metrics) -> Result<PathBuf> {
        let name = format!("epoch-{:05.2}.safetensors", metrics.epoch);
        let path = self.dir.join(&name);
        net.save(&path)?;
        let mut line = json!(metrics);
        line["file"] = json!(name);
        if let Some(list) = self.config["checkpoints"].as_array_mut() {
            list.push(line);
        }
        let config = self.dir.join("config.json");
        let part = self.dir.join("config.json.part");
        std::fs::write(&part, format!("{:#}\n", self.config))
            .and_then(|()| std::fs::rename(&part, &config))
            .map_err(Error::write(&config))?;
        Ok(path)
    }
}
