//! Plans of which coalitions to ask when 2^n are too many, and what is estimated from the answers.

pub mod sparse;
