//! Files that are written whole or not at all.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::game::file;
use crate::{Error, Result};

/// Creates `dir` and what is missing above it, and makes sure that a file can be written there, so that a run which would
/// lose its result does not begin.
///
/// # Errors
/// [`Error::Write`] naming the folder.
pub fn create(dir: &Path) -> Result<()> {
    if dir.exists() && !dir.is_dir() {
        return Err(Error::write(dir)(std::io::ErrorKind::NotADirectory.into()));
    }
    fs::create_dir_all(dir).map_err(Error::write(dir))?;
    let probe = file::sibling(&dir.join("writable")).and_then(|(path, _)| fs::remove_file(path));
    probe.map_err(Error::write(dir))
}

/// Removes what writes that were cut short left in `dir`: those of process `of`, or of all.
pub fn sweep(dir: &Path, of: Option<u32>) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let owner = name.to_str().and_then(file::sibling_of);
        if owner.is_some_and(|owner| of.is_none_or(|of| of == owner)) {
            // What cannot be removed does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Writes `content` to `path` through a sibling that is renamed over it, so that no reader ever sees half a file.
///
/// # Errors
/// [`Error::Write`] naming the file; what stood at `path` before is then still there.
pub fn write(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    file::atomically(path, |buffered| content(buffered)).map_err(Error::write(path))
}

/// Writes `value` as JSON, indented for people.
///
/// # Errors
/// As [`fn@write`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    write(path, |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    })
}

/// Writes `value` as JSON on one line, for documents of thousands of entries.
///
/// # Errors
/// As [`fn@write`].
pub fn write_compact_json(path: &Path, value: &impl Serialize) -> Result<()> {
    write(path, |file| {
        serde_json::to_writer(&mut *file, value)?;
        file.write_all(b"\n")
    })
}

/// Removes the file `path`, where it is there.
///
/// # Errors
/// [`Error::Write`] naming the file.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::write(path)(error))
        }
        _ => Ok(()),
    }
}

/// Numbers beyond this are no values of a network, and their sums might overflow.
pub(super) const LARGEST: f64 = 1e100;

/// The document of type `T` in the JSON file `path`.
///
/// # Errors
/// [`Error::Read`], or [`Error::Parse`] where the file holds something else than a `format`.
pub fn read_json<T: DeserializeOwned>(path: &Path, format: &'static str) -> Result<T> {
    let bytes = fs::read(path).map_err(Error::read(path))?;
    serde_json::from_slice(&bytes).map_err(Error::parse(path, format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_write_left_is_swept_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a folder");
        let names = [
            ".values.npy.17-0.tmp",
            ".a.18-3.tmp",
            ".mine.tmp",
            "values.npy",
            ".x-y.tmp",
            "a.17-0.tmp",
        ];
        for name in names {
            fs::write(dir.path().join(name), b"x").expect("written");
        }
        let left = || {
            let entries = fs::read_dir(dir.path()).expect("a folder");
            let names = entries.map(|entry| entry.expect("an entry").file_name());
            let mut names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
            names.sort();
            names
        };
        sweep(dir.path(), Some(17));
        assert_eq!(left().len(), 5);
        sweep(dir.path(), None);
        assert_eq!(
            left(),
            [".mine.tmp", ".x-y.tmp", "a.17-0.tmp", "values.npy"]
        );
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("file");
        write(&path, |file| file.write_all(b"old")).expect("written");
        let failing = |file: &mut dyn Write| {
            file.write_all(b"new")?;
            Err(std::io::Error::other("the disk is full"))
        };
        let error = write(&path, failing).expect_err("fails").to_string();
        assert_eq!(error, format!("could not write `{}`", path.display()));
        assert_eq!(fs::read(&path).expect("still there"), b"old");
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 1);
    }
}
