//! Numbers that sum up an analysis: a few per game, comparable between games. Sums run in a fixed order.
//!
//! In come a table, its effects or its multi-order strengths; out go the strength of each order by sign
//! ([`order_strength`]), how v grows with the coalition ([`growth`]), the depth of the bottleneck ([`bottleneck`]) and its curve
//! over many games ([`strength_curve`](mod@strength_curve)), how few interactions carry how much ([`sparsity`]), how much of v a
//! few explain ([`faithfulness`]), what explanations have in common ([`transfer`]), which effects are no more than noise
//! ([`noise`]), and intervals ([`bootstrap`]).

pub mod bootstrap;
pub mod bottleneck;
pub mod faithfulness;
pub mod growth;
pub mod noise;
pub mod order_strength;
pub mod sparsity;
pub mod strength_curve;
pub mod transfer;
