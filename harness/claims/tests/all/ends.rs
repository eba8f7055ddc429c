//! Means close to 0 or 1: limits worked by hand, and how often intervals hold the truth.

use assay_claims::interval::{Estimate, mean_score};
use assay_claims::scores::{CellId, Scores, Smooth};
use assay_claims::spread::{Cell, Edge, Side, Spread};
use assay_claims::variance::Component;

use crate::scores::{by_question, ids};
use crate::support::{Random, close};

/// Verdicts on two rows from the four counts of a paired table: both right, only the first, only the second, none.
fn paired(both: usize, first: usize, second: usize, none: usize) -> [Vec<f64>; 2] {
    let counts = [(both, 1.0, 1.0), (first, 1.0, 0.0), (second, 0.0, 1.0), (none, 0.0, 0.0)];
    let row = |of: fn(&(usize, f64, f64)) -> f64| -> Vec<f64> {
        counts.iter().flat_map(|count| std::iter::repeat_n(of(count), count.0)).collect()
    };
    [row(|count| count.1), row(|count| count.2)]
}

/// Worked by hand in the way of Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions
/// based on paired data", method 10 without the correction for continuity: Wilson's limits of both, and the phi coefficient.
#[test]
fn paired_differences_by_method_10() {
    for ([both, first, second, none], low, high) in [
        ([30, 0, 0, 0], -0.11351, 0.11351),
        ([0, 30, 0, 0], 0.83947, 1.0),
        ([0, 29, 0, 1], 0.79153, 0.99409),
        ([27, 1, 2, 0], -0.18378, 0.11071),
        ([1, 1, 3, 45], -0.14296, 0.05165),
        ([0, 3, 0, 47], -0.02150, 0.16217),
    ] {
        let [left, right] = paired(both, first, second, none);
        let edge = Edge::new(&[(1.0, left.clone()), (-1.0, right.clone())]);
        let spread = Spread { core: Component { variance: 0.0, degrees_of_freedom: 1.0 }, edges: vec![edge] };
        let mean = |row: &[f64]| row.iter().sum::<f64>() / row.len() as f64;
        let difference = mean(&left) - mean(&right);
        close(difference - spread.distance(Side::Below, 0.025), low, 1e-5);
        close(difference + spread.distance(Side::Above, 0.025), high, 1e-5);
    }
}

/// One score has no spread; its limits are those of one trial, which leave nearly everything open.
#[test]
fn one_question_leaves_nearly_all_open() {
    for share in [0.0, 0.5, 1.0] {
        let spread = Spread::of_cell(Cell::new(1.0, &[share]));
        let (below, above) = (spread.distance(Side::Below, 0.025), spread.distance(Side::Above, 0.025));
        assert!(below.is_finite() && above.is_finite(), "{share}: {below} {above}");
        assert!((0.75..=1.0).contains(&(below + above)), "{share}: {below} {above}");
    }
}

fn table(rows: &[(&str, &str, &[f64])], groups: &[&str]) -> Scores {
    let mut benchmarks: Vec<(String, Vec<String>)> = Vec::new();
    for (_, benchmark, scores) in rows {
        if benchmarks.iter().all(|(known, _)| known != benchmark) {
            benchmarks.push(((*benchmark).to_owned(), ids(scores.len())));
        }
    }
    let members: Vec<String> = benchmarks.iter().map(|(name, _)| name.clone()).collect();
    let groups = groups.iter().map(|group| ((*group).to_owned(), members.clone()));
    let mut scores = Scores::new(benchmarks, groups).unwrap();
    for (row, benchmark, values) in rows {
        scores.insert(row, None, benchmark, &by_question(values)).unwrap();
    }
    scores
}

/// An average of zeros is no surer than its members: 0 of 500 ends at 0.76 %, 0 of 30 at 11.35 %, so their mean at half of
/// the root of the sum of squares.
#[test]
fn an_average_of_zeros_is_as_wide_as_its_members() {
    let scores = table(&[("r", "x", &[0.0; 500]), ("r", "y", &[0.0; 30])], &["all"]);
    let end = |column: &str| 100.0 * scores.cell("r", column).unwrap().estimate.high;
    close(end("x"), 0.762, 1e-3);
    close(end("y"), 11.351, 1e-3);
    close(end("all"), 0.5 * (0.762_f64.powi(2) + 11.351_f64.powi(2)).sqrt(), 1e-3);
}

/// The p value is that of the interval: at its own level a limit is where the test just finds it.
#[test]
fn tails_invert_the_limits() {
    let scores = table(&[("a", "x", &[1.0; 40]), ("b", "x", &[0.0; 40])], &[]);
    let spread = scores.difference("a", "b", "x").unwrap().spread;
    for side in [Side::Below, Side::Above] {
        assert_eq!(spread.tail(side, 0.0), 0.5);
    }
    for tail in [0.2, 0.05, 0.001, 1e-6] {
        let distance = spread.distance(Side::Below, tail);
        close(spread.tail(Side::Below, distance) / tail, 1.0, 1e-6);
        close(spread.tail(Side::Above, -distance), 1.0 - tail, 1e-6);
    }
    assert!(spread.tail(Side::Above, 0.01) < 1e-11, "more than all against none there is not");
}

/// A mean that varies enough has the t interval, another one Wilson's: the switch is at ten questions, or half of them.
#[test]
fn the_switch_is_at_ten_questions_or_half_of_them() {
    let right = |right: usize, n: usize| (0..n).map(|q| f64::from(q < right)).collect::<Vec<_>>();
    let symmetric = |scores: &[f64]| {
        let Estimate { value, low, high, .. } = mean_score(scores).unwrap();
        (value - low - (high - value)).abs() < 1e-9
    };
    for (count, n, expected) in [
        (9, 100, false),
        (10, 100, true),
        (90, 100, true),
        (91, 100, false),
        (9, 20, false),
        (10, 20, true),
        (3, 7, false),
        (4, 8, true),
    ] {
        assert_eq!(symmetric(&right(count, n)), expected, "{count} of {n}");
    }
    // Any other score than 0 counts, however small.
    let small: Vec<f64> = right(10, 100).iter().map(|score| score / 8.0).collect();
    assert!(symmetric(&small));
    let all = mean_score(&[1.0; 4]).unwrap();
    assert_eq!((all.value, all.high), (1.0, 1.0));
    close(all.low, 0.5101, 1e-4);
    let two = mean_score(&[1.0, 0.0]).unwrap();
    assert_eq!((two.low, two.high), (0.0, 1.0), "no interval leaves what is possible");
}

/// The mean of `samples` answers to each of `n` questions, whose difficulties vary if there are several samples.
fn draw(random: &mut Random, n: usize, p: f64, samples: usize) -> Vec<f64> {
    let of_question = |random: &mut Random| match samples {
        1 => p,
        // Half of the questions are twice as easy, a quarter as easy as that; the mean is p.
        _ => p * [0.0, 2.0 / 3.0, 4.0 / 3.0, 2.0][random.below(4)],
    };
    (0..n)
        .map(|_| {
            let p = of_question(random);
            random.mean_of_answers(p, samples)
        })
        .collect()
}

/// How often intervals hold the truth. Wilson's own coverage swings between 0.92 and 0.99 for single proportions; a t interval
/// holds p = 0.05, n = 100 in 88 of 100 cases, and p = 0.01 in 63.
#[test]
fn intervals_of_means_near_an_end_hold_the_truth() {
    const RUNS: usize = 1500;
    let mut random = Random::new(3);
    let holds = |estimate: Estimate, truth: f64| estimate.low <= truth && truth <= estimate.high;
    for n in [30, 100, 500] {
        for (p, samples) in [(0.01, 1), (0.02, 1), (0.05, 1), (0.1, 1), (0.95, 1), (0.02, 8), (0.1, 8)] {
            let hits = (0..RUNS)
                .filter(|_| holds(mean_score(&draw(&mut random, n, p, samples)).unwrap(), p))
                .count();
            let coverage = hits as f64 / RUNS as f64;
            assert!(coverage > 0.905, "{n} questions, p = {p}, {samples} samples: {coverage}");
        }
    }
    for (n, p, other_n, other_p) in
        [(100, 0.02, 30, 0.03), (500, 0.01, 30, 0.3), (100, 0.05, 100, 0.5), (100, 0.01, 100, 0.01)]
    {
        let hits = (0..RUNS)
            .filter(|_| {
                let (x, y) = (draw(&mut random, n, p, 1), draw(&mut random, other_n, other_p, 1));
                let scores = table(&[("r", "x", &x), ("r", "y", &y)], &["all"]);
                holds(scores.cell("r", "all").unwrap().estimate, 0.5 * (p + other_p))
            })
            .count();
        let coverage = hits as f64 / RUNS as f64;
        assert!(coverage > 0.915, "average of {n} at {p} and {other_n} at {other_p}: {coverage}");
    }
}

/// The same for differences of two rows on the same questions, half of which both find equally hard.
#[test]
fn intervals_of_differences_near_an_end_hold_the_truth() {
    const RUNS: usize = 1000;
    let mut random = Random::new(4);
    for n in [30, 100, 500] {
        for (left, right) in [(0.03, 0.06), (0.02, 0.02), (0.05, 0.2), (0.95, 0.98), (0.01, 0.5)] {
            let hits = (0..RUNS)
                .filter(|_| {
                    let (mut a, mut b) = (Vec::new(), Vec::new());
                    for _ in 0..n {
                        let (own, shared) = (random.uniform(), random.uniform() < 0.5);
                        let other = if shared { own } else { random.uniform() };
                        a.push(f64::from(own < left));
                        b.push(f64::from(other < right));
                    }
                    let scores = table(&[("a", "x", &a), ("b", "x", &b)], &[]);
                    let Estimate { low, high, .. } = scores.difference("a", "b", "x").unwrap().estimate;
                    (low..=high).contains(&(left - right))
                })
                .count();
            let coverage = hits as f64 / RUNS as f64;
            assert!(coverage > 0.925, "{n} questions, {left} and {right}: {coverage}");
        }
    }
}

/// A group in which one benchmark varies and the other does not, over training seeds: the seeds count once.
#[test]
fn seeds_count_beside_means_near_an_end() {
    let mut scores = Scores::new(
        [("x".to_owned(), ids(40)), ("y".to_owned(), ids(40))],
        [("all".to_owned(), vec!["x".to_owned(), "y".to_owned()])],
    )
    .unwrap();
    for seed in 1..=5_u64 {
        let x: Vec<f64> = (0..40).map(|q| f64::from(q % 2 == 0 || q < 4 * seed as usize)).collect();
        scores.insert("r", Some(seed), "x", &by_question(&x)).unwrap();
        scores.insert("r", Some(seed), "y", &by_question(&[0.0; 40])).unwrap();
    }
    let width = |column: &str| {
        let cell = CellId { row: "r".to_owned(), column: column.to_owned() };
        let measured = scores.evaluate(&[cell], |v| Smooth { value: v[0], gradient: vec![1.0] }).unwrap();
        measured.spread.distance(Side::Above, 0.025)
    };
    close(width("all"), 0.5 * (width("x").powi(2) + width("y").powi(2)).sqrt(), 1e-9);
}
