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
    /// The text, the file of the image, or the table and its row, where there is a sample.
    pub sample: Option<String>,
    /// `text`, `image` or `row`, where there is a sample.
    pub kind: Option<SampleKind>,
    /// The image, where the sample is one.
    pub image: Option<ImageInfo>,
    /// The map, where players are cells of what a layer puts out.
    pub map: Option<MapInfo>,
    /// The row, where the sample is one.
    pub row: Option<RowInfo>,
    /// The players, in order.
    pub players: Vec<PlayerInfo>,
    /// The agent, time and behaviour of each player, where they have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Groups>,
    /// Tokens, pixels (row by row) or columns that no player owns, by their number.
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

/// What a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleKind {
    /// A text.
    Text,
    /// An image.
    Image,
    /// A row of a table.
    Row,
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
    /// Its tokens, pixels (row by row) or columns, as half-open ranges.
    pub spans: Vec<[usize; 2]>,
    /// Its bytes in the sample, where the sample is a text, as half-open ranges without the white space around them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chars: Vec<[usize; 2]>,
}

/// An image as the network takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageInfo {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// Rows and columns in the file.
    pub original: [usize; 2],
    /// Where cells begin and end, where players are the cells of a grid.
    pub grid: Option<GridInfo>,
    /// The image, as a `data:` address of a PNG file.
    pub png: String,
}

/// What a layer of the network puts out for an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapInfo {
    /// The name of the layer.
    pub layer: String,
    /// Numbers per cell.
    pub channels: usize,
    /// Rows of cells.
    pub height: usize,
    /// Cells in a row.
    pub width: usize,
    /// Where players begin and end, in cells.
    pub grid: Option<GridInfo>,
}

/// A grid of cells: cell (r, c) reaches from `rows[r]` to `rows[r + 1]` and from `columns[c]` to `columns[c + 1]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridInfo {
    /// Bounds of the rows of cells, in pixels.
    pub rows: Vec<usize>,
    /// Bounds of the columns of cells, in pixels.
    pub columns: Vec<usize>,
}

/// A row as the table holds it and as the network takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowInfo {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The numbers of the table.
    pub values: Vec<f64>,
    /// The numbers that the network is given.
    pub present: Vec<f32>,
    /// What it is given where a column is absent.
    pub absent: Vec<f32>,
}
