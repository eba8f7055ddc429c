use assay_claims::interval::{
    Estimate, IntervalError, LEVEL, POWER, Stratum, clustered_standard_error, mean, mean_of_means,
    paired_difference, weighted_sum,
};
use assay_claims::power::detectable_effect;
use assay_claims::student::t_quantile;
use proptest::prelude::*;
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::support::{Random, close};

/// Upper quantiles as published: NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.2, and for
/// 0.60, 0.75 and 0.80 the customary tables.
#[test]
fn quantiles_agree_with_published_tables() {
    let probabilities = [0.60, 0.75, 0.80, 0.90, 0.95, 0.975, 0.99, 0.995, 0.999];
    let table = [
        (1.0, [0.325, 1.000, 1.376, 3.078, 6.314, 12.706, 31.821, 63.657, 318.309]),
        (2.0, [0.289, 0.816, 1.061, 1.886, 2.920, 4.303, 6.965, 9.925, 22.327]),
        (5.0, [0.267, 0.727, 0.920, 1.476, 2.015, 2.571, 3.365, 4.032, 5.893]),
        (10.0, [0.260, 0.700, 0.879, 1.372, 1.812, 2.228, 2.764, 3.169, 4.144]),
        (30.0, [0.256, 0.683, 0.854, 1.310, 1.697, 2.042, 2.457, 2.750, 3.385]),
        (60.0, [0.254, 0.679, 0.848, 1.296, 1.671, 2.000, 2.390, 2.660, 3.232]),
        (100.0, [0.254, 0.677, 0.845, 1.290, 1.660, 1.984, 2.364, 2.626, 3.174]),
        (1e7, [0.253, 0.674, 0.842, 1.282, 1.645, 1.960, 2.326, 2.576, 3.090]),
    ];
    for (freedom, row) in table {
        for (p, expected) in probabilities.into_iter().zip(row) {
            close(t_quantile(p, freedom), expected, 6e-4);
            close(t_quantile(1.0 - p, freedom), -expected, 6e-4);
        }
    }
    close(t_quantile(0.5, 3.0), 0.0, 1e-9);
}

#[test]
fn quantiles_invert_the_distribution_function() {
    for freedom in [1.0, 1.3, 2.74, 7.9, 17.776, 39.0, 312.5, 968.0, 12_031.0] {
        let t = StudentsT::new(0.0, 1.0, freedom).unwrap();
        for p in [0.01, 0.1, 0.25, 0.4, 0.6, 0.8, 0.95, 0.975, 0.999] {
            close(t.cdf(t_quantile(p, freedom)), p, 1e-9);
        }
    }
    for (p, freedom) in
        [(0.0, 3.0), (1.0, 3.0), (f64::NAN, 3.0), (0.5, 0.0), (0.5, -1.0), (0.5, f64::INFINITY)]
    {
        assert!(t_quantile(p, freedom).is_nan(), "{p} {freedom}");
    }
}

/// Student's sleep data (1908): additional hours of sleep of ten patients under two drugs.
const SLEEP: [[f64; 10]; 2] = [
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
];

/// `t.test(extra ~ group, data = sleep, paired = TRUE)` in R's documentation.
#[test]
fn paired_difference_of_the_sleep_data() {
    let estimate = paired_difference(&SLEEP[0], &SLEEP[1]).unwrap();
    close(estimate.value, -1.58, 1e-12);
    close(estimate.low, -2.4598858, 5e-8);
    close(estimate.high, -0.7001142, 5e-8);
    close(estimate.value / estimate.standard_error, -4.0621, 5e-5);
    assert_eq!((estimate.degrees_of_freedom, estimate.questions), (9.0, 10));
}

/// `t.test(extra ~ group, data = sleep)`: Welch's interval for two independent groups.
#[test]
fn welch_difference_of_the_sleep_data() {
    let strata = [Stratum { weight: 1.0, scores: &SLEEP[0] }, Stratum { weight: -1.0, scores: &SLEEP[1] }];
    let estimate = weighted_sum(&strata).unwrap();
    close(estimate.degrees_of_freedom, 17.776, 5e-4);
    close(estimate.low, -3.3654832, 5e-8);
    close(estimate.high, 0.2054832, 5e-8);
}

/// Miller 2024, section 5: with a conditional variance of 1/9 between questions, 969 questions detect a
/// difference of 3 points with a power of 80 %.
#[test]
fn minimum_detectable_effect_of_the_published_example() {
    let standard_error = (1.0 / 9.0 / 969.0_f64).sqrt();
    close(detectable_effect(standard_error, 968.0, 1.0 - LEVEL, POWER), 0.03, 5e-5);
}

/// By hand: means 0.5 and 0.8, variances 1/3 and 0.08, so v = (1/3/4 + 0.08/2) / 4.
#[test]
fn benchmarks_are_strata_of_equal_weight() {
    let (a, b) = ([0.0, 0.0, 1.0, 1.0], [0.6, 1.0]);
    let estimate = mean_of_means(&[&a, &b]).unwrap();
    let (va, vb): (f64, f64) = (1.0 / 48.0, 0.01);
    close(estimate.value, 0.65, 1e-12);
    close(estimate.standard_error, (va + vb).sqrt(), 1e-12);
    close(estimate.degrees_of_freedom, (va + vb).powi(2) / (va * va / 3.0 + vb * vb / 1.0), 1e-9);
    assert_eq!(estimate.questions, 6);
}

/// The clustered formula as Miller prints it: the naive variance plus the cross terms within clusters.
fn with_cross_terms(clusters: &[Vec<f64>]) -> f64 {
    let all: Vec<f64> = clusters.concat();
    let n = all.len() as f64;
    let mean = all.iter().sum::<f64>() / n;
    let mut sum: f64 = all.iter().map(|s| (s - mean).powi(2)).sum();
    for cluster in clusters {
        for (i, a) in cluster.iter().enumerate() {
            for (j, b) in cluster.iter().enumerate() {
                sum += if i == j { 0.0 } else { (a - mean) * (b - mean) };
            }
        }
    }
    sum.sqrt() / n
}

#[test]
fn clustered_error_with_its_cross_terms() {
    let clusters = [vec![1.0, 1.0, 0.0], vec![0.0], vec![1.0, 1.0], vec![0.0, 0.0, 0.0, 1.0]];
    let correction = (4.0_f64 / 3.0).sqrt();
    close(clustered_standard_error(&clusters).unwrap(), correction * with_cross_terms(&clusters), 1e-12);
}

#[test]
fn equal_clusters_give_the_error_of_their_means() {
    let mut random = Random::new(1);
    let clusters: Vec<Vec<f64>> =
        (0..30).map(|_| (0..4).map(|_| f64::from(random.uniform() < 0.4)).collect()).collect();
    let means: Vec<f64> = clusters.iter().map(|c| c.iter().sum::<f64>() / 4.0).collect();
    close(clustered_standard_error(&clusters).unwrap(), mean(&means).unwrap().standard_error, 1e-12);
}

#[test]
fn undefined_intervals_are_errors() {
    assert_eq!(mean(&[]), Err(IntervalError::TooFewQuestions { questions: 0 }));
    assert_eq!(mean(&[0.5]), Err(IntervalError::TooFewQuestions { questions: 1 }));
    assert_eq!(mean(&[0.5, f64::NAN]), Err(IntervalError::NotFinite));
    assert_eq!(mean_of_means(&[]), Err(IntervalError::NoStratum));
    assert_eq!(paired_difference(&[0.5, 0.5], &[0.5]), Err(IntervalError::Unpaired { left: 2, right: 1 }));
    let one_cluster = clustered_standard_error(&[vec![1.0, 0.0], vec![]]);
    assert_eq!(one_cluster, Err(IntervalError::TooFewQuestions { questions: 1 }));
}

#[test]
fn scores_without_variation_have_no_detectable_effect() {
    let estimate = mean(&[0.1; 40]).unwrap();
    assert_eq!(estimate.standard_error, 0.0);
    let Estimate { standard_error, degrees_of_freedom, .. } = estimate;
    assert!(detectable_effect(standard_error, degrees_of_freedom, 1.0 - LEVEL, POWER).is_nan());
}

/// Two models of correlated skill on two benchmarks of 40 questions, 4 samples each: how often does the
/// paired, stratified interval hold the true difference, and how often an unpaired one?
#[test]
fn intervals_cover_the_truth_as_often_as_they_say() {
    let mut random = Random::new(7);
    let (repeats, questions, samples) = (2000, 40, 4);
    // Question difficulty u is uniform; the models solve it with u^2 and u: expectations 1/3 and 1/2.
    let truth = 1.0 / 2.0 - 1.0 / 3.0;
    let (mut paired_hits, mut unpaired_widths, mut paired_widths) = (0, 0.0, 0.0);
    for _ in 0..repeats {
        let mut strata: [[Vec<f64>; 3]; 2] = Default::default();
        for [difference, better, worse] in &mut strata {
            for _ in 0..questions {
                let u = random.uniform();
                let (b, w) = (random.mean_of_answers(u, samples), random.mean_of_answers(u * u, samples));
                difference.push(b - w);
                better.push(b);
                worse.push(w);
            }
        }
        let paired = mean_of_means(&[&strata[0][0], &strata[1][0]]).unwrap();
        let unpaired = weighted_sum(&[
            Stratum { weight: 0.5, scores: &strata[0][1] },
            Stratum { weight: 0.5, scores: &strata[1][1] },
            Stratum { weight: -0.5, scores: &strata[0][2] },
            Stratum { weight: -0.5, scores: &strata[1][2] },
        ])
        .unwrap();
        close(paired.value, unpaired.value, 1e-12);
        paired_hits += usize::from(paired.low <= truth && truth <= paired.high);
        paired_widths += paired.high - paired.low;
        unpaired_widths += unpaired.high - unpaired.low;
    }
    let coverage = paired_hits as f64 / repeats as f64;
    // The binomial standard error at 95 % and 2000 repeats is half a point.
    close(coverage, 0.95, 0.02);
    assert!(
        paired_widths < 0.75 * unpaired_widths,
        "pairing pays: {paired_widths} against {unpaired_widths}"
    );
}

/// Several samples of one question are not independent: an interval that takes them so is too narrow.
#[test]
fn taking_samples_as_independent_covers_too_little() {
    let mut random = Random::new(8);
    let (mut clustered_hits, mut naive_hits) = (0, 0);
    for _ in 0..1000 {
        let clusters: Vec<Vec<f64>> = (0..40)
            .map(|_| {
                let p = random.uniform();
                (0..8).map(|_| f64::from(random.uniform() < p)).collect()
            })
            .collect();
        let means: Vec<f64> = clusters.iter().map(|c| c.iter().sum::<f64>() / 8.0).collect();
        let holds = |e: Estimate| usize::from(e.low <= 0.5 && 0.5 <= e.high);
        clustered_hits += holds(mean(&means).unwrap());
        naive_hits += holds(mean(&clusters.concat()).unwrap());
    }
    close(clustered_hits as f64 / 1000.0, 0.95, 0.025);
    assert!(naive_hits < 780, "the naive interval held the truth {naive_hits} times in 1000");
}

/// The question bootstrap, stratified by benchmark, knows no formula and agrees with the formula.
#[test]
fn standard_errors_agree_with_a_bootstrap() {
    let mut random = Random::new(9);
    let benchmarks: Vec<Vec<f64>> = [(120, 0.3), (80, 0.9), (200, 0.6)]
        .into_iter()
        .map(|(n, top)| {
            (0..n)
                .map(|_| {
                    let p = top * random.uniform();
                    random.mean_of_answers(p, 4)
                })
                .collect()
        })
        .collect();
    let estimate = mean_of_means(&benchmarks.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
    let resampled: Vec<f64> = (0..2000)
        .map(|_| {
            let draw = |b: &Vec<f64>, random: &mut Random| {
                (0..b.len()).map(|_| b[random.below(b.len())]).sum::<f64>() / b.len() as f64
            };
            benchmarks.iter().map(|b| draw(b, &mut random)).sum::<f64>() / 3.0
        })
        .collect();
    let bootstrap = mean(&resampled).unwrap();
    let spread = bootstrap.standard_error * (resampled.len() as f64).sqrt();
    close(spread / estimate.standard_error, 1.0, 0.05);
    let mut sorted = resampled;
    sorted.sort_by(f64::total_cmp);
    let half_width = (estimate.high - estimate.low) / 2.0;
    close((sorted[49] - estimate.low) / half_width, 0.0, 0.15);
    close((sorted[1949] - estimate.high) / half_width, 0.0, 0.15);
}

fn benchmarks() -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec(0.0..1.0, 2..12), 1..5)
}

fn of(benchmarks: &[Vec<f64>]) -> Estimate {
    mean_of_means(&benchmarks.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
}

proptest! {
    /// Moving and stretching the scores moves and stretches the interval.
    #[test]
    fn intervals_move_with_the_scores(scores in benchmarks(), shift in -3.0..3.0_f64, scale in -5.0..5.0_f64) {
        let moved: Vec<Vec<f64>> =
            scores.iter().map(|b| b.iter().map(|s| shift + scale * s).collect()).collect();
        let (before, after) = (of(&scores).scaled(scale), of(&moved));
        for (b, a) in [(before.value, after.value), (before.low, after.low), (before.high, after.high)] {
            let off: f64 = b + shift - a;
            prop_assert!(off.abs() < 1e-6 * (1.0 + a.abs()), "{before:?} {after:?}");
        }
    }

    /// The interval is around the value; the freedom lies between the smallest stratum's and the sum.
    #[test]
    fn intervals_are_sane(scores in benchmarks()) {
        let estimate = of(&scores);
        let freedoms: Vec<f64> = scores.iter().map(|b| b.len() as f64 - 1.0).collect();
        let least = freedoms.iter().copied().fold(f64::INFINITY, f64::min);
        prop_assert!(estimate.low <= estimate.value && estimate.value <= estimate.high);
        prop_assert!(estimate.degrees_of_freedom >= least - 1e-9);
        prop_assert!(estimate.degrees_of_freedom <= freedoms.iter().sum::<f64>() + 1e-9);
    }

    /// The order of questions does not matter, and swapping the sides of a paired difference changes its
    /// sign.
    #[test]
    fn paired_differences_are_antisymmetric(pairs in prop::collection::vec((0.0..1.0, 0.0..1.0), 2..20)) {
        let (left, right): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let (there, back) = (paired_difference(&left, &right).unwrap(), paired_difference(&right, &left).unwrap());
        prop_assert!((there.value + back.value).abs() < 1e-12);
        prop_assert!((there.low + back.high).abs() < 1e-9);
        let reversed = |v: &[f64]| v.iter().rev().copied().collect::<Vec<_>>();
        let again = paired_difference(&reversed(&left), &reversed(&right)).unwrap();
        prop_assert!((there.low - again.low).abs() < 1e-9);
    }
}
