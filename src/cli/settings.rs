//! Options as data: what a command line says, as the keys and values of a run file, and back.
//!
//! Keys are the long names of the options, so that a run file can say whatever the command line can, and nothing else.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory};
use harsanyi::Error;
use serde_json::{Map, Value, json};

use super::args::{Cli, RunArgs};

/// Options that change what is shown or how a run goes on, and nothing that it finds.
const PASSING: [&str; 9] = [
    "quiet",
    "verbose",
    "no-progress",
    "color",
    "dump-config",
    "resume",
    "shard",
    "help",
    "version",
];

/// The longest run file.
const LONGEST: u64 = 1 << 24;

/// How like an option's name an unknown one must be to be taken for it.
const ALIKE: f64 = 0.7;

/// What a run file calls `arg`.
fn key(arg: &Arg) -> &str {
    match arg.get_id().as_str() {
        "words" => "text",
        id => arg.get_long().unwrap_or(id),
    }
}

fn is_flag(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::SetFalse)
}

/// All commands with the options of every one, those that all share included.
fn commands() -> Command {
    let mut all = Cli::command();
    all.build();
    all
}

/// The command of `matches`, and its options with their values, defaults included.
pub(crate) fn of(matches: &ArgMatches) -> Value {
    let mut settings = Map::new();
    if let Some((name, own)) = matches.subcommand() {
        settings.insert("command".into(), json!(name));
        let all = commands();
        let command = all.find_subcommand(name);
        for arg in command.into_iter().flat_map(Command::get_arguments) {
            let means_nothing = PASSING.contains(&key(arg)) || excluded(arg, command, own);
            if let Some(value) = value(arg, own).filter(|_| !means_nothing) {
                settings.insert(key(arg).into(), value);
            }
        }
        let on_model = settings.contains_key("players") && !settings.contains_key("game");
        if on_model && !settings.contains_key("model") {
            settings.insert("model".into(), json!("demo"));
        }
        settings.insert("threads".into(), json!(rayon::current_num_threads()));
    }
    Value::Object(settings)
}

/// Whether `arg` has its default only, beside an option of the command line that it cannot be given with.
fn excluded(arg: &Arg, command: Option<&Command>, matches: &ArgMatches) -> bool {
    let source = |arg: &Arg| matches.value_source(arg.get_id().as_str());
    let others = command.map(|command| command.get_arg_conflicts_with(arg));
    let mut others = others.into_iter().flatten();
    source(arg) == Some(ValueSource::DefaultValue)
        && others.any(|other| source(other) == Some(ValueSource::CommandLine))
}

/// The value of `arg` in `matches`, as a run file would have it.
fn value(arg: &Arg, matches: &ArgMatches) -> Option<Value> {
    let id = arg.get_id().as_str();
    if is_flag(arg) {
        return matches
            .try_get_one::<bool>(id)
            .ok()?
            .map(|&flag| json!(flag));
    }
    let raw = matches.try_get_raw(id).ok()??;
    let kind = arg.get_value_parser().type_id();
    let numeric = kind == TypeId::of::<u64>() || kind == TypeId::of::<usize>();
    let real = kind == TypeId::of::<f64>();
    let mut values: Vec<Value> = raw
        .map(|raw| {
            let text = raw.to_string_lossy();
            match text.parse::<i64>() {
                Ok(number) if numeric => json!(number),
                _ => match text.parse::<f64>() {
                    Ok(number) if real => json!(number),
                    _ => json!(text),
                },
            }
        })
        .collect();
    match arg.get_action() {
        ArgAction::Append => Some(Value::Array(values)),
        _ if arg.get_value_delimiter().is_some() => Some(Value::Array(values)),
        _ => values.pop(),
    }
}

/// `settings` as a run file.
pub(crate) fn to_toml(settings: &Value) -> anyhow::Result<String> {
    let mut rest = settings.clone();
    let command = rest["command"].take();
    if let Value::Object(rest) = &mut rest {
        rest.retain(|_, value| !value.is_null());
    }
    Ok(format!("command = {command}\n{}", toml::to_string(&rest)?))
}

/// The command lines that a run file stands for, each with the options of the command line itself in place of the file's.
pub(crate) fn command_lines(
    args: &RunArgs,
    matches: &ArgMatches,
) -> anyhow::Result<Vec<Vec<OsString>>> {
    let given = given(args, matches);
    stages(&args.file)?
        .iter()
        .map(|stage| command_line(&args.file, stage, &given))
        .collect()
}

/// The options behind the file, with those of every command that clap has taken out from among them.
fn given(args: &RunArgs, matches: &ArgMatches) -> Vec<OsString> {
    let all = commands();
    let mut words = args.options.clone();
    let own = matches.subcommand().map(|(_, own)| own);
    let shared = all.get_arguments().filter(|arg| arg.is_global_set());
    for (arg, own) in shared.flat_map(|arg| own.map(|own| (arg, own))) {
        if own.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine) {
            let value = value(arg, own).unwrap_or_default();
            words.extend(spelt(arg, &value).unwrap_or_default());
        }
    }
    words
}

/// The tables of a run file that each name a command, with what stands above them.
fn stages(path: &Path) -> anyhow::Result<Vec<Map<String, Value>>> {
    let path = match path.is_dir() {
        true => &path.join("record.json"),
        false => path,
    };
    let wrong = |reason: String| Error::parse(path, "run file")(reason);
    let length = std::fs::metadata(path).map_err(Error::read(path))?.len();
    if length > LONGEST {
        return Err(wrong(format!(
            "it is {length} bytes long, expected {LONGEST} at most"
        ))
        .into());
    }
    let text = std::fs::read_to_string(path).map_err(Error::read(path))?;
    let json = path
        .extension()
        .is_some_and(|extension| extension == "json");
    let settings: Value = match json {
        true => {
            let record: Value =
                serde_json::from_str(&text).map_err(Error::parse(path, "record"))?;
            record["config"].clone()
        }
        false => toml::from_str(&text).map_err(Error::parse(path, "run file"))?,
    };
    let Value::Object(mut shared) = settings else {
        return Err(wrong("it has no configuration".into()).into());
    };
    let listed = match shared.remove("stage") {
        None => vec![Value::Object(Map::new())],
        Some(Value::Array(stages)) => stages,
        Some(_) => return Err(wrong("`stage` must be tables, each under [[stage]]".into()).into()),
    };
    let stages = listed.into_iter().map(|stage| match stage {
        Value::Object(own) => {
            let mut all = shared.clone();
            all.extend(own);
            Ok(all)
        }
        _ => Err(wrong("`stage` must be tables, each under [[stage]]".into()).into()),
    });
    stages.collect()
}

/// The words of the command line that `stage` stands for.
fn command_line(
    path: &Path,
    stage: &Map<String, Value>,
    given: &[OsString],
) -> anyhow::Result<Vec<OsString>> {
    let wrong = |reason: String| Error::parse(path, "run file")(reason);
    let all = commands();
    let can_run = |command: &&Command| {
        !["run", "merge", "completions", "man", "help"].contains(&command.get_name())
            && command.get_subcommands().next().is_none()
    };
    let names = || all.get_subcommands().filter(can_run).map(Command::get_name);
    let name = match stage.get("command") {
        Some(Value::String(name)) => name.as_str(),
        _ => {
            let names: Vec<_> = names().collect();
            let reason = format!("it must say `command = …`, one of {}", names.join(", "));
            return Err(wrong(reason).into());
        }
    };
    let Some(command) = all
        .get_subcommands()
        .filter(can_run)
        .find(|c| c.get_name() == name)
    else {
        let reason = format!(
            "`{name}` is no command of a run file{}",
            nearest(name, names())
        );
        return Err(wrong(reason).into());
    };
    let mut words: Vec<OsString> = vec!["harsanyi".into(), name.into()];
    let mut places: Vec<OsString> = Vec::new();
    for (asked, value) in stage.iter().filter(|(asked, _)| *asked != "command") {
        let known = || {
            let args = command.get_arguments();
            args.filter(|arg| !["help", "version", "dump-config"].contains(&key(arg)))
        };
        // An option before the place on the command line that means the same.
        let found = known()
            .filter(|arg| key(arg) == asked)
            .max_by_key(|arg| arg.get_long().is_some());
        let Some(arg) = found else {
            let near = nearest(asked, known().map(key));
            return Err(wrong(format!("`{name}` has no option `{asked}`{near}")).into());
        };
        if is_given(arg, given) {
            continue;
        }
        let spelt =
            spelt(arg, value).ok_or_else(|| wrong(format!("`{asked}` cannot be {value}")))?;
        match arg.is_positional() {
            true => places.extend(spelt),
            false => words.extend(spelt),
        }
    }
    words.extend(given.iter().cloned());
    if !places.is_empty() {
        words.push("--".into());
        words.extend(places);
    }
    Ok(words)
}

/// Whether the command line itself gives `arg`.
fn is_given(arg: &Arg, given: &[OsString]) -> bool {
    given.iter().any(|word| {
        let word = word.to_string_lossy();
        let long = word
            .strip_prefix("--")
            .map(|word| word.split('=').next().unwrap_or(word));
        let short = word.strip_prefix('-').and_then(|word| word.chars().next());
        (long.is_some() && long == arg.get_long())
            || (long.is_none() && short.is_some() && short == arg.get_short())
    })
}

/// `value` in the words of the command line; `None` for what no option can be.
fn spelt(arg: &Arg, value: &Value) -> Option<Vec<OsString>> {
    let one = |value: &Value| match value {
        Value::String(text) if !text.contains('\0') => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    if is_flag(arg) {
        let flag = format!("--{}", arg.get_long()?);
        return Some(value.as_bool()?.then(|| flag.into()).into_iter().collect());
    }
    let texts: Vec<String> = match value {
        Value::Array(values) => values.iter().map(one).collect::<Option<_>>()?,
        value => vec![one(value)?],
    };
    let texts = match (arg.get_value_delimiter(), arg.get_action()) {
        (Some(delimiter), _) if !texts.is_empty() => vec![texts.join(&delimiter.to_string())],
        (_, ArgAction::Append) | (Some(_), _) => texts,
        _ if texts.len() == 1 => texts,
        _ => return None,
    };
    Some(match arg.get_long() {
        Some(long) => texts
            .iter()
            .map(|text| format!("--{long}={text}").into())
            .collect(),
        None => texts.into_iter().map(OsString::from).collect(),
    })
}

/// `; did you mean …?` for the name most like `asked`, where one is.
fn nearest<'a>(asked: &str, names: impl Iterator<Item = &'a str>) -> String {
    let likeness = |name: &str| strsim::jaro_winkler(asked, name);
    match names.max_by(|a, b| likeness(a).total_cmp(&likeness(b))) {
        Some(name) if likeness(name) >= ALIKE => format!("; did you mean `{name}`?"),
        _ => String::new(),
    }
}

#[cfg(test)]
#[path = "../../tests/mutate.rs"]
mod mutate;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::FromArgMatches;
    use rand::SeedableRng;

    /// Whether a run file is understood, up to the options themselves.
    fn understood(path: &Path) -> bool {
        let read = stages(path).and_then(|stages| {
            let lines = stages.iter().map(|stage| command_line(path, stage, &[]));
            lines.collect::<anyhow::Result<Vec<_>>>()
        });
        read.is_ok_and(|lines| {
            lines.iter().all(|words| {
                let matches = Cli::command().try_get_matches_from(words);
                matches.is_ok_and(|matches| Cli::from_arg_matches(&matches).is_ok())
            })
        })
    }

    #[test]
    fn no_run_file_makes_the_reader_panic() {
        let dir = tempfile::tempdir().expect("a folder");
        let (toml, json) = (dir.path().join("run.toml"), dir.path().join("record.json"));
        let seeds = [
            b"command = \"profile\"\ntext = \"not bad\"\nbackground = [\"a\", \"b\"]\nseed = 3\ngap = 1e-3\nrefit = true\n".to_vec(),
            b"quiet = true\n[[stage]]\ncommand = \"index\"\ngame = \"synthetic:and(0,1)\"\norder = 2\n[[stage]]\ncommand = \"order\"\nvalues = 'x.npy'\n".to_vec(),
        ];
        let record = br#"{"schema": 1, "config": {"command": "extract", "values": "x.npy", "with": ["y.npy"], "alpha": 0.5}}"#;
        let asked = std::env::var("HARSANYI_FUZZ").ok();
        let cases = asked.map_or(300, |count| count.parse().expect("a number"));
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(31);
        for (path, seeds) in [(&toml, &seeds[..]), (&json, &[record.to_vec()][..])] {
            for seed in seeds {
                std::fs::write(path, seed).expect("written");
                assert!(understood(path), "{}", seed.escape_ascii());
            }
            let mut refused = 0;
            for _ in 0..cases {
                std::fs::write(path, mutate::mutate(&mut rng, seeds)).expect("written");
                refused += u64::from(!understood(path));
            }
            assert!(refused > 0);
        }
    }

    #[test]
    fn settings_become_a_run_file_that_becomes_the_same_settings() {
        let words = [
            "harsanyi",
            "profile",
            "-- \"not\" 'bad'\n\u{202e}",
            "--background=a,b",
            "--gap=0.001",
            "--target=token:1,2",
            "--seed=7",
            "--refit",
        ];
        let words = [&words[..2], &words[3..], &["--", words[2]]].concat();
        let first = of(&Cli::command().try_get_matches_from(words).expect("parses"));
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("run.toml");
        std::fs::write(&path, to_toml(&first).expect("TOML")).expect("written");
        let stages = stages(&path).expect("reads");
        let line = command_line(&path, &stages[0], &[]).expect("understood");
        let again = of(&Cli::command().try_get_matches_from(line).expect("parses"));
        assert_eq!(first, again);
        assert_eq!(again["background"], json!(["a", "b"]));
    }
}
