//! Rows of published data sets: whose solution it is, which problem it is for, and what tests give nothing.
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_sandbox::rows::{
    Case, Check, Extraction, Numbered, Problems, Sample, Source, Tests, parse_samples,
};
use assay_sandbox::{Judge, Task, Until, Verdict, judge_task, task_of_sample};
use serde_json::{Value, json};

use crate::common::sandbox;

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

fn problems(rows: &[Value]) -> Problems {
    Problems::parse(&lines(rows), "p.jsonl".into()).unwrap()
}

fn samples(rows: &[Value]) -> Vec<Sample> {
    parse_samples(&lines(rows), "s.jsonl".into()).unwrap()
}

fn tests(row: &Value) -> Result<Tests, String> {
    let problems = problems(std::slice::from_ref(row));
    problems.get(problems.ids().next().unwrap()).unwrap().tests()
}

fn checks(row: &Value) -> Vec<Check> {
    let Ok(Tests::Checks(checks)) = tests(row) else { panic!("{row}") };
    checks
}

/// A problem with a test that has this output.
fn problem(ids: Value, output: &str) -> Value {
    let mut row = json!({ "tests": [{ "input": "", "output": output }] });
    row.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone());
    row
}

/// The output of the problem that a sample is for, or why there is none.
fn found(problems: &[Value], sample: Value) -> Result<String, String> {
    let all = self::problems(problems);
    let mut samples = samples(&[sample]);
    all.resolve(&mut samples).unwrap();
    let Tests::Scripts(cases) = all.find(&samples[0])?.tests()? else { panic!() };
    // What was resolved is named by the problem's own id.
    assert_eq!(all.get(&samples[0].problem).unwrap().tests().unwrap(), Tests::Scripts(cases.clone()));
    Ok(cases[0].output.clone())
}

#[test]
fn a_solution_in_a_row_with_tests_is_the_benchmarks() {
    let leetcode = json!({ "task_id": "two-sum", "entry_point": "f", "prompt": "", "test": "def check(c): c()",
                           "completion": "def f(): 1", "response": "```\ndef f(): 1\n```" });
    let with = |row: &Value, key: &str, value: &str| {
        let mut row = row.clone();
        row[key] = json!(value);
        row
    };
    for key in ["output", "generation", "predict", "prediction"] {
        let sample = samples(&[with(&leetcode, key, "reply")]).remove(0);
        assert_eq!(
            (sample.source, sample.is_reference),
            (Source::Generation("reply".into()), false),
            "{key}"
        );
    }
    let sample = samples(std::slice::from_ref(&leetcode)).remove(0);
    assert_eq!((sample.source, sample.is_reference), (Source::Completion("def f(): 1".into()), true));
    // Where the row has another solution for itself, these are a model's.
    let human = json!({ "task_id": "h", "entry_point": "f", "prompt": "", "test": "def check(c): c()",
                        "canonical_solution": " right" });
    let made = [
        ("completion", Source::Completion("made".into())),
        ("code", Source::Program("made".into())),
        ("response", Source::Generation("made".into())),
    ];
    for (key, source) in made {
        let sample = samples(&[with(&human, key, "made")]).remove(0);
        assert_eq!((sample.source, sample.is_reference), (source, false), "{key}");
    }
    assert!(samples(&[human])[0].is_reference);
    // A row without tests is no problem, and its solution may be a model's (EvalPlus).
    assert!(!samples(&[json!({ "task_id": "h", "solution": "x" })])[0].is_reference);
}

#[test]
fn a_reply_may_be_a_list_of_replies() {
    for key in ["output", "outputs", "generations", "response"] {
        let found = samples(&[json!({ "task_id": 0, key: ["a", "b"] })]);
        let sources: Vec<_> = found.into_iter().map(|sample| sample.source).collect();
        assert_eq!(sources, ["a", "b"].map(|text| Source::Generation(text.into())), "{key}");
    }
    let found = samples(&[json!({ "task_id": 0, "completions": ["a"] })]);
    assert_eq!(found[0].source, Source::Completion("a".into()));
}

#[test]
fn a_sample_names_its_problem_by_any_id_of_the_row() {
    let rows = [
        problem(json!({ "question_id": 1, "task_id": "two-sum" }), "A"),
        problem(json!({ "question_id": 2, "task_id": "three-sum", "id": 1 }), "B"),
        problem(json!({ "id": "own" }), "C"),
        problem(json!({ "id": null, "name": "Title" }), "D"),
    ];
    let cases = [
        (json!({ "task_id": "two-sum" }), "A"),
        (json!({ "question_id": 2 }), "B"),
        // The key that the problem has counts before all others.
        (json!({ "question_id": 1 }), "A"),
        (json!({ "id": 1 }), "B"),
        (json!({ "task_id": "own" }), "C"),
        (json!({ "question_id": null, "id": "own" }), "C"),
        (json!({ "name": "Title" }), "D"),
    ];
    for (mut sample, output) in cases {
        sample["code"] = json!("x");
        assert_eq!(found(&rows, sample.clone()).as_deref(), Ok(output), "{sample}");
    }
    let rows =
        [problem(json!({ "question_id": "a", "id": "x" }), "A"), problem(json!({ "task_id": "x" }), "B")];
    let error = found(&rows, json!({ "problem_id": "x", "code": "" })).unwrap_err();
    assert_eq!(error, "`x` names several problems: p.jsonl:1, p.jsonl:2");
    let error = found(&rows, json!({ "id": "y", "code": "" })).unwrap_err();
    assert_eq!(error, "there is no problem `y`");
    // A number that is no id is not taken for one, nor an id for a number.
    let rows = [problem(json!({ "id": 2 }), "A"), problem(json!({ "id": 1 }), "B")];
    assert!(found(&rows, json!({ "code": "" })).unwrap_err().contains("names no problem"));
}

#[test]
fn rows_without_an_id_go_by_their_number_and_are_counted() {
    let rows = [
        problem(json!({ "name": "Lucky" }), "A"),
        problem(json!({ "name": null }), "B"),
        problem(json!({ "name": "Lucky" }), "C"),
        problem(json!({ "name": "" }), "D"),
        problem(json!({ "name": "Other" }), "E"),
    ];
    let all = problems(&rows);
    assert_eq!(all.ids().collect::<Vec<_>>(), ["1", "2", "3", "4", "Other"]);
    assert_eq!(all.numbered(), Numbered { without_id: 2, with_shared_title: 2 });
    for (number, output) in [(1, "A"), (2, "B"), (3, "C"), (4, "D")] {
        assert_eq!(found(&rows, json!({ "task_id": number, "code": "x" })).as_deref(), Ok(output));
    }
    assert_eq!(found(&rows[1..], json!({ "code": "x" })).as_deref(), Ok("B"));
    // A title is no id that a row without one could not be told from.
    for sample in [
        json!({ "code": "x" }),
        json!({ "task_id": 1, "code": "x" }),
        json!({ "name": "Other", "code": "x" }),
    ] {
        assert_eq!(found(&rows[4..], sample).as_deref(), Ok("E"));
    }
    assert!(
        found(&rows, json!({ "name": "Lucky", "code": "x" })).unwrap_err().contains("names several problems")
    );
    // Counted from 0, each sample would be judged by the next problem.
    let mut from_zero =
        samples(&[json!({ "task_id": 0, "output": ["x"] }), json!({ "task_id": 1, "output": ["y"] })]);
    let error = all.resolve(&mut from_zero).unwrap_err();
    assert!(
        error.to_string().contains("from 1") && error.remedy().contains("give each problem an `id`"),
        "{error}"
    );
    problems(&[problem(json!({ "id": 0 }), "A")]).resolve(&mut from_zero).unwrap();
}

#[test]
fn one_row_that_is_none_costs_no_other() {
    let all = problems(&[json!({ "id": "a", "question": "?" }), problem(json!({ "id": "b" }), "B")]);
    let error = all.get("a").unwrap().tests().unwrap_err();
    assert!(error.starts_with("p.jsonl:1: a problem of unknown form"), "{error}");
    assert!(all.get("b").unwrap().tests().is_ok());
    let found = samples(&[json!({ "id": "b", "messages": [] }), json!({ "id": "b", "code": "x" })]);
    assert!(matches!(&found[0].source, Source::Unreadable(why) if why.starts_with("no sample: expected")));
    assert_eq!(found[1].source, Source::Program("x".into()));
}

#[test]
fn a_test_without_an_entry_point_is_run_as_it_is() {
    let unit = "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        A()";
    let kodcode = "from solution import add\n\ndef test_add():\n    assert add(1, 2) == 3\n";
    let called = "def check(c):\n    assert c(1)\ncheck(f)";
    for test in [unit, kodcode, called] {
        for row in
            [json!({ "id": "a", "test": test }), json!({ "id": "a", "test": test, "entry_point": null })]
        {
            assert_eq!((checks(&row)[0].code.as_str(), &checks(&row)[0].entry), (test, &None), "{row}");
        }
    }
    for (imports, setup) in [
        (json!(["import math", "import re"]), "import math\nimport re"),
        (json!("import math"), "import math"),
    ] {
        let row = json!({ "task_id": "ClassEval_0", "test": unit, "import_statement": imports });
        assert_eq!(checks(&row)[0].setup, setup);
    }
    let message = tests(&json!({ "id": "a", "test": unit, "import_statement": 3 })).unwrap_err();
    assert!(message.contains("`import_statement` is no list"), "{message}");
}

#[test]
fn tests_that_are_absent_give_nothing_and_the_others_count() {
    let (public, private) = (Case::new("1", "2", true), Case::new("3", "4", false));
    let group = |case: &Case| json!({ "input": [case.input], "output": [case.output] });
    let hub = |case: &Case| json!(json!([{ "input": case.input, "output": case.output }]).to_string());
    let cases = [
        (json!({ "public_tests": group(&public), "private_tests": null }), vec![public.clone()]),
        (json!({ "public_tests": null, "generated_tests": group(&private) }), vec![private.clone()]),
        (json!({ "public_test_cases": hub(&public), "private_test_cases": null }), vec![public.clone()]),
        (json!({ "public_test_cases": hub(&public) }), vec![public.clone()]),
        (json!({ "private_test_cases": hub(&private) }), vec![private.clone()]),
        (json!({ "public_tests": null, "tests": [{ "input": "3", "output": "4" }] }), vec![private.clone()]),
        // As JSON text.
        (json!({ "tests": json!([{ "input": "3", "output": "4" }]).to_string() }), vec![private.clone()]),
        (json!({ "tests": json!({ "inputs": ["3"], "outputs": ["4"] }).to_string() }), vec![private.clone()]),
        (json!({ "private_tests": group(&private).to_string() }), vec![private.clone()]),
    ];
    for (row, expected) in cases {
        assert_eq!(tests(&row), Ok(Tests::Scripts(expected)), "{row}");
    }
    for key in ["public_tests", "public_test_cases", "tests", "test"] {
        assert!(
            tests(&json!({ "id": "a", key: null })).unwrap_err().ends_with(&format!("its `{key}` is null"))
        );
    }
    assert!(tests(&json!({ "tests": "word" })).unwrap_err().contains("is a text"));
    let row = json!({ "id": "a", "test_list": json!(["assert f(1)"]).to_string() });
    assert_eq!(checks(&row)[0].code, "assert f(1)");
}

#[test]
fn a_test_that_is_indented_as_a_whole_is_not() {
    let row = json!({ "id": "a", "test_list": ["  assert f(-1) == 0", "\tfor x in y:\n\t\tassert f(x)", "if x:\n  f()"] });
    let codes: Vec<String> = checks(&row).into_iter().map(|check| check.code).collect();
    assert_eq!(codes, ["assert f(-1) == 0", "for x in y:\n\tassert f(x)", "if x:\n  f()"]);
}

#[test]
fn a_completion_of_an_unknown_prompt_is_not_judged() {
    let row = json!({ "task_id": "b", "entry_point": "f", "complete_prompt": "def f():\n",
                      "test": "def check(c):\n    assert c()" });
    let all = problems(&[row]);
    let task = |sample: Value| task_of_sample(&all, &samples(&[sample])[0], Judge::Assay);
    let judgement = task(json!({ "task_id": "b", "completion": "\n    return 1" })).unwrap_err();
    assert_eq!(judgement.verdict, Verdict::JudgeFailure);
    assert!(judgement.tests[0].detail.contains("no prompt"), "{judgement:?}");
    let whole = "def f():\n    return 1";
    assert_eq!(task(json!({ "task_id": "b", "completion": whole })).unwrap().program, whole);
}

#[test]
fn a_reply_that_is_the_body_goes_on_from_the_prompt() {
    let head = "from typing import List\n\ndef g(x):\n    return x\n\ndef f(x: List[int],\n      y={1: 2}) -> int:\n    \"\"\"One: more.\n    >>> f(1)\n    \"\"\"\n";
    let class = "class Solution:\n    def f(self, x):\n        ";
    let bare = "def f(x):\n    # Add one.";
    let program = |prompt: &str, reply: &str| {
        let all = problems(&[
            json!({ "id": "a", "prompt": prompt, "entry_point": "f", "test": "def check(c): c(1)" }),
        ]);
        let sample = samples(&[json!({ "id": "a", "output": reply })]).remove(0);
        sample.source.program(all.get("a").unwrap(), Extraction::Assay).unwrap()
    };
    let body = "    y = 1\n\n    return x + y";
    let in_class = body.replace("    ", "        ");
    for fence in [|text: &str| format!("So:\n```python\n{text}\n```\nDone."), |text: &str| text.to_owned()] {
        assert_eq!(program(head, &fence(body)), format!("{head}{body}"));
        assert_eq!(program(bare, &fence(body)), format!("{bare}\n{body}"));
        assert_eq!(
            program(class, &fence(&in_class)),
            format!("class Solution:\n    def f(self, x):\n{in_class}")
        );
        // What defines the function is no body, nor is anything after a function that has one.
        assert_eq!(program(head, &fence("    def f(x):\n        return x")), "def f(x):\n    return x");
        assert_eq!(program("def g(x):\n    return x\n", &fence("    print(1)")), "print(1)");
        assert_eq!(program("import math\n", &fence("    print(1)")), "print(1)");
    }
}

#[test]
fn an_argument_is_as_deep_as_the_interpreter_reads_it() {
    let Some(sandbox) = sandbox() else { return };
    let deep = "[".repeat(3000) + &"]".repeat(3000);
    let tests = Tests::Calls { function: "f".to_owned(), cases: vec![Case::new(deep, "3000", false)] };
    let verdict = |program: &str| {
        let mut results = Vec::new();
        let task = Task {
            judge: Judge::Assay,
            program: program.to_owned(),
            tests: tests.clone(),
            until: Until::Every,
        };
        judge_task(&sandbox, &task, &mut |result| results.push(result.verdict));
        results
    };
    let depth = "def f(s):\n    d = 1\n    while s:\n        s = s[0]\n        d += 1\n    return d";
    assert_eq!(verdict(depth), [Verdict::Pass]);
    assert_eq!(verdict("def f(s):\n    return 1"), [Verdict::WrongAnswer]);
}
