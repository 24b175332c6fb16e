//! How a neural network combines its inputs: which of them act together, how strongly, and at which orders.
//!
//! # The story
//!
//! A sample becomes a game. Its words, patches or columns are the *players*; a *coalition* S is the sample with only the
//! players of S left in place, and v(S) is what the network says to it, in one number. Anything that can answer v(S) is a
//! [`Game`]: a network on a sample, a file, another program, a formula.
//!
//! A game becomes a table. [`tabulate`] asks for all 2^n coalitions, and from the [`ValueTable`] everything else follows
//! without asking the network again.
//!
//! A table becomes interactions. [`transform::mobius`] gives the Harsanyi dividends μ(S), the effect of S beyond that of its
//! subsets: an *AND* of its players. The dividends of the [dual game](ValueTable::dual) are the *OR*s.
//! [`interaction::and_or`](fn@interaction::and_or) splits v among both kinds, and [`interaction::order`] tells at which
//! context sizes pairs interact.
//!
//! Interactions become statistics: the strength of each order, how v grows, the depth of the bottleneck ([`stats`]).
//!
//! ```
//! use harsanyi::interaction::{AndOrOptions, and_or};
//! use harsanyi::{game::synthetic, tabulate};
//!
//! let mut game = synthetic::parse("and(0,1)*2 - or(3,4,5)*1.5 + 0.3")?; // or a NetworkGame, or a value file
//! let table = tabulate(&mut game, |_| ())?;
//! let found = and_or(&table, &AndOrOptions::default())?.salient(0.05);
//! assert_eq!(found.to_string(), "AND{0,1} 2.000\nOR{3,4,5} -1.500\n");
//! # Ok::<(), harsanyi::Error>(())
//! ```
//!
//! # Map
//!
//! In the order of the data: [`coalition`] → [`game`] → [`transform`] → [`sampling`] → [`interaction`] → [`stats`] →
//! [`report`]. Each imports from those before it and never from those after. [`mod@error`] holds the one error type of the library.
//!
//! With the feature `network` stand beside them `device`, `model` (token ids in, logits out; it has never heard of a player),
//! `input` (samples, players, baselines, targets) `value`, where the two meet: a network on a sample, seen as a [`Game`], and
//! `train`, which makes small networks whose orders are moved on purpose.
//!
//! Bit i is player i everywhere: `table[0b101]` is v({0,2}). Values are f64 on the host. Results do not depend on the number
//! of threads, and nothing is drawn at random without a seed that the caller gave.
//!
//! # Features
//!
//! `network` (default): networks as games, on candle. `cli` (default): the program. `cuda`, `metal`: backends, named as in
//! candle; `mkl`, `accelerate`: other matrix products on the CPU. Without features what is left is this theory half, which needs neither tensors nor devices.

// Linked for the symbols that candle calls.
#[cfg(feature = "accelerate")]
extern crate accelerate_src as _;
#[cfg(feature = "mkl")]
extern crate intel_mkl_src as _;

pub mod coalition;
#[cfg(feature = "network")]
pub mod device;
pub mod error;
pub mod game;
#[cfg(feature = "network")]
pub mod input;
pub mod interaction;
mod lanes;
#[cfg(feature = "network")]
pub mod model;
mod npy;
#[cfg(feature = "network")]
mod ops;
pub mod report;
pub mod sampling;
pub mod stats;
#[cfg(feature = "network")]
pub mod train;
pub mod transform;
#[cfg(feature = "network")]
pub mod value;

pub use coalition::Coalition;
pub use error::{Error, Result};
pub use game::{Game, ValueTable, tabulate};
