//! The head of an array in NumPy's format, as a file of anybody's may have it.

use std::io::{self, Read};

use npyz::NpyHeader;

use crate::error::Source;

/// Reads the header within bounds that any array of one or two dimensions keeps.
///
/// The parser behind it believes a declared header length of up to 4 GiB, recurses once per bracket, and multiplies the
/// dimensions without a check; so the text is looked at first.
pub(crate) fn header(bytes: &mut impl Read) -> Result<NpyHeader, Source> {
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
