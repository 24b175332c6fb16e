//! The lines that go to a program and come from it.

use serde::{Deserialize, Serialize};

use super::worker::Fault;
use crate::Coalition;
use crate::game::Roster;

/// The version of the protocol.
const VERSION: u32 = 1;

/// Characters of an answer that are quoted where it cannot be understood.
const QUOTED: usize = 80;

#[derive(Serialize)]
struct Hello {
    harsanyi: u32,
    seed: u64,
}

#[derive(Serialize)]
struct Request {
    id: u64,
    seed: u64,
    coalitions: Vec<Vec<usize>>,
}

#[derive(Deserialize)]
struct Answer {
    id: u64,
    values: Option<Vec<Number>>,
    error: Option<String>,
}

/// A value as programs write it. JSON has no number that is not finite, so such a one comes as null or as a word.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number")]
enum Number {
    Finite(f64),
    Null(()),
    Word(String),
}

/// The first line to a program.
pub(super) fn hello(seed: u64) -> String {
    line(&Hello {
        harsanyi: VERSION,
        seed,
    })
}

/// The line that asks for the values of `coalitions`.
pub(super) fn request(id: u64, seed: u64, coalitions: &[Coalition]) -> String {
    let players = |coalition: &Coalition| coalition.players().collect();
    line(&Request {
        id,
        seed,
        coalitions: coalitions.iter().map(players).collect(),
    })
}

fn line(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("numbers and lists are JSON") + "\n"
}

/// Who the players are, from the first line of a program.
pub(super) fn roster(line: &str) -> Result<Roster, Fault> {
    serde_json::from_str(line).map_err(|error| {
        let line = quoted(line);
        Fault::Nonsense(format!(
            "began with {line}, expected a line such as {{\"players\":3}}: {error}"
        ))
    })
}

/// The `expected` values of request `id`, finite or not, from the line that answers it.
pub(super) fn values(line: &str, id: u64, expected: usize) -> Result<Vec<f64>, Fault> {
    let answer: Answer = parse(line).map_err(|error| {
        let line = quoted(line);
        let like = format!("{{\"id\":{id},\"values\":[…]}}");
        Fault::Nonsense(format!("answered {line}, expected {like}: {error}"))
    })?;
    if answer.id != id {
        let got = answer.id;
        return Err(Fault::Nonsense(format!(
            "answered request {got} when {id} was asked"
        )));
    }
    match (answer.values, answer.error) {
        (_, Some(error)) => Err(Fault::Refused(quoted(&error))),
        (None, None) => Err(Fault::Nonsense(format!(
            "answered {}, which has no `values`",
            quoted(line)
        ))),
        (Some(values), None) if values.len() != expected => Err(Fault::Nonsense(format!(
            "answered {} values for {expected} coalitions",
            values.len()
        ))),
        (Some(values), None) => values.into_iter().map(number).collect(),
    }
}

fn number(value: Number) -> Result<f64, Fault> {
    match value {
        Number::Finite(value) => Ok(value),
        Number::Null(()) => Ok(f64::NAN),
        Number::Word(word) => match word.parse::<f64>() {
            Ok(value) if !value.is_finite() => Ok(value),
            _ => Err(Fault::Nonsense(format!(
                "answered the value {}, expected a number",
                quoted(&word)
            ))),
        },
    }
}

/// Reads an answer, also one in which a program wrote `NaN` or `Infinity` as Python does.
fn parse(line: &str) -> Result<Answer, serde_json::Error> {
    serde_json::from_str(line).or_else(|error| {
        let words = line
            .replace("-Infinity", "\"-inf\"")
            .replace("Infinity", "\"inf\"")
            .replace("NaN", "\"NaN\"");
        serde_json::from_str(&words).map_err(|_| error)
    })
}

/// The beginning of `text` in quotes.
fn quoted(text: &str) -> String {
    let mut kept: String = text.chars().take(QUOTED).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    format!("`{kept}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_the_documentation_has_them() {
        assert_eq!(hello(5), "{\"harsanyi\":1,\"seed\":5}\n");
        let coalitions = [
            Coalition::from_players([0, 2]),
            Coalition::EMPTY,
            Coalition::from_players([70]),
        ];
        assert_eq!(
            request(7, 5, &coalitions),
            "{\"id\":7,\"seed\":5,\"coalitions\":[[0,2],[],[70]]}\n"
        );
    }

    #[test]
    fn answers_give_values_or_say_what_is_wrong_with_them() {
        assert_eq!(
            values(r#"{"id": 7, "values": [1, -2.5], "more": {}}"#, 7, 2).expect("values"),
            [1.0, -2.5]
        );
        let odd = values(
            r#"{"id": 7, "values": [NaN, null, -Infinity, "inf"]}"#,
            7,
            4,
        )
        .expect("values");
        assert!(odd[0].is_nan() && odd[1].is_nan());
        assert_eq!(odd[2..], [f64::NEG_INFINITY, f64::INFINITY]);
        for (line, reason) in [
            (
                r#"{"id": 6, "values": [1, 2]}"#,
                "answered request 6 when 7 was asked",
            ),
            (
                r#"{"id": 7, "values": [1]}"#,
                "answered 1 values for 2 coalitions",
            ),
            (
                r#"{"id": 7, "values": [1, 2, 3]}"#,
                "answered 3 values for 2 coalitions",
            ),
            (
                r#"{"id": 7}"#,
                "answered `{\"id\": 7}`, which has no `values`",
            ),
            (
                r#"{"id": 7, "values": [1, "2"]}"#,
                "answered the value `2`, expected a number",
            ),
            (
                r#"{"id": 7, "error": "no credit"}"#,
                "said that it cannot answer: `no credit`",
            ),
            (
                "Loading the model",
                "answered `Loading the model`, expected {\"id\":7,\"values\":[…]}: expected value",
            ),
            (
                r#"{"id": 7, "values": [1, 2"#,
                "answered `{\"id\": 7, \"values\": [1, 2`, expected",
            ),
        ] {
            let message = values(line, 7, 2).expect_err(line).to_string();
            assert!(message.starts_with(reason), "{line}: {message}");
        }
        let long = values(&"x".repeat(1000), 7, 2).expect_err("refused");
        assert!(long.to_string().contains(&format!("`{}…`", "x".repeat(80))));
    }
}
