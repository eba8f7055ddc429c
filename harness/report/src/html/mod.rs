//! The report as one HTML page.
//!
//! The page needs nothing but itself: styles and plots are inline, there is no script, and a content security
//! policy keeps it so whatever a text in the report says. Texts pass through `maud`, which escapes them.

mod averages;
mod claims;
mod diagnostics;
mod origins;
mod plot;
mod strip;
mod table;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::model::{Outcome, PrintedCheck, Report};
use crate::plain::visible;
use crate::view::{self, Audit, Origins};
use crate::words::{CheckLook as _, OutcomeLook as _};

const STYLE: &str = include_str!("page.css");

/// Nothing may be loaded or run, inline styles aside.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The report as one self-contained HTML page: light and dark, printable, without scripts or outside
/// resources.
pub fn html(report: &Report) -> String {
    let audit = view::audit(report);
    let origins = Origins::of(report);
    let sections = [
        ("table", "Table", table::table(report, &origins)),
        ("averages", "Averages", averages::averages(report)),
        ("claims", "Claims", claims::claims(report)),
        ("printed", "Printed values", printed(&audit, report)),
        ("diagnostics", "Diagnostics", diagnostics::diagnostics(report)),
        ("origins", "Where the numbers come from", origins::origins(report, &origins)),
    ];
    // A section without content is left out, and so is the way to it.
    let sections: Vec<_> = sections
        .into_iter()
        .filter_map(|(id, title, content)| content.map(|content| (id, title, content)))
        .collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (report.title) " · " (report.locator) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (heading(report)) }
                nav aria-label="Sections" {
                    ul { @for (id, title, _) in &sections { li { a href={ "#" (id) } { (title) } } } }
                }
                main {
                    @for (id, title, content) in &sections {
                        section id=(id) aria-labelledby={ (id) "-title" } {
                            h2 id={ (id) "-title" } { (title) }
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
                            td { a href={ "#" (cell_id(&flag.row.id, &flag.column.id)) } { (view::full_label(report, flag.column)) } }
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

/// The drawn mark of an outcome: the same shapes as the characters on a terminal, whatever fonts there are.
fn mark(outcome: Outcome) -> Markup {
    html! {
        svg.mark width="14" height="14" viewBox="0 0 14 14" aria-hidden="true" {
            @match outcome {
                Outcome::Replicated => { path d="M2 7.5 5.5 11 12 3" {} },
                Outcome::NotReplicated => { path d="M3 3 11 11M11 3 3 11" {} },
                Outcome::Inconclusive => {
                    circle cx="7" cy="7" r="5" {}
                    path.solid d="M7 2a5 5 0 0 0 0 10z" {}
                },
                Outcome::NotAttempted => { circle cx="7" cy="7" r="5" {} },
            }
        }
    }
}

/// The mark of a printed value that cannot stand, with its word for those who cannot see it.
fn check_mark(check: PrintedCheck) -> Markup {
    html! {
        @if let Some(mark) = check.mark() { span.check aria-hidden="true" { (mark) } }
    }
}

/// Anchor of a cell of the main table.
fn cell_id(row: &str, column: &str) -> String {
    format!("cell-{}-{}", anchor(row), anchor(column))
}

/// An id as part of an anchor: other characters than letters, digits and points are spelt by their number, so
/// that different ids stay different.
fn anchor(id: &str) -> String {
    let mut text = String::new();
    for character in id.chars() {
        if character.is_ascii_alphanumeric() || character == '.' {
            text.push(character);
        } else {
            text.push_str(&format!("_{:x}_", u32::from(character)));
        }
    }
    text
}
