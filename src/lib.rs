//! How a neural network combines its inputs.

pub mod coalition;
pub mod error;
pub mod game;
pub mod interaction;
#[cfg(feature = "network")]
pub mod model;
pub mod transform;

pub use coalition::Coalition;
pub use error::{Error, Result};
pub use game::{Game, ValueTable, tabulate};
