//! The questions behind each column with what every row scored on them, and samples of a few questions.

use maud::{Markup, html};

use super::marks::{anchor, here};
use crate::model::{ColumnQuestions, Report, Row, Sample, ShownQuestion};
use crate::number::{count, shortest};
use crate::provenance::samples_command;
use crate::view;

pub(super) fn samples(report: &Report) -> Option<Markup> {
    if report.questions.is_empty() {
        return None;
    }
    let command = samples_command(report);
    Some(html! {
        p.screen {
            "What each row scored on each question, the samples of all seeds together."
            @if let Some(chosen) = &report.samples_chosen { " " (chosen) }
            @if let Some(command) = &command { " From the folder of this page, " code { (command) } " shows any other." }
        }
        p.paper { "Left out on paper: it is in " (report.id) ".json as " code { "questions" } ", and on the page." }
        @for questions in &report.questions { (one_column(report, questions)) }
    })
}

/// Anchor of the questions of a column.
pub(super) fn questions_id(column: &str) -> String {
    format!("questions-{}", anchor(column))
}

/// Anchor of a question that is shown.
fn question_id(column: &str, question: &str) -> String {
    format!("question-{}-{}", anchor(column), anchor(question))
}

fn one_column(report: &Report, questions: &ColumnQuestions) -> Markup {
    let id = questions_id(&questions.column);
    let column = report.columns.iter().find(|column| column.id == questions.column);
    let label = column.map_or_else(|| questions.column.clone(), |column| view::full_label(report, column));
    html! {
        div.raw {
            h3 id=(id) { (label) (here(&id, &label)) }
            (scores(report, questions, &label))
            @for question in &questions.shown { (shown(report, &questions.column, question)) }
        }
    }
}

/// Every question with what each row scored on it.
fn scores(report: &Report, questions: &ColumnQuestions, label: &str) -> Markup {
    let scores = &questions.scores;
    let rows: Vec<&Row> = report.rows.iter().filter(|row| scores.rows.contains_key(&row.id)).collect();
    let is_shown = |id: &str| questions.shown.iter().any(|question| question.id == id);
    html! {
        div.scroll.short role="region" aria-label={ "Questions: " (label) } tabindex="0" {
            table.plain {
                thead { tr {
                    th scope="col" { "Question" }
                    @for row in &rows {
                        th.number scope="col" {
                            (row.label)
                            @if let Some(found) = scores.rows.get(&row.id) { span.measured-on { "of " (count(found.samples)) } }
                        }
                    }
                } }
                tbody { @for (at, id) in scores.questions.iter().enumerate() {
                    tr {
                        th scope="row" {
                            @if is_shown(id) { a href={ "#" (question_id(&questions.column, id)) } { (id) } } @else { (id) }
                        }
                        @for row in &rows { td.number { (score(questions, row, at)) } }
                    }
                } }
            }
        }
    }
}

/// What a row scored on the question at a place, and how many samples have no verdict.
fn score(questions: &ColumnQuestions, row: &Row, at: usize) -> Markup {
    let found = questions.scores.rows.get(&row.id);
    let failed = questions.scores.questions.get(at).and_then(|id| found?.failures.get(id));
    html! {
        @if let Some(sum) = found.and_then(|found| found.sums.get(at)) { (shortest((sum * 100.0).round() / 100.0)) }
        @if let Some(failed) = failed { span.margin { " (" (count(*failed)) " not judged)" } }
    }
}

fn shown(report: &Report, column: &str, question: &ShownQuestion) -> Markup {
    html! {
        details {
            summary { "Samples of " (question.id) }
            div.question id=(question_id(column, &question.id)) {
                p.text { (question.text) }
                @if !question.references.is_empty() {
                    p.legend { "Right: " @for (at, text) in question.references.iter().enumerate() {
                        @if at > 0 { "; " } code.text { (text) }
                    } }
                }
                div.scroll role="region" aria-label={ "Samples of " (question.id) } tabindex="0" {
                    table.plain.samples {
                        thead { tr {
                            th scope="col" { "Row" } th.number scope="col" { "Seed" } th.number scope="col" { "Sample" }
                            th scope="col" { "Verdict" } th scope="col" { "Thought" } th scope="col" { "Answer" }
                        } }
                        tbody { @for sample in &question.samples { (one_sample(report, sample)) } }
                    }
                }
            }
        }
    }
}

fn one_sample(report: &Report, sample: &Sample) -> Markup {
    let label = report.rows.iter().find(|row| row.id == sample.row).map_or(&sample.row, |row| &row.label);
    html! {
        tr {
            th scope="row" { (label) }
            td.number { @if let Some(seed) = sample.seed { (seed) } }
            td.number { (sample.number) }
            td { (sample.verdict) }
            td.text { (sample.thought) }
            td.text {
                @match &sample.answer {
                    Some(answer) => { (answer) },
                    None => { span.absent { "none" } },
                }
            }
        }
    }
}
