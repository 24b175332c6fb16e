//! Few terms from few values: AND and OR interactions of games with up to a thousand players.
//!
//! In come [`Samples`](crate::game::Samples): v of hundreds or thousands of coalitions, of a game that has too many of them ([`plan()`] says which to
//! ask). Out goes a [`Recovery`]: a constant and AND and OR terms, as a game of its own that answers for every coalition,
//! and how well it predicts samples that it has not seen ([`HeldOut`]), without which no such answer means anything.
//!
//! A fifth of the samples is held out. Of the others a fifth decides, within each [`Method`], on the number of terms and on
//! how strongly a fit is regularised; the held-out ones say how good the result is, and where several methods are tried,
//! which one is taken. The choice is then fitted again to all samples. A fit with more terms than samples is never made
//! without regularisation.
//!
//! | method | what it looks for | when it is the one |
//! |---|---|---|
//! | [`Method::Greedy`] | terms chosen one by one, grown from pairs upwards | few terms, any number of players |
//! | [`Method::Ridge`] | all terms up to an order, the higher ones kept small | many small terms |
//! | [`Method::Lasso`] | terms of least total strength | between the two, values with noise |
//! | [`Method::Walsh`] | parities, decoded from coalitions that are asked for that | very sparse spectra, no noise |
//! | [`Method::Tree`] | terms of boosted trees | values with steps and noise |

mod beam;
mod beside;
mod candidate;
mod choose;
mod code;
mod covariance;
mod dense;
mod design;
mod fit;
mod greedy;
mod held_out;
mod indices;
mod kernel;
mod lasso;
mod pairs;
mod plan;
mod pool;
mod ridge;
mod search;
mod split;
mod sums;
mod symmetric;
mod tiles;
mod tree;
mod tridiagonal;
mod walsh;

pub use choose::{Method, RecoverOptions, Recovery, recover, recover_coded};
pub use held_out::HeldOut;
pub use indices::{PlayerValues, player_values};
pub use plan::plan;
pub use walsh::CodedPlan;
