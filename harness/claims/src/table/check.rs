//! What does not fit in a table's layout, found before anything runs.

mod gates;
mod measures;

use std::collections::BTreeSet;

use super::{ClaimLayout, Column, Gain, Layout, Measure, RowLayout};
use crate::claim::{Claim, Rules};
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
    /// The names of figures. One that ends with a colon, as `pi-solves:`, says that there is such a figure for each
    /// benchmark, as `pi-solves:root`.
    pub figures: Option<&'a BTreeSet<String>>,
    /// The models that figures are known of.
    pub with_figures: Option<&'a BTreeSet<String>>,
}

impl Layout {
    /// Finds what does not fit: unknown groups, benchmarks, models, columns and cells, repeated names, values
    /// that are not decimals, rows that hold nothing, claims and gates that do not parse. In the order of the recipe. Where
    /// a name is used twice, unknown names of the same list are left out: one mistake is reported once.
    #[must_use]
    pub fn check(&self, known: &Known<'_>) -> Vec<Finding> {
        let ids = |ids: &mut dyn Iterator<Item = &String>| ids.cloned().collect::<BTreeSet<String>>();
        let mut check = Check {
            known,
            groups: ids(&mut self.groups.iter().map(|group| &group.id)),
            columns: ids(&mut self.columns.iter().map(|column| &column.id)),
            rows: ids(&mut self.rows.iter().map(|row| &row.id)),
            means: BTreeSet::new(),
            figures_alone: self.columns.iter().all(|column| matches!(column.measure, Measure::Figure(_))),
            others: ids(&mut self.averages_and_columns().filter(|id| self.amount(id).is_some())),
            clashes: BTreeSet::new(),
            findings: Vec::new(),
        };
        check.groups(self);
        check.repeated("columns", self.columns.iter().map(|column| &column.id));
        check.columns(&self.columns);
        check.repeated("rows", self.rows.iter().map(|row| &row.id));
        self.rows.iter().enumerate().for_each(|(at, row)| check.row(at, row));
        check.places(&self.rows);
        check.means(self);
        check.rules(&self.rules);
        check.repeated("claims", self.claims.iter().map(|claim| &claim.id));
        for (at, claim) in self.claims.iter().enumerate().filter(|(_, claim)| claim.primary).skip(1) {
            let message = format!("`{}` is the second primary claim: a table has one", claim.id);
            check.wrong(&format!("claims[{at}].primary"), message);
        }
        self.claims.iter().enumerate().for_each(|(at, claim)| check.claim(at, claim));
        check.gates(self);
        check.repeated("gains", self.gains.iter().map(|gain| &gain.id));
        self.gains.iter().enumerate().for_each(|(at, gain)| check.gain(at, gain));
        for (list, empty) in [("columns", self.columns.is_empty()), ("rows", self.rows.is_empty())] {
            if empty {
                check.wrong(list, "is empty: a table has at least one column and one row");
            }
        }
        check.findings
    }

    /// The ids of all columns and groups.
    fn averages_and_columns(&self) -> impl Iterator<Item = &String> {
        self.columns.iter().map(|column| &column.id).chain(self.groups.iter().map(|group| &group.id))
    }
}

struct Check<'a> {
    known: &'a Known<'a>,
    groups: BTreeSet<String>,
    columns: BTreeSet<String>,
    rows: BTreeSet<String>,
    means: BTreeSet<String>,
    /// Whether no column needs verdicts.
    figures_alone: bool,
    /// Columns and groups of other values than percentages.
    others: BTreeSet<String>,
    /// Lists with a name that is used twice. A name that is absent from such a list is not reported as unknown:
    /// it is probably the one that the repeated name stands in place of.
    clashes: BTreeSet<&'static str>,
    findings: Vec<Finding>,
}

impl Check<'_> {
    /// Whether a model without verdicts has all that the columns can ask of it.
    fn has_figures_alone(&self, model: &str) -> bool {
        self.figures_alone && self.known.with_figures.is_some_and(|known| known.contains(model))
    }

    fn groups(&mut self, layout: &Layout) {
        self.repeated("groups", layout.groups.iter().map(|group| &group.id));
        for (at, group) in layout.groups.iter().enumerate() {
            let path = format!("groups[{at}].id");
            if self.columns.contains(&group.id) {
                self.wrong(&path, format!("`{}` is a column's name too", group.id));
                self.clashes.insert("groups");
            }
            if layout.members(&group.id).next().is_none() {
                self.wrong(&path, format!("group `{}` has no column", group.id));
            }
            self.of_one_unit(&path, &layout.averaged(&group.id));
            for (which, column) in group.columns.iter().enumerate() {
                let path = format!("groups[{at}].columns[{which}]");
                if self.lacks("columns", &self.columns, column) {
                    let message = format!("there is no column `{column}`");
                    self.findings.push(Finding::new(path, message).meant(column, &self.columns));
                } else if group.columns[..which].contains(column) {
                    self.wrong(&path, format!("`{column}` is listed twice"));
                }
            }
        }
    }

    fn columns(&mut self, columns: &[Column]) {
        for (at, column) in columns.iter().enumerate() {
            let place = |field: &str| format!("columns[{at}].{field}");
            self.measure(at, column, &columns[..at]);
            if let Some(group) =
                column.group.as_ref().filter(|group| self.lacks("groups", &self.groups, group))
            {
                let message = format!("there is no group `{group}`");
                self.findings.push(Finding::new(place("group"), message).meant(group, &self.groups));
            }
            if let (Some(benchmark), Some(known)) = (&column.benchmark, self.known.benchmarks)
                && !known.contains(benchmark)
            {
                let message = format!("there is no benchmark `{benchmark}`");
                self.findings.push(Finding::new(place("benchmark"), message).meant(benchmark, known));
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
            (Some(model), Some(known)) if !known.contains(model) && !self.has_figures_alone(model) => {
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
        for (field, list, known, cells) in [
            ("printed", "columns", &self.columns, &row.printed),
            ("averages", "groups", &self.groups, &row.averages),
        ] {
            for (name, text) in cells {
                let path = format!("rows[{at}].{field}.{}", key(name));
                self.findings.extend(if known.contains(name) {
                    let read = if self.others.contains(name) { number(text) } else { percentage(text) };
                    read.err().map(|message| Finding::new(path, message))
                } else if self.lacks(list, known, name) {
                    let finding = Finding::new(path, format!("unknown key `{name}`")).meant(name, known);
                    Some(Finding { key: true, ..finding })
                } else {
                    None
                });
            }
        }
        for (field, marked) in [("best", &row.best), ("second", &row.second)] {
            for (i, name) in marked.iter().enumerate() {
                if !row.printed.contains_key(name) && !row.averages.contains_key(name) {
                    self.wrong(
                        &format!("rows[{at}].{field}[{i}]"),
                        format!("`{name}` has no value in this row"),
                    );
                }
            }
        }
    }

    fn gain(&mut self, at: usize, gain: &Gain) {
        if let Err(message) = number(&gain.printed) {
            self.wrong(&format!("gains[{at}].printed"), message);
        }
        for (field, cell) in [("of", &gain.of), ("over", &gain.over)] {
            let path = format!("gains[{at}].{field}");
            // A cell alone is no claim; compared with a number it is one.
            self.expression(path, &format!("{cell} > 0"));
        }
    }

    fn means(&mut self, layout: &Layout) {
        self.repeated("means", layout.means.iter().map(|mean| &mean.id));
        for (at, mean) in layout.means.iter().enumerate() {
            if self.columns.contains(&mean.id) || self.groups.contains(&mean.id) {
                self.wrong(
                    &format!("means[{at}].id"),
                    format!("`{}` is a column's or a group's name too", mean.id),
                );
                self.clashes.insert("means");
            }
            if mean.columns.is_empty() {
                self.wrong(&format!("means[{at}].columns"), "is empty: a mean needs at least one column");
            }
            for (which, column) in mean.columns.iter().enumerate() {
                let path = format!("means[{at}].columns[{which}]");
                if self.lacks("columns", &self.columns, column) {
                    let message = format!("there is no column `{column}`");
                    self.findings.push(Finding::new(path, message).meant(column, &self.columns));
                } else if mean.columns[..which].contains(column) {
                    self.wrong(&path, format!("`{column}` is listed twice"));
                }
            }
            self.of_one_unit(&format!("means[{at}].columns"), &layout.averaged(&mean.id));
        }
        self.means = layout.means.iter().map(|mean| mean.id.clone()).collect();
    }

    fn rules(&mut self, rules: &Rules) {
        let Rules { alpha, smaller, power, seeds: _ } = *rules;
        // Two one-sided tests of level alpha are an interval of level 1 - 2 alpha.
        let ranges = [("alpha", alpha, 0.5), ("smaller", smaller, 1.0), ("power", power, 1.0)];
        for (name, value, below) in ranges {
            if !(value > 0.0 && value < below) {
                self.wrong(
                    &format!("rules.{name}"),
                    format!("is {value}, but must be above 0 and below {below}"),
                );
            }
        }
        if power <= alpha {
            self.wrong("rules.power", format!("is {power}, but a test of level {alpha} always has more"));
        }
    }

    fn claim(&mut self, at: usize, claim: &ClaimLayout) {
        self.expression(format!("claims[{at}].expression"), &claim.expression);
    }

    fn expression(&mut self, path: String, expression: &str) {
        let cells: BTreeSet<String> =
            self.columns.iter().chain(&self.groups).chain(&self.means).cloned().collect();
        match expression.parse::<Claim>() {
            Err(error) => {
                let offset = Some(error.span.start);
                self.findings.push(Finding { offset, ..Finding::new(path, error.to_string()) });
            }
            Ok(parsed) if !self.names_clash() => {
                self.findings.extend(parsed.check_names(&self.rows, &cells).into_iter().map(|unknown| {
                    let message = format!("there is no {} `{}`", unknown.what, unknown.name);
                    let offset = Some(unknown.span.start);
                    let suggestion = hint(&unknown.name, unknown.known.iter().map(String::as_str));
                    Finding { suggestion, offset, ..Finding::new(&path, message) }
                }));
            }
            Ok(_) => {}
        }
    }

    /// Whether a name is unknown in a list whose names are all different.
    fn lacks(&self, list: &str, known: &BTreeSet<String>, name: &str) -> bool {
        !known.contains(name) && !self.clashes.contains(list)
    }

    /// Whether a name is used twice in any list from which claims take names.
    fn names_clash(&self) -> bool {
        ["groups", "columns", "rows", "means"].iter().any(|list| self.clashes.contains(list))
    }

    fn repeated<'i>(&mut self, list: &'static str, ids: impl Iterator<Item = &'i String>) {
        let mut seen = BTreeSet::new();
        for (at, id) in ids.enumerate() {
            if !seen.insert(id) {
                self.wrong(&format!("{list}[{at}].id"), format!("`{id}` is used twice"));
                self.clashes.insert(list);
            }
        }
    }

    fn wrong(&mut self, path: &str, message: impl Into<String>) {
        self.findings.push(Finding::new(path, message));
    }
}

/// Whether a printed text is a decimal; else what is wrong with it.
fn number(text: &str) -> Result<(), String> {
    text.parse::<Decimal>().map(|_| ()).map_err(|error| error.to_string())
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
