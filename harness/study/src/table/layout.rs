//! What a recipe says about its table.

use std::collections::{BTreeMap, BTreeSet};

use assay_flow::{ParamError, Params};
use serde::{Deserialize, Serialize};

use crate::inference::claims;
use crate::inference::printed::{BenchmarkSize, Decimal, PrintedTable};
use crate::tasks::Family;

/// Columns, rows and claims of a table, as a recipe lists them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// The paper's caption, restated.
    pub caption: String,
    /// Groups of columns, each with an average.
    pub groups: Vec<Group>,
    /// Benchmark columns, from left to right.
    pub columns: Vec<Column>,
    /// Rows, from top to bottom.
    pub rows: Vec<RowLayout>,
    /// What the paper says about the table.
    #[serde(default)]
    pub claims: Vec<ClaimLayout>,
}

/// A group of columns; its id names the average column in claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Name in claims, such as `math`.
    pub id: String,
    /// Heading.
    pub label: String,
}

/// A benchmark column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The paper's name of the benchmark, and the column's name in claims.
    pub id: String,
    /// The group that it belongs to.
    pub group: String,
    /// The family of questions that it is measured on.
    pub benchmark: String,
    /// Questions behind the printed value, where they are known.
    pub paper_questions: Option<u32>,
    /// Samples a question behind the printed value.
    pub paper_samples: Option<u32>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowLayout {
    /// Name in claims.
    pub id: String,
    /// The paper's name of the method.
    pub label: String,
    /// The step that judges the row's model.
    pub evaluation: String,
    /// Printed values by column, character by character.
    #[serde(default)]
    pub printed: BTreeMap<String, String>,
    /// Printed averages by group.
    #[serde(default)]
    pub averages: BTreeMap<String, String>,
}

/// A claim as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimLayout {
    /// Name, such as `T5.2`.
    pub id: String,
    /// The paper's words, restated.
    pub text: String,
    /// An expression over cells, see [`claims`].
    pub expression: String,
}

impl Layout {
    /// Finds what does not fit: unknown groups, benchmarks, steps, columns and cells, repeated names, values
    /// that are not decimals, claims that do not parse. `params` names the connected steps.
    ///
    /// # Errors
    /// All findings, each with its place in the recipe.
    pub fn check(&self, params: &Params) -> Result<(), ParamError> {
        let mut errors = Vec::new();
        let groups: BTreeSet<String> = self.groups.iter().map(|group| group.id.clone()).collect();
        let columns: BTreeSet<String> = self.columns.iter().map(|column| column.id.clone()).collect();
        repeated("groups", self.groups.iter().map(|group| &group.id), &mut errors);
        repeated("columns", self.columns.iter().map(|column| &column.id), &mut errors);
        for (at, group) in self.groups.iter().enumerate() {
            let path = format!("recipe.groups[{at}].id");
            if columns.contains(&group.id) {
                errors.push(ParamError::new(path.as_str(), format!("`{}` is a column's name too", group.id)));
            }
            if self.members(&group.id).next().is_none() {
                errors.push(ParamError::new(path.as_str(), format!("group `{}` has no column", group.id)));
            }
        }
        let mut measured = BTreeSet::new();
        repeated("rows", self.rows.iter().map(|row| &row.id), &mut errors);
        repeated("claims", self.claims.iter().map(|claim| &claim.id), &mut errors);
        for (at, column) in self.columns.iter().enumerate() {
            let place = |field: &str| format!("recipe.columns[{at}].{field}");
            unknown("group", &column.group, groups.iter(), place("group"), &mut errors);
            let benchmarks: Vec<String> = Family::ALL.iter().map(ToString::to_string).collect();
            unknown("benchmark", &column.benchmark, benchmarks.iter(), place("benchmark"), &mut errors);
            if !measured.insert(&column.benchmark) {
                let message = format!("`{}` stands in two columns", column.benchmark);
                errors.push(ParamError::new(place("benchmark").as_str(), message));
            }
            for (field, count) in
                [("paper_questions", column.paper_questions), ("paper_samples", column.paper_samples)]
            {
                if count == Some(0) {
                    errors.push(ParamError::new(place(field).as_str(), "is 0, but must be at least 1"));
                }
            }
        }
        let steps: Vec<String> = params.steps("verdicts").iter().map(|step| step.name.clone()).collect();
        for (at, row) in self.rows.iter().enumerate() {
            let place = |field: &str| format!("recipe.rows[{at}].{field}");
            unknown(
                "step among the table's `verdicts`",
                &row.evaluation,
                steps.iter(),
                place("evaluation"),
                &mut errors,
            );
            for (field, known, cells) in
                [("printed", &columns, &row.printed), ("averages", &groups, &row.averages)]
            {
                for (name, text) in cells {
                    let path = format!("{}.{name}", place(field));
                    if !known.contains(name) {
                        errors.push(ParamError::unknown_key(path.as_str(), known.iter().map(String::as_str)));
                        continue;
                    }
                    match text.parse::<Decimal>() {
                        Err(error) => errors.push(ParamError::new(path.as_str(), error.to_string())),
                        Ok(value) if !(0.0..=100.0).contains(&value.value()) => {
                            errors
                                .push(ParamError::new(path.as_str(), format!("{text} is not a percentage")));
                        }
                        Ok(_) => {}
                    }
                }
            }
        }
        let rows: BTreeSet<String> = self.rows.iter().map(|row| row.id.clone()).collect();
        let cells: BTreeSet<String> = columns.union(&groups).cloned().collect();
        for (at, claim) in self.claims.iter().enumerate() {
            let path = format!("recipe.claims[{at}].expression");
            match claim.expression.parse::<claims::Claim>() {
                Err(error) => errors.push(ParamError::new(path.as_str(), error.to_string())),
                Ok(parsed) => errors.extend(parsed.check_names(&rows, &cells).into_iter().map(|unknown| {
                    let message = format!("there is no {} `{}`", unknown.what, unknown.name);
                    ParamError::new(path.as_str(), message)
                        .meant(&unknown.name, unknown.known.iter().map(String::as_str))
                })),
            }
        }
        ParamError::all(errors)
    }

    /// The columns of a group.
    pub fn members<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Column> {
        self.columns.iter().filter(move |column| column.group == group)
    }

    /// The table as printed.
    #[must_use]
    pub fn printed(&self) -> PrintedTable {
        let size = |column: &Column| {
            Some(BenchmarkSize { questions: column.paper_questions?, samples: column.paper_samples? })
        };
        let cells = |row: &RowLayout| {
            let texts = row.printed.iter().chain(&row.averages);
            texts.filter_map(|(name, text)| Some((name.clone(), text.parse().ok()?))).collect()
        };
        PrintedTable {
            benchmarks: self.columns.iter().map(|column| (column.id.clone(), size(column))).collect(),
            groups: self
                .groups
                .iter()
                .map(|group| {
                    (group.id.clone(), self.members(&group.id).map(|column| column.id.clone()).collect())
                })
                .collect(),
            rows: self.rows.iter().map(|row| (row.id.clone(), cells(row))).collect(),
        }
    }
}

fn repeated<'a>(list: &str, ids: impl Iterator<Item = &'a String>, errors: &mut Vec<ParamError>) {
    let mut seen = BTreeSet::new();
    for (at, id) in ids.enumerate() {
        if !seen.insert(id) {
            let path = format!("recipe.{list}[{at}].id");
            errors.push(ParamError::new(path.as_str(), format!("`{id}` is used twice")));
        }
    }
}

fn unknown<'a>(
    what: &str,
    name: &str,
    mut known: impl Iterator<Item = &'a String> + Clone,
    path: String,
    errors: &mut Vec<ParamError>,
) {
    let names = known.clone().map(String::as_str);
    if !known.any(|candidate| candidate == name) {
        errors
            .push(ParamError::new(path.as_str(), format!("there is no {what} `{name}`")).meant(name, names));
    }
}
