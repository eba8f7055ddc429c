//! Sections of text, small tables and plots beside the main table. Who measures something fills them; who
//! makes pages draws them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::Quantity;

/// A section beside the main table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Heading.
    pub title: String,
    /// What is shown and how to read it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<DataTable>,
    /// Plots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plots: Vec<Plot>,
}

/// A small table of typed cells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataTable {
    /// What the table shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// One heading for each column.
    pub header: Vec<Heading>,
    /// Rows of as many cells as there are headings. The first cell names the row.
    pub rows: Vec<Vec<Datum>>,
}

/// Heading of a column of a [`DataTable`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Heading {
    /// The words.
    pub label: String,
    /// Digits after the decimal point for the column's numbers; 2 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
}

/// One cell of a [`DataTable`]. JSON: `"empty"`, `{"text": "a"}`, `{"integer": 1}`, `{"number": 1.5}`,
/// `{"estimate": {..}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Datum {
    /// Nothing.
    Empty,
    /// Words.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A number with an interval.
    Estimate(Quantity),
}

/// A plot of one or more series over two axes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plot {
    /// What the plot shows.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// The series, in the order of the legend.
    pub series: Vec<Series>,
}

/// One axis of a [`Plot`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// The quantity and its unit.
    pub label: String,
    /// Whether equal distances are equal ratios (base 2); all values must be positive then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub logarithmic: bool,
}

/// One series of a [`Plot`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Name in the legend.
    pub label: String,
    /// How the points are drawn.
    pub style: SeriesStyle,
    /// The points, in drawing order.
    pub points: Vec<PlotPoint>,
}

/// How a [`Series`] is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SeriesStyle {
    /// Points joined by a line.
    Line,
    /// Points alone.
    Points,
    /// A line without points, with the intervals as a band around it.
    Band,
}

/// One point of a [`Series`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlotPoint {
    /// Horizontal position.
    pub x: f64,
    /// Vertical position.
    pub y: f64,
    /// Ends of the interval of `y`, lower end first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
}

impl Datum {
    /// Whether it is a number of any kind.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Integer(_) | Self::Number(_) | Self::Estimate(_))
    }
}
