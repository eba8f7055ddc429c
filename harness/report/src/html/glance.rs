//! All claims at a glance: one line for each of their parts, on one scale for each unit.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::marks::{claim_id, mark};
use super::strip::{self, Strip};
use crate::model::{Claim, Part, Report, Unit};
use crate::number::{PartNumbers, unit_name};
use crate::scale::Scale;
use crate::view;
use crate::words::OutcomeLook as _;

/// Parts below which the claims themselves are as quickly seen.
const FEW: usize = 3;

pub(super) fn glance(report: &Report) -> Option<Markup> {
    let claims: Vec<(&Claim, String)> =
        report.claims.iter().map(|claim| (claim, format!("#{}", claim_id(&claim.id)))).collect();
    let parts = report.claims.iter().map(|claim| claim.parts.len()).sum::<usize>();
    (parts >= FEW).then(|| forest(&claims))
}

/// Forest plots of claims, each with the address that it leads to: one for each unit of their parts.
pub(crate) fn forest(claims: &[(&Claim, String)]) -> Markup {
    let parts: Vec<(&Claim, &str, &Part)> = claims
        .iter()
        .flat_map(|(claim, address)| claim.parts.iter().map(move |part| (*claim, address.as_str(), part)))
        .collect();
    let units: BTreeSet<&Unit> = parts.iter().map(|(.., part)| &part.unit).collect();
    html! {
        @for unit in units {
            @let of_unit: Vec<_> = parts.iter().filter(|(.., part)| part.unit == *unit).collect();
            @if let Some(scale) = Scale::of_parts(of_unit.iter().map(|(.., part)| *part)) {
                figure {
                    figcaption { "All claims, " (unit_name(unit)) }
                    ul.strips.glance {
                        @for (claim, address, part) in &of_unit { (line(claim, address, part, &scale)) }
                        li.axis-row { (strip::axis(&scale, "")) }
                    }
                }
            }
        }
    }
}

fn line(claim: &Claim, address: &str, part: &Part, scale: &Scale) -> Markup {
    let needs = PartNumbers::of(part).threshold(part.threshold);
    html! {
        li class={ "of-" (claim.outcome.class()) } {
            span.label {
                span class={ "outcome " (part.outcome.class()) } { (mark(part.outcome)) span.hidden { (part.outcome.word()) } } " "
                a href=(address) { (claim.id) } " " code { (part.label) }
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
                    Some(estimate) => { b { (PartNumbers::of(part).measured(estimate.value)) } },
                    None => { span.absent { "–" } },
                }
            }
        }
    }
}
