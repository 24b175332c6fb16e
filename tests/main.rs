//! All integration tests, in one binary so that the library is linked once.

mod architecture;
mod axioms;
#[cfg(feature = "cli")]
mod bad_input;
#[cfg(feature = "network")]
mod batching;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod command;
mod definitions;
mod extract;
mod golden;
#[cfg(feature = "network")]
mod hub;
#[cfg(feature = "cli")]
mod inference;
#[cfg(feature = "network")]
mod models;
#[cfg(feature = "cli")]
mod order_cli;
mod order_sampled;
mod shared;
#[cfg(feature = "network")]
mod train;
#[cfg(feature = "network")]
mod trie;
mod value_files;
