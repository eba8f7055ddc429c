//! Diagnostics: text, small tables, plots.

use maud::{Markup, html};

use super::marks::{anchor, here};
use super::plot;
use crate::model::{DataTable, Datum, Report, Section};
use crate::number::{TABLE_DECIMALS, fixed, interval};
use crate::plain::paragraphs;

pub(super) fn diagnostics(report: &Report) -> Option<Markup> {
    if report.diagnostics.is_empty() {
        return None;
    }
    Some(html! { @for section in &report.diagnostics { (one_section(section)) } })
}

/// Plots of a section beyond which they are drawn small.
const FEW_PLOTS: usize = 4;

fn one_section(section: &Section) -> Markup {
    let id = format!("diagnostics-{}", anchor(&section.title));
    html! {
        h3 id=(id) { (section.title) (here(&id, &section.title)) }
        @for paragraph in paragraphs(&section.text) { p { (paragraph) } }
        @for table in &section.tables { (data_table(table, &section.title)) }
        @if !section.plots.is_empty() {
            div.panels.small[section.plots.len() > FEW_PLOTS] { @for plot in &section.plots { (plot::plot(plot)) } }
        }
    }
}

/// A table without a caption is announced by the title of its section.
fn data_table(data: &DataTable, title: &str) -> Markup {
    let numeric = |index: usize| data.rows.iter().any(|row| row.get(index).is_some_and(Datum::is_number));
    let decimals =
        |index: usize| data.header.get(index).and_then(|head| head.decimals).unwrap_or(TABLE_DECIMALS);
    html! {
        div.scroll role="region" aria-label=(data.caption.as_deref().unwrap_or(title)) tabindex="0" {
            table.plain {
                @if let Some(words) = &data.caption { caption { (words) } }
                thead { tr { @for (index, head) in data.header.iter().enumerate() {
                    th.number[numeric(index)] scope="col" { (head.label) }
                } } }
                tbody { @for row in &data.rows { tr { @for (index, value) in row.iter().enumerate() {
                    @if index == 0 {
                        th.number[numeric(index)] scope="row" { (datum(value, decimals(index))) }
                    } @else {
                        td.number[numeric(index)] { (datum(value, decimals(index))) }
                    }
                } } } }
            }
        }
    }
}

fn datum(datum: &Datum, decimals: u8) -> Markup {
    html! {
        @match datum {
            Datum::Empty => {},
            Datum::Text(text) => { (text) },
            Datum::Integer(number) => { (number) },
            Datum::Number(number) => { (fixed(*number, decimals)) },
            Datum::Estimate(estimate) => {
                (fixed(estimate.value, decimals)) span.margin { " " (interval(estimate, decimals)) }
            },
        }
    }
}
