//! One value table, timed for a script that times another library beside it: `HARSANYI_COMPARE` names a JSON file that says
//! which, and one line of JSON comes back.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use candle_core::{DType, Device};
use harsanyi::input::baseline::Absence;
use harsanyi::input::{Players, TokenizedText};
use harsanyi::model::{Checkpoint, Model};
use harsanyi::tabulate;
use harsanyi::value::{Aim, NetworkGame, NetworkOptions, Readout};
use serde::Deserialize;
use serde_json::json;

/// What is asked for.
#[derive(Deserialize)]
struct Job {
    /// A folder with a checkpoint.
    model: PathBuf,
    ids: Vec<u32>,
    /// The player of each token.
    owner: Vec<Option<usize>>,
    /// The token in place of an absent one; without, absent tokens are left out.
    absent: Option<u32>,
    /// The output that is read.
    target: u32,
    share_prefixes: bool,
    rounds: usize,
}

/// What `/proc/self/<file>` says under `key`, the first number.
fn status(file: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/self/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Processor seconds of this process so far, in hundredths, where the system tells (Linux).
pub(crate) fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = text.rsplit(')').next().unwrap_or_default();
    let ticks = behind_name.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|tick| tick.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

/// Does what the environment asks for, and says whether it asked.
pub(crate) fn run() -> bool {
    let Some(path) = std::env::var_os("HARSANYI_COMPARE") else {
        return false;
    };
    let job = std::fs::read(path).expect("the file of the job");
    let job: Job = serde_json::from_slice(&job).expect("a job");
    let checkpoint = Checkpoint::open(&job.model).expect("opens");
    let model = Model::load(&checkpoint, &Device::Cpu, DType::F32).expect("loads");
    let tokens = job.ids.len();
    let text = TokenizedText {
        text: String::new(),
        ids: job.ids,
        bytes: vec![0..0; tokens],
        special: vec![false; tokens],
    };
    let count = job.owner.iter().flatten().max().map_or(0, |last| last + 1);
    let players = Players {
        owner: job.owner,
        labels: vec![String::new(); count],
    };
    let aim = Aim {
        outputs: vec![job.target],
        text: String::new(),
        is_class: false,
    };
    let options = NetworkOptions {
        absence: job.absent.map_or(
            Absence::Dropped {
                keep_positions: false,
            },
            Absence::Token,
        ),
        readout: Readout::LogOdds,
        batch: None,
        share_prefixes: job.share_prefixes,
    };
    let before = status("status", "VmRSS:");
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..job.rounds.max(1) {
        let (used, start) = (cpu_seconds(), Instant::now());
        let mut game = NetworkGame::new(&model, &text, &players, &aim, options).expect("a game");
        let table = tabulate(&mut game, |_| ()).expect("a table");
        wall.push(start.elapsed().as_secs_f64());
        cpu.push(cpu_seconds() - used);
        last = Some((game.counts(), black_box(table)));
    }
    let (counts, table) = last.expect("at least one round");
    let report = json!({
        "cpu_seconds": cpu, "wall_seconds": wall, "counts": counts,
        "kib_before": before, "kib_peak": status("status", "VmHWM:"), "values": table.values(),
    });
    #[expect(clippy::print_stdout, reason = "the script reads it")]
    {
        println!("{report}");
    }
    true
}
