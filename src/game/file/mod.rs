//! Values in files that other programs read and write.
//!
//! In comes a path and the caller's word on what a file leaves open; out goes a [`Recorded`] game, its players named where the
//! file names them. What a file is, its ending says, or else its beginning:
//!
//! | ending | content |
//! | --- | --- |
//! | `.npy` | 2^n float64 or float32 numbers, the index of each being its coalition: bit i is player i, or player 0 is the most significant bit under [`BitOrder::Msb`] |
//! | `.npz` | `values`, and `coalitions` of shape (values, n) whose rows of 0 and 1 say who is present, in any order; without `coalitions`, `values` is as in `.npy`. The layout of the package shapiq up to 1.4 |
//! | `.csv`, `.tsv` | a column `value` (or `v`), and either a column per player of 0 and 1, named after the player, or a column `coalition` of strings of 0 and 1, whose first character is player 0, or the last one under [`BitOrder::Lsb`] |
//! | `.json` | a game of the package shapiq: `metadata.n_players`, and `data` from `"0,2"` (∅ is `"Empty"`) to the value |
//! | a folder | `rewards.npy` and `masks.npy`, which are `values` and `coalitions` as above |
//!
//! A file is data of unknown origin: what it declares is bounded before anything is taken on its word, a coalition may stand
//! in it twice only with the same value, and a value that is not finite is refused by the name of its coalition.

mod array;
mod csv;
mod labels;
mod npy;
mod npz;
mod recorded;
mod shapiq;
mod whole;

pub use labels::read_roster;
pub use npy::{read, write};
pub use recorded::Recorded;
pub(crate) use whole::{atomically, sibling, sibling_of};

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use crate::error::Source;
use crate::{Error, Result};

/// Which bit of a table's index is which player.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BitOrder {
    /// Bit i is player i: the order of this crate.
    #[default]
    Lsb,
    /// Player 0 is the most significant bit, as in `itertools.product([0, 1], repeat=n)` and `np.binary_repr`.
    Msb,
}

/// `lsb` or `msb`.
impl FromStr for BitOrder {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "lsb" => Ok(Self::Lsb),
            "msb" => Ok(Self::Msb),
            _ => Err(Error::Parameter {
                parameter: "the bit order",
                must: "`lsb` or `msb`",
                got: format!("`{text}`"),
            }),
        }
    }
}

/// What a file leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FileOptions {
    /// Which bit is which player; without it what is usual in the format, see the [module](self).
    pub bits: Option<BitOrder>,
    /// The value of every coalition that the file does not hold; without it such a file is no complete table.
    pub missing: Option<f64>,
}

/// The layouts that are told apart.
#[derive(Clone, Copy)]
enum Layout {
    Npy,
    Npz,
    Csv,
    Shapiq,
    Folder,
}

/// Reads the values in the file or folder at `path`.
///
/// # Cost
/// One pass over the file; some 40 bytes per value until a complete table is made of them.
///
/// # Errors
/// [`Error::Read`] when the file cannot be opened or read. [`Error::Parse`], whose cause says what was expected and what
/// came. [`Error::Parameter`] for a `missing` that is not finite.
pub fn open(path: &Path, options: &FileOptions) -> Result<Recorded> {
    if let Some(value) = options.missing.filter(|value| !value.is_finite()) {
        return Err(Error::Parameter {
            parameter: "the value of missing coalitions",
            must: "finite",
            got: value.to_string(),
        });
    }
    let found = match layout(path)? {
        Layout::Npy => read(path, options.bits.unwrap_or_default()).map(Recorded::from),
        Layout::Npz => opened(path, |file| npz::read(file, options.bits)),
        Layout::Csv => opened(path, |file| csv::read(file, options.bits)),
        Layout::Shapiq => opened(path, shapiq::read),
        Layout::Folder => npz::read_folder(path),
    }?;
    Ok(found.with_missing(options.missing))
}

fn opened(path: &Path, read: impl FnOnce(File) -> Result<Recorded, Source>) -> Result<Recorded> {
    let file = File::open(path).map_err(Error::read(path))?;
    read(file).map_err(|source| failed(path, source))
}

/// An `io::Error` among the causes is the disk's; everything else is the content's.
fn failed(path: &Path, source: Source) -> Error {
    match source.downcast::<io::Error>() {
        Ok(source) => Error::read(path)(*source),
        Err(source) => Error::parse(path, "value table")(source),
    }
}

/// What the file at `path` is, by its ending or its first bytes.
fn layout(path: &Path) -> Result<Layout> {
    if path.is_dir() {
        return Ok(Layout::Folder);
    }
    let ending = path.extension().and_then(|ending| ending.to_str());
    match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("npy") => return Ok(Layout::Npy),
        Some("npz") => return Ok(Layout::Npz),
        Some("csv" | "tsv") => return Ok(Layout::Csv),
        Some("json") => return Ok(Layout::Shapiq),
        _ => {}
    }
    let mut start = Vec::new();
    let file = File::open(path).map_err(Error::read(path))?;
    let read = file.take(512).read_to_end(&mut start);
    read.map_err(Error::read(path))?;
    let text = start.trim_ascii_start();
    Ok(match text.first() {
        _ if start.starts_with(b"\x93NUMPY") => Layout::Npy,
        _ if start.starts_with(b"PK") => Layout::Npz,
        Some(b'{') => Layout::Shapiq,
        Some(_) if !start.contains(&0) => Layout::Csv,
        _ => {
            let expected = "it does not begin as .npy, .npz, .csv or .json files do";
            return Err(Error::parse(path, "value table")(expected));
        }
    })
}
