//! Operations that candle does not have, on tensors: each with its formula, its shapes and its cost.

mod lanes;
pub(crate) mod rows;
mod tree_attention;
mod tree_products;

pub(crate) use tree_attention::{Query, Scoring, Span, tree_attention};
