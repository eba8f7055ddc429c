//! The data themselves, to be taken from the page, and how to cite the report.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};

use super::marks::hash;
use crate::cite;
use crate::csv::csv;
use crate::model::Report;
use crate::view;

pub(super) fn data(report: &Report) -> Markup {
    let cells = if view::is_measured(report) {
        "the cells of the table, with each seed"
    } else {
        "the cells of the table"
    };
    let files = [
        ("json", "application/json", "the whole report", report.to_json()),
        ("csv", "text/csv", cells, csv(report)),
    ];
    html! {
        p { "The page holds the data that it shows. Each link saves a file." }
        ul.files {
            @for (extension, kind, words, text) in &files {
                @let name = format!("{}.{extension}", report.id);
                li { a download=(name) href=(address(kind, text)) { (name) } ": " (words) }
            }
        }
    }
}

pub(super) fn citation(report: &Report) -> Markup {
    html! {
        p {
            "The report is named by the hash of its JSON form, " (hash(&report.hash())) ". Other numbers have another hash."
            @if let Some(address) = cite::address(&report.paper) {
                " The paper: " a href=(address) rel="noreferrer" { (report.paper) } "."
            }
        }
        pre tabindex="0" aria-label="BibTeX entry" { code { (cite::bibtex(report)) } }
    }
}

/// What crawlers read. A browser does not run a block of this type.
pub(super) fn review(report: &Report) -> Markup {
    html! { script type="application/ld+json" { (PreEscaped(cite::json_ld(report))) } }
}

/// A text as an address that holds it.
fn address(kind: &str, text: &str) -> String {
    format!("data:{kind};charset=utf-8;base64,{}", STANDARD.encode(text))
}
