//! Numbers that sum up an analysis: a few per game, comparable between games. Sums run in a fixed order.
//!
//! In come a table, its effects or its multi-order strengths; out go the strength of each order by sign
//! ([`order_strength`]), how v grows with the coalition ([`growth`]), the depth of the bottleneck ([`bottleneck`]), how few
//! interactions carry how much ([`sparsity`]), how much of v a few explain ([`faithfulness`]), how v goes as players come and go
//! ([`curves`]), and what explanations have in common ([`transfer`]).

pub mod bottleneck;
pub mod curves;
pub mod faithfulness;
pub mod growth;
pub mod order_strength;
pub mod sparsity;
pub mod transfer;
