//! Multi-order interactions of pairs.
