//! A table as printed, and what arithmetic says about each of its cells.
//!
//! The checks themselves, and the findings that need more than one cell, are in [`audit`](crate::audit).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::{AverageCheck, Grids};
pub use crate::decimal::{Decimal, DecimalError};

/// What arithmetic says about a printed cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PrintedCheck {
    /// The value follows from, or is compatible with, what it must agree with.
    Consistent,
    /// Other printed values exclude it.
    Contradicted,
    /// No count of right answers gives it, if the value was rounded once.
    OffTheGrid,
    /// There was nothing to check it against.
    NotAttempted,
}

impl PrintedCheck {
    /// All results in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Consistent, Self::Contradicted, Self::OffTheGrid, Self::NotAttempted];

    /// The word in reports, e.g. `contradicted`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::Contradicted => "contradicted",
            Self::OffTheGrid => "off the grid",
            Self::NotAttempted => "not attempted",
        }
    }
}

impl fmt::Display for PrintedCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How a benchmark was run, as far as the paper says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkSize {
    /// Number of questions.
    pub questions: u32,
    /// Samples per question.
    pub samples: u32,
}

/// A table as printed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrintedTable {
    /// Benchmark columns; `None` where the size is unknown or the values are no percentages.
    pub benchmarks: BTreeMap<String, Option<BenchmarkSize>>,
    /// Average columns and the benchmarks that they average.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Cells by row and column.
    pub rows: BTreeMap<String, BTreeMap<String, Decimal>>,
}

/// What arithmetic says about one printed cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellAudit {
    /// Row id.
    pub row: String,
    /// Column id.
    pub column: String,
    /// The cell as printed.
    pub printed: String,
    /// What arithmetic says.
    pub result: PrintedCheck,
    /// The arithmetic and the causes decided, where the value cannot stand; else why it was not checked, or
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl PrintedTable {
    /// A printed cell.
    pub fn cell(&self, row: &str, column: &str) -> Option<Decimal> {
        self.rows.get(row)?.get(column).copied()
    }

    /// The members of an average with their sizes, in the row's own values; `None` marks a value that is not
    /// printed.
    pub fn members(&self, row: &str, group: &str) -> Vec<(Option<Decimal>, Option<BenchmarkSize>)> {
        let ids = self.groups.get(group).into_iter().flatten();
        ids.map(|id| (self.cell(row, id), self.benchmarks.get(id).copied().flatten())).collect()
    }

    /// Checks each printed cell, in row and column order: averages against their row, benchmarks against
    /// their grid.
    pub fn audit(&self) -> Vec<CellAudit> {
        let mut grids = Grids::default();
        let weighted: BTreeSet<&String> =
            self.groups.keys().filter(|group| self.is_weighted(group, &mut grids)).collect();
        let cells = self
            .rows
            .iter()
            .flat_map(|(row, cells)| cells.iter().map(move |(column, &cell)| (row, column, cell)));
        let audit = |(row, column, cell): (&String, &String, Decimal)| {
            let mut audit = self.audit_cell(row, column, cell, &mut grids);
            if weighted.contains(column) {
                audit.result = PrintedCheck::Consistent;
                audit.note = Some("the mean of the members, weighted by their questions".to_owned());
            }
            audit
        };
        cells.map(audit).collect()
    }

    /// Whether every average of a group is that of members weighted by their questions.
    fn is_weighted(&self, group: &str, grids: &mut Grids) -> bool {
        let check =
            |row: &String| AverageCheck::new(self.cell(row, group)?, &self.members(row, group), grids);
        let checks: Vec<AverageCheck> = self.rows.keys().filter_map(check).collect();
        AverageCheck::all_weighted(checks.iter())
    }

    fn audit_cell(&self, row: &str, column: &str, printed: Decimal, grids: &mut Grids) -> CellAudit {
        let (result, note) = if self.groups.contains_key(column) {
            match AverageCheck::new(printed, &self.members(row, column), grids) {
                Some(check) => (check.result(), check.note()),
                None => (PrintedCheck::NotAttempted, None),
            }
        } else {
            match self.benchmarks.get(column).copied().flatten() {
                Some(size) => {
                    let check = grids.check(printed, size);
                    (check.result(), check.note())
                }
                None => (PrintedCheck::NotAttempted, None),
            }
        };
        let (row, column) = (row.to_owned(), column.to_owned());
        CellAudit { row, column, printed: printed.to_string(), result, note }
    }
}
