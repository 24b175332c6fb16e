//! All integration tests, in one binary so that the library is linked once.

mod architecture;
mod axioms;
#[cfg(feature = "cli")]
mod bad_input;
#[cfg(feature = "network")]
mod batching;
#[cfg(feature = "cli")]
mod browser;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod command;
mod definitions;
mod extract;
mod fuzz;
mod game_files;
#[cfg(feature = "cli")]
mod games;
mod golden;
#[cfg(feature = "cli")]
mod hostile;
#[cfg(feature = "network")]
mod hub;
#[cfg(feature = "cli")]
mod inference;
#[cfg(feature = "cli")]
mod keep;
#[cfg(feature = "network")]
mod models;
mod mutate;
#[cfg(feature = "cli")]
mod order_cli;
mod order_sampled;
mod pages;
#[cfg(feature = "cli")]
mod pictures;
mod process;
mod real_tables;
#[cfg(feature = "cli")]
mod sample;
mod sampling;
mod shared;
mod sparse;
#[cfg(feature = "network")]
mod train;
#[cfg(feature = "network")]
mod trie;
mod value_files;
#[cfg(feature = "network")]
mod vision;
