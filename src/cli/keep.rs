//! Values that outlive the run which computes them: where they are kept, how a table is filled from what is there, and how it
//! is put together.

use std::path::{Path, PathBuf};
use std::time::Instant;

use harsanyi::game::store::{Identity, Opening, Store};
use harsanyi::game::{Pieces, Shard, file};
use harsanyi::report::{Record, folder};
use harsanyi::stats::noise;
use harsanyi::value::{Counts, Noise, Probe};
use harsanyi::{Error, Game, ValueTable};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::args::KeepArgs;
use super::interrupt::Interrupted;
use super::output::Output;
use super::report;
use super::run::Evaluated;

/// Where the values of one table are kept while it is filled, and what is done with those that are there.
pub(crate) struct Keep {
    /// The run folder.
    folder: Option<PathBuf>,
    /// The one file that the table goes to.
    file: Option<PathBuf>,
    /// The folder of the unfinished table.
    store: Option<PathBuf>,
    resume: bool,
    /// Whether no other process works in the folder.
    alone: bool,
    shard: Option<Shard>,
}

/// A table that is being filled.
pub(crate) struct Filling {
    pub(crate) pieces: Pieces,
    store: Option<Store>,
    shard: Shard,
}

/// All values of a table and what was noted beside them.
pub(crate) struct Filled {
    pub(crate) table: ValueTable,
    pub(crate) notes: Vec<Value>,
    /// To be removed once the table is elsewhere.
    pub(crate) store: Option<Store>,
}

impl Keep {
    /// Nowhere: what is computed is used at once.
    pub(crate) fn nowhere() -> Self {
        Self {
            folder: None,
            file: None,
            store: None,
            resume: false,
            alone: false,
            shard: None,
        }
    }

    /// In the run folder `dir`, where there is one.
    pub(crate) fn within(dir: Option<&Path>, args: &KeepArgs) -> Self {
        Self {
            folder: dir.map(Path::to_owned),
            file: None,
            store: dir.map(|dir| dir.join("store")),
            resume: args.resume,
            alone: args.resume && args.shard.is_none(),
            shard: args.shard,
        }
    }

    /// The same in a folder of samples that other processes may work through too.
    pub(crate) fn in_company(self) -> Self {
        Self {
            alone: false,
            ..self
        }
    }

    /// Beside the file `path` that the table goes to.
    pub(crate) fn beside(path: &Path, args: &KeepArgs) -> Self {
        Self {
            folder: None,
            file: Some(path.to_owned()),
            store: Some(store_beside(path)),
            resume: args.resume,
            alone: args.resume && args.shard.is_none(),
            shard: args.shard,
        }
    }

    /// The values that an earlier run finished, where this one goes on with them.
    ///
    /// # Errors
    /// Finished values of another run, unless an unfinished table stands beside them.
    pub(crate) fn finished(&self, identity: &Identity) -> anyhow::Result<Option<Evaluated>> {
        let (Some(dir), Some(store)) = (&self.folder, &self.store) else {
            return Ok(None);
        };
        let path = dir.join("record.json");
        let goes_on = self.resume || self.shard.is_some();
        if !goes_on || !path.exists() || !dir.join("values.npy").exists() {
            return Ok(None);
        }
        let bytes = std::fs::read(&path).map_err(Error::read(&path))?;
        let record: Record =
            serde_json::from_slice(&bytes).map_err(Error::parse(&path, "record"))?;
        if let Some(difference) = identity_of(&record)?.difference(identity) {
            if Store::exists(store) {
                return Ok(None);
            }
            return Err(Error::OtherGame {
                path: dir.clone(),
                field: difference.field,
                stored: difference.here,
                asked: difference.there,
            }
            .into());
        }
        let table = file::read(&dir.join("values.npy"), file::BitOrder::default())?;
        Store::clear(store, identity)?;
        if self.alone {
            report::sweep(dir);
        }
        Ok(Some(Evaluated {
            table,
            record,
            store: None,
        }))
    }

    /// Opens the store of a table that is cut into `pieces`, where there is one or it is worth one; `chosen` is what must
    /// hold for the whole table. `None` when the table has too few pieces for this process to have a share.
    pub(crate) fn open(
        &self,
        identity: Identity,
        pieces: Pieces,
        chosen: Value,
        output: &Output,
    ) -> anyhow::Result<Option<Filling>> {
        let shard = self.shard.unwrap_or(Shard::WHOLE);
        if self.shard.is_some() && !self.store.as_deref().is_some_and(Store::exists) {
            // A store that is begun here and now would be left to nobody once the others are done.
            if !(0..pieces.count()).any(|piece| shard.owns(piece)) {
                let cut = pieces.count();
                output.say(&format!(
                    "share {shard} is empty: the table is made in {cut} piece{}, which other shares have",
                    if cut == 1 { "" } else { "s" }
                ));
                return Ok(None);
            }
            if let Some(file) = self.file.as_ref().filter(|file| file.exists()) {
                anyhow::bail!(
                    "`{}` holds a table already, and a file does not say of what; remove it to begin another, or name a folder",
                    file.display()
                );
            }
        }
        let worth = pieces.count() > 1 || self.shard.is_some();
        let store = match &self.store {
            Some(dir) if worth || Store::exists(dir) => {
                output.interrupt.create(dir)?;
                let opening = match (self.shard, self.resume) {
                    (Some(_), _) => Opening::Share,
                    (None, true) => Opening::Resume,
                    (None, false) => Opening::New,
                };
                let store = Store::open(dir, opening, identity, pieces, chosen)?;
                if opening == Opening::Resume {
                    // Nobody else writes here, so that what is half written nobody will finish.
                    folder::sweep(dir, None);
                    self.folder.iter().for_each(|dir| report::sweep(dir));
                }
                Some(store)
            }
            _ => None,
        };
        Ok(Some(Filling {
            pieces: store.as_ref().map_or(pieces, Store::pieces),
            store,
            shard,
        }))
    }
}

impl Filling {
    /// What was chosen for the whole table as `name`, by the process that began it.
    pub(crate) fn chosen(&self, name: &str) -> Option<&Value> {
        self.store.as_ref().map(|store| &store.chosen()[name])
    }

    /// The probe of this table: as it was kept, or as `make` makes it.
    pub(crate) fn probe(
        &self,
        make: impl FnOnce() -> anyhow::Result<Probe>,
    ) -> anyhow::Result<Probe> {
        let Some(store) = &self.store else {
            return make();
        };
        if let Some(probe) = kept_probe(store) {
            return Ok(probe);
        }
        let probe = make()?;
        store.keep("probe", &serde_json::to_value(&probe)?)?;
        // As whoever goes on will read it: a number may change its last digit on the way through a file.
        Ok(kept_probe(store).unwrap_or(probe))
    }

    /// Asks for everything that is missing of this process's share; `None` when others have not done theirs.
    pub(crate) fn fill<G: Game + ?Sized>(
        self,
        game: &mut G,
        mut counts: impl FnMut(&mut G) -> Counts,
        bar: &ProgressBar,
        output: &Output,
    ) -> anyhow::Result<Option<Filled>> {
        let mut start = Instant::now();
        let mut note = |game: &mut G| {
            let seconds = start.elapsed().as_secs_f64();
            start = Instant::now();
            json!({ "counts": counts(game), "seconds": seconds })
        };
        let (pieces, interrupt) = (self.pieces, &output.interrupt);
        let Some(store) = self.store else {
            let (mut parts, mut notes) = (Vec::new(), Vec::new());
            for piece in 0..pieces.count() {
                parts.push(pieces.ask(game, piece)?);
                notes.push(note(game));
                bar.set_position(((piece + 1) * pieces.len()) as u64);
            }
            return Ok(Some(Filled {
                table: pieces.join(parts)?,
                notes,
                store: None,
            }));
        };
        let missing = store.missing(self.shard)?.len();
        let share = (0..pieces.count())
            .filter(|&piece| self.shard.owns(piece))
            .count();
        if missing < share {
            output.say(&format!(
                "{} of {share} pieces are on disk already",
                share - missing
            ));
        }
        let mut done = (share - missing) * pieces.len();
        bar.set_length((share * pieces.len()) as u64);
        bar.set_position(done as u64);
        bar.reset_eta();
        let filled = interrupt.keeping(|| {
            store.fill(game, self.shard, &mut note, |more| {
                done += more;
                bar.set_position(done as u64);
                !interrupt.asked()
            })
        });
        let whole = match filled {
            Ok(whole) => whole,
            Err(error) => {
                // An error of the disk's or the network's comes first.
                let _ = store.close();
                return Err(error.into());
            }
        };
        if !whole {
            let dir = store.dir().display().to_string();
            store.close()?;
            let of = share * pieces.len();
            let kept = format!("{done} of {of} coalitions are in `{dir}`");
            return Err(Interrupted { kept }.into());
        }
        if self.shard != Shard::WHOLE
            && (!store.is_last() || !store.missing(Shard::WHOLE)?.is_empty())
        {
            let left = store.missing(Shard::WHOLE)?.len();
            let all = pieces.count();
            output.say(&format!(
                "share {} is done; {left} of {all} pieces are left to others, the last of whom puts the table together",
                self.shard
            ));
            return Ok(None);
        }
        let (table, notes) = store.table()?;
        Ok(Some(Filled {
            table,
            notes,
            store: Some(store),
        }))
    }
}

/// The folder of the unfinished table whose values go to the file `path`.
pub(crate) fn store_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".store");
    path.with_file_name(name)
}

pub(crate) fn kept_probe(store: &Store) -> Option<Probe> {
    serde_json::from_value(store.kept("probe")?).ok()
}

/// What the values of `record` depend on.
pub(crate) fn identity_of(record: &Record) -> anyhow::Result<Identity> {
    // Devices of one kind round alike.
    let device = record.device.split(':').next().unwrap_or_default();
    let model = record.model.as_ref();
    Ok(Identity::default()
        .with("program", record.program.as_str())
        .with(
            "model",
            model.map_or(Value::Null, |model| json!({ "sha256": model.sha256 })),
        )
        .with("game", serde_json::to_value(&record.game)?)
        .with("classes", classes(record))
        .with("device", device)
        .with("dtype", record.dtype.as_str())
        .with("sample", serde_json::to_value(&record.sample)?)
        .with("players", serde_json::to_value(&record.players)?)
        .with("background", serde_json::to_value(&record.background)?)
        .with("baseline", serde_json::to_value(&record.baseline)?)
        .with("readout", serde_json::to_value(&record.readout)?)
        .with("target", serde_json::to_value(&record.target)?))
}

/// The texts that are the classes, of a network that has no others.
fn classes(record: &Record) -> Value {
    match &record.config["classes"] {
        Value::Array(texts) if !texts.is_empty() => json!(texts),
        _ => Value::Null,
    }
}

/// Enters into `record` what is known once all values are there.
pub(crate) fn complete(
    record: &mut Record,
    table: &ValueTable,
    notes: &[Value],
    probe: Option<&Probe>,
) -> anyhow::Result<()> {
    (record.n, record.v_empty, record.v_full) = (table.players(), table.empty(), table.grand());
    let seconds: f64 = notes
        .iter()
        .filter_map(|note| note["seconds"].as_f64())
        .sum();
    *record.seconds.entry("tabulate".into()).or_default() += seconds;
    if record.model.is_some() {
        let mut counts = Counts::default();
        for note in notes {
            counts += serde_json::from_value(note["counts"].clone()).unwrap_or_default();
        }
        record.counts = Some(serde_json::to_value(counts)?);
    }
    if let Some(probe) = probe {
        let found = Noise::new(probe, table);
        // A batch of another size may round alike, while every answer was rounded to what its dtype can hold.
        let rounding = noise::rounding(table.values(), significand(&record.dtype));
        let std = found.probe_std.hypot(rounding);
        let mut json = serde_json::to_value(found)?;
        json["rounding_std"] = json!(rounding);
        json["std"] = json!(std);
        json["expected_std"] = json!(noise::by_order(std, table.players()));
        record.noise = Some(json);
    }
    Ok(())
}

/// How many bits of a number `dtype` keeps.
fn significand(dtype: &str) -> i32 {
    match dtype {
        "bf16" => 8,
        "f16" => 11,
        "f64" => 53,
        _ => 24,
    }
}
