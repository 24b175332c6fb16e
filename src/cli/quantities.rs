//! Numbers as a user types them.

use super::args::Batch;

pub(crate) fn positive(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|&number| number > 0)
        .ok_or_else(|| "expected a whole number above 0".into())
}

/// A number of bytes: 4000000000, 4GB, 3.5GiB.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let unit_at = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let unit = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => f64::NAN,
    };
    match number.trim().parse::<f64>() {
        Ok(number) if number * unit >= 1.0 && number * unit < 1e18 => Ok((number * unit) as u64),
        _ => Err("expected bytes, as 4GB or 512MiB".into()),
    }
}

/// Rows and columns: 16x16.
pub(crate) fn grid(text: &str) -> Result<[usize; 2], String> {
    let sides = text
        .split_once('x')
        .map(|(rows, columns)| (positive(rows), positive(columns)));
    match sides {
        Some((Ok(rows), Ok(columns))) => Ok([rows, columns]),
        _ => Err("expected ROWSxCOLUMNS".into()),
    }
}

pub(crate) fn batch(text: &str) -> Result<Batch, String> {
    match text {
        "auto" => Ok(Batch::Auto),
        _ => positive(text)
            .map(Batch::Rows)
            .map_err(|_| "expected auto or a whole number above 0".into()),
    }
}
