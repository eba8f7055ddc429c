//! Gates in words: the same for every form of a report.

use crate::model::{Gate, Outcome, Report};
use crate::number::fixed;
use crate::words::plural;

/// What gates are, below their table.
pub(crate) const ABOUT: &str = "A gate is a condition on the measurement, not on a result, and was fixed before the results, \
    like the claims. It is held against point values: a mean over seeds, without any test. A claim whose gates do not all \
    pass is not tested and shares no level with others; its estimates are shown all the same.";

/// The outcome whose look a gate has: it makes claims testable, not testable, or not attempted.
pub(crate) fn look(gate: &Gate) -> Outcome {
    match gate.passed {
        Some(true) => Outcome::Holds,
        Some(false) => Outcome::NotTestable,
        None => Outcome::NotAttempted,
    }
}

/// What came of a gate.
pub(crate) fn word(gate: &Gate) -> &'static str {
    match gate.passed {
        Some(true) => "passes",
        Some(false) => "does not pass",
        None => "not decided",
    }
}

/// `3 of 4 gates pass`.
pub(crate) fn headline(report: &Report) -> String {
    let passing = report.gates.iter().filter(|gate| gate.passed == Some(true)).count();
    match report.gates.len() {
        1 => format!("{passing} of 1 gate passes"),
        all => format!("{passing} of {} pass", plural(all, "gate")),
    }
}

/// The values of a gate by name, such as `prior.pi-solves 94.0`.
pub(crate) fn values(gate: &Gate) -> Vec<(String, String)> {
    let text = |value: &Option<f64>| value.map_or_else(|| "not measured".to_owned(), number);
    gate.values.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// A value of any size and unit, in about three digits.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 10.0 => fixed(value, 1),
        size if size >= 1.0 => fixed(value, 2),
        _ => fixed(value, 3),
    }
}

/// A gate in one line: its words, and why it does not pass.
pub(crate) fn line(gate: &Gate) -> String {
    let why = gate.note.as_deref().map_or_else(String::new, |note| format!(": {note}"));
    format!("{}, {}{why} (for {})", gate.id, gate.text, gate.claims.join(", "))
}
