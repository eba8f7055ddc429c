//! The summary as Markdown and on a terminal.

use std::fmt::Write as _;

use super::{ClaimSummary, FALSE_DISCOVERY_RATE, Summary, TableSummary};
use crate::gates;
use crate::markdown::{code, escaped};
use crate::model::Outcome;
use crate::number::{level, probability};
use crate::plain::visible;
use crate::terminal::{Lines, NARROWEST, Style, Tone};
use crate::view;
use crate::words::{OutcomeLook as _, plural};

/// What the adjusted p values are, in words.
pub(super) fn about() -> String {
    format!(
        "Outcomes are those of each table's report, where claims share their level by Holm's method. Over the tables, p \
         values are adjusted by Benjamini and Hochberg's method, once among the primary claims and once among all: of the \
         findings with an adjusted p of at most {FALSE_DISCOVERY_RATE}, no more than that share is expected to be false. A \
         claim that was not attempted, or is not testable here, is no test."
    )
}

/// How many claims have which outcome, over all tables: `2 holds, 1 open`.
pub(super) fn tally(outcomes: impl Iterator<Item = Outcome> + Clone) -> String {
    let count = |outcome: Outcome| outcomes.clone().filter(|other| *other == outcome).count();
    let all = Outcome::ALL.map(|outcome| (outcome, count(outcome)));
    let present = all.iter().filter(|(_, number)| *number > 0);
    let words: Vec<String> =
        present.map(|(outcome, number)| format!("{} {number} {}", outcome.mark(), outcome.word())).collect();
    if words.is_empty() { "no claims".to_owned() } else { words.join(", ") }
}

/// The outcomes of one table.
pub(super) fn of_table(table: &TableSummary) -> String {
    let each = Outcome::ALL.iter().filter_map(|outcome| Some((outcome, table.outcomes.get(outcome)?)));
    let words: Vec<String> =
        each.map(|(outcome, number)| format!("{} {number} {}", outcome.mark(), outcome.word())).collect();
    if words.is_empty() { "no claims".to_owned() } else { words.join(", ") }
}

/// How long the run took, where known.
pub(super) fn times(table: &TableSummary) -> Option<String> {
    let minutes = |seconds: f64| format!("{:.1} min", seconds / 60.0);
    match (table.wall_seconds, table.cpu_seconds) {
        (None, None) => None,
        (Some(wall), None) => Some(minutes(wall)),
        (None, Some(cpu)) => Some(format!("{} of processor time", minutes(cpu))),
        (Some(wall), Some(cpu)) => Some(format!("{}, {} of processor time", minutes(wall), minutes(cpu))),
    }
}

/// What was found of a claim and whether it stands among all of them.
pub(super) fn standing(claim: &ClaimSummary) -> &'static str {
    match claim.stands() {
        Some(true) => "stands",
        Some(false) => "does not stand",
        None => "",
    }
}

/// A p value, or nothing.
pub(super) fn p(value: Option<f64>) -> String {
    value.map_or_else(String::new, probability)
}

/// `7 claims of 2 tables: 3 holds, ..`.
pub(super) fn headline(summary: &Summary) -> String {
    format!(
        "{} of {}: {}",
        plural(summary.claims.len(), "claim"),
        plural(summary.tables.len(), "table"),
        tally(summary.claims.iter().map(|claim| claim.claim.outcome))
    )
}

/// The summary as GitHub's Markdown.
pub fn summary_markdown(summary: &Summary) -> String {
    let mut page = format!("# All tables, {} scale\n\n{}\n\n", escaped(&summary.scale), headline(summary));
    let timed = summary.tables.iter().any(|table| times(table).is_some());
    // Writing to a string does not fail.
    let _ = writeln!(
        page,
        "| Table | Primary claim | Outcome | All claims |{}\n| :-- | :-- | :-- | :-- |{}",
        if timed { " Time |" } else { "" },
        if timed { " --: |" } else { "" }
    );
    for table in &summary.tables {
        let primary = table.primary.as_ref();
        let words = primary
            .map_or_else(String::new, |claim| format!("**{}** {}", escaped(&claim.id), escaped(&claim.text)));
        let outcome = primary
            .map_or_else(String::new, |claim| format!("{} {}", claim.outcome.mark(), claim.outcome.word()));
        let time = if timed { format!(" {} |", times(table).unwrap_or_default()) } else { String::new() };
        let _ = writeln!(
            page,
            "| [{}]({}.md) {} | {words} | {outcome} | {} |{time}",
            escaped(if table.locator.is_empty() { &table.id } else { &table.locator }),
            table.id,
            escaped(&table.title),
            of_table(table)
        );
    }
    let _ = writeln!(page, "\n## Claims\n\n{}\n", about());
    page.push_str(
        "| Outcome | Claim | Quantity | Measured | p | Among primary claims | Among all claims | |\n",
    );
    page.push_str("| :-- | :-- | :-- | --: | --: | --: | --: | :-- |\n");
    for claim in &summary.claims {
        let found = &claim.claim;
        let parts = |of: &dyn Fn(&crate::model::Part) -> String| {
            found.parts.iter().map(of).collect::<Vec<_>>().join("<br>")
        };
        let _ = writeln!(
            page,
            "| {} {} | **{}**{} {} | {} | {} | {} | {} | {} | {} |",
            found.outcome.mark(),
            found.outcome.word(),
            escaped(&found.id),
            if found.primary { " (primary)" } else { "" },
            escaped(&found.text),
            parts(&|part| code(&part.label)),
            parts(&view::quantity),
            p(found.p_value),
            p(claim.among_primary),
            p(claim.among_all),
            standing(claim)
        );
    }
    let _ = writeln!(page, "\nMeasured: estimate and {} interval.", level(summary.confidence));
    let untestable: Vec<&ClaimSummary> = summary.not_testable().collect();
    if !untestable.is_empty() {
        let _ = writeln!(page, "\n## Not testable here\n\n{}\n", gates::ABOUT);
        for ClaimSummary { table, claim, .. } in untestable {
            let why = claim.note.as_deref().unwrap_or_default();
            let _ = writeln!(page, "- {} **{}** {}", escaped(table), escaped(&claim.id), escaped(why));
        }
    }
    visible(&page)
}

/// The summary as text for a terminal.
pub fn summary_terminal(summary: &Summary, style: Style) -> String {
    let mut lines = Lines::new(style.width.max(NARROWEST));
    lines.wrap(Tone::Bold, &format!("All tables, {} scale", summary.scale));
    lines.wrap(Tone::Plain, &headline(summary));
    for table in &summary.tables {
        lines.heading(&format!("{}  {}", table.id, table.title));
        lines.hang(Vec::new(), 2, Tone::Plain, &of_table(table));
        if let Some(claim) = &table.primary {
            let start = vec![(
                Tone::Outcome(claim.outcome),
                format!("  {} {}  ", claim.outcome.mark(), claim.outcome.word()),
            )];
            lines.hang(start, 4, Tone::Plain, &format!("primary claim {}: {}", claim.id, claim.text));
        }
        if let Some(words) = times(table) {
            lines.hang(Vec::new(), 2, Tone::Dim, &words);
        }
    }
    lines.heading("Claims");
    for claim in &summary.claims {
        let found = &claim.claim;
        let start = vec![(
            Tone::Outcome(found.outcome),
            format!("{} {}  ", found.outcome.mark(), found.outcome.word()),
        )];
        lines.hang(start, 4, Tone::Plain, &format!("{} {} {}", claim.table, found.id, found.text));
        let adjusted = [
            ("p", found.p_value),
            ("among primary claims", claim.among_primary),
            ("among all", claim.among_all),
        ];
        let mut words: Vec<String> = adjusted
            .iter()
            .filter_map(|(name, value)| Some(format!("{name} {}", probability((*value)?))))
            .collect();
        words.extend([standing(claim)].into_iter().filter(|word| !word.is_empty()).map(str::to_owned));
        if !words.is_empty() {
            lines.hang(Vec::new(), 4, Tone::Dim, &words.join(", "));
        }
    }
    let untestable: Vec<&ClaimSummary> = summary.not_testable().collect();
    if !untestable.is_empty() {
        lines.heading("Not testable here");
        for ClaimSummary { table, claim, .. } in untestable {
            let why = claim.note.as_deref().unwrap_or_default();
            lines.hang(Vec::new(), 4, Tone::Plain, &format!("{table} {}: {why}", claim.id));
        }
    }
    lines.blank();
    lines.wrap(Tone::Dim, &about());
    lines.finish(style.colour)
}
