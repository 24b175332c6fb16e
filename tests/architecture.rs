//! Who may depend on whom, how long a file may be, and which names say nothing.

use std::fs;
use std::path::{Path, PathBuf};

const THEORY: &[&str] = &[
    "coalition",
    "error",
    "game",
    "transform",
    "sampling",
    "interaction",
    "stats",
    "dynamics",
];

/// A module of the crate and the modules that it may use, itself aside. Data flows down this table.
const MAY_USE: &[(&str, &[&str])] = &[
    ("coalition", &[]),
    ("error", &["coalition"]),
    ("lanes", &[]),
    ("npy", &["error"]),
    ("game", &["coalition", "npy", "error"]),
    ("transform", &["coalition", "game", "lanes", "error"]),
    (
        "sampling",
        &["coalition", "game", "transform", "lanes", "error"],
    ),
    (
        "interaction",
        &["coalition", "game", "transform", "sampling", "error"],
    ),
    (
        "stats",
        &[
            "coalition",
            "game",
            "transform",
            "sampling",
            "interaction",
            "error",
        ],
    ),
    ("dynamics", &["game", "interaction", "stats", "error"]),
    ("device", &["error"]),
    ("ops", &["device", "lanes", "error"]),
    ("model", &["device", "ops", "error"]),
    ("input", &["coalition", "npy", "error"]),
    (
        "value",
        &[
            "coalition",
            "game",
            "device",
            "ops",
            "model",
            "input",
            "error",
        ],
    ),
    (
        "train",
        &[
            "coalition",
            "device",
            "ops",
            "model",
            "input",
            "value",
            "error",
        ],
    ),
    ("report", THEORY),
];

/// Modules that may use all others.
const UNBOUND: &[&str] = &["cli", "lib", "main"];

/// What the crate root re-exports, and whose it is.
const REEXPORTED: &[(&str, &str)] = &[
    ("Coalition", "coalition"),
    ("Error", "error"),
    ("Result", "error"),
    ("Game", "game"),
    ("ValueTable", "game"),
    ("tabulate", "game"),
];

const LONGEST_FILE: usize = 400;

const BANNED_NAMES: &[&str] = &[
    "utils", "util", "helpers", "common", "misc", "types", "manager", "base", "mask", "reward",
    "pattern",
];

/// Every `.rs` file below `src/`, as a path relative to it, with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                let inside = path.strip_prefix(&root).expect("below src");
                found.push((inside.to_owned(), text));
            }
        }
    }
    found.sort();
    found
}

/// `src/game/table.rs` belongs to `game`, `src/error.rs` to `error`.
fn module_of(path: &Path) -> String {
    let first = path.components().next().expect("a path below src");
    let first = Path::new(first.as_os_str()).with_extension("");
    first.to_string_lossy().into_owned()
}

/// The text without its comments, which may link to anything.
fn code(text: &str) -> String {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The first name of every path that starts at the crate root: `game` for `crate::game::Game`, each item of `crate::{…}`.
fn used_from_root(code: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut used = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            used.push(name(rest));
            continue;
        };
        let mut depth = 0;
        let mut item_starts = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => item_starts = true,
                c if item_starts && !c.is_whitespace() => {
                    used.push(name(&group[at..]));
                    item_starts = false;
                }
                _ => {}
            }
        }
    }
    used.retain(|name| !name.is_empty());
    used
}

#[test]
fn modules_use_only_what_stands_above_them() {
    for (path, text) in sources() {
        let (module, code, shown) = (module_of(&path), code(&text), path.display());
        assert!(
            !code.contains("super::super"),
            "src/{shown}: write `crate::…` instead of `super::super`, so that dependencies can be read off"
        );
        if UNBOUND.contains(&module.as_str()) {
            continue;
        }
        let allowed = MAY_USE.iter().find(|(name, _)| *name == module);
        let (_, allowed) = allowed.unwrap_or_else(|| {
            panic!("src/{shown}: module `{module}` has no row in the table of dependencies")
        });
        for used in used_from_root(&code) {
            let owner = REEXPORTED.iter().find(|(name, _)| *name == used);
            let used = owner.map_or(used.as_str(), |(_, owner)| owner);
            assert!(
                used == module || allowed.contains(&used),
                "src/{shown}: `{module}` may not use `crate::{used}`; it may use {allowed:?}"
            );
        }
    }
}

#[test]
fn no_file_is_longer_than_one_idea() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(
            lines <= LONGEST_FILE,
            "src/{}: {lines} lines, at most {LONGEST_FILE}; it is more than one idea",
            path.display()
        );
    }
}

#[test]
fn no_file_or_module_has_a_name_that_says_nothing() {
    for (path, text) in sources() {
        let shown = path.display();
        for part in path.with_extension("").components() {
            let part = part.as_os_str().to_string_lossy();
            assert!(
                !BANNED_NAMES.contains(&&*part),
                "src/{shown}: name it by its noun, not `{part}`"
            );
        }
        for line in code(&text).lines() {
            if let Some((_, declared)) = line.split_once("mod ") {
                let declared = declared.trim_end_matches([' ', '{', ';']);
                assert!(
                    !BANNED_NAMES.contains(&declared),
                    "src/{shown}: name it by its noun, not `{declared}`"
                );
            }
        }
    }
}

#[test]
fn the_scan_sees_every_way_to_name_the_root() {
    let code = "use crate::game::{Game, file};\nuse crate::{\n    Coalition, error::{Error, Result},\n    stats,\n};\n\
                pub(crate) fn f() -> crate::model::Model {}";
    assert_eq!(
        used_from_root(code),
        ["game", "Coalition", "error", "stats", "model"]
    );
    assert_eq!(module_of(Path::new("game/synthetic/parse.rs")), "game");
    assert_eq!(module_of(Path::new("error.rs")), "error");
}
