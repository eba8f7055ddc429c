//! All claims at a glance: one line for each of their parts, on one scale for each unit.

use maud::{Markup, html};

use super::marks::{anchor, mark};
use super::strip::{self, Strip};
use crate::model::{Claim, Part, Report, Unit};
use crate::number::PartNumbers;
use crate::scale::Scale;
use crate::view;
use crate::words::OutcomeLook as _;

/// Parts below which the claims themselves are as quickly seen.
const FEW: usize = 3;

pub(super) fn glance(report: &Report) -> Option<Markup> {
    let parts: Vec<(&Claim, &Part)> =
        report.claims.iter().flat_map(|claim| claim.parts.iter().map(move |part| (claim, part))).collect();
    if parts.len() < FEW {
        return None;
    }
    let mut units: Vec<Unit> = parts.iter().map(|(_, part)| part.unit).collect();
    units.sort_unstable();
    units.dedup();
    Some(html! {
        @for unit in units {
            @let of_unit: Vec<_> = parts.iter().filter(|(_, part)| part.unit == unit).collect();
            @if let Some(scale) = Scale::of_parts(of_unit.iter().map(|(_, part)| *part)) {
                figure {
                    figcaption { "All claims, " (PartNumbers(unit).name()) }
                    ul.strips.glance {
                        @for (claim, part) in &of_unit { (line(claim, part, &scale)) }
                        li.axis-row { (strip::axis(&scale, "")) }
                    }
                }
            }
        }
    })
}

fn line(claim: &Claim, part: &Part, scale: &Scale) -> Markup {
    let needs = PartNumbers(part.unit).threshold(part.threshold);
    html! {
        li class={ "of-" (claim.outcome.class()) } {
            span.label {
                span class={ "outcome " (part.outcome.class()) } { (mark(part.outcome)) span.hidden { (part.outcome.word()) } } " "
                a href={ "#claim-" (anchor(&claim.id)) } { (claim.id) } " " code { (part.label) }
            }
            (Strip {
                scale,
                description: format!("{} {}: {}, needs {needs}: {}", claim.id, part.label, view::quantity(part), part.outcome.word()),
                zone: Some(part.threshold.range()),
                estimate: part.estimate.as_ref(),
                outcome: Some(part.outcome),
                printed: part.printed,
            }.draw())
            span.values {
                @match &part.estimate {
                    Some(estimate) => { b { (PartNumbers(part.unit).measured(estimate.value)) } },
                    None => { span.absent { "–" } },
                }
            }
        }
    }
}
