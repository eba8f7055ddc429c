//! Choices without a script: radio buttons whose state style rules look at.
//!
//! The rules hold on screens alone, so a printed page shows everything. A browser that does not know `:has()`
//! shows no buttons.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use maud::{Markup, html};

use crate::model::{Claim, Outcome, PrintedCheck, Report, Row};
use crate::words::{CheckLook as _, OutcomeLook as _};

/// The class of a row with a printed value that cannot stand.
const MARKED: &str = "marked";

/// One choice: its class, its words, how many it shows.
type Choice = (&'static str, String, usize);

/// Shows the claims of one outcome only; nothing where there is nothing to choose.
pub(super) fn claims(report: &Report) -> Markup {
    let count = |outcome| report.claims.iter().filter(|claim| claim.outcome == outcome).count();
    let choices = Outcome::ALL.map(|outcome| (outcome.class(), outcome.word().to_owned(), count(outcome)));
    buttons("claims", "Show claims", report.claims.len(), &choices)
}

/// Shows the rows that claims of one outcome are about, or those with a marked value, only.
pub(super) fn rows(report: &Report) -> Markup {
    let count = |class: &str| report.rows.iter().filter(|row| classes(report, row).contains(class)).count();
    let mut choices: Vec<Choice> = Outcome::ALL
        .iter()
        .map(|outcome| (outcome.class(), format!("in claims: {}", outcome.word()), count(outcome.class())))
        .collect();
    choices.push((MARKED, "with a marked printed value".to_owned(), count(MARKED)));
    buttons("rows", "Show rows", report.rows.len(), &choices)
}

/// Orders the rows of each average.
pub(super) fn order(printed: bool) -> Markup {
    html! {
        fieldset.choose {
            legend { "Order" }
            (button("order", "table", "as in the table", true))
            (button("order", "measured", "by measured value", false))
            @if printed { (button("order", "printed", "by printed value", false)) }
        }
    }
}

/// The choices that show this row: the outcomes of claims about it, and whether a printed value is marked.
pub(super) fn classes(report: &Report, row: &Row) -> BTreeSet<&'static str> {
    let about =
        |claim: &&Claim| claim.parts.iter().flat_map(|part| &part.cells).any(|cell| cell.row == row.id);
    let mut classes: BTreeSet<_> =
        report.claims.iter().filter(about).map(|claim| claim.outcome.class()).collect();
    let marked = |check: PrintedCheck| check.mark().is_some();
    if row.cells.values().filter_map(|cell| cell.printed.as_ref()).any(|printed| marked(printed.check)) {
        classes.insert(MARKED);
    }
    classes
}

/// The classes as the rules below name them.
pub(super) fn class_names(classes: &BTreeSet<&'static str>) -> Option<String> {
    let names: Vec<String> = classes.iter().map(|class| format!("of-{class}")).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

fn buttons(name: &str, legend: &str, all: usize, choices: &[Choice]) -> Markup {
    if choices.iter().all(|(_, _, number)| *number == 0 || *number == all) {
        return html! {};
    }
    html! {
        fieldset.choose {
            legend { (legend) }
            (button(name, "all", &format!("all ({all})"), true))
            @for (class, words, number) in choices.iter().filter(|(_, _, number)| *number > 0) {
                (button(name, class, &format!("{words} ({number})"), false))
            }
        }
    }
}

fn button(name: &str, value: &str, words: &str, checked: bool) -> Markup {
    html! {
        label { input type="radio" name=(name) id={ (name) "-" (value) } checked[checked]; " " (words) }
    }
}

/// The style rules behind the buttons.
pub(super) fn rules() -> String {
    let mut css = String::from("@media screen {\n");
    for class in Outcome::ALL.map(|outcome| outcome.class()).into_iter().chain([MARKED]) {
        // Writing to a string does not fail.
        let _ = writeln!(
            css,
            "#claims:has(#claims-{class}:checked) .claim:not(:has(> .words > .outcome.{class})),\n\
             #claims:has(#claims-{class}:checked) .glance > li:not(.of-{class}, .axis-row),\n\
             #table:has(#rows-{class}:checked) table.main > tbody > tr:not(.of-{class}) {{ display: none; }}"
        );
    }
    for order in ["measured", "printed"] {
        let _ = writeln!(
            css,
            "#averages:has(#order-{order}:checked) .strips > li:not(.axis-row) {{ order: var(--by-{order}, 9999); }}"
        );
    }
    css.push_str("}\n");
    css
}
