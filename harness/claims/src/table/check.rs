//! What does not fit in a table's layout, found before anything runs.

use std::collections::BTreeSet;

use super::{ClaimLayout, Column, Layout, RowLayout};
use crate::claim::Claim;
use crate::names::hint;
use crate::printed::{Decimal, DecimalError};

/// Something in a layout that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where, from the layout on: `rows[2].printed.MATH500`. A key with other characters than letters,
    /// digits, `_` and `-` stands in double quotes.
    pub path: String,
    /// Whether the key at `path` is wrong rather than its value.
    pub key: bool,
    /// What is wrong, as a fragment.
    pub message: String,
    /// What was probably meant, or which names there are, as a fragment.
    pub suggestion: Option<String>,
    /// First byte at fault inside the string at `path`, where only a part of it is.
    pub offset: Option<usize>,
}

impl Finding {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), key: false, message: message.into(), suggestion: None, offset: None }
    }

    fn meant(mut self, name: &str, known: &BTreeSet<String>) -> Self {
        self.suggestion = hint(name, known.iter().map(String::as_str));
        self
    }
}

/// What there is beside the table; `None` where that cannot be known before the run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// The models whose verdicts are connected.
    pub models: Option<&'a BTreeSet<String>>,
    /// The benchmarks that there are items of.
    pub benchmarks: Option<&'a BTreeSet<String>>,
}

impl Layout {
    /// Finds what does not fit: unknown groups, benchmarks, models, columns and cells, repeated names, values
    /// that are not decimals, rows that hold nothing, claims that do not parse. In the order of the recipe.
    #[must_use]
    pub fn check(&self, known: &Known<'_>) -> Vec<Finding> {
        let ids = |ids: &mut dyn Iterator<Item = &String>| ids.cloned().collect::<BTreeSet<String>>();
        let mut check = Check {
            known,
            groups: ids(&mut self.groups.iter().map(|group| &group.id)),
            columns: ids(&mut self.columns.iter().map(|column| &column.id)),
            rows: ids(&mut self.rows.iter().map(|row| &row.id)),
            findings: Vec::new(),
        };
        check.groups(self);
        check.repeated("columns", self.columns.iter().map(|column| &column.id));
        check.columns(&self.columns);
        check.repeated("rows", self.rows.iter().map(|row| &row.id));
        self.rows.iter().enumerate().for_each(|(at, row)| check.row(at, row));
        check.repeated("claims", self.claims.iter().map(|claim| &claim.id));
        self.claims.iter().enumerate().for_each(|(at, claim)| check.claim(at, claim));
        for (list, empty) in [("columns", self.columns.is_empty()), ("rows", self.rows.is_empty())] {
            if empty {
                check.wrong(list, "is empty: a table has at least one column and one row");
            }
        }
        check.findings
    }
}

struct Check<'a> {
    known: &'a Known<'a>,
    groups: BTreeSet<String>,
    columns: BTreeSet<String>,
    rows: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn groups(&mut self, layout: &Layout) {
        self.repeated("groups", layout.groups.iter().map(|group| &group.id));
        for (at, group) in layout.groups.iter().enumerate() {
            let path = format!("groups[{at}].id");
            if self.columns.contains(&group.id) {
                self.wrong(&path, format!("`{}` is a column's name too", group.id));
            }
            if layout.members(&group.id).next().is_none() {
                self.wrong(&path, format!("group `{}` has no column", group.id));
            }
        }
    }

    fn columns(&mut self, columns: &[Column]) {
        let mut measured = BTreeSet::new();
        for (at, column) in columns.iter().enumerate() {
            let place = |field: &str| format!("columns[{at}].{field}");
            if let Some(group) = column.group.as_ref().filter(|group| !self.groups.contains(*group)) {
                let message = format!("there is no group `{group}`");
                self.findings.push(Finding::new(place("group"), message).meant(group, &self.groups));
            }
            if let Some(benchmark) = &column.benchmark {
                if let Some(known) = self.known.benchmarks.filter(|known| !known.contains(benchmark)) {
                    let message = format!("there is no benchmark `{benchmark}`");
                    self.findings.push(Finding::new(place("benchmark"), message).meant(benchmark, known));
                }
                if !measured.insert(benchmark) {
                    self.wrong(&place("benchmark"), format!("`{benchmark}` stands in two columns"));
                }
            }
            for (field, count) in
                [("paper_questions", column.paper_questions), ("paper_samples", column.paper_samples)]
            {
                if count == Some(0) {
                    self.wrong(&place(field), "is 0, but must be at least 1");
                }
            }
        }
    }

    fn row(&mut self, at: usize, row: &RowLayout) {
        match (&row.model, self.known.models) {
            (Some(model), Some(known)) if !known.contains(model) => {
                let message = format!("no verdicts on model `{model}` are among the table's inputs");
                self.findings.push(Finding::new(format!("rows[{at}].model"), message).meant(model, known));
            }
            (Some(_), _) if !row.imported.is_empty() => {
                self.wrong(
                    &format!("rows[{at}].imported"),
                    "stands beside a `model`: a row has one or the other",
                );
            }
            (None, _) if row.imported.is_empty() && row.printed.is_empty() && row.averages.is_empty() => {
                self.wrong(&format!("rows[{at}]"), "holds neither a model nor imported nor printed values");
            }
            _ => {}
        }
        for (field, known, cells) in
            [("printed", &self.columns, &row.printed), ("averages", &self.groups, &row.averages)]
        {
            for (name, text) in cells {
                let path = format!("rows[{at}].{field}.{}", key(name));
                self.findings.extend(if known.contains(name) {
                    percentage(text).err().map(|message| Finding::new(path, message))
                } else {
                    let finding = Finding::new(path, format!("unknown key `{name}`")).meant(name, known);
                    Some(Finding { key: true, ..finding })
                });
            }
        }
    }

    fn claim(&mut self, at: usize, claim: &ClaimLayout) {
        let path = format!("claims[{at}].expression");
        let cells: BTreeSet<String> = self.columns.union(&self.groups).cloned().collect();
        match claim.expression.parse::<Claim>() {
            Err(error) => {
                let offset = Some(error.span.start);
                self.findings.push(Finding { offset, ..Finding::new(path, error.to_string()) });
            }
            Ok(parsed) => {
                self.findings.extend(parsed.check_names(&self.rows, &cells).into_iter().map(|unknown| {
                    let message = format!("there is no {} `{}`", unknown.what, unknown.name);
                    let offset = Some(unknown.span.start);
                    let suggestion = hint(&unknown.name, unknown.known.iter().map(String::as_str));
                    Finding { suggestion, offset, ..Finding::new(&path, message) }
                }));
            }
        }
    }

    fn repeated<'i>(&mut self, list: &str, ids: impl Iterator<Item = &'i String>) {
        let mut seen = BTreeSet::new();
        for (at, id) in ids.enumerate() {
            if !seen.insert(id) {
                self.wrong(&format!("{list}[{at}].id"), format!("`{id}` is used twice"));
            }
        }
    }

    fn wrong(&mut self, path: &str, message: impl Into<String>) {
        self.findings.push(Finding::new(path, message));
    }
}

/// Whether a printed text is a decimal between 0 and 100; else what is wrong with it.
fn percentage(text: &str) -> Result<(), String> {
    let value: Decimal = text.parse().map_err(|error: DecimalError| error.to_string())?;
    match (0.0..=100.0).contains(&value.value()) {
        true => Ok(()),
        false => Err(format!("{text} is not a percentage")),
    }
}

/// A key as part of a path.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_owned() } else { format!("\"{name}\"") }
}
