//! Plans: which coalitions to ask where 2^n is too many.
//!
//! In come the number of players, a budget and a seed; out go coalitions. A plan never sees a game, so the same plan serves
//! a network, a file and a formula.

pub mod context;
