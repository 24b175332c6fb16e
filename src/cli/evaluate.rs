//! Every value of a sample on a network, kept on disk as they come.

use std::time::Instant;

use harsanyi::report::Record;
use harsanyi::value::{Probe, SampleGame, probe};
use serde_json::{Value, json};

use super::args::Batch;
use super::keep::{self, Keep};
use super::output::Output;
use super::prepared::Prepared;
use super::run::Evaluated;

/// Coalitions that are evaluated again, to see how far v moves.
const PROBES: usize = 16;

impl Prepared<'_> {
    /// v of every coalition, kept as `keep` says, and entered into `record`; `None` when other processes have not done their
    /// shares.
    pub(crate) fn tabulate(
        &self,
        keep: &Keep,
        mut record: Record,
        output: &Output,
    ) -> anyhow::Result<Option<Evaluated>> {
        let players = self.players.count();
        harsanyi::game::check_exact(players)?;
        let identity = keep::identity_of(&record)?;
        if let Some(finished) = keep.finished(&identity)? {
            return Ok(Some(finished));
        }
        let start = Instant::now();
        let bar = output.bar("coalitions", 1 << players);
        let advance = |coalitions| bar.inc(coalitions);
        let mut game = self.game()?.with_progress(&advance);
        record.config["batch"] = json!(game.batch());
        let chosen = json!({ "batch": game.batch(), "record": record });
        let Some(filling) = keep.open(identity, game.pieces()?, chosen, output)? else {
            return Ok(None);
        };
        // Products of another shape would round otherwise; who asks for another batch knows.
        let batch = filling.chosen("batch").and_then(Value::as_u64);
        if let (Some(rows), Batch::Auto) = (batch, self.args.batch) {
            game.set_batch(rows as usize);
            record.config["batch"] = json!(rows);
        }
        let probe = filling.probe(|| self.probe(game.batch(), record.seed))?;
        record
            .seconds
            .insert("tabulate".into(), start.elapsed().as_secs_f64());
        let filled = filling.fill(&mut game, SampleGame::take_counts, &bar, output)?;
        bar.finish_and_clear();
        let Some(filled) = filled else {
            return Ok(None);
        };
        keep::complete(&mut record, &filled.table, &filled.notes, Some(&probe))?;
        Ok(Some(Evaluated {
            table: filled.table,
            record,
            store: filled.store,
        }))
    }

    /// Some coalitions in the other way to evaluate one: alone where the table is made in batches of `batch`, in company where
    /// it is not.
    fn probe(&self, batch: usize, seed: u64) -> anyhow::Result<Probe> {
        let companions = if batch == 1 { 7 } else { 0 };
        let mut other = self.game_in(Some(companions + 1), false)?;
        let probes = PROBES.min(1 << self.players.count());
        Ok(probe(&mut other, probes, companions, seed)?)
    }
}
