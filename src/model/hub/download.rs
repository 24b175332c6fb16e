//! A listed file brought into a snapshot: resumed, measured, hashed, and only then given its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::remote::{Listed, Remote};
use super::{HubId, Snapshot};
use crate::error::{Error, Result};

/// Puts one file into the snapshot, over the network only where its blob is not here.
pub(super) fn bring(
    remote: &Remote<'_>,
    snapshot: &Snapshot<'_>,
    file: &Listed,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<()> {
    let (hash, size) = file.blob(remote.id)?;
    let entry = snapshot.fetched.folder.join(&file.rfilename);
    if length(&entry) == Some(size) {
        return Ok(());
    }
    let blobs = snapshot.store.join("blobs");
    let blob = blobs.join(&hash);
    for folder in [&blobs, &snapshot.fetched.folder] {
        fs::create_dir_all(folder).map_err(Error::write(folder))?;
    }
    if length(&blob) != Some(size) {
        let mut part = Part::open(&blob, file.lfs.is_some())?;
        // Another process may have brought it while this one waited for the lock.
        if length(&blob) != Some(size) {
            receive(
                remote,
                &snapshot.fetched.revision,
                &file.rfilename,
                size,
                &mut part,
                progress,
            )?;
            part.finish(remote.id, &file.rfilename, &hash, &blob)?;
        }
    }
    let linked = match link(&hash, &entry) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            match length(&entry) == Some(size) {
                true => Ok(()),
                // It leads nowhere, or to something else.
                false => fs::remove_file(&entry).and_then(|()| link(&hash, &entry)),
            }
        }
        linked => linked,
    };
    linked.map_err(Error::write(entry))
}

/// Fills `part` up to `size` bytes, asking again for the rest as long as each answer brings some of it.
fn receive(
    remote: &Remote<'_>,
    commit: &str,
    name: &str,
    size: u64,
    part: &mut Part,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<()> {
    // What no hash will prove is not resumed from another run.
    if part.length > size || part.digest.is_none() {
        part.empty()?;
    }
    let mut buffer = vec![0; 1 << 16];
    progress(name, part.length, size);
    while part.length < size {
        let start = part.length;
        let mut answer = remote.ask(commit, Some((name, start))).map_err(|source| {
            remote.id.failed_by(
                source,
                format!("{} when asked for `{name}`", remote.silence()),
            )
        })?;
        match answer.status {
            206 if answer.range.starts_with(&format!("bytes {start}-")) => {}
            // A server may ignore the range, and begin anew.
            200 => part.empty()?,
            206 | 416 => {
                part.empty()?;
                return Err(remote.id.failed(format!(
                    "{} cannot resume `{name}`; the next attempt starts anew",
                    remote.server()
                )));
            }
            _ => return Err(remote.refusal(&answer, Some(name))),
        }
        let cut = loop {
            match answer.body.read(&mut buffer) {
                Ok(0) => break None,
                Ok(count) if part.length + count as u64 > size => {
                    part.empty()?;
                    return Err(remote
                        .id
                        .failed(format!("`{name}` is longer than the {size} bytes listed")));
                }
                Ok(count) => part.append(&buffer[..count])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
            progress(name, part.length, size);
        };
        if part.length < size && part.length <= start {
            let reason = format!(
                "`{name}` was cut short: {} of {size} bytes came; the next attempt resumes there",
                part.length
            );
            return Err(match cut {
                Some(error) => remote.id.failed_by(error.into(), reason),
                None => remote.id.failed(reason),
            });
        }
    }
    Ok(())
}

/// A blob under way, locked against other processes.
struct Part {
    path: PathBuf,
    file: File,
    length: u64,
    /// SHA-256 of what is in the file, for files that are listed with theirs: weights, not the small texts.
    digest: Option<Sha256>,
}

impl Part {
    fn open(blob: &Path, hashed: bool) -> Result<Self> {
        let path = blob.with_extension("part");
        let open = || -> io::Result<(File, u64, Option<Sha256>)> {
            let mut file = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .open(&path)?;
            match file.lock() {
                // Some network disks have no locks.
                Err(error) if error.kind() != ErrorKind::Unsupported => return Err(error),
                _ => {}
            }
            let mut digest = hashed.then(Sha256::new);
            let length = match &mut digest {
                Some(digest) => io::copy(&mut file, digest)?,
                None => file.metadata()?.len(),
            };
            Ok((file, length, digest))
        };
        let (file, length, digest) = open().map_err(Error::write(&path))?;
        Ok(Self {
            path,
            file,
            length,
            digest,
        })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(Error::write(&self.path))?;
        self.length += bytes.len() as u64;
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
        Ok(())
    }

    fn empty(&mut self) -> Result<()> {
        self.file.set_len(0).map_err(Error::write(&self.path))?;
        self.length = 0;
        if let Some(digest) = &mut self.digest {
            digest.reset();
        }
        Ok(())
    }

    /// Gives a whole and right file the name of its blob.
    fn finish(&mut self, id: &HubId, name: &str, hash: &str, blob: &Path) -> Result<()> {
        if let Some(digest) = &mut self.digest
            && format!("{:x}", digest.finalize_reset()) != hash
        {
            self.empty()?;
            return Err(id.failed(format!(
                "`{name}` came with another SHA-256 than listed, and was dropped"
            )));
        }
        self.file
            .sync_all()
            .and_then(|()| fs::rename(&self.path, blob))
            .map_err(Error::write(&self.path))
    }
}

/// The length of the file that `path` leads to.
fn length(path: &Path) -> Option<u64> {
    fs::metadata(path)
        .ok()
        .filter(fs::Metadata::is_file)
        .map(|found| found.len())
}

#[cfg(unix)]
fn link(hash: &str, entry: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(Path::new("../../blobs").join(hash), entry)
}

/// Symbolic links are a privilege on Windows.
#[cfg(not(unix))]
fn link(hash: &str, entry: &Path) -> io::Result<()> {
    let store = entry.ancestors().nth(3).unwrap_or(entry);
    fs::hard_link(store.join("blobs").join(hash), entry)
}
