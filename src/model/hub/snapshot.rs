//! The cache on disk, in the layout of the hub's Python client.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{
    CONFIG, Fetched, HubId, INDEX, OPTIONAL, TOKENIZER, WEIGHTS, is_hash, is_revision_part,
};
use crate::error::{Error, Result};
use crate::model::checkpoint;

/// One commit of one repository in the cache.
pub(super) struct Snapshot<'a> {
    id: &'a HubId,
    /// `models--org--name`, which holds `blobs`, `refs` and `snapshots`.
    pub(super) store: &'a Path,
    pub(super) fetched: Fetched,
}

impl<'a> Snapshot<'a> {
    pub(super) fn new(id: &'a HubId, store: &'a Path, commit: &str) -> Self {
        let fetched = Fetched {
            folder: store.join("snapshots").join(commit),
            revision: commit.to_owned(),
        };
        Self { id, store, fetched }
    }

    /// What the revision stood for when it was last fetched, by whichever client.
    pub(super) fn cached(id: &'a HubId, store: &'a Path) -> Option<Self> {
        if is_hash(&id.revision, 40) {
            return Some(Self::new(id, store, &id.revision));
        }
        let commit = fs::read_to_string(store.join("refs").join(&id.revision)).ok()?;
        let commit = commit.trim();
        is_hash(commit, 40).then(|| Self::new(id, store, commit))
    }

    /// The first file that a model cannot do without and that is not here.
    pub(super) fn absent(&self) -> Result<Option<String>> {
        let lacks = |name: &str| !self.fetched.folder.join(name).is_file();
        if lacks(CONFIG) {
            return Ok(Some(CONFIG.to_owned()));
        }
        if lacks(TOKENIZER) && self.reads_text() {
            return Ok(Some(TOKENIZER.to_owned()));
        }
        Ok(match (lacks(WEIGHTS), lacks(INDEX)) {
            (false, _) => None,
            (true, true) => Some(WEIGHTS.to_owned()),
            (true, false) => self.shards()?.into_iter().find(|name| lacks(name)),
        })
    }

    /// Whether the network whose `config.json` is here needs a tokenizer; one that cannot be told about does.
    pub(super) fn reads_text(&self) -> bool {
        let text = fs::read(self.fetched.folder.join(CONFIG)).unwrap_or_default();
        serde_json::from_slice(&text).map_or(true, |config| checkpoint::reads_text(&config))
    }

    /// Whether the hub could add nothing: a commit does not change, and each optional file is here or known not to exist.
    pub(super) fn is_final(&self) -> bool {
        let known =
            |name: &&str| self.fetched.folder.join(name).is_file() || self.absence(name).is_file();
        self.id.revision == self.fetched.revision && OPTIONAL.iter().all(known)
    }

    fn absence(&self, name: &str) -> PathBuf {
        self.store
            .join(".no_exist")
            .join(&self.fetched.revision)
            .join(name)
    }

    pub(super) fn note_absence(&self, name: &str) -> Result<()> {
        write(&self.absence(name), "")
    }

    /// The shards that the index here names, each a plain file name.
    pub(super) fn shards(&self) -> Result<BTreeSet<String>> {
        #[derive(Deserialize)]
        struct Index {
            weight_map: BTreeMap<String, String>,
        }
        let path = self.fetched.folder.join(INDEX);
        let text = fs::read(&path).map_err(Error::read(&path))?;
        let index: Index =
            serde_json::from_slice(&text).map_err(Error::parse(&path, "safetensors index"))?;
        let shards: BTreeSet<String> = index.weight_map.into_values().collect();
        match shards.iter().find(|name| !is_shard(name)) {
            Some(name) => Err(self.id.failed(format!(
                "`{INDEX}` names the shard `{}`, which is no plain name of a safetensors file",
                name.escape_debug()
            ))),
            None if shards.is_empty() => Err(self.id.failed(format!("`{INDEX}` names no shard"))),
            None => Ok(shards),
        }
    }
}

/// Leaves a file alone that already says so: a shared cache may be read-only.
pub(super) fn write(path: &Path, content: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|found| found.trim() == content) {
        return Ok(());
    }
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, content))
        .map_err(Error::write(path))
}

fn is_shard(text: &str) -> bool {
    is_revision_part(text) && text.ends_with(".safetensors")
}
