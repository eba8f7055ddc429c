//! Answers alone, answers that cannot be finished, and files of answers.
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_sandbox::grade::{AnswerRow, Grader, How, Question, Undecided, grade, limits, read_answers};
use assay_sandbox::{Limits, Sandbox};
use camino::Utf8PathBuf;
use serde_json::json;

use crate::common::math_image;
use crate::grading::NoSandbox;

/// Of each: gold answer, prediction, whether it is right, and whether the original says so.
const ALONE: [(&str, &str, bool, bool); 51] = [
    // A number in each is the same, the formulas are not.
    ("2x+1", "2x+5", false, true),
    (r"2\sqrt{3}", r"2\sqrt{5}", false, true),
    ("3x+2", "3", false, true),
    ("7a+b", "7b+a", false, true),
    ("3R^2", "3S", false, true),
    (r"2 \pi", "2 e", false, true),
    (r"1 \pm \sqrt{19}", r"1 + \sqrt{19}", false, true),
    (r"\pm 3", "3", false, true),
    ("3 or 4", "4", false, true),
    ("x=3 or x=4", "x=4", false, true),
    ("12:30", "12:45", false, true),
    ("2:3", "2:5", false, true),
    ("4, 12, 2", "10, 4, 2", false, true),
    ("$2$", "2x+5", false, true),
    // So are the formulas.
    ("2x+1", "1 + 2x", true, true),
    (r"2\sqrt{5}", "2*sqrt(5)", true, true),
    (r"1 \pm \sqrt{19}", r"1 - \sqrt{19}, 1 + \sqrt{19}", true, true),
    ("x = 5", "5", true, true),
    ("5", "5.", true, true),
    (r"8\pi", "8π", true, true),
    ("10{,}000", "10000", true, false),
    // Bases.
    ("4210_{5}", "4210_{6}", false, true),
    ("4210_5", "4210_{5}", true, true),
    ("4210_{5}", "4210", true, true),
    // Words.
    ("June 20", "July 20", false, true),
    (r"\text{June 20}", "June 20", true, true),
    ("12:30 PM", "12:45 PM", false, true),
    ("20 apples", "20 oranges", false, true),
    ("20 oranges", "20", true, true),
    ("1/2 cups", "0.5", true, true),
    ("5", "5 chairs", true, true),
    (r"\text{Evelyn}", "evelyn", true, false),
    ("even", "not even", false, false),
    ("5 hours", "five hours", false, false),
    ("10 cm", r"10\text{ cm}^2", true, true),
    (r"5\text{ m/s}", "5 m/s", true, true),
    ("100 km/h", "100", true, true),
    ("4 hours 30 minutes", "4 hours and 30 minutes", true, true),
    ("5 apples and 3 pears", "3 apples and 5 pears", false, false),
    ("2 + 3 = 5", "5", true, true),
    ("2x+1", "The answer is 2x+1", true, true),
    ("2x+1", "The answer is 2x+5", false, true),
    // What is no formula is searched.
    ("73", "✅ Final Answer: **73**", true, true),
    ("42", "We add 40 and 2 to get 42", true, true),
    (r"\frac{1}{2}", "so $0.5$ it is", true, true),
    ("so $p - q$ it is", "p - q", true, false),
    ("so $2$ it is", "2x+5", false, true),
    ("2x+1", "it is $2x+5$", false, false),
    ("≈ 3.5", "3.5", true, true),
    ("5 + 3 = 8\nSo there are 8 left.\n#### 8", "8", true, true),
    ("5 + 3 = 8\nSo there are 8 left.\n#### 8", "9", false, false),
];

#[test]
fn answers_alone_are_compared_from_end_to_end() {
    let Some(image) = math_image() else { return };
    let sandbox = Sandbox::new(image, limits());
    let said = |grader, gold: &str, prediction: &str| {
        grade(grader, &Question::pair(gold, prediction), &sandbox).equal()
    };
    let mut wrong = Vec::new();
    for (gold, prediction, equal, published) in ALONE {
        let found = said(Grader::MathVerify, gold, prediction);
        let original = said(Grader::MathVerifyPublished, gold, prediction);
        if (found, original) != (Some(equal), Some(published)) {
            wrong.push((gold, prediction, found, original));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The base counts in a response too.
    for (response, equal) in [(r"\boxed{4210_6}", false), (r"\boxed{4210_5}", true), (r"\boxed{4210}", true)]
    {
        let found = grade(Grader::MathVerify, &Question::response("4210_{5}", response), &sandbox);
        assert_eq!(found.equal(), Some(equal), "{response}");
    }
}

/// A reply that only burns time is not right; a gold answer that does is not the reply's fault.
#[test]
fn what_burns_fuel_is_not_right() {
    let Some(image) = math_image() else { return };
    let sandbox = Sandbox::new(image, Limits { fuel: 2_000_000_000, ..limits() });
    let said = |grader, question: &Question| {
        let grade = grade(grader, question, &sandbox);
        grade.result.map(|decision| (decision.equal, decision.how))
    };
    let burnt = Ok((false, How::OutOfFuel));
    for costly in [r"99999999!", r"\sum_{k=1}^{100000000} \frac{1}{k}", r"\prod_{k=1}^{10000000} k"] {
        let boxed = format!(r"\boxed{{{costly}}}");
        for question in [Question::response("4", &boxed), Question::pair("4", costly)] {
            assert_eq!(
                said(Grader::MathVerifyPublished, &Question::response("4", &boxed)),
                burnt,
                "{costly}"
            );
            assert_eq!(said(Grader::MathVerify, &question), burnt, "{question:?}");
        }
        let question = Question::response(costly, r"\boxed{4}");
        assert_eq!(said(Grader::MathVerify, &question), Err(Undecided::OutOfFuel), "{costly}");
        assert_eq!(said(Grader::MathVerifyPublished, &question), burnt, "{costly}");
    }
    let row = json!({"id": 1, "gold": "4", "generation": r"\boxed{99999999!}"});
    let row = AnswerRow::parse(&row.to_string(), 1).unwrap();
    let line = json!(row.result(Grader::MathVerify, &grade(Grader::MathVerify, &row.question, &sandbox)));
    assert_eq!((&line["equal"], &line["how"]), (&json!(false), &json!("out-of-fuel")));
    assert_eq!(line["message"], "the comparison used up its fuel");
}

fn file(bytes: &[u8]) -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("rows.jsonl")).unwrap();
    fs_err::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn files_of_answers_are_lines_or_an_array() {
    let lines = "\u{feff}{\"id\": 1, \"gold\": \"1\", \"output\": \"1\"}\n\n{\"id\": 2}\n";
    let array = "[\n {\"id\": 1, \"gold\": \"1\", \"output\": \"1\"},\n\n {\"id\": 2}]";
    for (text, line) in [(lines, 3), (array, 4)] {
        let (_folder, path) = file(text.as_bytes());
        let rows = read_answers(&path).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].as_ref().unwrap().question, Question::response("1", "1"));
        assert_eq!(rows[1].as_ref().unwrap_err().line, line, "{text}");
    }
    let row = r#"{"id": 1, "gold": "1", "output": "1"}"#;
    let (lines, array) = (format!("{row}\n{row}"), format!("[{row},\n{row}]"));
    let refused: [(&[u8], &str, &str); 8] = [
        (b"{\"id\": 1}\n{\"id\": \"\xe9\"}", "rows.jsonl:2:9: the byte 0xe9 is not UTF-8", "as UTF-8"),
        (lines.as_bytes(), "rows.jsonl:2:1: a second row `1`", "of its own"),
        (array.as_bytes(), "rows.jsonl:2:1: a second row `1`", "of its own"),
        (b"[{\"id\": 1},", "rows.jsonl:1:11: no row", "one array of objects"),
        (b"\n", "holds no row", "at least one row"),
        (b"[]", "holds no row", "at least one row"),
        (b"\x1f\x8b\x08\x00\xff", "rows.jsonl is packed with gzip, not text", "gunzip"),
        (b"PAR1\x15\x04\xff", "rows.jsonl is a Parquet file, not text", "read_parquet"),
    ];
    for (bytes, message, remedy) in refused {
        let (_folder, path) = file(bytes);
        let error = read_answers(&path).unwrap_err();
        assert!(error.to_string().contains(message), "{message}: {error}");
        assert!(error.remedy().contains(remedy), "{message}: {}", error.remedy());
    }
}

/// Letters are compared with the gold answer as it stands; one that is no letter is told.
#[test]
fn gold_answers_that_are_no_letters_are_told() {
    let cases = [
        (Grader::ChoiceMmluPro, "J", None),
        (Grader::ChoiceMmluPro, "K", Some("none of the letters A to J")),
        (Grader::ChoiceMmluPro, "c", Some("none of the letters A to J")),
        (Grader::ChoiceMmluPro, "(C)", Some("none of the letters A to J")),
        (Grader::ChoiceSkyThought, "D", None),
        (Grader::ChoiceSkyThought, "J", Some("none of the letters A to D")),
        (Grader::ChoiceSkyThought, "", Some("none of the letters A to D")),
        (Grader::Rational, "42", None),
    ];
    for (grader, gold, told) in cases {
        let row = json!({"id": 1, "gold": gold, "generation": "The answer is (C)."});
        let row = AnswerRow::parse(&row.to_string(), 1).unwrap();
        let line = row.result(grader, &grade(grader, &row.question, &NoSandbox));
        assert_eq!(line.equal, Some(false), "{grader} {gold}");
        let message = line.message.unwrap_or_default();
        assert!(
            message.contains(told.unwrap_or_default()) && message.is_empty() == told.is_none(),
            "{message}"
        );
    }
}
