//! Values on disk as they come, so that a table outlives the process that computes it.
//!
//! In comes the [`Identity`] of a game and how its table is cut into [`Pieces`]; out goes a folder in which every piece is a
//! file, written whole or not at all and believed only when its checksum holds. A store goes on where another process
//! stopped, refuses the values of another game and says in which field the two differ, and may be filled by several processes
//! at once.
//!
//! ```text
//! header.json        the identity, the pieces, what was chosen when the table was begun
//! piece-00000.bin …  one file per piece
//! NAME.json          what is kept beside the pieces
//! lock               held by every process that works here
//! ```

mod identity;
mod piece;

pub use identity::{Difference, Identity};
pub use piece::Piece;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pieces::ranges;
use super::{Game, Pieces, Shard, ValueTable, file};
use crate::{Error, Result};

/// The version of the store's format.
const SCHEMA: u32 = 1;

const HEADER: &str = "header.json";

/// What a store may find where it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Nothing: an unfinished table is refused.
    New,
    /// Nothing, or the same game's unfinished table, which is gone on with; no other process works in it.
    Resume,
    /// As `Resume`, beside other processes that share the table.
    Share,
}

/// The unfinished table of one game, in a folder of its own.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    identity: Identity,
    pieces: Pieces,
    chosen: Value,
    /// Locked as long as the store is open; released by the system however the process ends.
    lock: File,
}

#[derive(Serialize, Deserialize)]
struct Header {
    schema: u32,
    players: usize,
    split: usize,
    identity: Value,
    chosen: Value,
}

impl Store {
    /// Whether `dir` holds an unfinished table.
    pub fn exists(dir: &Path) -> bool {
        dir.join(HEADER).exists()
    }

    /// Opens the store in `dir` for the game that `identity` describes, or begins it with `pieces` and `chosen`: whatever was
    /// decided once and must hold for the whole table. A store that is gone on with keeps its own pieces and choices.
    ///
    /// # Errors
    /// [`Error::Unfinished`] for an unfinished table under [`Opening::New`], [`Error::OtherGame`] for one of another game,
    /// [`Error::Busy`] while another process works in it, [`Error::Read`], [`Error::Write`] and [`Error::Parse`] for what
    /// the disk does.
    pub fn open(
        dir: &Path,
        opening: Opening,
        identity: Identity,
        pieces: Pieces,
        chosen: Value,
    ) -> Result<Self> {
        if opening == Opening::New && Self::exists(dir) {
            return Err(Error::Unfinished { path: dir.into() });
        }
        fs::create_dir_all(dir).map_err(Error::write(dir))?;
        let lock = lock(dir, opening == Opening::Share)?;
        let header = Header {
            schema: SCHEMA,
            players: pieces.players(),
            split: pieces.split(),
            identity: identity.to_json(),
            chosen,
        };
        begin(dir, &header)?;
        let store = Self::found(dir, lock)?;
        match store.identity.difference(&identity) {
            None => Ok(store),
            Some(difference) => Err(Error::OtherGame {
                path: dir.into(),
                field: difference.field,
                stored: difference.here,
                asked: difference.there,
            }),
        }
    }

    /// Opens the store in `dir` whatever its game, alone.
    ///
    /// # Errors
    /// As [`Store::open`]; [`Error::Read`] where there is no store.
    pub fn existing(dir: &Path) -> Result<Self> {
        let header = dir.join(HEADER);
        fs::metadata(&header).map_err(Error::read(header))?;
        let lock = lock(dir, false)?;
        Self::found(dir, lock)
    }

    fn found(dir: &Path, lock: File) -> Result<Self> {
        let path = dir.join(HEADER);
        let bytes = fs::read(&path).map_err(Error::read(&path))?;
        let wrong = |reason: &str| Error::parse(&path, "header of a store")(reason);
        let header: Header =
            serde_json::from_slice(&bytes).map_err(Error::parse(&path, "header of a store"))?;
        if header.schema != SCHEMA {
            return Err(wrong("it was written by another version of this program"));
        }
        let identity = Identity::from_json(header.identity)
            .ok_or_else(|| wrong("its identity is no object"))?;
        Ok(Self {
            dir: dir.into(),
            identity,
            pieces: Pieces::new(header.players, header.split)?,
            chosen: header.chosen,
            lock,
        })
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How the table is cut.
    pub fn pieces(&self) -> Pieces {
        self.pieces
    }

    /// What was chosen when the table was begun.
    pub fn chosen(&self) -> &Value {
        &self.chosen
    }

    fn path(&self, piece: usize) -> PathBuf {
        self.dir.join(format!("piece-{piece:05}.bin"))
    }

    /// The values of `piece`; `None` when they are not there, or not whole.
    ///
    /// # Errors
    /// [`Error::Read`] for a file that is there and cannot be read.
    pub fn read(&self, piece: usize) -> Result<Option<Piece>> {
        let path = self.path(piece);
        match fs::read(&path) {
            Ok(bytes) => {
                let (game, len) = (self.identity.checksum(), self.pieces.len());
                Ok(Piece::from_bytes(&bytes, game, piece, len))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::read(path)(error)),
        }
    }

    /// Puts `content` on disk as piece number `piece`, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Write`]; all other pieces are still there.
    pub fn write(&self, piece: usize, content: &Piece) -> Result<()> {
        let path = self.path(piece);
        let bytes = content.to_bytes(self.identity.checksum(), piece);
        file::atomically(&path, |file| file.write_all(&bytes)).map_err(Error::write(path))
    }

    /// Keeps `value` beside the pieces.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn keep(&self, name: &str, value: &Value) -> Result<()> {
        let path = self.dir.join(name).with_extension("json");
        file::atomically(&path, |file| Ok(serde_json::to_writer(file, value)?))
            .map_err(Error::write(path))
    }

    /// What was kept as `name`, if it can be read.
    pub fn kept(&self, name: &str) -> Option<Value> {
        let bytes = fs::read(self.dir.join(name).with_extension("json")).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The pieces of `shard` that are not there, or not whole, ascending.
    ///
    /// # Cost
    /// Reads every piece that is there.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn missing(&self, shard: Shard) -> Result<Vec<usize>> {
        let mut missing = Vec::new();
        for piece in (0..self.pieces.count()).filter(|&piece| shard.owns(piece)) {
            if self.read(piece)?.is_none() {
                missing.push(piece);
            }
        }
        Ok(missing)
    }

    /// Computes and stores what is missing of `shard`. `note` tells after each piece what is noted beside it, and `go_on`
    /// whether to go on, given how many coalitions are newly on disk; returns whether all of the share is there.
    ///
    /// # Errors
    /// The game's, or the disk's; what was stored before stays.
    pub fn fill<G: Game + ?Sized>(
        &self,
        game: &mut G,
        shard: Shard,
        mut note: impl FnMut(&mut G) -> Value,
        mut go_on: impl FnMut(usize) -> bool,
    ) -> Result<bool> {
        let missing = self.missing(shard)?;
        for (at, &piece) in missing.iter().enumerate() {
            let values = self.pieces.ask(game, piece)?;
            let note = note(game);
            self.write(piece, &Piece { values, note })?;
            if !go_on(self.pieces.len()) && at + 1 < missing.len() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The whole table, and the notes beside its pieces.
    ///
    /// # Errors
    /// [`Error::PiecesMissing`], which says what is missing, and [`Error::Read`].
    pub fn table(&self) -> Result<(ValueTable, Vec<Value>)> {
        let missing = self.missing(Shard::WHOLE)?;
        if !missing.is_empty() {
            return Err(Error::PiecesMissing {
                path: self.dir.clone(),
                missing: missing.len(),
                of: self.pieces.count(),
                which: ranges(&missing),
            });
        }
        let (mut values, mut notes) = (Vec::new(), Vec::new());
        for number in 0..self.pieces.count() {
            let piece = self.read(number)?.ok_or_else(|| {
                // It was there a moment ago.
                Error::read(self.path(number))(ErrorKind::NotFound.into())
            })?;
            values.push(piece.values);
            notes.push(piece.note);
        }
        Ok((self.pieces.join(values)?, notes))
    }

    /// Whether no other process works here any more; if so, none can begin before this store is dropped.
    pub fn is_last(&self) -> bool {
        // A lock that is shared must be let go before it can be had alone; where two processes finish together, the later
        // one to let go has it.
        let _ = self.lock.unlock();
        !matches!(self.lock.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Removes the store, whose table is elsewhere by now.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn remove(self) -> Result<()> {
        fs::remove_dir_all(&self.dir).map_err(Error::write(&self.dir))
    }

    /// Removes what a process that was killed left in `dir` of a table that is elsewhere by now, that of the game that
    /// `identity` describes. What is another game's stays, and what a process works in.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Write`] and [`Error::Parse`] for what the disk does.
    pub fn clear(dir: &Path, identity: &Identity) -> Result<()> {
        if !dir.exists() {
            return Ok(());
        }
        let lock = match lock(dir, false) {
            Err(Error::Busy { .. }) => return Ok(()),
            held => held?,
        };
        if !Self::exists(dir) {
            // The header goes first or last, as the file system likes.
            return fs::remove_dir_all(dir).map_err(Error::write(dir));
        }
        let store = Self::found(dir, lock)?;
        match store.identity.difference(identity) {
            None => store.remove(),
            Some(_) => Ok(()),
        }
    }

    /// Closes the store, and removes it when it holds no piece and nobody else works in it.
    ///
    /// # Errors
    /// As [`Store::read`] and [`Store::remove`].
    pub fn close(self) -> Result<()> {
        let empty = (0..self.pieces.count()).all(|piece| !self.path(piece).exists());
        match empty && self.is_last() {
            true => self.remove(),
            false => Ok(()),
        }
    }
}

/// The lock on `dir`. A file system without locks is taken at its word that nobody else is there.
fn lock(dir: &Path, shared: bool) -> Result<File> {
    let path = dir.join("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = file.map_err(Error::write(path))?;
    let held = match shared {
        true => file.try_lock_shared(),
        false => file.try_lock(),
    };
    match held {
        Err(TryLockError::WouldBlock) => Err(Error::Busy { path: dir.into() }),
        _ => Ok(file),
    }
}

/// Writes the header unless there is one; of several processes that begin at once, one does.
fn begin(dir: &Path, header: &Header) -> Result<()> {
    let path = dir.join(HEADER);
    if path.exists() {
        return Ok(());
    }
    let write = || {
        let (temporary, mut file) = file::sibling(&path)?;
        let json = serde_json::to_vec_pretty(header)?;
        let done = file
            .write_all(&json)
            .and_then(|()| file.sync_all())
            // A link appears whole and never replaces the header of a process that came first.
            .and_then(|()| match fs::hard_link(&temporary, &path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
                Err(_) => fs::rename(&temporary, &path),
                Ok(()) => Ok(()),
            });
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => done.and(Err(error)),
            _ => done,
        }
    };
    write().map_err(Error::write(&path))
}

#[cfg(test)]
mod tests;
