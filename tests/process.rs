//! Games that other programs play: whatever a program does, it ends in values or in a sentence, and no value is lost.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use harsanyi::game::memo::{Identity, Memo};
use harsanyi::game::process::{ProcessGame, ProcessOptions, words};
use harsanyi::game::{Groups, synthetic};
use harsanyi::{Coalition, Error, Game, ValueTable, tabulate};

/// A well-behaved worker whose value is the sum of (player + 1)² over the players present, with places for misbehaviour: the
/// shell code `$start` runs before the first line is written, `$each` before each answer with the id in `$id` and the values in
/// `$values`, and the line it leaves in `$answer` is what is said.
const WORKER: &str = r#"
IFS= read -r hello
START
echo '{"players": 4}'
while IFS= read -r request; do
    id=${request#*:}; id=${id%%,*}
    list=${request#*\"coalitions\":[}; list=${list%]\}}
    values=
    while [ -n "$list" ]; do
        one=${list%%]*}; one=${one#[}
        list=${list#*]}; list=${list#,}
        sum=0
        for player in $(echo "$one" | tr , ' '); do sum=$((sum + (player + 1) * (player + 1))); done
        values="$values${values:+,}$sum"
    done
    answer="{\"id\": $id, \"values\": [$values]}"
    EACH
    echo "$answer"
done
"#;

struct Worker {
    dir: tempfile::TempDir,
    start: &'static str,
    each: &'static str,
    options: ProcessOptions,
}

impl Worker {
    fn new(start: &'static str, each: &'static str) -> Self {
        Self {
            dir: tempfile::tempdir().expect("a folder"),
            start,
            each,
            options: ProcessOptions {
                timeout: Duration::from_secs(60),
                retries: 1,
                ..ProcessOptions::default()
            },
        }
    }

    /// The words that start it; `DIR` in its code is a folder of its own.
    fn words(&self) -> Vec<String> {
        let path = self.dir.path().join("worker.sh");
        let text = WORKER
            .replace("START", self.start)
            .replace("EACH", self.each)
            .replace("DIR", &self.dir.path().to_string_lossy());
        fs::write(&path, text).expect("written");
        vec!["sh".into(), path.to_string_lossy().into_owned()]
    }

    fn start(&self) -> Result<ProcessGame, Error> {
        ProcessGame::start(&self.words(), self.options.clone(), |_| ())
    }

    fn table(&self) -> Result<ValueTable, Error> {
        tabulate(&mut self.start()?, |_| ())
    }

    /// What goes wrong, without the name of the program.
    fn complaint(&self) -> String {
        let text = self.table().expect_err("fails").to_string();
        let (_, reason) = text.split_once("worker.sh` ").unwrap_or(("", &text));
        reason.to_owned()
    }
}

/// The values of a worker that does what it should.
fn expected() -> ValueTable {
    let square = |player: usize| ((player + 1) * (player + 1)) as f64;
    let value = |s: usize| (0..4).filter(|p| s >> p & 1 == 1).map(square).sum();
    ValueTable::new(4, (0..16).map(value).collect()).expect("a table")
}

#[test]
fn a_program_is_a_game_in_any_number_of_workers_and_batches() {
    for (workers, batch) in [(1, 64), (1, 1), (1, 5), (3, 1), (3, 4), (5, 64)] {
        let mut worker = Worker::new("", "");
        (worker.options.workers, worker.options.batch) = (workers, batch);
        let table = worker.table().expect("a table");
        assert_eq!(table, expected(), "{workers} workers, batches of {batch}");
    }
}

#[test]
fn a_worker_that_dies_is_started_again_and_asked_again() {
    // Each copy dies at its second request, before, within or after its answer.
    for each in [
        "if [ -n \"$asked\" ]; then exit 3; fi; asked=1",
        "if [ -n \"$asked\" ]; then printf '{\"id\": 7, \"val'; exit 3; fi; asked=1",
        "echo \"$answer\"; kill -9 $$",
    ] {
        let mut worker = Worker::new("", each);
        worker.options.batch = 3;
        assert_eq!(worker.table().expect("a table"), expected(), "{each}");
        worker.options.workers = 2;
        assert_eq!(worker.table().expect("a table"), expected(), "{each}");
    }
}

#[test]
fn a_hang_is_ended_and_asked_again() {
    // Once, it does not answer; the file says that it already has not.
    let each = "if [ ! -e DIR/hung ]; then touch DIR/hung; sleep 600 & wait; fi";
    let mut worker = Worker::new("", each);
    worker.options.timeout = Duration::from_millis(1500);
    let start = Instant::now();
    assert_eq!(worker.table().expect("a table"), expected());
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_a_program_does_wrong_is_said_of_the_coalition_at_which_it_does_it() {
    // Only the coalition {1,3}, whose value is 20, goes wrong: alone in its batch in the end.
    for (each, reason) in [
        (
            "case $values in *20*) echo 'out of luck' >&2; exit 3;; esac",
            "failed at v({1,3}): it ended (exit status: 3); its last words were `out of luck`",
        ),
        (
            "case $values in *20*) answer='{\"id\": '$id', \"values\": [1,2,3,4,5,6,7,8,9]}';; esac",
            "failed at v({1,3}): it answered 9 values for 1 coalitions",
        ),
        (
            "case $values in *20*) answer='{\"id\": '$id', \"values\": []}';; esac",
            "failed at v({1,3}): it answered 0 values for 1 coalitions",
        ),
        (
            "case $values in *20*) answer='Traceback';; esac",
            "failed at v({1,3}): it answered `Traceback`, expected {\"id\":",
        ),
        (
            "case $values in *20*) answer='{\"id\": '$id', \"error\": \"quota\"}';; esac",
            "failed at v({1,3}): it said that it cannot answer: `quota`",
        ),
        (
            "case $values in *20*) answer='{\"id\": 99999, \"values\": [20]}';; esac",
            "failed at v({1,3}): it answered request 99999 when ",
        ),
        (
            "case $values in *20*) answer=$(echo \"$answer\" | sed s/20/NaN/);; esac",
            "v({1,3}) is NaN; every value must be finite",
        ),
        (
            "case $values in *20*) answer=$(echo \"$answer\" | sed s/20/-Infinity/);; esac",
            "v({1,3}) is -inf; every value must be finite",
        ),
    ] {
        for (workers, batch) in [(1, 8), (2, 2)] {
            let mut worker = Worker::new("", each);
            (worker.options.workers, worker.options.batch) = (workers, batch);
            let complaint = worker.complaint();
            assert!(complaint.starts_with(reason), "{each}: {complaint}");
        }
    }
    let mut hangs = Worker::new(
        "",
        "case $values in *20*) echo stuck >&2; sleep 600 & wait;; esac",
    );
    hangs.options.timeout = Duration::from_millis(1000);
    hangs.options.retries = 0;
    hangs.options.batch = 2;
    let complaint = hangs.complaint();
    let reason = "failed at v({1,3}): it did not answer within 1 s; its last words were `stuck`";
    assert_eq!(complaint, reason);
}

#[test]
fn answers_out_of_step_are_noticed_and_asked_again() {
    // Every answer is said twice, so that the second one stands in place of the next.
    let mut worker = Worker::new("", "echo \"$answer\"");
    worker.options.batch = 4;
    assert_eq!(worker.table().expect("a table"), expected());
    // The answer to the request before.
    let mut worker = Worker::new("", "now=$answer; answer=${before:-$now}; before=$now");
    worker.options.batch = 4;
    assert_eq!(worker.table().expect("a table"), expected());
}

#[test]
fn a_program_that_does_not_begin_as_it_should_is_no_game() {
    for (start, reason) in [
        ("exit 7", "ended (exit status: 7)"),
        (
            "echo 'no such model' >&2; exit 1",
            "ended (exit status: 1); its last words were `no such model`",
        ),
        (
            "echo hello",
            "began with `hello`, expected a line such as {\"players\":3}: expected value",
        ),
        (
            "echo '{\"players\": 0}'",
            "began with `{\"players\": 0}`, expected a line such as {\"players\":3}: the number of players must be from 1 to 1024, got 0",
        ),
        ("exec >&-; sleep 600 & wait", "closed its output"),
    ] {
        let complaint = Worker::new(start, "").complaint();
        assert!(complaint.starts_with(reason), "{start}: {complaint}");
    }
    let mut silent = Worker::new("sleep 600 & wait", "");
    silent.options.timeout = Duration::from_millis(300);
    assert_eq!(silent.complaint(), "did not answer within 0.3 s");
    let start = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|&word| word.into()).collect();
        let game = ProcessGame::start(&words, ProcessOptions::default(), |_| ());
        game.err().expect("refused").to_string()
    };
    let missing = start(&["/no/such/program", "x"]);
    assert!(
        missing.starts_with("the game `/no/such/program x` could not be started: "),
        "{missing}"
    );
    assert_eq!(
        start(&[]),
        "the command must be more than nothing, got nothing"
    );
    // The second worker says something else than the first.
    let mut two = Worker::new(
        "if ! mkdir DIR/first 2>/dev/null; then echo '{\"players\": 5}'; fi",
        "sleep 0.2",
    );
    (two.options.workers, two.options.batch) = (2, 1);
    let complaint = two.complaint();
    assert!(
        complaint.ends_with("it began with other players than it did at first"),
        "{complaint}"
    );
}

#[test]
fn too_many_players_and_unread_input_are_no_deadlock() {
    // Thousands of bytes per request, to a program that reads none of them.
    let each = "sleep 600 & wait";
    let mut worker = Worker::new("echo '{\"players\": 1000}'; sleep 600 & wait", each);
    worker.options.timeout = Duration::from_millis(700);
    worker.options.retries = 0;
    let mut game = worker.start().expect("begins");
    let coalitions = vec![Coalition::grand(1000); 64];
    let error = game.values(&coalitions).expect_err("late").to_string();
    assert!(error.contains("did not answer within 0.7 s"), "{error}");
}

#[test]
fn what_a_program_says_on_the_side_is_heard() {
    let worker = Worker::new("echo one >&2; echo two >&2", "");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let hear = move |line: &str| hears.lock().expect("unharmed").push(line.to_owned());
    let mut game =
        ProcessGame::start(&worker.words(), worker.options.clone(), hear).expect("begins");
    tabulate(&mut game, |_| ()).expect("a table");
    drop(game);
    assert_eq!(*heard.lock().expect("unharmed"), ["one", "two"]);
}

#[test]
fn a_program_may_say_more_on_the_side_than_a_pipe_holds() {
    // 400 000 bytes without an end of line, and a bar drawn over itself.
    let each = "head -c 400000 /dev/zero | tr '\\0' x >&2; printf '10%%\\r20%%\\r' >&2; exit 9";
    let mut worker = Worker::new("", each);
    worker.options.retries = 0;
    worker.options.batch = 1;
    let complaint = worker.complaint();
    let reason = "failed at v({}): it ended (exit status: 9); its last words were `20%`";
    assert_eq!(complaint, reason);
    assert_eq!(
        Worker::new("", "head -c 400000 /dev/zero >&2")
            .table()
            .expect("a table"),
        expected()
    );
}

#[test]
fn programs_end_with_the_game() {
    let mut worker = Worker::new("echo $$ > DIR/pid", "");
    let alive = |dir: &Path| {
        let pid = fs::read_to_string(dir.join("pid")).expect("a pid");
        Path::new("/proc").join(pid.trim()).exists()
    };
    let game = worker.start().expect("begins");
    #[cfg(target_os = "linux")]
    assert!(alive(worker.dir.path()));
    drop(game);
    assert!(!alive(worker.dir.path()));
    // One that does not end with its input is ended.
    worker.start =
        "echo $$ > DIR/pid; trap '' TERM; echo '{\"players\": 4}'; while :; do sleep 0.05; done";
    let game = worker.start().expect("begins");
    drop(game);
    assert!(!alive(worker.dir.path()));
}

#[test]
fn a_command_is_split_as_a_shell_would() {
    let split = words(r#"python3 "my game.py" --name 'a b' c\ d"#).expect("words");
    assert_eq!(split, ["python3", "my game.py", "--name", "a b", "c d"]);
    let open = words("python3 'game.py").expect_err("refused").to_string();
    assert_eq!(
        open,
        "the command must be words whose quotes are closed, got `python3 'game.py`"
    );
}

fn identity(seed: &str) -> Identity {
    Identity::from([
        ("game".into(), "squares".into()),
        ("seed".into(), seed.into()),
    ])
}

/// A formula that counts what it is asked.
struct Counted<'a>(synthetic::Synthetic, &'a Mutex<usize>);

impl Game for Counted<'_> {
    fn players(&self) -> usize {
        self.0.players()
    }

    fn values(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>, Error> {
        *self.1.lock().expect("unharmed") += coalitions.len();
        self.0.values(coalitions)
    }
}

fn counted<'a>(asked: &'a Mutex<usize>, path: &Path) -> Memo<Counted<'a>> {
    let game = synthetic::parse("n=6; noise(1,3) + and(0,5)*2").expect("a game");
    Memo::open(Counted(game, asked), path, identity("0")).expect("opens")
}

#[test]
fn a_memo_asks_for_nothing_twice_even_after_a_kill() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("values.memo");
    let asked = Mutex::new(0);
    let took = || std::mem::take(&mut *asked.lock().expect("unharmed"));
    let first = tabulate(&mut counted(&asked, &path), |_| ()).expect("a table");
    assert_eq!(took(), 64);
    assert_eq!(
        tabulate(&mut counted(&asked, &path), |_| ()).expect("a table"),
        first
    );
    assert_eq!(took(), 0);
    // In one question too, each coalition is asked for once.
    let again = dir.path().join("again.memo");
    let twice = [Coalition::grand(6), Coalition::EMPTY, Coalition::grand(6)];
    let values = counted(&asked, &again).values(&twice).expect("values");
    assert_eq!((took(), values), (2, vec![first[63], first[0], first[63]]));

    // A kill leaves any part of the file, which is then as much of a memo as was whole.
    let whole = fs::read(&path).expect("read");
    let header = whole
        .iter()
        .position(|&byte| byte == b'\n')
        .expect("a line")
        + 1;
    assert_eq!(whole.len(), header + 64 * 20);
    for kept in [
        0,
        1,
        header - 1,
        header,
        header + 19,
        header + 20,
        header + 30 * 20 + 7,
    ] {
        fs::write(&path, &whole[..kept]).expect("written");
        let known = kept.saturating_sub(header) / 20;
        let mut game = counted(&asked, &path);
        assert_eq!((game.len(), game.damaged()), (known, 0));
        assert_eq!(tabulate(&mut game, |_| ()).expect("a table"), first);
        assert_eq!(took(), 64 - known);
        drop(game);
        assert_eq!(counted(&asked, &path).len(), 64);
    }
    // A damaged record costs itself.
    let mut damaged = whole.clone();
    damaged[header + 5 * 20 + 10] ^= 4;
    fs::write(&path, damaged).expect("written");
    let mut game = counted(&asked, &path);
    assert_eq!((game.len(), game.damaged()), (63, 1));
    assert_eq!(tabulate(&mut game, |_| ()).expect("a table"), first);
    assert_eq!(took(), 1);
}

#[test]
fn a_memo_of_another_game_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("values.memo");
    let open = |game: &str, identity: Identity| {
        let game = synthetic::parse(game).expect("a game");
        Memo::open(game, &path, identity).map(|memo| memo.len())
    };
    let refused = |game: &str, identity: Identity| {
        let error = open(game, identity).expect_err("refused");
        let cause = std::error::Error::source(&error).expect("a cause");
        cause.to_string()
    };
    assert_eq!(open("and(0,1)", identity("0")).expect("opens"), 0);
    assert_eq!(
        refused("and(0,1)", identity("1")),
        "it belongs to another game: its seed is `0`, and this one's `1`"
    );
    assert_eq!(
        refused("and(0,1,2)", identity("0")),
        "it belongs to another game: it has 2 players, and this one 3"
    );
    assert_eq!(
        refused("and(0,1)", Identity::new()),
        "it belongs to another game: its game is `squares`, and this one's `nothing`"
    );
    let held = Memo::open(
        synthetic::parse("and(0,1)").expect("a game"),
        &path,
        identity("0"),
    );
    assert_eq!(
        refused("and(0,1)", identity("0")),
        "another run has it open"
    );
    drop(held);
    fs::write(&path, "precious notes\n").expect("written");
    assert_eq!(
        refused("and(0,1)", identity("0")),
        "it does not begin as a memo does"
    );
    assert_eq!(fs::read(&path).expect("read"), b"precious notes\n");
}

#[test]
fn what_was_answered_before_an_error_stays_in_the_memo() {
    let each = "case $values in *20*) if [ ! -e DIR/well ]; then exit 3; fi;; esac";
    let mut worker = Worker::new("", each);
    (worker.options.batch, worker.options.retries) = (4, 0);
    let path = worker.dir.path().join("values.memo");
    let open = || Memo::open(worker.start().expect("begins"), &path, identity("0")).expect("opens");
    tabulate(&mut open(), |_| ()).expect_err("fails at {1,3}");
    // Coalitions 0 to 7 came in whole batches, 8 and 9 in the half beside the culprit, 10.
    assert_eq!(open().len(), 10);
    fs::write(worker.dir.path().join("well"), "").expect("written");
    assert_eq!(tabulate(&mut open(), |_| ()).expect("a table"), expected());
    assert_eq!(open().len(), 16);
    // Of a batch with a NaN in it the others are kept.
    let each = "answer=$(echo \"$answer\" | sed s/20/NaN/)";
    let worker = Worker::new("", each);
    let path = worker.dir.path().join("values.memo");
    let open = || Memo::open(worker.start().expect("begins"), &path, identity("0")).expect("opens");
    tabulate(&mut open(), |_| ()).expect_err("v({1,3}) is NaN");
    assert_eq!(open().len(), 15);
}

/// The simulator in `scripts/`, where there is a Python to run it.
#[test]
fn the_example_game_is_played_by_any_number_of_workers_alike() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/example_game.py");
    let there = std::process::Command::new("python3")
        .arg("--version")
        .output();
    if there.is_err() {
        #[expect(clippy::print_stderr, reason = "a test that skips must say so")]
        {
            eprintln!("skipped: there is no python3");
        }
        return;
    }
    let play = |workers, seed| {
        let options = ProcessOptions {
            workers,
            seed,
            ..ProcessOptions::default()
        };
        let words = words(&format!("python3 '{script}' --agents 2 --steps 3")).expect("words");
        let mut game = ProcessGame::start(&words, options, |_| ()).expect("begins");
        let groups: Groups = game.roster().groups().clone();
        (tabulate(&mut game, |_| ()).expect("a table"), groups)
    };
    let (table, groups) = play(1, 0);
    assert_eq!((table.players(), table.empty()), (6, 0.0));
    assert!(table.grand() > 0.0);
    assert_eq!(groups.time, Some(vec![0, 0, 1, 1, 2, 2]));
    assert_eq!(groups.agent.expect("agents")[1], "agent 1");
    assert_eq!(play(3, 0).0, table);
    assert_ne!(play(1, 1).0, table);
}
