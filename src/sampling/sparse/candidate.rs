//! A candidate term's column, seen beside the columns that are already chosen.

use pulp::bytemuck::cast;
use pulp::{Simd, WithSimd};

use super::design::{Term, common};

/// What must be left of a column's squared norm beside the columns chosen before it.
const INDEPENDENT: f64 = 1e-6;

/// Entries of a row of the factor come in groups of this many, the last filled up with zeros.
const GROUP: usize = 8;

/// A centred column of zeros and ones with its row of the Cholesky factor.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) term: Term,
    pub(super) bits: Vec<u64>,
    pub(super) count: u32,
    /// ⟨column, v⟩
    with_values: f64,
    /// ‖column‖²
    square: f64,
    /// Products with the orthonormal columns so far; of a chosen candidate ends in the norm of what was left of it.
    along: Vec<f64>,
    entries: usize,
    chosen: bool,
    /// 1/norm of what was left of it when it was chosen.
    scale: f64,
    /// Squared norm of what the chosen columns leave of it.
    rest: f64,
    /// ⟨what is left of it, v⟩
    product: f64,
}

impl Candidate {
    /// A term that fires in the samples of `bits`, `count` of `samples`.
    pub(super) fn new(
        term: Term,
        bits: Vec<u64>,
        count: u32,
        with_values: f64,
        samples: usize,
    ) -> Self {
        let square = f64::from(count) - f64::from(count).powi(2) / samples as f64;
        Self {
            term,
            bits,
            count,
            with_values,
            square,
            along: Vec::new(),
            entries: 0,
            chosen: false,
            scale: 0.0,
            rest: square,
            product: with_values,
        }
    }

    /// Forgets the chosen columns.
    pub(super) fn start(&mut self) {
        self.along.clear();
        self.entries = 0;
        self.chosen = false;
        self.rest = self.square;
        self.product = self.with_values;
    }

    /// Becomes a chosen column; returns the part of v that it explains beyond those before it.
    pub(super) fn choose(&mut self) -> f64 {
        let norm = self.rest.sqrt();
        self.push(norm);
        self.scale = 1.0 / norm;
        self.rest = 0.0;
        self.chosen = true;
        self.product / norm
    }

    #[inline(always)]
    fn push(&mut self, entry: f64) {
        if self.entries == self.along.len() {
            self.along.extend([0.0; GROUP]);
        }
        self.along[self.entries] = entry;
        self.entries += 1;
    }

    /// Its row of the factor.
    pub(super) fn along(&self) -> &[f64] {
        &self.along[..self.entries]
    }

    /// By how much the sum of squared residuals would fall.
    pub(super) fn gain(&self) -> f64 {
        match self.is_free() {
            true => self.product * self.product / self.rest,
            false => 0.0,
        }
    }

    /// Whether the chosen columns leave enough of it.
    pub(super) fn is_free(&self) -> bool {
        self.rest > INDEPENDENT * self.square
    }
}

/// Extends the rows of some candidates by some chosen columns, which are all that they have not seen, and what each of these
/// explains.
pub(super) struct Extend<'a, 'b> {
    pub(super) others: &'a mut [Candidate],
    pub(super) chosen: &'b [(&'b Candidate, f64)],
    pub(super) samples: usize,
}

impl WithSimd for Extend<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let samples = self.samples as f64;
        for own in self.others.iter_mut().filter(|own| !own.chosen) {
            for (other, explains) in self.chosen {
                let both = f64::from(common(&own.bits, &other.bits));
                let product = both - f64::from(own.count) * f64::from(other.count) / samples;
                // The other's norm stands where this row still has a zero.
                let known = dot(simd, &own.along, &other.along);
                let share = (product - known) * other.scale;
                own.push(share);
                own.rest -= share * share;
                own.product -= share * explains;
            }
        }
    }
}

/// Σ a·b over whole groups, in eight partial sums whatever the machine.
#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f64], b: &[f64]) -> f64 {
    match size_of::<S::f64s>() / size_of::<f64>() {
        8 => dot_of::<S, 1>(simd, a, b),
        4 => dot_of::<S, 2>(simd, a, b),
        2 => dot_of::<S, 4>(simd, a, b),
        _ => dot_of::<S, GROUP>(simd, a, b),
    }
}

#[inline(always)]
fn dot_of<S: Simd, const REGISTERS: usize>(simd: S, a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [simd.splat_f64s(0.0); REGISTERS];
    let (a, b) = (S::as_simd_f64s(a).0, S::as_simd_f64s(b).0);
    let (a, b) = (a.as_chunks::<REGISTERS>().0, b.as_chunks::<REGISTERS>().0);
    for (a, b) in a.iter().zip(b) {
        for at in 0..REGISTERS {
            sums[at] = simd.add_f64s(sums[at], simd.mul_f64s(a[at], b[at]));
        }
    }
    let mut lanes = [0.0; GROUP];
    for (lanes, sum) in S::as_mut_simd_f64s(&mut lanes).0.iter_mut().zip(sums) {
        *lanes = cast(sum);
    }
    let four: [f64; 4] = std::array::from_fn(|lane| lanes[lane] + lanes[lane + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}
