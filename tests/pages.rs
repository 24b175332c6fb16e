//! Pages and charts from results of every shape: what they show is what was found, and text of others stays text.

use harsanyi::interaction::order_sampled::{PlanCounts, SizeMoments};
use harsanyi::interaction::{AndOrOptions, Threshold, and_or};
use harsanyi::report::chart::{self, Body, Chart, Shape};
use harsanyi::report::{
    CurveReport, CurveSample, InteractionReport, OrderReport, PlayerIndices, PlayersSummary,
    Profile, Record, SampleSummary, SparsityReport, Study, Summary, csv, folder, html, svg, text,
};
use harsanyi::stats::bootstrap::Resampling;
use harsanyi::stats::strength_curve::Axis;
use harsanyi::{Error, game::synthetic, tabulate};
use serde_json::{Value, json};

const GAME: &str = "n=4; and(0,1)*2 - or(1,2)*1.5 + and(0,2,3)*0.3 + and(3)*0.7 + 0.2";

/// What a text, a name or a path may hold.
fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "<script>alert(1)</script>",
        "</script><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "]]></style><svg onload=alert(1)>",
        "<!-- --!> <![CDATA[ ]]> &lt;b&gt; &#0; &amp",
        "\u{202e}gnp.exe\u{2066}\u{200f}\u{feff}",
        "a\u{0}b\u{1b}[31mc\u{7}\u{8}\u{9b}d\u{fffe}\u{ffff}\u{e0041}",
        "../../../../etc/passwd",
        "javascript:alert(1)",
        "=cmd|' /C calc'!A0",
        "`${alert(1)}` {{7*7}} <%= 1 %>",
        "   ",
        "",
    ]
    .map(String::from)
    .into();
    texts.push("x".repeat(1 << 20));
    texts.push("<".repeat(1 << 20));
    texts.push("\u{301}".repeat(1 << 18));
    texts.push("نص عربي طويل".into());
    texts
}

/// A run of `game` whose players are called `labels`.
fn profile(game: &str, labels: &[String]) -> Profile {
    let mut game = synthetic::parse(game).expect("a game");
    let table = tabulate(&mut game, |_| ()).expect("a table");
    let found = and_or(&table, &AndOrOptions::default()).expect("defaults");
    let players: Vec<Value> = labels
        .iter()
        .enumerate()
        .map(|(index, label)| json!({ "index": index, "label": label, "spans": [[index, index + 1]] }))
        .collect();
    let record = json!({
        "schema": 1, "program": "harsanyi 0", "command": "harsanyi profile", "config": {}, "device": "cpu", "dtype": "f32",
        "players": players, "background": [], "n": table.players(), "v_empty": table.empty(), "v_full": table.grand(),
        "seconds": { "tabulate": 0.5 }, "seed": 0,
    });
    Profile {
        record: serde_json::from_value(record).expect("a record"),
        interactions: InteractionReport::new(&found, labels, Threshold::default()),
        orders: OrderReport::new(&table, &found).expect("a table"),
        indices: PlayerIndices::new(&table, labels),
        sparsity: SparsityReport::new(&table, &found, Threshold::default()).expect("its own"),
    }
}

fn numbered(players: usize) -> Vec<String> {
    (0..players).map(|player| player.to_string()).collect()
}

fn write(dir: &std::path::Path, profile: &Profile) {
    let put =
        |name: &str, value: Value| folder::write_json(&dir.join(name), &value).expect("written");
    let json = |value: &dyn erased::Json| value.json();
    put("record.json", json(&profile.record));
    put("interactions.json", json(&profile.interactions));
    put("orders.json", json(&profile.orders));
    put("indices.json", json(&profile.indices));
    put("sparsity.json", json(&profile.sparsity));
}

/// Documents of different types as one kind of value.
mod erased {
    pub(super) trait Json {
        fn json(&self) -> serde_json::Value;
    }

    impl<T: serde::Serialize> Json for T {
        fn json(&self) -> serde_json::Value {
            serde_json::to_value(self).expect("a document")
        }
    }
}

/// Nothing in `page` but the page's own tags acts, and it is not large.
fn assert_inert(page: &str, own_scripts: usize, what: &str) {
    let what: String = what.chars().take(40).collect();
    assert!(page.len() < 2_000_000, "{what:?}: {} bytes", page.len());
    let lines = page.replace('\n', "");
    let acts = lines
        .chars()
        .find(|c| text::inert(&c.to_string()) != c.to_string());
    assert_eq!(acts, None, "{what:?}: something acts");
    for (tag, allowed) in [
        ("<script", own_scripts),
        ("</script", own_scripts),
        ("<img", 0),
        ("<!--", 0),
        ("<![CDATA", 0),
    ] {
        assert_eq!(page.matches(tag).count(), allowed, "{what:?}: {tag}");
    }
    // A quote that closes an attribute would let another one follow.
    for attribute in ["onerror=", "onload=", "onmouseover="] {
        for (at, _) in page.match_indices(attribute) {
            let before = &page[..at];
            let tag = before.rfind('<').map_or("", |open| &before[open..]);
            assert!(
                tag.contains('>') || tag.matches('"').count() % 2 == 1,
                "{what:?}: {tag}{attribute}"
            );
        }
    }
}

#[test]
fn hostile_text_is_inert_wherever_it_stands() {
    for text in hostile() {
        let label = |player: usize| format!("{text}{player}");
        let labels: Vec<String> = (0..4).map(label).collect();
        let mut run = profile(GAME, &labels);
        let record: &mut Record = &mut run.record;
        record.program = text.clone();
        record.command = text.clone();
        record.config = json!({ "model": text, &text: text });
        record.game = Some(text.clone());
        record.device = text.clone();
        record.dtype = text.clone();
        record.sample = Some(format!("a {text} of {text}"));
        record.baseline = Some(text.clone());
        record.readout = Some(text.clone());
        record.target = Some(json!({ "text": text, "ids": [1, 2] }));
        record.seconds = [(text.clone(), 1.0)].into();
        run.interactions.salient.threshold = text.clone();
        run.orders.bottleneck.definition = text.clone();
        let page = html::run(&run).expect("a page");
        assert_inert(&page, 1, &text);
        let charts = chart::of_profile(&run);
        assert!(charts.len() >= 7);
        for chart in &charts {
            let file = svg::file(chart).expect("a chart");
            assert_inert(&file, 0, &text);
            roxmltree::Document::parse(&file).expect("well-formed");
        }
        let terminal = text::Page {
            width: 100,
            color: false,
            rows: 12,
        };
        let shown = text::profile(
            terminal,
            &run.record,
            &run.interactions,
            &run.orders,
            &run.indices,
        );
        assert_eq!(
            text::inert(&shown.replace('\n', "")),
            shown.replace('\n', "")
        );

        let mut sample = SampleSummary::new(&text, Some(text.clone()), &run);
        sample.text = text.clone();
        let summary = Summary {
            schema: 1,
            program: text.clone(),
            config: json!({ "model": text, "data": text }),
            samples: vec![sample; 3],
            failed: serde_json::from_value(json!([{ "id": text, "error": text }]))
                .expect("a failure"),
            by_players: vec![PlayersSummary::new(
                4,
                &[vec![1.0, 2.0, 3.0], vec![2.0, 1.0, 0.5]],
            )],
        };
        assert_inert(&html::batch(&summary).expect("a page"), 1, &text);

        let mut study = study();
        study.program = text.clone();
        study.model = json!({ "source": text, &text: text });
        study.config = json!({ "model": text, "data": text });
        study.failed = summary.failed;
        study.curve.bottleneck.definition = text.clone();
        let class = study.curve.clone();
        study.curve.classes = [(text.clone(), class)].into();
        assert_inert(&html::study(&study).expect("a page"), 1, &text);
        for chart in chart::of_study(&study.curve) {
            assert_inert(&svg::file(&chart).expect("a chart"), 0, &text);
        }
        assert_inert(&html::orders(&run.orders, &text).expect("a page"), 1, &text);
    }
}

/// Three samples at three sizes.
fn study() -> Study {
    let axis = Axis::Sizes {
        players: 7,
        sizes: vec![0, 2, 5],
    };
    let games: Vec<Vec<SizeMoments>> = (0..3)
        .map(|game| {
            let moments = |(at, mean): (usize, f64)| SizeMoments {
                mean_abs: mean + 0.1 * game as f64,
                held_out: mean - 0.1 * at as f64,
                square: mean * mean,
                product: mean * mean * 0.8,
            };
            [3.0, 1.0, 1.5]
                .into_iter()
                .enumerate()
                .map(moments)
                .collect()
        })
        .collect();
    let samples: Vec<CurveSample<'_>> = games
        .iter()
        .map(|moments| CurveSample {
            class: Some("a"),
            moments,
            counts: PlanCounts::default(),
        })
        .collect();
    Study {
        schema: 1,
        program: "harsanyi".into(),
        model: Value::Null,
        config: Value::Null,
        done: Vec::new(),
        failed: Vec::new(),
        curve: CurveReport::new(&axis, &samples, &Resampling::default()),
    }
}

#[test]
fn the_chart_of_a_study_shows_its_strengths_inside_their_bands() {
    let study = study();
    let charts = chart::of_study(&study.curve);
    let published = study.curve.multi_order.published.as_ref().expect("one");
    let drawn = shapes(named(&charts, "bottleneck"));
    let [Shape::Band(band), .., Shape::Dotted(points)] = drawn[..] else {
        panic!("a band and a line")
    };
    assert_eq!(
        points.iter().map(|point| point.0).collect::<Vec<_>>(),
        [0.0, 2.0, 5.0]
    );
    assert_eq!(
        &points.iter().map(|point| point.1).collect::<Vec<_>>(),
        published
    );
    for ((_, low, high), strength) in band.iter().zip(published) {
        assert!(low <= strength && strength <= high);
    }
    assert_eq!(charts.len(), 2);
    // One sample has no band, and where no noise was taken off, there is one chart.
    let mut alone = study.curve.clone();
    alone.multi_order.published_interval = None;
    alone.multi_order.without_noise = alone.multi_order.published.clone();
    let charts = chart::of_study(&alone);
    assert_eq!(charts.len(), 1);
    assert!(
        !shapes(&charts[0])
            .iter()
            .any(|shape| matches!(shape, Shape::Band(_)))
    );
}

#[test]
fn a_study_that_is_none_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |study: &Study| {
        folder::write_json(&dir.path().join("orders.json"), study).expect("written");
        Study::read(dir.path())
    };
    let whole = write(&study()).expect("a study");
    assert_eq!(
        html::study(&whole).expect("a page"),
        html::study(&study()).expect("a page")
    );
    let changes: [fn(&mut Study); 5] = [
        |study| study.curve.multi_order.ratio[1] = 1.5,
        |study| study.curve.multi_order.published = Some(vec![1.0]),
        |study| study.curve.multi_order.without_noise = Some(vec![1.0, 1e200, 1.0]),
        |study| study.curve.multi_order.context_size = Some(vec![0, 2, 6]),
        |study| study.curve.bottleneck.fitted_n = Some(1e30),
    ];
    for change in changes {
        let mut other = study();
        change(&mut other);
        assert!(matches!(write(&other), Err(Error::Input(_))));
    }
}

#[test]
fn a_page_is_a_function_of_its_files() {
    let labels = ["not", "bad", "not", "<b>"].map(String::from);
    let mut run = profile(GAME, &labels);
    run.record.sample = Some("not bad not <b>".into());
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), &run);
    let again = Profile::read(dir.path()).expect("a run");
    assert_eq!(
        html::run(&again).expect("a page"),
        html::run(&run).expect("a page")
    );
    // Reading a number from JSON may cost its last bit, which nobody sees.
    let files = |run: &Profile| -> Vec<String> {
        let charts = chart::of_profile(run);
        charts
            .iter()
            .map(|chart| svg::file(chart).expect("a chart"))
            .collect()
    };
    assert_eq!(files(&again), files(&run));
    let page = html::run(&run).expect("a page");
    assert!(!page.contains(">noise?<"));
    let mut noisy = run.clone();
    noisy.interactions = noisy.interactions.with_noise(0.1, 4);
    let marked = noisy
        .interactions
        .listed()
        .iter()
        .filter(|(_, entry)| entry.below_noise)
        .count();
    assert!(marked > 0);
    assert_eq!(
        html::run(&noisy)
            .expect("a page")
            .matches(">noise?<")
            .count(),
        marked
    );
    assert!(page.contains("not#2") && page.contains("&lt;b&gt;") && page.contains("+2.000"));
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let run = profile(GAME, &numbered(4));
    let refused = |change: &dyn Fn(&mut Profile)| -> String {
        let dir = tempfile::tempdir().expect("a folder");
        let mut other = run.clone();
        change(&mut other);
        write(dir.path(), &other);
        let error = Profile::read(dir.path()).expect_err("refused");
        assert!(matches!(error, Error::Input(_)), "{error:?}");
        error.to_string()
    };
    assert!(refused(&|run| run.record.n = 3).contains("does not list its n players"));
    assert!(refused(&|run| run.record.n = usize::MAX).contains("does not list its n players"));
    assert!(
        refused(&|run| run.interactions.and[0].players = vec![0, 99])
            .contains("players that the record does not")
    );
    assert!(
        refused(&|run| run.interactions.or[0].players.clear())
            .contains("players that the record does not")
    );
    assert!(refused(&|run| run.indices.shapley.truncate(2)).contains("not of n players"));
    assert!(refused(&|run| run.orders.mean_output.push(0.0)).contains("order profile"));
    assert!(refused(&|run| run.record.v_full = 1e200).contains("1e100"));
    let empty = tempfile::tempdir().expect("a folder");
    assert!(matches!(
        Profile::read(empty.path()),
        Err(Error::Read { .. })
    ));
    std::fs::write(empty.path().join("record.json"), "[]").expect("written");
    assert!(matches!(
        Profile::read(empty.path()),
        Err(Error::Parse { .. })
    ));
}

#[test]
fn games_of_every_size_and_scale_have_pages() {
    let games = [
        ("n=1; and(0)*2", 1),
        ("n=2; and(0,1)", 2),
        ("n=3; 0.5", 3),
        ("n=3; and(0,1,2)*1e90 - and(0)*1e90", 3),
        ("n=3; and(0,1,2)*1e-90 + or(0,1)*1e-90", 3),
        ("n=3; and(0,1)*1e-9 + 1e6", 3),
        ("n=4; parity(0,1,2,3)", 4),
    ];
    for (game, players) in games {
        let run = profile(game, &numbered(players));
        let page = html::run(&run).expect(game);
        let (content, _) = page.split_once("<script>").expect("a script at the end");
        assert!(
            !content.contains("NaN") && !content.contains("\"inf\""),
            "{game}"
        );
        for chart in chart::of_profile(&run) {
            let file = svg::file(&chart).expect(game);
            roxmltree::Document::parse(&file).expect(game);
        }
    }
}

fn named<'a>(charts: &'a [Chart], name: &str) -> &'a Chart {
    charts
        .iter()
        .find(|chart| chart.name == name)
        .expect("drawn")
}

fn shapes(chart: &Chart) -> Vec<&Shape> {
    match &chart.body {
        Body::Axes { layers, .. } => layers.iter().map(|layer| &layer.shape).collect(),
        _ => panic!("no axes"),
    }
}

#[test]
fn charts_show_the_numbers_of_the_documents() {
    let run = profile(GAME, &numbered(4));
    let charts = chart::of_profile(&run);
    // The bars of all orders, one upon the other, are as high as the effects are large.
    let heights: f64 = shapes(named(&charts, "orders"))
        .into_iter()
        .flat_map(|shape| match shape {
            Shape::Bars { bars, .. } => bars.clone(),
            _ => Vec::new(),
        })
        .map(|[_, _, from, to]| (to - from).abs())
        .sum();
    assert!((heights - run.interactions.l1).abs() < 1e-9, "{heights}");
    let Shape::Dotted(points) = shapes(named(&charts, "growth"))[0] else {
        panic!("a line")
    };
    let means: Vec<f64> = points.iter().map(|point| point.1).collect();
    assert_eq!(means, run.orders.mean_output);
    let Body::Ranked { bars, .. } = &named(&charts, "interactions").body else {
        panic!("bars")
    };
    assert_eq!(bars.len(), run.interactions.salient.count);
    assert_eq!(
        (bars[0].name.as_str(), bars[0].value.round()),
        ("0 · 1", 2.0)
    );
    let Body::Squares { squares, .. } = &named(&charts, "pairs").body else {
        panic!("squares")
    };
    assert_eq!(squares.len(), 6);
    // What is drawn is also told: every table has a row per thing drawn.
    assert!(charts.iter().all(|chart| !chart.table.rows.is_empty()));
    // No error is left once everything salient is kept.
    let Shape::Dotted(points) = shapes(named(&charts, "faithfulness"))[0] else {
        panic!("a line")
    };
    assert_eq!(points[0].0, 0.0);
    assert_eq!(
        points.last().map(|point| point.0),
        Some(run.interactions.salient.count as f64)
    );
    assert!(points.last().expect("points").1 < 1e-9);
}

#[test]
fn a_batch_counts_every_sample_once_and_bands_hold_the_mean() {
    let run = profile(GAME, &numbered(4));
    let samples: Vec<SampleSummary> = (0..30)
        .map(|at| {
            let mut sample = SampleSummary::new(&at.to_string(), None, &run);
            sample.salient = at * at % 17;
            sample.v_full = f64::from(at as u32).sin();
            sample.bottleneck_index = (at % 3 > 0).then_some(0.1 * at as f64);
            sample
        })
        .collect();
    let strengths: Vec<Vec<f64>> = (0..30)
        .map(|at| vec![2.0 + (at % 5) as f64, 1.0, 1.5 + (at % 3) as f64])
        .collect();
    let summary = Summary {
        schema: 1,
        program: "harsanyi".into(),
        config: Value::Null,
        samples,
        failed: Vec::new(),
        by_players: vec![
            PlayersSummary::new(4, &strengths),
            PlayersSummary::new(5, &[vec![1.0; 4]]),
        ],
    };
    let charts = chart::of_summary(&summary);
    for (name, count) in [
        ("salient", 30.0),
        ("span", 30.0),
        ("strength", 30.0),
        ("bottleneck-index", 20.0),
    ] {
        let Shape::Bars { bars, .. } = shapes(named(&charts, name))[0] else {
            panic!("bars")
        };
        assert_eq!(bars.iter().map(|bar| bar[3]).sum::<f64>(), count, "{name}");
    }
    let drawn = shapes(named(&charts, "bottleneck-4"));
    let [Shape::Band(band), Shape::Dotted(mean)] = drawn[..] else {
        panic!("a band and a line")
    };
    for ((_, low, high), (_, mean)) in band.iter().zip(mean) {
        assert!(low < mean && mean < high);
    }
    assert_eq!(
        shapes(named(&charts, "bottleneck-5")).len(),
        1,
        "one sample has no band"
    );
    assert!(charts.iter().all(|chart| chart::is_name(&chart.name)));
    assert!(!chart::is_name("holiday") && !chart::is_name("bottleneck-x"));

    let rows = csv::samples(&summary);
    let mut reader = ::csv::Reader::from_reader(&rows[..]);
    assert_eq!(reader.records().filter(Result::is_ok).count(), 30);
}

#[test]
fn pictures_and_rows_show_their_players() {
    let mut run = profile(GAME, &numbered(4));
    run.record.kind = Some(harsanyi::report::SampleKind::Image);
    run.record.sample = Some("cat.png".into());
    let image = json!({
        "height": 2, "width": 4, "channels": 3, "original": [2, 4], "grid": null, "png": "data:image/png;base64,iVBORw0KGgo=",
    });
    run.record.image = serde_json::from_value(image).expect("an image");
    for (player, spans) in run
        .record
        .players
        .iter_mut()
        .zip([[0, 2], [2, 4], [4, 6], [6, 8]])
    {
        player.spans = vec![spans];
    }
    let page = html::run(&run).expect("a page");
    assert_eq!(page.matches("<path class=\"player\"").count(), 4);
    assert!(
        page.contains("d=\"M2 1h2v1h-2z\"")
            && page.contains("href=\"data:image/png;base64,iVBORw0KGgo=\"")
    );
    // An image that is none is not loaded.
    run.record.image.as_mut().expect("set").png = "https://example.org/pixel.png".into();
    assert!(!html::run(&run).expect("a page").contains("example.org"));

    run.record.image = None;
    run.record.kind = Some(harsanyi::report::SampleKind::Row);
    let row = json!({
        "columns": ["age", "in<come", "c", "d"], "values": [41.5, -3.0, 0.0, 1e9], "present": [0, 0, 0, 0], "absent": [0, 0, 0, 0],
    });
    run.record.row = serde_json::from_value(row).expect("a row");
    for (at, player) in run.record.players.iter_mut().enumerate() {
        player.spans = vec![[at, at + 1]];
    }
    let page = html::run(&run).expect("a page");
    assert!(page.contains("<bdi>in&lt;come</bdi> = <strong>−3.000</strong>"));
}

#[test]
fn interactions_are_rows_of_a_table() {
    let labels = ["a,b", "say \"hi\"", "c", "d"].map(String::from);
    let run = profile(GAME, &labels);
    let rows = csv::interactions(&run.interactions);
    let mut reader = ::csv::Reader::from_reader(&rows[..]);
    let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(
        rows.len(),
        run.interactions.and.len() + run.interactions.or.len()
    );
    assert_eq!(&rows[0][0], "and");
    assert_eq!((&rows[0][4], &rows[0][5]), ("0 1", "a,b · say \"hi\""));
    assert!((rows[0][2].parse::<f64>().expect("a number") - 2.0).abs() < 1e-9);
}
