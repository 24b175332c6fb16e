//! Real models, tables and reference numbers that lie outside the repository.

use std::fs::File;
use std::path::{Path, PathBuf};

use harsanyi::ValueTable;

/// The folder `name` of the one that `HARSANYI_SHARED` names; without it a test that needs it says so and passes.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let Some(shared) = std::env::var_os("HARSANYI_SHARED") else {
        #[expect(clippy::print_stderr, reason = "a test that skips must say so")]
        {
            eprintln!("skipped: HARSANYI_SHARED does not name the folder with {name}");
        }
        return None;
    };
    Some(PathBuf::from(shared).join(name))
}

/// The tables of `games/*.f64`, 2^n numbers in index order each, with their names, in the order of the names.
pub(crate) fn games() -> Vec<(String, ValueTable)> {
    let Some(folder) = folder("games") else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "f64"))
        .collect();
    files.sort();
    let table = |path: PathBuf| {
        let bytes = std::fs::read(&path).expect("a table");
        let values: Vec<f64> = bytes
            .chunks_exact(8)
            .map(|bytes| f64::from_le_bytes(bytes.try_into().expect("eight bytes")))
            .collect();
        let players = values.len().trailing_zeros() as usize;
        let name = path.file_stem().expect("a name").to_string_lossy();
        let table = ValueTable::new(players, values).expect("finite");
        (name.into_owned(), table)
    };
    files.into_iter().map(table).collect()
}

/// The numbers of a `.npy` file.
pub(crate) fn npy(path: &Path) -> Vec<f64> {
    let file = File::open(path).expect("opens");
    npyz::NpyFile::new(file)
        .and_then(|array| array.into_vec())
        .expect("float64")
}

/// The numbers of one array of a `.npz` file.
pub(crate) fn npz(path: &Path, array: &str) -> Vec<f64> {
    let mut archive =
        zip::ZipArchive::new(File::open(path).expect("opens")).expect("a zip archive");
    let member = archive.by_name(&format!("{array}.npy")).expect("is there");
    npyz::NpyFile::new(member)
        .and_then(|array| array.into_vec())
        .expect("float64")
}
