//! `report`: a finished run folder as text, tables, charts or a page; and the pages that `profile` leaves in it.

use std::path::{Path, PathBuf};

use harsanyi::Error;
use harsanyi::report::chart::{self, Chart};
use harsanyi::report::{OrderReport, Profile, Study, Summary, csv, folder, html, svg, text};
use serde_json::Value;

use super::args::{Format, GlobalArgs, ReportArgs};
use super::output::Output;

/// Who writes.
pub(crate) const PROGRAM: &str = concat!("harsanyi ", env!("CARGO_PKG_VERSION"));

/// The folder of the charts of a run or a batch, below its own.
const CHARTS: &str = "charts";

/// What a folder holds.
enum Results {
    Run(Box<Profile>),
    Batch(Summary),
    Study(Box<Study>),
    Orders(Box<OrderReport>),
}

impl Results {
    fn read(dir: &Path) -> anyhow::Result<Self> {
        let has = |name: &str| dir.join(name).exists();
        if has("samples.csv") && !has("orders.json") {
            let sentence = "was written by `sample`, whose terms stand in `interactions.json`; `report` takes folders of `profile` and `order`";
            return Err(Error::Input(format!("`{}` {sentence}", dir.display())).into());
        }
        Ok(match (has("summary.json"), has("record.json")) {
            (true, _) => Self::Batch(Summary::read(dir)?),
            (false, false) if has("orders.json") => {
                // A study says which form of it this is; an order profile of one table is the same file as a run's.
                let path = dir.join("orders.json");
                let document: Value = folder::read_json(&path, "order profile")?;
                match document.get("schema") {
                    Some(_) => Self::Study(Box::new(Study::read(dir)?)),
                    None => Self::Orders(Box::new(OrderReport::read(dir)?)),
                }
            }
            (false, _) => Self::Run(Box::new(Profile::read(dir)?)),
        })
    }

    fn charts(&self) -> Vec<Chart> {
        match self {
            Self::Run(profile) => chart::of_profile(profile),
            Self::Batch(summary) => chart::of_summary(summary),
            Self::Study(study) => chart::of_study(&study.curve),
            Self::Orders(orders) => chart::of_orders(orders),
        }
    }

    fn document(
        &self,
        format: Format,
        args: &ReportArgs,
        output: &Output,
    ) -> anyhow::Result<Vec<u8>> {
        let page = text::Page {
            rows: args.rows,
            ..output.page
        };
        Ok(match (format, self) {
            (Format::Text, Self::Run(one)) => text::profile(
                page,
                &one.record,
                &one.interactions,
                &one.orders,
                &one.indices,
            )
            .into(),
            (Format::Text, Self::Batch(many)) => text::summary(page, many).into(),
            (Format::Text, Self::Study(study)) => text::curve(page, &study.curve).into(),
            (Format::Text, Self::Orders(orders)) => text::order_profile(page, orders).into(),
            (Format::Json, Self::Run(one)) => serde_json::to_string(one)?.into_bytes(),
            (Format::Json, Self::Batch(many)) => serde_json::to_string(many)?.into_bytes(),
            (Format::Json, Self::Study(study)) => serde_json::to_string(study)?.into_bytes(),
            (Format::Json, Self::Orders(orders)) => serde_json::to_string(orders)?.into_bytes(),
            (Format::Csv, Self::Run(one)) => csv::interactions(&one.interactions),
            (Format::Csv, Self::Batch(many)) => csv::samples(many),
            (Format::Csv, Self::Study(study)) => csv::strengths(&study.curve),
            (Format::Csv, Self::Orders(orders)) => csv::orders(orders),
            (Format::Html, Self::Run(one)) => html::run(one)?.into(),
            (Format::Html, Self::Batch(many)) => html::batch(many)?.into(),
            (Format::Html, Self::Study(study)) => html::study(study)?.into(),
            (Format::Html, Self::Orders(orders)) => html::orders(orders, PROGRAM)?.into(),
            (Format::Svg, _) => svg::file(&chosen(self.charts(), args.chart.as_deref())?)?.into(),
        })
    }
}

/// The chart called `name`, or the first.
fn chosen(charts: Vec<Chart>, name: Option<&str>) -> Result<Chart, Error> {
    let names: Vec<&str> = charts.iter().map(|chart| chart.name.as_str()).collect();
    let refused = Error::Parameter {
        parameter: "--chart",
        must: "a chart that this folder has",
        got: format!("`{}`; it has {}", name.unwrap_or("none"), names.join(", ")),
    };
    charts
        .into_iter()
        .find(|chart| name.is_none_or(|name| chart.name == name))
        .ok_or(refused)
}

pub(crate) fn report(
    args: &ReportArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<()> {
    let results = Results::read(&args.dir)?;
    let target = global.output.as_deref();
    let format = global
        .format
        .or_else(|| target.and_then(by_name))
        .unwrap_or(Format::Text);
    let Some(target) = target else {
        let document = results.document(format, args, output)?;
        return match format {
            Format::Text => output.raw(&document),
            _ => output.document(&document),
        };
    };
    let is_folder = target.is_dir() || target.extension().is_none();
    if is_folder {
        folder::create(target)?;
    }
    if is_folder && format == Format::Svg && args.chart.is_none() {
        for chart in results.charts() {
            write(
                &target.join(format!("{}.svg", chart.name)),
                svg::file(&chart)?.as_bytes(),
            )?;
        }
    } else {
        let path = if is_folder {
            target.join(file_name(format, args))
        } else {
            PathBuf::from(target)
        };
        write(&path, &results.document(format, args, output)?)?;
    }
    output.say(&format!("written to {}", target.display()));
    Ok(())
}

/// The format that a file's name asks for.
fn by_name(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "html" | "htm" => Some(Format::Html),
        "svg" => Some(Format::Svg),
        "csv" => Some(Format::Csv),
        "json" => Some(Format::Json),
        _ => None,
    }
}

fn file_name(format: Format, args: &ReportArgs) -> String {
    match format {
        Format::Text => "report.txt".into(),
        Format::Json => "report.json".into(),
        Format::Html => "report.html".into(),
        Format::Csv => "report.csv".into(),
        Format::Svg => format!("{}.svg", args.chart.as_deref().unwrap_or("chart")),
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    folder::write(path, |file| file.write_all(content))
}

/// Writes the page of a run and its charts.
pub(crate) fn write_run(dir: &Path, profile: &Profile) -> anyhow::Result<()> {
    write(&dir.join("report.html"), html::run(profile)?.as_bytes())?;
    write_charts(dir, &chart::of_profile(profile))
}

/// Writes the page of a batch and its charts.
pub(crate) fn write_batch(dir: &Path, summary: &Summary) -> anyhow::Result<()> {
    write(&dir.join("report.html"), html::batch(summary)?.as_bytes())?;
    write_charts(dir, &chart::of_summary(summary))
}

/// Writes the page of a study and its charts.
pub(crate) fn write_study(dir: &Path, study: &Study) -> anyhow::Result<()> {
    write(&dir.join("report.html"), html::study(study)?.as_bytes())?;
    write_charts(dir, &chart::of_study(&study.curve))
}

/// Writes the page of the orders of one table and its charts.
pub(crate) fn write_orders(dir: &Path, report: &OrderReport) -> anyhow::Result<()> {
    let page = html::orders(report, PROGRAM)?;
    write(&dir.join("report.html"), page.as_bytes())?;
    write_charts(dir, &chart::of_orders(report))
}

fn write_charts(dir: &Path, charts: &[Chart]) -> anyhow::Result<()> {
    remove_charts(dir)?;
    let dir = dir.join(CHARTS);
    folder::create(&dir)?;
    for chart in charts {
        write(
            &dir.join(format!("{}.svg", chart.name)),
            svg::file(chart)?.as_bytes(),
        )?;
    }
    Ok(())
}

/// Removes what writes that were cut short left of a run or a batch in `dir`, where no other process works.
pub(crate) fn sweep(dir: &Path) {
    folder::sweep(dir, None);
    folder::sweep(&dir.join(CHARTS), None);
}

/// Removes the charts of an earlier run, which were not made from what is in `dir` now, and nothing else.
pub(crate) fn remove_charts(dir: &Path) -> Result<(), Error> {
    let dir = dir.join(CHARTS);
    let Ok(entries) = std::fs::read_dir(&dir) else {
        return Ok(());
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(".svg"));
        if stem.is_some_and(chart::is_name) {
            folder::remove(&entry.path())?;
        }
    }
    Ok(())
}
