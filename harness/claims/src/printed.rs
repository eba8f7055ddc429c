//! The arithmetic of a table as printed: does an average follow from its row, can a mean of right-or-wrong
//! answers take the printed value at all?
//!
//! Values stay decimal: `40.6` was rounded to a tenth and `40.60` to a hundredth, and they are judged
//! accordingly.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most digits after the point.
const MAX_DECIMALS: u32 = 9;
/// Largest magnitude in units of the last digit; with it, no exact comparison below can overflow.
const MAX_UNITS: i64 = 1_000_000_000_000_000;

/// A decimal number as printed: `units / 10^decimals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    units: i64,
    decimals: u32,
}

/// The text is not a plain decimal number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a decimal number such as 45.41, with at most 15 digits, 9 of them after the point")]
pub struct DecimalError {
    /// The text found.
    pub text: String,
}

impl Decimal {
    /// The nearest floating-point number.
    pub fn value(self) -> f64 {
        self.units as f64 / 10f64.powi(self.decimals as i32)
    }

    /// Half a unit of the last printed digit: the most that rounding can have changed.
    pub fn half_unit(self) -> f64 {
        0.5 / 10f64.powi(self.decimals as i32)
    }

    fn scale(self) -> i128 {
        10i128.pow(self.decimals)
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let error = || DecimalError { text: text.to_owned() };
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(error()),
            None => (digits, ""),
        };
        let plain = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
        let decimals = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
        if !plain || decimals > MAX_DECIMALS {
            return Err(error());
        }
        match format!("{whole}{fraction}").parse::<i64>() {
            Ok(units) if units <= MAX_UNITS => Ok(Self { units: sign * units, decimals }),
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let scale = 10u64.pow(self.decimals);
        let (whole, fraction) = (self.units.unsigned_abs() / scale, self.units.unsigned_abs() % scale);
        match self.decimals {
            0 => write!(f, "{sign}{whole}"),
            width => write!(f, "{sign}{whole}.{fraction:0width$}", width = width as usize),
        }
    }
}

/// What arithmetic says about a printed cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PrintedCheck {
    /// The value follows from, or is compatible with, what it must agree with.
    Consistent,
    /// Other printed values exclude it.
    Contradicted,
    /// No outcome of the experiment could have given it.
    Impossible,
    /// There was nothing to check it against.
    NotAttempted,
}

impl PrintedCheck {
    /// All results in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Consistent, Self::Contradicted, Self::Impossible, Self::NotAttempted];

    /// The word in reports, e.g. `contradicted`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::Contradicted => "contradicted",
            Self::Impossible => "impossible",
            Self::NotAttempted => "not attempted",
        }
    }
}

impl fmt::Display for PrintedCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How a printed average compares with its row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AverageCheck {
    /// `consistent`, `contradicted` or, when a member is not printed, `not-attempted`.
    pub result: PrintedCheck,
    /// The mean of the printed members; `None` if one is missing.
    pub recomputed: Option<f64>,
    /// How far apart the two may be if every number was rounded once: half a unit of the printed average plus
    /// the mean of half a unit of each member.
    pub tolerance: Option<f64>,
}

/// Recomputes an average from the members printed in its row; `None` marks a member that is not printed.
pub fn check_average(printed: Decimal, members: &[Option<Decimal>]) -> AverageCheck {
    let members: Option<Vec<Decimal>> = members.iter().copied().collect();
    let Some(members) = members.filter(|m| !m.is_empty()) else {
        return AverageCheck { result: PrintedCheck::NotAttempted, recomputed: None, tolerance: None };
    };
    let n = members.len() as i128;
    // Exact, in units of the finest digit of all: |sum - n * printed| <= (sum of half units + n * half unit
    // of printed).
    let finest = members.iter().fold(printed.decimals, |finest, m| finest.max(m.decimals));
    let unit = |d: Decimal| 10i128.pow(finest - d.decimals);
    let sum: i128 = members.iter().map(|&m| i128::from(m.units) * unit(m)).sum();
    let distance = (sum - n * i128::from(printed.units) * unit(printed)).abs();
    let allowed = members.iter().map(|&m| unit(m)).sum::<i128>() + n * unit(printed);
    let result = if 2 * distance <= allowed { PrintedCheck::Consistent } else { PrintedCheck::Contradicted };
    let denominator = n as f64 * 10f64.powi(finest as i32);
    AverageCheck {
        result,
        recomputed: Some(sum as f64 / denominator),
        tolerance: Some(allowed as f64 / 2.0 / denominator),
    }
}

/// Whether a mean of right-or-wrong answers can take a printed value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GranularityCheck {
    /// `consistent` or `impossible`; `not-attempted` when the attainable values lie so close that each
    /// printed value has one, so that the check could not fail.
    pub result: PrintedCheck,
    /// The attainable percentage closest to the printed one; `None` without questions or samples.
    pub nearest: Option<f64>,
    /// Distance between attainable percentages, `100 / (questions * samples)`.
    pub step: Option<f64>,
    /// For an impossible value: whether it is possible once each sample run's accuracy was itself rounded to
    /// the printed digits before averaging. An innocent explanation, not an acquittal.
    pub explained_by_rounded_runs: bool,
}

/// The granularity test (after Brown and Heathers 2017, "The GRIM test") for a printed Avg@k in percent: it
/// must be a multiple of `100 / (questions * samples)`, up to the rounding of its last digit, in either
/// direction at a tie.
pub fn check_granularity(printed: Decimal, questions: u32, samples: u32) -> GranularityCheck {
    let outcomes = i128::from(questions) * i128::from(samples);
    if outcomes == 0 {
        let result = PrintedCheck::NotAttempted;
        return GranularityCheck { result, nearest: None, step: None, explained_by_rounded_runs: false };
    }
    let (units, scale) = (i128::from(printed.units), printed.scale());
    // The count of right answers closest to units/scale percent of all, and twice its distance in units of
    // the last digit times `outcomes`.
    let closest = ((2 * units * outcomes + 100 * scale).div_euclid(200 * scale)).clamp(0, outcomes);
    let twice_distance = 2 * (100 * closest * scale - units * outcomes).abs();
    let possible = twice_distance <= outcomes;
    let percentage = (0..=100 * scale).contains(&units);
    let vacuous = percentage && 100 * scale <= outcomes;
    GranularityCheck {
        result: match (vacuous, possible) {
            (true, _) => PrintedCheck::NotAttempted,
            (false, true) => PrintedCheck::Consistent,
            (false, false) => PrintedCheck::Impossible,
        },
        nearest: Some(100.0 * closest as f64 / outcomes as f64),
        step: Some(100.0 / outcomes as f64),
        explained_by_rounded_runs: !possible && percentage && samples > 1 && twice_distance <= 2 * outcomes,
    }
}

/// How a benchmark was run, as far as the paper says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Benchmark columns; `None` where the size is unknown.
    pub benchmarks: BTreeMap<String, Option<BenchmarkSize>>,
    /// Average columns and the benchmarks that they average.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Cells by row and column.
    pub rows: BTreeMap<String, BTreeMap<String, Decimal>>,
}

/// What arithmetic says about one printed cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// For an average.
    pub average: Option<AverageCheck>,
    /// For a benchmark of known size.
    pub granularity: Option<GranularityCheck>,
}

impl CellAudit {
    /// Why the value cannot stand, with the arithmetic; `None` if it can.
    pub fn note(&self) -> Option<String> {
        match (self.result, &self.average, &self.granularity) {
            (PrintedCheck::Contradicted, Some(average), _) => {
                average.recomputed.map(|mean| format!("the row's values give {mean:.3}"))
            }
            (PrintedCheck::Impossible, _, Some(granularity)) => {
                let innocent = if granularity.explained_by_rounded_runs {
                    "; possible if each run was rounded before averaging"
                } else {
                    ""
                };
                let (step, nearest) = granularity.step.zip(granularity.nearest)?;
                Some(format!("not a multiple of {step:.4}; the nearest is {nearest:.3}{innocent}"))
            }
            _ => None,
        }
    }
}

impl PrintedTable {
    /// A printed cell.
    pub fn cell(&self, row: &str, column: &str) -> Option<Decimal> {
        self.rows.get(row)?.get(column).copied()
    }

    /// Checks each printed cell, in row and column order: averages against their row, benchmarks against
    /// their granularity.
    pub fn audit(&self) -> Vec<CellAudit> {
        let cells = self
            .rows
            .iter()
            .flat_map(|(row, cells)| cells.iter().map(move |(column, &cell)| (row, column, cell)));
        cells.map(|(row, column, cell)| self.audit_cell(row, column, cell)).collect()
    }

    fn audit_cell(&self, row: &str, column: &str, printed: Decimal) -> CellAudit {
        let average = self.groups.get(column).map(|members| {
            check_average(printed, &members.iter().map(|member| self.cell(row, member)).collect::<Vec<_>>())
        });
        let size = self.benchmarks.get(column).copied().flatten();
        let granularity = size.map(|size| check_granularity(printed, size.questions, size.samples));
        let result = average.map(|a| a.result).or(granularity.map(|g| g.result));
        CellAudit {
            row: row.to_owned(),
            column: column.to_owned(),
            printed: printed.to_string(),
            result: result.unwrap_or(PrintedCheck::NotAttempted),
            average,
            granularity,
        }
    }
}
