use assay_claims::claim::{AsPrinted, Claim, Outcome, Reason, as_measured, as_printed, estimate};
use assay_claims::printed::Decimal;
use assay_claims::scores::{Scores, ScoresError};

use crate::scores::{by_question, ids};
use crate::support::close;

const QUESTIONS: usize = 40;

/// A row's scores: half of the questions `spread` above `mean`, half below.
fn around(mean: f64, spread: f64) -> Vec<f64> {
    (0..QUESTIONS).map(|i| mean + if i % 2 == 0 { spread } else { -spread }).collect()
}

/// Scores in one benchmark `b`, one list per seed; the margin over `sft` (0.5 throughout) is then
/// `mean - 0.5`.
fn scores(ours: &[Vec<f64>]) -> Scores {
    let mut scores = Scores::new([("b".to_owned(), ids(QUESTIONS)), ("c".to_owned(), ids(2))], []).unwrap();
    for (seed, values) in (1..).zip(ours) {
        scores.insert("ours", Some(seed), "b", &by_question(values)).unwrap();
    }
    scores.insert("sft", None, "b", &by_question(&[0.5; QUESTIONS])).unwrap();
    scores
}

fn outcome(text: &str, scores: &Scores) -> (Outcome, Reason) {
    let result = as_measured(&text.parse().unwrap(), scores).unwrap();
    (result.outcome, result.comparisons[0].reason)
}

/// With 40 questions, t(39) = 2.0227 and a spread of 0.2, the half-width is 2.0227 * 0.2 / sqrt(39) = 6.48
/// points.
#[test]
fn one_sided_claims() {
    let settled = |v| (v, Reason::Settled);
    let spans = (Outcome::Inconclusive, Reason::IntervalSpansThreshold);
    for (means, expected) in [
        (vec![0.60, 0.60], settled(Outcome::Replicated)),
        (vec![0.565, 0.565], settled(Outcome::Replicated)),
        (vec![0.564, 0.564], spans),
        (vec![0.50, 0.50], spans),
        (vec![0.436, 0.436], spans),
        (vec![0.435, 0.435], settled(Outcome::NotReplicated)),
        (vec![0.72, 0.49], (Outcome::Inconclusive, Reason::SeedsDisagree)),
        (vec![0.28, 0.51], (Outcome::Inconclusive, Reason::SeedsDisagree)),
    ] {
        let rows: Vec<_> = means.iter().map(|&mean| around(mean, 0.2)).collect();
        assert_eq!(outcome("ours.b > sft.b", &scores(&rows)), expected, "{means:?}");
        // The same claim from the other side.
        assert_eq!(outcome("sft.b < ours.b", &scores(&rows)), expected, "{means:?}");
        assert_eq!(outcome("ours.b - sft.b > 0", &scores(&rows)), expected, "{means:?}");
    }
}

#[test]
fn claims_of_similarity() {
    let settled = |v| (v, Reason::Settled);
    for (means, tolerance, expected) in [
        (vec![0.52, 0.52], 9, settled(Outcome::Replicated)),
        (vec![0.48, 0.48], 9, settled(Outcome::Replicated)),
        (vec![0.52, 0.52], 8, (Outcome::Inconclusive, Reason::IntervalSpansThreshold)),
        (vec![0.60, 0.60], 3, settled(Outcome::NotReplicated)),
        (vec![0.40, 0.40], 3, settled(Outcome::NotReplicated)),
        (vec![0.60, 0.60], 4, (Outcome::Inconclusive, Reason::IntervalSpansThreshold)),
        // Seeds that cancel out: similar on average, each of them far away.
        (vec![0.70, 0.30], 9, (Outcome::Inconclusive, Reason::SeedsDisagree)),
        (vec![0.67, 0.33], 9, settled(Outcome::Replicated)),
        // Different on average because of one seed.
        (vec![0.71, 0.51], 2, (Outcome::Inconclusive, Reason::SeedsDisagree)),
    ] {
        let rows: Vec<_> = means.iter().map(|&mean| around(mean, 0.2)).collect();
        let claim = format!("ours.b ~ sft.b within {tolerance}");
        assert_eq!(outcome(&claim, &scores(&rows)), expected, "{means:?} {tolerance}");
    }
}

#[test]
fn the_result_carries_what_the_verdict_rests_on() {
    let scores = scores(&[around(0.62, 0.2), around(0.58, 0.2)]);
    let claim: Claim = "ours.b>sft.b and ours.b ~ sft.b within 2".parse().unwrap();
    let result = as_measured(&claim, &scores).unwrap();
    assert_eq!(result.expression, "ours.b > sft.b and ours.b ~ sft.b within 2");
    assert_eq!(result.outcome, Outcome::NotReplicated, "the worst of the two");
    let [above, similar] = &result.comparisons[..] else { panic!("{result:?}") };
    assert_eq!((above.outcome, above.threshold), (Outcome::Replicated, 0.0));
    assert_eq!((similar.outcome, similar.threshold), (Outcome::NotReplicated, 2.0));
    let margin = above.margin.as_ref().unwrap();
    close(margin.estimate.value, 10.0, 1e-9);
    close(margin.estimate.standard_error, 20.0 / 39_f64.sqrt(), 1e-9);
    close(margin.per_seed[&1], 12.0, 1e-9);
    close(margin.per_seed[&2], 8.0, 1e-9);
    assert!(above.rule.starts_with("replicated if the 95 % question-clustered interval"));
    assert_eq!(above.minimum_detectable_effect, margin.estimate.minimum_detectable_effect());

    let json = serde_json::to_value(&result).unwrap();
    assert_eq!(json["outcome"], "not-replicated");
    assert_eq!(json["comparisons"][0]["margin"]["per_seed"]["1"], margin.per_seed[&1]);
    assert_eq!(serde_json::from_value::<assay_claims::claim::MeasuredClaim>(json).unwrap(), result);
}

/// "160 % above base", by the delta method.
#[test]
fn ratios_are_estimated_too() {
    let mut scores = scores(&[around(0.75, 0.2)]);
    scores.insert("base", None, "b", &by_question(&around(0.25, 0.1))).unwrap();
    let ratio = estimate(&"ours.b / base.b".parse().unwrap(), &scores).unwrap().estimate;
    close(ratio.value, 3.0, 1e-9);
    // Residual per question: (0.2 - 3 * 0.1) / 0.25 = -0.4 in one half, 0.4 in the other.
    close(ratio.standard_error, 0.4 / 39_f64.sqrt(), 1e-9);
    assert_eq!(outcome("(ours.b - base.b) / base.b > 1.6", &scores), (Outcome::Replicated, Reason::Settled));
}

#[test]
fn what_was_not_measured_is_not_attempted() {
    let scores = scores(&[around(0.60, 0.2)]);
    let result = as_measured(&"ours.c > sft.b and ours.b > sft.b".parse().unwrap(), &scores).unwrap();
    assert_eq!(result.outcome, Outcome::NotAttempted);
    let missing = &result.comparisons[0].missing;
    assert_eq!((missing.len(), missing[0].row.as_str(), missing[0].column.as_str()), (1, "ours", "c"));
    assert_eq!(outcome("nobody.b > 0", &scores), (Outcome::NotAttempted, Reason::NotMeasured));
    let result = as_measured(&"ours.c > sft.b and ours.b < sft.b".parse().unwrap(), &scores).unwrap();
    assert_eq!(result.outcome, Outcome::NotReplicated, "one refuted comparison refutes the claim");
    let error = as_measured(&"ours.d > 0".parse().unwrap(), &scores).unwrap_err();
    assert_eq!(error, ScoresError::UnknownColumn { column: "d".to_owned() });
}

/// Both models fail every question: a difference of exactly 0 with an interval of no width settles nothing.
#[test]
fn scores_at_the_floor_settle_nothing() {
    let mut scores = scores(&[vec![0.0; QUESTIONS]]);
    scores.insert("base", None, "b", &by_question(&[0.0; QUESTIONS])).unwrap();
    for claim in ["ours.b > base.b", "ours.b ~ base.b within 2"] {
        assert_eq!(outcome(claim, &scores), (Outcome::Inconclusive, Reason::NoVariation), "{claim}");
    }
    assert_eq!(outcome("sft.b / base.b > 2", &scores), (Outcome::Inconclusive, Reason::Undefined));
}

fn printed(row: &str, column: &str) -> Option<Decimal> {
    let text = match (row, column) {
        ("acc", "math") => "45.41",
        ("gml", "math") => "45.38",
        ("l", "math") => "43.01",
        ("sft", "math") => "40.41",
        ("base", "math") => "36.99",
        ("near", "math") => "45.4",
        _ => return None,
    };
    text.parse().ok()
}

/// Table 5's math averages.
#[test]
fn claims_as_printed() {
    for (text, holds, margin, beyond) in [
        ("acc.math > sft.math", AsPrinted::Holds, 5.0, true),
        ("acc.math < sft.math", AsPrinted::DoesNotHold, -5.0, true),
        ("acc.math ~ gml.math within 2", AsPrinted::Holds, 0.03, true),
        ("acc.math ~ l.math within 2.4", AsPrinted::Holds, 2.4, false),
        ("acc.math ~ l.math within 2", AsPrinted::DoesNotHold, 2.4, true),
        ("acc.math > acc.math", AsPrinted::DoesNotHold, 0.0, false),
        ("acc.math > near.math", AsPrinted::Holds, 0.01, false),
        ("sft.math / base.math > 1", AsPrinted::Holds, 0.092457, true),
    ] {
        let claim: Claim = text.parse().unwrap();
        let found = as_printed(&claim, printed);
        let comparison = &found.comparisons[0];
        assert_eq!((found.holds, comparison.beyond_rounding), (holds, beyond), "{text}: {comparison:?}");
        close(comparison.margin.unwrap(), margin, 1e-6);
    }
    let both: Claim = "acc.math > sft.math and acc.general > 0".parse().unwrap();
    assert_eq!(as_printed(&both, printed).holds, AsPrinted::NotPrinted);
    let refuted: Claim = "acc.math < sft.math and acc.general > 0".parse().unwrap();
    assert_eq!(as_printed(&refuted, printed).holds, AsPrinted::DoesNotHold);
}
