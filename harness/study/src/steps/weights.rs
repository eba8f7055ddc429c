//! The weights of the traces (equation 8, self-normalised).

use std::collections::BTreeMap;

use assay_flow::{StepContext, StepError};
use serde::Deserialize;

use super::kind::{Kind, one};
use super::rows::by_question;
use crate::fingerprint::{INFERENCE, TASKS};
use crate::inference::posterior::{
    AnswerLikelihood, Estimator, LogRatio, RatioForm, ScoredTrace, Weights, trace::accuracy as share_of_right,
};
use crate::records::{self, AnswerVerdict, QuestionWeights, Trace, TraceScore};
use assay_sandbox::Verdict;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    estimator: Estimator,
}

/// `weights`: one line a question, in the order of the questions' identifiers.
pub(crate) fn kind() -> Kind<Params> {
    Kind::new("weights", "weights", &[INFERENCE, TASKS], |params: &Params, context| {
        let weights: Vec<QuestionWeights> = scored_traces(context, "traces", "verdicts", Some("scores"))?
            .into_iter()
            .map(|(question, traces)| {
                let weights = Weights::of_traces(&traces.scored, params.estimator, RatioForm::PerToken);
                QuestionWeights { question, weights: weights.as_slice().unwrap_or_default().to_vec() }
            })
            .collect();
        records::write(context.output(), &weights)
    })
    .inputs(const { &[one("traces"), one("scores"), one("verdicts")] })
}

fn bug(error: impl std::error::Error) -> StepError {
    StepError::internal(error.to_string())
}

/// The traces of a question with what is known of each.
pub(crate) struct QuestionTraces {
    /// For each trace, in sampling order, what the estimators need; `None` for an invalid or unscored one.
    pub(crate) scored: Vec<Option<ScoredTrace>>,
    /// For each trace the share of right answers, 0 for an invalid one; `None` where the judge gave no
    /// verdict.
    pub(crate) accuracy: Vec<Option<f64>>,
}

/// Puts traces, verdicts and scores together, by question.
pub(crate) fn scored_traces(
    context: &StepContext<'_>,
    traces: &str,
    verdicts: &str,
    scores: Option<&str>,
) -> Result<BTreeMap<String, QuestionTraces>, StepError> {
    let mut right: BTreeMap<(String, String), Vec<bool>> = BTreeMap::new();
    for AnswerVerdict { question, thought, verdict, .. } in
        records::read::<AnswerVerdict>(&context.input(verdicts)?.path)?
    {
        let answers = right.entry((question, thought)).or_default();
        // A failure of the judge says nothing about the answer.
        answers.extend((verdict != Verdict::JudgeFailure).then_some(verdict == Verdict::Pass));
    }
    let mut scored: BTreeMap<(String, u32), (LogRatio, AnswerLikelihood)> = BTreeMap::new();
    if let Some(scores) = scores {
        for score in records::read::<TraceScore>(&context.input(scores)?.path)? {
            let ratio = LogRatio::of(&score.reasoner, &score.posterior).map_err(bug)?;
            let answer = AnswerLikelihood::of(&score.answer).map_err(bug)?;
            scored.insert((score.question, score.index), (ratio, answer));
        }
    }
    let grouped = by_question::<Trace>(context, traces, |trace| &trace.question)?;
    Ok(grouped
        .into_iter()
        .map(|(question, traces)| {
            let accuracy: Vec<Option<f64>> = traces
                .iter()
                .map(|trace| {
                    if !trace.valid {
                        return Some(0.0);
                    }
                    let answers = right.get(&(question.clone(), trace.thought.clone()));
                    answers.and_then(|answers| share_of_right(answers))
                })
                .collect();
            let scored = traces
                .iter()
                .zip(&accuracy)
                .map(|(trace, accuracy)| {
                    let (log_ratio, answer) = *scored.get(&(question.clone(), trace.index))?;
                    let length = log_ratio.tokens;
                    Some(ScoredTrace { length, log_ratio, accuracy: *accuracy, answer: Some(answer) })
                })
                .collect();
            (question, QuestionTraces { scored, accuracy })
        })
        .collect())
}
