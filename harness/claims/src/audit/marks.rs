//! Marks of the best and the second best value of a column.

use super::context::{Context, Prepared};
use super::finding::{AuditFinding, Detector, Severity};
use crate::decimal::Decimal;
use crate::table::RowLayout;

/// Fewest values of a row that make it likely, all marked, that the row is set in bold as a whole.
const WHOLE_ROW: usize = 3;

/// Compares the marks of each column with its values. Columns without marks are not checked. Marks may leave out the
/// rows that are quoted from elsewhere, and may be of the best of each block of rows: what fits in one of these readings
/// is not a finding.
pub(super) fn find(context: &Context<'_>, findings: &mut Vec<AuditFinding>) {
    for table in &context.tables {
        let mut blocks: Vec<Option<&str>> = Vec::new();
        for row in &table.layout.rows {
            if !blocks.contains(&row.block.as_deref()) {
                blocks.push(row.block.as_deref());
            }
        }
        for column in table.ids() {
            for place in [Place::Best, Place::Second] {
                let whole =
                    [true, false].map(|quoted| check(table, column, place, &|row| quoted || !row.quoted));
                let [Some(finding), Some(_)] = whole else { continue };
                let of_block = |block: &Option<&str>| {
                    [true, false].map(|quoted| {
                        let rows =
                            |row: &RowLayout| row.block.as_deref() == *block && (quoted || !row.quoted);
                        check(table, column, place, &rows)
                    })
                };
                let wrong = |block| match of_block(block) {
                    [Some(finding), Some(_)] => Some(finding),
                    _ => None,
                };
                let marked = |block: &&Option<&str>| {
                    let rows = table.layout.rows.iter();
                    rows.filter(|row| row.block.as_deref() == **block).any(|row| place.marks(row, column))
                };
                // Marks in a single block are of all rows, if they are not of this block.
                let by_block = blocks.iter().filter(marked).count() > 1;
                let first = blocks.iter().filter(marked).find_map(wrong);
                match first {
                    Some(of_block) if by_block => findings.push(of_block),
                    Some(_) => findings.push(finding),
                    None => {}
                }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Best,
    Second,
}

impl Place {
    fn marks(self, row: &RowLayout, column: &str) -> bool {
        let marked = match self {
            Self::Best => &row.best,
            Self::Second => &row.second,
        };
        marked.iter().any(|id| id == column)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Second => "second best",
        }
    }
}

fn check(
    table: &Prepared<'_>,
    column: &str,
    place: Place,
    counts: &dyn Fn(&RowLayout) -> bool,
) -> Option<AuditFinding> {
    let rows = table.layout.rows.iter().filter(|row| counts(row));
    let mut cells: Vec<(&RowLayout, Decimal)> =
        rows.filter_map(|row| Some((row, table.printed.cell(&row.id, column)?))).collect();
    let lower = table.layout.columns.iter().any(|c| c.id == column && c.lower_is_better);
    // The best first.
    cells.sort_by(|(_, a), (_, b)| if lower { a.cmp_value(*b) } else { b.cmp_value(*a) });
    let marked: Vec<&(&RowLayout, Decimal)> =
        cells.iter().filter(|(row, _)| place.marks(row, column)).collect();
    if marked.is_empty() {
        return None;
    }
    let best = cells.first()?.1;
    let tied = cells.iter().filter(|(_, value)| value.same_number(best)).count() > 1;
    let target = match place {
        Place::Best => best,
        // After two equal best values, papers mark one of them, the next value, or none; with one best, the runner-up.
        Place::Second => cells.iter().map(|(_, value)| *value).find(|value| !value.same_number(best))?,
    };
    let fits = |value: Decimal| {
        value.same_number(target) || place == Place::Second && tied && value.same_number(best)
    };
    let (row, value) = marked.into_iter().find(|(_, value)| !fits(*value))?;
    let holder = cells.iter().find(|(_, value)| value.same_number(target))?.0;
    let whole_row = place == Place::Best && {
        let values = row.printed.len() + row.averages.len();
        values >= WHOLE_ROW && row.best.len() >= values
    };
    let (severity, whole_row) = match whole_row {
        true => (
            Severity::Note,
            "; every value of the row is marked, so that the row may be set in bold as a whole",
        ),
        false => (Severity::ChangesARank, ""),
    };
    let message = format!(
        "{value} is marked as the {place}, but the {place} is {target} of {} ({}){whole_row}",
        holder.id,
        holder.label,
        place = place.words(),
    );
    let found = AuditFinding::new(Detector::Mark, severity, table.name, message);
    Some(found.at(&row.id, [(column.to_owned(), value.to_string())]))
}
