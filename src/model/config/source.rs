//! `config.json`, key by key.

use std::path::Path;

use serde_json::Value;

use crate::{Error, Result};

/// `config.json` with the path that its errors name.
pub(super) struct Source<'a> {
    pub(super) json: &'a Value,
    pub(super) path: &'a Path,
}

impl Source<'_> {
    pub(super) fn wrong(&self, reason: String) -> Error {
        Error::Checkpoint {
            path: self.path.into(),
            reason,
        }
    }

    pub(super) fn present(&self, key: &str) -> Option<&Value> {
        self.json.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn size(&self, key: &str) -> Result<usize> {
        self.optional_size(key)?
            .ok_or_else(|| self.wrong(format!("`{key}` is missing")))
    }

    pub(super) fn optional_size(&self, key: &str) -> Result<Option<usize>> {
        let Some(value) = self.present(key) else {
            return Ok(None);
        };
        match value.as_u64() {
            // Beyond any real network, and small enough that nothing made from it overflows or fills the memory.
            Some(size) if (1..=1 << 24).contains(&size) => Ok(Some(size as usize)),
            _ => Err(self.wrong(format!(
                "`{key}` must be an integer from 1 to 2^24, got {value}"
            ))),
        }
    }

    pub(super) fn optional_number(&self, key: &str) -> Result<Option<f64>> {
        let Some(value) = self.present(key) else {
            return Ok(None);
        };
        value
            .as_f64()
            .map(Some)
            .ok_or_else(|| self.wrong(format!("`{key}` must be a number, got {value}")))
    }

    /// A number above zero.
    pub(super) fn optional_positive(&self, key: &str) -> Result<Option<f64>> {
        match self.optional_number(key)? {
            Some(number) if number.is_nan() || number <= 0.0 => {
                Err(self.wrong(format!("`{key}` must be positive, got {number}")))
            }
            number => Ok(number),
        }
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.flag_or(key, false)
    }

    pub(super) fn flag_or(&self, key: &str, default: bool) -> bool {
        self.present(key)
            .and_then(Value::as_bool)
            .unwrap_or(default)
    }
}
