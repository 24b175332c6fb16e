//! Values from the files of other programs: every layout gives the same game, and a file that is none says what is wrong.

use std::error::Error as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use harsanyi::game::file::{self, BitOrder, FileOptions, Recorded, read_roster};
use harsanyi::game::{Groups, Roster, synthetic};
use harsanyi::{Coalition, Error, Game, ValueTable, tabulate};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::shared;

const PLAYERS: usize = 4;

fn table() -> ValueTable {
    let game = "n=4; noise(1.5, 7) + and(0,1)*2 - or(2,3)";
    tabulate(&mut synthetic::parse(game).expect("a game"), |_| ()).expect("a table")
}

/// All coalitions in an order that is nobody's: by an odd stride through the table.
fn scattered() -> Vec<usize> {
    (0..1 << PLAYERS).map(|at| (at * 7 + 5) % 16).collect()
}

/// A `.npy` of version 1.0.
fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn doubles(values: impl IntoIterator<Item = f64>) -> Vec<u8> {
    values.into_iter().flat_map(f64::to_le_bytes).collect()
}

/// `values` and `coalitions` of the rows in `order`.
fn arrays(order: &[usize]) -> [(&'static str, Vec<u8>); 2] {
    let table = table();
    let values = doubles(order.iter().map(|&s| table[s]));
    let rows: Vec<u8> = order
        .iter()
        .flat_map(|s| (0..PLAYERS).map(move |player| (s >> player & 1) as u8))
        .collect();
    let count = order.len();
    [
        (
            "values",
            npy("<f8", "False", &format!("({count},)"), &values),
        ),
        (
            "coalitions",
            npy("|b1", "False", &format!("({count}, {PLAYERS})"), &rows),
        ),
    ]
}

fn npz(path: &Path, method: CompressionMethod, members: &[(&str, Vec<u8>)]) {
    let mut archive = ZipWriter::new(File::create(path).expect("created"));
    for (name, bytes) in members {
        let options = SimpleFileOptions::default().compression_method(method);
        archive
            .start_file(format!("{name}.npy"), options)
            .expect("begun");
        archive.write_all(bytes).expect("written");
    }
    archive.finish().expect("finished");
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("written");
        path
    }
}

fn open(path: &Path) -> Recorded {
    file::open(path, &FileOptions::default()).expect("opens")
}

fn with_bits(path: &Path, bits: BitOrder) -> Recorded {
    let options = FileOptions {
        bits: Some(bits),
        missing: None,
    };
    file::open(path, &options).expect("opens")
}

fn complete(recorded: Recorded) -> ValueTable {
    recorded.into_table().expect("complete")
}

/// The error of opening `path` and making a table of it, with its causes.
fn complaint(path: &Path) -> String {
    let failed = file::open(path, &FileOptions::default())
        .and_then(Recorded::into_table)
        .expect_err("refused");
    let mut text = failed.to_string();
    let mut cause = failed.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[test]
fn archives_are_read_with_their_rows_in_any_order_stored_or_deflated() {
    let folder = Folder::new();
    let sorted: Vec<usize> = (0..16).collect();
    for (name, method) in [
        ("stored.npz", CompressionMethod::Stored),
        ("deflated.npz", CompressionMethod::Deflated),
    ] {
        for order in [&sorted, &scattered()] {
            let path = folder.path(name);
            npz(&path, method, &arrays(order));
            assert_eq!(complete(open(&path)), table());
        }
    }
    // By columns, as integers, with the number of players beside them.
    let order = scattered();
    let columns: Vec<u8> = (0..PLAYERS)
        .flat_map(|player| order.iter().map(move |s| (s >> player & 1) as u16))
        .flat_map(u16::to_be_bytes)
        .collect();
    let [values, _] = arrays(&order);
    let path = folder.path("columns.npz");
    let members = [
        values,
        ("coalitions", npy(">u2", "True", "(16, 4)", &columns)),
        ("n_players", npy("<i4", "False", "()", &4i32.to_le_bytes())),
    ];
    npz(&path, CompressionMethod::Deflated, &members);
    assert_eq!(complete(open(&path)), table());
}

#[test]
fn an_archive_of_values_alone_is_ordered_by_bits() {
    let folder = Folder::new();
    let path = folder.path("game.npz");
    let values = npy("<f8", "False", "(4,)", &doubles([0.0, 1.0, 2.0, 3.0]));
    npz(&path, CompressionMethod::Deflated, &[("values", values)]);
    assert_eq!(complete(open(&path)).values(), [0.0, 1.0, 2.0, 3.0]);
    let turned = with_bits(&path, BitOrder::Msb);
    assert_eq!(complete(turned).values(), [0.0, 2.0, 1.0, 3.0]);
    // Where coalitions are told there is nothing to turn round.
    npz(&path, CompressionMethod::Stored, &arrays(&scattered()));
    let options = FileOptions {
        bits: Some(BitOrder::Msb),
        missing: None,
    };
    file::open(&path, &options).expect_err("refused");
}

#[test]
fn a_folder_of_rewards_and_masks_is_a_game() {
    let folder = Folder::new();
    // Player 0 is the most significant bit of the row's number there.
    let rows: Vec<u8> = (0..8)
        .flat_map(|row| [row >> 2 & 1, row >> 1 & 1, row & 1])
        .collect();
    let rewards: Vec<u8> = (0..8)
        .flat_map(|row| (row as f32 / 2.0).to_le_bytes())
        .collect();
    folder.file("rewards.npy", npy("<f4", "False", "(8,)", &rewards));
    folder.file("masks.npy", npy("|b1", "False", "(8, 3)", &rows));
    let found = complete(open(folder.0.path()));
    assert_eq!(found.values(), [0.0, 2.0, 1.0, 3.0, 0.5, 2.5, 1.5, 3.5]);
    fs::remove_file(folder.path("masks.npy")).expect("removed");
    assert!(complaint(folder.0.path()).contains("masks.npy"));
}

#[test]
fn columns_of_players_give_names_and_strings_give_numbers() {
    let folder = Folder::new();
    let table = table();
    for separator in [",", "\t", ";"] {
        let mut text = ["red", "value", "green", "blue", "two words"].join(separator) + "\n";
        for s in scattered() {
            let bit = |player: usize| (s >> player & 1).to_string();
            let row = [bit(0), table[s].to_string(), bit(1), bit(2), bit(3)];
            text += &(row.join(separator) + "\n");
        }
        let recorded = open(&folder.file("game.csv", &text));
        let labels = ["red", "green", "blue", "two words"].map(String::from);
        assert_eq!(recorded.roster(), &Roster::named(labels.into()));
        assert_eq!(complete(recorded), table);
    }
    let spelled = |bits: [usize; 4]| {
        let mut text = String::from("note,coalition,V\n");
        for s in scattered() {
            let coalition: String = bits.iter().map(|bit| (s >> bit & 1).to_string()).collect();
            text += &format!("x,{coalition},{}\n", table[s]);
        }
        folder.file("spelled.tsv", text)
    };
    let path = spelled([0, 1, 2, 3]);
    assert_eq!(complete(open(&path)), table);
    assert!(!open(&path).roster().is_named());
    assert_eq!(complete(with_bits(&path, BitOrder::Msb)), table);
    let path = spelled([3, 2, 1, 0]);
    assert_eq!(complete(with_bits(&path, BitOrder::Lsb)), table);
}

#[test]
fn a_game_of_shapiq_is_read_with_its_names() {
    let folder = Folder::new();
    let json = |names: &str, data: &str| {
        format!(
            r#"{{"object_name": "X", "data_type": "game", "version": "1", "metadata": {{"n_players": 2,
            "game_name": "X", "normalization_value": 1.0, "player_names": {names}}}, "data": {{{data}}}}}"#
        )
    };
    let data = r#""0,1": 4.0, "Empty": 1.0, "1": 3, "0": -2e-3"#;
    let recorded = open(&folder.file("game.json", json(r#"["a", "b"]"#, data)));
    assert_eq!(recorded.roster().labels(), ["a", "b"]);
    assert_eq!(complete(recorded).values(), [1.0, -2e-3, 3.0, 4.0]);
    // Without its ending it is told by its beginning.
    let recorded = open(&folder.file("game", json("null", data)));
    assert_eq!(recorded.roster(), &Roster::numbered(2));
    for (text, reason) in [
        (
            json(r#"["a"]"#, data),
            "it names 1 players, and there are 2",
        ),
        (
            json("null", r#""0,1": 4.0, "Empty": 1.0"#),
            "2 of 4 coalitions have no value, the first of them {0}",
        ),
        (
            json("null", r#""0,7": 4.0"#),
            "it names player 7, and there are 2",
        ),
        (
            json("null", r#""0;1": 4.0"#),
            "`0;1` is no coalition such as `0,2` or `Empty`",
        ),
        (
            json("null", r#""0": 1.0, "0": 2.0"#),
            "v({0}) stands in it twice, as 1 and 2",
        ),
        (json("null", ""), "it holds no value"),
        (
            json("null", r#""0": NaN"#),
            "it is not a game of the package shapiq: expected value at line",
        ),
        (
            json("null", data).replace("\"game\"", "\"interaction_values\""),
            "it holds interaction values (), expected the values of a game",
        ),
        (
            json("null", data).replace("\"n_players\": 2", "\"n_players\": 4000000000"),
            "the number of players must be from 1 to 1024, got 4000000000",
        ),
        (
            "{}".into(),
            "it is not a game of the package shapiq: missing field `metadata`",
        ),
    ] {
        let text = complaint(&folder.file("bad.json", &text));
        assert!(text.contains(reason), "no `{reason}` in {text}");
    }
}

#[test]
fn a_partial_table_is_refused_by_its_first_gap_or_completed_by_a_stated_value() {
    let folder = Folder::new();
    let order: Vec<usize> = scattered()
        .into_iter()
        .filter(|s| ![6, 9, 15].contains(s))
        .collect();
    let path = folder.path("partial.npz");
    npz(&path, CompressionMethod::Deflated, &arrays(&order));
    assert!(
        complaint(&path).ends_with("3 of 16 coalitions have no value, the first of them {1,2}")
    );

    let mut game = open(&path);
    assert_eq!((game.count(), game.players()), (13, PLAYERS));
    let known = game
        .values(&[Coalition::from_index(5), Coalition::EMPTY])
        .expect("there");
    assert_eq!(known, [table()[5], table()[0]]);
    let gap = game
        .values(&[Coalition::from_index(9)])
        .expect_err("missing");
    assert_eq!(
        gap.to_string(),
        "v({0,3}) is not among the values of the game"
    );

    let missing = |value| FileOptions {
        bits: None,
        missing: Some(value),
    };
    let mut game = file::open(&path, &missing(-0.5)).expect("opens");
    assert_eq!(
        game.values(&[Coalition::from_index(9)]).expect("stated"),
        [-0.5]
    );
    let completed = complete(game);
    for (s, value) in table().values().iter().enumerate() {
        let expected = if [6, 9, 15].contains(&s) {
            -0.5
        } else {
            *value
        };
        assert_eq!(completed[s], expected);
    }
    assert!(matches!(
        file::open(&path, &missing(f64::NAN)),
        Err(Error::Parameter { .. })
    ));
}

#[test]
fn values_of_hundreds_of_players_are_a_game_that_is_no_table() {
    let folder = Folder::new();
    let mut text: String = (0..300).map(|player| format!("p{player},")).collect();
    text += "value\n";
    for row in 0..50usize {
        let cells = (0..300).map(|player| ((row * 7 + player) % 3 / 2).to_string() + ",");
        text += &(cells.collect::<String>() + &format!("{}\n", row % 3));
    }
    let mut recorded = open(&folder.file("wide.csv", text));
    assert_eq!((recorded.players(), recorded.count()), (300, 3));
    let first = Coalition::from_players((0..300).filter(|player| player % 3 == 2));
    assert_eq!(recorded.values(&[first]).expect("there"), [0.0]);
}

#[test]
fn damaged_archives_and_columns_say_what_is_wrong() {
    let folder = Folder::new();
    let path = folder.path("bad.npz");
    let refused = |members: &[(&str, Vec<u8>)], reason: &str| {
        npz(&path, CompressionMethod::Deflated, members);
        let text = complaint(&path);
        assert!(text.contains(reason), "no `{reason}` in {text}");
    };
    let [values, coalitions] = arrays(&scattered());
    let of = |descr: &str, shape: &str, data: &[u8]| npy(descr, "False", shape, data);
    refused(
        std::slice::from_ref(&coalitions),
        "it holds no array `values`",
    );
    refused(
        &[
            values.clone(),
            ("coalitions", of("|b1", "(15, 4)", &[0; 60])),
        ],
        "it holds 16 values for 15 coalitions",
    );
    refused(
        &[
            values.clone(),
            ("coalitions", of("|b1", "(16, 4)", &[0; 60])),
        ],
        "`coalitions`: it ends after 60 of 64 zeros and ones",
    );
    refused(
        &[
            values.clone(),
            ("coalitions", of("|i1", "(16, 4)", &[2; 64])),
        ],
        "`coalitions`: its coalitions hold 2 (row 0, player 0), expected 0 or 1",
    );
    refused(
        &[values.clone(), ("coalitions", of("|b1", "(64,)", &[0; 64]))],
        "its coalitions have the shape (64), expected a row",
    );
    refused(
        &[
            values.clone(),
            ("coalitions", of("|b1", "(99999999, 99999999)", &[0; 64])),
        ],
        "its coalitions have the shape (99999999, 99999999), expected a row",
    );
    refused(
        &[
            values.clone(),
            ("coalitions", of("|O", "(16, 4)", &[0; 64])),
        ],
        "it holds elements of type '|O', expected numbers or booleans",
    );
    refused(
        &[
            values.clone(),
            coalitions.clone(),
            ("n_players", of("<i8", "()", &5i64.to_le_bytes())),
        ],
        "`n_players` says 5, and its coalitions have 4 players",
    );
    refused(
        &[
            ("values", of("<i8", "(16,)", &[0; 128])),
            coalitions.clone(),
        ],
        "`values`: it holds values of type '<i8', expected float64 or float32",
    );
    refused(
        &[
            ("values", of("<f8", "(16,)", &doubles([f64::NAN; 16]))),
            coalitions.clone(),
        ],
        "is NaN; every value must be finite",
    );
    let bytes = fs::read(&path).expect("read");
    folder.file("bad.npz", &bytes[..bytes.len() / 2]);
    assert!(complaint(&path).contains("its archive cannot be read"));
    // A flipped bit is found by the checksum, or already by the decoder.
    npz(&path, CompressionMethod::Stored, &arrays(&scattered()));
    let mut bytes = fs::read(&path).expect("read");
    let at = bytes
        .windows(6)
        .position(|part| part == b"\x93NUMPY")
        .expect("there")
        + 100;
    bytes[at] ^= 1;
    fs::write(&path, bytes).expect("written");
    assert!(complaint(&path).contains("hecksum"), "{}", complaint(&path));

    for (text, reason) in [
        ("", "its first line, ``, names no column `value`"),
        (
            "a,b,c\n0,1,2\n",
            "its first line, `a,b,c`, names no column `value`",
        ),
        (
            "value\n1\n",
            "it has no column for players, and none named `coalition`",
        ),
        ("a,value\n", "it holds no value"),
        (
            "a,value\n2,1.0\n",
            "line 2: the column `a` holds `2`, expected 0 or 1",
        ),
        (
            "a,value\n1,x\n",
            "line 2: the value is `x`, expected a number",
        ),
        (
            "a,value\n0,1\n1\n",
            "line 3 has 1 columns, the first line 2",
        ),
        (
            "a,value\n0,inf\n",
            "v({}) is inf; every value must be finite",
        ),
        (
            "a,value\n0,1\n0,2\n",
            "v({}) stands in it twice, as 1 and 2",
        ),
        (
            "a,value\n0,1\n0,1\n",
            "1 of 2 coalitions have no value, the first of them {0}",
        ),
        (
            "a,v,value\n0,1,1\n",
            "its first line names a column `v` twice",
        ),
        (
            "coalition,v\n01,1\n2x,1\n",
            "line 3: the coalition `2x` holds `2`, expected zeros and ones",
        ),
        (
            "coalition,v\n01,1\n011,1\n",
            "line 3: the coalition `011` has 3 characters, expected 2",
        ),
    ] {
        let text = complaint(&folder.file("bad.csv", text));
        assert!(text.contains(reason), "no `{reason}` in {text}");
    }
    let text = complaint(&folder.file("strange", b"\x7fELF\0\0\0\0"));
    assert!(
        text.contains("does not begin as .npy, .npz, .csv or .json files do"),
        "{text}"
    );
    assert!(complaint(&folder.path("none.csv")).starts_with("could not read"));
}

#[test]
fn players_and_groups_are_read_from_a_file_of_their_own() {
    let folder = Folder::new();
    let columns = "player,label,agent,time,behavior\n0,a,x,1,buy\n1,b,y,-2,wait\n";
    let expected = Roster::named(vec!["a".into(), "b".into()])
        .with_groups(Groups {
            agent: Some(vec!["x".into(), "y".into()]),
            time: Some(vec![1, -2]),
            behaviour: Some(vec!["buy".into(), "wait".into()]),
        })
        .expect("fits");
    let path = folder.file("players.csv", columns);
    assert_eq!(read_roster(&path).expect("read"), expected);
    let json = serde_json::to_string(&expected).expect("JSON");
    assert_eq!(
        read_roster(&folder.file("players.json", json)).expect("read"),
        expected
    );
    let agents = read_roster(&folder.file("agents.csv", "agent\nx\nx\ny\n")).expect("read");
    assert_eq!(agents.labels(), ["0", "1", "2"]);
    for (text, reason) in [
        ("a,b\n1,2\n", "its first line names none of the columns"),
        (
            "time\nsoon\n",
            "line 2: the time is `soon`, expected the number of a step",
        ),
        (
            "agent\n",
            "the number of players must be from 1 to 1024, got 0",
        ),
        (
            "{\"players\": 1.5}",
            "expected `players` as a number or a list of names",
        ),
    ] {
        let error = read_roster(&folder.file("bad", text)).expect_err("refused");
        let reason_found = error.source().expect("a cause").to_string();
        assert!(
            reason_found.contains(reason),
            "no `{reason}` in {reason_found}"
        );
    }
}

/// Values from outside: the package's own files beside the same numbers in table order.
#[test]
fn every_shared_table_is_read_as_it_is() {
    let Some(folder) = shared::folder("games") else {
        return;
    };
    let mut compared = 0;
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let bytes = fs::read(path.with_extension("f64"));
        let ending = path.extension().and_then(|ending| ending.to_str());
        let (Ok(bytes), Some("npz" | "json")) = (bytes, ending) else {
            continue;
        };
        let expected = bytes
            .chunks_exact(8)
            .map(|eight| f64::from_le_bytes(eight.try_into().expect("eight bytes")));
        let expected: Vec<f64> = expected.collect();
        let found = complete(open(&path));
        assert_eq!(found.values().len(), expected.len(), "{}", path.display());
        // JSON readers may lose the last bit of a number.
        let same = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-15 * a.abs();
        assert!(
            found.values().iter().zip(&expected).all(same),
            "{}",
            path.display()
        );
        compared += 1;
    }
    assert!(compared >= 11, "{compared} tables");
}

proptest! {
    /// Whatever a file holds, it is read or refused; it never brings the program down.
    #[test]
    fn no_archive_or_text_brings_the_readers_down(
        place in 0usize..700,
        patch in proptest::collection::vec(any::<u8>(), 0..8),
        text in "[-0-9a-z\"{}\\[\\],:. \n]{0,60}",
    ) {
        let folder = Folder::new();
        let path = folder.path("game.npz");
        npz(&path, CompressionMethod::Deflated, &arrays(&scattered()));
        let mut bytes = fs::read(&path).expect("read");
        for (old, new) in bytes.iter_mut().skip(place).zip(patch) {
            *old = new;
        }
        fs::write(&path, bytes).expect("written");
        let _ = file::open(&path, &FileOptions::default());
        let _ = file::open(&folder.file("game.csv", format!("value,a\n{text}")), &FileOptions::default());
        let _ = file::open(&folder.file("game.json", text), &FileOptions::default());
    }
}
