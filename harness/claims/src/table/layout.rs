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
    /// What a measurement must be like for a claim to be tested by it. Fixed before the results, like the claims.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateLayout>,
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
    /// What the places (`at`) of rows are, such as `traces a question`: the name of the axis on which they stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_label: Option<String>,
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
    /// The columns that it averages, where they are not those that name the group: a column may be averaged by several
    /// groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
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

/// What a column's measured values are of.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Samples that are right, in percent: Avg@k.
    #[default]
    Accuracy,
    /// Questions with a right one among so many samples, in percent, by the unbiased estimator: pass@k (Chen et al. 2021,
    /// arXiv:2107.03374, equation 1). At least 1, and at most the samples that there are.
    PassAt(u32),
    /// Tokens that the model writes for a question.
    Tokens,
    /// A figure of the row's model, one value a training run, such as the share of steps with a large gradient.
    Figure(String),
}

impl Measure {
    /// The words for it beside the name of a benchmark, such as `pass@8`; none for accuracy, which needs no word.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        match self {
            Self::Accuracy => None,
            Self::PassAt(k) => Some(format!("pass@{k}")),
            Self::Tokens => Some(TOKENS.to_owned()),
            Self::Figure(name) => Some(name.clone()),
        }
    }

    /// Whether its values are of verdicts on samples: shares, which are shown in percent.
    #[must_use]
    pub fn is_share(&self) -> bool {
        matches!(self, Self::Accuracy | Self::PassAt(_))
    }
}

/// The measure of lengths, and its unit.
const TOKENS: &str = "tokens";

/// A column of values of one kind; percentages of right samples unless it says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The paper's name of the benchmark, and the column's name in claims.
    pub id: String,
    /// The group that it belongs to.
    pub group: Option<String>,
    /// The benchmark that it is measured on; none where the column holds printed values only.
    pub benchmark: Option<String>,
    /// What its measured values are of.
    #[serde(default, skip_serializing_if = "is_default")]
    pub measure: Measure,
    /// Its place on an axis, such as k of pass@k: columns of one benchmark with places are drawn as a curve for each row. No
    /// two of them have the same place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u32>,
    /// Questions behind the printed value, where they are known.
    pub paper_questions: Option<u32>,
    /// Samples a question behind the printed value.
    pub paper_samples: Option<u32>,
    /// The unit of values that are no percentages, such as `tokens`. Values of a benchmark are percentages unless they count
    /// tokens; a figure may have any unit, or none.
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
    /// beside the label wherever a number of the row can be quoted from. Empty where it is the paper's own.
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
    /// Its place on an axis, such as the number of traces: the averages of rows with places are drawn as curves. No two rows
    /// of a block have the same place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u32>,
    /// The block of rows to which the row belongs. Marks are of the best of all rows, or of the best of each block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<String>,
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
    /// The gates, by id, that must pass for the claim to be tested: else it is not testable here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<String>,
}

/// A condition on a measurement, not on a result: whether the setting gives a claim a fair chance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateLayout {
    /// Name, such as `hint-has-leverage`.
    pub id: String,
    /// What it asks, in words.
    pub text: String,
    /// A claim's expression over point values: cells, and figures as `model.figure`, such as
    /// `prior-4b.pi-solves >= 15 and prior-4b.pi-solves <= 40`. A name is a row's if there is such a row, else a model's.
    pub expression: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Column {
    /// Whether another benchmark is measured in the place of the paper's. Case and punctuation of names are ignored.
    #[must_use]
    pub fn is_stand_in(&self) -> bool {
        let plain = |name: &str| -> String {
            name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        self.benchmark.as_ref().is_some_and(|benchmark| plain(benchmark) != plain(&self.id))
    }

    /// The unit of its values where they are no percentages; empty for a figure without a unit.
    #[must_use]
    pub fn amount(&self) -> Option<&str> {
        let unit = self.unit.as_deref();
        match self.measure {
            Measure::Tokens => unit.or(Some(TOKENS)),
            Measure::Figure(_) => unit.or(Some("")),
            Measure::Accuracy | Measure::PassAt(_) => unit,
        }
    }

    /// The benchmark that its measured values are of, and the paper's one where it stands in the place of another.
    #[must_use]
    pub fn measured_as(&self) -> String {
        let stand_in = self.benchmark.as_deref().filter(|_| self.is_stand_in());
        in_the_place_of(stand_in, &self.id)
    }
}

/// A stand-in with what it stands for; the name itself where nothing stands in its place.
fn in_the_place_of(stand_in: Option<&str>, name: &str) -> String {
    match stand_in {
        Some(stand_in) => format!("{stand_in}, in the place of {name}"),
        None => name.to_owned(),
    }
}

impl RowLayout {
    /// What its measured values are of, and the paper's label where a stand-in was measured.
    #[must_use]
    pub fn measured_as(&self) -> String {
        in_the_place_of(self.stand_in(), &self.label)
    }

    /// What is measured in the place of the paper's model; none where it is that model.
    #[must_use]
    pub fn stand_in(&self) -> Option<&str> {
        self.stand_in.as_deref().filter(|stand_in| !stand_in.is_empty())
    }

    /// The name of the evaluations behind the row: its model, or a name made of its id where scores are imported.
    #[must_use]
    pub fn evaluated_as(&self) -> Option<String> {
        let imported = || (!self.imported.is_empty()).then(|| format!("imported for row {}", self.id));
        self.model.clone().or_else(imported)
    }
}

impl Layout {
    /// The columns that a group averages.
    pub fn members<'a>(&'a self, group: &str) -> impl Iterator<Item = &'a Column> {
        let named =
            self.groups.iter().find(|known| known.id == group).filter(|known| !known.columns.is_empty());
        self.columns.iter().filter(move |column| match named {
            Some(group) => group.columns.contains(&column.id),
            None => column.group.as_deref() == Some(group),
        })
    }

    /// The unit of a column's, a group's or a named mean's values where they are no percentages ([`Column::amount`]).
    #[must_use]
    pub fn amount(&self, column: &str) -> Option<&str> {
        self.averaged(column).first().and_then(|member| member.amount())
    }

    /// The columns behind a cell: the column itself, or those that a group or a named mean averages.
    pub(crate) fn averaged(&self, id: &str) -> Vec<&Column> {
        let mean = self.means.iter().find(|mean| mean.id == id);
        let all = self.columns.iter().filter(|column| match mean {
            Some(mean) => mean.columns.contains(&column.id),
            None => column.id == id,
        });
        let found: Vec<&Column> = all.collect();
        if found.is_empty() { self.members(id).collect() } else { found }
    }

    /// The table as printed. Values that are no decimals are left out; [`Layout::check`] finds them.
    #[must_use]
    pub fn printed(&self) -> PrintedTable {
        let size = |column: &Column| {
            let of_percentages = column.unit.is_none() && column.measure == Measure::Accuracy;
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
