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

/// Token positions beyond which a forward pass over a trie gains nothing on a CPU.
const CPU_POSITIONS: usize = 512;

/// And on an accelerator, which wants products of thousands of rows.
const DEVICE_POSITIONS: usize = 16_384;

/// Forward passes whose keys and values are held at a time, at most: about one for each level of the deepest trie.
const HELD: usize = 24;

/// The segments and positions of one forward pass over a trie of sequences of `tokens` tokens: as many as fit, with keys and
/// values, into a quarter of the free memory when eight run at once on the CPU or one on an accelerator, at most 512 positions or 16,384.
pub fn wave(config: &ModelConfig, tokens: usize, free: Option<u64>, on_cpu: bool) -> Budget {
    let own = bytes_per_sequence(config, Family::Decoder, tokens, 0) / tokens.max(1) as u64;
    let kept = 8 * config.layers * config.kv_heads * config.head_dim * HELD;
    let (side_by_side, most) = match on_cpu {
        true => (SIDE_BY_SIDE, CPU_POSITIONS),
        false => (1, DEVICE_POSITIONS),
    };
    let budget = free.unwrap_or(ASSUMED_FREE) / 4 / side_by_side;
    let positions = (budget / (own + kept as u64).max(1)).clamp(1, most as u64) as usize;
    Budget {
        segments: positions,
        positions,
    }
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
}
