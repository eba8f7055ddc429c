//! What the traces of a run look like: the figures that explain why a weighting helps or does not.
//!
//! Summarise the questions of one benchmark at a time; the benchmarks of a table differ widely.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use assay_claims::interval::{average, sample_variance};

use super::lengths::{self, LengthProfile};
use super::objectives::{ObjectiveBin, objectives};
use super::posterior::{Estimator, FallbackReason, ScoredTrace, Weights};

/// The name of the summary over all benchmarks.
pub const ALL: &str = "all";

/// The traces drawn for one item.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemTraces {
    /// Traces from the posterior `q`; `None` for an unfinished or malformed one, which counts as wrong.
    pub q: Vec<Option<ScoredTrace>>,
    /// Accuracies in `[0, 1]` of traces that the reasoning model `pi` drew without a hint; empty if none were
    /// drawn.
    pub pi: Vec<f64>,
    /// The weights of the traces of `q`, by estimator.
    pub weights: BTreeMap<Estimator, Weights>,
}

/// Weights that are not those of the traces.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an item has {traces} traces, but {weights} weights by estimator {estimator}")]
pub struct WeightsDoNotFit {
    /// The estimator of the weights.
    pub estimator: Estimator,
    /// How many traces the item has.
    pub traces: usize,
    /// How many weights it has.
    pub weights: usize,
}

/// Summary of the traces of some questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnostics {
    /// Number of questions.
    pub questions: usize,
    /// Number of traces from `q`.
    pub traces: usize,
    /// Share of them that are valid; `None` without traces.
    pub valid: Option<f64>,
    /// Traces of `q`.
    pub q: TraceAccuracy,
    /// Traces of `pi`, over the questions that have some.
    pub pi: TraceAccuracy,
    /// Of the questions that no trace of `pi` solves, the share that some trace of `q` solves.
    pub rescued: Option<f64>,
    /// Of the questions that some trace of `pi` solves, the share that no trace of `q` solves.
    pub lost: Option<f64>,
    /// `log pi/q` per token, over valid traces.
    pub log_ratio_per_token: Option<Moments>,
    /// `log pi/q` of whole traces, over valid traces.
    pub log_ratio_sum: Option<Moments>,
    /// The weights of each estimator.
    pub weights: BTreeMap<Estimator, WeightSummary>,
    /// Dependence on length (figure 4 of arXiv:2509.22637).
    pub length: LengthCorrelations,
    /// The same in bins.
    pub length_profile: LengthProfile,
    /// Median number of tokens of the reference answers, over the questions with a valid trace.
    pub answer_tokens: Option<f64>,
    /// What each objective makes of a question, by how often `pi` solves it; empty without traces of `pi`.
    pub objectives: Vec<ObjectiveBin>,
}

/// How often traces lead to correct answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceAccuracy {
    /// Mean accuracy of a trace; an invalid one counts 0, one without a verdict is left out.
    pub mean: Option<f64>,
    /// Share of questions with at least one trace of accuracy above 0.
    pub solved: Option<f64>,
}

/// Mean and standard deviation (n - 1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moments {
    /// The mean.
    pub mean: f64,
    /// The standard deviation; `None` for a single value.
    pub standard_deviation: Option<f64>,
}

/// What an estimator's weights do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightSummary {
    /// Mean effective sample size over questions with weights; between 1 and K.
    pub effective_sample_size: Option<f64>,
    /// Mean accuracy of a trace drawn by weight; compare [`TraceAccuracy::mean`].
    pub expected_accuracy: Option<f64>,
    /// Mean accuracy of the single best trace.
    pub best_accuracy: Option<f64>,
    /// Share of questions that fall back to the reference row; `None` without questions.
    pub fallback: Option<f64>,
    /// Number of fallbacks by reason.
    pub fallback_reasons: BTreeMap<FallbackReason, usize>,
}

/// Pearson correlations with length in tokens; `None` where one side does not vary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LengthCorrelations {
    /// Trace length with the summed log-ratio.
    pub trace_with_log_ratio_sum: Option<f64>,
    /// Trace length with the log-ratio per token.
    pub trace_with_log_ratio_per_token: Option<f64>,
    /// Answer length with its log-likelihood: the bias of estimator L.
    pub answer_with_log_likelihood: Option<f64>,
    /// Answer length with its log-likelihood per token: what is left of it in GML.
    pub answer_with_log_likelihood_per_token: Option<f64>,
}

/// Summarises the traces of some items and their weights. An estimator is summarised over the items that have
/// weights by it.
///
/// # Errors
/// [`WeightsDoNotFit`] if an item has not one weight for each of its traces.
pub fn summarise(questions: &[ItemTraces]) -> Result<Diagnostics, WeightsDoNotFit> {
    let estimators: BTreeSet<Estimator> =
        questions.iter().flat_map(|item| item.weights.keys().copied()).collect();
    let weights = estimators
        .into_iter()
        .map(|estimator| Ok((estimator, weight_summary(questions, estimator)?)))
        .collect::<Result<_, _>>()?;
    let valid: Vec<&ScoredTrace> =
        questions.iter().flat_map(|question| question.q.iter().flatten()).collect();
    let traces = questions.iter().map(|question| question.q.len()).sum();
    let per_token: Vec<f64> = valid.iter().map(|trace| trace.log_ratio.per_token()).collect();
    let sums: Vec<f64> = valid.iter().map(|trace| trace.log_ratio.sum).collect();

    let q: Vec<Vec<f64>> =
        questions.iter().map(|question| question.q.iter().filter_map(trace_accuracy).collect()).collect();
    let pi: Vec<&[f64]> = questions.iter().map(|question| question.pi.as_slice()).collect();
    let (mut unsolved_by_pi, mut solved_by_pi) = (Vec::new(), Vec::new());
    for (q, pi) in q.iter().zip(&pi).filter(|(q, pi)| !q.is_empty() && !pi.is_empty()) {
        if is_solved(pi) { solved_by_pi.push(!is_solved(q)) } else { unsolved_by_pi.push(is_solved(q)) }
    }

    Ok(Diagnostics {
        questions: questions.len(),
        traces,
        valid: (traces > 0).then(|| valid.len() as f64 / traces as f64),
        q: TraceAccuracy::of(q.iter().map(Vec::as_slice)),
        pi: TraceAccuracy::of(pi.iter().copied()),
        rescued: share(&unsolved_by_pi),
        lost: share(&solved_by_pi),
        log_ratio_per_token: Moments::of(&per_token),
        log_ratio_sum: Moments::of(&sums),
        weights,
        length: length_correlations(&valid, &sums, &per_token),
        length_profile: lengths::profile(questions),
        answer_tokens: median(&answer_tokens(questions)),
        objectives: objectives(questions),
    })
}

impl TraceAccuracy {
    fn of<'a>(questions: impl Iterator<Item = &'a [f64]> + Clone) -> Self {
        let answered: Vec<bool> =
            questions.clone().filter(|traces| !traces.is_empty()).map(is_solved).collect();
        Self { mean: mean(&questions.flatten().copied().collect::<Vec<_>>()), solved: share(&answered) }
    }
}

impl Moments {
    /// Mean and standard deviation; `None` without values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let standard_deviation = (values.len() > 1).then(|| sample_variance(values).sqrt());
        mean(values).map(|mean| Self { mean, standard_deviation })
    }
}

fn weight_summary(items: &[ItemTraces], estimator: Estimator) -> Result<WeightSummary, WeightsDoNotFit> {
    let (mut sizes, mut expected, mut best) = (Vec::new(), Vec::new(), Vec::new());
    let mut fallback_reasons = BTreeMap::new();
    let mut weighed: usize = 0;
    for item in items {
        let Some(weights) = item.weights.get(&estimator) else { continue };
        weighed += 1;
        if let Weights::Fallback { reason } = weights {
            *fallback_reasons.entry(*reason).or_insert(0) += 1;
        }
        if let Some(weights) = weights.as_slice().filter(|weights| weights.len() != item.q.len()) {
            let (traces, weights) = (item.q.len(), weights.len());
            return Err(WeightsDoNotFit { estimator, traces, weights });
        }
        sizes.extend(weights.effective_sample_size());
        expected.extend(weights.as_slice().and_then(|w| expected_accuracy(w, &item.q)));
        best.extend(weights.best().and_then(|k| trace_accuracy(&item.q[k])));
    }
    let fallbacks: usize = fallback_reasons.values().sum();
    Ok(WeightSummary {
        effective_sample_size: mean(&sizes),
        expected_accuracy: mean(&expected),
        best_accuracy: mean(&best),
        fallback: (weighed > 0).then(|| fallbacks as f64 / weighed as f64),
        fallback_reasons,
    })
}

fn length_correlations(traces: &[&ScoredTrace], sums: &[f64], per_token: &[f64]) -> LengthCorrelations {
    let lengths: Vec<f64> = traces.iter().map(|trace| trace.length as f64).collect();
    let answers: Vec<_> = traces.iter().filter_map(|trace| trace.answer).collect();
    let answer_lengths: Vec<f64> = answers.iter().map(|answer| answer.tokens as f64).collect();
    let likelihoods: Vec<f64> = answers.iter().map(|answer| answer.sum).collect();
    let likelihoods_per_token: Vec<f64> = answers.iter().map(|answer| answer.per_token()).collect();
    LengthCorrelations {
        trace_with_log_ratio_sum: correlation(&lengths, sums),
        trace_with_log_ratio_per_token: correlation(&lengths, per_token),
        answer_with_log_likelihood: correlation(&answer_lengths, &likelihoods),
        answer_with_log_likelihood_per_token: correlation(&answer_lengths, &likelihoods_per_token),
    }
}

/// Tokens of the reference answer of each question that has a valid trace with one: all of them are scored with the same.
fn answer_tokens(questions: &[ItemTraces]) -> Vec<f64> {
    let of_question = |question: &ItemTraces| {
        question.q.iter().flatten().find_map(|trace| Some(trace.answer?.tokens as f64))
    };
    questions.iter().filter_map(of_question).collect()
}

/// An invalid trace is wrong; a trace whose answers were not judged has no accuracy.
fn trace_accuracy(trace: &Option<ScoredTrace>) -> Option<f64> {
    trace.as_ref().map_or(Some(0.0), |trace| trace.accuracy)
}

/// Accuracy of a trace drawn by weight, among those that have one.
fn expected_accuracy(weights: &[f64], traces: &[Option<ScoredTrace>]) -> Option<f64> {
    let (mut weighted, mut total) = (0.0, 0.0);
    for (weight, accuracy) in weights.iter().zip(traces.iter().map(trace_accuracy)) {
        if let Some(accuracy) = accuracy {
            weighted += weight * accuracy;
            total += weight;
        }
    }
    (total > 0.0).then(|| weighted / total)
}

fn is_solved(accuracies: &[f64]) -> bool {
    accuracies.iter().any(|&accuracy| accuracy > 0.0)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| average(values))
}

fn share(flags: &[bool]) -> Option<f64> {
    (!flags.is_empty()).then(|| flags.iter().filter(|&&flag| flag).count() as f64 / flags.len() as f64)
}

/// The middle one of the values, or the mean of the two in the middle; `None` without values.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some((lower + upper) / 2.0)
}

/// Pearson's correlation; `None` with fewer than two pairs or where one side does not vary.
pub fn correlation(xs: &[f64], ys: &[f64]) -> Option<f64> {
    if xs.len() != ys.len() || xs.len() < 2 {
        return None;
    }
    let (spread_x, spread_y) = (sample_variance(xs), sample_variance(ys));
    let (mean_x, mean_y) = (average(xs), average(ys));
    let products = xs.iter().zip(ys).map(|(x, y)| (x - mean_x) * (y - mean_y));
    let covariance = products.sum::<f64>() / (xs.len() as f64 - 1.0);
    let defined = spread_x > 0.0 && spread_y > 0.0;
    defined.then(|| (covariance / (spread_x * spread_y).sqrt()).clamp(-1.0, 1.0))
}
