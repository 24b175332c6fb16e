//! Operations that candle does not have, or not fast enough: each with its formula, its shapes and its cost.

mod convolution;
mod head_lanes;
mod lanes;
mod log_sum;
pub(crate) mod rows;
mod tree_attention;
mod tree_products;

pub(crate) use convolution::{Kernel, Padded};
pub(crate) use log_sum::log_sum_exp;
pub(crate) use tree_attention::{Query, Scoring, Span, remembered, tree_attention};
