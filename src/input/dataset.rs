//! Many texts from one file.

use std::path::Path;

use serde_json::Value;

use crate::{Error, Result};

/// One text of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataText {
    /// What its results are filed under: the entry's own `id` where that is a plain name, else its number.
    pub id: String,
    /// The text.
    pub text: String,
    /// The class that it has, by name or number, where the file says so.
    pub label: Option<String>,
}

/// Reads the texts of a JSON Lines file (objects with `text` or `sentence`, and perhaps `id` and `label`), or of a CSV or TSV
/// file whose header names such columns; `limit` keeps the first so many.
///
/// # Errors
/// A file that cannot be read or parsed, an entry without text (its line is named), a file without entries.
pub fn read(path: &Path, limit: Option<usize>) -> Result<Vec<DataText>> {
    let content = std::fs::read_to_string(path).map_err(Error::read(path))?;
    let content = content.trim_start_matches('\u{feff}');
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default()
        .to_lowercase();
    let limit = limit.unwrap_or(usize::MAX);
    let texts = match extension.as_str() {
        "csv" => table(path, content, b',', limit)?,
        "tsv" => table(path, content, b'\t', limit)?,
        _ => lines(path, content, limit)?,
    };
    if texts.is_empty() {
        return Err(Error::Input(format!(
            "`{}` holds no sample",
            path.display()
        )));
    }
    let mut names = std::collections::HashSet::new();
    match texts.iter().find(|text| !names.insert(&text.id)) {
        Some(twice) => Err(Error::Input(format!(
            "`{}` has two samples called `{}`",
            path.display(),
            twice.id
        ))),
        None => Ok(texts),
    }
}

fn entry(
    path: &Path,
    line: usize,
    text: Option<&str>,
    id: Option<String>,
    label: Option<String>,
) -> Result<DataText> {
    let text = text.filter(|text| !text.trim().is_empty()).ok_or_else(|| {
        Error::Input(format!(
            "line {line} of `{}` has no text; expected a field `text` or `sentence`",
            path.display()
        ))
    })?;
    // An id becomes the name of a folder, so it must be one.
    let plain = |id: &String| {
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !id.is_empty() && id.len() <= 100 && !id.starts_with('.') && id.chars().all(safe)
    };
    Ok(DataText {
        id: id.filter(plain).unwrap_or_else(|| format!("{line:05}")),
        text: text.into(),
        label,
    })
}

fn lines(path: &Path, content: &str, limit: usize) -> Result<Vec<DataText>> {
    let filled = content
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    filled
        .take(limit)
        .map(|(at, line)| {
            let json: Value = serde_json::from_str(line).map_err(|reason| {
                let source = format!("line {}: {reason}", at + 1);
                Error::parse(path, "JSON Lines file")(source)
            })?;
            let named = |key: &str| match &json[key] {
                Value::String(name) => Some(name.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            entry(
                path,
                at + 1,
                json["text"].as_str().or_else(|| json["sentence"].as_str()),
                named("id"),
                named("label"),
            )
        })
        .collect()
}

fn table(path: &Path, content: &str, delimiter: u8, limit: usize) -> Result<Vec<DataText>> {
    // Tab-separated files of this field do not quote, and a lone quotation mark in a sentence is no quote.
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(delimiter == b',')
        .from_reader(content.as_bytes());
    let header = reader
        .headers()
        .map_err(Error::parse(path, "table with a header"))?
        .clone();
    let column = |names: &[&str]| {
        header
            .iter()
            .position(|name| names.contains(&name.trim().to_lowercase().as_str()))
    };
    let text = column(&["text", "sentence"]).ok_or_else(|| {
        Error::Input(format!(
            "`{}` has no column `text` or `sentence` in its header",
            path.display()
        ))
    })?;
    let (id, label) = (column(&["id"]), column(&["label", "class"]));
    let rows = reader.records().take(limit).map(|row| {
        let row = row.map_err(Error::parse(path, "table"))?;
        let line = row
            .position()
            .map_or(0, |position| position.line() as usize);
        let named = |column: Option<usize>| column.and_then(|at| row.get(at)).map(String::from);
        entry(path, line, row.get(text), named(id), named(label))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, content: &str) -> Result<Vec<DataText>> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(name);
        std::fs::write(&path, content).expect("written");
        read(&path, Some(3))
    }

    #[test]
    fn texts_come_from_lines_and_tables() {
        let lines = of(
            "a.jsonl",
            "{\"id\": \"s1\", \"text\": \"one\"}\n\n{\"sentence\": \"two\", \"id\": \"../x\"}\n",
        );
        let lines: Vec<_> = lines
            .expect("read")
            .into_iter()
            .map(|t| (t.id, t.text))
            .collect();
        assert_eq!(
            lines,
            [
                ("s1".into(), "one".into()),
                ("00003".to_owned(), "two".to_owned())
            ]
        );
        let table = of("a.tsv", "sentence\tlabel\na \"quote\t1\nb\t0\n").expect("read");
        assert_eq!(
            (table[0].text.as_str(), table[1].id.as_str()),
            ("a \"quote", "00003")
        );
        assert_eq!(table[0].label.as_deref(), Some("1"));
        let table = of("a.csv", "id,text\n7,\"a, b\"\n").expect("read");
        assert_eq!(
            (table[0].id.as_str(), table[0].text.as_str()),
            ("7", "a, b")
        );
    }

    #[test]
    fn entries_without_text_are_named() {
        let message = of("a.jsonl", "{\"text\": \"x\"}\n{\"txt\": 1}\n")
            .expect_err("refused")
            .to_string();
        assert!(message.starts_with("line 2 of"), "{message}");
        assert!(of("a.csv", "words\nx\n").is_err() && of("a.jsonl", "\n").is_err());
        assert!(
            of(
                "a.jsonl",
                "{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\"a\",\"text\":\"y\"}"
            )
            .is_err()
        );
    }
}
