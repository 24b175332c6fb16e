//! Every command on the games of other programs, from the outside: files, processes, memos, groups, comparisons.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::command::{failure, json, stdout};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    fn file(&self, name: &str, content: &str) -> String {
        fs::write(self.path(name), content).expect("written");
        self.name(name)
    }
}

/// v = 2·[ann ∧ bob] + 3·[eve], with the columns in an order of their own.
const TABLE: &str = "\
bob,eve,value,ann
1,1,5,1
0,0,0,0
1,0,2,1
0,1,3,0
1,1,3,0
0,1,3,1
1,0,0,0
0,0,0,1
";

/// A program of three players in three groups, whose value is 1 + |S|², and which counts the requests it gets.
const PROGRAM: &str = r#"
IFS= read -r hello
echo '{"players": ["a", "b", "c"], "groups": {"agent": ["x", "x", "y"], "time": [1, 2, 2], "behaviour": ["buy", "sell", "buy"]}}'
while IFS= read -r request; do
    echo request >> "$1"
    id=${request#*:}; id=${id%%,*}
    list=${request#*\"coalitions\":[}; list=${list%]\}}
    values=
    while [ -n "$list" ]; do
        one=${list%%]*}; one=${one#[}; list=${list#*]}; list=${list#,}
        count=0; for player in $(echo "$one" | tr , ' '); do count=$((count + 1)); done
        if [ -e "$1.fails" ] && [ $count = 3 ]; then echo 'no money left' >&2; exit 4; fi
        values="$values${values:+,}$((1 + count * count))"
    done
    echo "{\"id\": $id, \"values\": [$values]}"
done
"#;

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().expect("a list").iter();
    list.map(|number| number.as_f64().expect("a number"))
        .collect()
}

#[test]
fn every_command_takes_a_table_of_columns_and_names_its_players() {
    let folder = Folder::new();
    let path = folder.file("game.csv", TABLE);
    let game = format!("file:{path}");
    // Players in the order of their columns: bob, eve, ann.
    let expected = [0.0, 0.0, 3.0, 3.0, 0.0, 2.0, 3.0, 5.0];
    let table = json(&["tabulate", "--game", &game]);
    assert_eq!(numbers(&table["values"]), expected);
    assert_eq!(table["record"]["players"][2]["label"], "ann");
    for words in [
        &["extract", "--values", &path][..],
        &["extract", "--game", &game],
        &["profile", "--game", &game],
    ] {
        let page = stdout(words);
        assert!(page.contains("AND bob · ann"), "{words:?}: {page}");
    }
    assert!(stdout(&["index", "--values", &path]).contains("ann"));
    assert_eq!(
        json(&["order", "--values", &path])["multi_order"]["context_size"],
        json!([0, 1])
    );
    // What a file lacks is named, or stated.
    let partial: String = TABLE
        .lines()
        .take(6)
        .map(|line| format!("{line}\n"))
        .collect();
    let path = folder.file("partial.csv", &partial);
    let (code, message) = failure(&["index", "--values", &path]);
    assert_eq!(code, 1);
    assert!(
        message.contains("3 of 8 coalitions have no value, the first of them {0}"),
        "{message}"
    );
    assert!(
        message.contains("hint: with --game file:PATH,missing=VALUE"),
        "{message}"
    );
    let completed = json(&["tabulate", "--game", &format!("file:{path},missing=-1.5")]);
    assert_eq!(
        numbers(&completed["values"]),
        [0.0, -1.5, 3.0, 3.0, -1.5, 2.0, -1.5, 5.0]
    );
    for wrong in [",missing=x", ",bits=big"] {
        assert_eq!(
            failure(&["tabulate", "--game", &format!("file:{path}{wrong}")]).0,
            2
        );
    }
}

#[test]
fn every_command_takes_a_program_and_knows_its_groups() {
    let folder = Folder::new();
    let (program, count) = (folder.file("game.sh", PROGRAM), folder.name("count"));
    let game = format!("exec:sh '{program}' '{count}',workers=2,batch=3,timeout=60");
    let values = [1.0, 2.0, 2.0, 5.0, 2.0, 5.0, 5.0, 10.0];
    let run = folder.name("run");
    assert_eq!(
        numbers(&json(&["tabulate", "--game", &game])["values"]),
        values
    );
    assert!(stdout(&["profile", "--game", &game, "-o", &run]).contains("[a] [b] [c]"));
    assert!(stdout(&["extract", "--game", &game]).contains("a · b"));
    assert_eq!(
        json(&["order", "--game", &game])["multi_order"]["context_size"],
        json!([0, 1])
    );
    // From the program and from the folder that it left, the groups are the same.
    for source in [["--game", &game], ["--values", &run]] {
        let words = ["index", source[0], source[1], "--curves"];
        let found = json(&words);
        let groups = &found["groups"];
        assert_eq!(groups["agent"][0]["group"], "x");
        assert_eq!(groups["agent"][0]["players"], json!([0, 1]));
        let totals = |kind: &str| -> Vec<f64> {
            let list = groups[kind].as_array().expect("totals").iter();
            list.map(|total| total["value"].as_f64().expect("a number"))
                .collect()
        };
        let near = |found: Vec<f64>, expected: [f64; 2]| {
            let same = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
            assert!(
                found.iter().zip(&expected).all(same),
                "{found:?} {expected:?}"
            );
        };
        // All three have a Shapley value of 3.
        near(totals("agent"), [6.0, 3.0]);
        near(totals("time"), [3.0, 6.0]);
        near(totals("behaviour"), [6.0, 3.0]);
        let metric = |name: &str| groups["metrics"][name].as_f64().expect("defined");
        assert!((metric("agent_gini") - 1.0 / 6.0).abs() < 1e-12);
        assert_eq!((metric("latency"), metric("synchrony")), (0.0, 1.0));
        assert_eq!(found["curves"]["deletion"], json!([10.0, 5.0, 2.0, 1.0]));
        assert_eq!(found["curves"]["insertion"], json!([1.0, 2.0, 5.0, 10.0]));
        let page = stdout(&words);
        for part in [
            "Agents",
            "Times",
            "Behaviours",
            "latency L_tm",
            "Deletion and insertion",
        ] {
            assert!(page.contains(part), "no `{part}` in {page}");
        }
    }
    // Labels may come from elsewhere.
    let labels = folder.file("labels.csv", "label,agent\nfirst,p\nsecond,q\nthird,q\n");
    let found = json(&["index", "--game", &game, "--labels", &labels]);
    assert_eq!(found["groups"]["agent"][1]["players"], json!([1, 2]));
    assert!(found["groups"]["time"].is_null());
    let labels = folder.file("few.csv", "label\nfirst\n");
    let (_, message) = failure(&["index", "--game", &game, "--labels", &labels]);
    assert!(
        message.contains("names 1 players, and the game has 3"),
        "{message}"
    );
}

#[test]
fn a_memo_pays_for_no_coalition_twice_and_loses_none_to_a_failure() {
    let folder = Folder::new();
    let (program, count) = (folder.file("game.sh", PROGRAM), folder.name("count"));
    let game = format!("exec:sh '{program}' '{count}',batch=1,retries=0");
    let memo = folder.name("values.memo");
    let words = ["tabulate", "--game", &game, "--memo", &memo];
    let requests = || fs::read_to_string(&count).expect("counted").lines().count();
    folder.file("count.fails", "");
    let (code, message) = failure(&words);
    assert_eq!(code, 1);
    let reason =
        "failed at v({0,1,2}): it ended (exit status: 4); its last words were `no money left`";
    assert!(message.contains(reason), "{message}");
    assert_eq!(requests(), 8);
    fs::remove_file(folder.path("count.fails")).expect("removed");
    let found = json(&words);
    assert_eq!(
        numbers(&found["values"]),
        [1.0, 2.0, 2.0, 5.0, 2.0, 5.0, 5.0, 10.0]
    );
    assert_eq!(requests(), 9);
    // Another seed, or another program under the same name, is another game.
    let (_, message) = failure(&[&words[..], &["--seed", "1"]].concat());
    assert!(
        message.contains("its seed is `0`, and this one's `1`"),
        "{message}"
    );
    folder.file("game.sh", &format!("{PROGRAM}\n"));
    let (_, message) = failure(&words);
    assert!(
        message.contains("it belongs to another game: its file"),
        "{message}"
    );
    let (code, message) = failure(&["tabulate", "--game", "synthetic:and(0,1)", "--memo", &memo]);
    assert_eq!(code, 2, "{message}");
}

#[test]
fn a_command_that_is_no_game_says_so() {
    for (game, code, reason) in [
        ("exec:", 2, "the command must be more than nothing"),
        (
            "exec:true,workers=0",
            2,
            "the number of workers must be more than nothing",
        ),
        (
            "exec:true,workers=many",
            2,
            "workers must be a whole number, got `many`",
        ),
        (
            "exec:true,timeout=-1",
            2,
            "timeout must be a number of seconds above 0",
        ),
        (
            "exec:sh -c 'exit 3",
            2,
            "must be words whose quotes are closed",
        ),
        (
            "exec:sh -c 'exit 3'",
            1,
            "the game `sh -c exit 3` ended (exit status: 3)",
        ),
        (
            "exec:/no/such/program",
            1,
            "the game `/no/such/program` could not be started",
        ),
        ("table:x", 2, "--game must be synthetic:EXPR, file:PATH"),
    ] {
        let (found, message) = failure(&["tabulate", "--game", game]);
        assert!(
            found == code && message.contains(reason),
            "{game}: {found} {message}"
        );
    }
    let wide = "exec:sh -c 'echo \"{\\\"players\\\": 30}\"; cat'";
    let (code, message) = failure(&["index", "--game", wide]);
    assert!(
        code == 1 && message.contains("30 players make 2^30 coalitions"),
        "{message}"
    );
}

#[test]
fn tables_are_compared_with_what_chance_would_do() {
    let folder = Folder::new();
    let same = "synthetic:n=5; and(0,1)*2 - or(2,3)*1.5 + and(1,2,4)";
    let other = "synthetic:n=5; and(0,1)*2 + or(0,4)*3";
    let run = folder.name("run");
    stdout(&["profile", "--game", same, "-o", &run]);
    let out = folder.name("out");
    let found = json(&["compare", &run, same, other, "-o", &out]);
    assert_eq!(
        (
            found["players"].as_u64(),
            found["pairs"].as_array().map(Vec::len)
        ),
        (Some(5), Some(3))
    );
    let number = |value: &Value| value.as_f64().expect("a number");
    let twins = &found["pairs"][0];
    assert_eq!(twins["tables"], json!([0, 1]));
    for what in ["values", "shapley", "and", "or"] {
        assert!(number(&twins[what]["correlation"]) > 1.0 - 1e-12, "{twins}");
    }
    assert_eq!(number(&twins["values"]["max"]), 0.0);
    assert_eq!(number(&twins["salient"]["jaccard"]), 1.0);
    assert!(number(&twins["transfer"][0]["as_they_are"]) < 1e-9);
    // Two of the others share one interaction, of 3 and 2 among 2·2^5 − 2 − 5.
    let strangers = &found["pairs"][1];
    assert_eq!(strangers["salient"]["counts"], json!([3, 2]));
    assert_eq!(strangers["salient"]["shared"], 1);
    assert!((number(&strangers["salient"]["chance"]) - 6.0 / 57.0).abs() < 1e-12);
    assert!(number(&strangers["transfer"][0]["refitted"]) > 0.01);
    let table = &found["tables"][2];
    assert_eq!(
        (table["source"].as_str(), table["salient"].as_u64()),
        (Some(other), Some(2))
    );
    assert!(number(&table["unexplained"]) < 1e-9);
    let written: Value =
        serde_json::from_slice(&fs::read(folder.path("out/compare.json")).expect("there"))
            .expect("JSON");
    assert_eq!(written["pairs"].as_array().map(Vec::len), Some(3));
    let page = stdout(&["compare", &run, other]);
    for part in ["0 and 1", "Shapley values", "1 in both", "leaves"] {
        assert!(page.contains(part), "no `{part}` in {page}");
    }
    let (code, message) = failure(&["compare", same, "synthetic:and(0,1)"]);
    assert!(
        code == 1 && message.contains("tables on the same players are compared"),
        "{message}"
    );
    assert_eq!(failure(&["compare", same]).0, 2);
}
