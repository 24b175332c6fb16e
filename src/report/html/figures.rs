//! Charts on a page, each with its numbers.

use maud::{Markup, PreEscaped, html};

use crate::Result;
use crate::report::chart::{Chart, Table};
use crate::report::svg;
use crate::report::text::inert;

/// Charts side by side where there is room.
pub(super) fn grid(charts: &[Chart]) -> Result<Markup> {
    let figures: Vec<(&Chart, String)> = charts
        .iter()
        .map(|chart| Ok((chart, svg::element(chart)?)))
        .collect::<Result<_>>()?;
    Ok(html! {
        div.grid {
            @for (chart, drawing) in &figures {
                figure {
                    h3 { (inert(&chart.title)) }
                    (PreEscaped(drawing))
                    figcaption { (inert(&chart.caption)) }
                    (numbers(&chart.table))
                }
            }
        }
    })
}

fn numbers(table: &Table) -> Markup {
    html! {
        details.numbers {
            summary { "Numbers" }
            table {
                thead { tr { @for head in &table.head { th.number scope="col" { (head) } } } }
                tbody { @for row in &table.rows { tr { @for cell in row { td.number { (inert(cell)) } } } } }
            }
        }
    }
}
