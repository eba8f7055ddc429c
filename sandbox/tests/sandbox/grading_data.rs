//! Graders against what the originals said, on rows that lie beside the repository.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use assay_sandbox::grade::{Answer, AnswerRow, Compare, Grade, Grader, How, Question, grade, limits};
use assay_sandbox::{Run, RunOutcome, Sandbox};
use serde_json::{Value, json};

use crate::common::{math_image, shared_rows};
use crate::grading::NoSandbox;

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_else(|| panic!("{key} of {row}"))
}

/// Grades all rows, on two threads.
fn grades(grader: Grader, rows: &[AnswerRow], sandbox: &dyn Compare) -> Vec<Grade> {
    let part = |rows: &[AnswerRow]| -> Vec<Grade> {
        rows.iter().map(|row| grade(grader, &row.question, sandbox)).collect()
    };
    let (left, right) = rows.split_at(rows.len() / 2);
    std::thread::scope(|scope| {
        let right = scope.spawn(|| part(right));
        let mut all = part(left);
        all.extend(right.join().unwrap());
        all
    })
}

fn equivalence_cases() -> Option<Vec<(String, AnswerRow)>> {
    let rows = shared_rows("math_equiv/cases.jsonl")?;
    Some(
        rows.iter()
            .map(|row| (text(row, "grader").to_owned(), AnswerRow::parse(&row.to_string(), 1).unwrap()))
            .collect(),
    )
}

/// Each grader on its own cases: all of them.
#[test]
fn graders_agree_with_the_originals_on_their_own_cases() {
    let (Some(image), Some(cases)) = (math_image(), equivalence_cases()) else { return };
    let sandbox = Sandbox::new(image, limits());
    for (grader, theirs, count) in
        [(Grader::MathVerifyPublished, "math-verify", 153), (Grader::SkyThought, "skythought.math_equal", 10)]
    {
        let rows: Vec<AnswerRow> =
            cases.iter().filter(|(name, _)| name == theirs).map(|(_, row)| row.clone()).collect();
        assert_eq!(rows.len(), count);
        let grades = grades(grader, &rows, &sandbox);
        let differ: Vec<_> =
            rows.iter().zip(&grades).filter(|(row, grade)| grade.equal() != row.expected).collect();
        assert!(differ.is_empty(), "{differ:#?}");
    }
}

/// A sandbox that is out of order.
struct Broken;

impl Compare for Broken {
    fn call(&self, _: &str, _: Vec<Value>) -> Run {
        Run { outcome: RunOutcome::JudgeFailure { message: String::new() }, fuel: 0, peak_memory: 0 }
    }
}

/// What is said without the sandbox is what math-verify says.
#[test]
fn what_is_certain_is_what_math_verify_says() {
    let (Some(image), Some(cases)) = (math_image(), equivalence_cases()) else { return };
    let sandbox = Sandbox::new(image, limits());
    let mut certain = 0;
    for (_, row) in &cases {
        let Answer::Extracted(prediction) = &row.question.answer else { continue };
        let Ok(decision) = grade(Grader::MathVerify, &row.question, &Broken).result else { continue };
        assert!(matches!(decision.how, How::Text | How::Number));
        let arguments = vec![json!(row.question.gold), json!(prediction), json!(row.question.options)];
        let RunOutcome::Completed { output } = sandbox.call("math-verify", arguments).outcome else {
            panic!()
        };
        let said: Value = serde_json::from_str(&output).unwrap();
        assert_eq!(said[0], json!(decision.equal), "{row:?}");
        certain += 1;
    }
    assert!(certain >= 70, "only {certain}");
}

#[test]
fn answers_are_extracted_as_by_the_originals() {
    let (Some(image), Some(cases)) = (math_image(), shared_rows("math_equiv/extraction_cases.jsonl")) else {
        return;
    };
    let sandbox = Sandbox::new(image, limits());
    assert_eq!(cases.len(), 35);
    for case in &cases {
        let input = text(case, "input");
        let extracted = |grader, question: &Question| {
            grade(grader, question, &sandbox).result.unwrap().extracted.unwrap_or_default()
        };
        let function = text(case, "function");
        let found = match function {
            // A box hands its content on as it is.
            "strip_answer_string" => {
                extracted(Grader::SkyThought, &Question::response("", format!("\\boxed{{{input}}}")))
            }
            "extract_answer" => extracted(Grader::SkyThought, &Question::response("", input)),
            "get_multiple_choice_answer" => {
                extracted(Grader::ChoiceSkyThought, &Question::response("", input))
            }
            // It is used for gold answers that are a letter.
            "choice_answer_clean" => {
                let pair = Question::pair(text(case, "expected"), input);
                let decision = grade(Grader::SkyThought, &pair, &NoSandbox).result.unwrap();
                assert!(decision.equal, "{case}");
                continue;
            }
            _ => {
                let mut options = json!({"match_types": ["string"]});
                if function.contains("lowercase=False") {
                    options["lowercase"] = json!(false);
                }
                if function.contains("'U'") {
                    options["strings"] = json!(["U"]);
                }
                let row = json!({"id": 1, "gold": input, "prediction": input, "options": options});
                let expected = case["expected"].as_array().unwrap();
                let found =
                    extracted(Grader::MathVerify, &AnswerRow::parse(&row.to_string(), 1).unwrap().question);
                assert_eq!(found, expected.last().map_or("", |last| last.as_str().unwrap()), "{case}");
                continue;
            }
        };
        assert_eq!(found, text(case, "expected"), "{case}");
    }
}

/// Two other graders judged these responses. Where ours differ from them, the gold answer or the rule is why:
/// math-verify lets an equation pass for its right side, reads `10{,}000` as a number and finds an answer
/// where the other found none; SkyThought's normal form sorts `900,000,000` as three integers.
#[test]
fn whole_responses_are_graded() {
    let (Some(image), Some(rows)) = (math_image(), shared_rows("math_generations/generations.jsonl")) else {
        return;
    };
    let sandbox = Sandbox::new(image, limits());
    let rows: Vec<AnswerRow> =
        rows.iter().map(|row| AnswerRow::parse(&row.to_string(), 1).unwrap()).collect();
    for (grader, agreed) in [(Grader::MathVerify, 529), (Grader::SkyThought, 525)] {
        let grades = grades(grader, &rows, &sandbox);
        assert!(grades.iter().all(|grade| grade.result.is_ok()), "{grader}");
        let count = rows.iter().zip(&grades).filter(|(row, grade)| grade.equal() == row.expected).count();
        eprintln!("{grader}: {count} of {} as the file says", rows.len());
        assert_eq!(count, agreed, "{grader}");
    }
}

/// MMLU-Pro's own evaluation extracted the same letters, but for two habits of the runs that these rows come
/// from: one model's stopped after the first rule, the other's guessed a letter where there was none.
#[test]
fn letters_are_extracted_as_by_mmlu_pro() {
    let Some(rows) = shared_rows("mmlu_pro_sample/mmlu_pro_560.jsonl") else { return };
    let (mut same, mut stopped, mut guessed) = (0, 0, 0);
    for row in &rows {
        for output in row["model_outputs"].as_array().unwrap() {
            let response = text(output, "generated_text");
            let question = Question::response(text(row, "answer"), response);
            let decision = grade(Grader::ChoiceMmluPro, &question, &NoSandbox).result.unwrap();
            let (found, theirs) = (decision.extracted.as_deref(), output["pred"].as_str());
            match (found, theirs) {
                _ if found == theirs => same += 1,
                (Some(_), None) if !first_rule_applies(response) => stopped += 1,
                (None, Some(_)) => guessed += 1,
                _ => panic!("{found:?} {theirs:?} {response}"),
            }
        }
    }
    assert_eq!((same, stopped, guessed), (991, 99, 30));
}

fn first_rule_applies(response: &str) -> bool {
    let mut after = response.split("answer is ").skip(1);
    after.any(|after| after.trim_start_matches('(').starts_with(|letter| ('A'..='J').contains(&letter)))
}
