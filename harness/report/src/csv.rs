//! The table as comma-separated values.

use crate::model::{Cell, Column, Quantity, Report, Row};
use crate::plain::{one_line, visible};
use crate::units::unit;

const HEAD: &str = "row,row_label,column,column_label,measured_on,seed,value,low,high,standard_error,n,printed,printed_check,unit";

/// The cells of the table as comma-separated values, by RFC 4180.
///
/// Each cell has one line without a seed, with the mean, its interval and the printed value, and one line for each
/// seed with the value of that seed. Values have all their digits; the last field names their unit, such as `percent`. A text that a spreadsheet would
/// take for a formula has an apostrophe before it.
pub fn csv(report: &Report) -> String {
    let mut text = format!("{HEAD}\r\n");
    for row in &report.rows {
        for column in &report.columns {
            let Some(cell) = row.cells.get(&column.id) else { continue };
            let place = place(row, column);
            let unit = word(unit(column));
            line(&mut text, &place, "", &whole(cell), &unit);
            for (seed, value) in cell.measured.iter().flat_map(|found| &found.per_seed) {
                let mut values: [String; 7] = Default::default();
                values[0] = value.to_string();
                line(&mut text, &place, &seed.to_string(), &values, &unit);
            }
        }
    }
    text
}

/// Where a value stands.
fn place(row: &Row, column: &Column) -> [String; 5] {
    let measured_on = column.measured_on.as_deref().unwrap_or_default();
    [&row.id, &row.label, &column.id, &column.label, measured_on].map(word)
}

/// What a cell holds: the mean with its interval, and the printed value.
fn whole(cell: &Cell) -> [String; 7] {
    let known = cell.measured.as_ref().is_some_and(Quantity::has_interval);
    let end = |end: f64| if known { end.to_string() } else { String::new() };
    let [value, low, high, error, n] = match &cell.measured {
        Some(found) => [
            found.value.to_string(),
            end(found.low),
            end(found.high),
            found.standard_error.map(|error| error.to_string()).unwrap_or_default(),
            found.n.map(|n| n.to_string()).unwrap_or_default(),
        ],
        None => Default::default(),
    };
    let [printed, check] = match &cell.printed {
        Some(printed) => [word(&printed.text), printed.check.word().to_owned()],
        None => Default::default(),
    };
    [value, low, high, error, n, printed, check]
}

/// A text that no spreadsheet takes for a formula, quoted where it must be.
fn word(text: &str) -> String {
    let mut text = one_line(&visible(text));
    if text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err() {
        text.insert(0, '\'');
    }
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn line(text: &mut String, place: &[String; 5], seed: &str, values: &[String; 7], unit: &str) {
    text.push_str(&format!("{},{seed},{},{unit}\r\n", place.join(","), values.join(",")));
}
