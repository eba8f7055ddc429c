//! Tables, plots and pages: terminal, Markdown, HTML and JSON.
//!
//! A [`Report`] holds one recomputed table: cells as measured and as printed, claims with their outcomes,
//! diagnostics, and the artefacts behind each number. It says nothing about how a number came about. These
//! functions turn it into text; equal reports give equal bytes:
//!
//! | function | form |
//! |---|---|
//! | [`terminal()`] | plain text of a given width, with colour on request |
//! | [`markdown()`] | GitHub's Markdown |
//! | [`html()`] | one page that runs nothing and loads nothing |
//! | [`latex()`] | the table for a paper, and [`latex_macros()`] for numbers in its text |
//! | [`csv()`] | the cells of the table, one a line |
//! | [`Report::to_json`] | the report itself, read back by [`Report::from_json`] |
//!
//! A [`Summary`] is over the reports of a scale; it has the same forms.
//!
//! [`write()`] puts Markdown, JSON and HTML into a folder and leaves a file alone that would not change.
//!
//! Text in a report is never trusted: each renderer escapes it for its form, and control characters reach
//! none of them.

mod asked;
mod cite;
mod csv;
mod gates;
mod html;
mod latex;
mod markdown;
mod model;
mod number;
mod plain;
mod provenance;
mod scale;
mod summary;
mod terminal;
mod units;
mod view;
mod words;
mod write;

pub use csv::csv;
pub use html::html;
pub use latex::{latex, latex_macros};
pub use markdown::markdown;
pub use model::*;
pub use summary::{
    ClaimSummary, FALSE_DISCOVERY_RATE, PrimaryClaim, SUMMARY_FORMAT, SUMMARY_STEM, Summary, SummaryError,
    TableSummary, summary_html, summary_markdown, summary_schema, summary_terminal,
};
pub use terminal::{Style, outcomes, terminal};
pub use write::{WriteError, Written, files, probe, probe_report, replace, target, write, write_summary};
