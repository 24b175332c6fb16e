//! Samples of numbers: an image or a row as the network takes it, beside what stands where an element is absent.

use std::fmt;

/// An image or a row, and its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Numbers per element: the channels of a pixel, 1 for a column.
    pub channels: usize,
    /// Rows of elements; 1 for a row of columns.
    pub height: usize,
    /// Elements in a row.
    pub width: usize,
    /// What the network is given (C, H, W).
    pub present: Vec<f32>,
    /// What it is given where an element is absent (C, H, W).
    pub absent: Vec<f32>,
}

impl Features {
    /// Pixels or columns: what a player can own.
    pub fn elements(&self) -> usize {
        self.height * self.width
    }
}

/// The numbers that turn what a file holds into what a network takes: (x − mean) / std, channel by channel or column by
/// column.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// What is subtracted.
    pub mean: Vec<f64>,
    /// What is divided by.
    pub std: Vec<f64>,
}

impl Scale {
    /// Reads the two lists of a configuration; both missing is no normalization.
    ///
    /// # Errors
    /// A sentence, when a list has not `count` numbers, or a deviation is not above 0.
    pub fn new(
        mean: &serde_json::Value,
        std: &serde_json::Value,
        count: usize,
    ) -> Result<Self, String> {
        let list = |value: &serde_json::Value, name: &str, missing: f64| {
            if value.is_null() {
                return Ok(vec![missing; count]);
            }
            let numbers: Option<Vec<f64>> = value
                .as_array()
                .and_then(|list| list.iter().map(serde_json::Value::as_f64).collect());
            match numbers {
                Some(numbers) if numbers.len() == count => Ok(numbers),
                _ => Err(format!("`{name}` must be a list of {count} numbers")),
            }
        };
        let (mean, std) = (list(mean, "mean", 0.0)?, list(std, "std", 1.0)?);
        match std.iter().find(|std| std.is_nan() || **std <= 0.0) {
            Some(std) => Err(format!("`std` holds {std}; a deviation is above 0")),
            None => Ok(Self { mean, std }),
        }
    }

    /// (x − mean) / std in channel or column `c`.
    pub fn apply(&self, x: f64, c: usize) -> f32 {
        ((x - self.mean[c]) / self.std[c]) as f32
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {} × {}", self.channels, self.height, self.width)
    }
}
