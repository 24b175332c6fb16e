//! Coalitions whose sequences share prefixes: each distinct prefix goes through the network once.

use super::NetworkGame;
use crate::model::Trie;
use crate::{Coalition, Error, Result};

impl NetworkGame<'_> {
    /// v of `coalitions` over the trie of their sequences. Only its distinct prefixes are ever held, not the sequences.
    pub(super) fn shared(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        let read = self.aim.outputs.len();
        let mut all_read = true;
        let sequences = coalitions
            .iter()
            .map(|coalition| self.fill(coalition))
            .take_while(|sequence| {
                all_read = sequence.ids.len() >= read;
                all_read
            });
        let trie = Trie::new(sequences.map(|s| (s.ids, s.positions)), read);
        if !all_read {
            return Err(super::nothing_to_read());
        }
        let answer = |place: usize, logits: &[f32]| {
            if let (Some(progress), true) = (self.progress, place + 1 == read) {
                progress(1);
            }
            let target = self.aim.outputs[place] as usize;
            self.options.readout.value(logits, target)
        };
        let (budget, extra) = (self.budget, self.extra.as_ref());
        let found = self.model.read_trie(&trie, extra, budget, answer);
        let found = found.map_err(|error| match error {
            Error::Tensor(source) => Error::Forward {
                batch: coalitions.len(),
                source,
            },
            other => other,
        })?;
        self.counts.token_positions += trie.ids.len() as u64;
        self.counts.forward_batches += found.forwards;
        let values = found.answers.chunks(read);
        Ok(values.map(|outputs| outputs.iter().sum()).collect())
    }
}
