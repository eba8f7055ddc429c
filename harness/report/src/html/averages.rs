//! The averages of each row beside the printed ones.

use maud::{Markup, html};

use super::filter::{self, number};
use super::strip::{self, Sample, Strip};
use crate::model::{Column, ColumnKind, Report, Row};
use crate::number::{decimals, fixed, interval, margin};
use crate::scale::Scale;
use crate::units::unit;
use crate::view;

pub(super) fn averages(report: &Report) -> Option<Markup> {
    let columns: Vec<&Column> =
        report.columns.iter().filter(|column| column.kind == ColumnKind::Average).collect();
    // Nothing to show where no average has a value.
    scale(report, columns.iter().copied())?;
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
                // Averages of one unit share a scale.
                @let alike = columns.iter().copied().filter(|other| other.unit == column.unit);
                @if let Some(scale) = scale(report, alike) { figure {
                    figcaption { (view::full_label(report, column)) ", " (unit(column)) }
                    ul.strips {
                        @for row in &report.rows {
                            li style=[order(report, row, column)] {
                                span.label { (row.label) }
                                (values(row, column, &scale))
                            }
                        }
                        li.axis-row { (strip::axis(&scale, "")) }
                    }
                } }
            }
        }
    })
}

fn order(report: &Report, row: &Row, column: &Column) -> Option<String> {
    let places = filter::ranks(report, row, column, "");
    (!places.is_empty()).then(|| places.join(";"))
}

fn values(row: &Row, column: &Column, scale: &Scale) -> Markup {
    let (cell, label) = (row.cells.get(&column.id), &row.label);
    let estimate = cell.and_then(|cell| cell.measured.as_ref());
    let text = cell.and_then(|cell| cell.printed.as_ref()).map(|printed| printed.text.as_str());
    let measured = estimate.map_or_else(
        || "not attempted".to_owned(),
        |found| {
            let digits = decimals(column, found);
            let interval = if found.has_interval() { interval(found, digits) } else { String::new() };
            format!("measured {} {interval}", fixed(found.value, digits)).trim_end().to_owned()
        },
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
                Some(found) => {
                    @let digits = decimals(column, found);
                    b { (fixed(found.value, digits)) } span.margin { " " (margin(found, digits)) }
                },
                None => { span.absent { "–" } },
            }
            @if let Some(text) = text { " " span.printed { (text) } }
        }
    }
}

/// One scale for some averages, with zero on it.
fn scale<'a>(report: &'a Report, columns: impl Iterator<Item = &'a Column> + Clone) -> Option<Scale> {
    let mut numbers = Vec::new();
    for row in &report.rows {
        for cell in columns.clone().filter_map(|column| row.cells.get(&column.id)) {
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
