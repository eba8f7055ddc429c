//! What a recipe says about its table.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::printed::{BenchmarkSize, PrintedTable};

/// Columns, rows and claims of a table, as a recipe lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// The paper's caption, restated.
    #[serde(default)]
    pub caption: String,
    /// Groups of columns, each with an average. Without groups a table has no averages.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Columns, from left to right; the average of a group follows its last column.
    pub columns: Vec<Column>,
    /// Rows, from top to bottom.
    pub rows: Vec<RowLayout>,
    /// What the paper says about the table.
    #[serde(default)]
    pub claims: Vec<ClaimLayout>,
    /// What a reader of this table must know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A group of columns; its id names the average column in claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Name in claims, such as `math`.
    pub id: String,
    /// Heading above the group's columns.
    pub label: String,
}

/// A column of percentages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The paper's name of the benchmark, and the column's name in claims.
    pub id: String,
    /// The group that it belongs to.
    pub group: Option<String>,
    /// The benchmark that it is measured on; none where the column holds printed values only.
    pub benchmark: Option<String>,
    /// Questions behind the printed value, where they are known.
    pub paper_questions: Option<u32>,
    /// Samples a question behind the printed value.
    pub paper_samples: Option<u32>,
}

/// A row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowLayout {
    /// Name in claims.
    pub id: String,
    /// The paper's name of the method.
    pub label: String,
    /// The model that is measured; none where the row holds printed values only.
    pub model: Option<String>,
    /// Files of imported scores in the place of a model, by their paths in the workspace: see `assay import`. Each is of
    /// another benchmark.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imported: Vec<String>,
    /// Printed values by column, character by character.
    #[serde(default)]
    pub printed: BTreeMap<String, String>,
    /// Printed averages by group.
    #[serde(default)]
    pub averages: BTreeMap<String, String>,
}

/// A claim as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimLayout {
    /// Name, such as `T5.2`.
    pub id: String,
    /// The paper's words, restated.
    pub text: String,
    /// An expression over cells, see [`claim`](crate::claim).
    pub expression: String,
}

impl RowLayout {
    /// The name of the evaluations behind the row: its model, or a name made of its id where scores are imported.
    #[must_use]
    pub fn evaluated_as(&self) -> Option<String> {
        let imported = || (!self.imported.is_empty()).then(|| format!("imported for row {}", self.id));
        self.model.clone().or_else(imported)
    }
}

impl Layout {
    /// The columns of a group.
    pub fn members<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Column> {
        self.columns.iter().filter(move |column| column.group.as_deref() == Some(group))
    }

    /// The table as printed. Values that are no decimals are left out; [`Layout::check`] finds them.
    #[must_use]
    pub fn printed(&self) -> PrintedTable {
        let size = |column: &Column| {
            Some(BenchmarkSize { questions: column.paper_questions?, samples: column.paper_samples? })
        };
        let members = |group: &Group| self.members(&group.id).map(|column| column.id.clone()).collect();
        let cells = |row: &RowLayout| {
            let texts = row.printed.iter().chain(&row.averages);
            texts.filter_map(|(name, text)| Some((name.clone(), text.parse().ok()?))).collect()
        };
        PrintedTable {
            benchmarks: self.columns.iter().map(|column| (column.id.clone(), size(column))).collect(),
            groups: self.groups.iter().map(|group| (group.id.clone(), members(group))).collect(),
            rows: self.rows.iter().map(|row| (row.id.clone(), cells(row))).collect(),
        }
    }
}
