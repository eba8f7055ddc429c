//! Different numbers of digits in one column.

use std::collections::BTreeMap;

use super::context::Context;
use super::finding::{AuditFinding, Detector, Severity};

/// Finds values with other digits than most of their column, or than the paper states.
pub(super) fn find(context: &Context<'_>, findings: &mut Vec<AuditFinding>) {
    for table in &context.tables {
        for column in table.ids() {
            let rows = table.layout.rows.iter().filter(|row| !row.quoted);
            let cells: Vec<_> =
                rows.filter_map(|row| Some((row, table.printed.cell(&row.id, column)?))).collect();
            let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
            for (_, value) in &cells {
                *counts.entry(value.decimals()).or_default() += 1;
            }
            // Of two equally frequent numbers of digits, the larger: zeros at the end are often dropped, rarely added.
            let usual = counts.iter().max_by_key(|(decimals, count)| (**count, **decimals));
            let usual = usual.map(|(&decimals, _)| decimals);
            let stated = table.layout.decimals.filter(|_| !table.has_unit(column));
            let Some(expected) = stated.or(usual) else { continue };
            for (row, value) in cells.iter().filter(|(_, value)| value.decimals() != expected) {
                let whose = if stated.is_some() { "the table states" } else { "most of the column has" };
                let message =
                    format!("{value} has {} digits after the point, {whose} {expected}", value.decimals());
                let found = AuditFinding::new(Detector::Precision, Severity::Note, table.name, message);
                findings.push(found.at(&row.id, [(column.to_owned(), value.to_string())]));
            }
        }
    }
}
