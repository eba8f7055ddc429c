//! The weights of the traces (equation 8, self-normalised).

use std::collections::BTreeMap;

use assay_flow::{InputSpec, ParamError, StepContext, StepError};
use assay_sandbox::Verdict;
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{ANSWER_VERDICTS, Kind, SCORES, TRACES, WEIGHTS};
use crate::inference::posterior::{
    Estimator, RatioForm, ScoredTrace, WeightTooLarge, Weights, trace::accuracy as share_of_right,
    weights::log_rhos,
};
use crate::records::{self, AnswerVerdict, ItemWeights, Score, Trace};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// How `pi(Y|x,z)` is estimated: `acc`, `gml` or `l`; `one` selects nothing.
    estimator: Estimator,
    /// How the likelihood ratio of pi and q enters; `none` for traces that pi drew itself, which need no scores
    /// then.
    #[serde(default)]
    ratio: RatioForm,
    /// Whether the weights of a question are scaled to the sum 1 (equation 8) or divided by their number
    /// (equation 10).
    #[serde(default)]
    scale: Scale,
}

/// What the weights of a question are scaled to.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Scale {
    /// To the sum 1.
    #[default]
    Sum,
    /// By the number of traces.
    Mean,
}

/// `weights`: one line an item, in the order of the items' identifiers.
///
/// Holds scores and verdicts.
pub(crate) fn kind() -> Kind<Params> {
    let about = "Weights rho of equation 8 for the traces of each item, self-normalised";
    Kind::new("weights", 1, WEIGHTS, about, |params: &Params, context| {
        let Params { estimator, ratio, scale } = *params;
        let scores = (!context.inputs("scores").is_empty()).then_some("scores");
        let verdicts = (!context.inputs("verdicts").is_empty()).then_some("verdicts");
        let traces = scored_traces(context, "traces", verdicts, scores)?;
        let weights = traces.into_iter().map(|(item, traces)| {
            let log_rho = traces.log_rhos(estimator, ratio);
            let weights = match scale {
                Scale::Sum => Weights::normalise(&log_rho),
                Scale::Mean => Weights::mean(&log_rho).map_err(|error| too_large(&item, &error))?,
            };
            Ok(ItemWeights { item, estimator, weights })
        });
        records::try_write(context.output(), weights)
    })
    .inputs(
        const {
            &[
                InputSpec::one("traces", TRACES),
                InputSpec::optional("scores", SCORES).about("where the ratio or the estimator needs them"),
                InputSpec::optional("verdicts", ANSWER_VERDICTS).about("where the estimator is `acc`"),
            ]
        },
    )
    .check_inputs(|params, connected| {
        let lacks = |input| !connected.contains(&input);
        match *params {
            Params { estimator, ratio, .. } if needs_scores(estimator, ratio) && lacks("scores") => {
                Err(ParamError::new(
                    "estimator",
                    "needs scores, and input `scores` is not connected: connect a step of kind `score-traces`, or take \
                     `ratio = \"none\"` with `estimator = \"acc\"` or `\"one\"`",
                ))
            }
            Params { estimator: Estimator::Acc, .. } if lacks("verdicts") => Err(ParamError::new(
                "estimator",
                "is `acc` and needs verdicts, and input `verdicts` is not connected: connect a step of kind `judge-answers`",
            )),
            _ => Ok(()),
        }
    })
}

/// The error that a weight which is not scaled to a sum is beyond what training computes with.
fn too_large(item: &str, error: &WeightTooLarge) -> StepError {
    StepError::user(format!("item {item}: {error}"))
        .remedy("take `scale = \"sum\"`, or `ratio = \"per-token\"` or `\"none\"`, which keep weights small")
}

/// Whether weights rest on log-probabilities, and not on verdicts alone.
fn needs_scores(estimator: Estimator, ratio: RatioForm) -> bool {
    ratio != RatioForm::None || matches!(estimator, Estimator::Gml | Estimator::L)
}

/// The traces of an item with what is known of each.
pub(crate) struct ItemTraces {
    /// For each trace, in sampling order, what the estimators need; `None` for an invalid one, and for all
    /// where no scores are connected.
    pub(crate) scored: Vec<Option<ScoredTrace>>,
    /// For each trace the share of right answers, 0 for an invalid one; `None` where the judge gave no
    /// verdict.
    pub(crate) accuracy: Vec<Option<f64>>,
    /// Which traces are valid.
    valid: Vec<bool>,
}

impl ItemTraces {
    /// `log rho` of each trace; `None` for an invalid one, and where the estimator has no data.
    fn log_rhos(&self, estimator: Estimator, ratio: RatioForm) -> Vec<Option<f64>> {
        if needs_scores(estimator, ratio) {
            return log_rhos(&self.scored, estimator, ratio);
        }
        let of_verdicts = |(valid, accuracy): (&bool, &Option<f64>)| match estimator {
            Estimator::One => valid.then_some(0.0),
            _ => accuracy.filter(|_| *valid).map(f64::ln),
        };
        self.valid.iter().zip(&self.accuracy).map(of_verdicts).collect()
    }
}

/// By trace and number of the answer: whether it is right, `None` where the judge failed.
type Judged = BTreeMap<u32, BTreeMap<u32, Option<bool>>>;
/// By trace.
type Scores = BTreeMap<u32, Score>;

/// Puts traces, verdicts and scores together, by item, as far as they are connected. Holds no thought but those of one item at a time.
///
/// # Errors
/// Internal ones: a verdict or a score occurs twice or is of no trace, or a valid trace has none.
pub(crate) fn scored_traces(
    context: &StepContext<'_>,
    traces: &str,
    verdicts: Option<&str>,
    scores: Option<&str>,
) -> Result<BTreeMap<String, ItemTraces>, StepError> {
    let mut judged = verdicts.map(|input| judged_answers(context, input)).transpose()?;
    let mut scores = scores.map(|input| scores_by_item(context, input)).transpose()?;
    let mut all = BTreeMap::new();
    for group in records::traces_by_item(&context.input(traces)?.path)? {
        let (item, traces) = group?;
        let judged = judged.as_mut().map(|judged| judged.remove(&item).unwrap_or_default());
        let scores = scores.as_mut().map(|scores| scores.remove(&item).unwrap_or_default());
        let together = together(&traces, judged.as_ref(), scores.as_ref())
            .map_err(|problem| StepError::internal(format!("item {item}: {problem}")))?;
        all.insert(item, together);
    }
    for (what, left) in [
        ("verdicts", judged.as_ref().and_then(|judged| judged.keys().next())),
        ("scores", scores.as_ref().and_then(|scores| scores.keys().next())),
    ] {
        if let Some(item) = left {
            return Err(StepError::internal(format!("item {item} has {what}, but no traces")));
        }
    }
    Ok(all)
}

fn judged_answers(context: &StepContext<'_>, input: &str) -> Result<BTreeMap<String, Judged>, StepError> {
    let mut judged: BTreeMap<String, Judged> = BTreeMap::new();
    for record in records::stream::<AnswerVerdict>(&context.input(input)?.path)? {
        let AnswerVerdict { item, trace, index, verdict } = record?;
        let of_item = judged.entry(item.clone()).or_default();
        // A failure of the judge says nothing about the answer.
        let right = (verdict != Verdict::JudgeFailure).then_some(verdict == Verdict::Pass);
        if of_item.entry(trace).or_default().insert(index, right).is_some() {
            let key = format!("{index} after trace {trace} of item {item}");
            return Err(records::twice("the verdict on answer", key));
        }
    }
    Ok(judged)
}

fn scores_by_item(context: &StepContext<'_>, input: &str) -> Result<BTreeMap<String, Scores>, StepError> {
    let mut scores: BTreeMap<String, Scores> = BTreeMap::new();
    for record in records::stream::<Score>(&context.input(input)?.path)? {
        let score = record?;
        let (item, trace) = (score.item.clone(), score.trace);
        if scores.entry(item.clone()).or_default().insert(trace, score).is_some() {
            return Err(records::twice("the score of trace", format!("{trace} of item {item}")));
        }
    }
    Ok(scores)
}

/// Puts the records of one item together, or says which do not fit.
fn together(
    traces: &[Trace],
    judged: Option<&Judged>,
    scores: Option<&Scores>,
) -> Result<ItemTraces, String> {
    let representatives = records::representatives(traces);
    let valid: BTreeMap<u32, u32> = traces
        .iter()
        .zip(&representatives)
        .filter(|(trace, _)| trace.valid)
        .map(|(trace, representative)| (trace.index, *representative))
        .collect();
    let unasked = |judged: &Judged| judged.keys().copied().find(|trace| valid.get(trace) != Some(trace));
    if let Some(trace) = judged.and_then(unasked) {
        return Err(format!(
            "there are verdicts after trace {trace}, after which nothing was to be answered"
        ));
    }
    if let Some(trace) = scores.and_then(|scores| scores.keys().find(|trace| !valid.contains_key(trace))) {
        return Err(format!("there is a score of trace {trace}, which is not a valid trace"));
    }
    let accuracy = |trace: &Trace| {
        let Some(representative) = valid.get(&trace.index) else { return Ok(Some(0.0)) };
        let Some(judged) = judged else { return Ok(None) };
        let answers = judged
            .get(representative)
            .ok_or_else(|| format!("there is no verdict on an answer after trace {representative}"))?;
        Ok(share_of_right(&answers.values().flatten().copied().collect::<Vec<bool>>()))
    };
    let accuracy = traces.iter().map(accuracy).collect::<Result<Vec<_>, String>>()?;
    let scored = |(trace, accuracy): (&Trace, &Option<f64>)| {
        let Some(scores) = scores.filter(|_| trace.valid) else { return Ok(None) };
        let missing = || format!("there is no score of trace {}", trace.index);
        let Score { log_ratio, answer, .. } = scores.get(&trace.index).ok_or_else(missing)?;
        let length = log_ratio.tokens;
        Ok(Some(ScoredTrace { length, log_ratio: *log_ratio, accuracy: *accuracy, answer: Some(*answer) }))
    };
    let scored = traces.iter().zip(&accuracy).map(scored).collect::<Result<Vec<_>, String>>()?;
    Ok(ItemTraces { scored, accuracy, valid: traces.iter().map(|trace| trace.valid).collect() })
}
