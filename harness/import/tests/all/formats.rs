//! Each format with what it may hold, and what is refused in it.

use assay_import::{Format, Options, read_log};

use crate::support::{Folder, samples};

#[test]
fn json_lines_have_verdicts_scores_and_reasons() {
    let text = "{\"question\": \"q1\", \"sample\": 0, \"correct\": true}\n\n\
                {\"question\": \"q1\", \"sample\": 1, \"score\": 0.25}\n\
                {\"question\": 2, \"correct\": 0}\n\
                {\"question\": 2, \"score\": NaN}\n\
                {\"question\": 2, \"score\": -Infinity}\n\
                {\"question\": 2, \"score\": null}\n\
                {\"question\": 2, \"correct\": false, \"error\": \"the NaN of a \\\"NaN\\\"\"}\n";
    let log = Folder::new().read("log.jsonl", text).unwrap();
    assert_eq!(log.format, Format::Jsonl);
    let expected = [
        "q1 0 1",
        "q1 1 0.25",
        "2 - 0",
        "2 - ? not-a-number",
        "2 - ? not-a-number",
        "2 - ? not-scored",
        "2 - ? error",
    ];
    assert_eq!(samples(&log), expected);
}

#[test]
fn csv_has_a_header_and_the_same_columns() {
    let text =
        "\u{feff}question,sample,score,benchmark\n\"a, b\",0,1,birds\n\"a, b\",1,nan,birds\nc,0,,birds\n";
    let log = Folder::new().read("log.csv", text).unwrap();
    assert_eq!(log.format, Format::Csv);
    assert_eq!(samples(&log), ["a, b 0 1", "a, b 1 ? not-a-number", "c 0 ? not-scored"]);
    assert_eq!(log.tasks.iter().collect::<Vec<_>>(), ["birds"]);
    let log = Folder::new().read("log.csv", "question,correct,score\na,true,\nb,,0.5\nc,,\n").unwrap();
    assert_eq!(samples(&log), ["a - 1", "b - 0.5", "c - ? not-scored"]);
}

#[test]
fn plain_tables_with_mistakes_are_refused_with_their_place() {
    let cases = [
        (
            "l.jsonl",
            "{\"question\": 1, \"correct\": 1}\n{\"question\": 1, oops}\n",
            "l.jsonl:2:17: key must be a string",
        ),
        ("l.jsonl", "{\"question\": 1, \"correct\": 2}\n", "l.jsonl:1: 2 is not a score between 0 and 1"),
        (
            "l.jsonl",
            "{\"question\": 1, \"correct\": 0.5}\n",
            "l.jsonl:1: `correct` is 0.5, but a verdict is 0 or 1",
        ),
        ("l.jsonl", "{\"question\": 1, \"score\": \"C\"}\n", "l.jsonl:1: `C` is not a score"),
        ("l.jsonl", "{\"question\": 1}\n", "l.jsonl:1: the row has neither `correct` nor `score`"),
        (
            "l.jsonl",
            "{\"question\": 1, \"correct\": 1, \"score\": 1}\n",
            "l.jsonl:1: the row has both `correct` and `score`",
        ),
        (
            "l.jsonl",
            "{\"question\": 1, \"corect\": 1}\n",
            "l.jsonl:1:25: unknown field `corect`, expected one of `question`, `sample`, `benchmark`, `correct`, `score`, `error`",
        ),
        (
            "l.jsonl",
            "{\"question\": 1, \"score\": Nope}\n",
            "l.jsonl:1:27: control character (\\u0000-\\u001F) found while parsing a string",
        ),
        ("t.csv", "question,corect\na,1\n", "t.csv:1: unknown column `corect`"),
        (
            "t.csv",
            "question,score,score\na,1,1\n",
            "t.csv:1: the header has a column twice, or no column `question`",
        ),
        ("t.csv", "question,score\na,1\nb\n", "t.csv:3: the row has 1 cells, the header 2"),
        ("t.csv", "question,score\na,1.5\n", "t.csv:2: `1.5` is not a score"),
        ("t.csv", "question,sample,score\na,x,1\n", "t.csv:2: `x` is not a sample's number"),
        ("t.csv", "question,score\n,1\n", "t.csv:2: `question` is neither text nor a whole number"),
        ("t.txt", "no table\n", "t.txt: the format is not recognised"),
        ("t.json", "{\"a\": 1}", "t.json: the format is not recognised"),
    ];
    for (name, text, message) in cases {
        assert_eq!(Folder::new().refusal(name, text), message, "{text}");
    }
}

/// Only the first keys tell the format: a log of Inspect on one line may have a `question` deep inside.
#[test]
fn a_format_is_recognised_by_its_first_keys() {
    let sample = r#"{"id": 1, "epoch": 1, "metadata": {"question": "a \"b\" {"}, "scores": {"match": {"value": "C"}}}"#;
    let log = |status: &str| {
        format!(
            r#"{{"version": 2, "status": "{status}", "eval": {{"task": "birds", "model": "m"}}, "samples": [{sample}]}}"#
        )
    };
    for (status, kept) in [("success", None), ("cancelled", Some("cancelled")), ("error", Some("error"))] {
        let log = Folder::new().read("log.json", log(status)).unwrap();
        assert_eq!((log.format, log.status.as_deref()), (Format::Inspect, kept));
        let import = crate::support::import(&[log], &crate::support::expected(1, 1)).unwrap();
        assert_eq!(import.header.logs[0].status.as_deref(), kept);
    }
    let plain = Folder::new().read("l.jsonl", "{\"correct\": 1, \"question\": \"eval\"}\n").unwrap();
    assert_eq!(plain.format, Format::Jsonl);
}

/// Lines as the harness writes them: one for each filter.
fn lm_eval() -> String {
    let line = |id: u32, filter: &str, value: &str| {
        format!(
            "{{\"doc_id\": {id}, \"doc\": {{\"question\": \"How many?\"}}, \"target\": \"3\", \"arguments\": {{}}, \"resps\": [[\"3\"]], \
             \"filtered_resps\": [\"3\"], \"filter\": \"{filter}\", \"metrics\": [\"exact_match\"], \"doc_hash\": \"d\", \
             \"prompt_hash\": \"p\", \"target_hash\": \"t\", \"exact_match\": {value}}}\n"
        )
    };
    [
        line(0, "strict-match", "0.0"),
        line(0, "flexible-extract", "1.0"),
        line(1, "strict-match", "NaN"),
        line(1, "flexible-extract", "1.0"),
    ]
    .concat()
}

#[test]
fn the_harness_has_a_score_for_each_metric_and_filter() {
    let folder = Folder::new();
    let name = "samples_big_birds_2026-01-16T15-23-47.285735.jsonl";
    let path = folder.write(name, lm_eval());
    let error = read_log(&path, &Options::default()).unwrap_err();
    let known = "several metrics: `exact_match,flexible-extract`, `exact_match,strict-match`";
    assert_eq!(folder.says(&error), format!("{name} has {known}"));
    assert_eq!(error.remedy(), "choose one with --metric NAME");
    let read =
        |metric: &str| read_log(&path, &Options { metric: Some(metric.to_owned()), ..Options::default() });
    let log = read("exact_match,strict-match").unwrap();
    assert_eq!(
        (log.format, samples(&log)),
        (Format::LmEval, vec!["0 0 0".to_owned(), "1 0 ? not-a-number".to_owned()])
    );
    assert_eq!(log.tasks.iter().collect::<Vec<_>>(), ["big_birds"]);
    assert!(folder.says(&read("acc").unwrap_err()).contains("has no metric `acc`; it has `exact_match,"));

    let plain = "{\"doc_id\": 0, \"doc\": {}, \"filter\": \"none\", \"acc\": 1.0}\n";
    let log = folder.read("samples_a.jsonl", plain).unwrap();
    assert_eq!((samples(&log), log.metric.as_deref()), (vec!["0 0 1".to_owned()], Some("acc")));
    let list = "{\"doc_id\": 0, \"metrics\": [\"ppl\"], \"ppl\": [1.0, 2.0]}\n";
    assert_eq!(
        folder.refusal("samples_a.jsonl", list),
        "samples_a.jsonl:1: question `0`: a list is not a score"
    );
}

const LCB: &str = r#"[
  {"question_id": "abc301_a", "difficulty": "easy", "code_list": ["", ""], "graded_list": [true, false], "pass@1": 0.5, "metadata": [{"x": NaN}]},
  {"question_id": "1873_B", "difficulty": "hard", "output_list": ["N", "-I"], "graded_list": [false, false]}
]"#;

#[test]
fn livecodebench_has_a_list_of_verdicts_for_each_question() {
    let folder = Folder::new();
    let log = folder.read("x_eval_all.json", LCB).unwrap();
    assert_eq!(log.format, Format::Lcb);
    assert_eq!(samples(&log), ["abc301_a 0 1", "abc301_a 1 0", "1873_B 0 0", "1873_B 1 0"]);
    let path = folder.path("x_eval_all.json");
    let of = |difficulty: &str| {
        read_log(&path, &Options { difficulty: Some(difficulty.to_owned()), ..Options::default() })
    };
    assert_eq!(samples(&of("hard").unwrap()), ["1873_B 0 0", "1873_B 1 0"]);
    assert_eq!(
        folder.says(&of("harsh").unwrap_err()),
        "x_eval_all.json: no question has the difficulty `harsh`"
    );
    let cases = [
        (
            "[{\"question_id\": \"a\", \"graded_list\": [1]}]",
            "a.json:1:40: invalid type: integer `1`, expected a boolean",
        ),
        ("[{\"question_id\": \"a\"}]", "a.json:1:21: missing field `graded_list`"),
        ("[{\"question_id\": \"a\", \"graded_list\": [true]}", "a.json:1:44: EOF while parsing a list"),
    ];
    for (text, message) in cases {
        assert_eq!(folder.refusal("a.json", text), message);
    }
}

#[test]
fn options_of_other_formats_are_refused() {
    let folder = Folder::new();
    let path = folder.write("a.csv", "question,score\na,1\n");
    let metric = Options { metric: Some("acc".to_owned()), ..Options::default() };
    let error = read_log(&path, &metric).unwrap_err();
    assert_eq!(folder.says(&error), "a.csv: a log of format csv has no metric to choose");
    let wrong = Options { format: Some(Format::Lcb), ..Options::default() };
    assert!(folder.says(&read_log(&path, &wrong).unwrap_err()).starts_with("a.csv:1:"));
}

/// A file that a judge of LiveCodeBench's form could have been given lies beside the repository in some places.
#[test]
fn recorded_verdicts_on_livecodebench_are_read_as_a_plain_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/lcb/samples.jsonl");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: there is no ../shared/data/lcb/samples.jsonl");
        return;
    };
    let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |row: &serde_json::Value| serde_json::json!({ "question_id": row["question_id"], "difficulty": row["difficulty"], "graded_list": [row["reference_graded"]] });
    let first = rows[0]["model"].clone();
    let of_first: Vec<_> = rows.iter().filter(|row| row["model"] == first).map(line).collect();
    let right = of_first.iter().filter(|row| row["graded_list"][0] == true).count();
    let log = Folder::new().read("all_eval_all.json", serde_json::to_string(&of_first).unwrap()).unwrap();
    assert_eq!(log.samples.len(), of_first.len());
    let ones = samples(&log).iter().filter(|sample| sample.ends_with(" 1")).count();
    assert_eq!(ones, right);
}
