//! Results as files and as text for people.
//!
//! In come tables, interactions and statistics; out go the documents of a run folder ([`Record`], [`InteractionReport`],
//! [`OrderReport`], [`IndexReport`], all serialisable), the folder itself ([`folder`]) and the terminal page ([`text`]).

pub mod folder;
mod indices;
mod interactions;
mod joint;
mod orders;
#[cfg(feature = "cli")]
mod parquet;
mod record;
mod recovery;
mod sparsity;
pub mod text;

pub use indices::{IndexReport, IndexValue, PlayerIndices};
pub use interactions::{InteractionEntry, InteractionReport, RefitReport, SalientReport};
pub use joint::{JointReport, OverlapEntry};
pub use orders::{BottleneckReport, MultiOrderReport, OrderReport, Signed, SignedStrength};
#[cfg(feature = "cli")]
pub use parquet::write_interactions;
pub use record::{ModelInfo, PlayerInfo, Record, SCHEMA};
pub use recovery::{HeldOutReport, RecoveredIndices, RecoveryReport};
pub use sparsity::SparsityReport;
