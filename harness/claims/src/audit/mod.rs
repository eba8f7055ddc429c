//! The audit of printed tables: what can be said about the numbers of a paper without measuring anything.
//!
//! [`audit`] takes the tables of one paper and returns findings, each with its arithmetic and its possible causes,
//! and the result of every cell. Rows that are quoted from elsewhere are not checked, nor are cells whose number of
//! questions or samples is unknown. Equal values are a finding only where chance hardly explains them.
//!
//! The checks: of single cells, their [grid](GridCheck) and their [average](AverageCheck); of rows and tables,
//! repeats, methods with several values, precision and marks; of the text, gains and claims.

mod average;
mod context;
mod finding;
mod grid;
mod marks;
mod methods;
mod precision;
mod repeats;
pub mod source;
mod statements;
mod together;
mod values;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

pub use average::{AverageCheck, AverageRule, DecidedRule};
pub use finding::{AlsoAt, AuditFinding, Detector, Severity};
pub use grid::{Cause, Decided, GridCheck, Grids};

use context::Context;

use crate::table::Layout;

/// A printed table with its name.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditTable {
    /// The name in findings, such as `table-05`.
    pub name: String,
    /// Its columns, rows, printed values and claims, free of mistakes ([`Layout::check`]).
    pub layout: Layout,
}

/// What the audit says about one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditCell {
    /// The table.
    pub table: String,
    /// Row id.
    pub row: String,
    /// Column or group id.
    pub column: String,
    /// As printed.
    pub printed: String,
    /// The result.
    pub result: CellResult,
}

/// What the audit says about a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CellResult {
    /// The value follows from its row, or lies on its grid.
    Consistent,
    /// No number of right answers gives the value.
    OffTheGrid,
    /// The value does not follow from its row.
    Contradicted,
    /// Not checked: the row is quoted from elsewhere.
    Quoted,
    /// Not checked: the column holds no percentages.
    NoPercentage,
    /// Not checked: the number of questions or samples is unknown.
    UnknownSize,
    /// Not checked: every value with these digits is possible.
    FineGrid,
    /// Not checked: a member of the average is not printed.
    MissingMember,
    /// Not checked: deciding would take too long.
    TooMuchWork,
}

impl CellResult {
    /// All results, in the order in which they are listed.
    pub const ALL: [Self; 9] = [
        Self::Consistent,
        Self::OffTheGrid,
        Self::Contradicted,
        Self::Quoted,
        Self::NoPercentage,
        Self::UnknownSize,
        Self::FineGrid,
        Self::MissingMember,
        Self::TooMuchWork,
    ];

    /// Whether the value was checked, by a check that it could have failed.
    pub fn attempted(self) -> bool {
        matches!(self, Self::Consistent | Self::OffTheGrid | Self::Contradicted)
    }

    /// As in a list of counts.
    pub fn words(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::OffTheGrid => "off the grid",
            Self::Contradicted => "contradicted",
            Self::Quoted => "quoted from elsewhere",
            Self::NoPercentage => "no percentage",
            Self::UnknownSize => "questions or samples unknown",
            Self::FineGrid => "every value with these digits is possible",
            Self::MissingMember => "a member of the average is not printed",
            Self::TooMuchWork => "deciding would take too long",
        }
    }
}

/// The version of the JSON form of an [`Audit`].
pub const AUDIT_FORMAT: u32 = 1;

/// The result of an audit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// The version of this form.
    #[schemars(extend("const" = AUDIT_FORMAT))]
    pub format: u32,
    /// The most severe first, then in the order of tables, rows and columns.
    pub findings: Vec<AuditFinding>,
    /// Every printed cell, in the order of tables, rows and columns.
    pub cells: Vec<AuditCell>,
}

impl Audit {
    /// The number of cells with a result.
    pub fn count(&self, result: CellResult) -> usize {
        self.cells.iter().filter(|cell| cell.result == result).count()
    }

    /// The number of findings of a severity.
    pub fn of_severity(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// The JSON Schema of an [`Audit`].
#[must_use]
pub fn schema() -> Schema {
    schemars::schema_for!(Audit)
}

/// Audits the tables of one paper with every detector.
pub fn audit(tables: &[AuditTable]) -> Audit {
    let mut context = Context::new(tables);
    let mut audit = Audit { format: AUDIT_FORMAT, findings: Vec::new(), cells: Vec::new() };
    values::check(&mut context, &mut audit);
    repeats::find(&context, &mut audit.findings);
    methods::find(&context, &mut audit.findings);
    precision::find(&context, &mut audit.findings);
    marks::find(&context, &mut audit.findings);
    statements::find(&context, &mut audit.findings);
    together::join(&context, &mut audit.findings);
    // Stable: equal severities stay in the order of tables, then of detectors.
    let place = |name: &str| tables.iter().position(|table| table.name == name);
    audit.findings.sort_by_key(|finding| (finding.severity, place(&finding.table)));
    audit
}
