//! Tables, plots and pages: terminal, Markdown, HTML and JSON.
//!
//! A [`Report`] holds one recomputed table: cells as measured and as printed, claims with their outcomes,
//! diagnostics, and the artefacts behind each number. It says nothing about how a number came about. Four
//! functions turn it into text; equal reports give equal bytes:
//!
//! | function | form |
//! |---|---|
//! | [`terminal()`] | plain text of a given width, with colour on request |
//! | [`markdown()`] | GitHub's Markdown |
//! | [`html()`] | one page without scripts or outside resources |
//! | [`Report::to_json`] | the report itself, read back by [`Report::from_json`] |
//!
//! [`write()`] puts the last three into a folder and leaves a file alone that would not change.
//!
//! Text in a report is never trusted: each renderer escapes it for its form, and control characters reach
//! none of them.

mod html;
mod markdown;
mod model;
mod number;
mod plain;
mod provenance;
mod scale;
mod terminal;
mod view;
mod words;
mod write;

pub use html::html;
pub use markdown::markdown;
pub use model::*;
pub use terminal::{Style, terminal};
pub use write::{WriteError, Written, probe, replace, target, write};
