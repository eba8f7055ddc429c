//! Equal rows and equal cells under different names.
//!
//! Chance alone gives some equal cells. For one column, `p` is the chance that two independent results of the same
//! true accuracy are printed with the same digits. Two rows that agree in `s` of `m` columns are a finding where
//! `pairs * choose(m, s) * product of p`, the expected number of such agreements, is below [`RARE`].

use std::collections::{BTreeMap, HashSet};
use std::f64::consts::PI;

use super::context::{Context, Prepared, method};
use super::finding::{AuditFinding, Detector, Severity};
use crate::decimal::Decimal;
use crate::table::{Column, RowLayout};

/// Agreements that chance gives less often than this, over all tables together, are findings.
const RARE: f64 = 0.01;

/// How far apart chance may put two results that are not percentages of a known number of answers, as a share of the
/// value.
const SPREAD: f64 = 0.1;

type Row<'a> = (&'a Prepared<'a>, &'a RowLayout);

/// Finds pairs of rows with equal cells.
pub(super) fn find(context: &Context<'_>, findings: &mut Vec<AuditFinding>) {
    let lines = lines(context);
    let pairs = pairs(&lines);
    let count = pairs.len() as f64;
    // One equal cell alone is never a finding.
    let some = pairs.iter().filter(|(first, second)| lines[*first].equal(&lines[*second]) > 1);
    for (first, second) in some {
        findings.extend(compare(lines[*first].row, lines[*second].row, count));
    }
}

/// A row with its names as numbers, since there are many pairs of rows.
struct Line<'a> {
    row: Row<'a>,
    table: usize,
    method: usize,
    /// The unit of the first column.
    unit: usize,
    /// Columns and values, in the order of the columns' numbers.
    cells: Vec<(usize, Decimal)>,
}

impl Line<'_> {
    /// How many cells of the same column are equal.
    fn equal(&self, other: &Self) -> usize {
        let (mut equal, mut others) = (0, other.cells.iter().peekable());
        for (column, value) in &self.cells {
            while others.next_if(|(other, _)| other < column).is_some() {}
            let same = others.next_if(|(other, _)| other == column);
            equal += usize::from(same.is_some_and(|(_, other)| other == value));
        }
        equal
    }
}

/// Numbers for names, in the order in which these come.
#[derive(Default)]
struct Numbers<'a>(BTreeMap<(&'a str, Option<&'a str>), usize>);

impl<'a> Numbers<'a> {
    fn of(&mut self, name: &'a str, unit: Option<&'a str>) -> usize {
        let next = self.0.len();
        *self.0.entry((name, unit)).or_insert(next)
    }
}

/// All rows that are not quoted from elsewhere.
fn lines<'a>(context: &'a Context<'a>) -> Vec<Line<'a>> {
    let (mut methods, mut units, mut columns) = (Numbers::default(), Numbers::default(), Numbers::default());
    let mut lines = Vec::new();
    for (table, prepared) in context.tables.iter().enumerate() {
        for row in prepared.layout.rows.iter().filter(|row| !row.quoted) {
            let value = |column: &'a Column| {
                let value = prepared.printed.cell(&row.id, &column.id)?;
                Some((columns.of(&column.id, column.unit.as_deref()), value.without_zeros()))
            };
            let mut cells: Vec<(usize, Decimal)> = prepared.layout.columns.iter().filter_map(value).collect();
            cells.sort_by_key(|(column, _)| *column);
            let unit = prepared.layout.columns.first().and_then(|column| column.unit.as_deref());
            let (method, unit) = (methods.of(method(row), None), units.of("", unit));
            lines.push(Line { row: (prepared, row), table, method, unit, cells });
        }
    }
    lines
}

/// Pairs of rows about different methods. Each pair of methods is taken once, from a single table if possible.
fn pairs(lines: &[Line<'_>]) -> Vec<(usize, usize)> {
    let mut met = HashSet::new();
    let mut pairs = Vec::new();
    for same_table in [true, false] {
        for (i, first) in lines.iter().enumerate() {
            for (j, second) in lines.iter().enumerate().skip(i + 1) {
                let names = (first.method.min(second.method), first.method.max(second.method), first.unit);
                let fits = (first.table == second.table) == same_table && first.unit == second.unit;
                if fits && first.method != second.method && met.insert(names) {
                    pairs.push((i, j));
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
    let chance: f64 = equal.iter().map(|(column, value, _)| coincidence(first.0, column, *value)).product();
    let expected = pairs * choose(columns.len(), equal.len()) * chance;
    if expected >= RARE {
        return None;
    }
    let whole = equal.len() == columns.len();
    let same_table = first.0.name == second.0.name;
    // Lengths and the like put no row before another.
    let ranked = equal.iter().any(|(column, ..)| !first.0.has_unit(column));
    let (detector, severity) = match (whole, same_table && ranked) {
        (true, true) => (Detector::RepeatedRow, Severity::ChangesARank),
        (true, false) => (Detector::RepeatedRow, Severity::Note),
        (false, _) => (Detector::RepeatedCells, Severity::Note),
    };
    let no_rank = if ranked { "" } else { "; values with a unit have no rank" };
    let which = if whole { "all".to_owned() } else { format!("{} of", equal.len()) };
    let place = if same_table { String::new() } else { format!("{}, ", first.0.name) };
    let message = format!(
        "equals {place}{} ({}) in {which} {} columns; chance alone would give {expected:.1e} such agreements in {pairs} \
         pairs of rows{no_rank}",
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
/// variance, because models answer most questions right nearly always or nearly never. With one sample a question it is a
/// 32nd: greedy decoding by nearly equal models gives most questions the same answer. Where the grid is finer than the
/// printed digits, the chance is that of the same printed digits. Other values are taken as spread evenly over a
/// tenth of the value, unless they look like settings, which rows share by choice.
fn coincidence(table: &Prepared<'_>, column: &str, value: Decimal) -> f64 {
    let chance = match table.printed.benchmarks.get(column).copied().flatten() {
        Some(size) => {
            let answers = f64::from(size.questions) * f64::from(size.samples);
            let share = (value.value() / 100.0).clamp(0.0, 1.0);
            let part = if size.samples == 1 { 32.0 } else { 4.0 };
            let variance = (answers * share * (1.0 - share) / part).max(1.0);
            (answers / (100.0 * value.scale() as f64)).max(1.0) / (2.0 * (PI * variance).sqrt())
        }
        None if table.has_unit(column) && is_setting(table, column, value) => 1.0,
        None => 1.0 / (SPREAD * value.units().unsigned_abs() as f64).max(1.0),
    };
    chance.min(1.0)
}

/// Whether a value with a unit looks chosen rather than measured: it has one or two digits beside zeros, is a power of two,
/// or stands in more than two rows.
fn is_setting(table: &Prepared<'_>, column: &str, value: Decimal) -> bool {
    let mut units = value.without_zeros().units().unsigned_abs();
    let power = value.decimals() == 0 && units.is_power_of_two();
    while units > 0 && units.is_multiple_of(10) {
        units /= 10;
    }
    let cells = table.layout.rows.iter().filter_map(|row| table.printed.cell(&row.id, column));
    units < 100 || power || cells.filter(|cell| cell.same_number(value)).count() > 2
}

/// The ways to choose `some` of `all`.
fn choose(all: usize, some: usize) -> f64 {
    (0..some).map(|i| (all - i) as f64 / (i + 1) as f64).product()
}
