//! Every artefact: its hash, what it was made from and what was made from it, and the command that explains it.

use maud::{Markup, html};

use super::marks::{hash, here, source_id};
use super::origins::steps;
use crate::model::{Report, Source};
use crate::provenance::{Edges, Step, why_command};
use crate::view::Dependence;
use crate::words::plural;

/// Links in a cell beyond which they are folded.
const SHOWN: usize = 12;

pub(super) fn artefacts(report: &Report, edges: &Edges<'_>) -> Option<Markup> {
    if report.sources.is_empty() {
        return None;
    }
    let dependence = Dependence::of(report);
    let differs = dependence.differs(report);
    let commands = report.recipe.is_some();
    Some(html! {
        p.screen {
            "Hashes are shown in part; select one to copy it whole."
            @if let Some(shared) = dependence.shared() { " All artefacts depend on " (shared) "." }
            @if commands { " Each command prints what the artefact is made of: parameters, inputs, facts, and its key." }
        }
        p.paper {
            "The list of " (plural(report.sources.len(), "artefact")) " is left out on paper: it is in " (report.id)
            ".json as " code { "sources" } ", and on the page."
        }
        div.scroll.tall.raw role="region" aria-label="Artefacts" tabindex="0" {
            table.plain.sources {
                thead { tr {
                    th scope="col" { "Step" } th scope="col" { "Kind" }
                    th scope="col" { "Artefact" } th scope="col" { "Key" }
                    th scope="col" { "Made from" } th scope="col" { "Used for" }
                    @if differs { th.wide scope="col" { "Depends on" } }
                    @if commands { th.wide scope="col" { "Command" } }
                } }
                tbody {
                    @for source in &report.sources {
                        tr id=(source_id(&source.id)) {
                            (artefact(source, edges))
                            @if differs { td { (facts(source, &dependence)) } }
                            @if let Some(command) = why_command(report, source) { td { code.command { (command) } } }
                        }
                    }
                }
            }
        }
    })
}

fn artefact(source: &Source, edges: &Edges<'_>) -> Markup {
    html! {
        th scope="row" { code { (source.step) } (here(&source_id(&source.id), &source.step)) }
        td { (source.kind) }
        td {
            (hash(&source.artefact))
            @if let Some(challenge) = source.challenge { br; (challenge.words()) }
        }
        td { (hash(&source.key)) }
        td { (folded(&edges.inputs(source))) }
        td { (folded(&edges.outputs(source))) }
    }
}

/// What only some artefacts depend on: the names, and with them the values, which are long.
fn facts(source: &Source, dependence: &Dependence<'_>) -> Markup {
    let names = dependence.own_names(source);
    html! {
        @if !names.is_empty() {
            details { summary { (names.join(", ")) } (dependence.own(source)) }
        }
    }
}

/// Links to the artefacts of some steps, folded where there are many.
fn folded(found: &[Step<'_>]) -> Markup {
    let number = found.iter().map(|step| step.sources.len()).sum::<usize>();
    html! {
        @if number > SHOWN {
            details { summary { (plural(number, "artefact")) } (steps(found)) }
        } @else {
            (steps(found))
        }
    }
}
