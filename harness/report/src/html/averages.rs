//! The averages of each row beside the printed ones.

use maud::{Markup, html};

use super::filter;
use super::strip::{self, Sample, Strip};
use crate::model::{Cell, Column, ColumnKind, Report, Row};
use crate::number::{interval, margin, percent};
use crate::scale::Scale;
use crate::view;

pub(super) fn averages(report: &Report) -> Option<Markup> {
    let columns: Vec<&Column> =
        report.columns.iter().filter(|column| column.kind == ColumnKind::Average).collect();
    let scale = scale(report, &columns)?;
    let cells =
        || report.rows.iter().flat_map(|row| columns.iter().filter_map(|column| row.cells.get(&column.id)));
    Some(html! {
        p.legend {
            span.nowrap { (strip::sample(Sample::Estimate)) " measured, with its interval" }
            @if cells().filter_map(|cell| cell.measured.as_ref()).any(|measured| !measured.per_seed.is_empty()) {
                " " span.nowrap { (strip::sample(Sample::Seeds)) " single seeds" }
            }
            @if cells().any(|cell| cell.printed.is_some()) {
                " " span.nowrap { (strip::sample(Sample::Printed)) " printed" }
            }
        }
        (filter::order(cells().any(|cell| cell.printed.is_some())))
        div.panels {
            @for column in &columns {
                figure {
                    figcaption { (view::full_label(report, column)) ", percent" }
                    ul.strips {
                        @for row in &report.rows {
                            li style=[order(report, row, column)] {
                                span.label { (row.label) }
                                (values(row.cells.get(&column.id), &row.label, &scale))
                            }
                        }
                        li.axis-row { (strip::axis(&scale, "")) }
                    }
                }
            }
        }
    })
}

/// The row's places in the orders that a reader may choose: the highest value first, and rows without one last.
fn order(report: &Report, row: &Row, column: &Column) -> Option<String> {
    let measured = |row: &Row| Some(row.cells.get(&column.id)?.measured.as_ref()?.value);
    let printed =
        |row: &Row| number(row.cells.get(&column.id)?.printed.as_ref().map(|found| found.text.as_str()));
    let place = |value: &dyn Fn(&Row) -> Option<f64>| {
        let own = value(row)?;
        Some(report.rows.iter().filter_map(value).filter(|other| *other > own).count())
    };
    let places = [("measured", place(&measured)), ("printed", place(&printed))];
    let places: Vec<String> =
        places.iter().filter_map(|(name, place)| Some(format!("--by-{name}:{}", (*place)?))).collect();
    (!places.is_empty()).then(|| places.join(";"))
}

fn values(cell: Option<&Cell>, label: &str, scale: &Scale) -> Markup {
    let estimate = cell.and_then(|cell| cell.measured.as_ref());
    let text = cell.and_then(|cell| cell.printed.as_ref()).map(|printed| printed.text.as_str());
    let measured = estimate.map_or_else(
        || "not attempted".to_owned(),
        |found| format!("measured {} {}", percent(found.value), interval(found, 1)),
    );
    let description = match text {
        Some(text) => format!("{label}: {measured}, printed {text}"),
        None => format!("{label}: {measured}"),
    };
    let strip = Strip { scale, description, zone: None, estimate, outcome: None, printed: number(text) };
    html! {
        (strip.draw())
        span.values {
            @match estimate {
                Some(found) => { b { (percent(found.value)) } span.margin { " " (margin(found)) } },
                None => { span.absent { "–" } },
            }
            @if let Some(text) = text { " " span.printed { (text) } }
        }
    }
}

/// One scale for all averages, with zero on it.
fn scale(report: &Report, columns: &[&Column]) -> Option<Scale> {
    let mut numbers = Vec::new();
    for row in &report.rows {
        for cell in columns.iter().filter_map(|column| row.cells.get(&column.id)) {
            if let Some(estimate) = &cell.measured {
                numbers.extend([estimate.value, estimate.low, estimate.high]);
                numbers.extend(estimate.per_seed.values());
            }
            numbers.extend(number(cell.printed.as_ref().map(|printed| printed.text.as_str())));
        }
    }
    if numbers.is_empty() {
        return None;
    }
    numbers.push(0.0);
    Scale::linear(numbers.into_iter())
}

/// A printed value as a number; some are none, such as a dash.
fn number(printed: Option<&str>) -> Option<f64> {
    printed?.trim().parse().ok().filter(|number: &f64| number.is_finite())
}
