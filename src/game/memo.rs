//! Values kept in a file as they come, so that no coalition is paid for twice.
//!
//! The file is one line of JSON that says which game it belongs to, then records of one length: the coalition as 64-bit words,
//! its value as a float64, and a CRC-32 of both, all little-endian. A record that was cut off by a kill or does not match its
//! checksum costs one value and nothing else.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Game, checked, roster};
use crate::error::Source;
use crate::{Coalition, Error, Result};

/// The version of the file's format.
const VERSION: u32 = 1;

/// The longest first line that is read.
const LONGEST_HEADER: u64 = 1 << 20;

/// Which game a memo belongs to: whatever changes v, by name.
pub type Identity = BTreeMap<String, String>;

/// The first line of a memo.
#[derive(PartialEq, Serialize, Deserialize)]
struct Header {
    harsanyi_memo: u32,
    players: usize,
    identity: Identity,
}

/// A game that remembers, beyond the end of the program, what it was asked before.
pub struct Memo<G> {
    game: G,
    known: HashMap<Coalition, f64>,
    records: Records,
    damaged: usize,
}

/// The open file.
struct Records {
    path: PathBuf,
    file: File,
    /// Where the next record goes.
    end: u64,
    /// 64-bit words per coalition.
    words: usize,
}

impl<G: Game> Memo<G> {
    /// `game`, which answers from the file at `path` what stands there and adds to it what does not. The file is made where
    /// there is none, and no second run can open it as long as this one has it open.
    ///
    /// # Cost
    /// One pass over the file; some 60 bytes of memory per value in it.
    ///
    /// # Errors
    /// [`Error::Read`] or [`Error::Write`] of the file; [`Error::Parse`] when it is no memo, or that of another game.
    ///
    /// # Example
    /// ```
    /// use harsanyi::game::{memo::{Identity, Memo}, synthetic};
    /// use harsanyi::tabulate;
    /// # let folder = tempfile::tempdir().expect("a folder");
    /// # let path = folder.path().join("and.memo");
    /// let identity = Identity::from([("game".into(), "and(0,1)*2".into())]);
    /// let mut game = Memo::open(synthetic::parse("and(0,1)*2")?, &path, identity.clone())?;
    /// tabulate(&mut game, |_| ())?;
    /// drop(game);
    /// let again = Memo::open(synthetic::parse("and(0,1)*2")?, &path, identity)?;
    /// assert_eq!(again.len(), 4);
    /// # Ok::<(), harsanyi::Error>(())
    /// ```
    pub fn open(game: G, path: &Path, identity: Identity) -> Result<Self> {
        let players = game.players();
        roster::check(players)?;
        let expected = Header {
            harsanyi_memo: VERSION,
            players,
            identity,
        };
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(false);
        let file = opened.open(path).map_err(Error::write(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let busy = io::Error::other("another run has it open");
                return Err(Error::write(path)(busy));
            }
            // A file system without locks is no reason not to remember.
            Err(TryLockError::Error(_)) => {}
        }
        let mut records = Records {
            path: path.into(),
            file,
            end: 0,
            words: players.div_ceil(64),
        };
        if let Some(end) = records.header(&expected)? {
            records.end = end;
        } else {
            let mut line = serde_json::to_vec(&expected).expect("text and numbers are JSON");
            line.push(b'\n');
            let written = records.file.set_len(0).and_then(|()| records.append(&line));
            written.map_err(Error::write(path))?;
        }
        let (known, damaged) = records.read(players).map_err(Error::read(path))?;
        Ok(Self {
            game,
            known,
            records,
            damaged,
        })
    }

    /// How many coalitions are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether nothing is known yet.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// How many records of the file were damaged and are asked anew.
    pub fn damaged(&self) -> usize {
        self.damaged
    }
}

impl Records {
    /// Where the records begin; `None` where nothing is written yet, or not even a whole first line.
    fn header(&mut self, expected: &Header) -> Result<Option<u64>> {
        let mut line = Vec::new();
        let read = BufReader::new(&self.file)
            .take(LONGEST_HEADER)
            .read_until(b'\n', &mut line);
        read.map_err(Error::read(&self.path))?;
        let whole = serde_json::to_vec(expected).expect("text and numbers are JSON");
        if line.last() != Some(&b'\n') && whole.starts_with(&line) {
            return Ok(None);
        }
        let refused = |reason: Source| Error::parse(&self.path, "memo")(reason);
        let found: Header = serde_json::from_slice(&line)
            .map_err(|_| refused("it does not begin as a memo does".into()))?;
        if found.harsanyi_memo != VERSION {
            let version = found.harsanyi_memo;
            return Err(refused(
                format!("it is of version {version}, expected {VERSION}").into(),
            ));
        }
        match difference(&found, expected) {
            Some(what) => Err(refused(
                format!("it belongs to another game: {what}").into(),
            )),
            None => Ok(Some(line.len() as u64)),
        }
    }

    /// All whole records, and how many were damaged; what was cut off at the end is dropped.
    fn read(&mut self, players: usize) -> io::Result<(HashMap<Coalition, f64>, usize)> {
        let (mut known, mut damaged) = (HashMap::new(), 0);
        let grand = Coalition::grand(players);
        self.file.seek(SeekFrom::Start(self.end))?;
        let mut bytes = vec![0; 8 * self.words + 12];
        let mut file = BufReader::new(&self.file);
        loop {
            match file.read_exact(&mut bytes) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            }
            self.end += bytes.len() as u64;
            match parse(&bytes).filter(|(coalition, _)| coalition.is_subset_of(&grand)) {
                Some((coalition, value)) => {
                    known.insert(coalition, value);
                }
                None => damaged += 1,
            }
        }
        drop(file);
        self.file.set_len(self.end)?;
        Ok((known, damaged))
    }

    /// Adds `bytes` whole or not at all.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self
            .file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(bytes));
        match written {
            Ok(()) => self.end += bytes.len() as u64,
            // Otherwise later records would not stand where they are looked for.
            Err(_) => self.file.set_len(self.end)?,
        }
        written
    }

    fn add(&mut self, coalition: &Coalition, value: f64) -> io::Result<()> {
        let words = coalition.words();
        let padded = (0..self.words).map(|at| words.get(at).copied().unwrap_or(0));
        let mut bytes: Vec<u8> = padded.flat_map(u64::to_le_bytes).collect();
        bytes.extend(value.to_le_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        self.append(&bytes)
    }
}

/// The coalition and value of a record that is what was written.
fn parse(bytes: &[u8]) -> Option<(Coalition, f64)> {
    let (content, checksum) = bytes.split_last_chunk()?;
    let (coalition, value) = content.split_last_chunk()?;
    let value = f64::from_le_bytes(*value);
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) || !value.is_finite() {
        return None;
    }
    let (words, _) = coalition.as_chunks();
    let words = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    Some((Coalition::from_words(words), value))
}

/// What tells two games apart, in words.
fn difference(found: &Header, expected: &Header) -> Option<String> {
    if found.players != expected.players {
        let (found, expected) = (found.players, expected.players);
        return Some(format!("it has {found} players, and this one {expected}"));
    }
    let value = |of: &Identity, key| of.get(key).cloned().unwrap_or_else(|| "nothing".into());
    let keys = found.identity.keys().chain(expected.identity.keys());
    keys.map(|key| {
        let (found, expected) = (value(&found.identity, key), value(&expected.identity, key));
        (key, found, expected)
    })
    .find(|(_, found, expected)| found != expected)
    .map(|(key, found, expected)| format!("its {key} is `{found}`, and this one's `{expected}`"))
}

impl<G: Game> Game for Memo<G> {
    fn players(&self) -> usize {
        self.game.players()
    }

    fn values(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        self.values_heard(coalitions, &mut |_, _| ())
    }

    /// # Errors
    /// Of the game; or [`Error::Write`] when a value cannot be kept.
    fn values_heard(
        &mut self,
        coalitions: &[Coalition],
        heard: &mut dyn FnMut(usize, f64),
    ) -> Result<Vec<f64>> {
        // Each coalition that is new, with the places that ask for it.
        let mut asked: Vec<Coalition> = Vec::new();
        let mut places: Vec<Vec<usize>> = Vec::new();
        let mut new: HashMap<&Coalition, usize> = HashMap::new();
        let mut values = vec![0.0; coalitions.len()];
        for (at, coalition) in coalitions.iter().enumerate() {
            if let Some(&value) = self.known.get(coalition) {
                values[at] = value;
                heard(at, value);
                continue;
            }
            let place = *new.entry(coalition).or_insert(asked.len());
            if place == asked.len() {
                asked.push(coalition.clone());
                places.push(Vec::new());
            }
            places[place].push(at);
        }
        if asked.is_empty() {
            return Ok(values);
        }
        let (known, records) = (&mut self.known, &mut self.records);
        let mut unkept = Ok(());
        let answered = self.game.values_heard(&asked, &mut |at, value| {
            // A value that is not finite is an error, which whoever asked will say.
            if value.is_finite() && unkept.is_ok() {
                known.insert(asked[at].clone(), value);
                unkept = records.add(&asked[at], value);
            }
            for &place in &places[at] {
                heard(place, value);
            }
        })?;
        unkept.map_err(Error::write(&self.records.path))?;
        for (places, value) in places.iter().zip(checked(answered, &asked)?) {
            for &place in places {
                values[place] = value;
            }
        }
        Ok(values)
    }
}
