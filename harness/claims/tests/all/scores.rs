use std::collections::BTreeMap;

use assay_claims::interval::{IntervalError, mean_of_means, paired_difference};
use assay_claims::scores::{CellId, ColumnProblem, Scores, ScoresError, Smooth};

use crate::support::{Random, close};

pub(crate) fn ids(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("q{i:03}")).collect()
}

pub(crate) fn by_question(values: &[f64]) -> BTreeMap<String, f64> {
    ids(values.len()).into_iter().zip(values.iter().copied()).collect()
}

fn layout() -> Scores {
    let benchmarks = [("easy", 4), ("hard", 3)].map(|(id, n)| (id.to_owned(), ids(n)));
    Scores::new(benchmarks, [("all".to_owned(), vec!["easy".to_owned(), "hard".to_owned()])]).unwrap()
}

const EASY: [[f64; 4]; 2] = [[1.0, 0.5, 0.5, 1.0], [1.0, 1.0, 0.0, 0.5]];
const HARD: [[f64; 3]; 2] = [[0.0, 0.25, 0.5], [0.25, 0.25, 0.0]];

fn two_rows() -> Scores {
    let mut scores = layout();
    for (i, seed) in [1, 2].into_iter().enumerate() {
        scores.insert("ours", Some(seed), "easy", &by_question(&EASY[i])).unwrap();
        scores.insert("ours", Some(seed), "hard", &by_question(&HARD[i])).unwrap();
    }
    scores.insert("base", None, "easy", &by_question(&[0.5, 0.0, 0.5, 0.0])).unwrap();
    scores.insert("base", None, "hard", &by_question(&[0.0, 0.0, 0.5])).unwrap();
    scores
}

/// A question's value is its mean over seeds; the seeds' own values stand beside the estimate.
#[test]
fn cells_average_over_seeds_question_by_question() {
    let scores = two_rows();
    let (easy, hard) = ([1.0, 0.75, 0.25, 0.75], [0.125, 0.25, 0.25]);
    let cell = scores.cell("ours", "all").unwrap();
    let expected = mean_of_means(&[&easy, &hard]).unwrap();
    close(cell.estimate.value, expected.value, 1e-12);
    close(cell.estimate.question_error, expected.standard_error, 1e-12);
    assert_eq!((cell.estimate.questions, cell.estimate.seeds), (7, 2));
    close(cell.per_seed[&1], (0.75 + 0.25) / 2.0, 1e-12);
    close(cell.per_seed[&2], (0.625 + 0.5 / 3.0) / 2.0, 1e-12);
    assert!(scores.cell("base", "all").unwrap().per_seed.is_empty());
}

#[test]
fn differences_are_paired_and_an_unseeded_row_stands_beside_each_seed() {
    let scores = two_rows();
    let difference = scores.difference("ours", "base", "easy").unwrap();
    let expected = paired_difference(&[1.0, 0.75, 0.25, 0.75], &[0.5, 0.0, 0.5, 0.0]).unwrap();
    close(difference.estimate.value, expected.value, 1e-12);
    close(difference.estimate.question_error, expected.standard_error, 1e-12);
    close(difference.per_seed[&1], 0.5, 1e-12);
    close(difference.per_seed[&2], 0.375, 1e-12);
    let nothing = scores.difference("ours", "ours", "all").unwrap().estimate;
    assert_eq!((nothing.value, nothing.standard_error), (0.0, 0.0));
}

/// A ratio of group means: the delta method against the closed form and against a bootstrap over questions.
#[test]
fn ratios_by_the_delta_method() {
    let mut random = Random::new(3);
    let n = 150;
    let mut row = |top: f64| -> Vec<f64> {
        (0..n)
            .map(|_| {
                let p = top * random.uniform();
                random.mean_of_answers(p, 4)
            })
            .collect()
    };
    let (ours, base) = (row(1.0), row(0.5));
    let mut scores = Scores::new([("b".to_owned(), ids(n))], []).unwrap();
    scores.insert("ours", None, "b", &by_question(&ours)).unwrap();
    scores.insert("base", None, "b", &by_question(&base)).unwrap();
    let cells = ["ours", "base"].map(|row| CellId { row: row.to_owned(), column: "b".to_owned() });
    let ratio = |v: &[f64]| Smooth { value: v[0] / v[1], gradient: vec![1.0 / v[1], -v[0] / (v[1] * v[1])] };
    let estimate = scores.evaluate(&cells, ratio).unwrap().estimate;

    let mean = |v: &[f64]| v.iter().sum::<f64>() / n as f64;
    let (m, b) = (mean(&ours), mean(&base));
    let residuals: Vec<f64> = ours.iter().zip(&base).map(|(o, x)| (o - m / b * x) / b).collect();
    let square: f64 = residuals.iter().map(|r| r * r).sum::<f64>() / (n as f64 - 1.0);
    close(estimate.value, m / b, 1e-12);
    close(estimate.standard_error, (square / n as f64).sqrt(), 1e-12);

    let resampled: Vec<f64> = (0..2000)
        .map(|_| {
            let draw: Vec<usize> = (0..n).map(|_| random.below(n)).collect();
            draw.iter().map(|&i| ours[i]).sum::<f64>() / draw.iter().map(|&i| base[i]).sum::<f64>()
        })
        .collect();
    let centre = resampled.iter().sum::<f64>() / 2000.0;
    let spread = (resampled.iter().map(|r| (r - centre).powi(2)).sum::<f64>() / 1999.0).sqrt();
    close(spread / estimate.standard_error, 1.0, 0.08);
}

#[test]
fn a_missing_question_is_named() {
    let mut scores = layout();
    let error = scores.insert("ours", Some(2), "easy", &by_question(&[1.0, 0.0, 1.0])).unwrap_err();
    assert_eq!(error.to_string(), "row `ours` (seed 2) has no score for question `q003` of `easy`");
    let error = scores.insert("ours", Some(2), "hard", &by_question(&[1.0, 0.0, 1.0, 1.0])).unwrap_err();
    assert!(matches!(error, ScoresError::UnknownQuestion { question, .. } if question == "q003"));
}

#[test]
fn bad_scores_are_refused() {
    let mut scores = two_rows();
    for value in [-0.1, 1.1, f64::NAN] {
        let error = scores.insert("x", None, "hard", &by_question(&[0.0, value, 0.0])).unwrap_err();
        assert!(matches!(error, ScoresError::OutOfRange { question, .. } if question == "q001"), "{value}");
    }
    let values = by_question(&[0.0, 0.0, 0.0]);
    assert!(matches!(scores.insert("base", None, "hard", &values), Err(ScoresError::Duplicate { .. })));
    assert!(matches!(scores.insert("base", Some(1), "hard", &values), Err(ScoresError::MixedSeeds { .. })));
    assert!(matches!(scores.insert("base", None, "nope", &values), Err(ScoresError::UnknownColumn { .. })));
}

#[test]
fn incomplete_rows_cannot_be_compared() {
    let mut scores = two_rows();
    scores.insert("late", Some(1), "easy", &by_question(&EASY[0])).unwrap();
    let hard = CellId { row: "late".to_owned(), column: "hard".to_owned() };
    assert_eq!(scores.is_missing(&hard), Ok(true));
    assert!(matches!(scores.cell("late", "all"), Err(ScoresError::NotMeasured { .. })));
    assert!(matches!(scores.cell("nobody", "all"), Err(ScoresError::NotMeasured { seed: None, .. })));
    let error = scores.difference("ours", "late", "easy").unwrap_err();
    assert_eq!(error, ScoresError::SeedsDiffer { left: "ours".to_owned(), right: "late".to_owned() });
    scores.insert("late", Some(2), "hard", &by_question(&HARD[0])).unwrap();
    assert_eq!(scores.is_missing(&hard), Ok(false));
    assert!(matches!(scores.cell("late", "hard"), Err(ScoresError::NotMeasured { seed: Some(1), .. })));
}

#[test]
fn one_question_has_no_interval() {
    let mut scores = Scores::new([("b".to_owned(), ids(1))], []).unwrap();
    scores.insert("r", None, "b", &by_question(&[1.0])).unwrap();
    let expected = ScoresError::Interval(IntervalError::TooFewQuestions { questions: 1 });
    assert_eq!(scores.cell("r", "b"), Err(expected));
}

#[test]
fn contradictory_columns_are_refused() {
    let column =
        |id: &str, members: &[&str]| (id.to_owned(), members.iter().map(|m| (*m).to_owned()).collect());
    type Columns = Vec<(String, Vec<String>)>;
    let cases: [(Columns, Columns, ColumnProblem); 7] = [
        (vec![column("a", &["1"]), column("a", &["2"])], vec![], ColumnProblem::DefinedTwice),
        (vec![column("a", &[])], vec![], ColumnProblem::Empty),
        (vec![column("a", &["1", "1"])], vec![], ColumnProblem::RepeatedQuestion),
        (vec![column("a", &["1"])], vec![column("a", &["a"])], ColumnProblem::DefinedTwice),
        (vec![column("a", &["1"])], vec![column("g", &[])], ColumnProblem::Empty),
        (vec![column("a", &["1"])], vec![column("g", &["b"])], ColumnProblem::Members),
        (vec![column("a", &["1"])], vec![column("g", &["a", "a"])], ColumnProblem::Members),
    ];
    for (benchmarks, groups, expected) in cases {
        match Scores::new(benchmarks, groups) {
            Err(ScoresError::Column { problem, .. }) => assert_eq!(problem, expected),
            other => panic!("{other:?}"),
        }
    }
}
