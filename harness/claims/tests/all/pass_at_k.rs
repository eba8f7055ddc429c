use assay_claims::pass_at_k::{PassAtKError, avg_at_k, pass_at_k};

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
