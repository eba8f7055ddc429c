//! The file of an import: written, read back, summed up.

use assay_import::Import;
use proptest::prelude::*;

use crate::support::{Folder, expected, import};

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
        "format": "assay-import", "version": 1, "benchmark": "birds",
        "level": "recomputed-from-the-authors-samples", "questions": 3, "samples": 2, "scored": 5,
        "unscored": { "not-a-number": 1 },
        "logs": [{ "file": "l.csv", "blake3": blake3::hash(TABLE.as_bytes()).to_hex().as_str(), "format": "csv" }],
    });
    assert_eq!(header, expected);
}

/// Means of 1/2, 1 and 0: the mean is 50 %, its standard error 50/sqrt(3), t(2) = 4.302653.
#[test]
fn the_score_is_the_mean_over_questions_with_bounds() {
    let (folder, text) = written();
    let import = Import::read(&folder.write("i.jsonl", text), "i.jsonl").unwrap();
    let summary = import.summary().unwrap();
    assert_eq!((summary.score.value, summary.score.n), (50.0, Some(5)));
    assert!((summary.score.high - summary.score.value - 4.302653 * 50.0 / 3f64.sqrt()).abs() < 1e-3);
    let (low, high) = summary.bounds.unwrap();
    assert!((low - 100.0 / 3.0).abs() < 1e-9 && (high - 50.0).abs() < 1e-9);

    let evaluation = import.evaluation("i.jsonl", "m").unwrap();
    let failures: u32 = evaluation.failures["birds"].values().sum();
    assert_eq!((failures, evaluation.outcomes["birds"]["a"].clone()), (1, vec![true, false]));
    assert_eq!(evaluation.outcomes["birds"]["b"], [true]);
}

#[test]
fn fractions_are_no_verdicts_of_a_table() {
    let folder = Folder::new();
    let log = folder.read("l.csv", "question,score\na,0.5\nb,1\n").unwrap();
    let error = import(&[log], &expected(2, 1)).unwrap().evaluation("i.jsonl", "m").unwrap_err();
    assert_eq!(
        error.to_string(),
        "i.jsonl:2: a score of 0.5: the cells of a table count right and wrong samples"
    );
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
            text.replace("\"version\":1", "\"version\":2"),
            "i.jsonl:1: the file has version 2 of the format, this program reads version 1",
        ),
        (text.replace("assay-import", "assay-export"), "i.jsonl:1: the file is not an import"),
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
