//! A row of a table as a sample: its numbers, its baseline, and players that own columns.

use std::path::Path;

use serde_json::Value;

use super::features::{Features, Scale};
use super::{Baseline, PlayerRule, Players};
use crate::{Error, Result};

/// Columns that are answers, not inputs, where a configuration does not list the inputs.
const ANSWERS: [&str; 4] = ["target", "label", "class", "y"];

/// The columns that a network takes, and how they become numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct RowForm {
    /// Names of the columns, in order; empty where the configuration names none.
    named: Vec<String>,
    /// How many there are.
    count: usize,
    scale: Scale,
}

/// A table of numbers, read from a CSV file with a header.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberTable {
    /// Names of the columns that the network takes.
    pub columns: Vec<String>,
    /// Rows of as many numbers, as the file holds them.
    pub rows: Vec<Vec<f64>>,
    /// The answer of each row, where the table has such a column.
    pub labels: Vec<String>,
}

/// A row, prepared for a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The numbers of the file.
    pub raw: Vec<f64>,
    /// The numbers that the network is given.
    pub features: Features,
}

fn is_answer(name: &str) -> bool {
    ANSWERS.contains(&name.to_lowercase().as_str())
}

impl RowForm {
    /// Reads the `input` of a `config.json`: `columns`, `mean` and `std`, each for `count` columns.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for lists that do not fit, naming `path`.
    pub fn new(config: &Value, count: usize, path: &Path) -> Result<Self> {
        let wrong = |reason: String| Error::Checkpoint {
            path: path.into(),
            reason,
        };
        let input = &config["input"];
        let named: Option<Vec<String>> = match input["columns"].as_array() {
            None => Some(Vec::new()),
            Some(names) => names
                .iter()
                .map(|name| name.as_str().map(String::from))
                .collect(),
        };
        Ok(Self {
            named: named.ok_or_else(|| wrong("a name in `columns` is no text".into()))?,
            count,
            scale: Scale::new(&input["mean"], &input["std"], count).map_err(wrong)?,
        })
    }

    /// The columns of the CSV file at `path` that the network takes: those that it names, else all but an answer.
    ///
    /// # Errors
    /// A file that cannot be read, a column that is missing, another number of columns, an entry that is no finite number
    /// (its line is named), a file without rows.
    pub fn read(&self, path: &Path) -> Result<NumberTable> {
        let content = std::fs::read_to_string(path).map_err(Error::read(path))?;
        let mut reader =
            csv::Reader::from_reader(content.trim_start_matches('\u{feff}').as_bytes());
        let header = reader
            .headers()
            .map_err(Error::parse(path, "table with a header"))?
            .clone();
        let header: Vec<&str> = header.iter().map(str::trim).collect();
        let shown = path.display();
        let place = |name: &String| {
            header.iter().position(|own| own == name).ok_or_else(|| {
                Error::Input(format!(
                    "`{shown}` has no column `{name}`; it has {}",
                    header.join(", ")
                ))
            })
        };
        let places: Vec<usize> = match self.named.is_empty() {
            false => self.named.iter().map(place).collect::<Result<_>>()?,
            true => (0..header.len())
                .filter(|&at| !is_answer(header[at]))
                .collect(),
        };
        if places.len() != self.count {
            return Err(Error::Input(format!(
                "`{shown}` has {} columns of numbers; the network takes {}",
                places.len(),
                self.count
            )));
        }
        let answer = (0..header.len()).find(|&at| is_answer(header[at]) && !places.contains(&at));
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        for record in reader.records() {
            let record = record.map_err(Error::parse(path, "table"))?;
            let line = record.position().map_or(0, |position| position.line());
            let number = |&at: &usize| {
                let text = record.get(at).unwrap_or_default().trim();
                let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                number.ok_or_else(|| {
                    Error::Input(format!(
                        "line {line} of `{shown}` has `{text}` under `{}`, which is no number",
                        header[at]
                    ))
                })
            };
            labels.extend(
                answer
                    .and_then(|at| record.get(at))
                    .map(|label| label.trim().to_owned()),
            );
            rows.push(places.iter().map(number).collect::<Result<Vec<f64>>>()?);
        }
        match rows.is_empty() {
            true => Err(Error::Input(format!("`{shown}` has no row"))),
            false => Ok(NumberTable {
                columns: places.iter().map(|&at| header[at].to_owned()).collect(),
                rows,
                labels,
            }),
        }
    }

    fn numbers(&self, raw: &[f64]) -> Vec<f32> {
        raw.iter()
            .enumerate()
            .map(|(c, &x)| self.scale.apply(x, c))
            .collect()
    }
}

impl Row {
    /// Prepares row `number` of `table`, the first behind the header being 0, in the `form` that the network takes, with
    /// `baseline` where columns are absent.
    ///
    /// # Errors
    /// [`Error::Input`] for a row that is not there; a baseline that rows do not have or that cannot be read.
    pub fn new(
        table: &NumberTable,
        number: usize,
        form: &RowForm,
        baseline: &Baseline,
    ) -> Result<Self> {
        let raw = table.rows.get(number).ok_or_else(|| {
            Error::Input(format!(
                "row {number} is not there; the table has rows 0 to {}",
                table.rows.len() - 1
            ))
        })?;
        let absent = match baseline {
            Baseline::Auto | Baseline::Zero => vec![0.0; raw.len()],
            Baseline::Mean => {
                let sum = |c: usize| table.rows.iter().map(|row| row[c]).sum::<f64>();
                let means: Vec<f64> = (0..raw.len())
                    .map(|c| sum(c) / table.rows.len() as f64)
                    .collect();
                form.numbers(&means)
            }
            Baseline::File(path) => form.numbers(&form.read(path)?.rows[0]),
            other => {
                return Err(Error::Parameter {
                    parameter: "the baseline",
                    must: "zero, mean or file:PATH for a row",
                    got: format!("`{other}`"),
                });
            }
        };
        Ok(Self {
            columns: table.columns.clone(),
            raw: raw.clone(),
            features: Features {
                channels: 1,
                height: 1,
                width: raw.len(),
                present: form.numbers(raw),
                absent,
            },
        })
    }
}

impl Players {
    /// Cuts `row` by `rule`; `background` names players, by label or by number, that are none after all. Elements are
    /// columns.
    ///
    /// # Errors
    /// A rule for other samples, a column that the row does not have or that two players claim.
    pub fn of_row(row: &Row, rule: &PlayerRule, background: &[String]) -> Result<Self> {
        let columns = &row.columns;
        let players = match rule {
            PlayerRule::Auto | PlayerRule::Column => Self {
                owner: (0..columns.len()).map(Some).collect(),
                labels: columns.clone(),
            },
            PlayerRule::Listed(groups) => {
                let mut owner = vec![None; columns.len()];
                let names = groups.iter().enumerate();
                for (player, name) in names.flat_map(|(player, group)| {
                    group.split('+').map(move |name| (player, name.trim()))
                }) {
                    let at = columns
                        .iter()
                        .position(|column| column == name)
                        .ok_or_else(|| {
                            Error::Input(format!(
                                "the row has no column `{name}`; it has {}",
                                columns.join(", ")
                            ))
                        })?;
                    if let Some(other) = owner[at].replace(player) {
                        return Err(Error::Input(format!(
                            "players {other} and {player} both own the column `{name}`"
                        )));
                    }
                }
                Self {
                    owner,
                    labels: groups.clone(),
                }
            }
            other => {
                return Err(Error::Parameter {
                    parameter: "the players",
                    must: "column, or columns separated by commas, for a row",
                    got: format!("`{other}`"),
                });
            }
        };
        players.without(background)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(config: Value, count: usize, content: &str) -> Result<(RowForm, NumberTable)> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("t.csv");
        std::fs::write(&path, content).expect("written");
        let form = RowForm::new(&config, count, Path::new("x"))?;
        let table = form.read(&path)?;
        Ok((form, table))
    }

    #[test]
    fn rows_are_scaled_and_absent_columns_are_their_baseline() {
        let input =
            json!({ "input": { "columns": ["b", "a"], "mean": [2.0, 0.0], "std": [0.5, 1.0] } });
        let (form, table) = read(input, 2, "a,b,c\n1,2,x\n3,4,y\n").expect("read");
        let row = Row::new(&table, 1, &form, &Baseline::Auto).expect("a row");
        assert_eq!(
            (row.raw, row.features.present, row.features.absent),
            (vec![4.0, 3.0], vec![4.0, 3.0], vec![0.0, 0.0])
        );
        let row = Row::new(&table, 1, &form, &Baseline::Mean).expect("a row");
        assert_eq!(row.features.absent, [2.0, 2.0]);
        let beyond = Row::new(&table, 2, &form, &Baseline::Auto).expect_err("no such row");
        assert_eq!(
            beyond.to_string(),
            "row 2 is not there; the table has rows 0 to 1"
        );
    }

    #[test]
    fn columns_and_groups_of_them_are_players() {
        let (form, table) = read(json!({}), 3, "a,b,c,target\n1,2,3,0\n").expect("read");
        let row = Row::new(&table, 0, &form, &Baseline::Zero).expect("a row");
        let all = Players::of_row(&row, &PlayerRule::Column, &["b".into()]).expect("players");
        assert_eq!(
            (all.labels, all.owner),
            (
                vec!["a".into(), "c".to_owned()],
                vec![Some(0), None, Some(1)]
            )
        );
        let rule: PlayerRule = "c+a,b".parse().expect("a list");
        let groups = Players::of_row(&row, &rule, &[]).expect("players");
        assert_eq!(groups.owner, [Some(0), Some(1), Some(0)]);
        for (rule, sentence) in [
            ("a,d", "the row has no column `d`; it has a, b, c"),
            ("a+b,b", "players 0 and 1 both own the column `b`"),
        ] {
            let rule: PlayerRule = rule.parse().expect("a list");
            assert_eq!(
                Players::of_row(&row, &rule, &[])
                    .expect_err(sentence)
                    .to_string(),
                sentence
            );
        }
    }

    #[test]
    fn tables_that_do_not_fit_are_refused() {
        for (count, content, sentence) in [
            (
                2,
                "a,b,c\n1,2,3\n",
                "has 3 columns of numbers; the network takes 2",
            ),
            (2, "a,b\n1,?\n", "line 2 of"),
            (2, "a,b\n", "has no row"),
        ] {
            let message = read(json!({}), count, content)
                .expect_err(sentence)
                .to_string();
            assert!(message.contains(sentence), "{message}");
        }
        let missing =
            read(json!({ "input": { "columns": ["z"] } }), 1, "a\n1\n").expect_err("no z");
        assert!(
            missing.to_string().contains("has no column `z`; it has a"),
            "{missing}"
        );
    }
}
