use assay_study::inference::diagnostics::{Diagnostics, ItemTraces, correlation, median, summarise};
use assay_study::inference::lengths::{LengthProfile, profile};
use assay_study::inference::objectives::objectives;
use assay_study::inference::posterior::weights::log_rhos;
use assay_study::inference::posterior::{
    AnswerLikelihood, Estimator, FallbackReason, LogRatio, RatioForm, ScoredTrace, Weights,
};

use crate::support::close;

fn trace(length: usize, per_token: f64, accuracy: Option<f64>, answer: (f64, usize)) -> Option<ScoredTrace> {
    Some(ScoredTrace {
        length,
        log_ratio: LogRatio { sum: per_token * length as f64, tokens: length },
        accuracy,
        answer: Some(AnswerLikelihood { sum: answer.0, tokens: answer.1 }),
    })
}

/// Four questions: q solves the first and the second, pi the second and the third; pi drew nothing for the
/// fourth.
fn items() -> Vec<ItemTraces> {
    vec![
        item(
            vec![trace(10, 0.0, Some(1.0), (-1.0, 2)), trace(10, 0.0, Some(0.5), (-1.0, 2)), None],
            vec![0.0, 0.0],
        ),
        item(vec![trace(20, -0.1, Some(0.25), (-2.0, 4))], vec![0.0, 1.0]),
        item(vec![trace(30, -0.2, Some(0.0), (-3.0, 6)), None], vec![1.0, 1.0]),
        item(vec![None, trace(40, -0.3, None, (-4.0, 8))], vec![]),
    ]
}

/// An item weighed by every estimator.
fn item(q: Vec<Option<ScoredTrace>>, pi: Vec<f64>) -> ItemTraces {
    let weigh = |estimator| (estimator, Weights::normalise(&log_rhos(&q, estimator, RatioForm::PerToken)));
    let weights = Estimator::ALL.map(weigh).into();
    ItemTraces { q, pi, weights }
}

#[test]
fn shares_and_means_by_hand() {
    let found = summarise(&items()).unwrap();
    assert_eq!((found.questions, found.traces), (4, 8));
    close(found.valid.unwrap(), 5.0 / 8.0, 1e-12);
    // Seven traces have an accuracy: three invalid ones are wrong, one valid trace has no verdict.
    close(found.q.mean.unwrap(), 1.75 / 7.0, 1e-12);
    close(found.q.solved.unwrap(), 0.5, 1e-12);
    close(found.pi.mean.unwrap(), 3.0 / 6.0, 1e-12);
    close(found.pi.solved.unwrap(), 2.0 / 3.0, 1e-12);
    close(found.rescued.unwrap(), 1.0, 1e-12);
    close(found.lost.unwrap(), 0.5, 1e-12);
    let ratio = found.log_ratio_per_token.unwrap();
    close(ratio.mean, -0.12, 1e-12);
    close(ratio.standard_deviation.unwrap(), 0.017_f64.sqrt(), 1e-12);
}

#[test]
fn weights_by_hand() {
    let found = summarise(&items()).unwrap();
    let acc = &found.weights[&Estimator::Acc];
    // Weights (2/3, 1/3) on the first question, a single trace on the second.
    close(acc.effective_sample_size.unwrap(), (1.8 + 1.0) / 2.0, 1e-12);
    close(acc.expected_accuracy.unwrap(), (5.0 / 6.0 + 0.25) / 2.0, 1e-12);
    close(acc.best_accuracy.unwrap(), (1.0 + 0.25) / 2.0, 1e-12);
    close(acc.fallback.unwrap(), 0.5, 1e-12);
    assert_eq!(acc.fallback_reasons[&FallbackReason::AllZero], 1);
    assert_eq!(acc.fallback_reasons[&FallbackReason::AllInvalid], 1);
    let gml = &found.weights[&Estimator::Gml];
    assert_eq!((gml.fallback, gml.fallback_reasons.len()), (Some(0.0), 0));
    // The fourth question has weights, but no trace with a verdict.
    close(gml.expected_accuracy.unwrap(), (0.75 + 0.25 + 0.0) / 3.0, 1e-12);
}

#[test]
fn scores_by_length_in_bins_of_about_equal_counts() {
    // Lengths 1 to 24, each once: two in each of the twelve bins.
    let traces = (1..=24).map(|length| trace(length, -0.1, None, (-2.0, 3))).collect();
    let found = profile(&[ItemTraces { q: traces, ..ItemTraces::default() }]);
    let bins: Vec<(usize, usize)> = found.traces.iter().map(|bin| (bin.bin, bin.count)).collect();
    assert_eq!(bins, (0..12).map(|bin| (bin, 2)).collect::<Vec<_>>());
    for (bin, length) in found.traces.iter().zip([1.5, 3.5, 5.5]) {
        close(bin.length, length, 1e-12);
        close(bin.sum, -0.1 * length, 1e-12);
        close(bin.per_token, -0.1, 1e-12);
    }
    // All answers have one length, and stay together.
    let [answers] = &found.answers[..] else { panic!("{:?}", found.answers) };
    assert_eq!((answers.count, answers.length, answers.sum), (24, 3.0, -2.0));
    close(answers.per_token, -2.0 / 3.0, 1e-12);
    assert_eq!(profile(&[]), LengthProfile::default());
}

#[test]
fn the_median_length_of_an_answer_counts_each_question_once() {
    assert_eq!(summarise(&items()).unwrap().answer_tokens, Some(5.0), "of 2, 4, 6 and 8");
    assert_eq!(summarise(&[]).unwrap().answer_tokens, None);
    assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
}

/// Accuracies 0, 1/8, 1/2 and 1 by hand. RFT: p over the mean of 1/8, 1/2 and 1. GRPO: roots of 1/7 and 1 over their mean.
#[test]
fn objectives_differ_in_what_they_make_of_a_question() {
    let questions: Vec<ItemTraces> = [vec![0.0; 8], vec![0.125; 8], vec![1.0, 0.0], vec![1.0; 3], vec![]]
        .map(|pi| ItemTraces { pi, ..ItemTraces::default() })
        .into();
    let found = objectives(&questions);
    let bins: Vec<(usize, usize)> = found.iter().map(|bin| (bin.bin, bin.questions)).collect();
    assert_eq!(bins, [(0, 1), (1, 1), (4, 1), (9, 1)]);
    let mean = (0.125 + 0.5 + 1.0) / 3.0;
    let root = (1.0_f64 / 7.0).sqrt();
    for (bin, p) in found.iter().zip([0.0, 0.125, 0.5, 1.0]) {
        close(bin.accuracy, p, 1e-12);
        close(bin.accepted, p / mean, 1e-12);
        assert_eq!((bin.reward, bin.ours), (bin.accepted, 1.0));
    }
    for (bin, odds) in found.iter().zip([0.0, root, 1.0]) {
        close(bin.grpo.unwrap(), odds / ((root + 1.0) / 2.0), 1e-12);
    }
    assert_eq!(found[3].grpo, None);
    assert_eq!(objectives(&questions[..1]), [], "nothing is right");
    assert_eq!(objectives(&questions[4..]), [], "nothing was drawn");
    assert_eq!(summarise(&questions).unwrap().objectives, found);
}

#[test]
fn correlations_with_length() {
    let found = summarise(&items()).unwrap().length;
    close(found.trace_with_log_ratio_per_token.unwrap(), -1.0, 1e-12);
    close(found.answer_with_log_likelihood.unwrap(), -1.0, 1e-12);
    assert_eq!(found.answer_with_log_likelihood_per_token, None, "the mean per token is -0.5 throughout");
    close(correlation(&[1.0, 2.0, 3.0, 4.0], &[2.0, 1.0, 4.0, 3.0]).unwrap(), 0.6, 1e-12);
    assert_eq!(correlation(&[1.0], &[1.0]), None);
    assert_eq!(correlation(&[1.0, 2.0], &[1.0]), None);
}

#[test]
fn nothing_to_summarise_is_not_zero() {
    let found = summarise(&[]).unwrap();
    assert_eq!(
        (found.valid, found.q.mean, found.q.solved, found.rescued, found.lost),
        (None, None, None, None, None)
    );
    assert!(found.weights.is_empty());
}

#[test]
fn a_summary_survives_json() {
    for items in [items(), vec![]] {
        let found = summarise(&items).unwrap();
        let text = serde_json::to_string(&found).unwrap();
        assert_eq!(
            text.contains(r#""weights":{"acc":{"effective_sample_size":"#),
            !items.is_empty(),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Diagnostics>(&text).unwrap(), found);
    }
}

#[test]
fn weights_that_are_not_those_of_the_traces_are_refused() {
    let mut items = items();
    items[0].q.pop();
    let error = summarise(&items).unwrap_err();
    assert_eq!((error.estimator, error.traces, error.weights), (Estimator::Acc, 2, 3));
}

#[test]
fn an_estimator_is_summarised_over_the_items_that_have_its_weights() {
    let mut items = items();
    items[1].weights.remove(&Estimator::Acc);
    let found = summarise(&items).unwrap();
    close(found.weights[&Estimator::Acc].fallback.unwrap(), 2.0 / 3.0, 1e-12);
    close(found.weights[&Estimator::Gml].fallback.unwrap(), 0.0, 1e-12);
}
