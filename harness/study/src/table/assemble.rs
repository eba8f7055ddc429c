//! From verdicts to cells and claims.

use std::collections::BTreeMap;

use super::{Cell, Claim, Layout, Printed, Table};
use crate::inference::claims::{self, as_printed, judge};
use crate::inference::diagnostics::Diagnostics;
use crate::inference::printed::{CellAudit, CellVerdict};
use crate::inference::scores::{Measured, Scores, ScoresError};

/// Scores are fractions, cells percentages.
const PERCENT: f64 = 100.0;

/// What the judge found for one model and seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The step that found it, as rows name it.
    pub step: String,
    /// The training seed.
    pub seed: Option<u64>,
    /// By benchmark (family), then question: whether each judged sample is right.
    pub outcomes: BTreeMap<String, BTreeMap<String, Vec<bool>>>,
    /// By benchmark: the mean number of tokens that the model wrote.
    pub lengths: BTreeMap<String, f64>,
    /// Samples on which the judge failed.
    pub failures: u64,
}

/// Why a table cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The judge failed on every sample of a question.
    #[error("the judge failed on every sample of question {question} in {step}: there is no score for it")]
    NoVerdict {
        /// The question.
        question: String,
        /// The step.
        step: String,
    },
    /// Scores do not fit together.
    #[error(transparent)]
    Scores(#[from] ScoresError),
    /// A claim does not parse, although the recipe was checked.
    #[error("claim {id}: {message}")]
    Claim {
        /// The claim.
        id: String,
        /// What is wrong.
        message: String,
    },
}

impl Table {
    /// Scores every cell and judges every claim. `questions` lists the question ids of each benchmark in the
    /// order that all rows share.
    ///
    /// # Errors
    /// [`TableError`] when evaluations lack questions, seeds differ, or the judge failed throughout.
    pub fn new(
        layout: Layout,
        questions: &BTreeMap<String, Vec<String>>,
        evaluations: &[Evaluation],
        samples: u32,
        diagnostics: BTreeMap<u64, BTreeMap<String, Diagnostics>>,
        notes: Vec<String>,
    ) -> Result<Self, TableError> {
        let scores = scores(&layout, questions, evaluations)?;
        let printed = layout.printed();
        let audits = printed.audit();
        let mut cells = BTreeMap::new();
        for row in &layout.rows {
            let runs: Vec<&Evaluation> = evaluations.iter().filter(|e| e.step == row.evaluation).collect();
            if runs.is_empty() {
                continue;
            }
            let ids =
                layout.columns.iter().map(|column| &column.id).chain(layout.groups.iter().map(|g| &g.id));
            let cells_of_row: BTreeMap<String, Cell> = ids
                .map(|column| {
                    let measured = percent(scores.cell(&row.id, column)?);
                    let judged = judged(&layout, column, &runs);
                    let text = row.printed.get(column).or_else(|| row.averages.get(column));
                    let printed = text.map(|text| finding(text, &row.id, column, &audits));
                    Ok((column.clone(), Cell { measured, judged, printed }))
                })
                .collect::<Result<_, TableError>>()?;
            cells.insert(row.id.clone(), cells_of_row);
        }
        let claims = layout
            .claims
            .iter()
            .map(|claim| {
                let parsed: claims::Claim =
                    claim.expression.parse().map_err(|error: claims::ParseError| TableError::Claim {
                        id: claim.id.clone(),
                        message: error.to_string(),
                    })?;
                Ok(Claim {
                    id: claim.id.clone(),
                    text: claim.text.clone(),
                    result: judge(&parsed, &scores)?,
                    printed: as_printed(&parsed, |row, column| printed.cell(row, column)),
                    cells: parsed.comparisons.iter().map(claims::Comparison::cells).collect(),
                    tolerances: parsed.comparisons.iter().map(|c| tolerance(c.relation)).collect(),
                })
            })
            .collect::<Result<_, TableError>>()?;
        let count = |column: &super::Column| {
            (column.id.clone(), questions.get(&column.benchmark).map_or(0, |list| list.len() as u64))
        };
        let mut seeds: Vec<u64> = evaluations.iter().filter_map(|e| e.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        Ok(Self {
            questions: layout.columns.iter().map(count).collect(),
            lengths: lengths(&layout, evaluations),
            judge_failures: evaluations.iter().map(|e| e.failures).sum(),
            layout,
            samples,
            seeds,
            cells,
            claims,
            diagnostics,
            notes,
        })
    }
}

fn tolerance(relation: claims::Relation) -> Option<f64> {
    match relation {
        claims::Relation::Within(tolerance) => Some(tolerance),
        claims::Relation::Above | claims::Relation::Below => None,
    }
}

/// Each question's mean over its judged samples, in the columns of the table.
fn scores(
    layout: &Layout,
    questions: &BTreeMap<String, Vec<String>>,
    evaluations: &[Evaluation],
) -> Result<Scores, TableError> {
    let of = |column: &super::Column| questions.get(&column.benchmark).cloned().unwrap_or_default();
    let members = |group: &str| layout.members(group).map(|column| column.id.clone()).collect();
    let mut scores = Scores::new(
        layout.columns.iter().map(|column| (column.id.clone(), of(column))),
        layout.groups.iter().map(|group| (group.id.clone(), members(&group.id))),
    )?;
    for row in &layout.rows {
        for evaluation in evaluations.iter().filter(|e| e.step == row.evaluation) {
            for column in &layout.columns {
                let Some(outcomes) = evaluation.outcomes.get(&column.benchmark) else { continue };
                let by_question = outcomes
                    .iter()
                    .map(|(question, judged)| match judged.len() {
                        0 => Err(TableError::NoVerdict {
                            question: question.clone(),
                            step: evaluation.step.clone(),
                        }),
                        n => {
                            let right = judged.iter().filter(|right| **right).count();
                            Ok((question.clone(), right as f64 / n as f64))
                        }
                    })
                    .collect::<Result<_, _>>()?;
                scores.insert(&row.id, evaluation.seed, &column.id, &by_question)?;
            }
        }
    }
    Ok(scores)
}

fn judged(layout: &Layout, column: &str, runs: &[&Evaluation]) -> u64 {
    let benchmarks = layout.columns.iter().filter(|c| c.id == column || c.group == column);
    let outcomes = benchmarks.flat_map(|c| runs.iter().filter_map(|run| run.outcomes.get(&c.benchmark)));
    outcomes.flat_map(|questions| questions.values()).map(|judged| judged.len() as u64).sum()
}

fn lengths(layout: &Layout, evaluations: &[Evaluation]) -> BTreeMap<String, BTreeMap<String, f64>> {
    let of_row = |step: &str| {
        let mean = |benchmark: &str| {
            let runs = evaluations.iter().filter(|e| e.step == step);
            let lengths: Vec<f64> = runs.filter_map(|e| e.lengths.get(benchmark).copied()).collect();
            (!lengths.is_empty()).then(|| lengths.iter().sum::<f64>() / lengths.len() as f64)
        };
        layout.columns.iter().filter_map(|c| Some((c.id.clone(), mean(&c.benchmark)?))).collect()
    };
    layout.rows.iter().map(|row| (row.id.clone(), of_row(&row.evaluation))).collect()
}

fn percent(measured: Measured) -> Measured {
    Measured {
        estimate: measured.estimate.scaled(PERCENT),
        per_seed: measured.per_seed.into_iter().map(|(seed, value)| (seed, value * PERCENT)).collect(),
    }
}

fn finding(text: &str, row: &str, column: &str, audits: &[CellAudit]) -> Printed {
    let audit = audits.iter().find(|audit| audit.row == row && audit.column == column);
    let note = audit.and_then(|audit| match (audit.verdict, &audit.average, &audit.granularity) {
        (CellVerdict::Contradicted, Some(average), _) => {
            average.recomputed.map(|mean| format!("the row's values give {mean:.3}"))
        }
        (CellVerdict::Impossible, _, Some(granularity)) => {
            let innocent = if granularity.explained_by_rounded_runs {
                "; possible if each run was rounded before averaging"
            } else {
                ""
            };
            let (step, nearest) = granularity.step.zip(granularity.nearest)?;
            Some(format!("not a multiple of {step:.4}; the nearest is {nearest:.3}{innocent}"))
        }
        _ => None,
    });
    Printed { text: text.to_owned(), verdict: audit.map_or(CellVerdict::NotAttempted, |a| a.verdict), note }
}
