//! The file of an import: written, read back, summed up.

use assay_claims::scores::SampleScore;
use assay_import::Import;
use proptest::prelude::*;

use crate::support::{Folder, expected, import};

const RIGHT: SampleScore = SampleScore::RIGHT;
const WRONG: SampleScore = SampleScore::WRONG;

/// Three questions with two samples, one of them without a score.
const TABLE: &str = "question,correct\na,1\na,0\nb,1\nb,nan\nc,0\nc,0\n";

fn written() -> (Folder, String) {
    let folder = Folder::new();
    let text = import(&[folder.read("l.csv", TABLE).unwrap()], &expected(3, 2)).unwrap().to_text().unwrap();
    (folder, text)
}

#[test]
fn the_header_says_what_the_file_holds() {
    let (_, text) = written();
    let header: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let expected = serde_json::json!({
        "format": 2, "benchmark": "birds",
        "level": "recomputed-from-the-authors-samples", "questions": 3, "samples": 2, "scored": 5,
        "unscored": { "not-a-number": 1 },
        "logs": [{ "file": "l.csv", "blake3": blake3::hash(TABLE.as_bytes()).to_hex().as_str(), "format": "csv" }],
    });
    assert_eq!(header, expected);
}

/// Means of 1/2, 1 and 0: the mean is 50 %, its standard error 50/sqrt(3); the interval of t leaves what is possible, and
/// ends there.
#[test]
fn the_score_is_the_mean_over_questions_with_bounds() {
    let (folder, text) = written();
    let import = Import::read(&folder.write("i.jsonl", text), "i.jsonl").unwrap();
    let summary = import.summary().unwrap();
    assert_eq!((summary.score.value, summary.score.n), (50.0, Some(5)));
    assert!((summary.score.standard_error.unwrap() - 50.0 / 3f64.sqrt()).abs() < 1e-9);
    assert_eq!((summary.score.low, summary.score.high), (0.0, 100.0));
    let (low, high) = summary.bounds.unwrap();
    assert!((low - 100.0 / 3.0).abs() < 1e-9 && (high - 50.0).abs() < 1e-9);

    let evaluation = import.evaluation("i.jsonl", "m").unwrap();
    let failures: u32 = evaluation.failures["birds"].values().sum();
    assert_eq!((failures, evaluation.scores["birds"]["a"].clone()), (1, vec![RIGHT, WRONG]));
    assert_eq!(evaluation.scores["birds"]["b"], [RIGHT]);
    assert_eq!(import.graded(), 0);
}

/// All right is not "right with certainty": Wilson's interval of four of four begins at 51.01 %.
#[test]
fn a_score_at_an_end_has_a_width() {
    let log = Folder::new().read("l.csv", "question,correct\na,1\nb,1\nc,1\nd,1\n").unwrap();
    let score = import(&[log], &expected(4, 1)).unwrap().summary().unwrap().score;
    assert_eq!((score.value, score.high), (100.0, 100.0));
    assert!((score.low - 51.01).abs() < 0.01, "{score:?}");
}

/// A fraction is a score like any other, from the log to the evaluation.
#[test]
fn graded_scores_stay_what_they_are() {
    let folder = Folder::new();
    let log = folder.read("l.csv", "question,score\na,0.5\nb,1\n").unwrap();
    let import = import(&[log], &expected(2, 1)).unwrap();
    let evaluation = import.evaluation("i.jsonl", "m").unwrap();
    assert_eq!(evaluation.scores["birds"]["a"], [SampleScore::new(0.5).unwrap()]);
    assert_eq!((import.graded(), import.summary().unwrap().score.value), (1, 75.0));
}

#[test]
fn files_that_were_changed_are_refused() {
    let (folder, text) = written();
    let without = |line: usize| {
        text.lines()
            .enumerate()
            .filter(|(at, _)| *at != line)
            .map(|(_, text)| format!("{text}\n"))
            .collect::<String>()
    };
    let cases = [
        (
            text.replacen("\"format\":2", "\"format\":3", 1),
            "i.jsonl:1: the file has format 3, this program reads format 2",
        ),
        (
            text.replacen("\"format\":2", "\"format\":\"assay-import\",\"version\":1", 1),
            "i.jsonl:1: the file has format 1, this program reads format 2",
        ),
        // No import was ever called so: it is another document.
        (text.replacen("\"format\":2", "\"format\":1", 1), "i.jsonl:1: the file is not an import"),
        (text.replacen("\"format\":2", "\"format\":\"assay\"", 1), "i.jsonl:1: the file is not an import"),
        (text.replace("\"questions\":3", "\"questions\":4"), "i.jsonl:1: the header says 4 questions"),
        (without(0), "i.jsonl:1: the file is not an import"),
        (without(6), "i.jsonl:1: the header says 3 questions"),
        (without(1), "i.jsonl:2: sample 1 of `a` is out of order"),
        (text.replacen("\"score\":1.0", "\"score\":1.5", 1), "i.jsonl:2: 1.5 is not a score"),
        (
            text.replacen("\"score\":1.0", "\"score\":0.0", 1).replace("\"scored\":5", "\"scored\":6"),
            "i.jsonl:1: the header says",
        ),
        (text.replacen("\"sample\":0,\"score\"", "\"smaple\":0,\"score\"", 1), "i.jsonl:2:25: unknown field"),
        (text.replacen("\"score\":1.0", "\"note\":1.0", 1), "i.jsonl:2:34: unknown field"),
        (text.replacen(",\"score\":1.0", "", 1), "i.jsonl:2: a sample has either"),
        (String::new(), "i.jsonl:1: the file is empty"),
    ];
    for (changed, message) in cases {
        let found = Import::read(&folder.write("i.jsonl", &changed), "i.jsonl").unwrap_err().to_string();
        assert!(found.starts_with(message), "{found}\nexpected {message}");
    }
    assert!(
        Import::read(&folder.path("absent"), "absent")
            .unwrap_err()
            .to_string()
            .starts_with("absent cannot be read")
    );
}

proptest! {
    /// Whatever order the lines have, the file is the same, and reads back as what was written.
    #[test]
    fn equal_imports_give_equal_bytes(scores in proptest::collection::vec(0..=4u32, 6), order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle()) {
        let line = |at: usize| format!("q{},{},{}\n", at / 2, at % 2, f64::from(scores[at]) / 4.0);
        let table = |order: &[usize]| format!("question,sample,score\n{}", order.iter().map(|at| line(*at)).collect::<String>());
        let folder = Folder::new();
        let read = |order: &[usize]| import(&[folder.read("l.csv", table(order)).unwrap()], &expected(3, 2)).unwrap();
        let (sorted, shuffled) = (read(&[0, 1, 2, 3, 4, 5]), read(&order));
        prop_assert_eq!(&sorted.records, &shuffled.records);
        let text = sorted.to_text().unwrap();
        let back = Import::read(&folder.write("i.jsonl", &text), "i.jsonl").unwrap();
        prop_assert_eq!(back.to_text().unwrap(), text);
        prop_assert_eq!(back, sorted);
    }
}
