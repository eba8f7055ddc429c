//! What a recipe says about its table.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::claim::{PrintedNumber, Rules};
use crate::printed::{BenchmarkSize, Decimal, PrintedTable};

/// Columns, rows and claims of a table, as a recipe lists them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Means over columns that claims speak of beside the groups' averages. They are no columns of the table.
    #[serde(default)]
    pub means: Vec<NamedMean>,
    /// What the paper says about the table.
    #[serde(default)]
    pub claims: Vec<ClaimLayout>,
    /// The rules by which claims are settled.
    #[serde(default)]
    pub rules: Rules,
    /// What was known before the rules and claims were fixed, in words.
    #[serde(default)]
    pub history: Vec<String>,
    /// What differs from the paper, and why.
    #[serde(default)]
    pub deviations: Vec<Deviation>,
    /// What a reader of this table must know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Relative gains that the paper's text states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gains: Vec<Gain>,
    /// How the paper says that it makes the last digit; none where it does not say, which is read as rounding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
    /// Digits after the point of every value, where the paper states them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u32>,
}

/// How a printed value's last digit is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// Rounded once, at a tie in either direction.
    Once,
    /// Each run is rounded, then their mean.
    Runs,
    /// Digits are cut off.
    Truncation,
}

/// A relative gain as the text states it: by how many percent one cell is above another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gain {
    /// Name, such as `T1.g1`.
    pub id: String,
    /// The paper's words, restated.
    pub text: String,
    /// The cell that is higher, `row.column`, as in a claim.
    pub of: String,
    /// The cell that it is compared with.
    pub over: String,
    /// The percentage in the text.
    pub printed: String,
    /// How the text puts it.
    pub says: Says,
}

/// How a number in a text relates to the exact one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// "Over 160 %": the exact gain is larger.
    Over,
    /// "Under 2 %": the exact gain is smaller.
    Under,
    /// "160 %": the exact gain rounds to it.
    About,
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

/// A mean over some columns, with a name for claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedMean {
    /// Name in claims, such as `code`.
    pub id: String,
    /// The columns that it averages, each with the same weight.
    pub columns: Vec<String>,
}

/// Something that was done in another way than in the paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// What it is about, in a few words.
    pub what: String,
    /// What the paper, or the code released with it, does.
    pub paper: String,
    /// What is done here.
    pub here: String,
    /// Why.
    pub why: String,
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
    /// The unit of values that are no percentages, such as `tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether the lowest value is the best.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lower_is_better: bool,
}

/// A row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowLayout {
    /// Name in claims.
    pub id: String,
    /// The paper's name of the method.
    pub label: String,
    /// What is measured in the place of the paper's model, such as `0.31M decoder, fine-tuned on 150 rows`. It stands
    /// beside the label wherever a number of the row can be quoted from.
    pub stand_in: Option<String>,
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
    /// Whether the paper takes the values from elsewhere, so that its own questions, samples and rounding do
    /// not apply.
    #[serde(default, skip_serializing_if = "is_false")]
    pub quoted: bool,
    /// The method that the row is about, where another table has it under another label; else the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Columns and groups whose value is marked as the best, in most papers in bold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub best: Vec<String>,
    /// Columns and groups whose value is marked as the second best, in most papers underlined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub second: Vec<String>,
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
    /// Whether this is the table's primary claim, which is tested at the full level; the others share it. At most one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub primary: bool,
}

fn is_false(value: &bool) -> bool {
    !value
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
            let of_percentages = column.unit.is_none();
            let size = BenchmarkSize { questions: column.paper_questions?, samples: column.paper_samples? };
            of_percentages.then_some(size)
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

    /// A printed number, or the mean of the printed numbers that a named mean averages.
    pub(crate) fn printed_number(
        &self,
        cell: impl Fn(&str, &str) -> Option<Decimal>,
        row: &str,
        column: &str,
    ) -> Option<PrintedNumber> {
        let Some(mean) = self.means.iter().find(|mean| mean.id == column) else {
            return cell(row, column).map(PrintedNumber::from);
        };
        let members = mean.columns.iter().map(|column| cell(row, column).map(PrintedNumber::from));
        let members: Vec<PrintedNumber> = members.collect::<Option<_>>()?;
        let n = members.len() as f64;
        Some(PrintedNumber {
            value: members.iter().map(|member| member.value).sum::<f64>() / n,
            rounding: members.iter().map(|member| member.rounding).sum::<f64>() / n,
        })
    }
}
