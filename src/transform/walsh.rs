//! The Walsh (Fourier) spectrum of a game and back.

use std::ops::Index;

use super::butterfly_of;
use crate::game::ValueTable;

/// The Walsh coefficients of a game over all 2^n coalitions, in index order; `spectrum[s]` is v̂(S).
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    players: usize,
    values: Vec<f64>,
}

impl Spectrum {
    /// n, the number of players.
    pub fn players(&self) -> usize {
        self.players
    }

    /// All coefficients in index order; the first is the mean of v.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

impl Index<usize> for Spectrum {
    type Output = f64;

    fn index(&self, coalition: usize) -> &f64 {
        &self.values[coalition]
    }
}

/// Walsh coefficients of v.
///
/// v̂(S) = 2^−n Σ_T (−1)^{|S∩T|} v(T)
///
/// # Cost
/// n·2^n additions, one table of memory.
///
/// # Source
/// Walsh 1923; the normalisation is that of the package shapiq.
///
/// # Example
/// ```
/// use harsanyi::{game::ValueTable, transform::{inverse_walsh, walsh}};
/// let table = ValueTable::new(2, vec![1.0, 3.0, 4.0, 8.0])?;
/// assert_eq!(walsh(&table).values(), [4.0, -1.5, -2.0, 0.5]);
/// assert_eq!(inverse_walsh(&walsh(&table)), table);
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn walsh(table: &ValueTable) -> Spectrum {
    // A power of two: scaling first rounds nothing off.
    let share = 1.0 / table.values().len() as f64;
    Spectrum {
        players: table.players(),
        values: butterfly_of(
            table.values(),
            |_, value| share * value,
            |without, with| (without + with, without - with),
        ),
    }
}

/// The inverse of [`walsh`]: v(T) = Σ_S (−1)^{|S∩T|} v̂(S).
///
/// # Cost
/// n·2^n additions, one table of memory.
///
/// # Panics
/// If the sums overflow, which coefficients made by [`walsh`] from values below 1e300 do not.
pub fn inverse_walsh(spectrum: &Spectrum) -> ValueTable {
    let values = butterfly_of(
        &spectrum.values,
        |_, coefficient| coefficient,
        |without, with| (without + with, without - with),
    );
    ValueTable::new(spectrum.players, values)
        .expect("sums of finite coefficients within the exact path's limit")
}
