//! Where the numbers come from: by row, the chain of steps behind its cells, each step a link to its artefacts.

use maud::{Markup, html};

use super::marks::{hash, row_id, source_id};
use super::samples::questions_id;
use crate::asked::{self, Asked};
use crate::model::{ColumnQuestions, Report, Source};
use crate::provenance::{Edges, Step, run_command};
use crate::view::{Origin, Origins};
use crate::words::plural;

pub(super) fn origins(report: &Report, origins: &Origins<'_>, edges: &Edges<'_>) -> Option<Markup> {
    let command = run_command(report);
    if report.criteria.is_none() && report.facts.is_empty() && origins.list.is_empty() && command.is_none() {
        return None;
    }
    Some(html! {
        dl.facts {
            @if let Some(command) = &command { dt { "To compute all numbers again" } dd { code.command { (command) } } }
            @if let Some(criteria) = &report.criteria {
                dt { "Fixed before the run" }
                dd {
                    (criteria.words()) " Their hash: " (hash(&criteria.hash))
                    @if !criteria.history.is_empty() {
                        ul { @for line in &criteria.history { li { (line) } } }
                    }
                }
            }
            @for (name, value) in &report.facts { dt { (name) } dd { (value) } }
        }
        (asked(report))
        @if !origins.list.is_empty() {
            p.paper {
                "The steps behind each row's cells are left out on paper: they are in " (report.id) ".json as "
                code { "sources" } ", and on the page."
            }
            p.screen {
                "The steps behind each row's cells. A step stands above the steps that it was made from. Each name or seed \
                 leads to the artefact, with its hash and what it was made from."
            }
            div.scroll.raw role="region" aria-label="Steps behind each row" tabindex="0" {
                table.plain.chains {
                    thead { tr { th scope="col" { "Kind" } th scope="col" { "Step" } th scope="col" { "Seeds" } } }
                    @for (index, origin) in origins.list.iter().enumerate() {
                        tbody id={ "origin-" (index + 1) } {
                            tr { th.over colspan="3" scope="rowgroup" { (rows(origin)) } }
                            (questions(report, origin))
                            @for step in edges.chain(&origin.sources) {
                                tr { td { (step.kind) } (step_cells(&step)) }
                            }
                        }
                    }
                }
            }
        }
    })
}

/// The hashes of the prompts, and the rows that were asked them.
fn asked(report: &Report) -> Markup {
    let all = Asked::of(report);
    html! {
        @if !all.is_empty() {
            p { (asked::ABOUT) }
            div.scroll role="region" aria-label="What the models were asked" tabindex="0" {
                table.plain {
                    thead { tr { th scope="col" { "Benchmark" } th scope="col" { "Prompts" } th scope="col" { "Rows" } } }
                    tbody { @for asked in &all {
                        tr { th scope="row" { code { (asked.benchmark) } } td { (hash(asked.prompts)) } td { (asked.rows()) } }
                    } }
                }
            }
        }
    }
}

/// Links to the questions that the rows' cells are about.
fn questions(report: &Report, origin: &Origin<'_>) -> Markup {
    let of_origin = |questions: &&ColumnQuestions| {
        origin.rows.iter().any(|(row, _)| questions.scores.rows.contains_key(&row.id))
    };
    let all: Vec<&ColumnQuestions> = report.questions.iter().filter(of_origin).collect();
    html! {
        @if !all.is_empty() {
            tr { td { "questions" } td colspan="2" {
                @for (at, questions) in all.iter().enumerate() {
                    @if at > 0 { ", " }
                    a href={ "#" (questions_id(&questions.column)) } { (questions.column) }
                }
            } }
        }
    }
}

/// The rows whose cells are computed from one set of artefacts.
fn rows(origin: &Origin<'_>) -> Markup {
    html! {
        @for (index, (row, cells)) in origin.rows.iter().enumerate() {
            @if index > 0 { "; " }
            a href={ "#" (row_id(&row.id)) } { (row.label) } span.margin { ", " (plural(*cells, "cell")) }
        }
    }
}

fn step_cells(step: &Step<'_>) -> Markup {
    html! {
        @match step.sources[..] {
            [Source { seed: None, .. }] => { td { (link(step.sources[0], step.name)) } td {} },
            _ => { td { code { (step.name) } } td { (seeds(step)) } },
        }
    }
}

/// One link for each seed of a step.
fn seeds(step: &Step<'_>) -> Markup {
    html! {
        @for (index, source) in step.sources.iter().enumerate() {
            @if index > 0 { " " }
            @match source.seed {
                Some(seed) => { a href={ "#" (source_id(&source.id)) } aria-label={ (step.name) ", seed " (seed) } { (seed) } },
                None => { (link(source, &source.id)) },
            }
        }
    }
}

fn link(source: &Source, name: &str) -> Markup {
    html! { a href={ "#" (source_id(&source.id)) } { code { (name) } } }
}

/// Steps in a line, with a link to each of their artefacts.
pub(super) fn steps(steps: &[Step<'_>]) -> Markup {
    html! {
        @for (index, step) in steps.iter().enumerate() {
            @if index > 0 { ", " }
            @match step.sources[..] {
                [only] => { (link(only, &only.step)) },
                _ => { code { (step.name) } " " (seeds(step)) },
            }
        }
    }
}
