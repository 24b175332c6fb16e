//! NumPy's `.npy` as value tables.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use npyz::{NpyHeader, WriterBuilder};

use super::{BitOrder, array, atomically, failed};
use crate::error::Source;
use crate::game::{MAX_EXACT_PLAYERS, ValueTable, check_exact};
use crate::{Error, Result};

/// Reads the value table in a `.npy` file of shape (2^n,), float64 or float32 of either byte order.
///
/// # Cost
/// One pass over the file; the table, and another 8·2^n bytes while [`BitOrder::Msb`] is turned round.
///
/// # Errors
/// [`Error::Read`] when the file cannot be opened or read. [`Error::Parse`], whose cause says what was expected and what
/// came: no `.npy`, another type or shape, a length that is no power of two, a file that ends early or goes on, a value that
/// is not finite (the coalition is named), more players than the exact path takes.
pub fn read(path: &Path, order: BitOrder) -> Result<ValueTable> {
    let file = File::open(path).map_err(Error::read(path))?;
    // A directory opens, but says so only when it is read.
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        return Err(Error::read(path)(io::ErrorKind::IsADirectory.into()));
    }
    table(BufReader::new(file), order).map_err(|source| failed(path, source))
}

/// The table in the array that `bytes` hold.
pub(super) fn table(mut bytes: impl Read, order: BitOrder) -> Result<ValueTable, Source> {
    let header = crate::npy::header(&mut bytes)?;
    let players = players(&header)?;
    let values = array::floats(header, &mut bytes)?;
    array::ended(&mut bytes, "values", values.len())?;
    let values = match order {
        BitOrder::Lsb => values,
        BitOrder::Msb => (0..values.len())
            .map(|s| values[s.reverse_bits() >> (usize::BITS as usize - players)])
            .collect(),
    };
    Ok(ValueTable::new(players, values)?)
}

/// n, from the shape (2^n,).
fn players(header: &NpyHeader) -> Result<usize, Source> {
    let &[len] = header.shape() else {
        return Err(format!(
            "it has the shape {}, expected one dimension of 2^n values",
            array::shape(header)
        )
        .into());
    };
    if len < 2 || !len.is_power_of_two() {
        return Err(format!(
            "it holds {len} values, expected 2^n of them, n from 1 to {MAX_EXACT_PLAYERS}"
        )
        .into());
    }
    let players = len.trailing_zeros() as usize;
    check_exact(players)?;
    Ok(players)
}

/// Writes a value table as a float64 `.npy` file of shape (2^n,), bit i of the index being player i.
///
/// The file appears under its name only when it is complete: it is written beside it under a temporary name and then
/// renamed. What is no regular file, such as a pipe, is written to directly.
///
/// # Errors
/// [`Error::Write`], with nothing left behind.
pub fn write(path: &Path, table: &ValueTable) -> Result<()> {
    atomically(path, |file| {
        let mut npy = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&[table.values().len() as u64])
            .writer(file)
            .begin_nd()?;
        npy.extend(table.values())?;
        npy.finish()
    })
    .map_err(Error::write(path))
}
