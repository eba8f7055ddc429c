//! The claims with their outcomes, as a forest plot.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::marks::{cell_id, claim_id, here, mark};
use super::strip::{self, Sample, Strip};
use crate::model::{Claim, Part, Report, Unit};
use crate::number::{PartNumbers, level, unit_name};
use crate::scale::Scale;
use crate::view;
use crate::words::OutcomeLook as _;

/// One scale for all parts of one unit.
type Scales<'a> = BTreeMap<&'a Unit, Scale>;

pub(super) fn claims(report: &Report) -> Option<Markup> {
    if report.claims.is_empty() {
        return None;
    }
    let parts = || report.claims.iter().flat_map(|claim| &claim.parts);
    let scales: Scales<'_> = parts()
        .filter_map(|part| {
            Some((&part.unit, Scale::of_parts(parts().filter(|other| other.unit == part.unit))?))
        })
        .collect();
    Some(html! {
        p.legend {
            span.nowrap { (strip::sample(Sample::Estimate)) " estimate with its " (level(report.confidence)) " interval" } " "
            span.nowrap { (strip::sample(Sample::Zone)) " where the claim holds" }
            @if parts().filter_map(|part| part.estimate.as_ref()).any(|estimate| !estimate.per_seed.is_empty()) {
                " " span.nowrap { (strip::sample(Sample::Seeds)) " single seeds" }
            }
            @if parts().any(|part| part.printed.is_some()) {
                " " span.nowrap { (strip::sample(Sample::Printed)) " from the printed values" }
            }
            @if let Some(unit) = scales.keys().next().filter(|_| scales.len() == 1) {
                " " span.nowrap { "Scale: " (unit_name(unit)) }
            }
        }
        div.claims { @for claim in &report.claims { (one_claim(claim, &scales)) } }
        @for (rule, ids) in view::rules(&report.claims) {
            p.rule {
                "Rule"
                @if ids.len() < report.claims.len() { " for " (ids.join(", ")) }
                ": " (rule)
            }
        }
        @if parts().any(|part| part.detectable_effect.or(part.power).is_some()) {
            p.rule { (view::DETECTABLE) }
        }
    })
}

fn one_claim(claim: &Claim, scales: &Scales<'_>) -> Markup {
    let id = claim_id(&claim.id);
    html! {
        article.claim id=(id) {
            div.words {
                p class={ "outcome " (claim.outcome.class()) } { (mark(claim.outcome)) " " (claim.outcome.word()) }
                h3 { span.id { (claim.id) } " " (claim.text) (here(&id, &claim.id)) }
                p { code { (claim.expression) } }
                @if let Some(words) = view::printed_holds(claim) { p.printed { (words) } }
                @if let Some(words) = view::p_value(claim) { p.p-value { (words) } }
                @if let Some(note) = &claim.note { p.note { (note) } }
            }
            div.parts {
                @for (index, part) in claim.parts.iter().enumerate() {
                    // The axis stands below the last of several parts that share it.
                    @let last = claim.parts.get(index + 1).is_none_or(|next| next.unit != part.unit);
                    (one_part(part, claim, scales, last))
                }
            }
        }
    }
}

fn one_part(part: &Part, claim: &Claim, scales: &Scales<'_>, axis: bool) -> Markup {
    let numbers = PartNumbers::of(part);
    let needs = numbers.threshold(part.threshold);
    html! {
        div.part {
            p.label {
                @if claim.parts.len() > 1 {
                    span class={ "outcome " (part.outcome.class()) } title=(part.outcome.word()) {
                        (mark(part.outcome)) span.hidden { (part.outcome.word()) }
                    } " "
                }
                code { (label(part)) }
            }
            @if let Some(scale) = scales.get(&part.unit) {
                (Strip {
                    scale,
                    description: format!("{}: {}, needs {needs}: {}", part.label, view::quantity(part), part.outcome.word()),
                    zone: Some(part.threshold.range()),
                    estimate: part.estimate.as_ref(),
                    outcome: Some(part.outcome),
                    printed: part.printed,
                }.draw())
            }
            p.values {
                @match &part.estimate {
                    Some(estimate) => { b { (numbers.measured(estimate.value)) } " " span.margin { (numbers.interval(estimate)) } },
                    None => { span.absent { "not attempted" } },
                }
            }
            @if let Some(scale) = scales.get(&part.unit).filter(|_| axis) {
                (strip::axis(scale, if scales.len() > 1 { unit_name(&part.unit) } else { "" }))
            }
            p.details { (view::details(claim, part).join(" · ")) }
        }
    }
}

/// The label of a part, in which the names of its cells lead to them; names that are not in it follow.
fn label(part: &Part) -> Markup {
    let mut rest = part.label.as_str();
    html! {
        @for cell in &part.cells {
            @let name = format!("{}.{}", cell.row, cell.column);
            @let link = html! { a href={ "#" (cell_id(&cell.row, &cell.column)) } { (name) } };
            @match rest.split_once(&name) {
                Some((before, after)) => { (before) (link) ({ rest = after; "" }) },
                None => { (rest) " " (link) ({ rest = ""; "" }) },
            }
        }
        (rest)
    }
}
