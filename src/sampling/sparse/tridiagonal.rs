//! The systems that a Lanczos sequence leaves: tridiagonal, positive definite, the same but for a shift of the diagonal.

/// T of (T + σ²) y = e₁, one row and column after the other.
#[derive(Default)]
pub(super) struct Tridiagonal {
    diagonal: Vec<f64>,
    /// What links each place to the next, the one behind the last included.
    off_diagonal: Vec<f64>,
}

impl Tridiagonal {
    /// What links the last place to the next; 0 before the first.
    pub(super) fn last_off_diagonal(&self) -> f64 {
        self.off_diagonal.last().copied().unwrap_or(0.0)
    }

    /// Adds a place, `next` being what will link it to the one behind it.
    pub(super) fn extend(&mut self, diagonal: f64, next: f64) {
        self.diagonal.push(diagonal);
        self.off_diagonal.push(next);
    }

    /// y of (T + `shift`) y = e₁, by elimination without exchanges.
    pub(super) fn solve(&self, shift: f64) -> Vec<f64> {
        let mut pivots: Vec<f64> = Vec::with_capacity(self.diagonal.len());
        let mut solved: Vec<f64> = Vec::with_capacity(self.diagonal.len());
        for (at, diagonal) in self.diagonal.iter().enumerate() {
            match at.checked_sub(1) {
                None => {
                    pivots.push(diagonal + shift);
                    solved.push(1.0);
                }
                Some(before) => {
                    let share = self.off_diagonal[before] / pivots[before];
                    pivots.push(diagonal + shift - share * self.off_diagonal[before]);
                    solved.push(-share * solved[before]);
                }
            }
        }
        for at in (0..solved.len()).rev() {
            let behind = match solved.get(at + 1) {
                Some(next) => self.off_diagonal[at] * next,
                None => 0.0,
            };
            solved[at] = (solved[at] - behind) / pivots[at];
        }
        solved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_solved_fulfils_the_equations() {
        let (diagonal, off) = ([3.0, 2.5, 4.0, 1.5], [0.7, -0.4, 0.9, 0.3]);
        let mut system = Tridiagonal::default();
        for count in 1..=4 {
            system.extend(diagonal[count - 1], off[count - 1]);
            let y = system.solve(0.2);
            assert_eq!(y.len(), count);
            for row in 0..count {
                let mut sum = (diagonal[row] + 0.2) * y[row];
                if row > 0 {
                    sum += off[row - 1] * y[row - 1];
                }
                if row + 1 < count {
                    sum += off[row] * y[row + 1];
                }
                let expected = if row == 0 { 1.0 } else { 0.0 };
                assert!((sum - expected).abs() < 1e-12);
            }
        }
    }
}
