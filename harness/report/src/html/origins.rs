//! Where the numbers come from.

use maud::{Markup, html};

use crate::model::{Report, Source};
use crate::view::{Dependence, Origin, Origins};
use crate::words::plural;

pub(super) fn origins(report: &Report, origins: &Origins<'_>) -> Option<Markup> {
    if report.criteria.is_none() && report.facts.is_empty() && origins.list.is_empty() {
        return None;
    }
    Some(html! {
        dl.facts {
            @if let Some(criteria) = &report.criteria {
                dt { "Fixed before the run" }
                dd { (criteria.text) " " (hash(&criteria.hash)) }
            }
            @for (name, value) in &report.facts { dt { (name) } dd { (value) } }
        }
        @if !origins.list.is_empty() {
            @let dependence = Dependence::of(report);
            @let differs = dependence.differs(report);
            p {
                "Each measured value of the table is computed from the artefacts listed under its row. Hashes are shown \
                 in part; select one to copy it whole."
                @if let Some(shared) = dependence.shared() { " All artefacts depend on " (shared) "." }
            }
            div.scroll role="region" aria-label="Artefacts" tabindex="0" {
                table.plain.sources {
                    thead { tr {
                        th scope="col" { "Step" } th.number scope="col" { "Seed" } th scope="col" { "Kind" }
                        th scope="col" { "Artefact" } th scope="col" { "Key" }
                        @if differs { th scope="col" { "Depends on" } }
                    } }
                    @for (index, origin) in origins.list.iter().enumerate() {
                        tbody id={ "origin-" (index + 1) } {
                            tr { th.over colspan=(if differs { 6 } else { 5 }) scope="rowgroup" { (rows(origin)) } }
                            @for source in &origin.sources {
                                tr { (artefact(source)) @if differs { td { (dependence.own(source)) } } }
                            }
                        }
                    }
                }
            }
        }
    })
}

/// The rows whose cells are computed from one set of artefacts.
fn rows(origin: &Origin<'_>) -> Markup {
    html! {
        @for (index, (row, cells)) in origin.rows.iter().enumerate() {
            @if index > 0 { "; " }
            (row.label) span.margin { ", " (plural(*cells, "cell")) }
        }
    }
}

fn artefact(source: &Source) -> Markup {
    html! {
        td { code { (source.step) } }
        td.number { @if let Some(seed) = source.seed { (seed) } }
        td { (source.kind) }
        td { (hash(&source.artefact)) }
        td { (hash(&source.key)) }
    }
}

/// A hash that shows its first characters and is copied whole.
fn hash(hash: &str) -> Markup {
    html! { code.hash title=(hash) { (hash) } }
}
