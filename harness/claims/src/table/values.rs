//! What the columns are of: scores, tokens and figures of the rows' models.

use std::collections::BTreeMap;

use super::assemble::Row;
use super::{Column, Evaluation, Layout, Measure, RowLayout, TableError};
use crate::interval::average;
use crate::pass_at_k::pass_at_k_among;
use crate::scores::{Score, Scores, Values};

/// The value of each question, or of each training run, in the columns of the table.
pub(super) fn scores(
    layout: &Layout,
    questions: &BTreeMap<String, Vec<String>>,
    rows: &[Row<'_>],
) -> Result<Scores, TableError> {
    let of = |column: &Column| Some((column.id.clone(), values(column, questions, rows)?));
    let measured: BTreeMap<String, Values> = layout.columns.iter().filter_map(of).collect();
    let is_measured = |id: &String| measured.contains_key(id);
    let unmeasured: Vec<&Column> = layout.columns.iter().filter(|column| !is_measured(&column.id)).collect();
    // An average is measured when all of its members are.
    let (groups, partial): (Vec<_>, Vec<_>) = layout
        .groups
        .iter()
        .partition(|group| layout.members(&group.id).all(|column| is_measured(&column.id)));
    let members = |group: &str| layout.members(group).map(|column| column.id.clone()).collect();
    let (means, partial_means): (Vec<_>, Vec<_>) =
        layout.means.iter().partition(|mean| mean.columns.iter().all(is_measured));
    let benchmarks =
        layout.columns.iter().filter_map(|column| Some((column.id.clone(), column.benchmark.clone()?)));
    let averages = groups.iter().map(|group| (group.id.clone(), members(&group.id)));
    let mut scores = Scores::of_values(
        measured.clone(),
        averages.chain(means.iter().map(|mean| (mean.id.clone(), mean.columns.clone()))),
    )?
    .with_benchmarks(benchmarks)
    .with_unmeasured(unmeasured.iter().map(|column| column.id.clone()))
    .with_unmeasured(partial.iter().map(|group| group.id.clone()))
    .with_unmeasured(partial_means.iter().map(|mean| mean.id.clone()))
    .with_seed_variance(layout.rules.seeds);
    for row in rows {
        for run in &row.runs {
            for column in &layout.columns {
                let Some(by_question) = by_question(row.layout, column, run)? else { continue };
                enough(row.layout, column, run, &by_question)?;
                scores.insert(&row.layout.id, run.seed, &column.id, &by_question)?;
            }
        }
        for column in layout.columns.iter().filter(|column| is_measured(&column.id)) {
            for (seed, value) in row.figures(column) {
                scores.insert_figure(&row.layout.id, seed, &column.id, value)?;
            }
        }
    }
    Ok(scores)
}

/// What the values of a column are; `None` if nothing is measured on it.
fn values(column: &Column, questions: &BTreeMap<String, Vec<String>>, rows: &[Row<'_>]) -> Option<Values> {
    if let Measure::Figure(_) = column.measure {
        return rows.iter().any(|row| row.figures(column).next().is_some()).then_some(Values::Figures);
    }
    let list = questions.get(column.benchmark.as_ref()?).filter(|list| !list.is_empty())?.clone();
    Some(if column.measure.is_share() { Values::Shares(list) } else { Values::Amounts(list) })
}

/// The value of each question in one run; `None` if the run was not measured on the column.
fn by_question(
    row: &RowLayout,
    column: &Column,
    run: &Evaluation,
) -> Result<Option<BTreeMap<String, Score>>, TableError> {
    let Some(benchmark) = &column.benchmark else { return Ok(None) };
    if column.measure == Measure::Tokens {
        let tokens = run.tokens.get(benchmark).filter(|tokens| !tokens.is_empty());
        return Ok(tokens.map(|tokens| {
            let counted = tokens.iter().filter(|(_, samples)| !samples.is_empty());
            let mean =
                |samples: &Vec<u32>| average(&samples.iter().copied().map(f64::from).collect::<Vec<_>>());
            counted.map(|(question, samples)| (question.clone(), mean(samples).into())).collect()
        }));
    }
    let Some(samples) = run.scores.get(benchmark) else { return Ok(None) };
    let failures = run.failures.get(benchmark);
    let one = |question: &String, judged: &Vec<_>| {
        let failed = failures.and_then(|failures| failures.get(question)).copied();
        let failed = u64::from(failed.unwrap_or(0));
        match column.measure {
            Measure::PassAt(k) => pass_at_k_among(judged, failed, u64::from(k)),
            _ => Ok(Score::of(judged, failed)),
        }
    };
    let scored = samples.iter().map(|(question, judged)| match one(question, judged) {
        Ok(score) => Ok((question.clone(), score)),
        Err(error) => Err(TableError::PassAt {
            column: column.id.clone(),
            row: row.id.clone(),
            question: question.clone(),
            error,
        }),
    });
    scored.collect::<Result<_, _>>().map(Some)
}

/// Refuses a run of which nothing, or the score of one question alone, is known on a benchmark.
fn enough(
    row: &RowLayout,
    column: &Column,
    run: &Evaluation,
    by_question: &BTreeMap<String, Score>,
) -> Result<(), TableError> {
    match by_question.values().filter(|score| score.value.is_some()).count() {
        0 => Err(TableError::NoVerdict {
            benchmark: column.benchmark.clone().unwrap_or_default(),
            model: run.model.clone(),
        }),
        1 => {
            Err(TableError::TooFewQuestions { row: row.id.clone(), column: column.id.clone(), questions: 1 })
        }
        _ => Ok(()),
    }
}
