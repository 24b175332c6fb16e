//! Value tables on disk: what is written comes back, and a file that is none says what is wrong with it.

use std::error::Error as _;
use std::path::PathBuf;

use harsanyi::game::file::{self, BitOrder};
use harsanyi::game::synthetic;
use harsanyi::{Error, ValueTable, tabulate};
use npyz::WriterBuilder;
use proptest::prelude::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn table(game: &str) -> ValueTable {
    tabulate(&mut synthetic::parse(game).expect("a game"), |_| ()).expect("a table")
}

/// A `.npy` of version 1.0 with this header text and data.
fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn header(descr: &str, shape: &str) -> String {
    format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n")
}

/// The error of reading `bytes`, then its causes.
fn complaint(bytes: &[u8]) -> String {
    let folder = folder();
    let path = folder.path().join("t.npy");
    std::fs::write(&path, bytes).expect("written");
    let error = file::read(&path, BitOrder::Lsb).expect_err("refused");
    let mut text = error.to_string().replace(&*path.to_string_lossy(), "t.npy");
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[test]
fn a_table_written_is_the_table_read_and_a_numpy_array() {
    let folder = folder();
    let path = folder.path().join("values.npy");
    let table = table("n=7; noise(2,5) + and(1,3)");
    file::write(&path, &table).expect("written");
    file::write(&path, &table).expect("written over");
    assert_eq!(file::read(&path, BitOrder::Lsb).expect("read"), table);
    let bytes = std::fs::read(&path).expect("read");
    assert_eq!(bytes.len() % 64, 0);
    let npy = npyz::NpyFile::new(bytes.as_slice()).expect("an array");
    assert_eq!(
        (npy.shape(), npy.dtype().descr()),
        (&[128][..], "'<f8'".into())
    );
    assert_eq!(npy.into_vec::<f64>().expect("doubles"), table.values());
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["values.npy"]);
}

#[test]
fn player_0_may_be_the_most_significant_bit() {
    let folder = folder();
    let path = folder.path().join("msb.npy");
    let values: Vec<u8> = (0..8).flat_map(|s| f64::from(s).to_le_bytes()).collect();
    std::fs::write(&path, npy(&header("'<f8'", "(8,)"), &values)).expect("written");
    let table = file::read(&path, BitOrder::Msb).expect("read");
    // v = 4·[0 present] + 2·[1 present] + [2 present] in that order of bits.
    assert_eq!(table.values(), [0.0, 4.0, 2.0, 6.0, 1.0, 5.0, 3.0, 7.0]);
    assert_eq!("msb".parse::<BitOrder>().expect("an order"), BitOrder::Msb);
    assert_eq!(
        "big".parse::<BitOrder>().expect_err("refused").to_string(),
        "the bit order must be `lsb` or `msb`, got `big`"
    );
}

#[test]
fn both_widths_and_both_byte_orders_are_read() {
    let folder = folder();
    let path = folder.path().join("t.npy");
    let single = [0.5f32, -1.25, 3.0, 1e-3];
    let wide = single.map(f64::from);
    for (descr, data) in [
        ("'<f4'", single.map(f32::to_le_bytes).concat()),
        ("'>f4'", single.map(f32::to_be_bytes).concat()),
        ("'<f8'", wide.map(f64::to_le_bytes).concat()),
        ("'>f8'", wide.map(f64::to_be_bytes).concat()),
    ] {
        std::fs::write(&path, npy(&header(descr, "(4,)"), &data)).expect("written");
        let table = file::read(&path, BitOrder::Lsb).expect(descr);
        assert_eq!(table.values(), wide, "{descr}");
    }
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[4])
        .writer(&mut bytes)
        .begin_nd()
        .expect("an array");
    writer.extend(single).expect("written");
    writer.finish().expect("written");
    std::fs::write(&path, bytes).expect("written");
    assert_eq!(
        file::read(&path, BitOrder::Lsb).expect("read").values(),
        wide
    );
}

#[test]
fn a_file_that_is_no_value_table_says_what_is_wrong() {
    let doubles =
        |values: &[f64]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
    let f8 = |shape: &str, data: &[u8]| npy(&header("'<f8'", shape), data);
    let four = doubles(&[1.0, 2.0, 3.0, 4.0]);
    for (bytes, reason) in [
        (b"".to_vec(), "it ends within the header of a NumPy array"),
        (
            b"[0.0, 1.0, 2.0, 3.0]".to_vec(),
            "it does not begin as a NumPy array (.npy) does",
        ),
        (
            npy(&header("'<f8'", "(4,)"), &four)[..40].to_vec(),
            "it ends within the header of a NumPy array",
        ),
        (
            npy(&header("'<i8'", "(4,)"), &four),
            "it holds values of type '<i8', expected float64 or float32",
        ),
        (
            npy(&header("'<f2'", "(4,)"), &four),
            "it holds values of type '<f2', expected float64 or float32",
        ),
        (
            npy(&header("'<c16'", "(4,)"), &four),
            "it holds values of type '<c16', expected float64 or float32",
        ),
        (
            npy(&header("'|O'", "(4,)"), &four),
            "it holds values of type '|O', expected float64 or float32",
        ),
        (
            f8("(2, 2)", &four),
            "it has the shape (2, 2), expected one dimension of 2^n values",
        ),
        (
            f8("()", &four),
            "it has the shape (), expected one dimension of 2^n values",
        ),
        (
            f8("(1000,)", &four),
            "it holds 1000 values, expected 2^n of them, n from 1 to 24",
        ),
        (
            f8("(0,)", &four),
            "it holds 0 values, expected 2^n of them, n from 1 to 24",
        ),
        (
            f8("(1,)", &four),
            "it holds 1 values, expected 2^n of them, n from 1 to 24",
        ),
        (
            f8("(33554432,)", &four),
            "25 players make 2^25 coalitions; the exact path takes at most 24 players",
        ),
        (f8("(8,)", &four), "it ends after 4 of 8 values"),
        (f8("(2,)", &four), "it goes on after its 2 values"),
        (
            f8("(4,)", &doubles(&[1.0, 2.0, f64::NAN, 4.0])),
            "v({1}) is NaN; every value must be finite",
        ),
        (
            f8("(4,)", &doubles(&[1.0, 2.0, 0.0, f64::INFINITY])),
            "v({0,1}) is inf; every value must be finite",
        ),
    ] {
        assert_eq!(
            complaint(&bytes),
            format!("`t.npy` is not a valid value table: {reason}")
        );
    }
}

#[test]
fn a_hostile_header_is_refused_before_anything_is_built_on_it() {
    let refused = |bytes: Vec<u8>, reason: &str| {
        let text = complaint(&bytes);
        assert!(text.contains(reason), "{text}");
    };
    let plain = "its header is not that of a plain array of numbers";
    let mut huge = b"\x93NUMPY\x02\x00".to_vec();
    huge.extend(u32::MAX.to_le_bytes());
    refused(
        huge,
        "its header is 4294967295 bytes long, expected 1024 at most",
    );
    refused(
        npy(&header("'<f8'", "(4294967296, 4294967296)"), &[]),
        plain,
    );
    refused(
        npy(&header("'<f8'", "(0xffffffffff, 0xffffffffff)"), &[]),
        plain,
    );
    refused(npy(&"(".repeat(1000), &[]), plain);
    refused(npy(&"{".repeat(1000), &[]), plain);
    refused(
        npy(&header("'<f8'", "(-4,)"), &[]),
        "dimension cannot be negative",
    );
    refused(npy("{'descr': '<f8'}", &[]), "its header cannot be read");
    refused(npy("", &[]), "its header cannot be read");
    refused(
        npy(&header("[('a', '<f8')]", "(4,)"), &[]),
        "expected float64 or float32",
    );
    refused(
        b"\x93NUMPY\x09\x00\x00\x00\x00\x00".to_vec(),
        "unsupported version",
    );
}

#[test]
fn a_path_that_cannot_be_used_is_named() {
    let folder = folder();
    let read = |path: PathBuf| file::read(&path, BitOrder::Lsb).expect_err("refused");
    assert!(matches!(
        read(folder.path().join("none.npy")),
        Error::Read { .. }
    ));
    assert!(matches!(read(folder.path().into()), Error::Read { .. }));
    let table = table("and(0,1)");
    let write = |path: PathBuf| file::write(&path, &table).expect_err("refused");
    assert!(matches!(
        write(folder.path().join("none/t.npy")),
        Error::Write { .. }
    ));
    assert!(matches!(write(folder.path().into()), Error::Write { .. }));
    #[cfg(target_os = "linux")]
    assert!(matches!(write("/dev/full".into()), Error::Write { .. }));
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        0
    );
}

proptest! {
    /// Whatever a file holds, it is read or refused; it never brings the program down.
    #[test]
    fn no_file_brings_the_reader_down(
        place in 0usize..120,
        bytes in proptest::collection::vec(any::<u8>(), 0..12),
        symbols in "[-0-9a-z'(){}\\[\\],:. _<>|]{0,24}",
        printable in any::<bool>(),
        cut in 0usize..200,
    ) {
        let mut file = npy(&header("'<f8'", "(4,)"), &[7; 32]);
        let patch = if printable { symbols.into_bytes() } else { bytes };
        for (old, new) in file.iter_mut().skip(place).zip(patch) {
            *old = new;
        }
        file.truncate(cut.max(20));
        let folder = folder();
        let path = folder.path().join("t.npy");
        std::fs::write(&path, file).expect("written");
        let _ = file::read(&path, BitOrder::Msb);
    }
}
