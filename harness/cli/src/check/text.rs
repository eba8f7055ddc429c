//! What a check says, in lines for a terminal and in Markdown for a summary.

use std::collections::BTreeMap;

use assay_claims::compare::Call;

use super::found::{Check, Item, Outcomes};
use super::steps::ChangedStep;
use crate::visible::visible;

/// How many of the steps at which the change begins are named.
const STEPS_NAMED: usize = 5;

/// The words of a count: `1 regression`, `2 suspected`.
fn counted(call: Call, count: usize) -> String {
    match (call, count) {
        (Call::Regressed, 1) => "1 regression".to_owned(),
        (Call::Regressed, count) => format!("{count} regressions"),
        (call, count) => format!("{count} {call}"),
    }
}

/// How often each call occurs, and that nothing is worse where nothing is.
pub(super) fn counted_all(counts: &BTreeMap<Call, usize>, regression: bool) -> String {
    let mut counts: Vec<String> = counts.iter().map(|(call, count)| counted(*call, *count)).collect();
    if !regression {
        counts.insert(0, "no regression".to_owned());
    }
    counts.join(", ")
}

/// What the second look came to, and what the gate could have seen.
pub(super) fn sight(check: &Check) -> String {
    let again = check.confirmation.as_ref().map_or_else(String::new, |again| {
        let word = if again.suspects == 1 { "suspicion" } else { "suspicions" };
        format!(
            "{} of {} {word} confirmed with {} samples · ",
            again.confirmed, again.suspects, again.samples
        )
    });
    let sight = match (check.detectable, check.tests()) {
        (Some(size), _) => format!("this gate sees drops of >= {size:.1} points in half of the cells (80 %)"),
        (None, 0) => "no test was made".to_owned(),
        (None, 1) => "of the cells none was tested, 1 comparison of claims was".to_owned(),
        (None, tests) => format!("of the cells none was tested, {tests} comparisons of claims were"),
    };
    format!("{again}{sight}")
}

/// The first line: how often each call occurs, and what the gate could have seen.
pub(crate) fn headline(check: &Check) -> String {
    format!("check: {} · {}", counted_all(&check.counts, check.regression), sight(check))
}

/// All lines after the first.
pub(crate) fn lines(check: &Check) -> Vec<String> {
    let mut lines = Vec::new();
    let rows: Vec<[String; 7]> = shown(check).map(row).collect();
    if !rows.is_empty() {
        lines.push(String::new());
        lines.extend(aligned(&rows));
    }
    lines.extend(folded(check));
    lines.extend(why(check));
    lines.extend(check.flipped.lines());
    lines.extend(check.notes.iter().map(|note| format!("note: {}", visible(note))));
    lines
}

/// Those with a call that a reader should see, one by one; of a claim also its comparisons.
fn shown(check: &Check) -> impl Iterator<Item = &Item> {
    let telling = |item: &&Item| {
        let moved = item.outcomes.is_some_and(|outcomes| outcomes.baseline != outcomes.now);
        moved
            || item.confirmation.is_some()
            || item.parts.iter().any(|part| part.confirmation.is_some())
            || matches!(item.call(), Call::Regressed | Call::Missing | Call::Suspected | Call::Improved)
    };
    let claims = check.claims.iter().filter(telling);
    check
        .cells
        .iter()
        .filter(telling)
        .chain(claims.flat_map(|claim| std::iter::once(claim).chain(&claim.parts)))
}

const HEADINGS: [&str; 7] = ["call", "of", "n", "baseline", "now", "difference", "interval"];

/// One line of the table.
fn row(item: &Item) -> [String; 7] {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    let samples = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let (before, now) = (item.baseline, item.now);
    let n = match (before.and_then(|side| side.n), now.and_then(|side| side.n)) {
        (None, None) => "-".to_owned(),
        (before, now) if before == now => samples(now),
        (before, now) => format!("{} -> {}", samples(before), samples(now)),
    };
    let interval = match (&item.difference, item.reason) {
        (Some(test), _) if item.confirmation.is_some() => {
            let again = item.confirmation.map_or_else(String::new, |again| again.words());
            format!("{:+.2} to {:+.2}, {again}", test.low, test.high)
        }
        (Some(test), _) => format!("{:+.2} to {:+.2}", test.low, test.high),
        (None, Some(reason)) => reason.to_owned(),
        (None, None) if item.change.is_some() => "the same samples".to_owned(),
        (None, None) => String::new(),
    };
    let (baseline, now) = match item.outcomes {
        Some(Outcomes { baseline: before, now }) => {
            let word = |outcome: Option<assay_report::Outcome>| outcome.map_or("-", |outcome| outcome.word());
            (word(before).to_owned(), word(now).to_owned())
        }
        None => (number(before.map(|side| side.value)), number(now.map(|side| side.value))),
    };
    let change = item.change.map_or_else(|| "-".to_owned(), |change| format!("{change:+.2}"));
    [item.call().word().to_owned(), visible(&item.id), n, baseline, now, change, interval]
}

fn aligned(rows: &[[String; 7]]) -> Vec<String> {
    let headings = HEADINGS.map(str::to_owned);
    let all: Vec<&[String; 7]> = std::iter::once(&headings).chain(rows).collect();
    let widths: Vec<usize> = (0..7)
        .map(|column| all.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    let line = |row: &&[String; 7]| {
        let fields = row.iter().zip(&widths).enumerate().map(|(column, (field, width))| match column {
            0 | 1 | 6 => format!("{field:width$}"),
            _ => format!("{field:>width$}"),
        });
        fields.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}

/// Those that could not be told apart or compared, by name and reason.
fn folded(check: &Check) -> Vec<String> {
    let mut lines = Vec::new();
    for call in [Call::Insufficient, Call::NotComparable] {
        let items = || check.cells.iter().chain(&check.claims).filter(|item| item.call() == call);
        let mut reasons: Vec<Option<&str>> = items().map(|item| item.reason).collect();
        reasons.sort_unstable();
        reasons.dedup();
        for reason in reasons {
            let ids: Vec<&str> =
                items().filter(|i| i.reason == reason).map(|item| item.id.as_str()).collect();
            let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
            lines.push(format!("{call}{reason}: {}", visible(&ids.join(", "))));
        }
    }
    lines
}

/// Where the change begins.
fn why(check: &Check) -> Vec<String> {
    let all: Vec<&ChangedStep> = check.steps.iter().filter(|step| step.first).collect();
    if all.is_empty() {
        return Vec::new();
    }
    // Instances of one step that differ by their seed only share a line.
    let first: Vec<&[&ChangedStep]> = all.chunk_by(|a, b| alike(a, b)).collect();
    let mut lines = vec!["first steps that differ:".to_owned()];
    for steps in first.iter().take(STEPS_NAMED) {
        let Some(step) = steps.first() else { continue };
        lines.push(format!("  {}: {}", visible(&named(steps)), step.change.words()));
        lines.extend(step.reasons.iter().map(|reason| format!("    {}", visible(reason))));
    }
    if let Some(more @ 1..) = first.len().checked_sub(STEPS_NAMED) {
        lines.push(format!("  and {more} more"));
    }
    match check.steps.len() - all.len() {
        0 => {}
        1 => lines.push("  1 step after them differs too".to_owned()),
        after => lines.push(format!("  {after} steps after them differ too")),
    }
    lines
}

/// A step's name and its seed.
fn parts(step: &ChangedStep) -> (&str, Option<&str>) {
    match step.step.strip_suffix(']').and_then(|step| step.split_once("[seed=")) {
        Some((name, seed)) => (name, Some(seed)),
        None => (&step.step, None),
    }
}

/// Whether two steps are instances of one for two seeds, with the same change for the same reasons.
pub(crate) fn alike(a: &ChangedStep, b: &ChangedStep) -> bool {
    parts(a).1.is_some()
        && parts(a).0 == parts(b).0
        && (a.change, a.first, &a.reasons) == (b.change, b.first, &b.reasons)
}

/// The name of such instances: `reasoner[seed=1,2]`.
pub(crate) fn named(steps: &[&ChangedStep]) -> String {
    let seeds: Vec<&str> = steps.iter().filter_map(|step| parts(step).1).collect();
    match steps.first() {
        Some(first) if seeds.is_empty() => first.step.clone(),
        Some(first) => format!("{}[seed={}]", parts(first).0, seeds.join(",")),
        None => String::new(),
    }
}

/// The check in GitHub's Markdown.
pub(crate) fn markdown(check: &Check) -> String {
    let alert = if check.regression { "CAUTION" } else { "NOTE" };
    let mut text = format!("### assay check: {} at scale {}\n\n", check.recipe, check.scale);
    text.push_str(&format!("> [!{alert}]\n> {}\n\n", headline(check)));
    let rows: Vec<[String; 7]> = shown(check).map(row).collect();
    if !rows.is_empty() {
        let line =
            |row: &[String; 7]| format!("| {} |\n", row.each_ref().map(|field| escaped(field)).join(" | "));
        text.push_str(&line(&HEADINGS.map(str::to_owned)));
        text.push_str("|---|---|--:|--:|--:|--:|---|\n");
        rows.iter().for_each(|row| text.push_str(&line(row)));
        text.push('\n');
    }
    // The samples themselves are for the terminal; the summary has their number.
    let flipped = check.flipped.lines().into_iter().take(1);
    for line in folded(check).into_iter().chain(why(check)).chain(flipped).chain(check.notes.iter().cloned())
    {
        // An indented line belongs to the one above.
        let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
        text.push_str(&format!("{indent}- {}\n", escaped(rest)));
    }
    text
}

/// Text that Markdown and HTML leave as it is.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        if "\\`*_{}[]<>#|~".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
