//! Findings of the audit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::average::DecidedRule;
use super::grid::Decided;
use crate::printed::BenchmarkSize;

/// A check of the audit, which makes findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Detector {
    /// A percentage that no number of right answers gives.
    Grid,
    /// An average that does not follow from its row.
    Average,
    /// Two rows with the same values.
    RepeatedRow,
    /// Several equal cells in two rows.
    RepeatedCells,
    /// One method with different values in two tables.
    Method,
    /// Different numbers of digits in one column.
    Precision,
    /// A mark of best or second best at the wrong value.
    Mark,
    /// A relative gain that the text states wrongly.
    Gain,
    /// A claim that the printed values contradict, or that they support only within their rounding.
    Claim,
    /// A claim that holds for an average but not for each of its members.
    AverageOnly,
}

impl Detector {
    /// All detectors.
    pub const ALL: [Self; 10] = [
        Self::Grid,
        Self::Average,
        Self::RepeatedRow,
        Self::RepeatedCells,
        Self::Method,
        Self::Precision,
        Self::Mark,
        Self::Gain,
        Self::Claim,
        Self::AverageOnly,
    ];

    /// The name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Average => "average",
            Self::RepeatedRow => "repeated-row",
            Self::RepeatedCells => "repeated-cells",
            Self::Method => "method",
            Self::Precision => "precision",
            Self::Mark => "mark",
            Self::Gain => "gain",
            Self::Claim => "claim",
            Self::AverageOnly => "average-only",
        }
    }
}

/// What the corrected value of a finding changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// With the corrected value, a claim changes its outcome on the printed values.
    ChangesAClaim,
    /// With the corrected value, two rows change their order in a column; or the order of two rows is in doubt, because one
    /// repeats the other.
    ChangesARank,
    /// The corrected value differs from the printed one by ten units of the last digit or more, and changes neither claims
    /// nor ranks.
    ChangesAValue,
    /// The corrected value differs from the printed one by less, and changes neither claims nor ranks.
    LastDigit,
    /// Nothing has to be corrected; for information.
    Note,
}

impl Severity {
    /// All severities, the most severe first.
    pub const ALL: [Self; 5] =
        [Self::ChangesAClaim, Self::ChangesARank, Self::ChangesAValue, Self::LastDigit, Self::Note];

    /// The name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChangesAClaim => "changes-a-claim",
            Self::ChangesARank => "changes-a-rank",
            Self::ChangesAValue => "changes-a-value",
            Self::LastDigit => "last-digit",
            Self::Note => "note",
        }
    }
}

/// Another place of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlsoAt {
    /// The table.
    pub table: String,
    /// The row's id.
    pub row: String,
}

/// Something that the audit found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditFinding {
    /// The check that found it.
    pub detector: Detector,
    /// What its corrected value changes.
    pub severity: Severity,
    /// The table.
    pub table: String,
    /// The row's id; none for a statement of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// Other places of the same method's same value, which are the same finding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<AlsoAt>,
    /// The columns that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// The values as printed, in the order of the columns, or the statement's own words.
    pub printed: Vec<String>,
    /// What is wrong, with the arithmetic in enough digits to check by hand.
    pub message: String,
    /// For `grid`: each cause, and whether it can explain the value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Decided>,
    /// For `average`: each rule, and whether it can give the value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<DecidedRule>,
    /// The chance from 0 to 1 that the check notices a random value in this cell, for `grid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<f64>,
    /// For `grid`: the numbers of questions and samples closest to the stated ones with which the value would fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<BenchmarkSize>,
    /// For repeats: the number of such coincidences that chance gives on average, in all tables together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_by_chance: Option<f64>,
}

impl AuditFinding {
    pub(super) fn new(
        detector: Detector,
        severity: Severity,
        table: &str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            detector,
            severity,
            table: table.to_owned(),
            row: None,
            also: Vec::new(),
            columns: Vec::new(),
            printed: Vec::new(),
            message: message.into(),
            causes: Vec::new(),
            rules: Vec::new(),
            power: None,
            nearest: Vec::new(),
            expected_by_chance: None,
        }
    }

    pub(super) fn at(mut self, row: &str, cells: impl IntoIterator<Item = (String, String)>) -> Self {
        self.row = Some(row.to_owned());
        (self.columns, self.printed) = cells.into_iter().unzip();
        self
    }
}
