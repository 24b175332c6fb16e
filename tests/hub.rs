//! Checkpoints from the hub, against a server on this machine that answers as the hub does.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use harsanyi::model::hub::{Fetched, HubId, HubOptions, fetch};
use serde_json::json;
use tempfile::TempDir;

use server::{COMMIT, Hub, SHARDS, sha256};

const TOKEN: &str = "hf_secretsecret";

fn get(id: &str, options: &HubOptions) -> harsanyi::Result<Fetched> {
    fetch(&id.parse::<HubId>()?, options, |_, _, _| ())
}

/// The message and its causes, as the program prints them.
fn message(result: harsanyi::Result<Fetched>) -> String {
    let error = result.expect_err("this had to fail");
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

fn assert_is_whole(fetched: &Fetched, hub: &Hub) {
    assert_eq!(fetched.revision, COMMIT);
    assert!(
        fetched
            .folder
            .ends_with(format!("models--org--tiny/snapshots/{COMMIT}"))
    );
    let names = [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model.safetensors.index.json",
    ];
    for name in names.iter().chain(&SHARDS) {
        let found = fs::read(fetched.folder.join(name)).unwrap();
        assert!(found == hub.state().files[*name], "{name}");
    }
    assert!(!fetched.folder.join("README.md").exists());
}

/// Every file under `folder`, by its path in it.
fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => found.push(
                    entry
                        .path()
                        .strip_prefix(folder)
                        .unwrap()
                        .display()
                        .to_string(),
                ),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_sharded_model_is_downloaded_into_the_layout_of_the_cache() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    let mut heard = BTreeMap::new();
    let id = "org/tiny".parse().unwrap();
    let fetched = fetch(&id, &hub.options(&cache), |name, done, total| {
        assert!(done <= total);
        heard.insert(name.to_owned(), (done, total));
    })
    .unwrap();
    assert_is_whole(&fetched, &hub);
    assert_eq!(heard.len(), 6);
    for (name, (done, total)) in heard {
        assert_eq!(
            (done, total),
            (hub.state().files[&name].len() as u64, done),
            "{name}"
        );
    }

    let store = cache.path().join("hub/models--org--tiny");
    assert_eq!(fs::read_to_string(store.join("refs/main")).unwrap(), COMMIT);
    let shard = fetched.folder.join(SHARDS[0]);
    let hash = sha256(&hub.state().files[SHARDS[0]]);
    assert_eq!(
        fs::canonicalize(&shard).unwrap(),
        fs::canonicalize(store.join("blobs").join(hash)).unwrap()
    );
    #[cfg(unix)]
    assert!(fs::read_link(&shard).unwrap().starts_with("../../blobs"));
    assert!(
        store
            .join(".no_exist")
            .join(COMMIT)
            .join("generation_config.json")
            .is_file()
    );
    assert!(
        tree(cache.path())
            .iter()
            .all(|path| !path.ends_with(".part"))
    );
}

#[test]
fn a_cached_branch_costs_one_listing_and_a_cached_commit_nothing() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    let first = get("org/tiny", &hub.options(&cache)).unwrap();
    let asked = hub.asked();
    assert_eq!(
        asked.len(),
        1 + 6 * 2,
        "the listing, and each file through its redirect"
    );
    for request in asked
        .iter()
        .filter(|request| !request.path.starts_with("/api/models/"))
    {
        assert_eq!(
            request.headers["accept-encoding"], "identity",
            "{}",
            request.path
        );
    }

    let reference = cache.path().join("hub/models--org--tiny/refs/main");
    let written = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let before = written(&reference);
    assert_eq!(get("org/tiny", &hub.options(&cache)).unwrap(), first);
    let asked = hub.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(
        asked[0]
            .path
            .starts_with("/api/models/org/tiny/revision/main")
    );

    assert_eq!(
        get(&format!("org/tiny@{COMMIT}"), &hub.options(&cache)).unwrap(),
        first
    );
    assert!(hub.asked().is_empty());

    assert_eq!(
        written(&reference),
        before,
        "a shared cache may be read-only"
    );

    // Another branch at the same commit needs its own reference, and no body.
    assert_eq!(
        get("org/tiny@refs/pr/1", &hub.options(&cache)).unwrap(),
        first
    );
    assert_eq!(hub.asked().len(), 1);
}

#[test]
fn offline_serves_what_is_cached_and_asks_nothing() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    let first = get("org/tiny", &hub.options(&cache)).unwrap();
    hub.asked();
    let options = HubOptions {
        offline: true,
        ..hub.options(&cache)
    };
    assert_eq!(get("org/tiny", &options).unwrap(), first);
    assert!(hub.asked().is_empty());
    drop(hub);
    assert_eq!(get("org/tiny", &options).unwrap(), first);
    assert_eq!(get(&format!("org/tiny@{COMMIT}"), &options).unwrap(), first);

    fs::remove_file(first.folder.join(SHARDS[1])).unwrap();
    let text = message(get("org/tiny", &options));
    assert!(
        text.contains(SHARDS[1]) && text.contains("offline mode is on"),
        "{text}"
    );
}

#[test]
fn offline_names_the_file_that_the_cache_lacks() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    let options = HubOptions {
        offline: true,
        ..hub.options(&cache)
    };
    let text = message(get("org/tiny", &options));
    let path = cache.path().join("hub");
    assert_eq!(
        text,
        format!(
            "could not get `org/tiny` from the hub: `config.json` of revision `main` is not in the cache `{}`, and offline mode is on",
            path.display()
        )
    );
    assert!(hub.asked().is_empty());
}

#[test]
fn a_server_that_is_gone_is_named_and_offline_mode_suggested_where_it_would_serve() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    let options = hub.options(&cache);
    get("org/tiny", &options).unwrap();
    let address = hub.address;
    drop(hub);
    let text = message(get("org/tiny", &options));
    assert!(text.contains(&format!("`http://{address}` does not answer; offline mode would use the complete copy in the cache")), "{text}");
    let empty = HubOptions {
        cache: Some(cache.path().join("other")),
        ..options
    };
    let text = message(get("org/tiny", &empty));
    assert!(
        text.contains("does not answer") && !text.contains("offline"),
        "{text}"
    );
    assert!(!cache.path().join("other").exists());
}

#[test]
fn a_wrong_revision_and_a_missing_repository_are_told_apart() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    let text = message(get("org/tiny@v9", &hub.options(&cache)));
    assert_eq!(
        text,
        "could not get `org/tiny` from the hub: it has no revision `v9`"
    );
    let text = message(get("org/other", &hub.options(&cache)));
    assert_eq!(
        text,
        "could not get `org/other` from the hub: there is no such repository, or it is private and a token is needed (HTTP 404)"
    );
    let options = HubOptions {
        token: Some(TOKEN.to_owned()),
        ..hub.options(&cache)
    };
    let text = message(get("org/other", &options));
    assert!(
        text.contains("or the token does not give access to it"),
        "{text}"
    );
    assert!(tree(cache.path()).is_empty());
}

#[test]
fn a_private_model_needs_the_right_token_which_only_the_hub_sees() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    hub.state().token = Some(TOKEN);
    let text = message(get("org/tiny", &hub.options(&cache)));
    assert!(text.contains("a token is needed (HTTP 401)"), "{text}");

    let wrong = HubOptions {
        token: Some("hf_wrong".to_owned()),
        ..hub.options(&cache)
    };
    let text = message(get("org/tiny", &wrong));
    assert!(
        text.contains("the token does not give access") && !text.contains("hf_wrong"),
        "{text}"
    );
    assert!(!format!("{wrong:?}").contains("hf_wrong"));

    hub.asked();
    let right = HubOptions {
        token: Some(TOKEN.to_owned()),
        ..hub.options(&cache)
    };
    assert_is_whole(&get("org/tiny", &right).unwrap(), &hub);
    let (stored, others): (Vec<_>, Vec<_>) = hub
        .asked()
        .into_iter()
        .partition(|request| request.path.starts_with("/store/"));
    assert_eq!(stored.len(), SHARDS.len());
    assert!(
        stored
            .iter()
            .all(|request| !request.headers.contains_key("authorization"))
    );
    assert!(
        others
            .iter()
            .all(|request| request.headers["authorization"] == format!("Bearer {TOKEN}"))
    );
}

#[test]
fn a_gated_model_says_what_is_lacking() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    hub.state().token = Some(TOKEN);
    hub.state().gated = true;
    let text = message(get("org/tiny", &hub.options(&cache)));
    assert!(text.contains("it is gated: a token is needed"), "{text}");
    let options = HubOptions {
        token: Some("hf_wrong".to_owned()),
        ..hub.options(&cache)
    };
    let text = message(get("org/tiny", &options));
    assert!(text.contains("was not granted access"), "{text}");
}

#[test]
fn a_token_that_no_header_can_carry_is_refused_unseen() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    let options = HubOptions {
        token: Some("hf\r\nX-Evil: 1".to_owned()),
        ..hub.options(&cache)
    };
    assert_eq!(
        message(get("org/tiny", &options)),
        "the hub's token must be visible ASCII characters, got others"
    );
    assert!(hub.asked().is_empty());
}

#[test]
fn a_file_that_is_cut_short_is_an_error_and_is_resumed_by_the_next_call() {
    for (announced, ignore_ranges) in [(false, false), (true, false), (false, true)] {
        let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
        hub.state().cut = Some(500);
        hub.state().cut_announced = announced;
        hub.state().ignore_ranges = ignore_ranges;
        let text = message(get("org/tiny", &hub.options(&cache)));
        let size = hub.state().files[SHARDS[0]].len();
        assert!(
            text.contains(&format!(
                "`{}` was cut short: 500 of {size} bytes came",
                SHARDS[0]
            )),
            "{text}"
        );

        // Nothing stands where a whole file would be looked for.
        let store = cache.path().join("hub/models--org--tiny");
        let hash = sha256(&hub.state().files[SHARDS[0]]);
        assert!(!store.join("blobs").join(&hash).exists());
        assert!(
            !store
                .join("snapshots")
                .join(COMMIT)
                .join(SHARDS[0])
                .exists()
        );
        assert!(!store.join("refs/main").exists());
        let offline = HubOptions {
            offline: true,
            ..hub.options(&cache)
        };
        assert!(message(get("org/tiny", &offline)).contains("offline mode is on"));

        hub.state().cut = None;
        hub.asked();
        assert_is_whole(&get("org/tiny", &hub.options(&cache)).unwrap(), &hub);
        let resumed = hub
            .asked()
            .into_iter()
            .find(|request| request.path.contains(&hash))
            .unwrap();
        assert_eq!(resumed.headers["range"], "bytes=500-");
        assert!(
            tree(cache.path())
                .iter()
                .all(|path| !path.ends_with(".part"))
        );
    }
}

#[test]
fn weights_with_another_hash_than_listed_are_dropped() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    hub.state().damage = true;
    let text = message(get("org/tiny", &hub.options(&cache)));
    assert!(
        text.contains(SHARDS[0]) && text.contains("SHA-256"),
        "{text}"
    );
    hub.state().damage = false;
    hub.asked();
    assert_is_whole(&get("org/tiny", &hub.options(&cache)).unwrap(), &hub);
    assert!(
        hub.asked()
            .iter()
            .all(|request| !request.headers.contains_key("range"))
    );
}

#[test]
fn an_answer_that_resumes_elsewhere_is_not_appended() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    hub.state().cut = Some(500);
    hub.state().shift_ranges = true;
    let text = message(get("org/tiny", &hub.options(&cache)));
    assert!(
        text.contains(&format!("cannot resume `{}`", SHARDS[0])),
        "{text}"
    );
    hub.state().cut = None;
    assert_is_whole(&get("org/tiny", &hub.options(&cache)).unwrap(), &hub);
}

#[test]
fn weights_longer_than_listed_are_dropped() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    hub.state().excess = 1;
    let text = message(get("org/tiny", &hub.options(&cache)));
    assert!(text.contains("is longer than the"), "{text}");
    hub.state().excess = 0;
    assert_is_whole(&get("org/tiny", &hub.options(&cache)).unwrap(), &hub);
}

#[test]
fn what_the_server_says_is_passed_on_in_words() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    let options = hub.options(&cache);
    let with_token = HubOptions {
        token: Some(TOKEN.to_owned()),
        ..options.clone()
    };
    for (status, token, words) in [
        (401, true, "the token is not accepted (HTTP 401)"),
        (403, true, "the token does not give access (HTTP 403)"),
        (403, false, "a token is needed (HTTP 403)"),
        (
            429,
            false,
            "gets too many requests and asks to wait (HTTP 429)",
        ),
        (503, false, "answered with HTTP 503"),
    ] {
        hub.state().status = Some(status);
        let text = message(get("org/tiny", if token { &with_token } else { &options }));
        assert!(text.ends_with(words) && !text.contains(TOKEN), "{text}");
    }
    hub.state().status = None;
    hub.state().vanished = "tokenizer.json";
    let text = message(get("org/tiny", &options));
    assert!(
        text.ends_with("revision `main` has no file `tokenizer.json`"),
        "{text}"
    );
}

#[test]
fn a_server_that_lists_another_commit_than_the_one_asked_is_not_believed() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    let other = "ffffffffffffffffffffffffffffffffffffffff";
    hub.state().other_commit = Some(other);
    let text = message(get(&format!("org/tiny@{COMMIT}"), &hub.options(&cache)));
    assert!(
        text.ends_with(&format!("the server lists commit {other} instead")),
        "{text}"
    );
    hub.state().other_commit = Some("../../evil");
    let text = message(get("org/tiny", &hub.options(&cache)));
    assert!(text.contains("does not list it as the hub does"), "{text}");
    assert!(tree(cache.path()).is_empty());
}

#[test]
fn an_address_that_is_none_is_refused_and_a_slash_at_its_end_ignored() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    let with = |endpoint: String| HubOptions {
        endpoint: Some(endpoint),
        ..hub.options(&cache)
    };
    assert_eq!(
        message(get("org/tiny", &with("hub.example".to_owned()))),
        "the hub's address must be an http or https address, got `hub.example`"
    );
    let text = message(get(
        "org/tiny",
        &with("http://user:secret@127.0.0.1:1".to_owned()),
    ));
    assert!(
        text.contains("`http://127.0.0.1:1` does not answer") && !text.contains("secret"),
        "{text}"
    );
    assert_is_whole(
        &get("org/tiny", &with(format!("http://{}/", hub.address))).unwrap(),
        &hub,
    );
    let nowhere = HubOptions {
        cache: None,
        ..hub.options(&cache)
    };
    assert!(message(get("org/tiny", &nowhere)).contains("no cache folder"));
}

#[test]
fn a_part_that_another_run_left_too_long_or_complete_is_no_obstacle() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    let blobs = cache.path().join("hub/models--org--tiny/blobs");
    fs::create_dir_all(&blobs).unwrap();
    let part = |shard: &str| {
        blobs
            .join(sha256(&hub.state().files[shard]))
            .with_extension("part")
    };
    let complete = hub.state().files[SHARDS[0]].clone();
    fs::write(part(SHARDS[0]), &complete).unwrap();
    fs::write(part(SHARDS[1]), [0; 5000]).unwrap();
    assert_is_whole(&get("org/tiny", &hub.options(&cache)).unwrap(), &hub);
    let stored = hub
        .asked()
        .iter()
        .filter(|request| request.path.starts_with("/store/"))
        .count();
    assert_eq!(stored, 1);
}

#[test]
fn a_shard_name_that_is_a_path_is_refused() {
    for evil in [
        "../../evil.safetensors",
        "/tmp/evil.safetensors",
        "a\\b.safetensors",
        "pytorch_model.bin",
        "",
    ] {
        let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
        let index = json!({"weight_map": {"a": SHARDS[0], "b": evil}}).to_string();
        hub.state().files.insert(
            "model.safetensors.index.json".to_owned(),
            index.into_bytes(),
        );
        hub.state().files.insert(evil.to_owned(), b"evil".to_vec());
        let text = message(get("org/tiny", &hub.options(&cache)));
        assert!(
            text.contains("which is no plain name of a safetensors file"),
            "{text}"
        );
        assert!(
            tree(cache.path())
                .iter()
                .all(|path| path.starts_with("hub/models--org--tiny") && !path.contains("evil"))
        );
        assert!(
            hub.asked()
                .iter()
                .all(|request| !request.path.contains("/store/"))
        );
    }
}

#[test]
fn an_index_without_shards_or_without_sense_is_refused() {
    for (index, words) in [
        (r#"{"weight_map": {}}"#, "names no shard"),
        ("[1", "is not a valid safetensors index"),
    ] {
        let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
        hub.state()
            .files
            .insert("model.safetensors.index.json".to_owned(), index.into());
        let text = message(get("org/tiny", &hub.options(&cache)));
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_shard_or_a_tokenizer_that_the_repository_lacks_is_named() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    hub.state().files.remove(SHARDS[1]);
    let text = message(get("org/tiny", &hub.options(&cache)));
    assert!(
        text.ends_with(&format!("revision `main` has no file `{}`", SHARDS[1])),
        "{text}"
    );
    hub.state().files.remove("tokenizer.json");
    let text = message(get("org/tiny", &hub.options(&cache)));
    assert!(
        text.ends_with("revision `main` has no file `tokenizer.json`"),
        "{text}"
    );
}

#[test]
fn a_pickle_is_not_downloaded() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    hub.state()
        .files
        .retain(|name, _| !name.contains("safetensors"));
    hub.state()
        .files
        .insert("pytorch_model.bin".to_owned(), b"pickle".to_vec());
    let text = message(get("org/tiny", &hub.options(&cache)));
    assert_eq!(
        text,
        "could not get `org/tiny` from the hub: a pickle, `pytorch_model.bin`, was found where safetensors were expected"
    );
    assert_eq!(hub.asked().len(), 1);
    assert!(tree(cache.path()).is_empty());
}

#[test]
fn a_damaged_entry_of_the_cache_is_replaced() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    let fetched = get("org/tiny", &hub.options(&cache)).unwrap();
    // As another client would leave it that takes a short file for a whole one.
    fs::write(fetched.folder.join(SHARDS[0]), b"short").unwrap();
    fs::remove_file(fetched.folder.join(SHARDS[1])).unwrap();
    hub.asked();
    assert_is_whole(&get("org/tiny", &hub.options(&cache)).unwrap(), &hub);
    let stored = hub
        .asked()
        .iter()
        .filter(|request| request.path.starts_with("/store/"))
        .count();
    assert_eq!(stored, 1, "the blob of the second shard was still there");
    assert!(
        tree(cache.path())
            .iter()
            .all(|path| !path.ends_with(".part"))
    );
}

#[test]
fn calls_for_the_same_model_at_the_same_time_do_not_disturb_each_other() {
    let (hub, cache) = (Hub::start(), TempDir::new().unwrap());
    let options = hub.options(&cache);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_is_whole(&get("org/tiny", &options).unwrap(), &hub));
        }
    });
}

#[test]
fn ids_that_are_paths_or_nonsense_are_refused() {
    for good in [
        "org/name",
        "HuggingFaceTB/SmolLM2-135M@main",
        "a/b@refs/pr/1",
        "o_1/n.2-x@v1.0+cpu",
    ] {
        assert!(good.parse::<HubId>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "name",
        "/",
        "org/",
        "/name",
        "../name",
        "org/..",
        "./name",
        "org/name/file",
        "org/na me",
        "org\\name/x",
        "org/name@",
        "org/name@../x",
        "org/name@a/../b",
        "org/name@/etc",
        "org/name@a//b",
        "org/name@.hidden",
        "org/name@a?b",
        "org/name@a%2e",
        "a--b/c",
        "a/b..c",
        "-a/b",
        "org/näme",
        "org/n\0",
        "C:/x@y:z",
    ] {
        assert!(bad.parse::<HubId>().is_err(), "{bad:?}");
    }
    let id: HubId = "a/b@v1".parse().unwrap();
    assert_eq!(
        (id.repository(), id.revision(), id.to_string().as_str()),
        ("a/b", "v1", "a/b@v1")
    );
    assert_eq!("a/b".parse::<HubId>().unwrap().to_string(), "a/b");
    assert_eq!(
        "../x".parse::<HubId>().unwrap_err().to_string(),
        "a hub id must be `org/name` or `org/name@revision`, got `../x`"
    );
}

#[test]
fn the_variables_of_the_other_clients_are_understood() {
    let options = |variables: &[(&str, &str)]| {
        let variables: BTreeMap<String, String> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        HubOptions::from_variables(|name| variables.get(name).cloned())
    };
    let cache = |variables: &[(&str, &str)]| {
        options(variables)
            .cache
            .map(|path| path.display().to_string().replace('\\', "/"))
    };
    assert_eq!(cache(&[]), None);
    assert_eq!(
        cache(&[("HOME", "/u")]).unwrap(),
        "/u/.cache/huggingface/hub"
    );
    assert_eq!(
        cache(&[("HOME", "/u"), ("XDG_CACHE_HOME", "/c")]).unwrap(),
        "/c/huggingface/hub"
    );
    assert_eq!(
        cache(&[("HOME", "/u"), ("HF_HOME", "~/hf")]).unwrap(),
        "/u/hf/hub"
    );
    assert_eq!(
        cache(&[("HF_HOME", "/hf"), ("HF_HUB_CACHE", "/elsewhere")]).unwrap(),
        "/elsewhere"
    );
    assert_eq!(
        cache(&[("HF_HOME", "/hf"), ("HF_HUB_CACHE", "")]).unwrap(),
        "/hf/hub"
    );

    for (value, offline) in [
        ("1", true),
        ("true", true),
        ("Yes", true),
        ("ON", true),
        ("0", false),
        ("", false),
        ("no", false),
    ] {
        assert_eq!(
            options(&[("HF_HUB_OFFLINE", value)]).offline,
            offline,
            "{value}"
        );
    }
    assert_eq!(
        options(&[("HF_ENDPOINT", "http://mirror")])
            .endpoint
            .unwrap(),
        "http://mirror"
    );

    let home = TempDir::new().unwrap();
    fs::write(home.path().join("token"), "hf_file\n").unwrap();
    let place = home.path().display().to_string();
    assert_eq!(options(&[("HF_HOME", &place)]).token.unwrap(), "hf_file");
    assert_eq!(
        options(&[("HF_HOME", &place), ("HF_TOKEN", " hf_set\n")])
            .token
            .unwrap(),
        "hf_set"
    );
    assert_eq!(
        options(&[("HF_HOME", &place), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]).token,
        None
    );
    assert_eq!(options(&[("HF_TOKEN", "  ")]).token, None);
}

/// A hub that holds the tiny network in `folder` of the fixtures.
#[cfg(feature = "cli")]
fn holding(folder: &str) -> Hub {
    let hub = Hub::start();
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(folder);
    let files = fs::read_dir(tiny).unwrap().map(|entry| entry.unwrap());
    hub.state().files = files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, fs::read(file.path()).unwrap())
        })
        .collect();
    hub
}

/// What the program answers to `words` with the model of the hub.
#[cfg(feature = "cli")]
fn answer(hub: &Hub, cache: &TempDir, words: &[&str], offline: &str) -> serde_json::Value {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_harsanyi"))
        .args(words)
        .args(["--model", "org/tiny@main", "--format", "json"])
        .env("HF_ENDPOINT", format!("http://{}", hub.address))
        .env("HF_HOME", cache.path())
        .env("HF_HUB_OFFLINE", offline)
        .env_remove("HF_HUB_CACHE")
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    serde_json::from_slice(&run.stdout).unwrap()
}

/// The whole way: an id on the command line, shards from the server, an answer; then the same without a server.
#[cfg(feature = "cli")]
#[test]
fn the_program_runs_a_model_from_the_hub_and_again_offline() {
    let (hub, cache) = (holding("tiny/llama-sharded-bf16"), TempDir::new().unwrap());
    let run = |offline| answer(&hub, &cache, &["tabulate", "The cat sat"], offline);
    let first = run("0");
    assert_eq!(first["record"]["model"]["source"], "org/tiny");
    assert_eq!(first["record"]["model"]["revision"], COMMIT);
    assert_eq!(first["values"].as_array().unwrap().len(), 8);
    assert!(!hub.asked().is_empty());
    assert_eq!(run("1")["values"], first["values"]);
    assert!(hub.asked().is_empty(), "offline asks nothing");
}

/// Networks of images have no tokenizer, unless their classes are texts.
#[cfg(feature = "cli")]
#[test]
fn networks_of_images_come_from_the_hub_too() {
    let data = TempDir::new().unwrap();
    let image = |at: u8| harsanyi::input::Picture {
        width: 16,
        height: 16,
        channels: 3,
        bytes: (0..16 * 16 * 3)
            .map(|b| (b as u8).wrapping_mul(at))
            .collect(),
    };
    let mut listed = String::from("file,label\n");
    for at in 1..5 {
        fs::write(
            data.path().join(format!("{at}.png")),
            image(at).png().unwrap(),
        )
        .unwrap();
        listed += &format!("{at}.png,{}\n", at % 3);
    }
    fs::write(data.path().join("labels.csv"), listed).unwrap();
    let data = data.path().to_str().unwrap();
    let words = [
        "order",
        "--data",
        data,
        "--players",
        "grid:4x4",
        "--pairs",
        "near:6",
        "--contexts",
        "2",
    ];
    for (folder, classes) in [
        ("vision/vit", ""),
        ("vision/clip", "a cat,two cats,a small red dog"),
    ] {
        let (hub, cache) = (holding(folder), TempDir::new().unwrap());
        let classes = match classes {
            "" => vec![],
            texts => vec!["--classes", texts],
        };
        let words = [&words[..], &classes].concat();
        let study = answer(&hub, &cache, &words, "0");
        assert_eq!(study["samples"], 4);
        let brought = tree(cache.path());
        let has = |name: &str| {
            brought
                .iter()
                .any(|path| path.contains("snapshots") && path.ends_with(name))
        };
        assert!(has("preprocessor_config.json"));
        assert_eq!(has("tokenizer.json"), folder == "vision/clip");
        // The same without a server, and of the images only those that are answered as labelled.
        assert_eq!(
            answer(&hub, &cache, &words, "1")["multi_order"],
            study["multi_order"]
        );
        let right = study["done"].as_array().unwrap().iter().zip([1, 2, 0, 1]);
        let names = ["a cat", "two cats", "a small red dog"];
        let right = right.filter(|(line, label)| {
            let class = line["class"].as_str().unwrap();
            class == names[*label] || class == format!("LABEL_{label}")
        });
        let right = right.count();
        if right > 0 {
            let words = [&words[..], &["--correct"]].concat();
            assert_eq!(answer(&hub, &cache, &words, "1")["samples"], right);
        }
    }
}
