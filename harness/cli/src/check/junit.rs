//! A check as a JUnit file: one test case for each cell and each claim.

use std::fmt;

use assay_claims::compare::Call;

use super::found::{Check, Item};
use super::overall::Checks;

/// The file of one check. A regression is a failure; what could not be tested is skipped, with the reason.
pub(crate) fn of_one(check: &Check) -> String {
    let counts = Counts::of(check);
    file(counts, &suite(check, counts))
}

/// The file of the checks of several recipes. A recipe whose run is not finished is an error.
pub(crate) fn of_several(checks: &Checks) -> String {
    let mut all = Counts::default();
    let mut suites = String::new();
    for checked in &checks.recipes {
        let counts =
            checked.check.as_ref().map_or(Counts { tests: 1, errors: 1, ..Counts::default() }, Counts::of);
        all = all.plus(counts);
        suites.push_str(&match &checked.check {
            Some(check) => suite(check, counts),
            None => unfinished(&checked.recipe, checked.problem.as_deref().unwrap_or_default(), counts),
        });
    }
    file(all, &suites)
}

/// How many test cases there are, and how many of each sort.
#[derive(Clone, Copy, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn of(check: &Check) -> Self {
        let all = || check.cells.iter().chain(&check.claims);
        Self {
            tests: all().count(),
            failures: all().filter(|item| item.call().is_regression()).count(),
            errors: 0,
            skipped: all().filter(|item| is_skipped(item.call())).count(),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            tests: self.tests + other.tests,
            failures: self.failures + other.failures,
            errors: self.errors + other.errors,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tests, failures, errors, skipped } = self;
        write!(f, "tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
    }
}

fn file(counts: Counts, suites: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"assay-check\" {counts}>\n{suites}</testsuites>\n"
    )
}

/// The test cases of one recipe.
fn suite(check: &Check, counts: Counts) -> String {
    let name = escaped(&format!("{}@{}", check.recipe, check.scale));
    let mut text = format!("  <testsuite name=\"{name}\" {counts}>\n");
    for (class, items) in [("cell", &check.cells), ("claim", &check.claims)] {
        items.iter().for_each(|item| text.push_str(&case(&format!("{}.{class}", check.recipe), item)));
    }
    text.push_str("  </testsuite>\n");
    text
}

/// A recipe whose run is not finished, as one test case.
fn unfinished(recipe: &str, problem: &str, counts: Counts) -> String {
    let (recipe, problem) = (escaped(recipe), escaped(problem));
    format!(
        "  <testsuite name=\"{recipe}\" {counts}>\n    <testcase classname=\"{recipe}\" name=\"run\">\n      \
         <error message=\"{problem}\" type=\"not finished\"/>\n    </testcase>\n  </testsuite>\n"
    )
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
