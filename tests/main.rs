//! The one integration-test binary: each module says what it claims.

#[cfg(feature = "network")]
mod models;
