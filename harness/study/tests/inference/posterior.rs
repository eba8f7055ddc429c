use assay_study::inference::posterior::trace::{accuracy, variance};
use assay_study::inference::posterior::weights::{
    effective_sample_size, log_rhos, multi_trace_bound, theta_coefficients,
};
use assay_study::inference::posterior::{
    AnswerLikelihood, Estimator, FallbackReason, FiniteError, FiniteQuestion, LogRatio, RatioForm,
    ScoreError, ScoredTrace, Weights,
};
use proptest::prelude::*;

use crate::support::close;

/// Both models score the first three tokens; the fourth, that only q saw, does not count.
#[test]
fn log_ratios_use_the_tokens_that_both_models_scored() {
    let ratio = LogRatio::of(&[-1.0_f32, -2.0, -0.5], &[-0.5_f32, -1.0, -0.5, -9.0]).unwrap();
    assert_eq!(ratio, LogRatio { sum: -1.5, tokens: 3 });
    close(ratio.per_token(), -0.5, 1e-12);
}

#[test]
fn values_that_are_not_log_probabilities_are_refused() {
    assert_eq!(LogRatio::of::<f64>(&[], &[-1.0]), Err(ScoreError::Empty { what: "the trace under pi" }));
    for bad in [0.5, f64::NAN, f64::NEG_INFINITY] {
        let Err(ScoreError::NotALogProb { what, position, .. }) = LogRatio::of(&[-1.0, -1.0], &[-1.0, bad])
        else {
            panic!("{bad} was taken for a log-probability");
        };
        assert_eq!((what, position), ("the trace under q", 1));
        assert!(AnswerLikelihood::of(&[bad]).is_err());
    }
    assert!(AnswerLikelihood::of(&[1e-6_f32]).is_ok(), "rounding just above zero");
}

fn trace(ratio: f64, length: usize, accuracy: f64, answer: (f64, usize)) -> ScoredTrace {
    ScoredTrace {
        length,
        log_ratio: LogRatio { sum: ratio, tokens: length + 1 },
        accuracy: Some(accuracy),
        answer: Some(AnswerLikelihood { sum: answer.0, tokens: answer.1 }),
    }
}

/// Equation 8 by hand: a ratio of 1/4 over two tokens is 1/2 per token.
#[test]
fn rho_by_estimator_and_form() {
    let trace = trace(0.25_f64.ln(), 1, 0.75, (0.064_f64.ln(), 3));
    for (estimator, form, expected) in [
        (Estimator::Acc, RatioForm::PerToken, 0.375),
        (Estimator::Gml, RatioForm::PerToken, 0.2),
        (Estimator::L, RatioForm::PerToken, 0.032),
        (Estimator::Acc, RatioForm::Full, 0.1875),
    ] {
        close(trace.log_rho(estimator, form).unwrap().exp(), expected, 1e-12);
    }
}

#[test]
fn a_trace_without_data_for_an_estimator_is_invalid_for_it_alone() {
    let unjudged = ScoredTrace { accuracy: None, ..trace(-1.0, 4, 0.0, (-2.0, 2)) };
    assert_eq!(unjudged.log_rho(Estimator::Acc, RatioForm::PerToken), None);
    assert!(unjudged.log_rho(Estimator::L, RatioForm::PerToken).is_some());
    assert_eq!(accuracy(&[]), None);
    assert_eq!(accuracy(&[true, false, false, true]), Some(0.5));
}

#[test]
fn zero_over_zero_has_a_name() {
    let wrong = Some(trace(-1.0, 4, 0.0, (-2.0, 2)));
    let weigh = |traces: &[Option<ScoredTrace>]| {
        Weights::normalise(&log_rhos(traces, Estimator::Acc, RatioForm::PerToken))
    };
    for (traces, reason) in [
        (vec![], FallbackReason::NoTraces),
        (vec![None, None], FallbackReason::AllInvalid),
        (vec![None, wrong], FallbackReason::AllZero),
    ] {
        let weights = weigh(&traces);
        assert_eq!(weights, Weights::Fallback { reason });
        assert_eq!((weights.as_slice(), weights.best(), weights.effective_sample_size()), (None, None, None));
    }
    let one = weigh(&[None, wrong, Some(trace(-1.0, 4, 0.125, (-2.0, 2)))]);
    assert_eq!(one.as_slice(), Some(&[0.0, 0.0, 1.0][..]));
}

#[test]
fn the_first_of_equal_traces_is_the_best() {
    let weights = Weights::normalise(&[None, Some(-3.0), Some(-1.0), Some(-1.0)]);
    assert_eq!(weights.best(), Some(2));
}

#[test]
fn effective_sample_sizes() {
    close(effective_sample_size(&[0.25; 4]).unwrap(), 4.0, 1e-12);
    close(effective_sample_size(&[0.0, 1.0, 0.0]).unwrap(), 1.0, 1e-12);
    close(effective_sample_size(&[0.5, 0.25, 0.25]).unwrap(), 8.0 / 3.0, 1e-12);
    assert_eq!(effective_sample_size(&[]), None);
}

/// Likelihoods of long answers underflow; their logarithms do not.
#[test]
fn weights_of_very_unlikely_traces_are_finite() {
    let weights = Weights::normalise(&[Some(-30_000.0), Some(-30_000.0 + 3_f64.ln())]);
    let weights = weights.as_slice().unwrap();
    close(weights[0], 0.25, 1e-9);
    close(multi_trace_bound(&[-30_000.0, -30_000.0]), -30_000.0, 1e-9);
}

#[test]
fn results_keep_their_form_in_json() {
    let weights = Weights::Normalised { weights: vec![0.25, 0.75] };
    assert_eq!(serde_json::to_string(&weights).unwrap(), r#"{"kind":"normalised","weights":[0.25,0.75]}"#);
    let fallback = Weights::Fallback { reason: FallbackReason::AllZero };
    assert_eq!(serde_json::to_string(&fallback).unwrap(), r#"{"kind":"fallback","reason":"all-zero"}"#);
    for value in [weights, fallback] {
        let text = serde_json::to_string(&value).unwrap();
        assert_eq!(serde_json::from_str::<Weights>(&text).unwrap(), value);
    }
    assert_eq!(serde_json::to_string(&Estimator::ALL).unwrap(), r#"["acc","gml","l"]"#);
}

#[test]
fn ill_formed_finite_questions_are_refused() {
    let new = |pi: &[f64], q: &[f64], a: &[f64]| FiniteQuestion::new(pi.to_vec(), q.to_vec(), a.to_vec());
    assert!(matches!(new(&[1.0], &[0.5, 0.5], &[1.0]), Err(FiniteError::Length { .. })));
    assert!(matches!(
        new(&[0.5, 0.6], &[0.5, 0.5], &[1.0, 0.0]),
        Err(FiniteError::NotADistribution { what: "pi", .. })
    ));
    assert!(matches!(
        new(&[0.5, 0.5], &[1.0, 0.0], &[1.0, 0.0]),
        Err(FiniteError::NotADistribution { what: "q", .. })
    ));
    assert!(matches!(
        new(&[0.5, 0.5], &[0.5, 0.5], &[0.0, 1.5]),
        Err(FiniteError::NotAProbability { trace: 1, .. })
    ));
}

fn distribution(n: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.01..1.0, n).prop_map(|v: Vec<f64>| {
        let total: f64 = v.iter().sum();
        v.iter().map(|x| x / total).collect()
    })
}

fn log_rho() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        6 => (-50.0..5.0).prop_map(Some),
        1 => Just(None),
        1 => Just(Some(f64::NEG_INFINITY)),
        1 => Just(Some(f64::NAN)),
    ]
}

proptest! {
    #[test]
    fn weights_are_a_distribution_or_a_fallback(log_rho in prop::collection::vec(log_rho(), 0..10), shift in -900.0..900.0) {
        let weights = Weights::normalise(&log_rho);
        let usable = |v: &Option<f64>| v.is_some_and(|v| v > f64::NEG_INFINITY);
        prop_assert_eq!(weights.as_slice().is_some(), log_rho.iter().any(usable));
        if let Some(values) = weights.as_slice() {
            prop_assert!((values.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(values.iter().zip(&log_rho).all(|(w, v)| *w >= 0.0 && (usable(v) || *w == 0.0)));
            let size = weights.effective_sample_size().unwrap();
            prop_assert!(size > 1.0 - 1e-9 && size < values.len() as f64 + 1e-9);
            // The scale of the likelihoods drops out.
            let shifted: Vec<_> = log_rho.iter().map(|v| v.map(|v| v + shift)).collect();
            let shifted = Weights::normalise(&shifted);
            for (a, b) in values.iter().zip(shifted.as_slice().unwrap()) {
                prop_assert!((a - b).abs() < 1e-9);
            }
        }
    }

    /// The bound lies between the mean of the logs (Jensen) and the largest of them.
    #[test]
    fn the_bound_of_one_draw_is_between_mean_and_maximum(log_rho in prop::collection::vec(-50.0..5.0, 1..10)) {
        let bound = multi_trace_bound(&log_rho);
        let mean = log_rho.iter().sum::<f64>() / log_rho.len() as f64;
        let largest = log_rho.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert!(mean - 1e-9 <= bound && bound <= largest + 1e-9);
        prop_assert!((theta_coefficients(&log_rho).iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_bound_grows_with_the_number_of_traces(pi in distribution(3), q in distribution(3), a in prop::collection::vec(0.01..1.0, 3)) {
        let question = FiniteQuestion::new(pi, q, a).unwrap();
        let bounds: Vec<f64> = (1..=8).map(|k| question.multi_trace_bound(k)).collect();
        prop_assert!(bounds.windows(2).all(|w| w[0] <= w[1] + 1e-12), "{bounds:?}");
        prop_assert!(bounds[7] <= question.marginal().ln() + 1e-12);
        prop_assert!((bounds[0] - question.elbo()).abs() < 1e-9);
    }

    /// Theorem 1: no way to spread the probability over correct answers is worse than all of it on one.
    #[test]
    fn the_worst_case_variance_is_never_exceeded(correct in prop::collection::vec(0.0..0.2, 1..5)) {
        let p = correct.iter().sum();
        prop_assert!(variance::likelihood(&correct) <= variance::worst_likelihood(p, correct.len()) + 1e-12);
        prop_assert!(variance::likelihood(&correct) >= -1e-12);
    }
}
