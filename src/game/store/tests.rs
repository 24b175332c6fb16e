use serde_json::json;

use super::*;
use crate::game::{synthetic, tabulate};

const GAME: &str = "n=6; and(0,1)*2 - or(3,4,5)*1.5 + noise(0.3,7)";

fn identity() -> Identity {
    Identity::default().with("game", GAME).with("dtype", "f64")
}

fn open(dir: &Path, opening: Opening) -> Result<Store> {
    let pieces = Pieces::new(6, 3).expect("pieces");
    Store::open(dir, opening, identity(), pieces, json!({ "batch": 4 }))
}

fn fill(store: &Store, shard: Shard, most: usize) -> bool {
    let mut game = synthetic::parse(GAME).expect("a game");
    let mut done = 0;
    let note = |_: &mut _| json!({ "seconds": 1.5 });
    let filled = store.fill(&mut game, shard, note, |_| {
        done += 1;
        done < most
    });
    filled.expect("stores")
}

fn whole() -> ValueTable {
    tabulate(&mut synthetic::parse(GAME).expect("a game"), |_| ()).expect("a table")
}

fn shard(text: &str) -> Shard {
    text.parse().expect("a shard")
}

#[test]
fn what_was_stored_is_not_asked_again_and_the_table_is_the_undisturbed_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("store");
    let store = open(&path, Opening::New).expect("opens");
    assert!(!fill(&store, Shard::WHOLE, 3));
    let message = store.table().expect_err("incomplete").to_string();
    assert!(
        message.contains("5 of 8 pieces are missing (3–7)"),
        "{message}"
    );
    drop(store);
    // A piece that lost its tail, one whose bits flipped, and one that was never renamed.
    let piece = |number: usize| path.join(format!("piece-{number:05}.bin"));
    let bytes = fs::read(piece(0)).expect("a piece");
    fs::write(piece(0), &bytes[..bytes.len() / 2]).expect("written");
    let mut bytes = fs::read(piece(1)).expect("a piece");
    bytes[60] ^= 4;
    fs::write(piece(1), bytes).expect("written");
    fs::write(path.join(".piece-00004.bin.1-0.tmp"), b"harsanyi piece 1\n").expect("written");

    let message = open(&path, Opening::New).expect_err("refused").to_string();
    assert!(
        message.ends_with("holds the unfinished table of another run"),
        "{message}"
    );
    let store = open(&path, Opening::Resume).expect("opens");
    assert_eq!(
        store.missing(Shard::WHOLE).expect("reads"),
        [0, 1, 3, 4, 5, 6, 7]
    );
    assert!(fill(&store, Shard::WHOLE, usize::MAX));
    let (table, notes) = store.table().expect("complete");
    assert_eq!(table, whole());
    assert_eq!(notes, vec![json!({ "seconds": 1.5 }); 8]);
    store.remove().expect("removed");
    assert!(!path.exists());
}

#[test]
fn another_game_is_refused_and_the_field_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("store");
    let store = open(&path, Opening::New).expect("opens");
    fill(&store, Shard::WHOLE, 1);
    drop(store);
    let other = identity().with("dtype", "bf16");
    let pieces = Pieces::new(6, 2).expect("pieces");
    let refused = Store::open(&path, Opening::Resume, other, pieces, Value::Null);
    let message = refused.expect_err("another game").to_string();
    assert!(
        message.ends_with("belong to another run: dtype was `f64`, now it is `bf16`"),
        "{message}"
    );
    // Its own pieces and choices hold, not those of who goes on with it.
    let store = Store::open(&path, Opening::Resume, identity(), pieces, Value::Null);
    let store = store.expect("opens");
    assert_eq!(
        (store.pieces().split(), store.chosen()),
        (3, &json!({ "batch": 4 }))
    );
    drop(store);
    fs::write(path.join("header.json"), "{").expect("written");
    let message = open(&path, Opening::Resume)
        .expect_err("damaged")
        .to_string();
    assert!(
        message.contains("is not a valid header of a store"),
        "{message}"
    );
}

#[test]
fn shards_fill_one_table_together_and_the_last_one_knows() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("store");
    let one = open(&path, Opening::Share).expect("opens");
    let two = open(&path, Opening::Share).expect("opens beside it");
    assert!(matches!(
        open(&path, Opening::Resume),
        Err(Error::Busy { .. })
    ));
    assert!(fill(&one, shard("1/2"), usize::MAX));
    assert_eq!(two.missing(shard("2/2")).expect("reads"), [1, 3, 5, 7]);
    assert!(!one.is_last());
    let message = one.table().expect_err("half").to_string();
    assert!(
        message.contains("4 of 8 pieces are missing (1, 3, 5, 7)"),
        "{message}"
    );
    assert!(fill(&two, shard("2/2"), usize::MAX));
    assert!(two.is_last());
    assert_eq!(two.table().expect("complete").0, whole());
    assert!(matches!(Store::existing(&path), Err(Error::Busy { .. })));
    drop((one, two));
    assert_eq!(
        Store::existing(&path)
            .expect("opens")
            .table()
            .expect("complete")
            .0,
        whole()
    );
}

#[test]
fn a_store_without_values_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("store");
    let store = open(&path, Opening::New).expect("opens");
    store.keep("probe", &json!([1, 2])).expect("kept");
    assert_eq!(
        (store.kept("probe"), store.kept("other")),
        (Some(json!([1, 2])), None)
    );
    store.close().expect("closed");
    assert!(!path.exists());
    let store = open(&path, Opening::New).expect("opens");
    fill(&store, Shard::WHOLE, 1);
    store.close().expect("closed");
    assert!(Store::exists(&path));
}
