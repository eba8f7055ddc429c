//! Checks of single cells: percentages against their grid, averages against their row.

use std::collections::BTreeSet;

use super::average::AverageCheck;
use super::context::{Context, Prepared};
use super::finding::{AuditFinding, Detector, Severity};
use super::grid::{Cause, GridCheck, Grids, causes_in_words};
use super::{Audit, AuditCell, CellResult};
use crate::decimal::Decimal;
use crate::printed::{BenchmarkSize, PrintedCheck};
use crate::table::{Rounding, RowLayout};

/// Checks every printed cell.
pub(super) fn check(context: &mut Context<'_>, audit: &mut Audit) {
    let Context { tables, grids } = context;
    for table in tables.iter() {
        let weighted = weighted(table, grids);
        audit.findings.extend(weighted.iter().map(|group| of_weights(table, group, grids)));
        for row in &table.layout.rows {
            for (column, printed) in table.cells(row) {
                let (result, finding) = match weighted.contains(column) && !row.quoted {
                    true => (CellResult::Consistent, None),
                    false => cell(table, row, column, printed, grids),
                };
                audit.findings.extend(finding);
                audit.cells.push(AuditCell {
                    table: table.name.to_owned(),
                    row: row.id.clone(),
                    column: column.to_owned(),
                    printed: printed.to_string(),
                    result,
                });
            }
        }
    }
}

/// The columns of averages whose every value is that of members weighted by their questions.
fn weighted(table: &Prepared<'_>, grids: &mut Grids) -> BTreeSet<String> {
    let groups = table.layout.groups.iter().map(|group| &group.id);
    let of_weights = |group: &&String| AverageCheck::all_weighted(averages(table, group, grids).iter());
    groups.filter(of_weights).cloned().collect()
}

/// The checks of a column of averages, without rows that are quoted from elsewhere.
fn averages(table: &Prepared<'_>, group: &str, grids: &mut Grids) -> Vec<AverageCheck> {
    let rows = table.layout.rows.iter().filter(|row| !row.quoted);
    let check = |row: &RowLayout| {
        let printed = table.printed.cell(&row.id, group)?;
        AverageCheck::new(printed, &table.printed.members(&row.id, group), grids)
    };
    rows.filter_map(check).collect()
}

/// The finding that a column of averages is weighted.
fn of_weights(table: &Prepared<'_>, group: &str, grids: &mut Grids) -> AuditFinding {
    let checks = averages(table, group, grids);
    let example = checks.iter().find(|check| check.result() == PrintedCheck::Contradicted);
    let example = example.map_or_else(String::new, |check| {
        format!("; {}, {} printed, {}", check.arithmetic(), check.printed, check.rules_in_words())
    });
    let message = format!("the averages `{group}` are of members weighted by their questions{example}");
    let mut finding = AuditFinding::new(Detector::Average, Severity::Note, table.name, message);
    finding.columns = vec![group.to_owned()];
    finding
}

fn cell(
    table: &Prepared<'_>,
    row: &RowLayout,
    column: &str,
    printed: Decimal,
    grids: &mut Grids,
) -> (CellResult, Option<AuditFinding>) {
    if row.quoted {
        return (CellResult::Quoted, None);
    }
    if table.printed.groups.contains_key(column) {
        return average(table, row, column, printed, grids);
    }
    if table.has_unit(column) {
        return (CellResult::NoPercentage, None);
    }
    match table.printed.benchmarks.get(column).copied().flatten() {
        Some(size) => grid(table, row, column, &grids.check(printed, size)),
        None => (CellResult::UnknownSize, None),
    }
}

/// The way of rounding that a paper states; rounding once where it states none.
fn stated(rounding: Option<Rounding>) -> Cause {
    match rounding {
        None | Some(Rounding::Once) => Cause::RoundedOnce,
        Some(Rounding::Runs) => Cause::RoundedRuns,
        Some(Rounding::Truncation) => Cause::Truncation,
    }
}

fn grid(
    table: &Prepared<'_>,
    row: &RowLayout,
    column: &str,
    check: &GridCheck,
) -> (CellResult, Option<AuditFinding>) {
    // With a single run, rounding each run is the same as rounding once.
    let cause = match stated(table.layout.rounding) {
        Cause::RoundedRuns if check.size.samples == 1 => Cause::RoundedOnce,
        cause => cause,
    };
    if check.result() == PrintedCheck::NotAttempted {
        return (CellResult::FineGrid, None);
    }
    match check.possible(cause) {
        Some(true) => return (CellResult::Consistent, None),
        None => return (CellResult::TooMuchWork, None),
        Some(false) => {}
    }
    let weight = check.corrected().map(|corrected| table.weight(&row.id, column, corrected));
    // Rounding once can give the printed value although the stated rule does not. That is never a mere note.
    let severity = weight.unwrap_or(Severity::LastDigit).min(Severity::LastDigit);
    let BenchmarkSize { questions, samples } = check.size;
    let mut message = format!(
        "{} is off the grid of {questions} questions by {samples}: {}; {}",
        check.printed,
        check.arithmetic(),
        causes_in_words(&check.causes)
    );
    if let [first, others @ ..] = &check.nearest[..] {
        let others = others.iter().map(|size| format!("{} by {}", size.questions, size.samples));
        let first = format!("{} questions by {}", first.questions, first.samples);
        let nearest: Vec<String> = std::iter::once(first).chain(others).collect();
        message = format!("{message}; nearest numbers that fit: {}", nearest.join(", "));
    }
    message = format!("{message}; this check notices {:.0} % of random values", 100.0 * check.power);
    let finding = AuditFinding {
        causes: check.causes.clone(),
        power: Some(check.power),
        nearest: check.nearest.clone(),
        ..AuditFinding::new(Detector::Grid, severity, table.name, message)
    };
    let cells = [(column.to_owned(), check.printed.to_string())];
    (CellResult::OffTheGrid, Some(finding.at(&row.id, cells)))
}

fn average(
    table: &Prepared<'_>,
    row: &RowLayout,
    group: &str,
    printed: Decimal,
    grids: &mut Grids,
) -> (CellResult, Option<AuditFinding>) {
    let Some(check) = AverageCheck::new(printed, &table.printed.members(&row.id, group), grids) else {
        return (CellResult::MissingMember, None);
    };
    match check.result() {
        PrintedCheck::Contradicted | PrintedCheck::OffTheGrid => {}
        PrintedCheck::NotAttempted => return (CellResult::TooMuchWork, None),
        PrintedCheck::Consistent => return (CellResult::Consistent, None),
    }
    let Some(corrected) = check.corrected() else { return (CellResult::TooMuchWork, None) };
    if table.layout.rounding == Some(Rounding::Truncation) && check.truncates_to(printed) {
        return (CellResult::Consistent, None);
    }
    let severity = table.weight(&row.id, group, corrected);
    let weighted =
        if check.weighted() { "; explained by weighting the members by their questions" } else { "" };
    let message = format!(
        "{printed} does not follow from its row: {}, which rounds to {corrected}; {}{weighted}",
        check.arithmetic(),
        check.rules_in_words()
    );
    let finding = AuditFinding {
        rules: check.rules.clone(),
        ..AuditFinding::new(Detector::Average, severity, table.name, message)
    };
    (CellResult::Contradicted, Some(finding.at(&row.id, [(group.to_owned(), printed.to_string())])))
}
