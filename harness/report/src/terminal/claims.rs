//! Claims on a terminal: outcome, words, numbers, and a forest plot where there is room.

use super::lines::{Lines, Tone, padded, width};
use super::strip::{self, Strips};
use crate::gates;
use crate::model::{Claim, Outcome, Part, Report};
use crate::plain::one_line;
use crate::scale::Scale;
use crate::view;
use crate::words::OutcomeLook as _;

/// Widths shared by all claims, so that their columns align.
struct Columns {
    outcome: usize,
    id: usize,
    /// Where the words of a claim begin: behind outcome and id, or below them where that leaves little room.
    indent: usize,
    label: usize,
    quantity: usize,
    strips: Option<Strips>,
}

impl Columns {
    fn of(report: &Report, whole: usize) -> Self {
        let longest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let parts = || report.claims.iter().flat_map(|claim| &claim.parts);
        let mut columns = Self {
            outcome: longest(&mut report.claims.iter().map(|claim| claim.outcome.word().len() + 2)),
            id: longest(&mut report.claims.iter().map(|claim| width(&one_line(&claim.id)))),
            indent: 0,
            label: longest(&mut parts().map(|part| width(&one_line(&part.label)) + 2)),
            quantity: longest(&mut parts().map(|part| width(&view::quantity(part)))),
            strips: None,
        };
        columns.indent = if columns.start() * 5 <= whole * 2 { columns.start() } else { 4 };
        let room = whole.saturating_sub(columns.indent + columns.label + columns.quantity + 4);
        let one_unit = parts().all(|part| parts().next().is_some_and(|first| first.unit == part.unit));
        if room >= strip::NARROWEST && one_unit {
            columns.strips = Scale::of_parts(parts()).map(|scale| Strips::new(scale, room.min(48)));
        }
        columns
    }

    /// Where the words of a claim would begin behind outcome and id.
    fn start(&self) -> usize {
        self.outcome + 2 + self.id + 2
    }
}

pub(super) fn claims(report: &Report, lines: &mut Lines) {
    if report.claims.is_empty() {
        return;
    }
    lines.heading("Claims");
    let columns = Columns::of(report, lines.width());
    for claim in &report.claims {
        lines.blank();
        one_claim(claim, &columns, lines);
    }
    if let Some(strips) = &columns.strips {
        let start = columns.indent + columns.label + columns.quantity + 4;
        lines.blank();
        lines.push(Tone::Dim, format!("{}{}", " ".repeat(start), strips.axis()));
        lines.wrap(Tone::Dim, "├─●─┤ estimate and interval, on dots where the claim holds, │ its threshold");
    }
    lines.blank();
    if report
        .claims
        .iter()
        .flat_map(|claim| &claim.parts)
        .any(|part| part.detectable_effect.or(part.power).is_some())
    {
        lines.wrap(Tone::Dim, view::DETECTABLE);
    }
    for (rule, ids) in view::rules(&report.claims) {
        let which =
            if ids.len() == report.claims.len() { String::new() } else { format!(" for {}", ids.join(", ")) };
        lines.wrap(Tone::Dim, &format!("Rule{which}: {rule}"));
    }
}

/// How many gates pass, and those that do not, one line each.
pub(super) fn gates(report: &Report, lines: &mut Lines) {
    if report.gates.is_empty() {
        return;
    }
    lines.heading("Gates");
    lines.wrap(Tone::Plain, &format!("{}.", gates::headline(report)));
    let barring = || report.gates.iter().filter(|gate| gate.passed != Some(true));
    for gate in barring() {
        let look = gates::look(gate);
        let start = vec![(Tone::Outcome(look), format!("{} {}  ", look.mark(), gates::word(gate)))];
        lines.hang(start, 4, Tone::Plain, &gates::line(gate));
    }
    if barring().next().is_some() {
        lines.wrap(Tone::Dim, gates::ABOUT);
    }
}

/// The outcomes in short: how many claims have which, and which they are.
pub(super) fn outcomes(report: &Report, lines: &mut Lines) {
    if report.claims.is_empty() {
        return;
    }
    tally(report, lines);
    for outcome in Outcome::ALL {
        let ids: Vec<String> = report
            .claims
            .iter()
            .filter(|claim| claim.outcome == outcome)
            .map(|claim| format!("{}{}", one_line(&claim.id), if claim.primary { " (primary)" } else { "" }))
            .collect();
        if !ids.is_empty() {
            let start = vec![(Tone::Outcome(outcome), format!("{} {}: ", outcome.mark(), outcome.word()))];
            lines.hang(start, 4, Tone::Plain, &ids.join(", "));
        }
    }
}

/// The number of claims for each outcome, on one line where there is room.
fn tally(report: &Report, lines: &mut Lines) {
    let mut line = Vec::new();
    let mut begun = 0;
    for (outcome, number) in view::tally(&report.claims).into_iter().filter(|(_, number)| *number > 0) {
        let words = format!("{} {number} {}", outcome.mark(), outcome.word());
        if begun > 0 && begun + 3 + width(&words) > lines.width() {
            lines.spans(std::mem::take(&mut line));
            begun = 0;
        }
        if begun > 0 {
            line.push((Tone::Plain, "   ".into()));
            begun += 3;
        }
        begun += width(&words);
        line.push((Tone::Outcome(outcome), words));
    }
    lines.spans(line);
}

fn one_claim(claim: &Claim, columns: &Columns, lines: &mut Lines) {
    let mut start = vec![
        (Tone::Outcome(claim.outcome), outcome(claim.outcome, columns.outcome)),
        (Tone::Plain, format!("  {}  ", padded(&one_line(&claim.id), columns.id))),
    ];
    if columns.indent < columns.start() {
        lines.spans(std::mem::take(&mut start));
    }
    lines.hang(start, columns.indent, Tone::Bold, &claim.text);
    let asides: Vec<String> =
        view::printed_holds(claim).map(str::to_owned).into_iter().chain(view::p_value(claim)).collect();
    let expression = match asides.is_empty() {
        true => claim.expression.clone(),
        false => format!("{} ({})", claim.expression, asides.join("; ")),
    };
    lines.hang(Vec::new(), columns.indent, Tone::Plain, &expression);
    for part in &claim.parts {
        one_part(part, claim, columns, lines);
    }
    if let Some(note) = &claim.note {
        lines.hang(Vec::new(), columns.indent, Tone::Plain, note);
    }
}

fn one_part(part: &Part, claim: &Claim, columns: &Columns, lines: &mut Lines) {
    let mark = if claim.parts.len() > 1 { part.outcome.mark() } else { ' ' };
    let quantity = view::quantity(part);
    let mut spans = vec![
        (Tone::Plain, " ".repeat(columns.indent.saturating_sub(2))),
        (Tone::Outcome(part.outcome), format!("{mark} ")),
    ];
    if columns.indent + columns.label + columns.quantity <= lines.width() {
        let label = padded(&one_line(&part.label), columns.label);
        spans.push((Tone::Plain, format!("{label}{}", padded(&quantity, columns.quantity))));
        if let Some(strips) = &columns.strips {
            spans.push((Tone::Plain, format!("    {}", strips.part(part))));
        }
        lines.spans(spans);
    } else {
        lines.hang(spans, columns.indent, Tone::Plain, &part.label);
        lines.hang(Vec::new(), columns.indent, Tone::Plain, &quantity);
    }
    lines.hang(Vec::new(), columns.indent, Tone::Dim, &view::details(claim, part).join("; "));
}

fn outcome(outcome: Outcome, width: usize) -> String {
    padded(&format!("{} {}", outcome.mark(), outcome.word()), width)
}
