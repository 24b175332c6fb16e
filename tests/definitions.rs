//! Every fast routine equals its formula written as loops, on random games.

use harsanyi::interaction::order::{ContextSize, multi_order};
use harsanyi::transform::index::{self, Index, interactions, pairs};
use harsanyi::transform::{Dividends, inverse_walsh, mobius, walsh, zeta};
use harsanyi::{Coalition, ValueTable, stats};
use rand::{Rng, SeedableRng};

/// Tolerance for sums over at most 2^9 numbers below 2^9.
const TOLERANCE: f64 = 1e-10;

fn random_table(players: usize, seed: u64) -> ValueTable {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let values = (0..1usize << players)
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    ValueTable::new(players, values).expect("finite")
}

fn size(s: usize) -> usize {
    s.count_ones() as usize
}

fn subsets_of(set: usize) -> impl Iterator<Item = usize> {
    (0..=set).filter(move |s| s & !set == 0)
}

fn supersets_of(set: usize, players: usize) -> impl Iterator<Item = usize> {
    (0..1 << players).filter(move |s| s & set == set)
}

fn binomial(n: usize, k: usize) -> f64 {
    (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product()
}

fn assert_close(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() < TOLERANCE,
        "{what}: {found} instead of {expected}"
    );
}

/// D_S v(T) = Σ_{L⊆S} (−1)^{s−|L|} v(T∪L).
fn derivative(table: &ValueTable, set: usize, context: usize) -> f64 {
    subsets_of(set)
        .map(|l| (-1f64).powi((size(set) - size(l)) as i32) * table[context | l])
        .sum()
}

#[test]
fn dividends_are_alternating_sums_over_subsets() {
    for players in 1..=9 {
        let table = random_table(players, players as u64);
        let dividends = mobius(&table);
        for s in 0..1 << players {
            assert_close(dividends[s], derivative(&table, s, 0), "μ(S)");
            let sum: f64 = subsets_of(s).map(|t| dividends[t]).sum();
            assert_close(table[s], sum, "ζμ(S)");
        }
    }
}

#[test]
fn or_interactions_are_alternating_sums_over_complements() {
    let table = random_table(7, 20);
    let or = mobius(&table.dual());
    let grand = 127;
    for s in 1..128 {
        let expected: f64 = -subsets_of(s)
            .map(|t| (-1f64).powi((size(s) - size(t)) as i32) * table[grand & !t])
            .sum::<f64>();
        assert_close(or[s], expected, "OR(S)");
    }
    for t in 0..128 {
        let sum: f64 = (1..128).filter(|s| s & t != 0).map(|s| or[s]).sum();
        assert_close(table[t], table.empty() + sum, "v from ORs");
    }
}

/// B(0), B(1), …, B(7).
const BERNOULLI: [f64; 8] = [
    1.0,
    -1.0 / 2.0,
    1.0 / 6.0,
    0.0,
    -1.0 / 30.0,
    0.0,
    1.0 / 42.0,
    0.0,
];

/// Σ_{T⊆N∖S} weight(t) D_S v(T).
fn by_derivatives(table: &ValueTable, s: usize, weight: impl Fn(usize) -> f64) -> f64 {
    subsets_of((1 << table.players()) - 1 - s)
        .map(|t| weight(size(t)) * derivative(table, s, t))
        .sum()
}

/// Σ_{T⊆N∖S} weight(t) (v(T∪S) − v(T)).
fn by_contributions(table: &ValueTable, s: usize, weight: impl Fn(usize) -> f64) -> f64 {
    subsets_of((1 << table.players()) - 1 - s)
        .map(|t| weight(size(t)) * (table[t | s] - table[t]))
        .sum()
}

/// q(r) of the joint Shapley value, by its recursion.
fn joint_weight(r: usize, n: usize, k: usize) -> f64 {
    let joining = |others: usize| -> f64 { (1..=k.min(others)).map(|j| binomial(others, j)).sum() };
    if r == 0 {
        return 1.0 / joining(n);
    }
    let sum: f64 = (r.saturating_sub(k)..r)
        .map(|j| binomial(r, j) * joint_weight(j, n, k))
        .sum();
    sum / joining(n - r)
}

/// The solution x of a square system by Gaussian elimination with pivots.
fn solve(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let n = rows.len();
    for column in 0..n {
        let pivot = (column..n)
            .max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))
            .expect("a row");
        rows.swap(column, pivot);
        for row in 0..n {
            if row != column {
                let factor = rows[row][column] / rows[column][column];
                let pivot = rows[column].clone();
                for (entry, of) in rows[row].iter_mut().zip(&pivot).skip(column) {
                    *entry -= factor * of;
                }
            }
        }
    }
    (0..n).map(|i| rows[i][n] / rows[i][i]).collect()
}

/// The parameters β of all coalitions of at most `order` players that minimise Σ_T weight(t) (v(T) − Σ_S β(S) basis(S, T))²,
/// with equality where the weight is infinite; by normal equations with multipliers.
fn fitted(
    table: &ValueTable,
    order: usize,
    basis: impl Fn(usize, usize) -> f64,
    weight: impl Fn(usize) -> f64,
) -> Vec<(usize, f64)> {
    let all = 0..1usize << table.players();
    let terms: Vec<usize> = all.clone().filter(|s| size(*s) <= order).collect();
    let (exact, near): (Vec<usize>, Vec<usize>) = all.partition(|t| weight(size(*t)).is_infinite());
    let unknowns = terms.len() + exact.len();
    let mut rows = vec![vec![0.0; unknowns + 1]; unknowns];
    for (a, s) in terms.iter().enumerate() {
        for t in &near {
            let scaled = weight(size(*t)) * basis(*s, *t);
            for (b, other) in terms.iter().enumerate() {
                rows[a][b] += scaled * basis(*other, *t);
            }
            rows[a][unknowns] += scaled * table[*t];
        }
        for (b, t) in exact.iter().enumerate() {
            rows[a][terms.len() + b] = basis(*s, *t);
            rows[terms.len() + b][a] = basis(*s, *t);
            rows[terms.len() + b][unknowns] = table[*t];
        }
    }
    let found = solve(rows);
    terms.into_iter().zip(found).collect()
}

/// The index of every coalition of up to `order` players, ∅ included for the fits, as it is defined.
fn as_defined(table: &ValueTable, index: Index, order: usize) -> Vec<(usize, f64)> {
    let n = table.players();
    let grand = (1 << n) - 1;
    let sii = |s: usize| {
        let k = size(s);
        by_derivatives(table, s, |t| {
            1.0 / ((n - k + 1) as f64 * binomial(n - k, t))
        })
    };
    let kernel = |t: usize| match t {
        0 => f64::INFINITY,
        _ if t == n => f64::INFINITY,
        _ => 1.0 / ((n - 1) as f64 * binomial(n - 2, t - 1)),
    };
    let and = |s: usize, t: usize| f64::from(u8::from(s & t == s));
    // What a game worth 1 in SII of S alone is worth to T.
    let from_sii = |s: usize, t: usize| -> f64 {
        (0..=size(s & t))
            .map(|l| binomial(size(s & t), l) * BERNOULLI[size(s) - l])
            .sum()
    };
    match index {
        Index::FaithfulShapley => return fitted(table, order, and, kernel),
        Index::AdditiveShapley => return fitted(table, order, from_sii, kernel),
        Index::FaithfulBanzhaf => return fitted(table, order, and, |_| 1.0),
        _ => {}
    }
    let of = |s: usize| {
        let k = size(s);
        let only = |condition: bool| f64::from(u8::from(condition));
        match index {
            Index::ShapleyValue | Index::ShapleyInteraction => sii(s),
            Index::BanzhafValue | Index::BanzhafInteraction => {
                by_derivatives(table, s, |_| 0.5f64.powi((n - k) as i32))
            }
            Index::ChainingInteraction => by_derivatives(table, s, |t| {
                k as f64 / ((k + t) as f64 * binomial(n, k + t))
            }),
            Index::ShapleyTaylor if k == order => {
                by_derivatives(table, s, |t| k as f64 / (n as f64 * binomial(n - 1, t)))
            }
            Index::ShapleyTaylor | Index::Mobius => by_derivatives(table, s, |t| only(t == 0)),
            Index::CoMobius => by_derivatives(table, s, |t| only(t == n - k)),
            Index::Fourier => {
                (0..=grand)
                    .map(|t| (-1f64).powi(size(s & t) as i32) * table[t])
                    .sum::<f64>()
                    / (grand + 1) as f64
            }
            Index::AggregatedShapley => supersets_of(s, n)
                .filter(|t| size(*t) <= order)
                .map(|t| BERNOULLI[size(t) - k] * sii(t))
                .sum(),
            Index::JointShapley => by_contributions(table, s, |t| joint_weight(t, n, order)),
            Index::ShapleyGeneralized => by_contributions(table, s, |t| {
                1.0 / ((n - k + 1) as f64 * binomial(n - k, t))
            }),
            Index::BanzhafGeneralized => {
                by_contributions(table, s, |_| 0.5f64.powi((n - k) as i32))
            }
            Index::ChainingGeneralized => by_contributions(table, s, |t| {
                k as f64 / ((k + t) as f64 * binomial(n, k + t))
            }),
            Index::InternalGeneralized => by_contributions(table, s, |t| only(t == 0)),
            Index::ExternalGeneralized => by_contributions(table, s, |t| only(t == n - k)),
            Index::FaithfulShapley | Index::AdditiveShapley | Index::FaithfulBanzhaf => {
                unreachable!("fitted above")
            }
        }
    };
    (1..=grand)
        .filter(|s| size(*s) <= order)
        .map(|s| (s, of(s)))
        .collect()
}

#[test]
fn every_index_is_what_its_definition_says() {
    for players in [1, 2, 3, 5, 6] {
        let table = random_table(players, 30 + players as u64);
        for index in Index::ALL {
            for order in 1..=index.max_order(players) {
                let found = interactions(&table, index, order).expect("an order in range");
                let defined = as_defined(&table, index, order);
                let expected = |s: usize| defined.iter().find(|(of, _)| *of == s).map(|(_, x)| *x);
                let count: usize = (1..=order)
                    .map(|k| binomial(players, k).round() as usize)
                    .sum();
                assert_eq!(found.len(), count);
                for (coalition, value) in found {
                    let s = coalition.index().expect("few players") as usize;
                    let what = format!("{index}/{order} of {coalition}");
                    assert_close(value, expected(s).expect("of its size"), &what);
                }
                // The constant of the Banzhaf fit; the other fits have v(∅) there by their constraint, one in another basis.
                if let (Index::FaithfulBanzhaf, Some(constant)) = (index, expected(0)) {
                    let empty = index::empty_entry(&table, index, order).expect("in range");
                    assert_close(empty, constant, "the constant of the fit");
                }
            }
            let beyond = index.max_order(players) + 1;
            assert!(interactions(&table, index, beyond).is_err());
        }
        assert!(interactions(&table, Index::Mobius, 0).is_err());
    }
}

#[test]
fn walsh_coefficients_are_alternating_means_and_give_v_back() {
    for players in [1, 2, 5, 8] {
        let table = random_table(players, 35 + players as u64);
        let spectrum = walsh(&table);
        for s in 0..1usize << players {
            let sum: f64 = (0..1usize << players)
                .map(|t| (-1f64).powi(size(s & t) as i32) * table[t])
                .sum();
            assert_close(spectrum[s], sum / (1 << players) as f64, "v̂(S)");
        }
        for (a, b) in table.values().iter().zip(inverse_walsh(&spectrum).values()) {
            assert_close(*b, *a, "v from v̂");
        }
    }
}

#[test]
fn values_of_players_and_pairs_are_the_indices_of_their_coalitions() {
    let table = random_table(8, 40);
    let dividends = mobius(&table);
    let list = |index, order| -> Vec<f64> {
        interactions(&table, index, order)
            .expect("an order in range")
            .into_iter()
            .filter(|(coalition, _)| coalition.len() == order)
            .map(|(_, value)| value)
            .collect()
    };
    // From the dividends, and straight from the table.
    for (found, direct) in [
        (index::shapley(&dividends), list(Index::ShapleyValue, 1)),
        (index::banzhaf(&dividends), list(Index::BanzhafValue, 1)),
    ] {
        for (found, direct) in found.into_iter().zip(direct) {
            assert_close(found, direct, "a value of a player");
        }
    }
    let leave = list(Index::CoMobius, 1);
    for (found, expected) in index::leave_one_out(&table).into_iter().zip(leave) {
        assert_close(found, expected, "leave-one-out");
    }
    let found = index::pairwise_shapley(&dividends);
    let sii = interactions(&table, Index::ShapleyInteraction, 2).expect("order 2");
    for ((i, j), found) in pairs(8).zip(found) {
        let pair = Coalition::from_players([i, j]);
        let (_, expected) = sii.iter().find(|(s, _)| *s == pair).expect("every pair");
        assert_eq!(found, *expected);
    }
}

/// I^(m)(i,j) from its definition: the mean of Δv over all contexts of m players.
fn slow_effect(table: &ValueTable, m: usize, i: usize, j: usize) -> f64 {
    let pair = 1 << i | 1 << j;
    let deltas: Vec<f64> = subsets_of((1 << table.players()) - 1 - pair)
        .filter(|s| size(*s) == m)
        .map(|s| derivative(table, pair, s))
        .collect();
    deltas.iter().sum::<f64>() / deltas.len() as f64
}

/// I^(m)(i,j) = Σ_{T⊆N∖ij, |T|≤m} C(n−2−|T|, m−|T|)/C(n−2, m) · μ(T∪ij).
fn effect_from_dividends(dividends: &Dividends, m: usize, i: usize, j: usize) -> f64 {
    let (n, pair) = (dividends.players(), 1 << i | 1 << j);
    supersets_of(pair, n)
        .map(|s| (s, size(s) - 2))
        .filter(|(_, t)| *t <= m)
        .map(|(s, t)| binomial(n - 2 - t, m - t) / binomial(n - 2, m) * dividends[s])
        .sum()
}

#[test]
fn multi_order_interactions_are_means_over_contexts_and_sums_of_dividends() {
    for players in 2..=9 {
        let table = random_table(players, 50 + players as u64);
        let (profile, dividends) = (multi_order(&table).expect("pairs"), mobius(&table));
        assert_eq!(profile.context_sizes().count(), players - 1);
        for ContextSize(m) in profile.context_sizes() {
            let mut total = 0.0;
            for (i, j) in pairs(players) {
                let expected = slow_effect(&table, m, i, j);
                assert_close(profile.effect(ContextSize(m), i, j), expected, "I^(m)");
                assert_eq!(
                    profile.effect(ContextSize(m), j, i),
                    profile.effect(ContextSize(m), i, j)
                );
                assert!((effect_from_dividends(&dividends, m, i, j) - expected).abs() < 1e-12);
                total += expected.abs();
            }
            let mean = total / pairs(players).count() as f64;
            assert_close(profile.mean_abs()[m], mean, "E|I^(m)|");
        }
    }
}

#[test]
fn a_large_offset_costs_no_digits_of_multi_order_interactions() {
    let table = random_table(8, 60);
    let raised = table.values().iter().map(|v| v + 1e6).collect();
    let raised = ValueTable::new(8, raised).expect("finite");
    let (low, high) = (
        multi_order(&table).expect("pairs"),
        multi_order(&raised).expect("pairs"),
    );
    for m in low.context_sizes() {
        for (a, b) in low.at(m).iter().zip(high.at(m)) {
            // 1e-10 is what adding 1e6 has already rounded off each value.
            assert!((a - b).abs() < 1e-9);
        }
    }
}

#[test]
fn order_sums_and_mean_outputs_are_what_loops_say() {
    let table = random_table(8, 70);
    let dividends = mobius(&table);
    let strength = stats::order_strength::order_strength(dividends.values());
    let mean_output = stats::growth::mean_output(&table);
    for (k, mean_output) in mean_output.into_iter().enumerate() {
        let of_size: Vec<usize> = (0..256).filter(|s| size(*s) == k).collect();
        let positive: f64 = of_size.iter().map(|s| dividends[*s].max(0.0)).sum();
        let negative: f64 = of_size.iter().map(|s| dividends[*s].min(0.0)).sum();
        assert_close(strength.positive[k], positive, "positive");
        assert_close(strength.negative[k], negative, "negative");
        let mean = of_size.iter().map(|s| table[*s] - table[0]).sum::<f64>() / of_size.len() as f64;
        assert_close(mean_output, mean, "ū(m)");
    }
}

/// Möbius and back on the largest tables that tests can afford, where all passes of the butterfly run.
#[test]
fn zeta_undoes_mobius_at_every_size() {
    for players in [1, 5, 12, 15, 16, 17, 18] {
        let table = random_table(players, 80 + players as u64);
        let back = zeta(&mobius(&table));
        let worst = table
            .values()
            .iter()
            .zip(back.values())
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        assert!(worst < 1e-10, "{players} players: {worst}");
    }
}
