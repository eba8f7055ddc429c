//! Tests through the public surface: renderers on the example and on odd reports, the JSON form, writing to
//! disk.
#![expect(clippy::unwrap_used, reason = "tests")]

mod amounts;
mod browser;
mod forms;
mod hostile;
mod json;
mod odd;
mod questions;
mod render;
mod schema;
mod small;
mod summary;
mod tables;
mod write;

use assay_report::Report;

const EXAMPLE: &str = include_str!("../data/example.json");

fn example() -> Report {
    Report::from_json(EXAMPLE).unwrap()
}
