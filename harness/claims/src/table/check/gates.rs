//! What does not fit in the gates of a layout and in what claims say of them.

use std::collections::BTreeSet;

use super::{Check, Finding, Known};
use crate::claim::{Cell, Claim};
use crate::names::hint;
use crate::table::Layout;

/// What stands at the end of a figure's name that there is for each benchmark too, as `pi-solves:root`.
const OF_BENCHMARK: char = ':';

impl Known<'_> {
    /// Whether there can be a figure of this name; `None` where the figures are not known.
    #[must_use]
    pub fn has_figure(&self, name: &str) -> Option<bool> {
        let of_benchmark = |known: &BTreeSet<String>| {
            let (figure, benchmark) = name.split_once(OF_BENCHMARK)?;
            Some(!benchmark.is_empty() && known.contains(&format!("{figure}{OF_BENCHMARK}")))
        };
        let is_known = |known: &BTreeSet<String>| match name.ends_with(OF_BENCHMARK) {
            true => false,
            false => known.contains(name) || of_benchmark(known).unwrap_or(false),
        };
        self.figures.map(is_known)
    }
}

impl Check<'_> {
    pub(super) fn gates(&mut self, layout: &Layout) {
        self.repeated("gates", layout.gates.iter().map(|gate| &gate.id));
        let ids: BTreeSet<String> = layout.gates.iter().map(|gate| gate.id.clone()).collect();
        for (at, claim) in layout.claims.iter().enumerate() {
            for (which, gate) in claim.gates.iter().enumerate() {
                let path = format!("claims[{at}].gates[{which}]");
                if self.lacks("gates", &ids, gate) {
                    let message = format!("there is no gate `{gate}`");
                    self.findings.push(Finding::new(path, message).meant(gate, &ids));
                } else if claim.gates[..which].contains(gate) {
                    self.wrong(&path, format!("`{gate}` is listed twice"));
                }
            }
        }
        for (at, gate) in layout.gates.iter().enumerate() {
            if !layout.claims.iter().any(|claim| claim.gates.contains(&gate.id)) {
                self.wrong(&format!("gates[{at}].id"), format!("no claim uses gate `{}`", gate.id));
            }
            self.condition(format!("gates[{at}].expression"), &gate.expression);
        }
    }

    fn condition(&mut self, path: String, expression: &str) {
        let found: Vec<Finding> = match expression.parse::<Claim>() {
            Err(error) => {
                vec![Finding { offset: Some(error.span.start), ..Finding::new(path, error.to_string()) }]
            }
            Ok(condition) if !self.names_clash() => {
                let references: Vec<&Cell> = condition.references().collect();
                references.into_iter().filter_map(|name| self.unknown(name, &path)).collect()
            }
            Ok(_) => Vec::new(),
        };
        self.findings.extend(found);
    }

    /// What is wrong with a name in a gate: it is a cell where there is such a row, else a figure of a model.
    fn unknown(&self, name: &Cell, path: &str) -> Option<Finding> {
        let at = |offset: usize, message: String| Finding {
            offset: Some(offset),
            ..Finding::new(path.to_owned(), message)
        };
        let (row, column) = (&name.id.row, &name.id.column);
        if self.rows.contains(row) {
            let columns = || self.columns.iter().chain(&self.groups).chain(&self.means);
            if columns().any(|known| known == column) {
                return None;
            }
            let found = at(name.column_span.start, format!("there is no column `{column}`"));
            return Some(Finding { suggestion: hint(column, columns().map(String::as_str)), ..found });
        }
        if let Some(models) = self.known.with_figures.filter(|models| !models.contains(row)) {
            let known: BTreeSet<&str> = self.rows.iter().chain(models).map(String::as_str).collect();
            let message = format!("there is no row `{row}` and no model `{row}` that figures are known of");
            let found = at(name.row_span.start, message);
            return Some(Finding { suggestion: hint(row, known.iter().copied()), ..found });
        }
        if self.known.has_figure(column) == Some(false) {
            let known = self.known.figures.into_iter().flatten().map(String::as_str);
            let whole = known.filter(|known| !known.ends_with(OF_BENCHMARK));
            let found = at(name.column_span.start, format!("there is no figure `{column}`"));
            return Some(Finding { suggestion: hint(column, whole), ..found });
        }
        None
    }
}
