//! Values as TOML text.

use std::fmt::Write as _;

use crate::values::value::{Table, Value};

/// A key, quoted if it has to be.
pub(crate) fn quote_key(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare { key.to_owned() } else { quote(key) }
}

/// A basic string.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                // Writing into a String cannot fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A value on one line.
pub(crate) fn inline(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        // The shortest text that reads back to the same bits, always with a point or an exponent.
        Value::Float(value) => format!("{value:?}"),
        Value::Str(value) => quote(value),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(&item.value)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) if table.is_empty() => "{}".to_owned(),
        Value::Table(table) => format!("{{ {} }}", entries(table).join(", ")),
    }
}

/// A value for the end of a `key =` line: a list of tables has one on each line.
pub(crate) fn block(value: &Value) -> String {
    match value {
        Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Table(_))) => {
            let items: String = items.iter().map(|item| format!("    {},\n", inline(&item.value))).collect();
            format!("[\n{items}]")
        }
        value => inline(value),
    }
}

fn entries(table: &Table) -> Vec<String> {
    table.iter().map(|(key, item)| format!("{} = {}", quote_key(key), inline(&item.value))).collect()
}
