//! The program from the outside: what the tests of the command line call.

use std::process::{Command, Output};

use serde_json::Value;

/// Runs `harsanyi` with `words`, with no way to the hub.
pub(crate) fn run(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_harsanyi"))
        .args(words)
        .env("HF_HUB_OFFLINE", "1")
        .env(
            "HF_HOME",
            std::env::temp_dir().join("harsanyi-tests-no-hub"),
        )
        .output()
        .expect("runs")
}

/// The standard output of a run that must succeed.
pub(crate) fn stdout(words: &[&str]) -> String {
    let run = run(words);
    assert!(
        run.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
    String::from_utf8(run.stdout).expect("text")
}

/// The JSON document of a run that must succeed.
pub(crate) fn json(words: &[&str]) -> Value {
    serde_json::from_str(&stdout(&[words, &["--format", "json"]].concat()))
        .expect("one JSON document")
}

/// The exit code and standard error of a run that must fail, with nothing on standard output.
pub(crate) fn failure(words: &[&str]) -> (i32, String) {
    let run = run(words);
    assert!(
        run.stdout.is_empty(),
        "{words:?} printed {}",
        String::from_utf8_lossy(&run.stdout)
    );
    (
        run.status.code().expect("an exit code"),
        String::from_utf8(run.stderr).expect("text"),
    )
}
