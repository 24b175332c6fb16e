//! All integration tests, in one binary so that the library is linked once.

mod architecture;
mod axioms;
mod definitions;
mod extract;
mod golden;
#[cfg(feature = "network")]
mod hub;
#[cfg(feature = "cli")]
mod inference;
#[cfg(feature = "network")]
mod models;
#[cfg(feature = "network")]
mod trie;
mod value_files;
