//! Samples in two parts, methods side by side, and the choice between them.

use std::fmt;
use std::str::FromStr;

use super::design::{DENSE_PLAYERS, Design, Term};
use super::fit::{Fit, Part, Parts, least_squares, model};
use super::held_out::{HeldOut, beats, judge};
use super::lasso::{self, Penalty};
use super::ridge::{self, Ridge};
use super::search::Width;
use super::split::{Split, unit};
use super::walsh::CodedPlan;
use super::{greedy, tree};
use crate::game::Samples;
use crate::game::synthetic::Synthetic;
use crate::{Error, Result};

/// How terms are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Forward selection by what a term explains beside those chosen before it (orthogonal least squares; Chen, Billings and
    /// Luo 1989), candidates grown from pairs upwards, then backward elimination, and both again (Zhang 2011).
    Greedy,
    /// Ridge regression on the Walsh functions of all coalitions up to an order, with a prior variance that is a product
    /// over the players, of what single players leave by least squares; with more than 16 players, of single players and
    /// pairs only.
    Ridge,
    /// The L1 norm as a price on the effects in a dictionary of ANDs and ORs that grows as the greedy one does (Tibshirani
    /// 1996).
    Lasso,
    /// Boosted trees, whose strongest Walsh functions are fitted anew (ProxySPEX; Butler et al. 2025).
    Tree,
    /// Walsh functions decoded from the values of a [`CodedPlan`] (SPEX; Kang et al. 2025), fitted anew.
    Walsh,
}

impl Method {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 5] = [
        Self::Greedy,
        Self::Ridge,
        Self::Lasso,
        Self::Tree,
        Self::Walsh,
    ];

    /// `greedy`, `ridge`, `lasso`, `tree`, `walsh`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Greedy => "greedy",
            Self::Ridge => "ridge",
            Self::Lasso => "lasso",
            Self::Tree => "tree",
            Self::Walsh => "walsh",
        }
    }
}

/// The name of the method.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Takes the names that [`Method`] displays.
impl FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|method| method.name() == text);
        found.ok_or_else(|| Error::Parameter {
            parameter: "the method",
            must: "one of greedy, ridge, lasso, tree, walsh",
            got: format!("`{text}`"),
        })
    }
}

/// Settings of [`recover`].
#[derive(Clone, Copy, Debug)]
pub struct RecoverOptions {
    /// The one method to use. `None` tries greedy selection and, where that leaves anything over or there are few players,
    /// ridge regression, and takes what predicts the held-out samples better by more than a standard error, starting from
    /// their mean: first greedy selection, or with at most 16 players the ridge. A selection that leaves nothing is taken in any
    /// case, since it has fewer terms.
    pub method: Option<Method>,
    /// The highest order of a term.
    pub order: usize,
    /// Which samples are held out.
    pub seed: u64,
}

impl Default for RecoverOptions {
    fn default() -> Self {
        Self {
            method: None,
            order: 5,
            seed: 0,
        }
    }
}

/// What was recovered.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// How.
    pub method: Method,
    /// A constant, ANDs and ORs, fitted to all samples: predicts v of any coalition.
    pub model: Synthetic,
    /// How well it does that.
    pub held_out: HeldOut,
    /// The same for every method that came near the best one, in the order in which they were tried.
    pub tried: Vec<(Method, HeldOut)>,
}

/// The fewest samples from which anything is recovered.
const FEWEST: usize = 20;

/// Beyond this held-out R² nothing is left for another method to improve.
const DONE: f64 = 0.99999;

/// Of the error of the best method so far, on the part that decides: a method that is further off is not held against the
/// samples that are held out.
const FAR: f64 = 1.5;

/// What a method settles on, to be fitted to any samples.
enum Chosen {
    Support(Vec<Term>),
    Ridge(Ridge),
    Penalty(Penalty),
}

/// Recovers a sum of AND and OR terms from `samples`.
///
/// # Cost
/// Greedy: a search for every few terms, n·2^n additions with at most 16 players, else n²m/2 for the pairs and up to
/// 100·n·m for the higher orders. Ridge: two sequences of at most 30 steps and two of at most 40, each step 2n·2^n additions
/// or m²/2, with more than 16 players m².
///
/// # Errors
/// Fewer than 20 samples, weights that differ, an order of 0, or a method that does not take games or samples of this size.
///
/// # Example
/// ```
/// use harsanyi::game::{ask, synthetic};
/// use harsanyi::sampling::sparse::{RecoverOptions, plan, recover};
/// let mut game = synthetic::parse("n=40; and(3,17,20)*2 - or(1,30)*1.5 + 0.25")?;
/// let samples = ask(&mut game, plan(40, 300, 1)?, |_| ())?;
/// let found = recover(&samples, &RecoverOptions::default())?;
/// assert!(found.held_out.r2 > 0.999);
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn recover(samples: &Samples, options: &RecoverOptions) -> Result<Recovery> {
    check(samples, options)?;
    let options = &RecoverOptions {
        order: options.order.min(samples.players()),
        ..*options
    };
    let Split {
        parts,
        known,
        held,
        all,
        unit,
    } = Split::new(samples, options.seed);
    let methods = match options.method {
        Some(Method::Walsh) => {
            return Err(Error::Parameter {
                parameter: "the method",
                must: "another one where coalitions were not asked for by a coded plan",
                got: "`walsh`".into(),
            });
        }
        Some(method) => vec![method],
        // With few players a ridge is quick, and tells what a selection has to beat.
        None if samples.players() <= DENSE_PLAYERS => vec![Method::Ridge, Method::Greedy],
        None => vec![Method::Greedy, Method::Ridge],
    };
    let mut tried: Vec<(Method, HeldOut)> = Vec::new();
    // A difference within its error is no reason to leave what came first, the mean being the first of all.
    let mut before = vec![known.mean(); held.values.len()];
    let mut best = (
        methods[0],
        Chosen::Support(Vec::new()),
        judge(&held, &before),
    );
    // An error below this leaves nothing to explain.
    let nothing = (1.0 - DONE)
        * parts
            .held
            .error(&vec![parts.held.mean(); parts.held.values.len()]);
    let mut goal = f64::INFINITY;
    for method in methods {
        // Where nothing is left, few terms are better than many.
        let is_few = matches!(best.1, Chosen::Support(_));
        if options.method.is_none() && is_few && best.2.r2 > DONE {
            break;
        }
        let Some((mut chosen, error)) = choose(method, &parts, goal, options)? else {
            continue;
        };
        if options.method.is_none() && error > FAR * goal {
            continue;
        }
        goal = goal.min(error).max(nothing);
        let explained = predictions(&known, &mut chosen, &held.design);
        let held_out = judge(&held, &explained);
        tried.push((method, held_out));
        let is_few = matches!(chosen, Chosen::Support(_)) && held_out.r2 > DONE;
        if options.method.is_some() || is_few || beats(&held, &explained, &before) {
            best = (method, chosen, held_out);
            before = explained;
        }
    }
    let (method, mut chosen, held_out) = best;
    Ok(Recovery {
        method,
        model: model(samples.players(), &fit(&all, &mut chosen), unit)?,
        held_out,
        tried,
    })
}

/// Recovers a sum of AND and OR terms from the values of the coalitions of `plan`, by decoding.
///
/// # Cost
/// A Walsh transform of 2^b values per shift and matrix, and a least-squares fit for each count of functions tried.
///
/// # Errors
/// Samples that are not those of the plan, in its order.
///
/// # Example
/// ```
/// use harsanyi::game::{ask, synthetic};
/// use harsanyi::sampling::sparse::{CodedPlan, recover_coded};
/// let mut game = synthetic::parse("n=50; and(3,17)*2 - or(1,30)*1.5")?;
/// let plan = CodedPlan::new(50, 3000, 3, 0)?;
/// let samples = ask(&mut game, plan.coalitions().to_vec(), |_| ())?;
/// let found = recover_coded(&samples, &plan)?;
/// assert!(found.held_out.r2 > 0.999999);
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn recover_coded(samples: &Samples, plan: &CodedPlan) -> Result<Recovery> {
    if samples.players() != plan.players() || samples.coalitions() != plan.coalitions() {
        return Err(Error::Parameter {
            parameter: "the samples",
            must: "those of the coded plan, in its order",
            got: format!("{} others", samples.len()),
        });
    }
    let unit = unit(samples.values());
    let values: Vec<f64> = samples.values().iter().map(|v| v / unit).collect();
    let pairs = || samples.coalitions().iter().zip(values.iter().copied());
    let random = samples.len() - plan.coded();
    let decisive = plan.coded() + random / 2;
    let parts = Parts {
        fitted: Part::new(plan.players(), pairs().take(plan.coded())),
        held: Part::new(plan.players(), pairs().take(decisive).skip(plan.coded())),
    };
    let terms = tree::best_prefix(&parts, plan.decode(&values));
    let known = Part::new(plan.players(), pairs().take(decisive));
    let held = Part::new(plan.players(), pairs().skip(decisive));
    let explained = least_squares(&known, &terms).explain(&held.design);
    let held_out = judge(&held, &explained);
    let all = Part::new(plan.players(), pairs());
    Ok(Recovery {
        method: Method::Walsh,
        model: model(plan.players(), &least_squares(&all, &terms), unit)?,
        held_out,
        tried: vec![(Method::Walsh, held_out)],
    })
}

fn check(samples: &Samples, options: &RecoverOptions) -> Result<()> {
    if samples.len() < FEWEST {
        return Err(Error::Parameter {
            parameter: "the number of samples",
            must: "at least 20 for a recovery",
            got: samples.len().to_string(),
        });
    }
    if options.order == 0 {
        return Err(Error::Parameter {
            parameter: "the highest order of a term",
            must: "at least 1",
            got: "0".into(),
        });
    }
    let first = samples.weights()[0];
    if let Some(other) = samples.weights().iter().find(|weight| **weight != first) {
        return Err(Error::Parameter {
            parameter: "the weights of the samples",
            must: "the same for all in a recovery",
            got: format!("{first} and {other}"),
        });
    }
    Ok(())
}

/// What `method` settles on, and its mean squared error on the part that decides; `None` where it does not take a problem of this size and was not asked for by name.
///
/// `goal` is that error of what was settled on before.
fn choose(
    method: Method,
    parts: &Parts,
    goal: f64,
    options: &RecoverOptions,
) -> Result<Option<(Chosen, f64)>> {
    let (players, samples) = (parts.fitted.design.players(), parts.fitted.values.len());
    let width = Width {
        beam: 100,
        // Of few players all terms are scored, and the best of each order are those that matter.
        kept: if players <= DENSE_PLAYERS { 5 } else { 20 },
        order: options.order,
    };
    Ok(match method {
        Method::Greedy => {
            let settings = greedy::GreedyOptions {
                width,
                terms: (samples / 4).clamp(8, 250),
                pool: 500,
                goal,
            };
            let (terms, error) = greedy::greedy(parts, &settings);
            Some((Chosen::Support(terms), error))
        }
        Method::Ridge if ridge::fits(players, samples) => {
            let (ridge, error) = ridge::choose(parts, options.order);
            Some((Chosen::Ridge(ridge), error))
        }
        Method::Ridge if options.method.is_some() => {
            return Err(Error::Parameter {
                parameter: "the number of samples",
                must: "at most 8192 for ridge regression with more than 16 players",
                got: samples.to_string(),
            });
        }
        Method::Ridge | Method::Walsh => None,
        Method::Lasso => Some(with_error(
            parts,
            Chosen::Penalty(lasso::choose(parts, width)),
        )),
        Method::Tree => Some(with_error(
            parts,
            Chosen::Support(tree::tree(parts, options.order)),
        )),
    })
}

fn with_error(parts: &Parts, mut chosen: Chosen) -> (Chosen, f64) {
    let explained = predictions(&parts.fitted, &mut chosen, &parts.held.design);
    (chosen, parts.held.error(&explained))
}

/// What the fit of `part` says of other samples.
fn predictions(part: &Part, chosen: &mut Chosen, others: &Design) -> Vec<f64> {
    match chosen {
        Chosen::Ridge(ridge) => ridge.predictions(part, others),
        _ => fit(part, chosen).explain(others),
    }
}

fn fit(part: &Part, chosen: &mut Chosen) -> Fit {
    match chosen {
        Chosen::Support(terms) => least_squares(part, terms),
        Chosen::Ridge(ridge) => ridge.fit(part),
        Chosen::Penalty(penalty) => lasso::lasso(part, penalty),
    }
}
