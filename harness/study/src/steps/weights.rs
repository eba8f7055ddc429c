//! The weights of the traces (equation 8, self-normalised).

use std::collections::BTreeMap;

use assay_flow::{InputSpec, StepContext, StepError};
use assay_sandbox::Verdict;
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{ANSWER_VERDICTS, Kind, SCORES, TRACES, WEIGHTS};
use crate::inference::posterior::{
    Estimator, RatioForm, ScoredTrace, Weights, trace::accuracy as share_of_right,
};
use crate::records::{self, AnswerVerdict, ItemWeights, Score, Trace};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// How `pi(Y|x,z)` is estimated: `acc`, `gml` or `l`.
    #[schemars(with = "String")]
    estimator: Estimator,
}

/// `weights`: one line an item, in the order of the items' identifiers.
pub(crate) fn kind() -> Kind<Params> {
    let about = "Self-normalised weights rho of equation 8 for the traces of each item";
    Kind::new("weights", 1, WEIGHTS, about, |params: &Params, context| {
        let estimator = params.estimator;
        let traces = scored_traces(context, "traces", "verdicts", Some("scores"))?;
        let weights = traces.into_iter().map(|(item, traces)| {
            let weights = Weights::of_traces(&traces.scored, estimator, RatioForm::PerToken);
            ItemWeights { item, estimator, weights }
        });
        records::write(context.output(), weights)
    })
    .inputs(
        const {
            &[
                InputSpec::one("traces", TRACES),
                InputSpec::one("scores", SCORES),
                InputSpec::one("verdicts", ANSWER_VERDICTS),
            ]
        },
    )
}

/// The traces of an item with what is known of each.
pub(crate) struct ItemTraces {
    /// For each trace, in sampling order, what the estimators need; `None` for an invalid or unscored one.
    pub(crate) scored: Vec<Option<ScoredTrace>>,
    /// For each trace the share of right answers, 0 for an invalid one; `None` where the judge gave no
    /// verdict.
    pub(crate) accuracy: Vec<Option<f64>>,
}

/// Puts traces, verdicts and scores together, by item.
pub(crate) fn scored_traces(
    context: &StepContext<'_>,
    traces: &str,
    verdicts: &str,
    scores: Option<&str>,
) -> Result<BTreeMap<String, ItemTraces>, StepError> {
    let mut right: BTreeMap<(String, u32), Vec<bool>> = BTreeMap::new();
    for AnswerVerdict { item, trace, verdict, .. } in records::read(context, verdicts)? {
        let answers = right.entry((item, trace)).or_default();
        // A failure of the judge says nothing about the answer.
        answers.extend((verdict != Verdict::JudgeFailure).then_some(verdict == Verdict::Pass));
    }
    let mut known: BTreeMap<(String, u32), Score> = BTreeMap::new();
    if let Some(scores) = scores {
        for score in records::read::<Score>(context, scores)? {
            known.insert((score.item.clone(), score.trace), score);
        }
    }
    let grouped = records::by_item::<Trace>(context, traces, |trace| &trace.item)?;
    Ok(grouped.into_iter().map(|(item, traces)| together(item, &traces, &right, &known)).collect())
}

fn together(
    item: String,
    traces: &[Trace],
    right: &BTreeMap<(String, u32), Vec<bool>>,
    scores: &BTreeMap<(String, u32), Score>,
) -> (String, ItemTraces) {
    let accuracy: Vec<Option<f64>> = traces
        .iter()
        .zip(records::representatives(traces))
        .map(|(trace, representative)| {
            if !trace.valid {
                return Some(0.0);
            }
            right.get(&(item.clone(), representative)).and_then(|answers| share_of_right(answers))
        })
        .collect();
    let scored = traces
        .iter()
        .zip(&accuracy)
        .map(|(trace, accuracy)| {
            let Score { log_ratio, answer, .. } = scores.get(&(item.clone(), trace.index))?;
            let (log_ratio, answer) = (*log_ratio, *answer);
            Some(ScoredTrace {
                length: log_ratio.tokens,
                log_ratio,
                accuracy: *accuracy,
                answer: Some(answer),
            })
        })
        .collect();
    (item, ItemTraces { scored, accuracy })
}
