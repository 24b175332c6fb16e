//! A server of one tiny sharded model that speaks the hub's routes, and misbehaves on demand.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use harsanyi::model::hub::HubOptions;
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

pub(super) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(super) const SHARDS: [&str; 2] = [
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
];

/// What the server holds, how it misbehaves, and what it was asked.
#[derive(Default)]
pub(super) struct State {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// The token without which nothing is given.
    pub(super) token: Option<&'static str>,
    /// Files are listed for everyone, given only with the token.
    pub(super) gated: bool,
    /// Weights end at this byte, whatever their announced length.
    pub(super) cut: Option<usize>,
    /// The announced length is that of the cut, as after a proxy that lost the rest.
    pub(super) cut_announced: bool,
    pub(super) ignore_ranges: bool,
    /// Answers a range with one that begins a byte later.
    pub(super) shift_ranges: bool,
    /// Weights go on for so many bytes after their end.
    pub(super) excess: usize,
    /// Answers every request with this status.
    pub(super) status: Option<u16>,
    /// Is listed, and not given.
    pub(super) vanished: &'static str,
    /// Lists this commit in place of [`COMMIT`].
    pub(super) other_commit: Option<&'static str>,
    /// Flips a bit of every weight sent.
    pub(super) damage: bool,
    pub(super) requests: Vec<Request>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub(super) path: String,
    /// Names in lower case.
    pub(super) headers: BTreeMap<String, String>,
}

/// A hub that holds `org/tiny` at [`COMMIT`], which `main` and `refs/pr/1` stand for.
pub(super) struct Hub {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Hub {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            files: tiny_model(),
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let Some(request) = read_request(&stream) else {
                    continue;
                };
                if request.path == "/stop" {
                    break;
                }
                let mut state = shared.lock().unwrap();
                state.requests.push(request.clone());
                // A client that hangs up is its own matter.
                let _ = state.answer(&request, address.port(), stream);
            }
        });
        Self {
            address,
            state,
            thread: Some(thread),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What was asked since the last call.
    pub(super) fn asked(&self) -> Vec<Request> {
        std::mem::take(&mut self.state().requests)
    }

    pub(super) fn options(&self, cache: &TempDir) -> HubOptions {
        HubOptions {
            cache: Some(cache.path().join("hub")),
            endpoint: Some(format!("http://{}", self.address)),
            ..HubOptions::default()
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Ok(mut stream) = TcpStream::connect(self.address) {
            let _ = stream.write_all(b"GET /stop HTTP/1.1\r\n\r\n");
        }
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        })
        .collect();
    Some(Request { path, headers })
}

impl State {
    fn answer(&self, request: &Request, port: u16, stream: TcpStream) -> std::io::Result<()> {
        let path = request.path.split('?').next().unwrap_or_default();
        let bearer = self.token.map(|token| format!("Bearer {token}"));
        let known = self.token.is_none() || request.headers.get("authorization") == bearer.as_ref();
        // Signed addresses of the content store need no token, and must not be shown one.
        if let Some(hash) = path.strip_prefix("/store/") {
            let content = self.files.values().find(|bytes| sha256(bytes) == hash);
            return self.send(stream, request, content.expect("a known hash"), true);
        }
        let refuse = |mut stream: TcpStream, status: u16, code: &str| {
            write!(
                stream,
                "HTTP/1.1 {status} No\r\nX-Error-Code: {code}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        };
        if let Some(status) = self.status {
            return refuse(stream, status, "");
        }
        let open = self.gated && path.starts_with("/api/models/");
        if !(known || open) {
            let code = if self.gated {
                "GatedRepo"
            } else {
                "RepoNotFound"
            };
            return refuse(stream, 401, code);
        }
        let here = |revision: &str| ["main", COMMIT, "refs%2Fpr%2F1"].contains(&revision);
        if let Some(revision) = path.strip_prefix("/api/models/org/tiny/revision/") {
            return match here(revision) {
                true => self.send(stream, request, &self.listing(), false),
                false => refuse(stream, 404, "RevisionNotFound"),
            };
        }
        let cached = format!("/api/resolve-cache/models/org/tiny/{COMMIT}/");
        if let Some(content) = path
            .strip_prefix(&cached)
            .and_then(|name| self.files.get(name))
        {
            return self.send(stream, request, content, false);
        }
        let Some((revision, name)) = path
            .strip_prefix("/org/tiny/resolve/")
            .and_then(|rest| rest.split_once('/'))
        else {
            return refuse(stream, 404, "RepoNotFound");
        };
        let mut stream = stream;
        match self.files.get(name) {
            _ if !here(revision) => refuse(stream, 404, "RevisionNotFound"),
            _ if name == self.vanished => refuse(stream, 404, "EntryNotFound"),
            None => refuse(stream, 404, "EntryNotFound"),
            Some(content) if is_large(name) => write!(
                stream,
                "HTTP/1.1 302 Found\r\nLocation: http://localhost:{port}/store/{hash}?signature=1\r\nX-Repo-Commit: {COMMIT}\r\nX-Linked-Size: {}\r\nX-Linked-Etag: \"{hash}\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                content.len(),
                hash = sha256(content)
            ),
            Some(_) => write!(
                stream,
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: {cached}{name}\r\nX-Repo-Commit: {COMMIT}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            ),
        }
    }

    fn send(
        &self,
        mut stream: TcpStream,
        request: &Request,
        content: &[u8],
        weights: bool,
    ) -> std::io::Result<()> {
        let mut content = content.to_vec();
        if weights && self.damage {
            content[600] ^= 1;
        }
        if weights {
            content.extend(vec![0; self.excess]);
        }
        let size = content.len();
        let end = self.cut.filter(|_| weights).unwrap_or(size);
        let start = request
            .headers
            .get("range")
            .filter(|_| !self.ignore_ranges)
            .and_then(|range| {
                range
                    .strip_prefix("bytes=")?
                    .strip_suffix('-')?
                    .parse()
                    .ok()
            });
        let start: Option<usize> = start.map(|start: usize| start + usize::from(self.shift_ranges));
        let announced = if self.cut_announced { end } else { size };
        match start {
            Some(start) => write!(
                stream,
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{}/{size}\r\nContent-Length: {}\r\n",
                announced.saturating_sub(1),
                announced.saturating_sub(start)
            )?,
            None => write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {announced}\r\n")?,
        }
        write!(
            stream,
            "ETag: \"{}\"\r\nX-Repo-Commit: {COMMIT}\r\nConnection: close\r\n\r\n",
            blob_id(&content)
        )?;
        stream.write_all(&content[start.unwrap_or(0).min(end)..end])
    }

    fn listing(&self) -> Vec<u8> {
        let siblings: Vec<_> = self
            .files
            .iter()
            .map(|(name, bytes)| match is_large(name) {
                true => json!({"rfilename": name, "size": bytes.len(), "blobId": blob_id(name.as_bytes()),
                    "lfs": {"sha256": sha256(bytes), "size": bytes.len(), "pointerSize": 130}}),
                false => json!({"rfilename": name, "size": bytes.len(), "blobId": blob_id(bytes)}),
            })
            .collect();
        let commit = self.other_commit.unwrap_or(COMMIT);
        json!({"id": "org/tiny", "sha": commit, "siblings": siblings})
            .to_string()
            .into_bytes()
    }
}

fn is_large(name: &str) -> bool {
    name.ends_with(".safetensors") || name.ends_with(".bin")
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// In git's place: 40 digits that depend on the content.
fn blob_id(bytes: &[u8]) -> String {
    sha256(bytes)[..40].to_owned()
}

/// Two shards of one small tensor each, their index, a configuration and a tokenizer.
fn tiny_model() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut weight_map = BTreeMap::new();
    for (shard, name) in SHARDS.into_iter().zip(["a", "b"]) {
        let values = (0..256).map(|i| i as f32).flat_map(f32::to_le_bytes);
        let header =
            json!({name: {"dtype": "F32", "shape": [256], "data_offsets": [0, 1024]}}).to_string();
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.extend(values);
        files.insert(shard.to_owned(), bytes);
        weight_map.insert(name, shard);
    }
    let index = json!({"metadata": {"total_size": 2048}, "weight_map": weight_map});
    for (name, text) in [
        ("config.json", json!({"model_type": "bert"}).to_string()),
        ("tokenizer.json", json!({"version": "1.0"}).to_string()),
        ("tokenizer_config.json", "{}".to_owned()),
        ("model.safetensors.index.json", index.to_string()),
        ("README.md", "# tiny".to_owned()),
    ] {
        files.insert(name.to_owned(), text.into_bytes());
    }
    files
}
