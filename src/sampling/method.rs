//! How an index is estimated, by name.

use std::fmt;
use std::str::FromStr;

use crate::transform::index::Index;
use crate::{Error, Result};

/// A way to estimate an index from some coalitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Shapley values: what players add as they join in a random order, and in the reverse of it. See
    /// [`permutation`](super::permutation).
    Permutation,
    /// Shapley values: a regression on coalitions drawn by the Shapley kernel and their complements (Lundberg and Lee 2017;
    /// Covert and Lee 2021). See [`regression`](super::regression).
    KernelShap,
    /// The same on coalitions drawn by leverage score, which is alike for all sizes (Musco and Witter 2025).
    Leverage,
    /// Faithful indices and k-additive Shapley indices of any order: the same regression with interactions among its terms.
    KAdditive,
    /// Values of players, interaction indices and generalised values of any order: a regression and, size by size, what it
    /// missed. See [`stratified`](super::stratified).
    Stratified,
}

impl Method {
    /// All methods, in the order of their declaration.
    pub const ALL: [Self; 5] = [
        Self::Permutation,
        Self::KernelShap,
        Self::Leverage,
        Self::KAdditive,
        Self::Stratified,
    ];

    /// The name: `permutation`, `kernel-shap`, `leverage`, `k-additive`, `stratified`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Permutation => "permutation",
            Self::KernelShap => "kernel-shap",
            Self::Leverage => "leverage",
            Self::KAdditive => "k-additive",
            Self::Stratified => "stratified",
        }
    }

    /// Refuses an index that the method does not estimate.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming those that it does.
    pub fn check(self, index: Index) -> Result<()> {
        use Index::*;
        let (fits, must) = match self {
            Self::Permutation => (index == ShapleyValue, "SV for permutation"),
            Self::KernelShap => (index == ShapleyValue, "SV for kernel-shap"),
            Self::Leverage => (index == ShapleyValue, "SV for leverage"),
            Self::KAdditive => (
                matches!(index, FaithfulShapley | FaithfulBanzhaf | AdditiveShapley),
                "FSII, FBII or kADD-SHAP for k-additive",
            ),
            Self::Stratified => (
                matches!(
                    index,
                    ShapleyValue
                        | BanzhafValue
                        | ShapleyInteraction
                        | BanzhafInteraction
                        | ChainingInteraction
                        | ShapleyGeneralized
                        | BanzhafGeneralized
                        | ChainingGeneralized
                ),
                "SV, BV, SII, BII, CHII, SGV, BGV or CHGV for stratified",
            ),
        };
        if fits {
            return Ok(());
        }
        Err(Error::Parameter {
            parameter: "the index to estimate",
            must,
            got: index.name().into(),
        })
    }
}

/// The name, as [`Method::name`] gives it.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Takes the names that [`Method`] displays.
impl FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|method| method.name() == text)
            .ok_or_else(|| Error::Parameter {
                parameter: "the way to estimate",
                must: "permutation, kernel-shap, leverage, k-additive or stratified",
                got: format!("`{text}`"),
            })
    }
}
