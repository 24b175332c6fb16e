//! Results as files and as text for people.
//!
//! In come tables, interactions and statistics; out go the documents of a run folder ([`Record`], [`InteractionReport`],
//! [`OrderReport`], [`CurveReport`], [`IndexReport`], all serialisable), the folder itself ([`folder`]),
//! the terminal page ([`text`]), charts ([`mod@chart`], drawn by [`svg`]), pages for a browser ([`html`]) and tables ([`mod@csv`]). What a
//! page shows, it reads off the documents: [`Profile::read`], [`Summary::read`] and [`Study::read`] bring them back.

pub mod chart;
mod compare;
pub mod csv;
pub mod folder;
mod groups;
pub mod html;
mod indices;
mod interactions;
mod joint;
mod orders;
#[cfg(feature = "cli")]
mod parquet;
mod profile;
mod record;
mod recovery;
mod sampled_orders;
pub mod shapiq;
mod sparsity;
mod study;
mod summary;
pub mod svg;
pub mod text;

pub use compare::{
    AgreementEntry, CompareReport, Compared, PairEntry, SetEntry, TableEntry, TransferEntry,
};
pub use groups::{DeletionReport, GroupMetrics, GroupReport, GroupTotal};
pub use indices::{ErrorBar, EstimateInfo, IndexReport, IndexValue, PlayerIndices};
pub use interactions::{
    InteractionEntry, InteractionReport, NoiseReport, RefitReport, SalientReport,
};
pub use joint::{JointReport, OverlapEntry};
pub use orders::{BottleneckReport, MultiOrderReport, OrderReport, Signed, SignedStrength};
#[cfg(feature = "cli")]
pub use parquet::write_interactions;
pub use profile::Profile;
pub use record::{
    GridInfo, ImageInfo, MapInfo, ModelInfo, PlayerInfo, Record, RowInfo, SCHEMA, SampleKind,
};
pub use recovery::{HeldOutReport, RecoveredIndices, RecoveryReport};
pub use sampled_orders::{
    CurveReport, CurveSample, SampleOrders, SampledBottleneck, SampledMultiOrder,
};
pub use sparsity::{SalientCount, SparsityReport};
pub use study::{Study, StudySample};
pub use summary::{FailedSample, PlayersSummary, SampleSummary, Summary};
