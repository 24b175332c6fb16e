//! Numbers that sum up an analysis: a few per game, comparable between games. Sums run in a fixed order.
//!
//! In come a table, its effects or its multi-order strengths; out go the strength of each order by sign
//! ([`order_strength`]), how v grows with the coalition ([`growth`]), the depth of the bottleneck ([`bottleneck`]) and its curve
//! over many games ([`strength_curve`](mod@strength_curve)), how few interactions carry how much ([`sparsity`]), how much of v a
//! few explain ([`faithfulness`]), what explanations have in common ([`transfer`]) and how alike their numbers are
//! ([`agreement`]), what groups of players bring about ([`groups`]), what becomes of v as the foremost players go or come
//! ([`curves`]), which effects are no more than noise ([`noise`]), and intervals ([`bootstrap`]).

pub mod agreement;
pub mod bootstrap;
pub mod bottleneck;
pub mod curves;
pub mod faithfulness;
pub mod groups;
pub mod growth;
pub mod noise;
pub mod order_strength;
pub mod sparsity;
pub mod strength_curve;
pub mod transfer;
