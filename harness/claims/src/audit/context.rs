//! The tables of an audit, prepared for the detectors.

use std::cmp::Ordering;

use super::AuditTable;
use super::finding::Severity;
use super::grid::Grids;
use crate::claim::{AsPrinted, Claim, PrintedNumber, as_printed};
use crate::decimal::Decimal;
use crate::printed::PrintedTable;
use crate::table::{Layout, RowLayout};

/// From so many units of the last digit on, more than the last digit is wrong.
const LAST_DIGIT: i128 = 10;

/// All tables.
pub(super) struct Context<'a> {
    pub(super) tables: Vec<Prepared<'a>>,
    pub(super) grids: Grids,
}

/// A table with its values as numbers and its claims parsed.
pub(super) struct Prepared<'a> {
    pub(super) name: &'a str,
    pub(super) layout: &'a Layout,
    pub(super) printed: PrintedTable,
    pub(super) claims: Vec<(&'a str, Claim)>,
}

impl<'a> Context<'a> {
    pub(super) fn new(tables: &'a [AuditTable]) -> Self {
        let prepared = tables.iter().map(|table| Prepared {
            name: &table.name,
            layout: &table.layout,
            printed: table.layout.printed(),
            // What does not parse was reported by the check of the layout.
            claims: table
                .layout
                .claims
                .iter()
                .filter_map(|claim| Some((claim.id.as_str(), claim.expression.parse().ok()?)))
                .collect(),
        });
        Self { tables: prepared.collect(), grids: Grids::default() }
    }
}

impl Prepared<'_> {
    /// Columns and groups from left to right.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        let columns = self.layout.columns.iter().map(|column| column.id.as_str());
        columns.chain(self.layout.groups.iter().map(|group| group.id.as_str()))
    }

    /// The cells of a row, from left to right.
    pub(super) fn cells<'r>(&'r self, row: &'r RowLayout) -> impl Iterator<Item = (&'r str, Decimal)> {
        self.ids().filter_map(|id| Some((id, self.printed.cell(&row.id, id)?)))
    }

    /// Whether a column holds other values than percentages.
    pub(super) fn has_unit(&self, column: &str) -> bool {
        self.layout.columns.iter().any(|c| c.id == column && c.unit.is_some())
    }

    /// A printed number that claims can name: a cell, or a named mean.
    pub(super) fn number(&self, row: &str, column: &str) -> Option<PrintedNumber> {
        self.layout.printed_number(|row, column| self.printed.cell(row, column), row, column)
    }

    /// The severity of an error in a cell: what changes when the cell gets the corrected value.
    pub(super) fn weight(&self, row: &str, column: &str, corrected: Decimal) -> Severity {
        let with = |r: &str, c: &str| match (r, c) == (row, column) {
            true => Some(corrected),
            false => self.printed.cell(r, c),
        };
        let changed = self.claims.iter().any(|(_, claim)| {
            let before: AsPrinted = as_printed(claim, |r, c| self.number(r, c)).holds;
            as_printed(claim, |r, c| self.layout.printed_number(with, r, c)).holds != before
        });
        if changed {
            return Severity::ChangesAClaim;
        }
        let Some(now) = self.printed.cell(row, column) else { return Severity::Note };
        let others = self.layout.rows.iter().filter(|other| other.id != row);
        let mut others = others.filter_map(|other| self.printed.cell(&other.id, column));
        // A new tie, or the end of one, is not a change of order.
        let turned = |other: Decimal| {
            let (before, after) = (now.cmp_value(other), corrected.cmp_value(other));
            before != after && before != Ordering::Equal && after != Ordering::Equal
        };
        // In units of the printed value's last digit, times the scale of the corrected one.
        let apart = (now.units() * corrected.scale() - corrected.units() * now.scale()).abs();
        match (others.any(turned), apart) {
            (true, _) => Severity::ChangesARank,
            (false, 0) => Severity::Note,
            (false, apart) if apart < LAST_DIGIT * corrected.scale() => Severity::LastDigit,
            (false, _) => Severity::ChangesAValue,
        }
    }
}

/// The name of the method in a row: the label, where no other is given.
pub(super) fn method(row: &RowLayout) -> &str {
    row.method.as_deref().unwrap_or(&row.label)
}
