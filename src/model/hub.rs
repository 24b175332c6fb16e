//! Checkpoints from the Hugging Face hub, kept in the cache folder that its other clients share.
//!
//! hf-hub 0.5 gives the addresses and the client. Its own download is not used: it fails where a server
//! compresses the answer from which it reads a file's size (huggingface/hf-hub#141), takes a file that was cut
//! short for a whole one, names files after headers unchecked, and shows the token to whatever host a
//! redirect leads to.

mod download;
mod options;
mod remote;
mod snapshot;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, Result, Source};

pub use self::options::HubOptions;
use self::remote::Remote;
use self::snapshot::{Snapshot, write};

const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
const OPTIONAL: [&str; 4] = [
    "preprocessor_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
];
/// Endings of weight files that run code when they are read.
const PICKLES: [&str; 5] = [".bin", ".pt", ".pth", ".pkl", ".ckpt"];

/// A model on the hub: `org/name`, at a branch, a tag or a commit.
///
/// ```
/// use harsanyi::model::hub::HubId;
///
/// let id: HubId = "org/name@v1.0".parse()?;
/// assert_eq!((id.repository(), id.revision()), ("org/name", "v1.0"));
/// assert!("../name".parse::<HubId>().is_err());
/// # Ok::<(), harsanyi::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubId {
    repository: String,
    revision: String,
}

impl HubId {
    /// `org/name`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// A branch, a tag or a commit hash; `main` where none was given.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    fn failed(&self, reason: impl Into<String>) -> Error {
        Error::Hub {
            repository: self.repository.clone(),
            reason: reason.into(),
            source: None,
        }
    }

    fn failed_by(&self, source: Source, reason: impl Into<String>) -> Error {
        Error::Hub {
            repository: self.repository.clone(),
            reason: reason.into(),
            source: Some(source),
        }
    }
}

/// Reads `org/name[@revision]`; what could leave the cache folder as a path is refused.
impl FromStr for HubId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (repository, revision) = text.split_once('@').unwrap_or((text, "main"));
        let named = repository
            .split_once('/')
            .is_some_and(|(org, name)| is_name(org) && is_name(name));
        let revised = revision.len() <= 250 && revision.split('/').all(is_revision_part);
        if !(named && revised) {
            return Err(Error::Parameter {
                parameter: "a hub id",
                must: "`org/name` or `org/name@revision`",
                got: format!("`{}`", text.escape_debug()),
            });
        }
        Ok(Self {
            repository: repository.to_owned(),
            revision: revision.to_owned(),
        })
    }
}

impl fmt::Display for HubId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.revision.as_str() {
            "main" => f.write_str(&self.repository),
            revision => write!(f, "{}@{revision}", self.repository),
        }
    }
}

/// A checkpoint in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The snapshot: a folder in Hugging Face layout.
    pub folder: PathBuf,
    /// The commit hash that the revision stands for.
    pub revision: String,
}

/// Brings the files of `id` that a model needs into the cache, and says where they are.
///
/// What the cache holds is not asked for again: offline, and for a commit hash, a complete snapshot costs
/// no request; for a branch or a tag it costs the one that lists the repository. Every file received has the
/// size that the hub lists, and the SHA-256 where it lists one, as for weights; what was cut short is kept
/// aside and resumed. `progress` hears a file's name, how many of its bytes are here, and its size.
///
/// # Errors
///
/// [`Error::Hub`] when the repository, the revision or a file is missing, a token is needed, the server does
/// not answer or sends something else than it lists; [`Error::Write`] when the disk does not take it.
pub fn fetch(
    id: &HubId,
    options: &HubOptions,
    mut progress: impl FnMut(&str, u64, u64),
) -> Result<Fetched> {
    let Some(cache) = &options.cache else {
        return Err(id.failed("there is no cache folder to put it in"));
    };
    let store = cache.join(format!("models--{}", id.repository.replace('/', "--")));
    let cached = Snapshot::cached(id, &store);
    if options.offline {
        let absent = match &cached {
            Some(snapshot) => snapshot.absent()?,
            None => Some(CONFIG.to_owned()),
        };
        return match (cached, absent) {
            (Some(snapshot), None) => Ok(snapshot.fetched),
            (_, absent) => Err(id.failed(format!(
                "`{}` of revision `{}` is not in the cache `{}`, and offline mode is on",
                absent.unwrap_or_default(),
                id.revision,
                cache.display()
            ))),
        };
    }
    if let Some(snapshot) = &cached
        && snapshot.is_final()
        && snapshot.absent()?.is_none()
    {
        return Ok(snapshot.fetched.clone());
    }

    let remote = Remote::new(id, options, cache)?;
    let complete = || matches!(cached.as_ref().map(Snapshot::absent), Some(Ok(None)));
    let listing = remote.listing(complete)?;
    if is_hash(&id.revision, 40) && !id.revision.eq_ignore_ascii_case(&listing.sha) {
        return Err(id.failed(format!("the server lists commit {} instead", listing.sha)));
    }
    let snapshot = Snapshot::new(id, &store, &listing.sha);
    let weights = listing.weights(id)?;
    let mut bring = |name: &str| -> Result<()> {
        let file = listing.file(id, name)?;
        download::bring(&remote, &snapshot, file, &mut progress)
    };
    bring(CONFIG)?;
    if snapshot.reads_text() {
        bring(TOKENIZER)?;
    }
    bring(weights)?;
    for name in OPTIONAL {
        match listing.find(name) {
            Some(_) => bring(name)?,
            None => snapshot.note_absence(name)?,
        }
    }
    if weights == INDEX {
        for shard in snapshot.shards()? {
            bring(&shard)?;
        }
    }
    // Last, so that a branch never stands for a snapshot that is not whole.
    if id.revision != listing.sha {
        write(&store.join("refs").join(&id.revision), &listing.sha)?;
    }
    Ok(snapshot.fetched)
}

/// A name as the hub takes it; `--` is how the cache writes `/`.
fn is_name(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 96
        && text.starts_with(word)
        && text.ends_with(word)
        && text.chars().all(|c| word(c) || c == '-' || c == '.')
        && !text.contains("--")
        && !text.contains("..")
}

fn is_revision_part(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    !text.is_empty() && !text.starts_with('.') && text.chars().all(plain)
}

/// `length` hexadecimal digits: a hash, and safe as a file name.
fn is_hash(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit())
}
