//! What is expected of logs, and what comes of logs that do not hold it.

use std::collections::BTreeSet;

use assay_import::{Expected, ImportError, Log, Questions};

use crate::support::{Folder, expected, import};

/// A plain log of these questions with a number of right samples each.
fn log(questions: &[(&str, u32)]) -> Log {
    let lines: String = questions
        .iter()
        .flat_map(|(question, samples)| {
            (0..*samples).map(move |sample| {
                format!("{{\"question\":\"{question}\",\"sample\":{sample},\"correct\":true}}\n")
            })
        })
        .collect();
    Folder::new().read("log.jsonl", lines).unwrap()
}

#[test]
fn what_is_not_covered_is_not_comparable_with_counts() {
    let ids = |ids: &[&str]| Expected {
        questions: Questions::Ids(ids.iter().map(|id| (*id).to_owned()).collect()),
        ..expected(0, 2)
    };
    let cases = [
        (vec![("a", 2), ("b", 2)], expected(130, 2), "2 of 130 questions; 128 missing"),
        (vec![("a", 2), ("b", 2)], expected(1, 2), "2 of 1 questions"),
        (
            vec![("a", 2), ("b", 1), ("c", 3)],
            expected(3, 2),
            "3 of 3 questions; 2 without exactly 2 samples (b: 1, c: 3)",
        ),
        (
            vec![("a", 2), ("x", 2)],
            ids(&["a", "b"]),
            "1 of 2 questions; 1 missing (b); 1 not of this benchmark (x)",
        ),
    ];
    for (questions, expected, message) in cases {
        let error = import(&[log(&questions)], &expected).unwrap_err();
        assert_eq!(error.to_string(), format!("not comparable: {message}"));
        assert!(matches!(error, ImportError::NotComparable(_)));
    }
    import(&[log(&[("a", 2), ("b", 2)])], &ids(&["a", "b"])).unwrap();
}

/// The scores of a question without any may be anything: that leaves bounds, and no question counts as wrong. With no other
/// question nothing is known.
#[test]
fn a_question_without_any_score_leaves_bounds_and_is_never_wrong() {
    let log = |text: &str| [Folder::new().read("l.csv", text).unwrap()];
    let text = "question,score\na,1\na,0\nb,\nb,nan\nc,1\nc,1\nd,0\nd,0\n";
    let found = import(&log(text), &expected(4, 2)).unwrap();
    let summary = found.summary().unwrap();
    assert_eq!((summary.score.value, summary.bounds), (50.0, Some((37.5, 62.5))));
    let evaluation = found.evaluation("l", "m").unwrap();
    let (scores, failures) = (&evaluation.scores["birds"], &evaluation.failures["birds"]);
    assert_eq!((scores["b"].len(), failures["b"]), (0, 2));
    let error = import(&log("question,score\na,nan\na,nan\nb,\nb,nan\n"), &expected(2, 2)).unwrap_err();
    assert_eq!(error.to_string(), "not comparable: 2 of 2 questions; 2 without any scored sample (a, b)");
}

#[test]
fn samples_that_occur_twice_are_refused_with_both_places() {
    let folder = Folder::new();
    let text = "question,sample,correct\na,0,1\nb,0,1\na,0,0\n";
    let error = import(&[folder.read("l.csv", text).unwrap()], &expected(2, 1)).unwrap_err();
    assert_eq!(folder.says(&error), "l.csv:4: sample 0 of question `a` is already at l.csv:2");

    let (first, second) = (folder.read("1.csv", text).unwrap(), folder.read("2.csv", text).unwrap());
    let error = import(&[first, second], &expected(2, 2)).unwrap_err();
    assert_eq!(folder.says(&error), "2.csv has the same content as 1.csv: its samples would count twice");
}

/// Tables that number their samples mean other samples by other numbers.
#[test]
fn samples_of_one_number_in_two_tables_are_refused() {
    let folder = Folder::new();
    let first = folder.read("1.csv", "question,sample,correct\na,0,1\nb,0,1\n").unwrap();
    let again = folder.read("2.csv", "question,sample,correct\na,0,1\nb,0,1\n\n").unwrap();
    let error = import(&[first.clone(), again], &expected(2, 2)).unwrap_err();
    assert_eq!(folder.says(&error), "2.csv:2: sample 0 of question `a` is already at 1.csv:2");
    let further = folder.read("3.csv", "question,sample,correct\na,1,1\nb,1,1\n").unwrap();
    import(&[first, further], &expected(2, 2)).unwrap();
}

#[test]
fn logs_of_another_benchmark_are_refused_unless_the_name_is_given() {
    let folder = Folder::new();
    let line = "{\"doc_id\": 0, \"acc\": 1.0}\n";
    let log = folder.read("samples_harness_birds_2026-01-16T15.jsonl", line).unwrap();
    let error = import(std::slice::from_ref(&log), &expected(1, 1)).unwrap_err();
    assert!(folder.says(&error).ends_with("is a log of `harness_birds`, not of `birds`"), "{error}");
    let named = |names: &[&str]| Expected {
        tasks: names.iter().map(|name| (*name).to_owned()).collect(),
        ..expected(1, 1)
    };
    import(std::slice::from_ref(&log), &named(&["harness-birds"])).unwrap();

    // A benchmark of several tasks, each of which numbers its questions from 0.
    let other = folder.read("samples_owls_2026-01-16T15.jsonl", "{\"doc_id\": 0, \"acc\": 0.0}\n").unwrap();
    let both = Expected { questions: Questions::Count(2), ..named(&["harness_birds", "owls"]) };
    let import = import(&[log, other], &both).unwrap();
    assert_eq!(import.questions(), ["harness_birds/0", "owls/0"]);
}

#[test]
fn later_logs_have_further_samples() {
    let folder = Folder::new();
    let first = folder.read("1.csv", "question,correct\na,1\nb,0\n").unwrap();
    let second = folder.read("2.csv", "question,correct\nb,1\na,1\n").unwrap();
    let import = import(&[first, second], &expected(2, 2)).unwrap();
    let scores: Vec<String> = import.to_text().unwrap().lines().skip(1).map(str::to_owned).collect();
    assert_eq!(
        scores,
        [
            r#"{"question":"a","sample":0,"score":1.0}"#,
            r#"{"question":"a","sample":1,"score":1.0}"#,
            r#"{"question":"b","sample":0,"score":0.0}"#,
            r#"{"question":"b","sample":1,"score":1.0}"#,
        ]
    );
    assert_eq!(import.header.logs.iter().map(|log| &log.file).collect::<BTreeSet<_>>().len(), 2);
}
