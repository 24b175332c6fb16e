//! A sample and its players: what is present in a coalition, and what stands where something is absent.
//!
//! In comes a text; out go its tokens ([`text`]), who owns each of them ([`players`]), and what an absent player's tokens
//! become ([`baseline`]).

pub mod baseline;
pub mod dataset;
pub mod players;
mod spans;
pub mod target;
pub mod text;

pub use baseline::Baseline;
pub use players::{PlayerRule, Players};
pub use target::Target;
pub use text::{TextTokenizer, TokenizedText};
