//! Sampled multi-order interactions against exact ones, on games whose interactions of every order are known.

use harsanyi::game::synthetic::{Shape, Synthetic, Term};
use harsanyi::interaction::order::{ContextSize, OrderProfile, multi_order};
use harsanyi::interaction::order_sampled::{SampledProfile, SizeMoments, sampled_order};
use harsanyi::sampling::context::{ContextOptions, ContextPlan, PairRule};
use harsanyi::stats::bottleneck::theory_curve;
use harsanyi::{Coalition, Game, Result, tabulate};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const PLAYERS: usize = 12;

/// Planted interactions of orders 1 to 12, and noise on every coalition.
fn game(seed: u64, noise: f64) -> Synthetic {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut terms: Vec<Term> = (0..60)
        .map(|number| {
            let order = 1 + number % PLAYERS;
            let mut players: Vec<usize> = (0..PLAYERS).collect();
            for at in 0..order {
                let other = rng.random_range(at..PLAYERS);
                players.swap(at, other);
            }
            let set = Coalition::from_players(players[..order].iter().copied());
            let shape = match rng.random::<bool>() {
                true => Shape::And(set),
                false => Shape::Or(set),
            };
            Term {
                coefficient: rng.random_range(-2.0..2.0),
                shape,
            }
        })
        .collect();
    terms.push(Term {
        coefficient: 1.0,
        shape: Shape::Noise { sigma: noise, seed },
    });
    Synthetic::new(PLAYERS, terms).expect("a game")
}

fn options(contexts: usize, seed: u64) -> ContextOptions {
    ContextOptions {
        pairs: PairRule::All,
        contexts,
        seed,
        ..ContextOptions::default()
    }
}

fn sampled(game: &mut dyn Game, options: &ContextOptions) -> SampledProfile {
    let plan = ContextPlan::new(game.players(), options).expect("a plan");
    sampled_order(game, &plan, |_| ()).expect("estimates")
}

fn exact(game: &mut dyn Game) -> OrderProfile {
    multi_order(&tabulate(game, |_| ()).expect("a table")).expect("pairs")
}

/// Counts how often each coalition is asked.
struct Counting<'a> {
    game: &'a mut dyn Game,
    asked: Vec<Coalition>,
}

impl Game for Counting<'_> {
    fn players(&self) -> usize {
        self.game.players()
    }

    fn values(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        self.asked.extend_from_slice(coalitions);
        self.game.values(coalitions)
    }
}

#[test]
fn with_all_contexts_the_estimate_is_the_exact_value() {
    let mut game = game(1, 0.3);
    let exact = exact(&mut game);
    let found = sampled(&mut game, &options(252, 0));
    for (at, &size) in found.context_sizes().iter().enumerate() {
        for (pair, &[i, j]) in found.at(at).iter().zip(found.pairs()) {
            assert!((pair.mean - exact.effect(size, i, j)).abs() < 1e-10);
            assert_eq!(pair.standard_error, 0.0);
            assert_eq!(pair.held_out, pair.mean.abs());
        }
    }
    for (moments, mean_abs) in found.moments().iter().zip(exact.mean_abs()) {
        assert!((moments.mean_abs - mean_abs).abs() < 1e-10);
        assert!((moments.split_half() - mean_abs).abs() < 1e-10);
    }
    // Every coalition is among those of some pair, and each was evaluated once.
    assert_eq!(found.counts().evaluated, 1 << PLAYERS);
    assert_eq!(found.counts().asked, 4 * 66 * 1024);
}

#[test]
fn no_coalition_is_asked_twice_and_a_lone_context_is_seen_once() {
    let mut inner = game(2, 0.1);
    let mut counting = Counting {
        game: &mut inner,
        asked: Vec::new(),
    };
    let found = sampled(&mut counting, &options(20, 5));
    let different: std::collections::HashSet<_> = counting.asked.iter().collect();
    assert_eq!(different.len(), counting.asked.len());
    assert_eq!(found.counts().evaluated, counting.asked.len() as u64);
    // m = 0 and 10 have one context, m = 1 and 9 have ten, the others more than twenty.
    assert_eq!(found.counts().asked, 4 * 66 * (1 + 10 + 7 * 20 + 10 + 1));
    // The four of a pair and context stand side by side.
    let m = found.context_sizes()[2];
    assert_eq!(m, ContextSize(2));
    let first = counting
        .asked
        .iter()
        .position(|s| s.len() == 4)
        .expect("m = 2");
    assert!(
        counting.asked[first..first + 4]
            .windows(2)
            .all(|pair| pair[0].len().abs_diff(pair[1].len()) <= 1)
    );
}

#[test]
fn intervals_cover_the_exact_value_in_95_percent_of_seeds() {
    // Student's t for 39 degrees of freedom and 95 %.
    const QUANTILE: f64 = 2.0227;
    const SEEDS: u64 = 400;
    let mut game = game(3, 0.4);
    let exact = exact(&mut game);
    for m in [3, 4, 5, 6, 7] {
        let covered = (0..SEEDS)
            .flat_map(|seed| {
                let options = ContextOptions {
                    pairs: PairRule::Random(2),
                    ratios: Some(vec![m as f64 / 10.0]),
                    contexts: 40,
                    grid: None,
                    seed,
                };
                let found = sampled(&mut game, &options);
                let pairs = found.at(0).to_vec();
                pairs.into_iter().zip(found.pairs().to_vec())
            })
            .filter(|(pair, [i, j])| {
                let error = pair.mean - exact.effect(ContextSize(m), *i, *j);
                error.abs() <= QUANTILE * pair.standard_error
            })
            .count() as f64;
        // 760 expected, with a standard deviation of 6.2; four of them on either side.
        assert!((covered - 760.0).abs() <= 25.0, "m = {m}: {covered} of 800");
    }
}

#[test]
fn products_of_halves_are_unbiased_where_the_naive_square_is_not() {
    const SEEDS: u64 = 300;
    let mut game = game(4, 1.5);
    let exact = exact(&mut game);
    let plans: Vec<Vec<SizeMoments>> = (0..SEEDS)
        .map(|seed| sampled(&mut game, &options(8, seed)).moments())
        .collect();
    for m in 0..PLAYERS - 1 {
        let effects = exact.at(ContextSize(m));
        let mean =
            |f: fn(f64) -> f64| effects.iter().copied().map(f).sum::<f64>() / effects.len() as f64;
        let (truth_square, truth) = (mean(|x| x * x), mean(f64::abs));
        let over = |f: &dyn Fn(&SizeMoments) -> f64| {
            let all: Vec<f64> = plans.iter().map(|plan| f(&plan[m])).collect();
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            let variance =
                all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (all.len() - 1) as f64;
            (mean, (variance / all.len() as f64).sqrt())
        };
        let (product, error) = over(&|moments| moments.product);
        assert!(
            (product - truth_square).abs() <= 4.0 * error + 1e-12,
            "m = {m}: {product} for {truth_square} ± {error}"
        );
        let (naive_square, _) = over(&|moments| moments.square);
        let (naive, naive_error) = over(&|moments| moments.mean_abs);
        let (held_out, held_error) = over(&|moments| moments.held_out);
        let (split, split_error) = over(&SizeMoments::split_half);
        // The truth lies between the two, whatever the effects.
        assert!(
            held_out <= truth + 4.0 * held_error + 1e-12
                && truth <= naive + 4.0 * naive_error + 1e-12
        );
        if (3..=7).contains(&m) {
            assert!(
                naive_square > truth_square + 20.0 * error,
                "m = {m}: no excess to remove"
            );
            assert!(naive > 1.3 * truth, "m = {m}: {naive} for {truth}");
            // Here pairs differ much as a normal distribution does.
            assert!(
                (split - truth).abs() < 0.05 * truth + 4.0 * split_error,
                "m = {m}: {split} for {truth}"
            );
            assert!((split - truth).abs() < 0.2 * (naive - truth));
        } else if m == 0 || m == PLAYERS - 2 {
            assert!((naive - truth).abs() < 1e-10 && (split - truth).abs() < 1e-10);
        }
    }
}

#[test]
fn the_theory_table_of_twelve_players() {
    let positions: Vec<f64> = (0..11).map(|m| f64::from(m) / 10.0).collect();
    // As printed, and half a unit of the last digit.
    let table = [
        (1.0, 1e-12),
        (0.287, 5e-4),
        (0.122, 5e-4),
        (0.0664, 5e-5),
        (0.0439, 5e-5),
        (0.0344, 5e-5),
        (0.0314, 5e-5),
        (0.0332, 5e-5),
        (0.0407, 5e-5),
        (0.0575, 5e-5),
        (0.0909, 5e-5),
    ];
    for (f, (expected, tolerance)) in theory_curve(12.0, &positions).iter().zip(table) {
        assert!((f - expected).abs() <= tolerance, "{f} for {expected}");
    }
    for effective in [3.0, 7.5, 12.0, 200.0] {
        let end = theory_curve(effective, &[1.0])[0];
        assert!((end - 1.0 / (effective - 1.0)).abs() < 1e-12);
    }
}

#[test]
fn estimates_do_not_depend_on_threads_or_on_how_the_game_is_asked() {
    let mut game = game(6, 0.2);
    let plan = ContextPlan::new(PLAYERS, &options(9, 1)).expect("a plan");
    let alone = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("threads");
    let one = alone.install(|| sampled_order(&mut game.clone(), &plan, |_| ()).expect("estimates"));
    assert_eq!(
        one,
        sampled_order(&mut game, &plan, |_| ()).expect("estimates")
    );
    let mut larger = harsanyi::game::synthetic::parse("n=13; and(0,1)").expect("a game");
    let message = sampled_order(&mut larger, &plan, |_| ())
        .expect_err("refused")
        .to_string();
    assert_eq!(message, "the plan is for 12 players, the game has 13");
}
