//! A check as a JUnit file: one test case for each cell and each claim.

use assay_claims::compare::Call;

use super::compared::{Check, Item};

/// The file. A regression is a failure; what could not be tested is skipped, with the reason.
pub(crate) fn junit(check: &Check) -> String {
    let all = || check.cells.iter().chain(&check.claims);
    let failures = all().filter(|item| item.call().is_regression()).count();
    let skipped = all().filter(|item| is_skipped(item.call())).count();
    let counts =
        format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"", all().count());
    let name = escaped(&format!("{}@{}", check.recipe, check.scale));
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text.push_str(&format!(
        "<testsuites name=\"assay-check\" {counts}>\n  <testsuite name=\"{name}\" {counts}>\n"
    ));
    for (class, items) in [("cell", &check.cells), ("claim", &check.claims)] {
        items.iter().for_each(|item| text.push_str(&case(&format!("{}.{class}", check.recipe), item)));
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

fn is_skipped(call: Call) -> bool {
    matches!(call, Call::Insufficient | Call::NotComparable)
}

fn case(class: &str, item: &Item) -> String {
    let head = format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(class), escaped(&item.id));
    let (call, said) = (item.call(), escaped(&super::sentence(item)));
    match call {
        call if call.is_regression() => {
            format!(
                "{head}>\n      <failure message=\"{said}\" type=\"{}\"/>\n    </testcase>\n",
                call.word()
            )
        }
        call if is_skipped(call) => {
            format!("{head}>\n      <skipped message=\"{said}\"/>\n    </testcase>\n")
        }
        Call::Identical | Call::Unchanged => format!("{head}/>\n"),
        _ => format!("{head}>\n      <system-out>{said}</system-out>\n    </testcase>\n"),
    }
}

/// Text within XML. Characters that XML 1.0 forbids become `U+FFFD`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
