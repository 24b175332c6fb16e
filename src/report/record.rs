//! `record.json`: what was run, on what, and with which outcome.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::game::Groups;

/// The version of the run folder's format; a change that a reader would notice raises it.
pub const SCHEMA: u32 = 1;

/// Everything that is needed to know what a run computed, and to run it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`]
    pub schema: u32,
    /// Name and version of the program.
    pub program: String,
    /// The command line.
    pub command: String,
    /// All settings, defaults included.
    pub config: Value,
    /// The network, where a network was run.
    pub model: Option<ModelInfo>,
    /// The game, where another game than a network was run.
    pub game: Option<String>,
    /// `cpu`, `cuda:0`, `metal`.
    pub device: String,
    /// The dtype of weights and activations.
    pub dtype: String,
    /// The text, where there is one.
    pub sample: Option<String>,
    /// The players, in order.
    pub players: Vec<PlayerInfo>,
    /// The agent, time and behaviour of each player, where they have any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Groups>,
    /// Token indices that no player owns.
    pub background: Vec<usize>,
    /// What stood where a player was absent.
    pub baseline: Option<String>,
    /// Logits → v.
    pub readout: Option<String>,
    /// What was read out: `text` and `ids`, or `text` and `class`.
    pub target: Option<Value>,
    /// n, the number of players.
    pub n: usize,
    /// v(∅)
    pub v_empty: f64,
    /// v(N)
    pub v_full: f64,
    /// Coalitions, token positions and forward passes computed.
    pub counts: Option<Value>,
    /// Wall-clock seconds of each stage.
    pub seconds: BTreeMap<String, f64>,
    /// How far v moves when the same coalition is evaluated in another batch, what rounding to the dtype loses, and the
    /// standard deviation that follows from both for interactions of each order.
    pub noise: Option<Value>,
    /// The seed of everything drawn.
    pub seed: u64,
}

/// Which network was run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelInfo {
    /// The folder or hub id.
    pub source: String,
    /// The commit of a hub checkpoint.
    pub revision: Option<String>,
    /// SHA-256 over the weight files.
    pub sha256: String,
    /// `model_type` of its configuration.
    pub architecture: String,
    /// How many numbers were loaded.
    pub parameters: usize,
}

/// One player.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerInfo {
    /// Its bit in a coalition.
    pub index: usize,
    /// Its name.
    pub label: String,
    /// Its tokens, as half-open ranges.
    pub spans: Vec<[usize; 2]>,
}
