//! How a neural network combines its inputs.

pub mod coalition;
#[cfg(feature = "network")]
pub mod device;
pub mod error;
pub mod game;
#[cfg(feature = "network")]
pub mod input;
pub mod interaction;
#[cfg(feature = "network")]
pub mod model;
pub mod transform;
#[cfg(feature = "network")]
pub mod value;

pub use coalition::Coalition;
pub use error::{Error, Result};
pub use game::{Game, ValueTable, tabulate};
