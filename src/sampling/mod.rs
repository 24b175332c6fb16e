//! Estimates from some coalitions, where all 2^n are too many.
//!
//! A *plan* says which coalitions to ask; any [`Game`] answers; an *estimate* makes numbers with standard errors of the
//! answers. A plan has never seen a game, and everything drawn comes from a seed that the caller gave.
//!
//! [`permutation`] follows players as they join one after another, [`pairs`] draws coalitions and their complements size by
//! size without asking one twice, [`regression`] fits games of low order to what those answered, and [`stratified`] corrects
//! such a fit to an estimate of the game itself. [`path`] is for games that serve gradients. [`estimate()`] chooses by name.
//! [`context`] draws pairs and contexts for multi-order interactions, and [`sparse`] recovers the few AND and OR terms that
//! explain a game of many players.

mod cholesky;
pub mod context;
mod estimate;
mod fit;
mod method;
pub mod pairs;
pub mod path;
pub mod permutation;
pub mod regression;
pub mod sparse;
pub mod stratified;

pub use estimate::{Estimate, Estimated, student_quantile};
pub use method::Method;

use crate::game::checked;
use crate::transform::index::{self, Index};
use crate::{Coalition, Game, Result, tabulate};

/// Coalitions handed to a game at a time.
const CHUNK: usize = 1 << 16;

/// v(S) of every coalition of a plan, in its order; `progress` hears after each chunk how many are done.
///
/// # Errors
/// An error of the game's own, a wrong number of values, or a value that is not finite.
pub fn answer(
    game: &mut dyn Game,
    coalitions: &[Coalition],
    mut progress: impl FnMut(usize),
) -> Result<Vec<f64>> {
    let mut values = Vec::with_capacity(coalitions.len());
    for chunk in coalitions.chunks(CHUNK) {
        values.extend(checked(game.values(chunk)?, chunk)?);
        progress(values.len());
    }
    Ok(values)
}

/// Estimates an index of a game up to `order` from at most `budget` values of it.
///
/// A budget that covers all 2^n coalitions gives the exact index, with standard errors of zero.
///
/// # Cost
/// At most `budget` evaluations of v, beside what the method needs.
///
/// # Errors
/// An index or order that the method does not estimate, a budget too small for it, or what [`answer`] meets.
///
/// # Example
/// ```
/// use harsanyi::game::synthetic;
/// use harsanyi::sampling::{Method, estimate};
/// use harsanyi::transform::index::Index;
/// let mut game = synthetic::parse("or(0..30) + and(3,7)*2")?;
/// let found = estimate(&mut game, Index::ShapleyValue, 1, Method::KernelShap, 1000, 7, |_| ())?;
/// let (low, high) = found.values[3].interval();
/// assert!(low < 1.0 + 1.0 / 30.0 && 1.0 + 1.0 / 30.0 < high && high - low < 0.2);
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn estimate(
    game: &mut dyn Game,
    index: Index,
    order: usize,
    method: Method,
    budget: usize,
    seed: u64,
    progress: impl FnMut(usize),
) -> Result<Estimate> {
    let players = game.players();
    method.check(index)?;
    index.check_order(order, players)?;
    if players < usize::BITS as usize && budget >= 1 << players {
        let table = tabulate(game, progress)?;
        let exact = index::interactions(&table, index, order)?;
        let empty = match index {
            Index::FaithfulBanzhaf => index::empty_entry(&table, index, order)?,
            _ => table.empty(),
        };
        return Ok(Estimate::exact(
            exact,
            table.empty(),
            empty,
            table.values().len(),
        ));
    }
    let answered = |coalitions: &[Coalition]| answer(game, coalitions, progress);
    match method {
        Method::Permutation => {
            let plan = permutation::Plan::new(players, budget, seed)?;
            let values = answered(plan.coalitions())?;
            Ok(permutation::shapley(&plan, &values))
        }
        Method::KernelShap | Method::Leverage | Method::KAdditive => {
            let emphasis = match method {
                Method::KernelShap => pairs::Emphasis::Kernel,
                _ if index == Index::FaithfulBanzhaf => pairs::Emphasis::Count,
                _ => pairs::Emphasis::Sizes,
            };
            let plan = pairs::Plan::new(players, budget, emphasis, seed)?;
            regression::check(&plan, order)?;
            let values = answered(plan.coalitions())?;
            regression::fitted(&plan, &values, index, order)
        }
        Method::Stratified => {
            let plan = pairs::Plan::new(players, budget, stratified::emphasis(index), seed)?;
            regression::check(&plan, 1)?;
            let values = answered(plan.coalitions())?;
            stratified::corrected(&plan, &values, index, order)
        }
    }
}
