//! Real models, tables and reference numbers that lie outside the repository.

use std::fs::File;
use std::path::{Path, PathBuf};

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
