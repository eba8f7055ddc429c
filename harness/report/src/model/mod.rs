//! What a report says: one table with its measured and printed cells, the claims about it, and where each
//! number came from.
//!
//! The types are also the JSON form ([`Report::from_json`], [`Report::to_json`]): keys in snake_case, unknown
//! keys refused, absent and empty values left out, `"format": "assay-report 3"` first to be looked at.
//! Measured values of the table are percentages (0 to 100), unless their column has another unit. `tests/data/example.json` is a complete example.

mod chain;
mod check;
mod format;
mod json;
mod questions;
mod run;
mod source;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use assay_claims::claim::Outcome;
pub use assay_claims::printed::PrintedCheck;
pub use assay_claims::scores::CellId;
pub use assay_claims::section::{
    Axis, DataTable, Datum, Heading, Plot, PlotPoint, Section, Series, SeriesStyle,
};
pub use assay_claims::table::{
    Claim, Gate, Group, Part, Printed, QuestionScores, RowScores, Threshold, Unit,
};
pub use assay_claims::{Assurance, Quantity};
pub use check::Problem;
pub use format::{FORMAT_VERSION, Format};
pub(crate) use json::pretty;
pub use json::{ReadError, schema};
pub use questions::{ColumnQuestions, Sample, ShownQuestion};
pub use run::Run;
pub use source::{Challenge, ChallengeLabel, Criteria, CriteriaFile, Source};

/// One table of a paper, recomputed.
///
/// Everything that reaches a page is in here; nothing is (a time, a host name, a run's id) that would make
/// two reports of the same numbers differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Name and version of the form.
    pub format: Format,
    /// Short name, also the stem of the files that [`write`](crate::write()) makes: letters, digits, `-`,
    /// `_`, `.`.
    pub id: String,
    /// What the table shows, in a few words.
    pub title: String,
    /// The paper's caption, restated.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub caption: String,
    /// The paper, e.g. `arXiv:2509.22637v2`.
    pub paper: String,
    /// Where in the paper, e.g. `Table 5`.
    pub locator: String,
    /// The scale at which it was recomputed, e.g. `embedded`.
    pub scale: String,
    /// The recipe that the report came from, as `assay run` takes it; absent when it came from none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// Values of the scale that were overridden for the run, as given: `evaluation.samples=5`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<String>,
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
    /// The paper's claims about the table, each with an outcome.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// The conditions under which claims are tested, and what came of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// What else was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Section>,
    /// The questions behind the columns, with samples of a few. A column that nothing is measured on is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<ColumnQuestions>,
    /// How the samples that are shown were chosen, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples_chosen: Option<String>,
    /// What was fixed before the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<Criteria>,
    /// What holds for every number: instruction set, image, judge, limits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
    /// The artefacts that cells refer to, and those that they were made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

/// One column: a benchmark, or the average of a group of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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
    /// What its measured values are of, where it is not the share of right samples: `pass@8`, `tokens`, or the name of a
    /// figure of the rows' models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<String>,
    /// The unit of its values, where they are no percentages; empty where they have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// One benchmark.
    Benchmark,
    /// The average over the benchmarks of its group.
    Average,
}

/// One row: a method or a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Name that claims refer to.
    pub id: String,
    /// What was measured, in a few words.
    pub label: String,
    /// The paper's name of the row, when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed_label: Option<String>,
    /// How much was done anew for a row whose scores are imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
    /// How much was done anew for a row that was measured here, in a table that has models of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anew: Option<Assurance>,
    /// Seeds of the training runs behind the measured values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<u64>,
    /// The cells by column id. A column that is missing here is an empty cell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cells: BTreeMap<String, Cell>,
}

/// One cell: what was measured beside what was printed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The measured value, in percent or the unit of the column; absent when it was not attempted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Quantity>,
    /// The paper's value; absent when the paper has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
    /// Ids of the [`Source`]s that the measured value was computed from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
}
