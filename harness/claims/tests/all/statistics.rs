//! Tests, adjustments and powers, against published examples and by simulation.

use std::collections::BTreeMap;

use assay_claims::claim::{Claim, Outcome, Rules, as_measured};
use assay_claims::interval::Estimate;
use assay_claims::multiplicity::{benjamini_hochberg, holm};
use assay_claims::pooled::SeedTable;
use assay_claims::power::{detectable_effect, least_margin, power, power_of_equivalence};
use assay_claims::proportion::wilson;
use assay_claims::scores::Scores;
use assay_claims::student::{t_quantile, t_upper_tail};
use assay_claims::variance::{Component, Crossed, SeedVariance, of_seeds};

use crate::scores::ids;
use crate::support::{Random, close};

#[test]
fn adjusted_p_values_of_published_examples() {
    // Four tests, worked by hand in Holm's way: 4 x 0.005, 3 x 0.01, 2 x 0.03, 1 x 0.04 raised to 0.06.
    let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
    for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
        close(*found, expected, 1e-12);
    }
    // Benjamini and Hochberg 1995, section 3.3: of fifteen p values, four are rejected at 5 %.
    let p = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
        0.6528, 0.7590, 1.0,
    ];
    assert_eq!(benjamini_hochberg(&p).iter().filter(|p| **p <= 0.05).count(), 4);
    assert_eq!(holm(&p).iter().filter(|p| **p <= 0.05).count(), 3, "their Bonferroni comparison");
    assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
}

/// Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
#[test]
fn wilson_intervals_of_published_examples() {
    for (successes, n, low, high) in [
        (81.0, 263.0, 0.2553, 0.3662),
        (15.0, 148.0, 0.0624, 0.1605),
        (0.0, 20.0, 0.0, 0.1611),
        (1.0, 29.0, 0.0061, 0.1718),
    ] {
        let found = wilson(successes, n, 0.95);
        close(found.0, low, 5e-5);
        close(found.1, high, 5e-5);
        let mirrored = wilson(n - successes, n, 0.95);
        close(mirrored.1, 1.0 - low, 5e-5);
        close(mirrored.0, 1.0 - high, 5e-5);
    }
    assert_eq!(wilson(0.0, 0.0, 0.95), (0.0, 1.0));
}

#[test]
fn tails_belong_to_the_quantiles() {
    for freedom in [1.0, 2.5, 9.0, 120.0] {
        for p in [0.6, 0.9, 0.975, 0.9999] {
            close(t_upper_tail(t_quantile(p, freedom), freedom), 1.0 - p, 1e-9);
            close(t_upper_tail(-t_quantile(p, freedom), freedom), p, 1e-9);
        }
    }
    assert!(t_upper_tail(40.0, 100.0) > 0.0, "far out, digits are kept");
    assert!(t_upper_tail(1.0, 0.0).is_nan());
}

/// A standard normal number (Box and Muller 1958).
fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * (1.0 - random.uniform()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.uniform()).cos()
}

/// Detectable effects and powers against the t tests that they are about.
#[test]
fn powers_agree_with_simulation() {
    const RUNS: usize = 40_000;
    let mut random = Random::new(5);
    for n in [4usize, 10, 40] {
        let freedom = (n - 1) as f64;
        let error = 1.0 / (n as f64).sqrt();
        let effect = detectable_effect(error, freedom, 0.05, 0.8);
        let tolerance = 2.6 * error;
        let (mut found, mut equivalent) = (0, 0);
        for _ in 0..RUNS {
            let values: Vec<f64> = (0..n).map(|_| normal(&mut random)).collect();
            let mean = values.iter().sum::<f64>() / n as f64;
            let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / freedom).sqrt();
            let measured = spread / (n as f64).sqrt();
            found += usize::from((mean + effect) / measured > t_quantile(0.975, freedom));
            let reach = t_quantile(0.95, freedom) * measured;
            equivalent += usize::from(mean - reach > -tolerance && mean + reach < tolerance);
        }
        close(found as f64 / RUNS as f64, 0.8, 0.02);
        close(power(effect, error, freedom, 0.05), 0.8, 1e-6);
        let expected = power_of_equivalence(tolerance, error, freedom, 0.05);
        close(equivalent as f64 / RUNS as f64, expected, 0.02);
        let least = least_margin(error, freedom, 0.05, 0.8);
        close(power_of_equivalence(least, error, freedom, 0.05), 0.8, 1e-6);
    }
    assert!(detectable_effect(0.0, 10.0, 0.05, 0.8).is_nan());
    close(detectable_effect(1.0, 1e9, 0.05, 0.8), 1.959_964 + 0.841_621, 1e-4);
    close(power_of_equivalence(0.5, 1.0, 20.0, 0.05), 0.0, 0.01);
}

#[test]
fn seeds_vary_as_their_values_do() {
    // 56, 55.5 and 53.5 vary by 1.75 around 55.
    let part = of_seeds(&[56.0, 55.5, 53.5]).unwrap();
    close(part.variance, 1.75 / 3.0, 1e-12);
    assert_eq!(part.degrees_of_freedom, 2.0);
    assert_eq!(of_seeds(&[0.3; 4]).unwrap().variance, 0.0, "no rounding noise");
    assert_eq!((of_seeds(&[1.0]), of_seeds(&[])), (None, None));
}

/// Two-way analysis of variance, worked by hand: rows (0, 2, 4) and (2, 2, 8) under three seeds.
#[test]
fn seed_parts_of_a_small_table() {
    let values = [[0.0, 2.0, 4.0], [2.0, 2.0, 8.0]].map(|row| row.map(|value| vec![value]).to_vec()).to_vec();
    let table = SeedTable { values };
    // Seed means 1, 2, 6 vary by 7; row means 2 and 4. Residuals of the first row: 0, 1, -1; squares of all: 4; freedom 2.
    let difference = table.components(&[vec![1.0], vec![-1.0]]);
    assert_eq!(difference, [Component { variance: 2.0 * 2.0 / 3.0, degrees_of_freedom: 2.0 }]);
    // The difference of each seed is -2, 0, -4: their variance 4, over 3 seeds, is the same.
    let one = table.components(&[vec![1.0], vec![0.0]]);
    // One row: half of the deviations' square weight apart, all of the common part.
    close(one.iter().map(|part| part.variance).sum::<f64>(), 7.0 / 3.0 + 0.5 * 2.0 / 3.0, 1e-12);
    assert!(SeedTable { values: vec![vec![vec![1.0]]] }.components(&[vec![1.0]]).is_empty(), "one seed");
}

#[test]
fn a_remainder_is_not_counted_twice() {
    let part = |variance, degrees_of_freedom| Component { variance, degrees_of_freedom };
    let crossed = Crossed {
        questions: vec![part(4.0, 10.0)],
        seeds: vec![part(3.0, 10.0)],
        remainder: vec![part(1.0, 10.0)],
    };
    assert_eq!(crossed.total().variance, 6.0);
    close(crossed.total().degrees_of_freedom, 36.0 / ((16.0 + 9.0 + 1.0) / 10.0), 1e-12);
    let few = Crossed { seeds: vec![part(3.0, 3.0)], ..crossed.clone() };
    close(few.total().degrees_of_freedom, 6.0 / (0.4 + 3.0 / 3.0 + 0.1), 1e-12);
    let noisy = Crossed { remainder: vec![part(9.0, 10.0)], ..crossed };
    assert_eq!(noisy.total().variance, 4.0, "never below one of its parts");
    let estimate = Estimate::new(1.0, &noisy, 20, 3).unwrap();
    assert_eq!((estimate.question_error, estimate.seed_error), (2.0, Some(0.0)));
}

/// Two questions and two seeds whose scores cancel: question means and seed means are all equal.
#[test]
fn a_remainder_alone_is_the_variance() {
    let part = |variance, degrees_of_freedom| Component { variance, degrees_of_freedom };
    let crossed = Crossed {
        questions: vec![part(0.0, 9.0)],
        seeds: vec![part(0.0, 2.0)],
        remainder: vec![part(2.0, 18.0)],
    };
    assert_eq!(crossed.total(), part(2.0, 18.0));
    let nothing = Crossed { remainder: vec![part(0.0, 18.0)], ..crossed };
    assert_eq!(nothing.total(), part(0.0, 29.0));
}

/// Scores as in Table 5: trained rows and fixed ones, two benchmarks, seeds that move rows together and apart.
struct World {
    seeds: usize,
    /// By how much the first row is better than the others.
    effect: f64,
    /// Standard deviation of what a seed adds to one row, for each of the trained rows.
    apart: &'static [f64],
    /// Standard deviation of what a seed adds to all rows.
    together: f64,
    /// Rows that are not trained: of some the runs were filed as if each were of a training seed.
    fixed: usize,
    rule: SeedVariance,
}

const EQUAL: World =
    World { seeds: 5, effect: 0.0, apart: &[0.02; 4], together: 0.02, fixed: 0, rule: SeedVariance::Pooled };

impl World {
    fn scores(&self, random: &mut Random) -> Scores {
        const QUESTIONS: usize = 20;
        let benchmarks = ["a", "b"];
        let mut scores = Scores::new(
            benchmarks.map(|name| (name.to_owned(), ids(QUESTIONS))),
            [("math".to_owned(), benchmarks.map(str::to_owned).to_vec())],
        )
        .unwrap()
        .with_seed_variance(self.rule);
        let difficulty: Vec<f64> = (0..2 * QUESTIONS).map(|_| 0.12 * normal(random)).collect();
        let mut insert = |row: &str, seed, level: f64, random: &mut Random| {
            for (at, benchmark) in benchmarks.iter().enumerate() {
                let of_question = |(q, id): (usize, String)| {
                    let score = level + difficulty[at * QUESTIONS + q] + 0.08 * normal(random);
                    (id, score.clamp(0.0, 1.0))
                };
                let by_question: BTreeMap<String, f64> =
                    ids(QUESTIONS).into_iter().enumerate().map(of_question).collect();
                scores.insert(row, seed, benchmark, &by_question).unwrap();
            }
        };
        for seed in 1..=self.seeds as u64 {
            let common = self.together * normal(random);
            for (at, apart) in self.apart.iter().enumerate() {
                let own = common + apart * normal(random) + if at == 0 { self.effect } else { 0.0 };
                insert(&format!("r{at}"), Some(seed), 0.5 + own, random);
            }
            for at in 0..self.fixed {
                insert(&format!("filed{at}"), Some(seed), 0.4, random);
            }
        }
        for at in 0..self.fixed {
            insert(&format!("fixed{at}"), None, 0.4, random);
        }
        scores
    }

    /// The share of simulated tables in which a claim has an outcome.
    fn share(&self, claim: &str, outcomes: &[Outcome], runs: usize) -> f64 {
        let claim: Claim = claim.parse().unwrap();
        let mut random = Random::new(11);
        let found = |_: &usize| {
            let scores = self.scores(&mut random);
            let measured = as_measured(&[(&claim, true)], &scores, |_| None, &Rules::default()).unwrap();
            outcomes.contains(&measured[0].outcome)
        };
        (0..runs).filter(found).count() as f64 / runs as f64
    }
}

const SETTLED: [Outcome; 2] = [Outcome::Holds, Outcome::Reversed];

/// The rule has its nominal size at a true zero and more power with more seeds: neither was true of "the interval over
/// questions and every seed".
#[test]
fn claims_have_their_size_and_gain_power_with_seeds() {
    const RUNS: usize = 500;
    for rule in [SeedVariance::Pooled, SeedVariance::Own] {
        let mut powers = Vec::new();
        for seeds in [3, 5, 10] {
            for outcome in SETTLED {
                let size = World { seeds, rule, ..EQUAL }.share("r0.math > r1.math", &[outcome], RUNS);
                assert!(
                    (0.005..0.045).contains(&size),
                    "{rule:?}, {seeds} seeds, {outcome}: {size} instead of 0.025"
                );
            }
            let world = World { seeds, effect: 0.04, rule, ..EQUAL };
            powers.push(world.share("r0.math > r1.math", &[Outcome::Holds], RUNS));
        }
        assert!(
            powers[0] + 0.1 < powers[1] && powers[1] + 0.1 < powers[2] && powers[2] > 0.85,
            "{rule:?}: {powers:?}"
        );
    }
}

/// With a margin's own variance it errs in 6.5 % of cases at most, whichever rows stand in the table: rows that vary
/// unequally, many rows, two rows, and models that are not trained for each seed. Pooled over such rows it errs in up to 20 %.
#[test]
fn claims_have_their_size_beside_other_rows() {
    const RUNS: usize = 1000;
    // The bound and two standard errors of the simulation.
    const MOST: f64 = 0.065 + 0.016;
    for seeds in [3, 5, 10] {
        for (apart, fixed) in [
            (&[0.03, 0.03, 0.01, 0.01][..], 0),
            (&[0.03, 0.01, 0.01, 0.01][..], 0),
            (&[0.03, 0.03][..], 0),
            (&[0.03; 3][..], 3),
        ] {
            let world = World { seeds, apart, fixed, rule: SeedVariance::Own, ..EQUAL };
            let size = world.share("r0.math > r1.math", &SETTLED, RUNS);
            assert!(size < MOST, "{seeds} seeds, {apart:?}, {fixed} fixed: {size}");
        }
    }
}

/// A single row, against a number: what moves all rows together counts too.
#[test]
fn intervals_of_single_rows_cover_what_seeds_share() {
    let world = World { together: 0.03, ..EQUAL };
    for outcome in SETTLED {
        let size = world.share("r0.math > 50", &[outcome], 1000);
        assert!((0.005..0.05).contains(&size), "{outcome}: {size} instead of 0.025");
    }
}

/// Two one-sided tests at the edge of the tolerance err in 5 % of cases at most.
#[test]
fn equivalence_has_its_size() {
    let world = World { seeds: 10, effect: 0.03, apart: &[0.01; 4], together: 0.01, ..EQUAL };
    let size = world.share("r0.math ~ r1.math within 3", &[Outcome::Holds], 1000);
    assert!((0.03..0.07).contains(&size), "{size} instead of 0.05");
    let world = World { effect: 0.0, ..world };
    assert!(world.share("r0.math ~ r1.math within 3", &[Outcome::Holds], 300) > 0.95);
}
