//! From answers to verdicts.

use assay_data::{Pending, pending, verdict, verdict_of_any, verdicts};
use assay_sandbox::grade::{Answer, Decision, Grade, How, Undecided};
use assay_sandbox::{Finding, Job, Judgement, Verdict};
use serde_json::json;

use crate::{item, parsed};

fn grade(result: Result<(bool, How), Undecided>) -> Finding {
    let result = result.map(|(equal, how)| Decision { equal, how, extracted: None });
    Finding::Graded(Grade { result, comparisons: 0, fuel: 0, peak_memory: 0 })
}

#[test]
fn findings_say_what_they_say() {
    for (finding, expected) in [
        (grade(Ok((true, How::Number))), Verdict::Pass),
        (grade(Ok((false, How::Number))), Verdict::WrongAnswer),
        (grade(Ok((false, How::NothingFound))), Verdict::CompileError),
        (grade(Err(Undecided::OutOfFuel)), Verdict::JudgeFailure),
        (Finding::Judged(Judgement { verdict: Verdict::TimeLimit, tests: vec![] }), Verdict::TimeLimit),
    ] {
        assert_eq!(verdict(&finding), expected);
        assert_eq!(verdict_of_any(&[finding]), expected);
    }
    let (right, wrong) = (grade(Ok((true, How::Text))), grade(Ok((false, How::Text))));
    let unknown = grade(Err(Undecided::OutOfMemory));
    assert_eq!(verdict_of_any(&[wrong.clone(), unknown.clone(), right]), Verdict::Pass);
    assert_eq!(verdict_of_any(&[wrong.clone(), unknown]), Verdict::JudgeFailure);
    assert_eq!(verdict_of_any(&[wrong.clone(), grade(Ok((false, How::NothingFound)))]), Verdict::WrongAnswer);
    assert_eq!(verdict_of_any(&[]), Verdict::JudgeFailure);
}

#[test]
fn exact_answers_are_compared_without_space_around_them() {
    let item = parsed(item(json!({"kind": "exact"}), &["a b", "c"]));
    for (answer, expected) in [
        (Some("a b"), Verdict::Pass),
        (Some("\n c "), Verdict::Pass),
        (Some("a  b"), Verdict::WrongAnswer),
        (Some("C"), Verdict::WrongAnswer),
        (Some(""), Verdict::WrongAnswer),
        (None, Verdict::WrongAnswer),
    ] {
        assert_eq!(pending(&item, answer), Pending::Decided(expected), "{answer:?}");
    }
}

#[test]
fn an_answer_is_graded_against_each_reference() {
    for (form, is_response) in
        [(json!({}), false), (json!({"form": "answer"}), false), (json!({"form": "response"}), true)]
    {
        let mut check = json!({"kind": "grade", "grader": "math-verify"});
        check.as_object_mut().unwrap().extend(form.as_object().unwrap().clone());
        let item = parsed(item(check, &["1/2", "0.5"]));
        let Pending::Jobs(jobs) = pending(&item, Some("so $x$")) else { panic!() };
        let golds: Vec<_> = jobs
            .iter()
            .map(|job| match job {
                Job::Grade { grader, question } => {
                    assert_eq!(grader.name(), "math-verify");
                    assert_eq!(matches!(&question.answer, Answer::Response(_)), is_response);
                    question.gold.as_str()
                }
                Job::Judge(task) => panic!("{task:?}"),
            })
            .collect();
        assert_eq!(golds, ["1/2", "0.5"]);
        assert_eq!(pending(&item, None), Pending::Decided(Verdict::WrongAnswer));
    }
}

#[test]
fn labels_may_be_anything() {
    let item = parsed(item(json!({"kind": "choice", "labels": ["yes", "no"], "forced": true}), &["no"]));
    for (answer, expected) in [
        ("no", Verdict::Pass),
        (" no\n", Verdict::Pass),
        ("yes", Verdict::WrongAnswer),
        ("maybe", Verdict::CompileError),
        // Without values there is nothing to calculate.
        ("x=no", Verdict::CompileError),
    ] {
        assert_eq!(pending(&item, Some(answer)), Pending::Decided(expected), "{answer}");
    }
}

#[test]
fn programs_are_found_as_the_item_says() {
    let tests = json!({"scripts": [{"input": "", "output": "1", "public": true}]});
    let found = |program: &str, answer: &str| {
        let item = parsed(item(json!({"kind": "tests", "program": program, "tests": tests}), &["print(1)"]));
        match pending(&item, Some(answer)) {
            Pending::Jobs(jobs) => match jobs.as_slice() {
                [Job::Judge(task)] => task.program.clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    let answer = "See:\n```python\nprint(1)\n```\nDone.";
    assert_eq!(found("fenced", answer), "print(1)");
    assert_eq!(found("fenced", "print(2)"), "print(2)");
    assert_eq!(found("plain", answer), answer);
}

#[test]
fn verdicts_come_in_the_order_of_the_answers() {
    let exact = parsed(item(json!({"kind": "exact"}), &["1"]));
    let graded = parsed(item(json!({"kind": "grade", "grader": "math-verify"}), &["1", "2"]));
    let answers = [
        (&exact, Some("1")),
        (&graded, Some("2")),
        (&exact, Some("3")),
        (&graded, None),
        (&graded, Some("4")),
        (&graded, Some("5")),
    ];
    let judged = verdicts(&answers, |jobs| {
        assert_eq!(jobs.len(), 6);
        // The last answer's findings are missing: nothing is known about it.
        let equal = |job: &Job| match job {
            Job::Grade { question, .. } => question.answer == Answer::Extracted(question.gold.clone()),
            Job::Judge(_) => false,
        };
        Ok::<_, ()>(jobs[..4].iter().map(|job| grade(Ok((equal(job), How::Text)))).collect())
    });
    use Verdict::{JudgeFailure, Pass, WrongAnswer};
    assert_eq!(judged, Ok(vec![Pass, Pass, WrongAnswer, WrongAnswer, WrongAnswer, JudgeFailure]));
    assert_eq!(verdicts(&answers, |_| Err("stopped")), Err("stopped"));
}
