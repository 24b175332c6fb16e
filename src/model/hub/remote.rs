//! What the server lists of a repository, what it answers, and what its refusals mean.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use hf_hub::api::sync::{Api, ApiBuilder};
use hf_hub::{Cache, Repo, RepoType};
use serde::Deserialize;

use super::{HubId, HubOptions, INDEX, PICKLES, WEIGHTS, is_hash};
use crate::error::{Error, Result, Source};

/// How long a server may be silent.
const PATIENCE: Duration = Duration::from_secs(60);
/// A listing of many thousand files is a few MB; more is no listing.
const LISTING_BYTES: u64 = 64 << 20;

/// The files of one commit.
#[derive(Deserialize)]
pub(super) struct Listing {
    /// The commit hash.
    pub(super) sha: String,
    siblings: Vec<Listed>,
}

#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    pub(super) lfs: Option<Lfs>,
}

#[derive(Deserialize)]
pub(super) struct Lfs {
    sha256: String,
}

impl Listing {
    pub(super) fn find(&self, name: &str) -> Option<&Listed> {
        self.siblings.iter().find(|file| file.rfilename == name)
    }

    pub(super) fn file(&self, id: &HubId, name: &str) -> Result<&Listed> {
        self.find(name)
            .ok_or_else(|| id.failed(format!("revision `{}` has no file `{name}`", id.revision)))
    }

    /// The file by which the weights are found.
    pub(super) fn weights(&self, id: &HubId) -> Result<&'static str> {
        let is_pickle = |name: &&str| PICKLES.iter().any(|ending| name.ends_with(ending));
        let mut names = self.siblings.iter().map(|file| file.rfilename.as_str());
        if let Some(name) = [WEIGHTS, INDEX]
            .into_iter()
            .find(|name| self.find(name).is_some())
        {
            return Ok(name);
        }
        let reason = match names.find(is_pickle) {
            Some(name) => format!(
                "a pickle, `{}`, was found where safetensors were expected",
                name.escape_debug()
            ),
            None => format!(
                "revision `{}` has neither `{WEIGHTS}` nor `{INDEX}`",
                id.revision
            ),
        };
        Err(id.failed(reason))
    }
}

impl Listed {
    /// The name of its blob in the cache, and its size.
    pub(super) fn blob(&self, id: &HubId) -> Result<(String, u64)> {
        let hash = match &self.lfs {
            Some(lfs) => Some(&lfs.sha256).filter(|hash| is_hash(hash, 64)),
            None => self.blob_id.as_ref().filter(|hash| is_hash(hash, 40)),
        };
        match (hash, self.size) {
            (Some(hash), Some(size)) => Ok((hash.to_ascii_lowercase(), size)),
            _ => Err(id.failed(format!(
                "the server lists `{}` without its size and hash",
                self.rfilename
            ))),
        }
    }
}

/// One repository on the server.
pub(super) struct Remote<'a> {
    pub(super) id: &'a HubId,
    api: Api,
    endpoint: String,
    has_token: bool,
}

/// A response, with the headers that matter.
pub(super) struct Answer {
    pub(super) status: u16,
    error_code: String,
    pub(super) range: String,
    pub(super) body: Box<dyn Read>,
}

impl<'a> Remote<'a> {
    pub(super) fn new(id: &'a HubId, options: &HubOptions, cache: &Path) -> Result<Self> {
        let endpoint = options
            .endpoint
            .as_deref()
            .unwrap_or("https://huggingface.co");
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        if !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
            return Err(Error::Parameter {
                parameter: "the hub's address",
                must: "an http or https address",
                got: format!("`{}`", endpoint.escape_debug()),
            });
        }
        let token = options.token.clone();
        if token
            .iter()
            .flat_map(|token| token.bytes())
            .any(|b| !b.is_ascii_graphic())
        {
            return Err(Error::Parameter {
                parameter: "the hub's token",
                must: "visible ASCII characters",
                got: "others".to_owned(),
            });
        }
        let has_token = token.is_some();
        let api = ApiBuilder::from_cache(Cache::new(cache.to_owned()))
            .with_endpoint(endpoint.clone())
            .with_token(token)
            .with_user_agent("harsanyi", env!("CARGO_PKG_VERSION"))
            .build()
            .map_err(|source| id.failed_by(source.into(), "no client could be made"))?;
        Ok(Self {
            id,
            api,
            endpoint,
            has_token,
        })
    }

    /// The files at the revision; `cached` tells whether the cache could serve in their place.
    pub(super) fn listing(&self, cached: impl FnOnce() -> bool) -> Result<Listing> {
        let answer = self.ask(&self.id.revision, None).map_err(|source| {
            let instead = if cached() {
                "; offline mode would use the complete copy in the cache"
            } else {
                ""
            };
            self.id
                .failed_by(source, format!("{}{instead}", self.silence()))
        })?;
        if answer.status != 200 {
            return Err(self.refusal(&answer, None));
        }
        let unreadable = |source: Source| {
            self.id.failed_by(
                source,
                format!("{} does not list it as the hub does", self.server()),
            )
        };
        let listing: Listing =
            serde_json::from_reader(io::BufReader::new(answer.body.take(LISTING_BYTES)))
                .map_err(|error| unreadable(error.into()))?;
        if !is_hash(&listing.sha, 40) {
            return Err(unreadable("its commit is no hash".into()));
        }
        Ok(listing)
    }

    /// Asks for the listing of a revision, or for a file of it from a byte on.
    pub(super) fn ask(&self, revision: &str, file: Option<(&str, u64)>) -> Result<Answer, Source> {
        let repository = self.id.repository.clone();
        let repo = self.api.repo(Repo::with_revision(
            repository,
            RepoType::Model,
            revision.to_owned(),
        ));
        let request = repo.info_request();
        let request = match file {
            None => request.query("blobs", "true"),
            Some((name, from)) => {
                // A compressed answer would count other bytes than the listing does.
                let request = request
                    .uri(repo.url(name))
                    .header("Accept-Encoding", "identity");
                match from {
                    0 => request,
                    _ => request.header("Range", format!("bytes={from}-")),
                }
            }
        };
        let response = request
            .config()
            .http_status_as_error(false)
            .timeout_connect(Some(PATIENCE))
            .timeout_per_read(Some(PATIENCE))
            .build()
            .call()?;
        let header = |name: &str| {
            let value = response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        Ok(Answer {
            status: response.status().as_u16(),
            error_code: header("X-Error-Code"),
            range: header("Content-Range"),
            body: Box::new(response.into_body().into_reader()),
        })
    }

    /// The server's name, without a password that the address may hold.
    pub(super) fn server(&self) -> String {
        let (scheme, rest) = self
            .endpoint
            .split_once("://")
            .unwrap_or(("", &self.endpoint));
        format!("`{scheme}://{}`", rest.rsplit('@').next().unwrap_or(rest))
    }

    pub(super) fn silence(&self) -> String {
        format!("{} does not answer", self.server())
    }

    /// Why the server said no. What it wrote is not repeated: it may echo what it was sent.
    pub(super) fn refusal(&self, answer: &Answer, file: Option<&str>) -> Error {
        let status = answer.status;
        let revision = &self.id.revision;
        let reason = match (status, answer.error_code.as_str(), self.has_token) {
            (_, "RevisionNotFound", _) => format!("it has no revision `{revision}`"),
            (_, "EntryNotFound", _) => format!(
                "revision `{revision}` has no file `{}`",
                file.unwrap_or_default()
            ),
            (_, "GatedRepo", true) => format!(
                "it is gated, and the token's account was not granted access (HTTP {status})"
            ),
            (_, "GatedRepo", false) => format!(
                "it is gated: a token is needed, of an account that was granted access (HTTP {status})"
            ),
            (_, "RepoNotFound", false) | (401, _, false) => format!(
                "there is no such repository, or it is private and a token is needed (HTTP {status})"
            ),
            (_, "RepoNotFound", true) => format!(
                "there is no such repository, or the token does not give access to it (HTTP {status})"
            ),
            (401, _, true) => "the token is not accepted (HTTP 401)".to_owned(),
            (403, _, true) => "the token does not give access (HTTP 403)".to_owned(),
            (403, _, false) => "a token is needed (HTTP 403)".to_owned(),
            (404, _, _) => format!(
                "{} knows no such repository, revision or file (HTTP 404)",
                self.server()
            ),
            (429, _, _) => format!(
                "{} gets too many requests and asks to wait (HTTP 429)",
                self.server()
            ),
            _ => format!("{} answered with HTTP {status}", self.server()),
        };
        self.id.failed(reason)
    }
}
