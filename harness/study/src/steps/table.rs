//! A table: every row's verdicts, the diagnostics, the claims.

use std::collections::BTreeMap;

use assay_flow::{InputSpec, StepContext, StepError};
use serde::Deserialize;

use super::kind::{Kind, one, within};
use crate::fingerprint::{INFERENCE, TABLE, TASKS};
use crate::inference::diagnostics::Diagnostics;
use crate::records::{self, GenerationVerdict};
use crate::table::{Evaluation, Layout, Table, TableError};
use crate::tasks::Question;
use assay_sandbox::Verdict;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// k of Avg@k.
    samples: u32,
    notes: Vec<String>,
    recipe: Layout,
}

/// `table`: cells with intervals, printed values audited, claims judged; one JSON file, see [`Table`].
pub(crate) fn kind() -> Kind<Params> {
    Kind::new("table", "table", &[INFERENCE, TABLE, TASKS], |params: &Params, context| {
        let questions: Vec<Question> = records::read(&context.input("questions")?.path)?;
        let mut by_benchmark: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for question in &questions {
            by_benchmark.entry(question.family().to_string()).or_default().push(question.id().to_owned());
        }
        let benchmarks: BTreeMap<&str, String> =
            questions.iter().map(|question| (question.id(), question.family().to_string())).collect();
        let evaluations = evaluations(context, &benchmarks)?;
        let mut diagnostics = BTreeMap::new();
        for artifact in context.inputs("diagnostics") {
            let seed = artifact.seed.unwrap_or_default();
            let found: Vec<BTreeMap<String, Diagnostics>> = records::read(&artifact.path)?;
            diagnostics.extend(found.into_iter().map(|found| (seed, found)));
        }
        let (layout, notes) = (params.recipe.clone(), params.notes.clone());
        let table = Table::new(layout, &by_benchmark, &evaluations, params.samples, diagnostics, notes)
            .map_err(|error| match error {
                TableError::NoVerdict { .. } => StepError::environment(error.to_string()),
                _ => StepError::internal(error.to_string()),
            })?;
        records::write(context.output(), &[table])
    })
    .inputs(const { &[one("questions"), InputSpec::many("verdicts"), InputSpec::many("diagnostics")] })
    .check(|params, all| {
        within(&[("samples", f64::from(params.samples), 1.0..=f64::INFINITY)])?;
        params.recipe.check(all)
    })
}

/// The verdicts on each model and seed, by benchmark and question.
fn evaluations(
    context: &StepContext<'_>,
    benchmarks: &BTreeMap<&str, String>,
) -> Result<Vec<Evaluation>, StepError> {
    context
        .inputs("verdicts")
        .iter()
        .map(|artifact| {
            let mut evaluation = Evaluation {
                step: artifact.name.clone(),
                seed: artifact.seed,
                outcomes: BTreeMap::new(),
                lengths: BTreeMap::new(),
                failures: 0,
            };
            let mut tokens: BTreeMap<String, Vec<f64>> = BTreeMap::new();
            for judged in records::read::<GenerationVerdict>(&artifact.path)? {
                let benchmark = benchmarks.get(judged.question.as_str()).ok_or_else(|| {
                    StepError::internal(format!("{} is not a test question", judged.question))
                })?;
                tokens.entry(benchmark.clone()).or_default().push(f64::from(judged.tokens));
                let questions = evaluation.outcomes.entry(benchmark.clone()).or_default();
                let outcomes = questions.entry(judged.question).or_default();
                if judged.verdict == Verdict::JudgeFailure {
                    evaluation.failures += 1;
                } else {
                    outcomes.push(judged.verdict == Verdict::Pass);
                }
            }
            evaluation.lengths = tokens
                .into_iter()
                .map(|(benchmark, all)| (benchmark, all.iter().sum::<f64>() / all.len() as f64))
                .collect();
            Ok(evaluation)
        })
        .collect()
}
