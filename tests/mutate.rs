//! Damaged copies of valid files: what a seeded fuzzer feeds to readers.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// The longest case, in bytes.
const LONGEST: usize = 1 << 16;

/// What breaks parsers of numbers, text and structure.
const PIECES: [&[u8]; 40] = [
    b"0",
    b"-1",
    b"1e400",
    b"-0.0",
    b"NaN",
    b"inf",
    b"null",
    b"true",
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775808",
    b"4294967296",
    b"340282366920938463463374607431768211456",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\0",
    b"\n",
    b"\r\n",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"\xf4\x8f\xbf\xbf",
    b"[",
    b"]",
    b"{",
    b"}",
    b"[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":",
    b"(((((((((((((((",
    b",",
    b",,,,",
    b":",
    b"=",
    b"'",
    b"<script>",
    b"../../",
    b"%s%n",
    b" ",
];

/// Numbers that overflow sums and sizes, as bytes of a binary format.
const WIDTHS: [u64; 8] = [
    0,
    1,
    0x7f,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
    0x0100_0000_0000_0000,
];

/// A copy of one of `seeds`, changed in one to four places.
pub(crate) fn mutate(rng: &mut ChaCha8Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds.choose(rng).cloned().unwrap_or_default();
    for _ in 0..rng.random_range(1..=4) {
        change(rng, &mut bytes, seeds);
    }
    bytes.truncate(LONGEST.max(seeds.iter().map(Vec::len).max().unwrap_or(0) + 64));
    bytes
}

/// A place in `bytes`; half of the time near the beginning, where headers are.
fn place(rng: &mut ChaCha8Rng, bytes: &[u8]) -> usize {
    let end = match rng.random_bool(0.5) {
        true => bytes.len().min(200),
        false => bytes.len(),
    };
    rng.random_range(0..=end)
}

/// A short range of `bytes`.
fn range(rng: &mut ChaCha8Rng, bytes: &[u8]) -> std::ops::Range<usize> {
    let start = place(rng, bytes);
    let most = [1, 4, 16, 256][rng.random_range(0..4)];
    start..bytes.len().min(start + rng.random_range(0..=most))
}

fn change(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    match rng.random_range(0..10) {
        0 if !bytes.is_empty() => {
            let at = place(rng, bytes).min(bytes.len() - 1);
            bytes[at] ^= 1 << rng.random_range(0..8);
        }
        1 if !bytes.is_empty() => {
            let at = place(rng, bytes).min(bytes.len() - 1);
            bytes[at] = rng.random();
        }
        2 => {
            let range = range(rng, bytes);
            bytes.drain(range);
        }
        3 => {
            let range = range(rng, bytes);
            let copied = bytes[range].to_vec();
            let (at, times) = (place(rng, bytes), rng.random_range(1..=32));
            let copies = copied.repeat(times);
            bytes.splice(at..at, copies);
        }
        4 => {
            let keep = place(rng, bytes);
            bytes.truncate(keep);
        }
        5 => {
            let other = seeds.choose(rng).cloned().unwrap_or_default();
            let (from, at) = (place(rng, &other), place(rng, bytes));
            bytes.truncate(at);
            bytes.extend(&other[from..]);
        }
        6 => {
            let number = WIDTHS[rng.random_range(0..WIDTHS.len())].to_le_bytes();
            let width = [1, 2, 4, 8][rng.random_range(0..4)];
            let at = place(rng, bytes);
            let end = bytes.len().min(at + width);
            bytes.splice(at..end, number[..width].iter().copied());
        }
        7 => {
            // A number of the text becomes another one.
            let digits: Vec<usize> = (0..bytes.len())
                .filter(|&at| bytes[at].is_ascii_digit())
                .collect();
            if let Some(&at) = digits.choose(rng) {
                let piece = PIECES[rng.random_range(0..13)];
                bytes.splice(at..=at, piece.iter().copied());
            }
        }
        8 => {
            let deep = [b'[', b'{', b'(', b'"'][rng.random_range(0..4)];
            let (at, count) = (
                place(rng, bytes),
                [3, 64, 1000, 20_000][rng.random_range(0..4)],
            );
            bytes.splice(at..at, std::iter::repeat_n(deep, count));
        }
        _ => {
            let (range, piece) = (range(rng, bytes), PIECES[rng.random_range(0..PIECES.len())]);
            let at = range.start;
            let end = if rng.random_bool(0.5) { range.end } else { at };
            bytes.splice(at..end, piece.iter().copied());
        }
    }
}
