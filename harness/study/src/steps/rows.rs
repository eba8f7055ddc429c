//! From the teacher's rows and weighted traces to what a model is trained on.

use std::collections::BTreeMap;

use assay_data::{Demonstration, Dialect, Draws, Hint, Segment};
use assay_flow::{InputSpec, StepContext, StepError};
use assay_sandbox::Verdict;
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{
    ANSWER_VERDICTS, ANSWERS, DEMONSTRATIONS, Kind, MOST_ITEMS, ROWS, TRACES, WEIGHTS, counts, dialect,
    too_few,
};
use crate::inference::posterior::Weights;
use crate::records::{self, Answer, AnswerVerdict, ItemWeights, Row, Trace, Unit};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonerParams {
    /// How question, thought and answer are laid out as text.
    dialect: Dialect,
    /// How many rows, from the first; all if left out.
    #[serde(default)]
    limit: Option<usize>,
    /// How many rows later steps take of the same teacher; fewer are an error here, before anything is trained.
    #[serde(default)]
    least: Option<usize>,
}

/// `reasoner-rows`: question, thought, answer; `limit` takes the first rows, which are a uniform subset
/// because the teacher's rows are drawn independently.
pub(crate) fn reasoner() -> Kind<ReasonerParams> {
    let about = "The teacher's rows as the reasoning model learns them: question, thought, answer";
    Kind::new("reasoner-rows", 1, ROWS, about, |params: &ReasonerParams, context| {
        let mut count = 0;
        let rows = records::stream::<Demonstration>(&context.input("demonstrations")?.path)?;
        let units = rows.take(params.limit.unwrap_or(usize::MAX)).map(|row| {
            count += 1;
            Ok(alone(teacher_row(&params.dialect, &row?)?))
        });
        records::try_write(context.output(), units)?;
        enough(params.limit.max(params.least), count)
    })
    .inputs(const { &[InputSpec::one("demonstrations", DEMONSTRATIONS)] })
    .check(|params, _| {
        let limit = params.limit.map(|limit| ("limit", limit as u64, MOST_ITEMS));
        // No more than `limit` rows are read.
        let most = params.limit.map_or(MOST_ITEMS, |limit| limit as u64);
        let least = params.least.map(|least| ("least", least as u64, most));
        counts(&limit.into_iter().chain(least).collect::<Vec<_>>())
    })
}

/// Refuses a teacher with fewer rows than are taken.
fn enough(least: Option<usize>, there: usize) -> Result<(), StepError> {
    match least {
        Some(least) if there < least => Err(too_few(least, there)),
        _ => Ok(()),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PosteriorParams {
    /// How question, hint and thought are laid out as text.
    dialect: Dialect,
    /// Where the posterior sees the answer: the paper's template `A` or `B`.
    hint: Hint,
    /// How many rows later steps take of the same teacher; fewer are an error here, before anything is trained.
    #[serde(default)]
    least: Option<usize>,
}

/// `posterior-rows`: question, answer hint, thought; weight 1, as in the released code.
pub(crate) fn posterior() -> Kind<PosteriorParams> {
    let about = "The teacher's rows as the posterior learns them: question, answer hint, thought";
    Kind::new("posterior-rows", 1, ROWS, about, |params: &PosteriorParams, context| {
        let rows = records::stream::<Demonstration>(&context.input("demonstrations")?.path)?;
        let mut count = 0;
        let units = rows.map(|row| {
            count += 1;
            let Demonstration { item, thought, .. } = row?;
            let row = params.dialect.posterior_row(params.hint, &item, item.reference(), &thought);
            Ok(alone(row.map_err(dialect)?))
        });
        records::try_write(context.output(), units)?;
        enough(params.least, count)
    })
    .inputs(const { &[InputSpec::one("demonstrations", DEMONSTRATIONS)] })
    .check(|params, _| {
        let least = params.least.map(|least| ("least", least as u64, MOST_ITEMS));
        counts(&least.into_iter().collect::<Vec<_>>())
    })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WeightedParams {
    /// Chooses among the verified answers of a trace.
    seed: u64,
    /// The answer that a trace is paired with.
    answer: AnswerSource,
    /// How question, thought and answer are laid out as text.
    dialect: Dialect,
}

/// The answer that a trace is paired with.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum AnswerSource {
    /// One of the trace's verified answers, at random: the accuracy estimator's choice.
    Verified,
    /// The reference answer.
    Reference,
}

/// `weighted-rows`: all traces of an item as one unit, weighted by the normalised rho; the teacher's row with
/// weight 1 where no trace has a positive weight (pipeline step 8, 1k setting, not mixed with the original
/// rows). The units are in the order of the weights.
///
/// Holds the teacher's rows, the traces and the right answers.
pub(crate) fn weighted() -> Kind<WeightedParams> {
    let about = "All traces of an item as one unit, each row with its trace's weight";
    Kind::new("weighted-rows", 1, ROWS, about, |params: &WeightedParams, context| {
        let rows = records::demonstrations(context, |row| row)?;
        let traces = records::traces_by_item(&context.input("traces")?.path)?;
        let mut traces = traces.collect::<Result<BTreeMap<String, Vec<Trace>>, StepError>>()?;
        let correct = correct_answers(context)?;
        let weights = records::stream::<ItemWeights>(&context.input("weights")?.path)?;
        let units = weights.map(|record| {
            let ItemWeights { item, weights, .. } = record?;
            let row = records::of_item(&rows, &item)?;
            let traces = traces.remove(&item).ok_or_else(|| {
                StepError::internal(format!("item {item} has no traces for its weights, or weights twice"))
            })?;
            let rows = weighted_rows(params, row, &traces, &weights, &correct)?;
            Ok(if rows.is_empty() { alone(teacher_row(&params.dialect, row)?) } else { Unit { rows } })
        });
        records::try_write(context.output(), units)?;
        match traces.keys().next() {
            Some(item) => Err(StepError::internal(format!("item {item} has traces, but no weights"))),
            None => Ok(()),
        }
    })
    .inputs(
        const {
            &[
                InputSpec::one("demonstrations", DEMONSTRATIONS),
                InputSpec::one("traces", TRACES),
                InputSpec::one("weights", WEIGHTS),
                InputSpec::one("answers", ANSWERS),
                InputSpec::one("verdicts", ANSWER_VERDICTS),
            ]
        },
    )
}

/// The rows of an item's traces that have a positive weight; none on fallback.
fn weighted_rows(
    params: &WeightedParams,
    row: &Demonstration,
    traces: &[Trace],
    weights: &Weights,
    correct: &CorrectAnswers,
) -> Result<Vec<Row>, StepError> {
    let Some(weights) = weights.as_slice() else { return Ok(Vec::new()) };
    if traces.len() != weights.len() {
        let (item, traces, weights) = (&row.item.id, traces.len(), weights.len());
        return Err(StepError::internal(format!("item {item} has {traces} traces, but {weights} weights")));
    }
    let representatives = records::representatives(traces);
    traces
        .iter()
        .zip(representatives)
        .zip(weights)
        .filter(|(_, weight)| **weight > 0.0)
        .map(|((trace, representative), weight)| {
            let answer = match params.answer {
                AnswerSource::Reference => row.item.reference(),
                AnswerSource::Verified => pick(params.seed, trace, representative, correct)?,
            };
            let segments = params.dialect.reasoner_row(&row.item, &trace.thought, answer).map_err(dialect)?;
            Ok(Row { segments, weight: *weight })
        })
        .collect()
}

/// By item and trace.
type CorrectAnswers = BTreeMap<(String, u32), Vec<String>>;

/// The verified answers of each trace that has answers of its own, in sampling order.
fn correct_answers(context: &StepContext<'_>) -> Result<CorrectAnswers, StepError> {
    let mut answers = records::stream::<Answer>(&context.input("answers")?.path)?;
    let mut verdicts = records::stream::<AnswerVerdict>(&context.input("verdicts")?.path)?;
    let mut correct = CorrectAnswers::new();
    loop {
        match (answers.next().transpose()?, verdicts.next().transpose()?) {
            (None, None) => return Ok(correct),
            (Some(Answer { item, trace, index, answer }), Some(judged))
                if (&item, trace, index) == (&judged.item, judged.trace, judged.index) =>
            {
                if let Some(answer) = answer.filter(|_| judged.verdict == Verdict::Pass) {
                    correct.entry((item, trace)).or_default().push(answer);
                }
            }
            _ => return Err(StepError::internal("the verdicts are not those of the answers")),
        }
    }
}

/// A verified answer of the trace, uniform over its verified samples.
fn pick<'a>(
    seed: u64,
    trace: &Trace,
    representative: u32,
    correct: &'a CorrectAnswers,
) -> Result<&'a str, StepError> {
    let answers = correct
        .get(&(trace.item.clone(), representative))
        .filter(|answers| !answers.is_empty())
        .ok_or_else(|| {
            StepError::internal(format!(
                "trace {} of {} has a weight but no right answer",
                trace.index, trace.item
            ))
        })?;
    let name = format!("{} {}", trace.item, trace.index);
    Ok(Draws::new("verified answer", seed, name.as_bytes()).pick::<String>(answers))
}

fn teacher_row(form: &Dialect, row: &Demonstration) -> Result<Vec<Segment>, StepError> {
    form.reasoner_row(&row.item, &row.thought, &row.answer).map_err(dialect)
}

/// A unit of one row with weight 1.
fn alone(segments: Vec<Segment>) -> Unit {
    Unit { rows: vec![Row { segments, weight: 1.0 }] }
}
