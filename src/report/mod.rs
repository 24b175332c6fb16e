//! Results as files and as text for people.
//!
//! In come tables, interactions and statistics; out go the documents of a run folder ([`Record`], [`InteractionReport`],
//! [`OrderReport`], [`IndexReport`], all serialisable), the folder itself ([`folder`]) and the terminal page ([`text`]).

pub mod folder;
mod indices;
mod interactions;
mod orders;
#[cfg(feature = "cli")]
mod parquet;
mod record;
pub mod text;

pub use indices::{IndexReport, IndexValue, PlayerIndices};
pub use interactions::{InteractionEntry, InteractionReport, SalientReport};
pub use orders::{BottleneckReport, MultiOrderReport, OrderReport, Signed, SignedStrength};
#[cfg(feature = "cli")]
pub use parquet::write_interactions;
pub use record::{ModelInfo, PlayerInfo, Record, SCHEMA};
