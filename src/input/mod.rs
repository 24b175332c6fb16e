//! A sample and its players: what is present in a coalition, and what stands where something is absent.
//!
//! In comes a text, an image or a row of a table; out go its elements (tokens of a [`text`], pixels of an [`mod@image`], columns
//! of a [`row`]), who owns each of them ([`players`]), and what an absent player's elements become ([`baseline`]).

pub mod baseline;
pub mod collection;
pub mod dataset;
pub mod features;
pub mod image;
pub mod picture;
mod pictures;
pub mod players;
pub mod row;
mod spans;
pub mod target;
pub mod text;

pub use baseline::Baseline;
pub use collection::{Material, RawSample};
pub use features::Features;
pub use image::Image;
pub use picture::{ImageForm, Picture};
pub use players::{PlayerRule, Players};
pub use row::{NumberTable, Row, RowForm};
pub use target::Target;
pub use text::{TextTokenizer, TokenizedText};
