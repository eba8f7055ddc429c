//! Choices without a script: radio buttons whose state style rules look at.
//!
//! The rules hold on screens alone, so a printed page shows everything. A browser that does not know `:has()`
//! shows no buttons.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use maud::{Markup, html};

use crate::model::{Claim, Column, Outcome, PrintedCheck, Report, Row};
use crate::view;
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

/// The button in the heading of a column that sorts the main table by it. `at` is the column's place; `None` stands for
/// the order of the table.
pub(super) fn sort(at: Option<usize>, heading: Markup) -> Markup {
    let id = at.map_or_else(|| "sort-none".to_owned(), |at| format!("sort-{at}"));
    html! { label.sort { input type="radio" name="sort" id=(id) checked[at.is_none()]; (heading) } }
}

/// Says how to sort the main table, and chooses between measured and printed values where there are both.
pub(super) fn sorting(report: &Report) -> Markup {
    if report.rows.len() < 2 {
        return html! {};
    }
    html! {
        fieldset.choose {
            legend { "Choose a column's heading to sort" }
            @if view::is_measured(report) && view::is_printed(report) {
                (button("sort-by", "measured", "by measured values", true))
                (button("sort-by", "printed", "by printed values", false))
            }
        }
    }
}

/// The places of the main table's row when it is sorted by each column: the highest value first, and rows without one
/// last.
pub(super) fn places(report: &Report, row: &Row) -> Option<String> {
    let columns = report.columns.iter().enumerate();
    let places: Vec<String> =
        columns.flat_map(|(at, column)| ranks(report, row, column, &at.to_string())).collect();
    (!places.is_empty()).then(|| places.join(";"))
}

/// The row's places in the orders by measured and by printed values of a column, as variables of a style whose names end
/// in `suffix`.
pub(super) fn ranks(report: &Report, row: &Row, column: &Column, suffix: &str) -> Vec<String> {
    let measured = |row: &Row| Some(row.cells.get(&column.id)?.measured.as_ref()?.value);
    let printed =
        |row: &Row| number(row.cells.get(&column.id)?.printed.as_ref().map(|found| found.text.as_str()));
    let place = |value: &dyn Fn(&Row) -> Option<f64>| {
        let own = value(row)?;
        Some(report.rows.iter().filter_map(value).filter(|other| *other > own).count())
    };
    let places = [("measured", place(&measured)), ("printed", place(&printed))];
    let variable = |(name, place): &(&str, Option<usize>)| Some(format!("--by-{name}{suffix}:{}", (*place)?));
    places.iter().filter_map(variable).collect()
}

/// A printed value as a number; some are none, such as a dash.
pub(super) fn number(printed: Option<&str>) -> Option<f64> {
    printed?.trim().parse().ok().filter(|number: &f64| number.is_finite())
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
pub(super) fn rules(report: &Report) -> String {
    let mut css = String::from("@media screen {\n");
    for class in Outcome::ALL.map(|outcome| outcome.class()).into_iter().chain([MARKED]) {
        // Writing to a string does not fail.
        let _ = writeln!(
            css,
            "#claims:has(#claims-{class}:checked) .claim:not(:has(> .words > .outcome.{class})),\n\
             #claims:has(#claims-{class}:checked) .glance > li:not(.of-{class}, .axis-row),\n\
             #table:has(#rows-{class}:checked) table.main > tbody > tr:not(.of-{class}) {{ display: none !important; }}"
        );
    }
    for order in ["measured", "printed"] {
        let _ = writeln!(
            css,
            "#averages:has(#order-{order}:checked) .strips > li:not(.axis-row) {{ order: var(--by-{order}, 9999); }}"
        );
    }
    sort_rules(report, &mut css);
    css.push_str("}\n");
    css
}

/// The rules that sort the main table. A table that is sorted is laid out as a grid, whose rows may stand in any order.
fn sort_rules(report: &Report, css: &mut String) {
    let first = if view::is_measured(report) { "measured" } else { "printed" };
    for at in 0..report.columns.len() {
        let rows = "table.main > tbody > tr";
        // Writing to a string does not fail.
        let _ = writeln!(
            css,
            "#table:has(#sort-{at}:checked) {rows} {{ order: var(--by-{first}{at}, 9999); }}\n\
             #table:has(#sort-{at}:checked):has(#sort-by-printed:checked) {rows} {{ order: var(--by-printed{at}, 9999); }}"
        );
    }
    let sorted = "#table:has(.sort :checked):not(:has(#sort-none:checked)) table.main";
    let _ = writeln!(
        css,
        "{sorted} {{ display: grid; grid-template-columns: repeat({}, auto); }}\n\
         {sorted} :is(thead, tbody, tr) {{ display: grid; grid-column: 1 / -1; grid-template-columns: subgrid; }}\n\
         {sorted} thead th {{ align-content: end; }}",
        report.columns.len() + 1
    );
}
