//! The table as comma-separated values.

use crate::model::{PrintedCheck, Quantity, Report};
use crate::plain::{one_line, visible};

const HEAD: [&str; 13] = [
    "row",
    "row_label",
    "column",
    "column_label",
    "measured_on",
    "seed",
    "value",
    "low",
    "high",
    "standard_error",
    "n",
    "printed",
    "printed_check",
];

/// The cells of the table as comma-separated values, by RFC 4180.
///
/// Each cell has one line without a seed, with the mean, its interval and the printed value, and one line for each
/// seed with the value of that seed. Values are percentages with all their digits. A text that a spreadsheet would
/// take for a formula has an apostrophe before it.
pub fn csv(report: &Report) -> String {
    let mut text = String::new();
    line(&mut text, HEAD.map(str::to_owned));
    for row in &report.rows {
        for column in &report.columns {
            let Some(cell) = row.cells.get(&column.id) else { continue };
            let named = |seed: String, values: [String; 7]| {
                let [value, low, high, error, n, printed, check] = values;
                [
                    word(&row.id),
                    word(&row.label),
                    word(&column.id),
                    word(&column.label),
                    word(column.measured_on.as_deref().unwrap_or_default()),
                    seed,
                    value,
                    low,
                    high,
                    error,
                    n,
                    printed,
                    check,
                ]
            };
            let printed = cell.printed.as_ref();
            let of_printed = [
                printed.map(|printed| word(&printed.text)).unwrap_or_default(),
                printed.map(|printed| check_word(printed.check)).unwrap_or_default(),
            ];
            let [value, low, high, error, n] = cell.measured.as_ref().map(numbers).unwrap_or_default();
            let [text_printed, check] = of_printed;
            line(&mut text, named(String::new(), [value, low, high, error, n, text_printed, check]));
            for (seed, value) in cell.measured.iter().flat_map(|found| &found.per_seed) {
                let mut values: [String; 7] = Default::default();
                values[0] = value.to_string();
                line(&mut text, named(seed.to_string(), values));
            }
        }
    }
    text
}

fn numbers(found: &Quantity) -> [String; 5] {
    [
        found.value.to_string(),
        found.low.to_string(),
        found.high.to_string(),
        found.standard_error.map(|error| error.to_string()).unwrap_or_default(),
        found.n.map(|n| n.to_string()).unwrap_or_default(),
    ]
}

fn check_word(check: PrintedCheck) -> String {
    check.word().to_owned()
}

/// A text that no spreadsheet takes for a formula.
fn word(text: &str) -> String {
    let text = one_line(&visible(text));
    let formula = text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err();
    if formula { format!("'{text}") } else { text }
}

fn line<const N: usize>(text: &mut String, fields: [String; N]) {
    let fields = fields.map(|field| {
        if field.contains([',', '"', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    });
    text.push_str(&fields.join(","));
    text.push_str("\r\n");
}
