//! Arrays in NumPy's format, read element by element: nothing is allocated on the word of a header.

use std::io::{self, Read};

use npyz::{DType, NpyFile, NpyHeader, Order, TypeChar};

use crate::Coalition;
use crate::error::Source;

/// The most rows of a list of coalitions: as many as the largest table has.
const MOST_ROWS: u64 = 1 << 24;

/// The elements of an array as they arrive.
type Elements<'a> = Box<dyn Iterator<Item = io::Result<f64>> + 'a>;

/// The shape as NumPy writes it.
pub(super) fn shape(header: &NpyHeader) -> String {
    let sizes: Vec<_> = header.shape().iter().map(u64::to_string).collect();
    format!("({})", sizes.join(", "))
}

/// The numbers of an array of float64 or float32.
pub(super) fn floats(header: NpyHeader, bytes: &mut dyn Read) -> Result<Vec<f64>, Source> {
    let expected = header.shape().iter().product();
    match kind(&header) {
        Some((TypeChar::Float, 4 | 8)) => {}
        _ => return Err(unexpected(&header, "values", "float64 or float32")),
    }
    let mut values = Vec::new();
    for value in elements(header, bytes)? {
        values.push(value.map_err(|error| early(error, values.len(), expected, "values"))?);
    }
    Ok(values)
}

/// n, and the coalition that each row of an array of shape (rows, n) names by its zeros and ones.
pub(super) fn coalitions(
    header: NpyHeader,
    bytes: &mut dyn Read,
) -> Result<(usize, Vec<Coalition>), Source> {
    let shape = match *header.shape() {
        [rows, players] => Some((rows, players)),
        _ => None,
    };
    let fits = |&(rows, players): &(u64, u64)| {
        (1..=MOST_ROWS).contains(&rows) && (1..=Coalition::MAX_PLAYERS as u64).contains(&players)
    };
    let Some((rows, players)) = shape.filter(fits) else {
        return Err(format!(
            "its coalitions have the shape {}, expected a row of 1 to {} players for each of at most {MOST_ROWS} values",
            self::shape(&header),
            Coalition::MAX_PLAYERS
        )
        .into());
    };
    let (rows, players) = (rows as usize, players as usize);
    let by_rows = header.order() == Order::C;
    let words = players.div_ceil(64);
    let mut present: Vec<u64> = Vec::new();
    for (at, element) in elements(header, bytes)?.enumerate() {
        let (row, player) = match by_rows {
            true => (at / players, at % players),
            false => (at % rows, at / rows),
        };
        if row * words == present.len() {
            present.extend(std::iter::repeat_n(0, words));
        }
        let expected = (rows * players) as u64;
        match element.map_err(|error| early(error, at, expected, "zeros and ones"))? {
            0.0 => {}
            1.0 => present[row * words + player / 64] |= 1 << (player % 64),
            other => {
                let place = format!("row {row}, player {player}");
                return Err(
                    format!("its coalitions hold {other} ({place}), expected 0 or 1").into(),
                );
            }
        }
    }
    let coalition = |row: &[u64]| Coalition::from_words(row.to_vec());
    Ok((
        players,
        present.chunks_exact(words).map(coalition).collect(),
    ))
}

/// The one number of an array without dimensions.
pub(super) fn scalar(header: NpyHeader, bytes: &mut dyn Read) -> Result<f64, Source> {
    let count: u64 = header.shape().iter().product();
    let shape = shape(&header);
    match (count, elements(header, bytes)?.next()) {
        (1, Some(number)) => Ok(number.map_err(|error| early(error, 0, 1, "numbers"))?),
        _ => Err(format!("it has the shape {shape}, expected a single number").into()),
    }
}

/// Refuses bytes after the last element. An archive's member also has its checksum compared here.
pub(super) fn ended(bytes: &mut dyn Read, what: &str, count: usize) -> Result<(), Source> {
    match bytes.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(format!("it goes on after its {count} {what}").into()),
    }
}

/// The elements as numbers, whatever plain type they have.
fn elements<'a>(header: NpyHeader, bytes: &'a mut dyn Read) -> Result<Elements<'a>, Source> {
    let kind = kind(&header);
    let refused = unexpected(&header, "elements", "numbers or booleans");
    let npy = NpyFile::with_header(header, bytes);
    macro_rules! of {
        ($type:ty) => {
            Box::new(
                npy.data::<$type>()?
                    .map(|element| element.map(|x| x as f64)),
            )
        };
    }
    Ok(match kind {
        Some((TypeChar::Float, 8)) => of!(f64),
        Some((TypeChar::Float, 4)) => of!(f32),
        Some((TypeChar::Int, 8)) => of!(i64),
        Some((TypeChar::Int, 4)) => of!(i32),
        Some((TypeChar::Int, 2)) => of!(i16),
        Some((TypeChar::Int, 1)) => of!(i8),
        Some((TypeChar::Uint, 8)) => of!(u64),
        Some((TypeChar::Uint, 4)) => of!(u32),
        Some((TypeChar::Uint, 2)) => of!(u16),
        Some((TypeChar::Uint, 1)) => of!(u8),
        Some((TypeChar::Bool, 1)) => Box::new(npy.data::<bool>()?.map(|x| x.map(f64::from))),
        _ => return Err(refused),
    })
}

fn kind(header: &NpyHeader) -> Option<(TypeChar, u64)> {
    match header.dtype() {
        DType::Plain(of) => Some((of.type_char(), of.size_field())),
        _ => None,
    }
}

fn unexpected(header: &NpyHeader, what: &str, expected: &str) -> Source {
    let found = header.dtype().descr();
    format!("it holds {what} of type {found}, expected {expected}").into()
}

/// An array that stops before its last element.
fn early(error: io::Error, got: usize, expected: u64, what: &str) -> Source {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("it ends after {got} of {expected} {what}").into(),
        _ => error.into(),
    }
}
