use assay_claims::pass_at_k::{PassAtKError, avg_at_k, pass_at_k, pass_at_k_among, pass_at_k_of};
use assay_claims::scores::{SampleScore, Score};

use crate::support::close;

/// The share of k-subsets of the samples that hold a correct one, by enumeration.
fn by_enumeration(samples: u64, correct: u64, k: u64) -> f64 {
    let subsets = (0u32..1 << samples).filter(|s| u64::from(s.count_ones()) == k);
    let (hits, total) =
        subsets.fold((0, 0), |(hits, total), s| (hits + u32::from(s & ((1 << correct) - 1) != 0), total + 1));
    f64::from(hits) / f64::from(total)
}

#[test]
fn equals_the_share_of_subsets_with_a_correct_sample() {
    for samples in 1..=8 {
        for correct in 0..=samples {
            for k in 1..=samples {
                close(pass_at_k(samples, correct, k).unwrap(), by_enumeration(samples, correct, k), 1e-12);
            }
        }
    }
}

#[test]
fn one_sample_is_the_mean_and_all_samples_are_any() {
    for correct in 0..=32 {
        close(avg_at_k(32, correct).unwrap(), correct as f64 / 32.0, 1e-12);
        close(pass_at_k(32, correct, 32).unwrap(), f64::from(correct > 0), 1e-12);
        let curve: Vec<f64> = (1..=32).map(|k| pass_at_k(32, correct, k).unwrap()).collect();
        assert!(curve.windows(2).all(|w| w[0] <= w[1]), "{curve:?}");
    }
}

/// pass@1 of a column is its accuracy to the last digit: they stand beside each other.
#[test]
fn one_sample_is_the_accuracy_to_the_last_digit() {
    for right in 0..=40 {
        let samples: Vec<SampleScore> = (0..40).map(|at| SampleScore::from(at < right)).collect();
        assert_eq!(pass_at_k_among(&samples, 0, 1).unwrap(), Score::of(&samples, 0));
        assert_eq!(pass_at_k_among(&samples, 3, 1).unwrap(), Score::of(&samples, 3));
    }
}

/// A binomial coefficient of 10,000 choose 5,000 would overflow; the product does not.
#[test]
fn large_counts_stay_finite() {
    let value = pass_at_k(10_000, 1, 5_000).unwrap();
    close(value, 0.5, 1e-9);
}

#[test]
fn undefined_cases_are_errors() {
    assert_eq!(pass_at_k(4, 1, 0), Err(PassAtKError::K { k: 0, samples: 4 }));
    assert_eq!(pass_at_k(4, 1, 5), Err(PassAtKError::K { k: 5, samples: 4 }));
    assert_eq!(avg_at_k(0, 0), Err(PassAtKError::K { k: 1, samples: 0 }));
    assert_eq!(pass_at_k(4, 5, 2), Err(PassAtKError::Correct { correct: 5, samples: 4 }));
}

/// Whether 0.5 passes is not said anywhere, so there is no number.
#[test]
fn graded_samples_have_no_pass_at_k() {
    let (right, wrong) = (SampleScore::RIGHT, SampleScore::WRONG);
    let half = SampleScore::new(0.5).unwrap();
    assert_eq!(pass_at_k_of(&[right, wrong, wrong, right], 2), pass_at_k(4, 2, 2));
    let error = pass_at_k_of(&[right, half, wrong], 2).unwrap_err();
    assert_eq!(error, PassAtKError::Graded { k: 2, samples: 3, score: 0.5 });
    assert_eq!(
        error.to_string(),
        "pass@2 counts right and wrong samples, and a sample has the score 0.5; the mean of the scores, Avg@3, is defined"
    );
    assert_eq!(pass_at_k_of(&[right], 2), Err(PassAtKError::K { k: 2, samples: 1 }));
}
