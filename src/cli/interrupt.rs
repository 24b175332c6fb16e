//! Ctrl-C and SIGTERM: what is under way is finished and kept; asked again, or with nothing to keep, the program ends at once.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use harsanyi::Result;
use harsanyi::report::folder;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::output::STOPPED;

/// A run that was asked to stop and did.
#[derive(Debug, thiserror::Error)]
#[error("interrupted; {kept}")]
pub(crate) struct Interrupted {
    /// What is on disk.
    pub(crate) kept: String,
}

/// Whether somebody asked the program to stop, and what it would leave behind.
#[derive(Default)]
pub(crate) struct Interrupt {
    asked: AtomicBool,
    /// Whether something is under way that is worth finishing.
    keeping: AtomicBool,
    /// Folders that this run made, outermost first.
    folders: Mutex<Vec<PathBuf>>,
}

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Arc<Self> {
        let interrupt = Arc::new(Self::default());
        // Without signals, as on a system that has none, the program ends as it always did.
        if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) {
            let heard = Arc::clone(&interrupt);
            std::thread::spawn(move || {
                for _ in &mut signals {
                    heard.hear();
                }
            });
        }
        interrupt
    }

    fn hear(&self) {
        let again = self.asked.swap(true, Ordering::SeqCst);
        if again || !self.keeping.load(Ordering::SeqCst) {
            self.tidy();
            std::process::exit(STOPPED.into());
        }
        let _ = writeln!(
            std::io::stderr(),
            "\nstopping once the piece under way is on disk; asked again, at once"
        );
    }

    /// Whether to stop at the next good place.
    pub(crate) fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Runs `work`, in which a first request to stop is left to [`Interrupt::asked`].
    pub(crate) fn keeping<T>(&self, work: impl FnOnce() -> T) -> T {
        self.keeping.store(true, Ordering::SeqCst);
        let done = work();
        self.keeping.store(false, Ordering::SeqCst);
        done
    }

    /// Creates `dir`, and remembers what of it was not there before.
    pub(crate) fn create(&self, dir: &Path) -> Result<()> {
        let missing: Vec<PathBuf> = dir
            .ancestors()
            .take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists())
            .map(Path::to_owned)
            .collect();
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.extend(missing.into_iter().rev());
        drop(folders);
        folder::create(dir)
    }

    /// Removes the folders that this run made and put nothing into.
    pub(crate) fn tidy(&self) {
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        for dir in folders.iter().rev() {
            folder::sweep(dir, Some(std::process::id()));
            // A folder with something in it stays.
            let _ = fs::remove_dir(dir);
        }
    }
}
