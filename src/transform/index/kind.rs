//! Which indices there are, what they are called, and up to which order they go.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// An index of players or coalitions; s = |S|, t = |T|, k the highest order asked, D_S v(T) = Σ_{L⊆S} (−1)^{s−|L|} v(T∪L).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Index {
    /// Shapley value of single players: Σ_{T∋i} a(T)/t (Shapley 1953).
    ShapleyValue,
    /// Banzhaf value of single players: Σ_{T∋i} 2^(1−t) a(T) (Banzhaf 1965).
    BanzhafValue,
    /// Shapley interaction index: Σ_{T⊇S} a(T)/(t−s+1) (Grabisch and Roubens 1999).
    ShapleyInteraction,
    /// Banzhaf interaction index: Σ_{T⊇S} 2^(s−t) a(T) (Grabisch and Roubens 1999).
    BanzhafInteraction,
    /// Chaining interaction index: Σ_{T⊇S} (s/t) a(T) (Marichal and Roubens 1999).
    ChainingInteraction,
    /// Shapley-Taylor index of order k: a(S) for s < k, Σ_{T⊇S} a(T)/C(t,k) for s = k (Sundararajan, Dhamdhere and Agarwal
    /// 2020).
    ShapleyTaylor,
    /// The dividends a(S) themselves.
    Mobius,
    /// Σ_{T⊇S} a(T), the external Möbius transform, whose values are the OR interactions up to the sign (−1)^(s+1).
    CoMobius,
    /// Walsh coefficients: 2^−n Σ_T (−1)^{|S∩T|} v(T) = (−1/2)^s BII(S).
    Fourier,
    /// n-Shapley values of order k: Σ_{T⊇S, t≤k} B(t−s) SII(T) with the Bernoulli numbers B(0) = 1, B(1) = −1/2, …; they sum to
    /// v(N) − v(∅) (Bordt and von Luxburg 2023).
    AggregatedShapley,
    /// Faithful Shapley interaction index of order k: the dividends of the game without interactions above k that is closest
    /// to v under the Shapley kernel (n−1)/(C(n,t) t (n−t)) and equals it at ∅ and N (Tsai, Yeh and Ravikumar 2023, theorem 19).
    FaithfulShapley,
    /// Faithful Banzhaf interaction index of order k: the dividends of the game without interactions above k that is closest to
    /// v over all coalitions alike (Tsai, Yeh and Ravikumar 2023, theorem 17; Hammer and Holzman 1992).
    FaithfulBanzhaf,
    /// Shapley interaction indices of the game that [`Self::FaithfulShapley`] fits (Pelegrina, Duarte and Grabisch 2023).
    AdditiveShapley,
    /// Joint Shapley values of order k (Harris, Pymar and Rowat 2022, theorem 4).
    JointShapley,
    /// Shapley generalised value: Σ_{T⊆N∖S} (v(T∪S) − v(T)) / ((n−s+1) C(n−s,t)) (Marichal, Kojadinovic and Fujimoto 2007).
    ShapleyGeneralized,
    /// Banzhaf generalised value: the mean of v(T∪S) − v(T) over all T ⊆ N∖S (Marichal, Kojadinovic and Fujimoto 2007).
    BanzhafGeneralized,
    /// Chaining generalised value: Σ_{T⊆N∖S} s/((s+t) C(n,s+t)) (v(T∪S) − v(T)) (Marichal, Kojadinovic and Fujimoto 2007).
    ChainingGeneralized,
    /// Internal generalised value: v(S) − v(∅).
    InternalGeneralized,
    /// External generalised value: v(N) − v(N∖S).
    ExternalGeneralized,
}

/// How an index is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// It is the dividend.
    Dividend,
    /// It is the Walsh coefficient.
    Spectrum,
    /// v(S) − v(∅)
    Alone,
    /// v(N) − v(N∖S)
    Last,
    /// A weighted sum of v(T∪S) − v(T).
    Contribution,
    /// A weighted sum of dividends of supersets.
    Interaction,
}

impl Index {
    /// All indices, in the order of their declaration.
    pub const ALL: [Self; 19] = [
        Self::ShapleyValue,
        Self::BanzhafValue,
        Self::ShapleyInteraction,
        Self::BanzhafInteraction,
        Self::ChainingInteraction,
        Self::ShapleyTaylor,
        Self::Mobius,
        Self::CoMobius,
        Self::Fourier,
        Self::AggregatedShapley,
        Self::FaithfulShapley,
        Self::FaithfulBanzhaf,
        Self::AdditiveShapley,
        Self::JointShapley,
        Self::ShapleyGeneralized,
        Self::BanzhafGeneralized,
        Self::ChainingGeneralized,
        Self::InternalGeneralized,
        Self::ExternalGeneralized,
    ];

    /// The name in shapiq.
    pub fn name(self) -> &'static str {
        match self {
            Self::ShapleyValue => "SV",
            Self::BanzhafValue => "BV",
            Self::ShapleyInteraction => "SII",
            Self::BanzhafInteraction => "BII",
            Self::ChainingInteraction => "CHII",
            Self::ShapleyTaylor => "STII",
            Self::Mobius => "Moebius",
            Self::CoMobius => "Co-Moebius",
            Self::Fourier => "Fourier",
            Self::AggregatedShapley => "k-SII",
            Self::FaithfulShapley => "FSII",
            Self::FaithfulBanzhaf => "FBII",
            Self::AdditiveShapley => "kADD-SHAP",
            Self::JointShapley => "JointSV",
            Self::ShapleyGeneralized => "SGV",
            Self::BanzhafGeneralized => "BGV",
            Self::ChainingGeneralized => "CHGV",
            Self::InternalGeneralized => "IGV",
            Self::ExternalGeneralized => "EGV",
        }
    }

    /// The highest order that the index is defined for among `players`.
    pub fn max_order(self, players: usize) -> usize {
        match self {
            Self::ShapleyValue | Self::BanzhafValue => 1,
            _ => players,
        }
    }

    /// Whether what the index says of small coalitions depends on the highest order asked.
    pub fn depends_on_order(self) -> bool {
        matches!(
            self,
            Self::ShapleyTaylor
                | Self::AggregatedShapley
                | Self::FaithfulShapley
                | Self::FaithfulBanzhaf
                | Self::AdditiveShapley
                | Self::JointShapley
        )
    }

    /// Refuses an order that the index is not defined for.
    ///
    /// # Errors
    /// [`Error::Parameter`] when `order` is 0 or more than [`Self::max_order`] allows.
    pub fn check_order(self, order: usize, players: usize) -> Result<()> {
        let most = self.max_order(players);
        if order == 0 || order > most {
            return Err(Error::Parameter {
                parameter: "the order of the index",
                must: match most {
                    1 => "1 for a value of single players",
                    _ => "from 1 to the number of players",
                },
                got: format!("{order} for {self} of {players} players"),
            });
        }
        Ok(())
    }

    pub(super) fn form(self) -> Form {
        match self {
            Self::Mobius => Form::Dividend,
            Self::Fourier => Form::Spectrum,
            Self::InternalGeneralized => Form::Alone,
            Self::ExternalGeneralized => Form::Last,
            Self::ShapleyValue
            | Self::BanzhafValue
            | Self::JointShapley
            | Self::ShapleyGeneralized
            | Self::BanzhafGeneralized
            | Self::ChainingGeneralized => Form::Contribution,
            _ => Form::Interaction,
        }
    }
}

/// The name in shapiq, as [`Index::name`] gives it.
impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Takes the names that [`Index`] displays, in upper or lower case.
impl FromStr for Index {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|index| index.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| Error::Parameter {
                parameter: "the index",
                must: "one of SV, BV, SII, BII, CHII, STII, Moebius, Co-Moebius, Fourier, k-SII, FSII, FBII, kADD-SHAP, \
                       JointSV, SGV, BGV, CHGV, IGV, EGV",
                got: format!("`{text}`"),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_others_are_refused_with_all_names() {
        let refused = "magic".parse::<Index>().expect_err("refused").to_string();
        for index in Index::ALL {
            assert_eq!(index.to_string().parse::<Index>().expect("a name"), index);
            let lower = index.name().to_lowercase();
            assert_eq!(lower.parse::<Index>().expect("a name"), index);
            assert!(refused.contains(index.name()), "{refused} lacks {index}");
        }
        assert!(refused.ends_with("EGV, got `magic`"), "{refused}");
    }
}
