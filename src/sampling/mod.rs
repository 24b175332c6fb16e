//! Estimates from some coalitions, where all 2^n are too many.
//!
//! A *plan* says which coalitions to ask; any [`Game`](crate::Game) answers; an *estimate* makes numbers with standard errors
//! of the answers. A plan has never seen a game, and everything drawn comes from a seed that the caller gave.

pub mod context;
