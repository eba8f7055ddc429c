//! From the teacher's rows and weighted traces to what a model is trained on.

use std::collections::BTreeMap;

use assay_flow::{StepContext, StepError};
use serde::Deserialize;

use super::kind::{Kind, one};
use crate::fingerprint::TASKS;
use crate::records::{self, AnswerVerdict, QuestionWeights, SampledAnswer, Trace, Unit, WeightedRow};
use crate::tasks::{Draws, Row, TeacherRow, Template, formats};
use assay_sandbox::Verdict;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonerParams {
    #[serde(default)]
    limit: Option<usize>,
}

/// `reasoner-rows`: question, thought, answer; `limit` takes the first rows, which are a uniform subset
/// because the teacher's rows are drawn independently.
pub(crate) fn reasoner() -> Kind<ReasonerParams> {
    Kind::new("reasoner-rows", "rows", &[TASKS], |params: &ReasonerParams, context| {
        let units: Vec<Unit> = teacher_rows(context)?
            .iter()
            .take(params.limit.unwrap_or(usize::MAX))
            .map(|row| unit([(teacher_row(row), 1.0)]))
            .collect();
        records::write(context.output(), &units)
    })
    .inputs(const { &[one("teacher")] })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PosteriorParams {
    template: Template,
}

/// `posterior-rows`: question, answer hint, thought; weight 1, as in the released code.
pub(crate) fn posterior() -> Kind<PosteriorParams> {
    Kind::new("posterior-rows", "rows", &[TASKS], |params: &PosteriorParams, context| {
        let units: Vec<Unit> = teacher_rows(context)?
            .iter()
            .map(|TeacherRow { question, thought, .. }| {
                unit([(params.template.row(question.text(), question.reference(), thought), 1.0)])
            })
            .collect();
        records::write(context.output(), &units)
    })
    .inputs(const { &[one("teacher")] })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WeightedParams {
    seed: u64,
    answer: AnswerSource,
}

/// The answer that a trace is paired with.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AnswerSource {
    /// One of the trace's verified answers, at random: the accuracy estimator's choice.
    Verified,
    /// The reference answer.
    Reference,
}

/// `weighted-rows`: all traces of a question as one unit, weighted by the normalised rho; the teacher's row
/// with weight 1 where no trace has a positive weight (pipeline step 8, 1k setting, not mixed with the
/// original rows).
pub(crate) fn weighted() -> Kind<WeightedParams> {
    Kind::new("weighted-rows", "rows", &[TASKS], |params: &WeightedParams, context| {
        let rows: BTreeMap<String, TeacherRow> =
            teacher_rows(context)?.into_iter().map(|row| (row.question.id().to_owned(), row)).collect();
        let traces = by_question::<Trace>(context, "traces", |trace| &trace.question)?;
        let correct = correct_answers(context)?;
        let weights: Vec<QuestionWeights> = records::read(&context.input("weights")?.path)?;
        let units: Vec<Unit> = weights
            .iter()
            .map(|QuestionWeights { question, weights }| {
                let row = rows.get(question).ok_or_else(|| unknown(question))?;
                let traces = traces.get(question).map_or(&[][..], Vec::as_slice);
                let weighted = traces.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
                let rows: Vec<(Row, f64)> = weighted
                    .map(|(trace, weight)| {
                        let answer = match params.answer {
                            AnswerSource::Reference => row.question.reference(),
                            AnswerSource::Verified => pick(params.seed, trace, &correct)?,
                        };
                        Ok((formats::reasoner_row(row.question.text(), &trace.thought, answer), *weight))
                    })
                    .collect::<Result<_, StepError>>()?;
                Ok(if rows.is_empty() { unit([(teacher_row(row), 1.0)]) } else { unit(rows) })
            })
            .collect::<Result<_, StepError>>()?;
        records::write(context.output(), &units)
    })
    .inputs(const { &[one("teacher"), one("traces"), one("weights"), one("answers"), one("verdicts")] })
}

type CorrectAnswers = BTreeMap<(String, String), Vec<String>>;

/// The verified answers of each (question, thought), in sampling order.
fn correct_answers(context: &StepContext<'_>) -> Result<CorrectAnswers, StepError> {
    let answers: Vec<SampledAnswer> = records::read(&context.input("answers")?.path)?;
    let verdicts: Vec<AnswerVerdict> = records::read(&context.input("verdicts")?.path)?;
    let mut correct = CorrectAnswers::new();
    let pairs = answers.iter().zip(&verdicts);
    let same = |(a, v): (&SampledAnswer, &AnswerVerdict)| {
        (&a.question, &a.thought, a.index) == (&v.question, &v.thought, v.index)
    };
    if answers.len() != verdicts.len() || !pairs.into_iter().all(same) {
        return Err(StepError::internal("the verdicts are not those of the answers"));
    }
    for (SampledAnswer { question, thought, answer, .. }, AnswerVerdict { verdict, .. }) in
        answers.into_iter().zip(verdicts)
    {
        if let Some(answer) = answer.filter(|_| verdict == Verdict::Pass) {
            correct.entry((question, thought)).or_default().push(answer);
        }
    }
    Ok(correct)
}

/// A verified answer of the trace, uniform over its verified samples.
fn pick<'a>(seed: u64, trace: &Trace, correct: &'a CorrectAnswers) -> Result<&'a str, StepError> {
    let answers = correct
        .get(&(trace.question.clone(), trace.thought.clone()))
        .filter(|answers| !answers.is_empty())
        .ok_or_else(|| {
            StepError::internal(format!(
                "trace {} of {} has a weight but no right answer",
                trace.index, trace.question
            ))
        })?;
    let mut draws =
        Draws::new("verified answer", seed, format!("{} {}", trace.question, trace.index).as_bytes());
    Ok(draws.pick::<String>(answers))
}

/// Records of a step grouped by question, in file order within each.
pub(crate) fn by_question<T: serde::de::DeserializeOwned>(
    context: &StepContext<'_>,
    input: &str,
    question: impl Fn(&T) -> &String,
) -> Result<BTreeMap<String, Vec<T>>, StepError> {
    let mut grouped: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for record in records::read::<T>(&context.input(input)?.path)? {
        grouped.entry(question(&record).clone()).or_default().push(record);
    }
    Ok(grouped)
}

/// The teacher's rows from the input of that name.
pub(crate) fn teacher_rows(context: &StepContext<'_>) -> Result<Vec<TeacherRow>, StepError> {
    records::read(&context.input("teacher")?.path)
}

/// A record names a question that the teacher's rows do not have: steps disagree, which is our mistake.
pub(crate) fn unknown(question: &str) -> StepError {
    StepError::internal(format!("no teacher row for question {question}"))
}

fn teacher_row(TeacherRow { question, thought, answer, .. }: &TeacherRow) -> Row {
    formats::reasoner_row(question.text(), thought, answer)
}

fn unit(rows: impl IntoIterator<Item = (Row, f64)>) -> Unit {
    let rows = rows
        .into_iter()
        .map(|(row, weight)| WeightedRow { text: row.text, supervised_from: row.supervised_from, weight })
        .collect();
    Unit { rows }
}
