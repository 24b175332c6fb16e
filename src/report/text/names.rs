//! Players' names as a page may show them: inert, and told apart where several players share one.

use std::collections::BTreeMap;

use super::draw::inert;
use crate::report::InteractionReport;

/// The names of the players that occur in `found`, by number.
pub(super) fn of_entries(found: &InteractionReport) -> BTreeMap<usize, String> {
    let entries = found.and.iter().chain(&found.or);
    distinct(
        &entries
            .flat_map(|entry| {
                entry
                    .players
                    .iter()
                    .copied()
                    .zip(entry.labels.iter().map(String::as_str))
            })
            .collect(),
    )
}

/// The names of all players, by number.
pub(in crate::report) fn of_all(labels: &[String]) -> BTreeMap<usize, String> {
    distinct(&labels.iter().map(String::as_str).enumerate().collect())
}

/// The second `a` of a sentence becomes `a#2`, and then the first one `a#1`.
fn distinct(labels: &BTreeMap<usize, &str>) -> BTreeMap<usize, String> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for &label in labels.values() {
        *count.entry(label).or_default() += 1;
    }
    let mut place: BTreeMap<&str, usize> = BTreeMap::new();
    let mut names = BTreeMap::new();
    for (&player, &label) in labels {
        let place = place.entry(label).or_default();
        *place += 1;
        let shared = count[label] > 1;
        names.insert(
            player,
            inert(&if shared {
                format!("{label}#{place}")
            } else {
                label.to_owned()
            }),
        );
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn players_that_share_a_label_are_numbered() {
        let labels = ["a", "dog", "a"].map(String::from);
        assert_eq!(
            of_all(&labels).into_values().collect::<Vec<_>>(),
            ["a#1", "dog", "a#2"]
        );
    }
}
