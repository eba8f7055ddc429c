//! Equal rows and equal cells under different names.
//!
//! Chance alone gives some equal cells. For one column, `p` is the chance that two independent results of the same
//! true accuracy are printed with the same digits. Two rows that agree in `s` of `m` columns are a finding where
//! `pairs * choose(m, s) * product of p`, the expected number of such agreements, is below [`RARE`].

use std::collections::BTreeSet;
use std::f64::consts::PI;

use super::context::{Context, Prepared, method};
use super::finding::{AuditFinding, Detector, Severity};
use crate::decimal::Decimal;
use crate::table::RowLayout;

/// Agreements that chance gives less often than this, over all tables together, are findings.
const RARE: f64 = 0.01;

/// How far apart chance may put two results that are not percentages of a known number of answers, as a share of the
/// value.
const SPREAD: f64 = 0.1;

type Row<'a> = (&'a Prepared<'a>, &'a RowLayout);

/// Finds pairs of rows with equal cells.
pub(super) fn find(context: &Context<'_>, findings: &mut Vec<AuditFinding>) {
    let pairs = pairs(context);
    let count = pairs.len() as f64;
    for (first, second) in pairs {
        findings.extend(compare(first, second, count));
    }
}

/// Pairs of rows about different methods. Each pair of methods is taken once, from a single table if possible.
fn pairs<'a>(context: &'a Context<'a>) -> Vec<(Row<'a>, Row<'a>)> {
    let rows: Vec<Row<'a>> = context
        .tables
        .iter()
        .flat_map(|table| table.layout.rows.iter().map(move |row| (table, row)))
        .filter(|(_, row)| !row.quoted)
        .collect();
    let unit = |row: &Row<'a>| row.0.layout.columns.first().and_then(|column| column.unit.as_deref());
    let mut met = BTreeSet::new();
    let mut pairs = Vec::new();
    for same_table in [true, false] {
        for (i, first) in rows.iter().enumerate() {
            for second in rows.iter().skip(i + 1) {
                let names = [method(first.1), method(second.1)];
                let ordered = (names.iter().min(), names.iter().max(), unit(first));
                let fits = (first.0.name == second.0.name) == same_table && unit(first) == unit(second);
                if fits && names[0] != names[1] && met.insert(format!("{ordered:?}")) {
                    pairs.push((*first, *second));
                }
            }
        }
    }
    pairs
}

fn compare(first: Row<'_>, second: Row<'_>, pairs: f64) -> Option<AuditFinding> {
    let columns: Vec<(&str, Decimal, Decimal)> = first
        .0
        .layout
        .columns
        .iter()
        .filter(|column| second.0.layout.columns.iter().any(|c| c.id == column.id && c.unit == column.unit))
        .filter_map(|column| {
            let value = |(table, row): Row<'_>| table.printed.cell(&row.id, &column.id);
            Some((column.id.as_str(), value(first)?, value(second)?))
        })
        .collect();
    let equal: Vec<&(&str, Decimal, Decimal)> =
        columns.iter().filter(|(_, one, other)| one.same_number(*other)).collect();
    // One equal cell alone is never a finding.
    if equal.len() < 2 {
        return None;
    }
    let chance: f64 = equal.iter().map(|(column, value, _)| coincidence(first.0, column, *value)).product();
    let expected = pairs * choose(columns.len(), equal.len()) * chance;
    if expected >= RARE {
        return None;
    }
    let whole = equal.len() == columns.len();
    let same_table = first.0.name == second.0.name;
    let (detector, severity) = match (whole, same_table) {
        (true, true) => (Detector::RepeatedRow, Severity::ChangesARank),
        (true, false) => (Detector::RepeatedRow, Severity::Note),
        (false, _) => (Detector::RepeatedCells, Severity::Note),
    };
    let which = if whole { "all".to_owned() } else { format!("{} of", equal.len()) };
    let place = if same_table { String::new() } else { format!("{}, ", first.0.name) };
    let message = format!(
        "equals {place}{} ({}) in {which} {} columns; chance alone would give {expected:.1e} such agreements in {pairs} \
         pairs of rows",
        first.1.id,
        first.1.label,
        columns.len(),
    );
    let cells = equal.iter().map(|(column, _, value)| ((*column).to_owned(), value.to_string()));
    let found = AuditFinding {
        expected_by_chance: Some(expected),
        ..AuditFinding::new(detector, severity, second.0.name, message)
    };
    Some(found.at(&second.1.id, cells))
}

/// The chance that two independent results of the same true value are printed with the same digits.
///
/// Two normal variables of variance `v` over whole numbers agree with probability `1 / (2 sqrt(pi v))`. For `N`
/// answers of which a share `q` is right, `v` is taken as `N q (1 - q) / 4`, a quarter of the binomial
/// variance, because models answer most questions right nearly always or nearly never. Where the grid is finer than the
/// printed digits, the chance is that of the same printed digits. Other values are taken as spread evenly over a
/// tenth of the value.
fn coincidence(table: &Prepared<'_>, column: &str, value: Decimal) -> f64 {
    let chance = match table.printed.benchmarks.get(column).copied().flatten() {
        Some(size) => {
            let answers = f64::from(size.questions) * f64::from(size.samples);
            let share = (value.value() / 100.0).clamp(0.0, 1.0);
            let variance = (answers * share * (1.0 - share) / 4.0).max(1.0);
            (answers / (100.0 * value.scale() as f64)).max(1.0) / (2.0 * (PI * variance).sqrt())
        }
        None => 1.0 / (SPREAD * value.units().unsigned_abs() as f64).max(1.0),
    };
    chance.min(1.0)
}

/// The ways to choose `some` of `all`.
fn choose(all: usize, some: usize) -> f64 {
    (0..some).map(|i| (all - i) as f64 / (i + 1) as f64).product()
}
