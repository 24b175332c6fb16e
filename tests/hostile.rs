//! Text from files and models is data: whatever stands in it, terminals and file names stay what they are.

use std::path::Path;

use serde_json::{Value, json};

use crate::command::{failure, json as document, run, stdout};

/// Script, control characters, right-to-left marks, a path, tags and quotes, without white space.
const WORDS: [&str; 6] = [
    "<script>alert(1)</script>",
    "\u{1b}[31mred\u{1b}]0;title\u{7}",
    "\u{202e}dlrow\u{200f}\u{2066}",
    "../../../etc/passwd",
    "\"];x[label=\"\\\"&amp;",
    "\u{0}\u{8}\u{9b}x",
];

fn name(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Neither a control character nor a direction mark, which a terminal would act on.
fn assert_inert(text: &str) {
    let acts = |c: char| {
        (c.is_control() && c != '\n')
            || ('\u{200e}'..='\u{200f}').contains(&c)
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    assert!(
        !text.chars().any(acts),
        "{:?}",
        text.chars().filter(|&c| acts(c)).collect::<String>()
    );
}

/// All files below `dir`, as paths within it.
fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => open.push(path),
                false => found.push(name(path.strip_prefix(dir).expect("below")).to_owned()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn hostile_samples_labels_and_names_are_inert_on_the_page_and_in_file_names() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data.jsonl");
    let text = format!("not {} bad", WORDS.join(" "));
    let lines = [
        json!({ "text": text, "id": "../../outside" }),
        json!({ "text": "fine \u{202e}film", "id": "\u{1b}[2J" }),
        json!({ "text": "x", "id": ".." }),
        json!({ "text": "x y", "id": "a/b\\c" }),
    ];
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(&data, lines.join("\n")).expect("written");
    let out = dir.path().join("out");
    let page = stdout(&["profile", "--data", name(&data), "-o", name(&out)]);
    assert_inert(&page);
    assert!(
        page.contains("<script>alert(1)</script>"),
        "a terminal shows tags as they are"
    );
    let written = files(dir.path());
    for file in &written {
        assert!(file.is_ascii(), "{file}");
        let kept = file == "data.jsonl"
            || file == "out/summary.json"
            || file == "out/report.html"
            || file.starts_with("out/charts/")
            || file.starts_with("out/samples/0000");
        assert!(kept, "{file} lies where a sample put it");
    }
    // What is on disk keeps the text as it was.
    let record = std::fs::read(out.join("samples/00001/record.json")).expect("a record");
    let record: Value = serde_json::from_slice(&record).expect("JSON");
    assert_eq!(record["sample"], text.as_str());
    let raw = std::fs::read(out.join("samples/00001/record.json")).expect("a record");
    assert!(
        !raw.contains(&0x1b) && !raw.contains(&0),
        "JSON escapes what is no text"
    );
    let dot = std::fs::read_to_string(out.join("samples/00001/graph.dot")).expect("a graph");
    for line in dot.lines().filter(|line| line.contains("label=\"")) {
        let quotes = line
            .replace("\\\\", "")
            .replace("\\\"", "")
            .matches('"')
            .count();
        assert!(quotes.is_multiple_of(2), "an open quote in {line}");
    }

    let spans = dir.path().join("spans.json");
    let players: Vec<Value> = WORDS
        .iter()
        .zip([[0, 3], [4, 9], [10, 12], [13, 16], [17, 20], [21, 23]])
        .map(|(word, chars)| json!({ "label": word, "chars": [chars] }))
        .collect();
    std::fs::write(&spans, json!({ "players": players }).to_string()).expect("written");
    let rule = format!("spans:{}", name(&spans));
    let words = ["profile", "the movie is not bad at all", "--players", &rule];
    assert_inert(&stdout(&words));
    assert_eq!(document(&words)["record"]["players"][1]["label"], WORDS[1]);
}

#[test]
fn hostile_names_are_inert_in_what_is_said_about_them() {
    let dir = tempfile::tempdir().expect("a folder");
    for word in &WORDS[..5] {
        let folder = dir.path().join(word.replace('/', "_"));
        for words in [
            vec!["profile", "a b", "--model", name(&folder)],
            vec!["extract", "--values", name(&folder)],
            vec!["profile", "--data", name(&folder)],
            vec!["run", name(&folder)],
            vec!["profile", "a b", "--target", word, "--players", word],
            vec!["profile", "a b", "--background", word],
            vec!["order", "--game", word],
            vec!["merge", name(&folder)],
        ] {
            let (code, message) = failure(&words);
            assert!(code == 1 || code == 2, "{words:?}: {message}");
            // What clap itself refuses it shows as it was typed; our own sentences are inert.
            if message.starts_with("error: ")
                && !message.contains("Usage:")
                && !message.contains("--help")
            {
                assert_inert(&message);
            }
        }
        std::fs::create_dir(&folder).expect("a folder");
        let out = folder.join("run");
        let said = run(&["profile", "not bad", "-o", name(&out)]);
        assert!(said.status.success());
        assert_inert(&String::from_utf8(said.stderr).expect("text"));
    }
}

#[test]
fn words_of_a_megabyte_are_taken_or_refused_in_few_words() {
    let dir = tempfile::tempdir().expect("a folder");
    let long = "w".repeat(1 << 20);
    let data = dir.path().join("data.jsonl");
    let lines = [
        json!({ "text": long }),
        json!({ "text": format!("not {long} bad") }),
    ];
    std::fs::write(&data, format!("{}\n{}\n", lines[0], lines[1])).expect("written");
    let said = run(&["profile", "--data", name(&data)]);
    let page = String::from_utf8(said.stdout).expect("text");
    let stderr = String::from_utf8(said.stderr).expect("text");
    assert!(
        page.len() < 20_000 && stderr.len() < 20_000,
        "{} {}",
        page.len(),
        stderr.len()
    );
    assert!(!stderr.contains("panicked"), "{stderr}");

    let spans = dir.path().join("spans.json");
    let players =
        json!({ "players": [{ "label": long, "chars": [[0, 3]] }, { "chars": [[4, 7]] }] });
    std::fs::write(&spans, players.to_string()).expect("written");
    let rule = format!("spans:{}", name(&spans));
    let page = stdout(&["profile", "not bad", "--players", &rule]);
    assert!(page.len() < 20_000, "{} bytes", page.len());
    assert!(page.contains("[wwwwww") && page.contains("…]"), "{page}");
}
