//! Integration tests, one module per claim.

mod extract;
