//! Value tables in files that other programs read and write: NumPy's `.npy`.
//!
//! In comes an array of 2^n real numbers and the caller's word on which bit is which player; out goes a [`ValueTable`], and
//! back. A file is data of unknown origin: its header is bounded before it is parsed, and nothing is allocated on its word.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use npyz::{DType, NpyFile, NpyHeader, TypeChar, WriterBuilder};

use super::{MAX_EXACT_PLAYERS, ValueTable};
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
    parse(BufReader::new(file), order).map_err(|source| match source.downcast::<io::Error>() {
        Ok(source) => Error::read(path)(*source),
        Err(source) => Error::parse(path, "value table")(source),
    })
}

/// An `io::Error` among the causes is the disk's; everything else is the content's.
fn parse(mut bytes: impl Read, order: BitOrder) -> Result<ValueTable, Source> {
    let header = header(&mut bytes)?;
    let (players, wide) = (players(&header)?, double(&header.dtype())?);
    let npy = NpyFile::with_header(header, &mut bytes);
    let values = if wide {
        values(npy.data::<f64>()?, players)?
    } else {
        values(npy.data::<f32>()?.map(|x| x.map(f64::from)), players)?
    };
    if bytes.read(&mut [0])? > 0 {
        return Err(format!("it goes on after its {} values", values.len()).into());
    }
    let values = match order {
        BitOrder::Lsb => values,
        BitOrder::Msb => (0..values.len())
            .map(|s| values[s.reverse_bits() >> (usize::BITS as usize - players)])
            .collect(),
    };
    Ok(ValueTable::new(players, values)?)
}

/// Reads the header within bounds that any array of one dimension keeps.
///
/// The parser behind it believes a declared header length of up to 4 GiB, recurses once per bracket, and multiplies the
/// dimensions without a check; so the text is looked at first.
fn header(bytes: &mut impl Read) -> Result<NpyHeader, Source> {
    const LONGEST: usize = 1024;
    let not_npy = |error: io::Error| -> Source {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => "it ends within the header of a NumPy array".into(),
            _ => error.into(),
        }
    };
    let mut start = vec![0; 10];
    bytes.read_exact(&mut start).map_err(not_npy)?;
    if !start.starts_with(b"\x93NUMPY") {
        return Err("it does not begin as a NumPy array (.npy) does".into());
    }
    let mut len = usize::from(u16::from_le_bytes([start[8], start[9]]));
    if start[6] > 1 {
        let mut high = [0; 2];
        bytes.read_exact(&mut high).map_err(not_npy)?;
        start.extend(high);
        len += usize::from(u16::from_le_bytes(high)) << 16;
    }
    if len > LONGEST {
        return Err(format!("its header is {len} bytes long, expected {LONGEST} at most").into());
    }
    let text_at = start.len();
    start.resize(text_at + len, 0);
    bytes.read_exact(&mut start[text_at..]).map_err(not_npy)?;
    let text = &start[text_at..];
    let count = |test: fn(&u8) -> bool| text.iter().filter(|byte| test(byte)).count();
    // 18 decimal digits in all keep any product of dimensions below 2^64.
    let plain = count(|b| b"([{".contains(b)) <= 8
        && count(u8::is_ascii_digit) <= 18
        && count(|b| b"xX".contains(b)) == 0;
    if !plain {
        return Err("its header is not that of a plain array of numbers".into());
    }
    NpyHeader::from_reader(start.as_slice())
        .map_err(|error| format!("its header cannot be read: {error}").into())
}

/// n, from the shape (2^n,).
fn players(header: &NpyHeader) -> Result<usize, Source> {
    let &[len] = header.shape() else {
        let sizes: Vec<_> = header.shape().iter().map(u64::to_string).collect();
        return Err(format!(
            "it has the shape ({}), expected one dimension of 2^n values",
            sizes.join(", ")
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
    super::check_exact(players)?;
    Ok(players)
}

/// Whether the values are float64; float32 is the only other type taken.
fn double(dtype: &DType) -> Result<bool, Source> {
    match dtype {
        DType::Plain(of) if of.type_char() == TypeChar::Float && of.size_field() == 8 => Ok(true),
        DType::Plain(of) if of.type_char() == TypeChar::Float && of.size_field() == 4 => Ok(false),
        other => Err(format!(
            "it holds values of type {}, expected float64 or float32",
            other.descr()
        )
        .into()),
    }
}

/// The 2^n values, in a vector that grows only as they arrive.
fn values(read: impl Iterator<Item = io::Result<f64>>, players: usize) -> Result<Vec<f64>, Source> {
    let mut values = Vec::new();
    for value in read {
        values.push(value.map_err(|error| -> Source {
            match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    format!("it ends after {} of {} values", values.len(), 1 << players).into()
                }
                _ => error.into(),
            }
        })?);
    }
    Ok(values)
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

/// Writes `path` through a sibling that is renamed over it, so that no reader ever sees half a file and what stood there
/// before survives a failure. Pipes and devices are written as they are.
pub(crate) fn atomically(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let fill = |file: File| {
        let mut buffered = BufWriter::new(file);
        content(&mut buffered)?;
        buffered
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
    };
    if fs::metadata(path).is_ok_and(|data| !data.is_file()) {
        return fill(OpenOptions::new().write(true).open(path)?).map(drop);
    }
    let (temporary, file) = sibling(path)?;
    let done = fill(file)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    if done.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    done
}

/// A new file beside `path`, so that renaming it stays within one file system.
pub(crate) fn sibling(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut attempt = 0;
    loop {
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{attempt}.tmp", std::process::id()));
        let temporary = path.with_file_name(hidden);
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)
        {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

/// The process that made the [`sibling`] called `name`, if it is one.
pub(crate) fn sibling_of(name: &str) -> Option<u32> {
    let (_, numbers) = name
        .strip_prefix('.')?
        .strip_suffix(".tmp")?
        .rsplit_once('.')?;
    let (process, attempt) = numbers.split_once('-')?;
    attempt.parse::<u32>().ok()?;
    process.parse().ok()
}
