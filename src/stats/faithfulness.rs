//! How much of v a few interactions explain.

use crate::Result;
use crate::game::ValueTable;
use crate::interaction::{Interactions, reconstruct};

/// The distance between v and what some interactions make of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Faithfulness {
    /// Root mean square over all coalitions of what is explained minus v.
    pub rms: f64,
    /// The largest |what is explained − v|.
    pub max: f64,
    /// Σ_T (explained − v)² / Σ_T (v − v(∅))²: the normalized error of the papers; 0 where v is constant and reproduced.
    pub unexplained: f64,
    /// The root mean square per coalition size 0, …, n.
    pub rms_by_size: Vec<f64>,
}

/// What `interactions` and the constant `empty` explain of `table`.
///
/// # Cost
/// Two transforms and one pass.
///
/// # Errors
/// A player that the table does not have.
pub fn faithfulness(
    table: &ValueTable,
    empty: f64,
    interactions: &Interactions,
) -> Result<Faithfulness> {
    let explained = reconstruct(table.players(), empty, interactions)?;
    let players = table.players();
    let mut by_size = vec![(0.0, 0.0); players + 1];
    let (mut max, mut spread) = (0.0f64, 0.0);
    for (t, (explained, value)) in explained.values().iter().zip(table.values()).enumerate() {
        let error = explained - value;
        let (squares, count) = &mut by_size[t.count_ones() as usize];
        *squares += error * error;
        *count += 1.0;
        max = max.max(error.abs());
        spread += (value - table.empty()).powi(2);
    }
    let squares: f64 = by_size.iter().map(|(squares, _)| squares).sum();
    Ok(Faithfulness {
        rms: (squares / table.values().len() as f64).sqrt(),
        max,
        unexplained: if squares == 0.0 {
            0.0
        } else {
            squares / spread
        },
        rms_by_size: by_size
            .iter()
            .map(|(squares, count): &(f64, f64)| (squares / count).sqrt())
            .collect(),
    })
}

/// Root mean square errors of the `counts` strongest of `interactions`, in the order of `counts`.
///
/// # Cost
/// Two transforms per count.
///
/// # Errors
/// A player that the table does not have.
///
/// # Example
/// ```
/// use harsanyi::{game::synthetic, interaction::{AndOrOptions, and_or}, stats::faithfulness, tabulate};
/// let table = tabulate(&mut synthetic::parse("and(0,1)*2 + or(1,2) + 0.5")?, |_| ())?;
/// let split = and_or(&table, &AndOrOptions::default())?;
/// let curve = faithfulness::curve(&table, split.empty(), &split.salient(0.0), &[0, 1, 2])?;
/// assert!(curve[0] > curve[1] && curve[2] < 1e-9);
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn curve(
    table: &ValueTable,
    empty: f64,
    interactions: &Interactions,
    counts: &[usize],
) -> Result<Vec<f64>> {
    counts
        .iter()
        .map(|&count| {
            let kept = interactions.clone().strongest(count);
            Ok(faithfulness(table, empty, &kept)?.rms)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interaction::{AndOrOptions, and_or};
    use crate::{game::synthetic, interaction::Threshold, tabulate};

    #[test]
    fn errors_are_sorted_by_size_and_add_up() {
        let table = tabulate(
            &mut synthetic::parse("and(0,1)*2 - or(2,3) + and(0,2,3) + 1").expect("a game"),
            |_| (),
        )
        .expect("a table");
        let split = and_or(&table, &AndOrOptions::default()).expect("defaults");
        let found = faithfulness(&table, split.empty(), &split.salient(Threshold::Top(1)))
            .expect("its own");
        // Without the others, what is missing of {2} is −(−1).
        let mut squares = 0.0;
        for (size, rms) in found.rms_by_size.iter().enumerate() {
            let count = [1.0, 4.0, 6.0, 4.0, 1.0][size];
            squares += rms * rms * count;
        }
        assert!((squares / 16.0 - found.rms * found.rms).abs() < 1e-12);
        assert!(found.rms_by_size[0] < 1e-12);
        assert!((found.max - 1.0).abs() < 1e-9);
        let all = faithfulness(&table, split.empty(), &split.salient(0.0)).expect("its own");
        assert!(all.max < 1e-9 && all.unexplained < 1e-18);
    }
}
