//! The gates: conditions under which claims are tested, and what came of each.

use maud::{Markup, html};

use super::marks::{claim_id, mark};
use crate::gates;
use crate::model::{Gate, Report};
use crate::words::OutcomeLook as _;

pub(super) fn gates(report: &Report) -> Option<Markup> {
    if report.gates.is_empty() {
        return None;
    }
    Some(html! {
        p { (gates::headline(report)) ". " (gates::ABOUT) }
        div.scroll role="region" aria-label="Gates" tabindex="0" {
            table.plain {
                thead { tr {
                    th scope="col" { "Gate" } th scope="col" { "Asks" } th scope="col" { "Result" }
                    th scope="col" { "Condition" } th scope="col" { "Found" } th scope="col" { "Claims" }
                    th scope="col" { "Why" }
                } }
                tbody { @for gate in &report.gates { (one_gate(gate)) } }
            }
        }
    })
}

fn one_gate(gate: &Gate) -> Markup {
    let look = gates::look(gate);
    html! {
        tr {
            th scope="row" { (gate.id) }
            td.wide { (gate.text) }
            td { span class={ "outcome " (look.class()) } { (mark(look)) " " (gates::word(gate)) } }
            td { code { (gate.expression) } }
            td { @for (at, (name, value)) in gates::values(gate).iter().enumerate() {
                @if at > 0 { br; }
                code { (name) } " " (value)
            } }
            td { @for (at, claim) in gate.claims.iter().enumerate() {
                @if at > 0 { ", " }
                a href={ "#" (claim_id(claim)) } { (claim) }
            } }
            td.wide { (gate.note.as_deref().unwrap_or_default()) }
        }
    }
}
