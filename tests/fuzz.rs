//! Whatever a file holds, its reader answers with a value or a sentence: no panic, no hang, no memory without bound.
//!
//! A few thousand damaged files per reader; `HARSANYI_FUZZ=N` asks for N of each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use std::io::{Cursor, Write as _};

use harsanyi::game::file::{self, BitOrder, FileOptions};
use harsanyi::game::memo::Memo;
use harsanyi::game::store::{Identity, Opening, Piece, Store};
use harsanyi::game::{Pieces, Shard, synthetic};
use harsanyi::interaction::{Fit, Threshold};
use harsanyi::report::Record;
use harsanyi::{Coalition, Game};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::mutate::mutate;

#[cfg(feature = "network")]
mod network;
#[cfg(feature = "network")]
mod pictures;

/// How long one case may take; a loaded machine included.
const LONGEST: Duration = Duration::from_secs(20);

/// How much the memory of the process may grow at the most while a reader is fuzzed, in kibibytes.
const MOST_GROWTH: u64 = 2 << 20;

fn cases(usually: u64) -> u64 {
    let asked = std::env::var("HARSANYI_FUZZ").ok();
    asked.map_or(usually, |count| {
        count.parse().expect("HARSANYI_FUZZ is a number")
    })
}

/// The most memory that this process ever had, in kibibytes.
fn high_water() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok())
        .unwrap_or(0)
}

/// Feeds damaged copies of `seeds` to `read`, which says whether it took them; all seeds must be taken as they are.
fn fuzz(seed: u64, usually: u64, seeds: &[Vec<u8>], mut read: impl FnMut(&[u8]) -> bool) {
    for valid in seeds {
        assert!(
            read(valid),
            "a valid file is refused: {}",
            valid.escape_ascii()
        );
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (before, mut taken) = (high_water(), 0);
    let count = cases(usually);
    for case in 0..count {
        let bytes = mutate(&mut rng, seeds);
        let start = Instant::now();
        let shown = || {
            let shown = &bytes[..bytes.len().min(2000)];
            format!(
                "case {case}, {} bytes: {}",
                bytes.len(),
                shown.escape_ascii()
            )
        };
        match catch_unwind(AssertUnwindSafe(|| read(&bytes))) {
            Ok(ok) => taken += u64::from(ok),
            Err(_) => panic!("the reader panicked on {}", shown()),
        }
        assert!(
            start.elapsed() < LONGEST,
            "{:?} for {}",
            start.elapsed(),
            shown()
        );
    }
    let grown = high_water().saturating_sub(before);
    assert!(grown < MOST_GROWTH, "{grown} KiB more than before");
    assert!(taken < count, "no case was damaged enough to be refused");
    if std::env::var_os("HARSANYI_FUZZ").is_some() {
        #[expect(clippy::print_stderr, reason = "a long run tells what it did")]
        {
            eprintln!("{count} cases, {taken} taken, {grown} KiB");
        }
    }
}

/// A folder in memory, where there is one: a million files are written.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a folder")
}

/// Feeds damaged copies of `seeds` to `read`, in a file called `name`.
fn fuzz_file(
    seed: u64,
    usually: u64,
    name: &str,
    seeds: &[Vec<u8>],
    mut read: impl FnMut(&Path) -> bool,
) {
    let dir = folder();
    let path = dir.path().join(name);
    fuzz(seed, usually, seeds, |bytes| {
        std::fs::write(&path, bytes).expect("written");
        read(&path)
    });
}

fn npy(values: &[f64], descr: &str, version: u8) -> Vec<u8> {
    let header = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({},), }}\n",
        values.len()
    );
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((header.len() as u16).to_le_bytes()),
        _ => bytes.extend((header.len() as u32).to_le_bytes()),
    }
    bytes.extend(header.as_bytes());
    for value in values {
        match descr {
            "<f4" => bytes.extend((*value as f32).to_le_bytes()),
            _ => bytes.extend(value.to_le_bytes()),
        }
    }
    bytes
}

#[test]
fn npy_files() {
    let values: Vec<f64> = (0..16).map(|at| f64::from(at) * 0.5 - 3.0).collect();
    let seeds = [
        npy(&values, "<f8", 1),
        npy(&values, "<f4", 1),
        npy(&values[..2], "<f8", 2),
    ];
    fuzz_file(1, 4000, "values.npy", &seeds, |path| {
        file::read(path, BitOrder::Msb).is_ok()
    });
}

/// What `file::open` takes, by the ending of its name.
fn values_of(path: &Path) -> bool {
    let options = FileOptions {
        bits: None,
        missing: Some(0.0),
    };
    file::open(path, &options).is_ok_and(|found| {
        // A few values may speak for a table of many players.
        found.players() > 16 || found.into_table().is_ok()
    })
}

fn zipped(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(*name, options).expect("begun");
        archive.write_all(bytes).expect("written");
    }
    archive.finish().expect("finished").into_inner()
}

#[test]
fn npz_files() {
    let values = npy(&[0.5, -1.0, 2.0, 3.0], "<f8", 1);
    let mut rows = npy(&[], "|b1", 1);
    let shape = rows
        .windows(4)
        .position(|four| four == b"(0,)")
        .expect("a shape");
    rows.splice(shape..shape + 4, *b"(4, 2)");
    rows[8] += 2;
    rows.extend([0, 0, 1, 0, 0, 1, 1, 1]);
    let whole = zipped(&[
        ("values.npy", values.clone()),
        ("coalitions.npy", rows.clone()),
    ]);
    fuzz_file(
        20,
        3000,
        "values.npz",
        &[whole, zipped(&[("values.npy", values.clone())])],
        values_of,
    );
    // Past the checksums of the archive.
    let dir = folder();
    let path = dir.path().join("values.npz");
    fuzz(21, 2000, &[values.clone(), rows.clone()], |bytes| {
        let members = match bytes.windows(3).any(|three| three == b"b1'") {
            true => [
                ("values.npy", values.clone()),
                ("coalitions.npy", bytes.to_vec()),
            ],
            false => [
                ("values.npy", bytes.to_vec()),
                ("coalitions.npy", rows.clone()),
            ],
        };
        std::fs::write(&path, zipped(&members)).expect("written");
        values_of(&path)
    });
}

#[test]
fn values_and_players_in_text() {
    let table = [
        b"a,b,value\n0,0,0.5\n1,0,-1\n0,1,2e-3\n1,1,7\n".to_vec(),
        b"coalition\tvalue\n00\t0.5\n10\t1\n01\t2\n11\t3\n".to_vec(),
    ];
    fuzz_file(22, 3000, "values.csv", &table, values_of);
    let saved = [
        br#"{"object_name": "Game", "data_type": "game", "metadata": {"n_players": 2, "normalization_value": 0.0, "player_names": ["a", "b"]}, "data": {"Empty": 0.5, "0": 1.0, "1": -2.0, "0,1": 3.5}}"#.to_vec(),
    ];
    fuzz_file(23, 3000, "values.json", &saved, values_of);
    let players = [
        b"label,agent,time\na,x,1\nb,y,2\n".to_vec(),
        br#"{"players": ["a", "b"]}"#.to_vec(),
    ];
    fuzz_file(24, 3000, "players", &players, |path| {
        file::read_roster(path).is_ok()
    });
}

#[test]
fn memos() {
    let dir = folder();
    let path = dir.path().join("memo");
    let identity = || [("command".to_owned(), "x".to_owned())].into();
    let game = || synthetic::parse("n=3; and(0,1) + 0.5").expect("a game");
    let all: Vec<Coalition> = (0..8).map(Coalition::from_index).collect();
    let answers = Memo::open(game(), &path, identity())
        .expect("opens")
        .values(&all)
        .expect("values");
    let valid = std::fs::read(&path).expect("a memo");
    fuzz(25, 2000, &[valid], |bytes| {
        std::fs::write(&path, bytes).expect("written");
        Memo::open(game(), &path, identity()).is_ok_and(|mut memo| {
            // Whatever became of the records, the values are those of the game.
            assert_eq!(memo.values(&all).expect("values"), answers);
            memo.damaged() == 0
        })
    });
}

#[test]
fn stores_and_records() {
    let dir = folder();
    let store = dir.path().join("store");
    let pieces = Pieces::new(6, 2).expect("pieces");
    let identity = Identity::default().with("game", "x").with("dtype", "f32");
    let opened = Store::open(
        &store,
        Opening::New,
        identity,
        pieces,
        serde_json::json!({ "batch": 4 }),
    );
    let opened = opened.expect("opens");
    let piece = Piece {
        values: (0..16).map(f64::from).collect(),
        note: serde_json::json!({ "seconds": 1 }),
    };
    opened.write(3, &piece).expect("written");
    let path = store.join("piece-00003.bin");
    let valid = std::fs::read(&path).expect("a piece");
    fuzz(11, 4000, std::slice::from_ref(&valid), |bytes| {
        std::fs::write(&path, bytes).expect("written");
        let read = opened.read(3).expect("a file that can be read");
        // What is taken is what was written.
        read.is_some_and(|read| {
            assert_eq!(read, piece);
            true
        })
    });
    drop(opened);
    let header = store.join("header.json");
    let valid = std::fs::read(&header).expect("a header");
    fuzz(12, 2000, &[valid], |bytes| {
        std::fs::write(&header, bytes).expect("written");
        Store::existing(&store).is_ok_and(|store| {
            // A header may speak of more pieces than are there.
            store.pieces().split() > 8 || store.missing(Shard::WHOLE).is_ok()
        })
    });
    let record = br#"{"schema":1,"program":"h","command":"h","config":{"a":1},"model":{"source":"demo","revision":null,"sha256":"ab","architecture":"bert","parameters":3},"game":null,"device":"cpu","dtype":"f32","sample":"a b","players":[{"index":0,"label":"a","spans":[[1,2]]}],"background":[0],"baseline":"x","readout":"logit","target":{"text":"p","class":1},"n":1,"v_empty":0.5,"v_full":1.5,"counts":null,"seconds":{"load":0.1},"noise":{"probes":2},"seed":0}"#;
    fuzz(13, 3000, &[record.to_vec()], |bytes| {
        serde_json::from_slice::<Record>(bytes).is_ok()
    });
}

#[test]
fn words_of_the_command_line() {
    let seeds: Vec<Vec<u8>> = [
        "and(0,1)*2 - or(3,4,5)*1.5 + 0.3 + noise(0.01,7)",
        "n=6; majority(0,1,2) + parity(1,2)*0.25",
        "max:0.05",
        "least-squares:0.01",
        "papers:lr=0.1,iterations=10,bound=0.04",
        "1/4",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    fuzz(14, 6000, &seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let game = synthetic::parse(&text);
        if let Ok(game) = &game {
            // What is read can be written and read again.
            let again = synthetic::parse(&game.to_string());
            assert!(again.is_ok(), "{text} became {game}");
        }
        let text = text.as_ref();
        [
            game.is_ok(),
            text.parse::<Threshold>().is_ok(),
            text.parse::<Fit>().is_ok(),
            text.parse::<Shard>().is_ok(),
        ]
        .contains(&true)
    });
}
