//! The report as one HTML page.
//!
//! The page needs nothing but itself: styles and plots are inline, nothing runs, and a content security policy keeps
//! it so whatever a text in the report says. The one `script` element holds data for crawlers, and no browser runs
//! its type. Texts pass through `maud`, which escapes them.

mod artefacts;
mod averages;
mod claims;
mod data;
mod diagnostics;
mod filter;
mod gates;
mod glance;
mod marks;
mod origins;
mod plot;
mod samples;
mod seeds;
mod strip;
mod table;

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(crate) use self::glance::forest;
use self::marks::{cell_id, check_mark};
pub(crate) use self::marks::{claim_id, here, mark};
use crate::model::Report;
use crate::plain::visible;
use crate::provenance::Edges;
use crate::view::{self, Audit, Origins};
use crate::words::OutcomeLook as _;

pub(crate) const STYLE: &str = include_str!("page.css");

/// Nothing may be loaded or run, inline styles aside.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Bytes beyond which a page says that it is large.
const LARGE: usize = 5_000_000;

/// The report as one self-contained HTML page: light and dark, printable; it runs nothing and loads nothing.
///
/// A page of more than 5 MB begins with a note that it is large.
pub fn html(report: &Report) -> String {
    let text = page(report, None);
    if text.len() > LARGE { page(report, Some(text.len())) } else { text }
}

/// What stands first in the head of every page.
pub(crate) fn meta() -> Markup {
    html! {
        meta charset="utf-8";
        meta http-equiv="Content-Security-Policy" content=(POLICY);
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
    }
}

fn page(report: &Report, bytes: Option<usize>) -> String {
    let sections = sections(report);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (meta())
                title { (report.title) @if !report.locator.is_empty() { " · " (report.locator) } }
                style { (PreEscaped(STYLE)) (PreEscaped(filter::rules(report))) }
                (data::review(report))
            }
            body {
                header { (heading(report)) (large(bytes)) }
                nav aria-label="Sections" {
                    ul { @for (id, title, _) in &sections { li { a href={ "#" (id) } { (title) } } } }
                }
                main {
                    @for (id, title, content) in &sections {
                        section id=(id) aria-labelledby={ (id) "-title" } {
                            h2 id={ (id) "-title" } { (title) (here(id, title)) }
                            (content)
                        }
                    }
                }
                footer {
                    p { "The same numbers as " a href={ (report.id) ".json" } { (report.id) ".json" }
                        " and " a href={ (report.id) ".md" } { (report.id) ".md" } "." }
                }
            }
        }
    };
    let mut text = visible(&page.into_string());
    text.push('\n');
    text
}

/// A section's anchor, its title and what it holds.
type Part = (&'static str, &'static str, Markup);

/// The sections of the page. One without content is left out, and so is the way to it.
fn sections(report: &Report) -> Vec<Part> {
    let edges = Edges::of(report);
    let audit = view::audit(report);
    let origins = Origins::of(report);
    let sections = [
        ("table", "Table", table::table(report, &origins)),
        ("averages", "Averages", averages::averages(report)),
        ("claims", "Claims", all_claims(report)),
        ("gates", "Gates", gates::gates(report)),
        ("seeds", "Seeds", seeds::seeds(report)),
        ("printed", "Printed values", printed(&audit, report)),
        ("diagnostics", "Diagnostics", diagnostics::diagnostics(report)),
        ("origins", "Where the numbers come from", origins::origins(report, &origins, &edges)),
        ("questions", "Questions and samples", samples::samples(report)),
        ("artefacts", "Artefacts", artefacts::artefacts(report, &edges)),
        ("data", "Data", Some(data::data(report))),
        ("citation", "How to cite", Some(data::citation(report))),
    ];
    sections.into_iter().filter_map(|(id, title, content)| Some((id, title, content?))).collect()
}

/// The claims, below a figure of all of them.
fn all_claims(report: &Report) -> Option<Markup> {
    let content = claims::claims(report)?;
    Some(html! { (filter::claims(report)) (glance::glance(report).unwrap_or_default()) (content) })
}

fn large(bytes: Option<usize>) -> Markup {
    html! {
        @if let Some(bytes) = bytes {
            p.large role="note" {
                "This page has " (bytes.div_ceil(1_000_000)) " MB, and a browser may take a while to show it. Numbers by seed and \
                 artefacts take the most room; the JSON form has them too."
            }
        }
    }
}

fn heading(report: &Report) -> Markup {
    html! {
        p.origin { (view::origin(report)) }
        h1 { (report.title) }
        @if !report.caption.is_empty() { p.caption { (report.caption) } }
        @if !report.claims.is_empty() {
            ul.tally aria-label="Outcomes of the paper's claims" {
                @for (outcome, number) in view::tally(&report.claims) {
                    li.none[number == 0] title=(outcome.meaning()) {
                        span.count { (number) }
                        span class={ "outcome " (outcome.class()) } { (mark(outcome)) " " (outcome.word()) }
                    }
                }
            }
        }
        @if !report.notes.is_empty() {
            ul.notes { @for note in &report.notes { li { (note) } } }
        }
    }
}

fn printed(audit: &Audit<'_>, report: &Report) -> Option<Markup> {
    if audit.cells() == 0 {
        return None;
    }
    Some(html! {
        p { "Arithmetic on the paper's table alone: of " (audit.cells()) " printed values, " (audit.summary()) "." }
        @if !audit.flags.is_empty() {
            div.scroll role="region" aria-label="Printed values that cannot stand" tabindex="0" {
                table.plain {
                    thead { tr { th scope="col" { "Row" } th scope="col" { "Column" } th.number scope="col" { "Printed" }
                        th scope="col" { "Result" } th scope="col" { "Why" } } }
                    tbody { @for flag in &audit.flags {
                        tr {
                            th scope="row" { (flag.row.printed_label.as_ref().unwrap_or(&flag.row.label)) }
                            td { a href={ "#" (cell_id(&flag.row.id, &flag.column.id)) } { (view::printed_label(report, flag.column)) } }
                            td.number.printed { (flag.printed.text) }
                            td { (check_mark(flag.printed.check)) " " (flag.printed.check.word()) }
                            td { (flag.printed.note.as_deref().unwrap_or_default()) }
                        }
                    } }
                }
            }
        }
    })
}
