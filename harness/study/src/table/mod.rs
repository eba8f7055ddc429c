//! One table of the paper, recomputed: cells with intervals, the printed values audited, the claims judged.
//!
//! [`Layout`] is what a recipe says about the table, checked before anything runs; [`Evaluation`] is what the
//! judge found for one model and seed; [`Table::new`] puts them together.

mod assemble;
mod layout;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use assemble::{Evaluation, TableError};
pub use layout::{ClaimLayout, Column, Group, Layout, RowLayout};

use crate::inference::claims::{ClaimResult, PrintedClaim};
use crate::inference::diagnostics::Diagnostics;
use crate::inference::printed::CellVerdict;
use crate::inference::scores::{CellId, Measured};

/// A recomputed table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Table {
    /// The columns and rows as the recipe lays them out.
    pub layout: Layout,
    /// Measured questions per benchmark column.
    pub questions: BTreeMap<String, u64>,
    /// Samples per question and seed.
    pub samples: u32,
    /// Samples without a verdict because the judge failed; they count neither as right nor as wrong.
    pub judge_failures: u64,
    /// The training seeds, in ascending order.
    pub seeds: Vec<u64>,
    /// Row id, then column or group id.
    pub cells: BTreeMap<String, BTreeMap<String, Cell>>,
    /// In the order of the recipe.
    pub claims: Vec<Claim>,
    /// Traces and weights, by seed and family of questions; `all` is over all families.
    pub diagnostics: BTreeMap<u64, BTreeMap<String, Diagnostics>>,
    /// Tokens that a model writes per question, by row and benchmark column (mean over samples and seeds).
    pub lengths: BTreeMap<String, BTreeMap<String, f64>>,
    /// What the reader must know, from the scale.
    pub notes: Vec<String>,
}

/// One cell, in percent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cell {
    /// As measured.
    pub measured: Measured,
    /// Judged samples behind the value.
    pub judged: u64,
    /// As printed, with what arithmetic says about it.
    pub printed: Option<Printed>,
}

/// A printed cell and the finding on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Printed {
    /// The characters in the paper.
    pub text: String,
    /// Whether the value can stand.
    pub verdict: CellVerdict,
    /// Why not, if it cannot.
    pub note: Option<String>,
}

/// One claim, held against the measured and the printed cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Claim {
    /// Name, such as `T5.2`.
    pub id: String,
    /// The paper's words, restated.
    pub text: String,
    /// Measured.
    pub result: ClaimResult,
    /// As printed.
    pub printed: PrintedClaim,
    /// The cells of each comparison.
    pub cells: Vec<Vec<CellId>>,
    /// For each comparison the tolerance of `~ within`, or `None` for `>` and `<`.
    pub tolerances: Vec<Option<f64>>,
}
