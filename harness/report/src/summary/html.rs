//! The summary as one HTML page, in the style of a report's page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::text::{about, headline, of_table, p, standing, times};
use super::{ClaimSummary, Summary, TableSummary};
use crate::gates;
use crate::html::{STYLE, claim_id, forest, here, mark, meta};
use crate::model::{Claim, Outcome};
use crate::number::level;
use crate::plain::visible;
use crate::view;
use crate::words::OutcomeLook as _;

/// The summary as one self-contained HTML page, which leads to the pages of the reports beside it. It runs nothing and
/// loads nothing.
pub fn summary_html(summary: &Summary) -> String {
    let title = format!("All tables, {} scale", summary.scale);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (meta())
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p.caption { (headline(summary)) }
                }
                main {
                    (section("tables", "Tables", tables(summary)))
                    @if !summary.claims.is_empty() {
                        (section("claims", "Claims", claims(summary)))
                        (section("findings", "Findings over all tables", findings(summary)))
                    }
                    @if summary.not_testable().next().is_some() {
                        (section("not-testable", "Not testable here", not_testable(summary)))
                    }
                }
                footer { p { "The same as " a href="index.json" { "index.json" } " and " a href="index.md" { "index.md" } "." } }
            }
        }
    };
    let mut text = visible(&page.into_string());
    text.push('\n');
    text
}

fn section(id: &str, title: &str, content: Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (title) (here(id, title)) }
            (content)
        }
    }
}

fn tables(summary: &Summary) -> Markup {
    let timed = summary.tables.iter().any(|table| times(table).is_some());
    html! {
        div.scroll role="region" aria-label="Tables" tabindex="0" {
            table.plain {
                thead { tr {
                    th scope="col" { "Table" } th scope="col" { "Title" } th scope="col" { "Primary claim" }
                    th scope="col" { "Outcome" } th scope="col" { "All claims" }
                    @if timed { th scope="col" { "Time" } }
                } }
                tbody { @for table in &summary.tables { (one_table(table, timed)) } }
            }
        }
    }
}

fn one_table(table: &TableSummary, timed: bool) -> Markup {
    let name = if table.locator.is_empty() { &table.id } else { &table.locator };
    html! {
        tr {
            th scope="row" { a href={ (table.id) ".html" } { (name) } }
            td.wide { (table.title) }
            @match &table.primary {
                Some(claim) => {
                    td.wide { (claim.id) " " (claim.text) }
                    td { (outcome(claim.outcome)) }
                },
                None => { td { span.absent { "none" } } td {} },
            }
            td { (of_table(table)) }
            @if timed { td { (times(table).unwrap_or_default()) } }
        }
    }
}

fn outcome(outcome: Outcome) -> Markup {
    html! { span class={ "outcome " (outcome.class()) } { (mark(outcome)) " " (outcome.word()) } }
}

/// A forest plot of every claim, with links to the reports.
fn claims(summary: &Summary) -> Markup {
    let claims: Vec<(&Claim, String)> =
        summary.claims.iter().map(|claim| (&claim.claim, address(claim))).collect();
    html! {
        p.legend { "Estimates with their " (level(summary.confidence)) " intervals, diamonds where the printed values are; shaded where the claim holds." }
        (forest(&claims))
    }
}

fn not_testable(summary: &Summary) -> Markup {
    html! {
        p { (gates::ABOUT) }
        ul { @for claim in summary.not_testable() {
            li {
                a href=(address(claim)) { (claim.table) " " (claim.claim.id) } " "
                (claim.claim.note.as_deref().unwrap_or_default())
            }
        } }
    }
}

fn address(claim: &ClaimSummary) -> String {
    format!("{}.html#{}", claim.table, claim_id(&claim.claim.id))
}

fn findings(summary: &Summary) -> Markup {
    html! {
        p { (about()) }
        div.scroll role="region" aria-label="Findings over all tables" tabindex="0" {
            table.plain {
                thead { tr {
                    th scope="col" { "Claim" } th scope="col" { "Words" } th scope="col" { "Outcome" }
                    th scope="col" { "Measured" } th.number scope="col" { "p" }
                    th.number scope="col" { "Among primary claims" } th.number scope="col" { "Among all claims" }
                    th scope="col" { "Among all" }
                } }
                tbody { @for claim in &summary.claims {
                    tr {
                        th scope="row" {
                            a href=(address(claim)) { (claim.claim.id) }
                            @if claim.claim.primary { " (primary)" }
                        }
                        td.wide { (claim.claim.text) }
                        td { (outcome(claim.claim.outcome)) }
                        td { @for (at, part) in claim.claim.parts.iter().enumerate() {
                            @if at > 0 { br; }
                            (view::quantity(part))
                        } }
                        td.number { (p(claim.claim.p_value)) }
                        td.number { (p(claim.among_primary)) }
                        td.number { (p(claim.among_all)) }
                        td { (standing(claim)) }
                    }
                } }
            }
        }
    }
}
