//! Files that appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

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
