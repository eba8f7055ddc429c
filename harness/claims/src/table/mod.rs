//! One table of a paper, recomputed: cells with intervals, printed values audited, claims with outcomes.
//!
//! [`Layout`] is what a recipe says about the table, checked before anything runs; [`Evaluation`] is what was
//! found for one model and seed; [`Table::new`] puts them together. A table may hold printed values only.

mod assemble;
mod check;
mod claim;
mod curves;
mod error;
mod gate;
mod layout;
mod notes;
mod questions;
mod recomputed;
mod sections;
mod unit;
mod values;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use assemble::{Evaluation, Figures, Measurements};
pub use check::{Finding, Known};
pub use claim::{Claim, Part, Threshold, Unit};
pub use error::TableError;
pub use gate::Gate;
pub use layout::{
    ClaimLayout, Column, Deviation, Gain, GateLayout, Group, Layout, Measure, NamedMean, Rounding, RowLayout,
    Says,
};
pub use questions::{QuestionScores, RowScores};

use crate::assurance::Assurance;
use crate::printed::PrintedCheck;
use crate::quantity::Quantity;
use crate::section::Section;

/// A recomputed table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The columns and rows as the recipe lays them out.
    pub layout: Layout,
    /// Measured questions of each benchmark.
    pub questions: BTreeMap<String, u64>,
    /// Samples a question and seed, of each benchmark: its k of Avg@k, for all rows that `row_samples` does not name.
    pub samples: BTreeMap<String, u32>,
    /// By row id and benchmark: samples a question and seed of the rows that have another number, for instance because their
    /// model was not trained per seed and is evaluated once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub row_samples: BTreeMap<String, BTreeMap<String, u32>>,
    /// The training seeds, in ascending order.
    pub seeds: Vec<u64>,
    /// By row id: how much was done anew for an imported row. [`Table::new`] leaves it empty; whoever reads the files
    /// fills it in, by [`Table::with_assurance`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub assurance: BTreeMap<String, Assurance>,
    /// Row id, then column or group id. A cell that holds nothing is left out.
    pub cells: BTreeMap<String, BTreeMap<String, Cell>>,
    /// By id of a column of accuracies: what each row scored on single questions. Columns that nothing is measured on are
    /// left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub question_scores: BTreeMap<String, QuestionScores>,
    /// In the order of the recipe.
    pub claims: Vec<Claim>,
    /// What came of the conditions under which claims are tested, in the order of the recipe.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// What else was measured.
    pub sections: Vec<Section>,
    /// What the reader must know: what the recipe and its surroundings say, then what follows from the
    /// numbers.
    pub notes: Vec<String>,
}

/// One cell, in percent unless its column has another unit ([`Column::amount`]).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// As measured; `None` if it was not.
    pub measured: Option<Quantity>,
    /// As printed, with what arithmetic says about it.
    pub printed: Option<Printed>,
}

/// A value as the paper prints it, with what arithmetic says about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Printed {
    /// The characters in the paper, e.g. `75.60`.
    pub text: String,
    /// Whether the value can stand.
    pub check: PrintedCheck,
    /// Why, when it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
