//! Games with known answers.
