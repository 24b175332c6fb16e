//! Where the hub is, where its cache is, and who asks.

use std::path::PathBuf;
use std::{fmt, fs};

/// How to reach the hub. [`HubOptions::default`] knows no cache; [`HubOptions::from_variables`] knows the usual one.
#[derive(Clone, Default)]
pub struct HubOptions {
    /// The folder that holds `models--org--name`.
    pub cache: Option<PathBuf>,
    /// The server's address, `https://huggingface.co` where none is given.
    pub endpoint: Option<String>,
    /// An access token; it is sent to the endpoint's host alone, and never shown.
    pub token: Option<String>,
    /// Use what the cache holds, and ask no server.
    pub offline: bool,
}

impl fmt::Debug for HubOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubOptions")
            .field("cache", &self.cache)
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("offline", &self.offline)
            .finish()
    }
}

impl HubOptions {
    /// What the variables of the hub's other clients say, by the same rules; `lookup` is usually the environment.
    ///
    /// | field | the first that is set and not empty |
    /// | --- | --- |
    /// | `cache` | `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, `$HF_HOME/hub`, `$XDG_CACHE_HOME/huggingface/hub`, `~/.cache/huggingface/hub` |
    /// | `endpoint` | `HF_ENDPOINT` |
    /// | `token` | `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, the file `HF_TOKEN_PATH`, the file `token` beside `hub`; none with `HF_HUB_DISABLE_IMPLICIT_TOKEN` |
    /// | `offline` | `HF_HUB_OFFLINE`, `TRANSFORMERS_OFFLINE`: 1, on, yes or true in any case |
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let is_on = |value: String| {
            ["1", "ON", "YES", "TRUE"].contains(&value.to_ascii_uppercase().as_str())
        };
        let user = set("HOME")
            .or_else(|| set("USERPROFILE"))
            .map(PathBuf::from);
        let path = |name: &str| {
            set(name).map(|text| match (text.strip_prefix("~/"), &user) {
                (Some(rest), Some(user)) => user.join(rest),
                _ => PathBuf::from(text),
            })
        };
        let home = path("HF_HOME").or_else(|| {
            path("XDG_CACHE_HOME")
                .or_else(|| user.as_ref().map(|user| user.join(".cache")))
                .map(|caches| caches.join("huggingface"))
        });
        let under_home = |name: &str| home.as_ref().map(|home| home.join(name));
        let token_file = || path("HF_TOKEN_PATH").or_else(|| under_home("token"));

        Self {
            cache: path("HF_HUB_CACHE")
                .or_else(|| path("HUGGINGFACE_HUB_CACHE"))
                .or_else(|| under_home("hub")),
            endpoint: set("HF_ENDPOINT"),
            token: set("HF_TOKEN")
                .or_else(|| set("HUGGING_FACE_HUB_TOKEN"))
                .or_else(|| fs::read_to_string(token_file()?).ok())
                .map(|token| token.trim().to_owned())
                .filter(|token| !token.is_empty())
                .filter(|_| !set("HF_HUB_DISABLE_IMPLICIT_TOKEN").is_some_and(is_on)),
            offline: set("HF_HUB_OFFLINE")
                .or_else(|| set("TRANSFORMERS_OFFLINE"))
                .is_some_and(is_on),
        }
    }
}
