//! Which game a value belongs to, as named fields.

use serde_json::{Map, Value};

/// The longest value of a field that a sentence shows, in characters.
const SHOWN: usize = 80;

/// Fields from which others follow: another model has another vocabulary, and so another target and baseline.
const CAUSES: [&str; 4] = ["program", "model", "game", "sample"];

/// Everything that v depends on, as a JSON object: model, sample, players, baseline, readout and so on.
///
/// Two games with equal identities have the same values; where they differ, [`Identity::difference`] says in which field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity(Map<String, Value>);

/// The first field in which two games differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field, as `model.sha256`.
    pub field: String,
    /// What stands on one side, shortened.
    pub here: String,
    /// What stands on the other.
    pub there: String,
}

impl Identity {
    /// Sets `field`; a field that is null counts as absent.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if !value.is_null() {
            self.0.insert(field.into(), value);
        }
        self
    }

    /// The object, as it stands in a file.
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// An identity from a file; `None` for what is no object.
    pub fn from_json(json: Value) -> Option<Self> {
        match json {
            Value::Object(mut fields) => {
                fields.retain(|_, value| !value.is_null());
                Some(Self(fields))
            }
            _ => None,
        }
    }

    /// The first field in which `other` differs: of those that others follow from, else by name.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        let of = |identity: &Self, field: &str| identity.0.get(field).cloned().unwrap_or_default();
        let first = CAUSES
            .iter()
            .find_map(|field| difference(field, &of(self, field), &of(other, field)));
        first.or_else(|| difference("", &self.to_json(), &other.to_json()))
    }

    /// A checksum that equal identities share.
    pub(super) fn checksum(&self) -> u32 {
        crc32fast::hash(self.to_json().to_string().as_bytes())
    }
}

fn difference(path: &str, here: &Value, there: &Value) -> Option<Difference> {
    if here == there {
        return None;
    }
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match (here, there) {
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            names.into_iter().find_map(|name| {
                let of =
                    |fields: &Map<String, Value>| fields.get(name).cloned().unwrap_or(Value::Null);
                difference(&below(name), &of(a), &of(b))
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(at, (a, b))| difference(&below(&at.to_string()), a, b)),
        _ => Some(Difference {
            field: path.into(),
            here: shown(here),
            there: shown(there),
        }),
    }
}

/// A value in few words.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return "nothing".into(),
        Value::Array(entries) => return format!("a list of {}", entries.len()),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn identity() -> Identity {
        Identity::default()
            .with("dtype", "f32")
            .with("model", json!({ "sha256": "ab", "source": "x" }))
            .with("players", json!([{ "label": "a" }, { "label": "b" }]))
            .with("target", Value::Null)
    }

    #[test]
    fn equal_games_are_equal_and_others_say_where_they_differ() {
        let mine = identity();
        assert_eq!(mine.difference(&identity()), None);
        assert_eq!(Identity::from_json(mine.to_json()).as_ref(), Some(&mine));
        assert_eq!(mine.checksum(), identity().checksum());
        let field = |other: Identity| {
            let found = mine.difference(&other).expect("differs");
            assert_ne!(mine.checksum(), other.checksum());
            format!("{}: {} / {}", found.field, found.here, found.there)
        };
        assert_eq!(
            field(identity().with("dtype", "bf16")),
            "dtype: `f32` / `bf16`"
        );
        assert_eq!(
            field(identity().with("model", json!({ "sha256": "cd", "source": "x" }))),
            "model.sha256: `ab` / `cd`"
        );
        assert_eq!(
            field(identity().with("players", json!([{ "label": "a" }, { "label": "c" }]))),
            "players.1.label: `b` / `c`"
        );
        assert_eq!(
            field(identity().with("players", json!([]))),
            "players: a list of 2 / a list of 0"
        );
        assert_eq!(
            field(identity().with("readout", "logit")),
            "readout: nothing / `logit`"
        );
        let long = field(identity().with("dtype", "é".repeat(200)));
        assert!(long.ends_with("…`") && long.chars().count() < 110, "{long}");
    }
}
