//! What a report says: one table with its measured and printed cells, the claims about it, and where each
//! number came from.
//!
//! The types are also the JSON form ([`Report::from_json`], [`Report::to_json`]): keys in kebab-case, unknown
//! keys refused, absent and empty values left out, `"format": "assay-report 1"` first to be looked at.
//! Measured values of the table are percentages (0 to 100). `tests/data/example.json` is a complete example.

mod check;
mod claim;
mod format;
mod json;
mod section;
mod source;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use check::Problem;
pub use claim::{CellRef, Claim, Part, Threshold, Unit, Verdict};
pub use format::{FORMAT_VERSION, Format};
pub use json::ReadError;
pub use section::{Axis, DataTable, Datum, Heading, Plot, PlotPoint, Section, Series, SeriesStyle};
pub use source::{Criteria, Source};

/// One table of a paper, recomputed.
///
/// Everything that reaches a page is in here; nothing is (a time, a host name, a run's id) that would make
/// two reports of the same numbers differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Report {
    /// Name and version of the form.
    pub format: Format,
    /// Short name, also the stem of the files that [`write`](crate::write()) makes: letters, digits, `-`,
    /// `_`, `.`.
    pub id: String,
    /// What the table shows, in a few words.
    pub title: String,
    /// The paper's caption, restated.
    pub caption: String,
    /// The paper, e.g. `arXiv:2509.22637v2`.
    pub paper: String,
    /// Where in the paper, e.g. `Table 5`.
    pub locator: String,
    /// The scale at which it was recomputed, e.g. `embedded`.
    pub scale: String,
    /// Level of every interval in the report, between 0 and 1, e.g. 0.95.
    pub confidence: f64,
    /// What a reader must know before comparing, e.g. that intervals are wide because questions are few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Groups of columns, in no particular order: columns have the order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// Columns, left to right. Columns of one group stand together.
    pub columns: Vec<Column>,
    /// Rows, top to bottom.
    pub rows: Vec<Row>,
    /// The paper's claims about the table, each with a verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// What else was measured on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Section>,
    /// What was fixed before the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<Criteria>,
    /// What holds for every number: instruction set, image, judge, limits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
    /// The artefacts that cells refer to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

/// A group of columns, e.g. the benchmarks of mathematics with their average.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Group {
    /// Name that columns refer to.
    pub id: String,
    /// Heading above the group's columns.
    pub label: String,
}

/// One column: a benchmark, or the average of a group of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Column {
    /// Name that cells refer to.
    pub id: String,
    /// Heading, as in the paper, e.g. `MATH500`.
    pub label: String,
    /// What the column holds.
    pub kind: ColumnKind,
    /// The [`Group`] that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What the measured values were measured on when that is not the paper's benchmark, e.g. `chain2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_on: Option<String>,
    /// Questions behind a measured value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub questions: Option<u64>,
    /// Samples for each of those questions and each seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// Questions behind the printed value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper_questions: Option<u64>,
    /// Samples for each question behind the printed value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper_samples: Option<u64>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// One benchmark.
    Benchmark,
    /// The average over the benchmarks of its group.
    Average,
}

/// One row: a method or a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Row {
    /// Name that claims refer to.
    pub id: String,
    /// What was measured, in a few words.
    pub label: String,
    /// The paper's name of the row, when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed_label: Option<String>,
    /// Seeds of the training runs behind the measured values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<u64>,
    /// The cells by column id. A column that is missing here is an empty cell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cells: BTreeMap<String, Cell>,
}

/// One cell: what was measured beside what was printed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cell {
    /// The measured percentage; absent when it was not attempted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Estimate>,
    /// The paper's value; absent when the paper has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
    /// Ids of the [`Source`]s that the measured value was computed from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
}

/// A measured value with its uncertainty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Lower end of the interval at the report's [`confidence`](Report::confidence).
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Standard error of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
    /// The value of each seed alone. (JSON: an object with the seeds as keys.)
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_seed: BTreeMap<u64, f64>,
    /// Judged samples behind the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
}

impl Estimate {
    /// Half of the interval's width, what stands after "±".
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}

/// A value as the paper prints it, with what arithmetic says about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Printed {
    /// The characters in the paper, e.g. `75.60`.
    pub text: String,
    /// Whether the value can stand.
    pub check: PrintedCheck,
    /// Why, when it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What arithmetic on the printed table says about one of its cells. It needs no measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrintedCheck {
    /// It can stand beside the rest of the table.
    Consistent,
    /// Other printed values say otherwise, e.g. an average that does not recompute from its row.
    Contradicted,
    /// No number of right answers gives it.
    Impossible,
    /// Nothing was checked.
    NotAttempted,
}
