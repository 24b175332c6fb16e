//! Archives and folders of NumPy arrays: values beside the coalitions that they belong to.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use npyz::NpyHeader;
use zip::ZipArchive;
use zip::result::ZipError;

use super::{BitOrder, Recorded, array, failed, npy};
use crate::error::Source;
use crate::game::Roster;
use crate::{Coalition, Error, Result};

/// The game in an archive with `values`, and with `coalitions` or else 2^n values in the order of `bits`.
pub(super) fn read(file: File, bits: Option<BitOrder>) -> Result<Recorded, Source> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    let Some(values) = member(&mut archive, "values", array::floats)? else {
        return Err("it holds no array `values`".into());
    };
    let players = member(&mut archive, "n_players", array::scalar)?;
    let found = match member(&mut archive, "coalitions", array::coalitions)? {
        Some(coalitions) => {
            if bits.is_some() {
                return Err("its coalitions say who is present; there are no bits to order".into());
            }
            paired(values, coalitions)?
        }
        None => {
            let Some(mut bytes) = by_name(&mut archive, "values")? else {
                return Err("it holds no array `values`".into());
            };
            npy::table(&mut bytes, bits.unwrap_or_default())?.into()
        }
    };
    let counted = found.roster().players();
    match players.filter(|players| *players != counted as f64) {
        Some(players) => Err(format!(
            "`n_players` says {players}, and its coalitions have {counted} players"
        )
        .into()),
        None => Ok(found),
    }
}

/// The game in a folder with `rewards.npy` and `masks.npy`.
pub(super) fn read_folder(dir: &Path) -> Result<Recorded> {
    let path = dir.join("rewards.npy");
    let values = read_array(&path, array::floats)?;
    let path = dir.join("masks.npy");
    let coalitions = read_array(&path, array::coalitions)?;
    paired(values, coalitions).map_err(|source| failed(dir, source))
}

/// Values and, row by row, who is present.
fn paired(
    values: Vec<f64>,
    (players, coalitions): (usize, Vec<Coalition>),
) -> Result<Recorded, Source> {
    if values.len() != coalitions.len() {
        let (values, coalitions) = (values.len(), coalitions.len());
        return Err(format!("it holds {values} values for {coalitions} coalitions").into());
    }
    let rows = coalitions.into_iter().zip(values).collect();
    Recorded::new(Roster::numbered(players), rows)
}

type Member<'a, R> = zip::read::ZipFile<'a, R>;

fn by_name<'a, R: Read + Seek>(
    archive: &'a mut ZipArchive<R>,
    name: &str,
) -> Result<Option<Member<'a, R>>, Source> {
    match archive.by_name(&format!("{name}.npy")) {
        Ok(member) => Ok(Some(member)),
        Err(ZipError::FileNotFound) => Ok(None),
        Err(error) => Err(damaged(error)),
    }
}

/// What `read` makes of the array `name`, where there is one.
fn member<R: Read + Seek, T>(
    archive: &mut ZipArchive<R>,
    name: &str,
    read: impl FnOnce(NpyHeader, &mut dyn Read) -> Result<T, Source>,
) -> Result<Option<T>, Source> {
    let Some(mut bytes) = by_name(archive, name)? else {
        return Ok(None);
    };
    whole(&mut bytes, read)
        .map(Some)
        .map_err(|error| format!("`{name}`: {error}").into())
}

fn read_array<T>(
    path: &Path,
    read: impl FnOnce(NpyHeader, &mut dyn Read) -> Result<T, Source>,
) -> Result<T> {
    let file = File::open(path).map_err(Error::read(path))?;
    whole(&mut BufReader::new(file), read).map_err(|source| failed(path, source))
}

fn whole<T>(
    bytes: &mut dyn Read,
    read: impl FnOnce(NpyHeader, &mut dyn Read) -> Result<T, Source>,
) -> Result<T, Source> {
    let mut bytes = BufReader::new(bytes);
    let header = crate::npy::header(&mut bytes)?;
    let count = header.shape().iter().product::<u64>() as usize;
    let found = read(header, &mut bytes)?;
    array::ended(&mut bytes, "elements", count)?;
    Ok(found)
}

/// A disk's error stays one; everything else is said of the archive.
fn damaged(error: ZipError) -> Source {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => error.into(),
        error => format!("its archive cannot be read: {error}").into(),
    }
}
