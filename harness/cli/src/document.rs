//! What commands print under `--json`: documents with the number of their format (`docs/json.md`).

use serde::Serialize;

use crate::failure::Failure;
use crate::stdio;
use crate::visible::acts;

/// The version of the documents that have no type of their own in a library.
const FORMAT: u32 = 1;

/// A document whose content does not carry a format.
#[derive(Serialize)]
struct Document<T> {
    format: u32,
    #[serde(flatten)]
    content: T,
}

/// Prints an object that does not carry the number of its format, with that number.
pub(crate) fn print(content: &impl Serialize) -> Result<(), Failure> {
    print_whole(&Document { format: FORMAT, content })
}

/// Prints an object that carries the number of its format.
pub(crate) fn print_whole(document: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(document).map_err(|e| Failure::Internal(e.to_string()))?;
    writeln!(stdio::out(), "{}", escaped(json))
}

/// One line of a file or a stream of JSON lines.
pub(crate) fn line(row: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(row).map(escaped).map_err(|e| Failure::Internal(e.to_string()))
}

/// The same JSON with an escape for every character that would act on a terminal. Line breaks between values
/// stay.
pub(crate) fn escaped(json: String) -> String {
    let is_escaped = |character: char| acts(character) && character != '\n';
    if !json.contains(is_escaped) {
        return json;
    }
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if is_escaped(character) {
            // Each of them is one unit of UTF-16.
            text.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            text.push(character);
        }
    }
    text
}
