//! Marks of the best and the second best value of a column.

use super::context::{Context, Prepared};
use super::finding::{AuditFinding, Detector, Severity};
use crate::decimal::Decimal;
use crate::table::RowLayout;

/// Compares the marks of each column with its values. Columns without marks are not checked. Marks may leave out the
/// rows that are quoted from elsewhere: what fits without these rows is not a finding.
pub(super) fn find(context: &Context<'_>, findings: &mut Vec<AuditFinding>) {
    for table in &context.tables {
        for column in table.ids() {
            for place in [Place::Best, Place::Second] {
                let found = [true, false].map(|quoted| check(table, column, place, quoted));
                if let [Some(finding), Some(_)] = found {
                    findings.push(finding);
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

fn check(table: &Prepared<'_>, column: &str, place: Place, quoted: bool) -> Option<AuditFinding> {
    let rows = table.layout.rows.iter().filter(|row| quoted || !row.quoted);
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
    let target = match place {
        Place::Best => best,
        // After two equal best values, papers mark the next value or none; with one best, the runner-up.
        Place::Second => cells.iter().map(|(_, value)| *value).find(|value| !value.same_number(best))?,
    };
    let (row, value) = marked.into_iter().find(|(_, value)| !value.same_number(target))?;
    let holder = cells.iter().find(|(_, value)| value.same_number(target))?.0;
    let message = format!(
        "{value} is marked as the {place}, but the {place} is {target} of {} ({})",
        holder.id,
        holder.label,
        place = place.words(),
    );
    let found = AuditFinding::new(Detector::Mark, Severity::ChangesARank, table.name, message);
    Some(found.at(&row.id, [(column.to_owned(), value.to_string())]))
}
