//! Runs that survive: killed, interrupted, refused, shared among processes, put together, and repeated from a run file.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use serde_json::Value;

use crate::command::{failure, json, run, stdout};

/// 2^11 coalitions of the demo model: four pieces.
const TEXT: &str = "the plot of the movie is not bad at all and";

fn name(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

fn read(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("reads")).expect("JSON")
}

fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

fn start(words: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_harsanyi"))
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts")
}

/// The pieces in a store; every one of them has the length of the others, whatever happened to the process that wrote it.
fn pieces(store: &Path) -> usize {
    let whole = files(store)
        .into_iter()
        .filter(|name| name.starts_with("piece-"));
    let lengths: Vec<u64> = whole
        .map(|name| std::fs::metadata(store.join(name)).expect("a piece").len())
        .collect();
    for length in &lengths {
        assert!(
            (512 * 8..512 * 8 + 400).contains(length),
            "a piece of {length} bytes"
        );
    }
    lengths.len()
}

/// Waits until the store holds `count` pieces.
fn wait_for(store: &Path, count: usize) {
    let start = Instant::now();
    while pieces(store) < count {
        assert!(
            start.elapsed() < Duration::from_secs(300),
            "no piece in {}",
            store.display()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_killed_run_goes_on_to_the_values_of_the_undisturbed_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let (calm, killed) = (dir.path().join("calm"), dir.path().join("killed"));
    let begun = Instant::now();
    stdout(&["tabulate", TEXT, "-o", name(&calm)]);
    let whole = begun.elapsed().as_millis() as u64;
    let words = ["tabulate", TEXT, "-o", name(&killed), "--resume"];
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(12);
    for _ in 0..5 {
        let mut child = start(&words);
        std::thread::sleep(Duration::from_millis(rng.random_range(0..=whole)));
        child.kill().expect("killed");
        child.wait().expect("ends");
        pieces(&killed.join("store"));
    }
    stdout(&words);
    let values = |dir: &Path| std::fs::read(dir.join("values.npy")).expect("values");
    assert_eq!(values(&calm), values(&killed));
    assert_eq!(files(&killed), ["record.json", "values.npy"]);
    // What the pieces took in all is told, not what the last process did.
    let (calm, killed) = (
        read(calm.join("record.json")),
        read(killed.join("record.json")),
    );
    for count in ["coalitions", "token_positions", "token_positions_naive"] {
        assert_eq!(calm["counts"][count], killed["counts"][count], "{count}");
    }
    assert_eq!(calm["noise"], killed["noise"]);
}

#[cfg(unix)]
#[test]
fn a_run_that_is_asked_to_stop_keeps_what_it_has_and_says_how_to_go_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("run");
    for signal in ["-INT", "-TERM"] {
        let words = ["tabulate", TEXT, "-o", name(&out), "--resume"];
        let child = Command::new(env!("CARGO_BIN_EXE_harsanyi"))
            .args(words)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let had = pieces(&out.join("store"));
        wait_for(&out.join("store"), had + 1);
        let pid = child.id().to_string();
        let sent = Command::new("kill")
            .args([signal, &pid])
            .status()
            .expect("a shell's kill");
        let ended = child.wait_with_output().expect("ends");
        let message = String::from_utf8(ended.stderr).expect("text");
        if sent.success() && ended.status.code() == Some(130) {
            assert!(
                message.contains("interrupted; ") && message.contains("coalitions are in"),
                "{message}"
            );
            assert!(
                message.contains("hint: the same command with --resume goes on"),
                "{message}"
            );
            assert!(pieces(&out.join("store")) > had);
        } else {
            // Where the machine is slow to deliver, the run was done before it was asked.
            assert!(ended.status.success(), "{message}");
        }
        if !out.join("store").exists() {
            break;
        }
    }
    // Nothing was computed, so that nothing is left behind.
    let empty = dir.path().join("new/run");
    let (code, _) = failure(&[
        "tabulate",
        "x y",
        "--model",
        "no/such/folder",
        "-o",
        name(&empty),
    ]);
    assert_eq!((code, files(dir.path())), (1, vec!["run".to_owned()]));
}

#[test]
fn an_unfinished_table_is_refused_unless_it_is_gone_on_with_and_is_that_of_the_same_game() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("run");
    let begin = |more: &[&str]| failure(&[&["tabulate", TEXT, "-o", name(&out)], more].concat());
    // A share leaves an unfinished table.
    let run = run(&["tabulate", TEXT, "-o", name(&out), "--shard", "2/4"]);
    let said = String::from_utf8(run.stderr).expect("text");
    assert!(
        said.contains("share 2/4 is done; 3 of 4 pieces are left to others"),
        "{said}"
    );
    let (code, message) = begin(&[]);
    assert_eq!(code, 1, "{message}");
    assert!(
        message.contains("holds the unfinished table of another run"),
        "{message}"
    );
    assert!(
        message.contains("hint: --resume goes on with it"),
        "{message}"
    );
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny/bert");
    for (more, field) in [
        (
            vec!["--baseline", "unk"],
            "baseline was `token 4 ([MASK])`, now it is `token 1 ([UNK])`",
        ),
        (
            vec!["--readout", "logit"],
            "readout was `log-odds`, now it is `logit`",
        ),
        (
            vec!["--target", "class:negative"],
            "target.class was `1`, now it is `0`",
        ),
        (vec!["--background", "the"], "background was a list of"),
        (vec!["--dtype", "bf16"], "dtype was `f32`, now it is `bf16`"),
        (vec!["--model", name(&model)], "model.sha256 was `"),
    ] {
        let (code, message) = begin(&[more.as_slice(), &["--resume"]].concat());
        assert_eq!(code, 1, "{message}");
        assert!(message.contains(field), "no `{field}` in {message}");
    }
    let other = TEXT.replace("bad", "good");
    let (_, message) = failure(&["tabulate", &other, "-o", name(&out), "--resume"]);
    assert!(message.contains("belong to another run"), "{message}");
    let (code, message) = failure(&["tabulate", TEXT, "--resume"]);
    assert_eq!(code, 2, "{message}");
}

#[test]
fn processes_share_a_table_and_whoever_is_last_or_merge_puts_it_together() {
    let dir = tempfile::tempdir().expect("a folder");
    let (whole, shared) = (dir.path().join("whole.npy"), dir.path().join("shared.npy"));
    let profile = dir.path().join("profile");
    stdout(&["tabulate", TEXT, "-o", name(&whole)]);
    let share = |i: &str| start(&["tabulate", TEXT, "-o", name(&shared), "--shard", i]);
    let mut both = [share("1/3"), share("3/3")];
    for child in &mut both {
        assert!(child.wait().expect("ends").success());
    }
    let (code, message) = failure(&["merge", name(&shared)]);
    assert_eq!(code, 1, "{message}");
    assert!(
        message.contains("1 of 4 pieces are missing (1)"),
        "{message}"
    );
    assert!(share("2/3").wait().expect("ends").success());
    let values = |path: &Path| std::fs::read(path).expect("values");
    assert_eq!(values(&whole), values(&shared));
    assert_eq!(files(dir.path()), ["shared.npy", "whole.npy"]);

    // Pieces that nobody put together, as when the last process was killed there.
    let words = ["profile", TEXT, "-o", name(&profile)];
    let part = |i: &str| stdout(&[&words[..], &["--shard", i]].concat());
    assert_eq!(part("1/2"), "");
    let store = profile.join("store");
    let kept = dir.path().join("kept");
    std::fs::create_dir(&kept).expect("a folder");
    for name in files(&store) {
        std::fs::copy(store.join(&name), kept.join(&name)).expect("copied");
    }
    assert!(part("2/2").contains("Interactions"));
    assert!(profile.join("interactions.json").exists() && !store.exists());
    assert_eq!(values(&whole), values(&profile.join("values.npy")));
    let record = read(profile.join("record.json"));
    std::fs::remove_dir_all(&profile).expect("removed");
    std::fs::create_dir(&profile).expect("a folder");
    std::fs::rename(&kept, &store).expect("renamed");
    let (code, message) = failure(&["merge", name(&profile)]);
    assert_eq!(code, 1, "{message}");
    stdout(&[&words[..], &["--resume"]].concat());
    assert_eq!(values(&whole), values(&profile.join("values.npy")));
    let again = read(profile.join("record.json"));
    assert_eq!(
        (&record["noise"], &record["players"]),
        (&again["noise"], &again["players"])
    );
    let (code, message) = failure(&["merge", name(&profile)]);
    assert_eq!(code, 1, "{message}");
    assert!(message.contains("holds no unfinished table"), "{message}");
}

#[test]
fn samples_that_are_done_are_not_evaluated_again_and_shares_end_in_one_summary() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data.jsonl");
    std::fs::write(
        &data,
        "{\"text\": \"not bad\"}\n{\"text\": \"a fine film\"}\n{\"text\": \"no fun at all\"}\n",
    )
    .expect("written");
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let base = |out: &Path, more: &[&str]| {
        stdout(&[&["profile", "--data", name(&data), "-o", name(out)], more].concat())
    };
    base(&one, &[]);
    let record = |out: &Path, id: &str| out.join("samples").join(id).join("record.json");
    let before = read(record(&one, "00002"));
    std::fs::remove_file(record(&one, "00003")).expect("removed");
    base(&one, &["--resume", "-v"]);
    let after = read(record(&one, "00002"));
    assert_eq!(before["seconds"]["tabulate"], after["seconds"]["tabulate"]);
    assert_eq!(before["command"], after["command"]);
    assert!(record(&one, "00003").exists());

    base(&two, &["--shard", "2/2"]);
    assert!(!two.join("summary.json").exists() && !record(&two, "00001").exists());
    base(&two, &["--shard", "1/2"]);
    let without_seconds = |out: &Path| {
        let mut summary = read(out.join("summary.json"));
        for sample in summary["samples"].as_array_mut().expect("a list") {
            sample["seconds"].take();
        }
        summary["config"].take();
        summary
    };
    assert_eq!(without_seconds(&one), without_seconds(&two));
}

#[test]
fn a_dumped_configuration_repeats_the_run() {
    let dir = tempfile::tempdir().expect("a folder");
    let (first, second, third) = (
        dir.path().join("1"),
        dir.path().join("2"),
        dir.path().join("3"),
    );
    let text = "the movie, is -- \"not\" bad";
    let words = [
        "profile",
        text,
        "--background",
        "the",
        "--threshold",
        "top:5",
        "--rows",
        "3",
    ];
    stdout(&[&words[..], &["-o", name(&first)]].concat());
    let file = dir.path().join("run.toml");
    let dumped = stdout(&[&words[..], &["--dump-config"]].concat());
    for line in [
        "command = \"profile\"",
        "background = [\"the\"]",
        "baseline = \"token:4\"",
        "device = \"cpu\"",
        "rows = 3",
        "target = \"class:",
        "threshold = \"top:5\"",
    ] {
        assert!(dumped.contains(line), "no `{line}` in\n{dumped}");
    }
    std::fs::write(&file, dumped).expect("written");
    stdout(&["run", name(&file), "-o", name(&second)]);
    // The folder of a finished run stands for its run file too, and the command line goes before it.
    stdout(&["run", name(&first), "--output", name(&third)]);
    let same = |name: &str| {
        let read = |dir: &Path| std::fs::read(dir.join(name)).expect(name);
        assert_eq!(read(&first), read(&second), "{name}");
        assert_eq!(read(&first), read(&third), "{name}");
    };
    same("values.npy");
    same("interactions.json");
    same("orders.json");
    let config = |dir: &Path| {
        let mut config = read(dir.join("record.json"))["config"].clone();
        config["output"].take();
        config
    };
    assert_eq!(config(&first), config(&third));
    assert!(
        config(&first)["fit"]
            .as_str()
            .expect("a fit")
            .starts_with("least-squares:")
    );
}

#[test]
fn run_files_name_several_stages_and_refuse_what_they_do_not_know() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("run.toml");
    let table = dir.path().join("table.npy");
    let write = |text: &str| std::fs::write(&file, text).expect("written");
    write(&format!(
        "quiet = true\n[[stage]]\ncommand = \"tabulate\"\ngame = \"synthetic:and(0,1)*2 - 1\"\noutput = {table:?}\n\
         [[stage]]\ncommand = \"index\"\nvalues = {table:?}\nindex = \"SII\"\norder = 2\nformat = \"json\"\n"
    ));
    let printed = stdout(&["run", name(&file)]);
    let last: Value = serde_json::from_str(printed.lines().last().expect("lines")).expect("JSON");
    assert_eq!(last["index"], "SII");
    for (text, part) in [
        (
            "command = \"profile\"\ntxt = \"a\"",
            "`profile` has no option `txt`; did you mean `text`?",
        ),
        (
            "command = \"profil\"",
            "`profil` is no command of a run file; did you mean `profile`?",
        ),
        (
            "text = \"a\"",
            "it must say `command = …`, one of profile, tabulate",
        ),
        ("command = \"run\"", "`run` is no command of a run file"),
        (
            "command = \"index\"\norder = [1, 2]",
            "`order` cannot be [1,2]",
        ),
        (
            "command = \"index\"\norder = { a = 1 }",
            "`order` cannot be {\"a\":1}",
        ),
        ("stage = 3", "`stage` must be tables"),
        ("command = ", "is not a valid run file"),
    ] {
        write(text);
        let (code, message) = failure(&["run", name(&file)]);
        assert_eq!(code, 1, "{message}");
        assert!(message.contains(part), "no `{part}` in {message}");
    }
    // What an option itself refuses is wrong usage, as on the command line.
    write("command = \"profile\"\ntext = \"a b\"\nreadout = \"loud\"");
    let (code, message) = failure(&["run", name(&file)]);
    assert_eq!(code, 2, "{message}");
    assert!(message.contains("expected log-odds"), "{message}");
    let (code, _) = failure(&["run", "no-such.toml"]);
    assert_eq!(code, 1);
}

#[test]
fn little_memory_means_small_batches_and_the_same_values() {
    let words = ["tabulate", "the movie is not bad at all"];
    let wide = json(&words);
    let narrow = json(&[&words[..], &["--memory", "1MB"]].concat());
    assert_eq!(narrow["record"]["config"]["batch"], 1);
    let values = |document: &Value| -> Vec<f64> {
        let values = document["values"].as_array().expect("values").iter();
        values
            .map(|value| value.as_f64().expect("a number"))
            .collect()
    };
    for (a, b) in values(&wide).iter().zip(values(&narrow)) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
    for wrong in ["", "many", "-4GB", "4XB", "0", "1e40GB"] {
        let (code, message) = failure(&[&words[..], &["--memory", wrong]].concat());
        assert_eq!(code, 2, "{wrong}: {message}");
    }
}

#[test]
fn half_precision_marks_what_its_rounding_hides() {
    let words = [
        "profile",
        "the movie is not bad at all",
        "--fit",
        "exact",
        "--threshold",
        "max:0.001",
    ];
    let run = run(&[&words[..], &["--dtype", "bf16", "--format", "json"]].concat());
    let said = String::from_utf8(run.stderr).expect("text");
    let found: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    let (record, found) = (&found["record"], &found["interactions"]);
    let sigma = record["noise"]["std"].as_f64().expect("a number");
    // Numbers near 2 of 8 bits lie 2⁻⁶ apart.
    assert!(sigma > 1e-3 && sigma < 1e-1, "{sigma}");
    let floor = found["noise"]["floor"]
        .as_array()
        .expect("a floor per order");
    assert_eq!(floor.len(), 8);
    let mut below = 0;
    for entry in ["and", "or"]
        .iter()
        .flat_map(|kind| found[*kind].as_array().expect("a list"))
    {
        let order = entry["order"].as_u64().expect("an order");
        let bound = 3.0 * sigma * (order as f64 / 2.0).exp2();
        assert!((floor[order as usize].as_f64().expect("a number") - bound).abs() < 1e-12);
        let hidden = entry["effect"].as_f64().expect("a number").abs() < bound;
        assert_eq!(entry["below_noise"], hidden, "{entry}");
        below += usize::from(hidden && entry["salient"] == true);
    }
    assert!(below > 0 && found["noise"]["salient_below"] == below);
    assert!(
        said.contains("salient interactions lie under the noise floor of v"),
        "{said}"
    );
    assert!(
        stdout(&[&words[..], &["--dtype", "bf16", "--rows", "200"]].concat()).contains(" noise?")
    );
}

#[test]
fn shares_of_one_file_leave_nothing_beside_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let table = dir.path().join("table.npy");
    let share = |game: &str, i: &str| {
        let game = format!("synthetic:{game}");
        run(&[
            "tabulate",
            "--game",
            &game,
            "-o",
            name(&table),
            "--shard",
            i,
        ])
    };
    // A table of one piece has nothing for a second process, whether it comes first or last.
    let small = "n=4; and(0,1) + 0.5";
    for order in [["1/2", "2/2"], ["2/2", "1/2"]] {
        for i in order {
            let done = share(small, i);
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(done.status.success(), "{said}");
            assert_eq!(said.contains("share 2/2 is empty"), i == "2/2", "{said}");
        }
        assert_eq!(files(dir.path()), ["table.npy"]);
        std::fs::remove_file(&table).expect("removed");
    }
    // A process that was killed after its share was used begins no other table when it is asked again.
    let large = "n=14; and(0,1) + 0.5";
    for i in ["1/2", "2/2"] {
        assert!(share(large, i).status.success());
    }
    let whole = std::fs::read(&table).expect("a table");
    let again = share(large, "1/2");
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert_eq!(again.status.code(), Some(1), "{said}");
    assert!(said.contains("holds a table already"), "{said}");
    assert_eq!(files(dir.path()), ["table.npy"]);
    assert_eq!(std::fs::read(&table).expect("a table"), whole);
}

#[test]
fn what_is_left_of_a_store_whose_table_is_done_is_removed_and_another_games_is_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let (out, aside) = (dir.path().join("out"), dir.path().join("aside"));
    let words = |game: &str, out: &Path, more: &[&str]| {
        let game = format!("synthetic:{game}");
        let all = [&["tabulate", "--game", &game, "-o", name(out)], more].concat();
        assert!(run(&all).status.success(), "{all:?}");
    };
    let copy = |from: &Path, to: &Path| {
        std::fs::create_dir_all(to).expect("a folder");
        for name in files(from) {
            std::fs::copy(from.join(&name), to.join(&name)).expect("copied");
        }
    };
    let (game, other) = ("n=14; and(0,1) + 0.5", "n=14; or(0,1) + 0.5");
    let store = out.join("store");
    words(game, &out, &["--shard", "1/2"]);
    copy(&store, &aside);
    words(game, &out, &["--shard", "2/2"]);
    let done = ["record.json", "values.npy"];
    assert_eq!(files(&out), done);
    let values = std::fs::read(out.join("values.npy")).expect("values");
    // A process that was killed while it removed its store has left all of it, or some of it.
    for lost in [None, Some("header.json"), Some("lock")] {
        copy(&aside, &store);
        if let Some(name) = lost {
            std::fs::remove_file(store.join(name)).expect("removed");
        }
        words(game, &out, &["--resume"]);
        assert_eq!(files(&out), done, "without {lost:?}");
        assert_eq!(
            std::fs::read(out.join("values.npy")).expect("values"),
            values
        );
    }
    let begun = dir.path().join("begun");
    words(other, &begun, &["--shard", "1/2"]);
    copy(&begun.join("store"), &store);
    words(game, &out, &["--resume"]);
    assert_eq!(files(&out), [&done[..1], &["store"], &done[1..]].concat());
}

#[test]
fn a_run_of_a_game_is_repeated_from_its_folder_and_from_its_run_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let (first, again, third) = (
        dir.path().join("first"),
        dir.path().join("again"),
        dir.path().join("third"),
    );
    let file = dir.path().join("run.toml");
    let game = "synthetic:n=4; and(0,1)*2 - or(1,2,3)*0.5";
    for command in ["tabulate", "profile"] {
        stdout(&[command, "--game", game, "--seed", "3", "-o", name(&first)]);
        stdout(&["run", name(&first), "-o", name(&again)]);
        let dumped = stdout(&["run", name(&first), "--dump-config"]);
        assert!(!dumped.contains("baseline"), "a game has none: {dumped}");
        std::fs::write(&file, dumped).expect("written");
        stdout(&["run", name(&file), "-o", name(&third)]);
        for other in [&again, &third] {
            assert_eq!(files(&first), files(other));
            for same in files(&first)
                .iter()
                .filter(|file| *file != "record.json" && *file != "report.html")
            {
                if first.join(same).is_file() {
                    let bytes = |dir: &Path| std::fs::read(dir.join(same)).expect("a file");
                    assert_eq!(bytes(&first), bytes(other), "{command}: {same}");
                }
            }
        }
    }
}
