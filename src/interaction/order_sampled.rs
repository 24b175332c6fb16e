//! Multi-order interactions of chosen pairs, estimated from sampled contexts where 2^n coalitions are too many.
//!
//! In come a [`Game`] and a [`ContextPlan`]; out goes a [`SampledProfile`] with an estimate of I^(m)(i,j) and its standard
//! error for every pair and size of the plan, and per size the figures from which J^(m) follows ([`SizeMoments`]).
//!
//! The mean of |Î| over pairs, Î the mean of a few contexts, is too large: noise has no sign. The excess is zero where all
//! contexts were seen (m = 0 and m = n−2 always) and largest in the middle, so that it hides the bottleneck. Two figures
//! without that excess stand beside it, both from splitting the contexts of a pair in two parts that know nothing of each
//! other: the product of the two means has expectation I², and the mean of one part with the sign of the other has an
//! expectation of at most |I|.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::order::ContextSize;
use crate::game::checked;
use crate::sampling::context::{ContextPlan, Contexts};
use crate::{Coalition, Error, Game, Result};

/// Î^(m)(i,j) of one pair at one size, in the units of v.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairEstimate {
    /// The mean over contexts of v(S∪ij) − v(S∪i) − v(S∪j) + v(S).
    pub mean: f64,
    /// The standard error of `mean`; 0 where all contexts were seen.
    pub standard_error: f64,
    /// The mean over contexts of the difference with the sign that the mean of all other contexts has. Its expectation is
    /// |I| times the probability that this sign is right, minus that it is wrong: never above |I|. |I| itself where all
    /// contexts were seen.
    pub held_out: f64,
    /// How many contexts were seen.
    pub contexts: usize,
}

impl PairEstimate {
    /// An estimate from the differences in each context.
    ///
    /// # Panics
    /// Without contexts, or with one that is not all there are.
    fn new(differences: &[f64], complete: bool) -> Self {
        let contexts = differences.len();
        assert!(contexts > usize::from(!complete), "too few contexts");
        let count = contexts as f64;
        let sum: f64 = differences.iter().sum();
        let mean = sum / count;
        if complete {
            return Self {
                mean,
                standard_error: 0.0,
                held_out: mean.abs(),
                contexts,
            };
        }
        let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
        let signed: f64 = differences.iter().map(|d| sign(sum - d) * d).sum();
        Self {
            mean,
            standard_error: (squares / (count - 1.0) / count).sqrt(),
            held_out: signed / count,
            contexts,
        }
    }

    /// An estimate of I² without bias: the product of the means of two halves of the contexts, averaged over all ways to
    /// split them, which is `mean`² less the square of its standard error. It may be negative.
    pub fn product(&self) -> f64 {
        self.mean.powi(2) - self.standard_error.powi(2)
    }
}

/// ±1, and 0 for a sum that is exactly 0, where the other contexts know no sign.
fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

/// Means over the pairs of one game at one context size. All of them may be averaged over games.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SizeMoments {
    /// The mean of |Î|, in the units of v: the published estimate, too large by what the noise of Î adds.
    pub mean_abs: f64,
    /// The mean of [`PairEstimate::held_out`], in the units of v: in expectation never above the mean of |I|.
    pub held_out: f64,
    /// The mean of Î².
    pub square: f64,
    /// The mean of [`PairEstimate::product`]: without bias for the mean of I².
    pub product: f64,
}

impl SizeMoments {
    /// The mean of |Î| without the share that noise has in it, by split halves:
    ///
    /// mean |Î| · √(mean of products of halves / mean of squares)
    ///
    /// The factor is what the split halves show to be signal in the root mean square. Exact for mean |I| where pairs differ as
    /// a normal distribution, or any other that noise only stretches; 0 where halves have nothing in common. There is no
    /// estimator of |I| without bias for every I (|x| has no derivative at 0), hence `mean_abs` and `held_out` beside it,
    /// between whose expectations the truth lies.
    pub fn split_half(&self) -> f64 {
        match self.square > 0.0 {
            true => self.mean_abs * (self.product.max(0.0) / self.square).sqrt(),
            false => 0.0,
        }
    }

    /// The root of the mean of I², from split halves; the mean square below it is without bias.
    pub fn root_mean_square(&self) -> f64 {
        self.product.max(0.0).sqrt()
    }

    /// The mean of each figure over several games.
    pub fn mean(of: impl IntoIterator<Item = Self>) -> Self {
        let mut count = 0.0;
        let mut sum = Self::default();
        for one in of {
            count += 1.0;
            sum.mean_abs += one.mean_abs;
            sum.held_out += one.held_out;
            sum.square += one.square;
            sum.product += one.product;
        }
        let count = f64::max(count, 1.0);
        Self {
            mean_abs: sum.mean_abs / count,
            held_out: sum.held_out / count,
            square: sum.square / count,
            product: sum.product / count,
        }
    }
}

/// What a plan cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCounts {
    /// Coalitions that the plan names: four for each pair and context.
    pub asked: u64,
    /// Different ones among them, each evaluated once.
    pub evaluated: u64,
}

/// Estimates of I^(m)(i,j) for the pairs and sizes of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledProfile {
    players: usize,
    pairs: Vec<[usize; 2]>,
    sizes: Vec<ContextSize>,
    /// A row of pairs for each size.
    estimates: Vec<PairEstimate>,
    counts: PlanCounts,
}

impl SampledProfile {
    /// n, the number of players.
    pub fn players(&self) -> usize {
        self.players
    }

    /// The context sizes, ascending.
    pub fn context_sizes(&self) -> &[ContextSize] {
        &self.sizes
    }

    /// The pairs i < j, in the order of [`Self::at`].
    pub fn pairs(&self) -> &[[usize; 2]] {
        &self.pairs
    }

    /// The estimates of all pairs at the context size number `at` of [`Self::context_sizes`].
    ///
    /// # Panics
    /// If there are not so many sizes.
    pub fn at(&self, at: usize) -> &[PairEstimate] {
        &self.estimates[at * self.pairs.len()..][..self.pairs.len()]
    }

    /// What the estimates cost.
    pub fn counts(&self) -> PlanCounts {
        self.counts
    }

    /// The means over pairs at every context size.
    pub fn moments(&self) -> Vec<SizeMoments> {
        (0..self.sizes.len())
            .map(|at| {
                SizeMoments::mean(self.at(at).iter().map(|pair| SizeMoments {
                    mean_abs: pair.mean.abs(),
                    held_out: pair.held_out,
                    square: pair.mean.powi(2),
                    product: pair.product(),
                }))
            })
            .collect()
    }
}

/// Estimates I^(m)(i,j) for the pairs and context sizes of `plan`; `progress` hears after each size how many coalitions of the
/// plan are done.
///
/// Î^(m)(i,j) = mean over the contexts S of [v(S∪ij) − v(S∪i) − v(S∪j) + v(S)]
///
/// The four coalitions of a pair and a context stand side by side in what the game is asked, and no coalition is asked twice.
///
/// # Cost
/// At most 4 · pairs · contexts evaluations for each size, one context where only one exists; the coalitions of two sizes are
/// held at a time.
///
/// # Errors
/// A plan for another number of players, an error of the game's own, a wrong number of values, or a value that is not finite.
///
/// # Source
/// Deng, Ren, Zhang and Zhang 2022, *Discovering and explaining the representation bottleneck of DNNs*.
///
/// # Example
/// ```
/// use harsanyi::game::synthetic;
/// use harsanyi::interaction::order_sampled::sampled_order;
/// use harsanyi::sampling::context::{ContextOptions, ContextPlan, PairRule};
/// let mut game = synthetic::parse("n=200; and(0,1)*2 + or(2..200)")?;
/// let options = ContextOptions { pairs: PairRule::Random(5), contexts: 3, ..ContextOptions::default() };
/// let plan = ContextPlan::new(200, &options)?;
/// let profile = sampled_order(&mut game, &plan, |_| ())?;
/// assert_eq!(profile.at(12)[0].contexts, 1); // m = 198: only one context exists
/// assert!(profile.counts().evaluated <= profile.counts().asked);
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn sampled_order(
    game: &mut dyn Game,
    plan: &ContextPlan,
    mut progress: impl FnMut(u64),
) -> Result<SampledProfile> {
    if game.players() != plan.players() {
        return Err(Error::Input(format!(
            "the plan is for {} players, the game has {}",
            plan.players(),
            game.players()
        )));
    }
    let mut counts = PlanCounts::default();
    let mut known: HashMap<Coalition, f64> = HashMap::new();
    let mut estimates = Vec::with_capacity(plan.sizes().len() * plan.pairs().len());
    for &size in plan.sizes() {
        // Only the sizes m to m+2 are met again.
        known.retain(|coalition, _| coalition.len() >= size);
        let contexts = plan.at(size);
        let asked: Vec<[Coalition; 4]> = plan
            .pairs()
            .iter()
            .zip(&contexts)
            .flat_map(|(pair, contexts)| contexts.list.iter().map(|s| corners(s, pair)))
            .collect();
        let fresh = unknown(asked.iter().flatten(), &known);
        let values = evaluate(game, &fresh)?;
        counts.asked += 4 * asked.len() as u64;
        counts.evaluated += fresh.len() as u64;
        progress(counts.evaluated);
        known.extend(fresh.into_iter().zip(values));
        let differences: Vec<f64> = asked
            .iter()
            .map(|[both, i, j, none]| known[both] - known[i] - known[j] + known[none])
            .collect();
        let mut rest = differences.as_slice();
        for Contexts { list, complete } in &contexts {
            let (own, others) = rest.split_at(list.len());
            estimates.push(PairEstimate::new(own, *complete));
            rest = others;
        }
    }
    Ok(SampledProfile {
        players: plan.players(),
        pairs: plan.pairs().to_vec(),
        sizes: plan.sizes().iter().copied().map(ContextSize).collect(),
        estimates,
        counts,
    })
}

/// S∪ij, S∪i, S∪j, S.
fn corners(context: &Coalition, &[i, j]: &[usize; 2]) -> [Coalition; 4] {
    let with = |added: &[usize]| context.union(&Coalition::from_players(added.iter().copied()));
    [with(&[i, j]), with(&[i]), with(&[j]), context.clone()]
}

/// Those of `asked` that are not known, each once, in the order in which they come up.
fn unknown<'a>(
    asked: impl Iterator<Item = &'a Coalition>,
    known: &HashMap<Coalition, f64>,
) -> Vec<Coalition> {
    let mut seen = std::collections::HashSet::new();
    asked
        .filter(|&coalition| !known.contains_key(coalition) && seen.insert(coalition))
        .cloned()
        .collect()
}

fn evaluate(game: &mut dyn Game, coalitions: &[Coalition]) -> Result<Vec<f64>> {
    match coalitions.is_empty() {
        true => Ok(Vec::new()),
        false => checked(game.values(coalitions)?, coalitions),
    }
}
