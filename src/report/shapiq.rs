//! An index as the package shapiq (1.5 and later) reads it: the JSON of its `InteractionValues`.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use super::IndexReport;

/// An index of a game, to be written with [`folder::write_compact_json`](super::folder::write_compact_json) and loaded with
/// `shapiq.InteractionValues.load`.
///
/// One object: a header, `metadata` (`index`, `n_players`, `min_order`, `max_order`, `estimated`, `estimation_budget`,
/// `baseline_value`) and `data`, a map from players joined by commas, `Empty` for nobody, to numbers.
#[derive(Clone, Copy, Debug)]
pub struct InteractionValues<'a>(pub &'a IndexReport);

impl Serialize for InteractionValues<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.0;
        let estimate = report.estimate.as_ref();
        // Of the fits only that of FBII has another constant than v(∅).
        let baseline = match report.index.as_str() {
            "FBII" => report.empty,
            _ => report.v_empty,
        };
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("object_name", "InteractionValues")?;
        object.serialize_entry("data_type", "interaction_values")?;
        object.serialize_entry("version", "1.8.0")?;
        object.serialize_entry(
            "created_from",
            concat!("harsanyi ", env!("CARGO_PKG_VERSION")),
        )?;
        object.serialize_entry("description", &None::<&str>)?;
        object.serialize_entry(
            "parameters",
            &estimate.map_or(json!({}), |estimate| json!(estimate)),
        )?;
        object.serialize_entry(
            "metadata",
            &json!({
                "n_players": report.players,
                "index": report.index,
                "max_order": report.order,
                "min_order": 0,
                "estimated": estimate.is_some(),
                "estimation_budget": estimate.map(|estimate| estimate.budget),
                "baseline_value": baseline,
            }),
        )?;
        object.serialize_entry("data", &Data(report))?;
        object.end()
    }
}

/// The map from coalitions to numbers.
struct Data<'a>(&'a IndexReport);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut data = serializer.serialize_map(Some(self.0.values.len() + 1))?;
        data.serialize_entry("Empty", &self.0.empty)?;
        for value in &self.0.values {
            let players: Vec<String> = value.players.iter().map(usize::to_string).collect();
            data.serialize_entry(&players.join(","), &value.value)?;
        }
        data.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::ValueTable;

    #[test]
    fn the_document_has_the_words_that_its_reader_looks_for() {
        let table = ValueTable::new(2, vec![0.5, 1.5, 1.0, 4.0]).expect("finite");
        let index = "SII".parse().expect("an index");
        let report = IndexReport::new(&table, index, 2).expect("in range");
        let document = json!(InteractionValues(&report));
        assert_eq!(document["data_type"], "interaction_values");
        assert_eq!(
            document["metadata"],
            json!({
                "n_players": 2, "index": "SII", "max_order": 2, "min_order": 0,
                "estimated": false, "estimation_budget": null, "baseline_value": 0.5,
            })
        );
        let data = &document["data"];
        assert_eq!(data["0,1"], 2.0);
        assert_eq!((&data["0"], &data["1"]), (&json!(2.0), &json!(1.5)));
        // (0.5 + (1.5 + 1.0)/2 + 4.0)/3
        assert!((data["Empty"].as_f64().expect("a number") - 5.75 / 3.0).abs() < 1e-12);
    }
}
