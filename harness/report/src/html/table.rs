//! The main table, and below it each value by seed.

use maud::{Markup, html};

use super::filter;
use super::marks::{cell_id, check_mark, here, row_id};
use super::samples::questions_id;
use crate::model::{Cell, Column, ColumnKind, Printed, Quantity, Report, Row};
use crate::number::{count, decimals, fixed, interval, level, margin};
use crate::units::{capitalised, unit_in_heading, units};
use crate::view::{self, Origins, short};
use crate::words::CheckLook as _;

pub(super) fn table(report: &Report, origins: &Origins<'_>) -> Option<Markup> {
    if report.columns.is_empty() || report.rows.is_empty() {
        return None;
    }
    let grouped = report.columns.iter().any(|column| column.group.is_some());
    Some(html! {
        (legend(report))
        (filter::rows(report))
        (filter::sorting(report))
        div.scroll.tall role="region" aria-label="The table" tabindex="0" {
            table.main {
                caption { (caption(report)) }
                thead {
                    @if grouped {
                        tr.groups {
                            td {}
                            @for block in view::blocks(report) {
                                th scope="colgroup" colspan=(block.columns.len()) style={ "grid-column: span " (block.columns.len()) } { span { (block.label()) } }
                            }
                        }
                    }
                    tr {
                        th.corner scope="col" { (heading(report, None, html! { "Row" })) }
                        @for (at, column) in report.columns.iter().enumerate() { (column_head(report, at, column)) }
                    }
                }
                tbody {
                    @for row in &report.rows {
                        tr id=(row_id(&row.id)) class=[filter::class_names(&filter::classes(report, row))] style=[filter::places(report, row)] {
                            th scope="row" {
                                (row.label) (here(&row_id(&row.id), &row.label))
                                @if let Some(printed) = &row.printed_label { span.printed { (view::in_the_place_of(printed)) } }
                                @if let Some(level) = view::assurance(row) { span.measured-on { (level) } }
                            }
                            @for column in &report.columns { (cell(row, column, report, origins)) }
                        }
                    }
                }
            }
        }
        (by_seed(report))
    })
}

fn caption(report: &Report) -> String {
    match (report.locator.as_str(), view::is_measured(report)) {
        (locator, false) => locator.to_owned(),
        ("", true) => capitalised(&view::what_was_done(report)),
        (locator, true) => format!("{locator}, {}", view::what_was_done(report)),
    }
}

fn legend(report: &Report) -> Markup {
    html! {
        p.legend {
            @if view::is_measured(report) {
                span { b { "12.3" } span.margin { " ±4.5" } } " " (if view::imported(report).is_some() { "from imported scores" } else { "measured here" }) ", " (units(report)) ", with half the width of its "
                (level(report.confidence)) " interval" (view::or_the_interval(report))
                @if view::is_printed(report) { "; " span.printed { "67.80" } " printed in the paper" }
                ". "
                span.screen { "Hover over a number for its interval and seeds, follow it to its artefacts." }
            } @else {
                (capitalised(&units(report))) ", as " span.printed { "printed" } " in the paper."
            }
            @for check in view::present_marks(report) {
                " " span.nowrap { (check_mark(check)) " " (check.word()) "." }
            }
        }
    }
}

/// A heading of the table, by which it can be sorted where there is something to sort.
fn heading(report: &Report, at: Option<usize>, words: Markup) -> Markup {
    if report.rows.len() < 2 { words } else { filter::sort(at, words) }
}

fn column_head(report: &Report, at: usize, column: &Column) -> Markup {
    let words = html! {
        @match view::stand_in(column) {
            Some(name) => { (name) span.measured-on { (view::in_the_place_of(&column.label)) } },
            None => { (column.label) },
        }
        @if let Some(unit) = unit_in_heading(report, column) { span.measured-on { (unit) } }
    };
    html! {
        th.average[column.kind == ColumnKind::Average] scope="col" title=[view::sizes(column).map(|size| format!("questions × samples: {size}"))] {
            (heading(report, Some(at), words))
        }
    }
}

fn cell(row: &Row, column: &Column, report: &Report, origins: &Origins<'_>) -> Markup {
    let empty = Cell::default();
    let cell = row.cells.get(&column.id).unwrap_or(&empty);
    html! {
        td.average[column.kind == ColumnKind::Average] id=(cell_id(&row.id, &column.id)) {
            @match &cell.measured {
                Some(estimate) => { (measured(estimate, cell, column, report, origins)) },
                None => { span.absent title="not attempted" { "–" } },
            }
            @if let Some(value) = &cell.printed { (printed(value)) }
        }
    }
}

fn measured(
    estimate: &Quantity,
    cell: &Cell,
    column: &Column,
    report: &Report,
    origins: &Origins<'_>,
) -> Markup {
    let digits = decimals(column, estimate);
    let words = html! {
        b { (fixed(estimate.value, digits)) }
        @if estimate.has_interval() { span.margin { " " (margin(estimate, digits)) } }
    };
    let title = description(estimate, digits, cell, report);
    html! {
        @match origins.position(cell) {
            Some(position) => { a.measured href={ "#origin-" (position + 1) } title=(title) { (words) } },
            None if report.questions.iter().any(|questions| questions.column == column.id) => {
                a.measured href={ "#" (questions_id(&column.id)) } title=(title) { (words) }
            },
            None => { span.measured title=(title) { (words) } },
        }
    }
}

/// All about a value in a few lines.
fn description(estimate: &Quantity, digits: u8, cell: &Cell, report: &Report) -> String {
    let value = fixed(estimate.value, digits + 1);
    let mut lines = vec![match estimate.has_interval() {
        true => {
            format!("{value}, {} interval {}", level(report.confidence), interval(estimate, digits + 1))
        }
        false => format!("{value}, without an interval"),
    }];
    if !estimate.per_seed.is_empty() {
        let seeds =
            estimate.per_seed.iter().map(|(seed, value)| format!("seed {seed}: {}", fixed(*value, digits)));
        lines.push(seeds.collect::<Vec<_>>().join(", "));
    }
    if let Some(n) = estimate.n {
        lines.push(format!("{} judged samples", count(n)));
    }
    for id in &cell.sources {
        if let Some(source) = report.sources.iter().find(|source| source.id == *id) {
            lines.push(format!("from {} {}", source.step, short(&source.artefact)));
        }
    }
    lines.join("\n")
}

fn printed(printed: &Printed) -> Markup {
    let why = printed.note.as_ref().map(|note| format!("{}: {note}", printed.check.word()));
    html! {
        span.printed title=[why] {
            (check_mark(printed.check)) (printed.text)
            @if printed.check.mark().is_some() { span.hidden { " (" (printed.check.word()) ")" } }
        }
    }
}

fn by_seed(report: &Report) -> Markup {
    let rows = view::seeded_rows(report);
    if rows.is_empty() {
        return html! {};
    }
    html! {
        p.paper.legend { "Every measured value by seed is left out on paper: it is in " (report.id) ".json, and on the page." }
        details.raw {
            summary { "Every measured value by seed" }
            div.scroll.tall role="region" aria-label="Every measured value by seed" tabindex="0" {
                table.plain {
                    thead { tr {
                        th scope="col" { "Row" } th.number scope="col" { "Seed" }
                        @for column in &report.columns { th.number scope="col" { (column.label) } }
                    } }
                    tbody { @for (row, seeds) in &rows { @for (index, seed) in seeds.iter().enumerate() {
                        tr.first[index == 0] {
                            @if index == 0 { th scope="rowgroup" rowspan=(seeds.len()) { (row.label) } }
                            th.number scope="row" { (seed) }
                            @for column in &report.columns {
                                @let estimate = row.cells.get(&column.id).and_then(|cell| cell.measured.as_ref());
                                td.number { @if let Some((found, value)) = estimate.and_then(|found| Some((found, found.per_seed.get(seed)?))) {
                                    (fixed(*value, decimals(column, found)))
                                } }
                            }
                        }
                    } } }
                }
            }
        }
    }
}
