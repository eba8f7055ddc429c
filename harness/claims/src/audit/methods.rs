//! One method with different values in two tables.

use super::context::{Context, Prepared, method};
use super::finding::{AuditFinding, Detector, Severity};
use crate::decimal::Decimal;
use crate::table::RowLayout;

/// Compares each row with the first row about the same method in an earlier table.
///
/// A label such as `Baseline` may name other methods in other tables. So where rows have no method beside their label,
/// they are taken to be of one method only if at least a third of the cells that both have are equal.
pub(super) fn find(context: &Context<'_>, findings: &mut Vec<AuditFinding>) {
    for (at, table) in context.tables.iter().enumerate() {
        for row in table.layout.rows.iter().filter(|row| !row.quoted) {
            let earlier = context.tables.iter().take(at).flat_map(|earlier| {
                let rows = earlier.layout.rows.iter().filter(|other| !other.quoted);
                rows.filter(|other| method(other) == method(row)).map(move |other| (earlier, other))
            });
            // The first difference is enough: those from later rows may be the same one.
            let mut differences = earlier.map(|(earlier, other)| compare(earlier, other, table, row));
            findings.extend(differences.find_map(|finding| finding));
        }
    }
}

fn compare(
    earlier: &Prepared<'_>,
    other: &RowLayout,
    table: &Prepared<'_>,
    row: &RowLayout,
) -> Option<AuditFinding> {
    let mut unlike: Vec<(&str, Decimal, Decimal)> = table
        .cells(row)
        .filter(|(column, _)| alike(earlier, table, column))
        .filter_map(|(column, value)| Some((column, earlier.printed.cell(&other.id, column)?, value)))
        .collect();
    let shared = unlike.len();
    unlike.retain(|(_, before, value)| !before.same_number(*value));
    let named = row.method.is_some() && other.method.is_some();
    if !named && 3 * (shared - unlike.len()) < shared {
        return None;
    }
    let weight = |(column, before, value): &(&str, Decimal, Decimal)| {
        table.weight(&row.id, column, *before).min(earlier.weight(&other.id, column, *value))
    };
    let severity = unlike.iter().map(weight).min().map(|weight| weight.min(Severity::LastDigit))?;
    let said: Vec<String> = unlike
        .iter()
        .map(|(column, before, value)| format!("{column} {value} here, {before} there"))
        .collect();
    let message = format!(
        "{} has other values in {}, row {}: {}",
        method(row),
        earlier.name,
        other.id,
        said.join("; ")
    );
    let cells = unlike.iter().map(|(column, _, value)| ((*column).to_owned(), value.to_string()));
    Some(AuditFinding::new(Detector::Method, severity, table.name, message).at(&row.id, cells))
}

/// Whether a column or group means the same in two tables: same unit and size, or same members.
fn alike(one: &Prepared<'_>, other: &Prepared<'_>, id: &str) -> bool {
    let unit = |table: &Prepared<'_>| {
        table.layout.columns.iter().find(|column| column.id == id).map(|column| column.unit.clone())
    };
    let group = |table: &Prepared<'_>| table.printed.groups.get(id).cloned();
    let size = |table: &Prepared<'_>| table.printed.benchmarks.get(id).copied();
    unit(one) == unit(other) && group(one) == group(other) && size(one) == size(other)
}
