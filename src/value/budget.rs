//! How much fits into a forward pass.

use crate::model::{Budget, Family, ModelConfig};

/// Rows beyond which a batch gains nothing on a CPU, whose caches the activations then outgrow.
const MOST_ROWS: usize = 64;

/// Forward passes that are reckoned with side by side. A fixed number, since the size of a batch must not depend on the
/// threads that happen to be there: products of another shape round otherwise.
const SIDE_BY_SIDE: u64 = 8;

/// Memory that activations may take when the system does not tell how much is free.
const ASSUMED_FREE: u64 = 2 << 30;

/// Bytes of activations that one sequence of `tokens` tokens needs at the widest point of the network.
///
/// Per token: the residual stream, its normed copy and the attention's query, key, value and output, or both halves of the
/// feed-forward part, in f32; per head a row of scores and of weights; and the logits of the rows read, with the copy that
/// is read out.
pub fn bytes_per_sequence(config: &ModelConfig, family: Family, tokens: usize, read: usize) -> u64 {
    let heads = (config.heads + 2 * config.kv_heads) * config.head_dim;
    let attention = 2 * config.hidden + 2 * heads + 2 * config.heads * tokens;
    let mlp = 2 * config.hidden + 3 * config.intermediate;
    let outputs = match family {
        Family::Decoder => config.vocabulary,
        Family::Encoder => config.classes.len(),
    };
    4 * (tokens * attention.max(mlp) + 2 * read * outputs) as u64
}

/// Coalitions per batch: as many as fit into a quarter of the free memory when eight batches run at once, from one to 64.
pub fn batch_size(bytes_per_sequence: u64, free: Option<u64>) -> usize {
    let budget = free.unwrap_or(ASSUMED_FREE) / 4 / SIDE_BY_SIDE;
    (budget / bytes_per_sequence.max(1)).clamp(1, MOST_ROWS as u64) as usize
}

/// Bytes of activations beyond which a batch of images leaves the caches of a core.
const CACHE: u64 = 1 << 20;

/// Images or rows per batch on the CPU, whose activations have at most `widest` numbers each: as many as fit into the caches of
/// a core and, when eight batches run at once, into a quarter of the free memory, from one to 64.
pub fn images(widest: usize, free: Option<u64>) -> usize {
    let bytes = 3 * 4 * widest.max(1) as u64;
    let budget = free.unwrap_or(ASSUMED_FREE) / 4 / SIDE_BY_SIDE;
    (budget.min(CACHE) / bytes).clamp(1, MOST_ROWS as u64) as usize
}

/// Token positions beyond which a forward pass over a trie gains nothing on a CPU.
const CPU_POSITIONS: usize = 512;

/// And on an accelerator, which wants products of thousands of rows.
const DEVICE_POSITIONS: usize = 16_384;

/// Forward passes whose keys and values are held at a time, at most: about one for each level of the deepest trie.
const HELD: usize = 24;

/// Bytes of activations of one token position of a trie, with the keys and values that are held for it.
pub fn bytes_per_position(config: &ModelConfig, tokens: usize) -> u64 {
    let own = bytes_per_sequence(config, Family::Decoder, tokens, 0) / tokens.max(1) as u64;
    let kept = 8 * config.layers * config.kv_heads * config.head_dim * HELD;
    own + kept as u64
}

/// The segments and positions of one forward pass over a trie of sequences of `tokens` tokens: as many as fit, with keys and
/// values, into a quarter of the free memory when eight run at once on the CPU or one on an accelerator, at most 512 positions
/// or 16,384.
pub fn wave(config: &ModelConfig, tokens: usize, free: Option<u64>, on_cpu: bool) -> Budget {
    let (side_by_side, most) = match on_cpu {
        true => (SIDE_BY_SIDE, CPU_POSITIONS),
        false => (1, DEVICE_POSITIONS),
    };
    let budget = free.unwrap_or(ASSUMED_FREE) / 4 / side_by_side;
    let each = bytes_per_position(config, tokens).max(1);
    let positions = (budget / each).clamp(1, most as u64) as usize;
    Budget {
        segments: positions,
        positions,
    }
}

/// What one piece of a table is worth, in floating-point operations: some ten seconds of one core.
const PIECE_OPERATIONS: f64 = 2e12;

/// A table that shares prefixes and is worth less than this, in floating-point operations, is not cut into pieces: a minute of
/// one core.
pub const SHORT_TABLE: f64 = 1e13;

/// Coalitions of a piece whose evaluation is cheap: eight full batches, so that the cores have something to share.
const CHEAP_PIECE: usize = 512;

/// Coalitions of the smallest piece, a full batch.
const LEAST_PIECE: usize = MOST_ROWS;

/// The most coalitions of a piece: what is held at a time while prefixes are shared.
const MOST_PIECE: usize = 1 << 20;

/// The most pieces, each a file.
const MOST_PIECES: usize = 1 << 12;

/// The share of token positions that may be computed in more than one piece.
const REPEATED: f64 = 0.05;

/// How many players the pieces of a table are split by: few enough that a piece is worth its file, and enough that no more
/// than some seconds are lost with it. `operations` is the work of one coalition, and `positions` the token positions of
/// the whole table, given the split. The machine has no say, since values may round differently in other pieces.
pub fn split(players: usize, operations: f64, positions: impl Fn(usize) -> f64) -> usize {
    let affordable = (PIECE_OPERATIONS / operations.max(1.0)) as usize;
    let piece = affordable.clamp(LEAST_PIECE, CHEAP_PIECE).ilog2() as usize;
    let least = players.saturating_sub(MOST_PIECE.ilog2() as usize);
    let most = players
        .saturating_sub(piece)
        .min(MOST_PIECES.ilog2() as usize);
    let bearable = (1.0 + REPEATED) * positions(0);
    (least..=most)
        .rev()
        .find(|&split| positions(split) <= bearable)
        .unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_batch_shrinks_with_memory_and_never_to_nothing() {
        assert_eq!(batch_size(1 << 20, Some(1 << 34)), 64);
        assert_eq!(batch_size(1 << 20, Some(1 << 26)), 2);
        assert_eq!(batch_size(1 << 30, Some(1 << 26)), 1);
    }

    #[test]
    fn pieces_are_worth_their_file_and_repeat_little() {
        let alike = |_| 1.0;
        assert_eq!(split(7, 1e6, alike), 0);
        assert_eq!(split(12, 1e6, alike), 3);
        // A network of 1 G parameters on 20 tokens.
        assert_eq!(split(12, 4e10, alike), 6);
        assert_eq!(split(24, 1e6, alike), 12);
        // What each piece repeats of the beginning, a two-hundredth of the table, adds up.
        let repeats = |split: usize| 0.995 + 0.005 * f64::from(1 << split);
        assert_eq!(split(12, 4e10, repeats), 3);
        let nothing_shared = |split: usize| f64::from(1 << split);
        assert_eq!(split(12, 4e10, nothing_shared), 0);
        assert_eq!(split(22, 1e6, nothing_shared), 2);
    }
}
