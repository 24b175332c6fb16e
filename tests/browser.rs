//! The pages in a real browser: they load nothing, complain about nothing, answer to mouse, finger and keyboard, and can be read
//! on a screen and a phone, by day and by night.

mod chromium;

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harsanyi::input::Picture;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::stdout;
use crate::vision::tiny;
use chromium::Page;

/// A page where there is a browser; without one the test says so and does nothing.
fn page() -> Option<Page> {
    let found = chromium::find();
    #[expect(clippy::print_stderr, reason = "a test that skips must say so")]
    if found.is_none() {
        eprintln!("no Chromium on the search path: tests of the pages in a browser do nothing");
    }
    found.map(|chromium| Page::start(&chromium))
}

/// A run of a sentence, and a batch of three, as folders.
struct Results {
    _dir: TempDir,
    run: PathBuf,
    batch: PathBuf,
}

/// The largest page.
const MOST_BYTES: u64 = 2_000_000;

/// A run of an image whose players are the cells of a grid, in `dir`.
fn image_run(dir: &Path) -> PathBuf {
    let picture = Picture {
        width: 16,
        height: 17,
        channels: 3,
        bytes: (0..17 * 16 * 3)
            .map(|at| (at * 37 + at / 7) as u8)
            .collect(),
    };
    let (file, run) = (dir.join("a.png"), dir.join("image"));
    std::fs::write(&file, picture.png().expect("encoded")).expect("written");
    let plain = |path: &Path| path.to_str().expect("plain").to_owned();
    let (file, model, out) = (plain(&file), plain(&tiny("cifar_resnet")), plain(&run));
    let words = ["profile", "--image", &file, "--model", &model];
    stdout(&[&words[..], &["--players", "grid:2x3", "-o", &out]].concat());
    run
}

/// A batch of fifty sentences of one to five words, in `dir`.
fn fifty(dir: &Path) -> PathBuf {
    let words = [
        "not", "bad", "a", "funny", "film", "dull", "plot", "never", "good",
    ];
    let line = |at: usize| {
        let text: Vec<&str> = (0..1 + at % 5)
            .map(|place| words[(at * 5 + place * (1 + at / 9)) % words.len()])
            .collect();
        json!({ "text": text.join(" ") }).to_string()
    };
    let (texts, batch) = (dir.join("fifty.jsonl"), dir.join("fifty"));
    let lines: Vec<String> = (0..50).map(line).collect();
    std::fs::write(&texts, lines.join("\n")).expect("written");
    let plain = |path: &Path| path.to_str().expect("plain").to_owned();
    stdout(&["profile", "--data", &plain(&texts), "-o", &plain(&batch)]);
    batch
}

fn results() -> Results {
    let dir = tempfile::tempdir().expect("a folder");
    let (run, batch) = (dir.path().join("run"), dir.path().join("batch"));
    let texts = dir.path().join("texts.jsonl");
    let lines = [
        "a touching , funny film",
        "not funny",
        "the plot is not bad",
    ]
    .map(|text| json!({ "text": text }).to_string());
    std::fs::write(&texts, lines.join("\n")).expect("written");
    let plain = |path: &Path| path.to_str().expect("plain").to_owned();
    stdout(&["profile", "the movie is not bad at all", "-o", &plain(&run)]);
    stdout(&["profile", "--data", &plain(&texts), "-o", &plain(&batch)]);
    Results {
        _dir: dir,
        run,
        batch,
    }
}

/// The ratio of the luminances of every text and what lies behind it: the least of the page, with the text.
const LEAST_CONTRAST: &str = r"(() => {
  const rgb = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = color.slice(0, 3).map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (part) => {
    for (let at = part; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  let least = [99, ''];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const part = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || part.closest('script, style') || !part.checkVisibility()) continue;
    const style = getComputedStyle(part);
    const front = rgb(part.ownerSVGElement ? style.fill : style.color);
    const [a, b] = [luminance(front), luminance(behind(part))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least[0]) least = [ratio, text];
  }
  return least;
})()";

#[test]
fn pages_are_quiet_stay_at_home_and_fit_their_screens() {
    let Some(mut page) = page() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let results = results();
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (name, dir) in [
        ("run", results.run),
        ("batch", results.batch),
        ("image", image_run(dir.path())),
        ("fifty", fifty(dir.path())),
    ] {
        let file = dir.join("report.html");
        let bytes = std::fs::metadata(&file).expect("a page").len();
        assert!(bytes < MOST_BYTES, "{name}: {bytes} bytes");
        let mut pictures = Vec::new();
        for (width, height, phone) in [(1280, 900, false), (360, 740, true)] {
            for dark in [false, true] {
                page.look(width, height, phone, dark);
                page.open(&file);
                let shown = format!("{name} at {width}, {}", if dark { "dark" } else { "light" });
                let across = page.evaluate("document.documentElement.scrollWidth");
                assert_eq!(across, width, "{shown}: wider than its screen");
                let hidden = page.evaluate(
                    "[...document.querySelectorAll('.scroll:has(table.players)')].map((part) => part.scrollWidth - part.clientWidth)",
                );
                let hidden = hidden.as_array().expect("a list").clone();
                assert!(
                    hidden.iter().all(|wide| *wide == 0),
                    "{shown}: the table of players is cut off"
                );
                let contrast = page.evaluate(LEAST_CONTRAST);
                assert!(contrast[0].as_f64() >= Some(4.5), "{shown}: {contrast}");
                let picture = page.screenshot();
                let bytes = STANDARD.decode(&picture).expect("base64");
                let path = shots.join(format!(
                    "{name}-{width}-{}.png",
                    if dark { "dark" } else { "light" }
                ));
                std::fs::write(path, bytes).expect("written");
                pictures.push(picture);
                assert!(
                    page.complaints().is_empty(),
                    "{shown}: {:?}",
                    page.complaints()
                );
                let address = format!("file://{}", file.display());
                let away: Vec<_> = page
                    .requests()
                    .into_iter()
                    .filter(|asked| *asked != address && !asked.starts_with("data:"))
                    .collect();
                assert!(away.is_empty(), "{shown}: asks for {away:?}");
            }
        }
        assert_ne!(pictures[0], pictures[1], "{name}: dark is light");
        assert_ne!(pictures[0], pictures[2], "{name}: a phone is a screen");
    }
}

/// The players that are lit in the sentence.
const LIT: &str =
    "[...document.querySelectorAll('.sample .player.lit')].map((part) => part.textContent)";

#[test]
fn pointing_at_an_interaction_lights_its_players_and_the_other_way_round() {
    let Some(mut page) = page() else { return };
    let results = results();
    page.look(1280, 900, false, false);
    page.open(&results.run.join("report.html"));
    assert_eq!(page.evaluate(LIT), json!([]));
    let first = "ol.rows li:nth-child(1) button";
    page.hover(first);
    assert_eq!(page.evaluate(LIT), json!(["not", "bad"]));
    page.hover("h1");
    assert_eq!(
        page.evaluate(LIT),
        json!([]),
        "it lets go when the mouse does"
    );

    page.hover(".sample [data-player='1']");
    let rows = page.evaluate("[...document.querySelectorAll('button.row.lit')].every((row) => row.textContent.includes('movie'))");
    assert_eq!(rows, true);
    assert!(
        page.evaluate("document.querySelectorAll('button.row.lit').length")
            .as_u64()
            > Some(1)
    );
    page.hover("h1");

    // The keyboard: every player and every row can be reached in turn.
    page.evaluate("document.querySelector('ol.rows button').focus()");
    page.press("Tab");
    let row = page.evaluate("document.activeElement.textContent");
    assert!(row.as_str().is_some_and(|row| row.contains("OR")), "{row}");
    assert_eq!(page.evaluate(LIT), json!(["not", "bad"]));
    assert_eq!(
        page.evaluate("document.querySelectorAll('.player.lit.or').length"),
        2
    );
    page.press("Enter");
    page.press("Tab");
    page.evaluate("document.activeElement.blur()");
    assert_eq!(
        page.evaluate(LIT),
        json!(["not", "bad"]),
        "it stays lit once chosen"
    );
    assert_eq!(
        page.evaluate("document.querySelectorAll('[aria-pressed=true]').length"),
        1
    );
    page.press("Escape");
    assert_eq!(page.evaluate(LIT), json!([]));
    assert!(page.complaints().is_empty(), "{:?}", page.complaints());

    // A finger, on the way down a phone: the sentence stays in sight.
    page.look(360, 740, true, true);
    page.open(&results.run.join("report.html"));
    page.tap("ol.rows li:nth-child(6) button");
    assert_eq!(page.evaluate(LIT), json!(["movie", "not", "bad"]));
    let top = page.evaluate("document.querySelector('.sample').getBoundingClientRect().top");
    assert!(
        top.as_f64().is_some_and(|top| (-1.0..740.0).contains(&top)),
        "{top}"
    );
}

#[test]
fn cells_of_an_image_light_up_and_can_be_reached_by_keyboard() {
    let Some(mut page) = page() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let run = image_run(dir.path());
    page.look(1280, 900, false, false);
    page.open(&run.join("report.html"));
    let lit =
        "[...document.querySelectorAll('path.player.lit')].map((part) => part.dataset.player)";
    assert_eq!(
        page.evaluate("document.querySelectorAll('path.player').length"),
        6
    );
    assert_eq!(page.evaluate(lit), json!([]));
    page.hover("ol.rows li:nth-child(1) button");
    let players =
        page.evaluate("document.querySelector('ol.rows button').dataset.players.split(' ')");
    assert_eq!(page.evaluate(lit), players);
    page.hover("h1");
    page.hover("path[data-player='4']");
    assert_eq!(page.evaluate(lit), json!(["4"]));
    assert_eq!(
        page.evaluate("[...document.querySelectorAll('button.row.lit')].every((row) => row.textContent.includes('r1c1'))"),
        true
    );
    page.hover("h1");
    page.evaluate("document.querySelector(\"path[data-player='2']\").focus()");
    page.press("Enter");
    page.evaluate("document.activeElement.blur()");
    assert_eq!(page.evaluate(lit), json!(["2"]), "it stays lit once chosen");
    page.press("Escape");
    assert_eq!(page.evaluate(lit), json!([]));
    assert!(page.complaints().is_empty(), "{:?}", page.complaints());
}

#[test]
fn a_batch_sorts_and_leads_to_its_samples() {
    let Some(mut page) = page() else { return };
    let results = results();
    page.look(1280, 900, false, false);
    page.open(&results.batch.join("report.html"));
    let column = |page: &mut Page, place: usize| -> Vec<Value> {
        let cells = page.evaluate(&format!(
            "[...document.querySelectorAll('table.sortable tbody tr')].map((row) => row.cells[{place}].textContent)"
        ));
        cells.as_array().expect("a column").clone()
    };
    let click = |page: &mut Page, place: usize| {
        page.evaluate(&format!(
            "document.querySelectorAll('table.sortable thead button')[{place}].click()"
        ));
    };
    assert_eq!(column(&mut page, 0), ["00001", "00002", "00003"]);
    click(&mut page, 3);
    assert_eq!(column(&mut page, 3), ["5", "4", "2"]);
    assert_eq!(
        page.evaluate("document.querySelectorAll('table.sortable thead th')[3].ariaSort"),
        "descending"
    );
    click(&mut page, 3);
    assert_eq!(column(&mut page, 3), ["2", "4", "5"]);
    click(&mut page, 0);
    assert_eq!(column(&mut page, 0), ["00001", "00002", "00003"]);
    let link = page.evaluate("document.querySelector('table.sortable a').href");
    let link = link
        .as_str()
        .and_then(|link| link.strip_prefix("file://"))
        .expect("a file")
        .to_owned();
    page.open(Path::new(&link));
    assert_eq!(
        page.evaluate("document.querySelectorAll('.sample .player').length"),
        4
    );
    assert!(page.complaints().is_empty(), "{:?}", page.complaints());
}

#[test]
fn hostile_text_is_read_and_not_run() {
    let Some(mut page) = page() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let run = dir.path().join("run");
    let spans = dir.path().join("spans.json");
    let text = "<script>document.title='run'</script> \"><img src=x onerror=document.title='run'> \u{202e}not ]]> bad";
    let label = "</script><svg onload=document.title='run'>";
    let at = |part: &str| text.find(part).expect("a part");
    let (first, last) = (at(" \"><img"), at(" \u{202e}"));
    let players = json!([
        { "label": label, "chars": [[0, first]] },
        { "chars": [[first + 1, last]] },
        { "chars": [[at("not"), text.len()]] },
    ]);
    std::fs::write(&spans, json!({ "players": players }).to_string()).expect("written");
    let plain = |path: &Path| path.to_str().expect("plain").to_owned();
    let players = format!("spans:{}", plain(&spans));
    stdout(&["profile", text, "--players", &players, "-o", &plain(&run)]);
    page.look(1280, 900, false, false);
    page.open(&run.join("report.html"));
    assert!(page.complaints().is_empty(), "{:?}", page.complaints());
    assert_eq!(
        page.requests().len(),
        1 + page
            .requests()
            .iter()
            .filter(|asked| asked.starts_with("data:"))
            .count()
    );
    assert_ne!(page.evaluate("document.title"), "run");
    assert_eq!(page.evaluate("document.scripts.length"), 1);
    let shown = page.evaluate("document.querySelector('.sample').textContent");
    assert!(
        shown
            .as_str()
            .is_some_and(|shown| shown.starts_with("<script>document.title='run'</script>")),
        "{shown}"
    );
    assert_eq!(
        page.evaluate("document.querySelectorAll('table.players th[scope=row]')[0].textContent"),
        label
    );
    page.hover("ol.rows li:nth-child(1) button");
    assert!(
        page.evaluate("document.querySelectorAll('.player.lit').length")
            .as_u64()
            > Some(0)
    );
    for chart in ["interactions", "players", "pairs"] {
        page.open(&run.join(format!("charts/{chart}.svg")));
        assert_eq!(
            page.evaluate("document.querySelector('parsererror') === null"),
            true,
            "{chart}"
        );
        assert_eq!(
            page.evaluate("document.querySelector('script, image, foreignObject') === null"),
            true,
            "{chart}"
        );
    }
}

#[test]
fn a_page_prints_and_its_charts_stand_alone() {
    let Some(mut page) = page() else { return };
    let results = results();
    page.look(1280, 900, false, true);
    page.open(&results.run.join("report.html"));
    let printed = page.call("Page.printToPDF", json!({}));
    let printed = printed["data"].as_str().expect("a document");
    assert!(printed.len() > 20_000);
    let pdf = STANDARD.decode(printed).expect("base64");
    let pages = pdf
        .windows(11)
        .filter(|words| words == b"/Type /Page")
        .count();
    let tree = pdf
        .windows(12)
        .filter(|words| words == b"/Type /Pages")
        .count();
    // One sheet more than it takes here, where other fonts are wider.
    assert!((1..=7).contains(&(pages - tree)), "{pages} pages");
    let charts = std::fs::read_dir(results.run.join("charts")).expect("a folder");
    let mut names: Vec<PathBuf> = charts
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    assert_eq!(names.len(), 8);
    for path in names {
        page.open(&path);
        assert_eq!(
            page.evaluate("document.querySelector('parsererror') === null"),
            true,
            "{}",
            path.display()
        );
        assert!(
            page.evaluate("document.querySelectorAll('text').length")
                .as_u64()
                > Some(5)
        );
        assert!(page.complaints().is_empty(), "{:?}", page.complaints());
    }
}
