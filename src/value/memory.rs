//! When memory does not suffice: half the batch, and again, down to one.

use candle_core::Device;

use super::{NetworkGame, budget};
use crate::{Error, Result, device};

/// Bytes that can still be taken: what the system has, and what is left of `limit`.
pub(super) fn free(on: &Device, limit: Option<u64>) -> Option<u64> {
    let left = limit.map(|limit| limit.saturating_sub(device::resident_memory().unwrap_or(0)));
    match (device::free_memory_of(on), left) {
        (Some(free), Some(left)) => Some(free.min(left)),
        (free, left) => free.or(left),
    }
}

/// Whether `error` is a device that had no memory left.
fn out_of_memory(error: &Error) -> bool {
    let (Error::Forward { source, .. } | Error::Tensor(source)) = error else {
        return false;
    };
    let text = source.to_string().to_lowercase();
    ["out of memory", "out_of_memory", "alloc_failed"]
        .iter()
        .any(|sign| text.contains(sign))
}

impl NetworkGame<'_> {
    /// The batch size that was asked for, else what fits into the memory that is free.
    pub(super) fn choose_batch(&mut self) {
        if let Some(rows) = self.options.batch {
            return self.set_batch(rows);
        }
        let on = self.model.device();
        let (config, free) = (self.model.config(), free(on, self.memory));
        self.budget = budget::wave(config, self.tokens(), free, on.is_cpu());
        let (family, read) = (self.model.family(), self.aim.outputs.len());
        let bytes = budget::bytes_per_sequence(config, family, self.tokens(), read);
        self.batch = budget::batch_size(bytes, free);
    }

    /// Runs `attempt`, with half the batch where a full one would not fit or did not, and again down to a batch of one.
    pub(super) fn within_memory<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<T> {
        while self.batch() > 1
            && self.reckoned() > free(self.model.device(), self.memory).unwrap_or(u64::MAX)
        {
            self.halve();
        }
        loop {
            match attempt(self) {
                Err(error) if self.batch() > 1 && out_of_memory(&error) => self.halve(),
                done => return done,
            }
        }
    }

    /// Bytes that the batches under way at a time need on the CPU. A device knows its own memory, and says when there is none.
    fn reckoned(&self) -> u64 {
        if !self.model.device().is_cpu() {
            return 0;
        }
        let (config, family) = (self.model.config(), self.model.family());
        let tokens = self.tokens();
        let row = match self.shares_prefixes() {
            true => budget::bytes_per_position(config, tokens),
            false => budget::bytes_per_sequence(config, family, tokens, self.aim.outputs.len()),
        };
        let side_by_side = rayon::current_num_threads() as u64;
        row.saturating_mul(self.batch() as u64)
            .saturating_mul(side_by_side)
    }

    fn halve(&mut self) {
        self.set_batch(self.batch() / 2);
        self.counts.halvings += 1;
    }
}
