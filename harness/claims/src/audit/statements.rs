//! What the text says about the numbers: relative gains, and claims.

use super::context::{Context, Prepared};
use super::finding::{AuditFinding, Detector, Severity};
use super::grid::quotient;
use crate::claim::{AsPrinted, Claim, PrintedComparison, as_printed, printed_comparison};
use crate::decimal::Decimal;
use crate::table::{Gain, Says};

/// Checks gains and claims.
pub(super) fn find(context: &Context<'_>, findings: &mut Vec<AuditFinding>) {
    for table in &context.tables {
        for gain in &table.layout.gains {
            findings.extend(check_gain(table, gain));
        }
        for (id, claim) in &table.claims {
            findings.extend(check_claim(table, id, claim));
            findings.extend(check_members(table, id, claim));
        }
    }
}

/// A printed cell that is written as `row.column`.
fn cell(table: &Prepared<'_>, written: &str) -> Option<Decimal> {
    let parsed: Claim = format!("{written} > 0").parse().ok()?;
    let id = parsed.cells().into_iter().next()?;
    table.printed.cell(&id.row, &id.column)
}

/// `100 (of - over) / over` as numerator and denominator; `of` and `over` in units of their last digits times
/// `scale`.
fn relative(of: (i128, i128), over: (i128, i128)) -> Option<(i128, i128)> {
    let denominator = over.0 * of.1;
    (denominator > 0).then(|| (100 * (of.0 * over.1 - over.0 * of.1), denominator))
}

fn check_gain(table: &Prepared<'_>, gain: &Gain) -> Option<AuditFinding> {
    let (of, over) = (cell(table, &gain.of)?, cell(table, &gain.over)?);
    let printed: Decimal = gain.printed.parse().ok()?;
    // Twice the units, so that half a unit is a whole number.
    let twice = |value: Decimal, half: i128| (2 * value.units() + half, 2 * value.scale());
    let exact = relative(twice(of, 0), twice(over, 0))?;
    let low = relative(twice(of, -1), twice(over, 1))?;
    let high = relative(twice(of, 1), twice(over, -1))?;
    let stands = |(numerator, denominator): (i128, i128)| {
        let difference = numerator * printed.scale() - printed.units() * denominator;
        match gain.says {
            Says::Over => difference > 0,
            Says::Under => difference < 0,
            Says::About => 2 * difference.abs() <= denominator,
        }
    };
    let shown = |(numerator, denominator): (i128, i128)| {
        let sign = if numerator < 0 { "-" } else { "" };
        format!("{sign}{}", quotient(numerator.abs(), denominator, printed.decimals() + 3))
    };
    let arithmetic = format!("100 * ({of} - {over}) / {over} = {}", shown(exact));
    let rounding = format!("{} to {} within the rounding of the two values", shown(low), shown(high));
    // `over` and `under` must hold for every pair of values that round to the printed ones; `about` need not.
    let always = gain.says == Says::About || (stands(low) && stands(high));
    let (severity, message) = match (stands(exact), always) {
        (true, true) => return None,
        (true, false) => (Severity::Note, format!("depends on rounding: {arithmetic}; {rounding}")),
        (false, _) => (Severity::ChangesAClaim, format!("does not follow: {arithmetic}; {rounding}")),
    };
    let mut found = AuditFinding::new(
        Detector::Gain,
        severity,
        table.name,
        format!("{} ({}) {message}", gain.id, gain.text),
    );
    found.printed = vec![gain.printed.clone()];
    Some(found)
}

fn check_claim(table: &Prepared<'_>, id: &str, claim: &Claim) -> Option<AuditFinding> {
    let held = as_printed(claim, |row, column| table.number(row, column));
    let (severity, what) = match held.holds {
        AsPrinted::NotPrinted => return None,
        AsPrinted::DoesNotHold if may_hold(table, claim) => {
            (Severity::Note, "does not hold as printed, but may within rounding")
        }
        AsPrinted::DoesNotHold => (Severity::ChangesAClaim, "does not hold as printed"),
        AsPrinted::Holds => (Severity::Note, "holds as printed, but depends on rounding"),
    };
    let told = |part: &&PrintedComparison| match held.holds {
        AsPrinted::Holds => !part.beyond_rounding,
        _ => part.holds == AsPrinted::DoesNotHold,
    };
    let parts: Vec<String> = held.comparisons.iter().filter(told).map(shown).collect();
    if parts.is_empty() {
        return None;
    }
    Some(of_claim(table, id, Detector::Claim, severity, &format!("{what}: {}", parts.join("; "))))
}

/// Whether every comparison of some alternative holds or fails within the rounding of the printed values only.
fn may_hold(table: &Prepared<'_>, claim: &Claim) -> bool {
    let part =
        |comparison| printed_comparison(comparison, &|row: &str, column: &str| table.number(row, column));
    let may = |part: PrintedComparison| match part.holds {
        AsPrinted::Holds => true,
        AsPrinted::DoesNotHold => !part.beyond_rounding,
        AsPrinted::NotPrinted => false,
    };
    claim.alternatives.iter().any(|all| all.iter().all(|comparison| may(part(comparison))))
}

fn shown(part: &PrintedComparison) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |value| format!("{value:.4}"));
    format!(
        "{}, difference {}, rounding up to {}",
        part.expression,
        number(part.margin),
        number(part.rounding)
    )
}

/// A claim that holds for the average of a group, and fails beyond rounding for a member of the group.
fn check_members(table: &Prepared<'_>, id: &str, claim: &Claim) -> Option<AuditFinding> {
    let cells = claim.cells();
    let group = &cells.first()?.column;
    let members = table.printed.groups.get(group).filter(|_| cells.iter().all(|c| c.column == *group))?;
    let averaged = as_printed(claim, |row, column| table.number(row, column));
    if averaged.holds != AsPrinted::Holds {
        return None;
    }
    let mut contrary = Vec::new();
    let mut checked = 0;
    for member in members {
        let held = as_printed(claim, |row, _| table.number(row, member));
        checked += usize::from(held.holds != AsPrinted::NotPrinted);
        let fails = |part: &&PrintedComparison| part.holds == AsPrinted::DoesNotHold && part.beyond_rounding;
        if let Some(part) = held.comparisons.iter().find(fails) {
            let margin = part.margin.unwrap_or_default();
            contrary.push(format!("{member} ({}: difference {margin:.2})", part.expression));
        }
    }
    if contrary.is_empty() {
        return None;
    }
    let what = format!(
        "holds for the average `{group}` and in {} of {checked} of its columns; not in {}",
        checked - contrary.len(),
        contrary.join(", ")
    );
    Some(of_claim(table, id, Detector::AverageOnly, Severity::Note, &what))
}

fn of_claim(
    table: &Prepared<'_>,
    id: &str,
    detector: Detector,
    severity: Severity,
    what: &str,
) -> AuditFinding {
    let text = table.layout.claims.iter().find(|claim| claim.id == id).map_or("", |claim| &claim.text);
    AuditFinding::new(detector, severity, table.name, format!("{id} ({text}) {what}"))
}
