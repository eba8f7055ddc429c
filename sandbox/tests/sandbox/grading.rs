//! Grading on rows of our own.
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_sandbox::grade::{
    Answer, AnswerRow, Compare, Grader, How, MatchType, Options, Question, Undecided, decide, grade, limits,
};
use assay_sandbox::{Limits, Run, RunOutcome, Sandbox};
use serde_json::{Value, json};

use crate::common::math_image;

/// For graders and questions that never get to the sandbox.
pub(crate) struct NoSandbox;

impl Compare for NoSandbox {
    fn call(&self, function: &str, arguments: Vec<Value>) -> Run {
        panic!("{function} was called with {arguments:?}");
    }
}

fn decided(grader: Grader, question: &Question, sandbox: &dyn Compare) -> (bool, How) {
    let decision =
        grade(grader, question, sandbox).result.unwrap_or_else(|why| panic!("{question:?}: {why}"));
    (decision.equal, decision.how)
}

#[test]
fn math_verify_compares_formulas() {
    let Some(image) = math_image() else { return };
    let sandbox = Sandbox::new(image, limits());
    let cases = [
        (r"$\frac{3}{4}$", "0.75", true, How::Symbolic),
        (r"$(x+1)(x-1)$", r"$x^2-1$", true, How::Symbolic),
        (r"$\{3, 1, 2\}$", r"$\{1,2,3\}$", true, How::Symbolic),
        (r"$[0, 2)$", r"$[0, 2]$", false, How::Symbolic),
        (r"$\sqrt{8}$", r"The answer is $2\sqrt{2}$.", true, How::Symbolic),
        ("7", "no digits in here", false, How::NothingFound),
        ("12", "12.000", true, How::Number),
        ("12", "12.1", false, How::Number),
        (r"$x_1 = \frac12$", r"$x_1 = \frac12$", true, How::Text),
    ];
    for (gold, prediction, equal, how) in cases {
        let found = decided(Grader::MathVerify, &Question::pair(gold, prediction), &sandbox);
        assert_eq!(found, (equal, how), "{gold} {prediction}");
    }
    let response =
        Question::response(r"\frac{3}{4}", r"So $x = 3$, and in the end we get \boxed{\frac{6}{8}}.");
    let found = grade(Grader::MathVerify, &response, &sandbox).result.unwrap();
    assert_eq!((found.equal, found.extracted.as_deref()), (true, Some(r"\frac{6}{8}")));
}

#[test]
fn math_verify_does_as_it_is_told() {
    let Some(image) = math_image() else { return };
    let sandbox = Sandbox::new(image, limits());
    let with = |gold: &str, prediction: &str, options: Options| {
        decided(Grader::MathVerify, &Question { options, ..Question::pair(gold, prediction) }, &sandbox).0
    };
    let precision = |precision| Options { precision: Some(precision), ..Options::default() };
    assert!(with("$2.71828$", "2.718", precision(2)));
    assert!(!with("$2.71828$", "2.718", precision(5)));
    let kinds = |kinds: &[MatchType]| Options { match_types: Some(kinds.to_vec()), ..Options::default() };
    assert!(!with("5", "5", kinds(&[MatchType::Latex])), "no formula, so nothing is found");
    assert!(with("5", "5", kinds(&[MatchType::Expr])));
    assert!(with("It is B.", "Answer: B", kinds(&[MatchType::String])));
    let strict = |strict| Options { strict: Some(strict), ..Options::default() };
    assert!(!with("$a + 1$", "$b + 1$", strict(true)));
    assert!(with("$a + 1$", "$b + 1$", strict(false)));
}

#[test]
fn skythought_compares_text_then_numbers_then_expressions() {
    let Some(image) = math_image() else { return };
    let sandbox = Sandbox::new(image, limits());
    let cases = [
        (" Paris", "paris ", true, How::Text),
        ("C", "(c).", true, How::Choice),
        ("1,000", "1000.05", true, How::Number),
        ("4", "400", true, How::Number),
        ("50%", "0.5", true, How::Number),
        ("3", "4", false, How::Number),
        ("3", "", false, How::Text),
        ("[1,2]", "1,2", false, How::Symbolic),
        ("1,2", "[1,2]", true, How::Text),
        ("(1, 1/2)", "[1, 0.5]", true, How::Parts),
        (r"\begin{pmatrix}1\\4\end{pmatrix}", r"\begin{pmatrix}1.0\\2+2\end{pmatrix}", true, How::Parts),
        ("y = 2x + 1", "2x - y = -1", true, How::Symbolic),
        ("x = 5", "5", true, How::Symbolic),
        ("2(x+1)", "2x+2", true, How::Symbolic),
        (r"\sqrt{2}", r"\sqrt{3}", false, How::Symbolic),
    ];
    for (gold, prediction, equal, how) in cases {
        let found = decided(Grader::SkyThought, &Question::pair(gold, prediction), &sandbox);
        assert_eq!(found, (equal, how), "{gold} {prediction}");
    }
}

/// The published rule, oddities included, without the sandbox.
#[test]
fn skythought_extracts_and_normalizes() {
    let cases = [
        (r"first \boxed{1}, then \boxed{\frac12}", r"\frac{1}{2}"),
        (r"\boxed{twenty one}", "21"),
        (r"\boxed{\text{seven}}", "7"),
        (r"\boxed{3\text{ cm}^2}", "3"),
        (r"\boxed{x=7}", "7"),
        (r"\boxed 12$ and so on", "12"),
        (r"\boxed{900,000,000}", "0,0,900"),
        (r"\boxed{sand}", "s"),
        ("The answer is: 12.50.", "12.50"),
        ("final answer is $5$. I hope it is correct.", "5"),
        ("it costs 1,234.5 dollars", "1234.5"),
        ("nothing", ""),
    ];
    for (response, expected) in cases {
        let gold =
            grade(Grader::SkyThought, &Question::response(expected, response), &NoSandbox).result.unwrap();
        assert_eq!(gold.extracted.as_deref(), Some(expected), "{response}");
    }
}

#[test]
fn choices_are_letters() {
    let letter = |grader, text: &str| {
        grade(grader, &Question::response("B", text), &NoSandbox).result.unwrap().extracted
    };
    let four = |text| letter(Grader::ChoiceSkyThought, text).unwrap();
    assert_eq!(four("It is (b)"), "B");
    assert_eq!(four("B, for a reason"), "A", "the article counts");
    assert_eq!(four("None."), "None");
    let ten = |text| letter(Grader::ChoiceMmluPro, text);
    assert_eq!(ten("the answer is (C). No: the answer is D").as_deref(), Some("C"));
    assert_eq!(ten("Answer: A or answer: B\nAnswer: C").as_deref(), Some("B"));
    assert_eq!(ten("H or I").as_deref(), Some("I"));
    assert_eq!(ten("h or i"), None);
    let right = grade(Grader::ChoiceMmluPro, &Question::response("C", "answer is C"), &NoSandbox);
    assert_eq!(right.equal(), Some(true));
}

/// What ends in the sandbox for want of fuel or memory is neither equal nor different, though the packages
/// catch every exception.
#[test]
fn what_runs_out_is_undecided() {
    let Some(image) = math_image() else { return };
    let pair = Question::pair(r"$\frac{1}{2}$", r"$\frac{2}{4}$");
    let starved = Sandbox::new(image, Limits { fuel: 1_000_000, ..limits() });
    let found = grade(Grader::MathVerify, &pair, &starved);
    assert_eq!((found.result.clone(), found.equal()), (Err(Undecided::OutOfFuel), None));
    assert!(found.fuel >= 1_000_000, "{}", found.fuel);

    let cramped = Sandbox::new(image, Limits { memory_bytes: 178 << 20, ..limits() });
    assert_eq!(grade(Grader::MathVerify, &pair, &cramped).equal(), Some(true));
    let hungry = Question::pair("z", "'x' * 10**8 + 'y' * 10**8");
    assert_eq!(grade(Grader::SkyThought, &hungry, &cramped).result, Err(Undecided::OutOfMemory));
}

/// A prediction is text that SkyThought's grader evaluates: it may break its own comparison, not another's.
#[test]
fn comparisons_do_not_meet() {
    let Some(image) = math_image() else { return };
    let sandbox = Sandbox::new(image, Limits { fuel: 1_000_000_000, ..limits() });
    let good = Question::pair("2(x+1)", "2x+2");
    let before = grade(Grader::SkyThought, &good, &sandbox);
    let hostile = [
        "__import__('sys').modules.clear()",
        "[setattr(__import__('sympy'), 'simplify', lambda x: 0) for _ in 'x']",
        "__import__('gc').get_objects().clear()",
        "exit()",
        "[x for x in iter(int, 1)]",
        "((((((((((9**9)**9)**9)**9)**9)**9)**9)**9)**9)**9)",
    ];
    for prediction in hostile {
        let found = grade(Grader::SkyThought, &Question::pair("77", prediction), &sandbox);
        assert_ne!(found.equal(), Some(true), "{prediction}");
        assert_eq!(grade(Grader::SkyThought, &good, &sandbox), before, "{prediction}");
    }
}

/// The same question has the same grade, fuel included, on several threads and whatever came before.
#[test]
fn grades_repeat() {
    let Some(image) = math_image() else { return };
    let sandbox = Sandbox::new(image, limits());
    let questions: Vec<Question> =
        [(r"$\frac{1}{3}$", "0.333333"), ("$x+y$", "$y+x$"), ("$(1,2)$", "$(2,1)$")]
            .into_iter()
            .map(|(gold, prediction)| Question::pair(gold, prediction))
            .collect();
    let all = |questions: &[Question]| -> Vec<_> {
        questions.iter().map(|question| grade(Grader::MathVerify, question, &sandbox)).collect()
    };
    let first = all(&questions);
    let mut backwards = questions.clone();
    backwards.reverse();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| all(&backwards));
        assert_eq!(all(&questions), first);
        let mut other = other.join().unwrap();
        other.reverse();
        assert_eq!(other, first);
    });
}

/// A broken reply of the sandbox is a failure, not a grade.
#[test]
fn an_unreadable_reply_is_a_failure() {
    struct Broken(RunOutcome);
    impl Compare for Broken {
        fn call(&self, _: &str, _: Vec<Value>) -> Run {
            Run { outcome: self.0.clone(), fuel: 5, peak_memory: 7 }
        }
    }
    let completed = |output: &str| RunOutcome::Completed { output: output.to_owned() };
    let outcomes = [
        completed("yes"),
        completed("[1]"),
        RunOutcome::OutputLimit,
        RunOutcome::RuntimeError { message: "E".to_owned() },
        RunOutcome::JudgeFailure { message: "E".to_owned() },
    ];
    for outcome in outcomes {
        for grader in [Grader::MathVerify, Grader::SkyThought] {
            let found = grade(grader, &Question::pair("$x$", "$y$"), &Broken(outcome.clone()));
            assert!(matches!(found.result, Err(Undecided::JudgeFailure(_))), "{outcome:?} {found:?}");
            assert_eq!((found.equal(), found.fuel, found.peak_memory), (None, 5, 7));
        }
    }
}

#[test]
fn rows_are_read_and_written() {
    let row =
        AnswerRow::parse(r#"{"id": 7, "gold": 27.0, "prediction": "27", "other": [1], "expected": true}"#, 1)
            .unwrap();
    assert_eq!(row.question, Question::pair("27.0", "27"));
    assert_eq!((row.id.clone(), row.expected), (json!(7), Some(true)));
    let line = row.result(Grader::MathVerify, &grade(Grader::MathVerify, &row.question, &NoSandbox));
    let expected = json!({
        "format": 1, "id": 7, "equal": true, "grader": "math-verify 0.9.0", "how": "number", "extracted": "27",
    });
    assert_eq!(json!(line), expected);

    let row =
        AnswerRow::parse(r#"{"id": "a", "gold": "B", "output": "so: B", "correct": false}"#, 1).unwrap();
    assert_eq!((row.question.answer, row.expected), (Answer::Response("so: B".to_owned()), Some(false)));
    let row =
        AnswerRow::parse(r#"{"id": "a", "gold": "B", "prediction": null, "generation": "B"}"#, 1).unwrap();
    assert_eq!(row.question.answer, Answer::Response("B".to_owned()), "null is no prediction");
    let row = AnswerRow::parse(r#"{"id": "a", "gold": "B", "generation": null, "output": null}"#, 1).unwrap();
    assert_eq!(row.question.answer, Answer::Response(String::new()), "no answer is an answer");
    // What is written counts, not the nearest double; a lone surrogate, as Python writes it, is no obstacle.
    let row = AnswerRow::parse(
        r#"{"id": 18446744073709551615, "gold": 12345678901234567890123, "prediction": "\ud800"}"#,
        1,
    );
    let row = row.unwrap();
    assert_eq!(row.question, Question::pair("12345678901234567890123", "\u{fffd}"));
    assert_eq!(row.id.to_string(), "18446744073709551615");

    let refused = [
        ("nonsense", "no JSON object"),
        ("[1]", "no JSON object"),
        (r#"{"gold": "1", "prediction": "1"}"#, "`id` is missing"),
        (r#"{"id": null, "gold": "1", "prediction": "1"}"#, "`id` is missing"),
        (r#"{"id": true, "gold": "1", "prediction": "1"}"#, "`id` is neither"),
        (r#"{"id": 12345678901234567890123, "gold": "1", "prediction": "1"}"#, "an integer of 64 bits"),
        (r#"{"id": 1.5, "gold": "1", "prediction": "1"}"#, "an integer of 64 bits"),
        (r#"{"id": "a", "prediction": "1"}"#, "`gold` is missing"),
        (r#"{"id": "a", "gold": "1"}"#, "there is no `prediction`"),
        (r#"{"id": "a", "gold": null, "prediction": "1"}"#, "`gold` is neither"),
        (r#"{"id": "a", "gold": "1", "prediction": ["1"]}"#, "`prediction` is neither"),
        (r#"{"id": "a", "gold": "1", "prediction": "1", "options": {"precision": -1}}"#, "`options`: "),
        (r#"{"id": "a", "gold": "1", "prediction": "1", "options": {"match_types": ["x"]}}"#, "`options`: "),
    ];
    for (line, message) in refused {
        let error = AnswerRow::parse(line, 7).unwrap_err();
        assert!(error.message.contains(message), "{line}: {error}");
        assert!(error.to_string().starts_with("line 7: "), "{error}");
        let result = json!(error.result(Grader::MathVerify));
        assert_eq!(result["line"], 7);
        assert_eq!((&result["equal"], &result["how"]), (&Value::Null, &json!("undecodable")));
    }
    assert_eq!(AnswerRow::parse(r#"{"id": "a", "gold": "1"}"#, 1).unwrap_err().id, Some(json!("a")));
}

/// The text after the last `=`, of any length, in value; what is no number is wrong, and nothing panics.
#[test]
fn rational_numbers_are_compared_exactly() {
    let ten = |zeros: usize| format!("1{}", "0".repeat(zeros));
    let (long, longer) = (ten(20_000), format!("{}1", ten(19_999)));
    let fraction = format!("{}/{}", ten(20_001), ten(20_000));
    let third = format!("0.{}", "3".repeat(5_000));
    let right = [
        ("35", "35"),
        ("35", "x=35"),
        ("35", "12+30-7=35"),
        ("x=7", "7"),
        ("5/2", "2.5"),
        ("5/2", "10/4"),
        ("-5/2", "-2.50"),
        ("2.5", "5/2"),
        ("0", "-0"),
        ("0", "0/7"),
        ("0", "-0.00"),
        ("7", "007"),
        ("7", "7.000"),
        ("12345678901234567891/3", "37037036703703703673/9"),
        ("10", &fraction),
        (&long, &long),
    ];
    let wrong = [
        ("35", "53"),
        ("35", "-35"),
        ("5/2", "5/3"),
        ("1/3", "0.3333"),
        ("1/3", &third),
        (&long, &longer),
        ("999999999", "1999999999"),
    ];
    let malformed = [
        "",
        "35=",
        "thirty-five",
        "+35",
        " 35",
        "35 ",
        "3 5",
        "35.",
        ".5",
        "35/",
        "/1",
        "35/0",
        "0/0",
        "1/2/3",
        "1.5/2",
        "3-5",
        "--35",
        "35/-1",
        "1e1",
        "35.0x0",
        "٣٥",
    ];
    for (gold, answer) in right {
        for question in [Question::pair(gold, answer), Question::response(gold, answer)] {
            assert_eq!(decided(Grader::Rational, &question, &NoSandbox), (true, How::Number), "{answer:.60}");
        }
    }
    for (gold, answer) in wrong {
        let question = Question::pair(gold, answer);
        assert_eq!(decided(Grader::Rational, &question, &NoSandbox), (false, How::Number), "{answer:.60}");
    }
    for answer in malformed {
        let question = Question::pair("35", answer);
        assert_eq!(
            decided(Grader::Rational, &question, &NoSandbox),
            (false, How::NothingFound),
            "{answer:?}"
        );
    }
    // A gold answer that is no number equals nothing, not even itself.
    let question = Question::pair("x", "x");
    assert_eq!(decided(Grader::Rational, &question, &NoSandbox), (false, How::NothingFound));
}

/// What is decided without the sandbox is what the grader says with one.
#[test]
fn what_needs_no_sandbox_is_known() {
    let plain = Question::pair("12", "12.000");
    assert_eq!(decide(Grader::MathVerify, &plain), Some(grade(Grader::MathVerify, &plain, &NoSandbox)));
    assert_eq!(decide(Grader::MathVerify, &Question::pair("$x+1$", "$1+x$")), None);
    for grader in Grader::ALL.into_iter().filter(|grader| !grader.uses_sandbox()) {
        assert!(decide(grader, &plain).is_some(), "{grader}");
    }
}

/// A gold answer is mostly LaTeX without delimiters, and so may a prediction be.
#[test]
fn answers_without_delimiters_are_compared_as_formulas_too() {
    let Some(image) = math_image() else { return };
    let sandbox = Sandbox::new(image, limits());
    let cases = [
        (r"\text{Evelyn}", r"\text{Evelyn}", true),
        ("p - q", "-q + p", true),
        ("(3,4]", "(3, 4]", true),
        ("(3,4]", "[3, 4]", false),
        (r"\frac{x}{2}", r"$\frac{x}{3}$", false),
        (r"\$36", "36", true),
        ("p - q", "p + q", false),
    ];
    for (gold, prediction, equal) in cases {
        let found = decided(Grader::MathVerify, &Question::pair(gold, prediction), &sandbox).0;
        assert_eq!(found, equal, "{gold} {prediction}");
    }
    let published = Question::pair("p - q", "p - q");
    assert!(!decided(Grader::MathVerifyPublished, &published, &sandbox).0);
    // An escaped dollar sign is money, not a delimiter.
    for (gold, response, equal) in [
        (r"\$36", r"So she pays \boxed{\$36}.", true),
        (r"\$18.90", r"It is \boxed{18.90}.", true),
        (r"\$1.5\times 10^6", r"\boxed{1500000}", true),
        (r"\$36", r"So she pays \boxed{\$37}.", false),
    ] {
        let found = decided(Grader::MathVerify, &Question::response(gold, response), &sandbox).0;
        assert_eq!(found, equal, "{gold} {response}");
    }
}
