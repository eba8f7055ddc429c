//! What `assay judge` prints and writes: one truth in all its forms, and nothing counted that is not known.

use serde_json::{Value, json};

use crate::world::World;

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// A workspace with these rows.
fn world(problems: &[Value], samples: &[Value]) -> World {
    let world = World::new();
    std::fs::write(world.path("problems.jsonl"), lines(problems)).unwrap();
    std::fs::write(world.path("samples.jsonl"), lines(samples)).unwrap();
    world
}

fn judge<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["judge", "problems.jsonl", "samples.jsonl", "--fuel", "300000000"], more].concat()
}

fn sum() -> Value {
    json!({ "id": "sum", "difficulty": "easy", "tests": [
        { "input": "1 2\n", "output": "3\n" }, { "input": "5 8\n", "output": "13" } ] })
}

fn human() -> Value {
    json!({ "task_id": "Human/0", "prompt": "def f(x):\n", "entry_point": "f",
            "test": "def check(c):\n    assert c(1) == 2, 'one and one'\n" })
}

fn sample(id: &str, problem: &str, code: &str) -> Value {
    json!({ "sample_id": id, "question_id": problem, "code": code })
}

const RIGHT: &str = "a, b = map(int, input().split())\nprint(a + b)";

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The judge fails on the first test and the program on the second: that one is meant wherever one is named.
#[test]
fn the_test_that_explains_a_verdict_is_the_same_everywhere() {
    let problem = json!({ "id": "p", "checks": ["assert (", "assert f(1) == 2, 'f of one'"] });
    let world = world(&[problem], &[sample("s", "p", "def f(x): return x")]);
    world.run(&judge(&["--out", "out.jsonl", "--report", "report.md"])).succeeds();
    let row = json_of(&world.read("out.jsonl"));
    assert_eq!(row["tests"], json!(["judge-failure", "wrong-answer"]));
    assert_eq!(row["verdict"], "wrong-answer");
    let detail = row["detail"].as_str().unwrap();
    assert!(detail.contains("f of one"), "{detail}");
    let report = world.read("report.md");
    assert!(report.contains("| 2    |") && report.contains("f of one"), "{report}");
    let explained = world.run(&judge(&["--explain", "s"])).succeeds().stdout();
    assert!(
        explained.contains("test 2 failed: wrong-answer") && explained.contains("f of one"),
        "{explained}"
    );
    let explained = json_of(&world.run(&judge(&["--explain", "s", "--json"])).succeeds().stdout());
    assert_eq!(explained["failure"]["test"], 2);
    assert_eq!(explained["detail"], detail);
    assert_eq!(explained["failure"]["check"], "assert f(1) == 2, 'f of one'");
}

#[test]
fn an_explanation_is_that_of_the_judge_that_is_asked() {
    let world =
        world(&[sum(), human()], &[sample("s", "sum", "import sys\nprint(3, file=sys.stderr)\nprint(3)")]);
    let of = |judge_name: &str| {
        json_of(&world.run(&judge(&["--explain", "s", "--json", "--judges", judge_name])).succeeds().stdout())
    };
    let assay = of("assay");
    for (key, expected) in
        [("test", json!(2)), ("input", json!("5 8\n")), ("expected", json!("13")), ("stderr", json!("3\n"))]
    {
        assert_eq!(assay["failure"][key], expected, "{key}");
    }
    assert_eq!(assay["failure"]["written"].as_str().unwrap().trim(), "3");
    assert_eq!(assay["tests"], json!(["pass", "wrong-answer"]));
    // What the program writes in the sound judge's interpreter says nothing about this one.
    let lcb = of("lcb");
    assert_eq!((&lcb["failure"]["test"], &lcb["failure"]["written"]), (&json!(2), &Value::Null));
    let passed =
        world.run(&judge(&["--explain", "s", "--json", "--judges", "assay,lcb"])).succeeds().stdout();
    assert_eq!(passed.lines().count(), 2);
}

#[test]
fn a_long_message_of_a_check_is_shown_whole() {
    let message = "long ".repeat(60) + "end";
    let problem = json!({ "id": "p", "checks": [format!("assert f(1) == 2, '{message}'")] });
    let world = world(&[problem], &[sample("s", "p", "def f(x): return x")]);
    let explained = world.run(&judge(&["--explain", "s"])).succeeds().stdout();
    assert!(explained.contains(&message), "{explained}");
}

/// LiveCodeBench's judge has no tests in Python, whatever the sample: nothing is known, so there is no score.
#[test]
fn a_judge_without_such_tests_gives_no_score() {
    let empty = json!({ "sample_id": "none", "task_id": "Human/0", "output": "no code here" });
    let world = world(&[human()], &[empty, sample("some", "Human/0", "def f(x): return x")]);
    let ran = world.run(&judge(&["--judges", "skythought", "--json"])).fails_with(1);
    let summary = json_of(&ran.stdout());
    let score = &summary["judges"][0];
    assert_eq!(score["verdicts"], json!({ "judge-failure": 2 }));
    assert_eq!(score["not_scored"], json!({ "without_samples": 0, "not_judged": 1 }));
    let all = &score["scores"][0];
    assert!(all["pass_at"] == json!({}) && all["average"].is_null(), "{all}");
    ran.says(&[
        "2 of 2 judgements failed",
        "none by skythought: the judge skythought has no tests that are Python",
    ]);
}

#[test]
fn what_is_missing_from_a_score_is_said() {
    let problem = |id: &str, difficulty: &str| {
        let mut problem = sum();
        problem["id"] = json!(id);
        problem["difficulty"] = json!(difficulty);
        problem
    };
    let mut untested = problem("untested", "easy");
    untested["tests"] = json!([]);
    let problems = [problem("a", "all"), problem("b", "a|b"), problem("untried", "easy"), untested];
    let samples = [
        sample("a/0", "a", RIGHT),
        sample("a/1", "a", "print(1)"),
        sample("b/0", "b", "print(2)"),
        sample("u/0", "untested", RIGHT),
    ];
    let world = world(&problems, &samples);
    let ran = world.run(&judge(&["--report", "report.md"])).fails_with(1);
    let left_out = "assay 1: 2 of 4 problems not scored: 1 without samples, 1 without a judged sample";
    for text in [ran.stdout(), world.read("report.md")] {
        for part in [left_out, "25.0 (k=1–2)", "\"all\""] {
            assert!(text.contains(part), "no {part:?} in\n{text}");
        }
    }
    let report = world.read("report.md");
    let row = report.lines().find(|line| line.contains("a\\|b")).unwrap();
    // Six columns have seven borders, and the name has an escaped one.
    assert_eq!(row.matches('|').count(), 8, "{row}");
    ran.says(&["1 of 4 judgements failed", "u/0 by assay: the problem has no tests", "1 cannot be made"]);
}

/// The form of LiveCodeBench has no third answer beside right and wrong.
#[test]
fn judge_failures_are_no_wrong_answers_in_the_form_of_livecodebench() {
    let broken = json!({ "id": "broken", "checks": ["assert ("] });
    let samples = [sample("a", "sum", RIGHT), sample("b", "sum", "print(1)"), sample("c", "broken", "x = 1")];
    let mut dated = sum();
    dated["contest_date"] = json!("2024-01-06T00:00:00");
    let world = world(&[dated, broken], &samples);
    world
        .run(&judge(&["--eval-all", "eval.json"]))
        .fails_with(1)
        .says(&["eval.json leaves out 1 samples", "c by assay: the test is broken"]);
    let evaluated = json_of(&world.read("eval.json"));
    assert_eq!(evaluated.as_array().unwrap().len(), 1, "{evaluated}");
    assert_eq!(evaluated[0]["graded_list"], json!([true, false]));
    assert_eq!(evaluated[0]["pass@1"], 0.5);
    assert_eq!(evaluated[0]["contest_date"], "2024-01-06T00:00:00");
}

#[test]
fn equal_programs_are_judged_once_and_counted_truly() {
    let samples = [
        sample("a", "sum", RIGHT),
        sample("b", "sum", "print(1)"),
        sample("c", "sum", RIGHT),
        sample("d", "absent", RIGHT),
    ];
    let world = world(&[sum()], &samples);
    let first = world.run(&judge(&["--out", "out.jsonl"])).fails_with(1);
    first.says(&[
        "3 judgements to make, 0 known; 2 of those to make are of distinct programs; 1 cannot be made",
    ]);
    let rows: Vec<Value> = world.read("out.jsonl").lines().map(json_of).collect();
    let of = |key: &str| rows.iter().map(|row| row[key].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(of("sample_id"), ["a", "b", "c", "d"]);
    assert_eq!(of("verdict"), ["pass", "wrong-answer", "pass", "judge-failure"]);
    world.run(&judge(&[])).fails_with(1).says(&["0 judgements to make, 3 known; 1 cannot be made"]);
}

/// What a reader has to know of the rows stands in every form of the summary.
#[test]
fn reference_solutions_and_problems_without_an_id_are_told() {
    let row = |output: &str| {
        json!({ "name": null, "solutions": [format!("print({output})")],
                                     "input_output": { "inputs": [""], "outputs": [output] } })
    };
    let rows = [row("1"), row("2")];
    let world = world(&rows, &rows);
    let ran = world.run(&judge(&["--report", "report.md"])).succeeds();
    let report = world.read("report.md");
    for line in [
        "2 samples are reference solutions of the problems",
        "2 problems have no id and go by the number of their line, from 1",
    ] {
        assert!(ran.stdout().contains(line) && report.contains(line), "{line}: {}\n{report}", ran.stdout());
    }
    let summary = json_of(&world.run(&judge(&["--json"])).succeeds().stdout());
    assert_eq!((&summary["reference_solutions"], &summary["problems_by_line"]), (&json!(2), &json!(2)));
    // Counted from 0, a sample would be judged by the tests of the next problem.
    let samples = [json!({ "task_id": 0, "code": "print(1)" }), json!({ "task_id": 1, "code": "print(2)" })];
    let world = self::world(&rows, &samples);
    world.run(&judge(&[])).fails_with(2).says(&["from 1", "give each problem an `id`"]);
}

/// Samples that name one problem by different ids are samples of one problem.
#[test]
fn a_problem_has_one_id_in_what_is_written() {
    let mut problem = sum();
    problem["task_id"] = json!("the-sum");
    let samples =
        [sample("a", "sum", RIGHT), json!({ "sample_id": "b", "task_id": "the-sum", "code": "print()" })];
    let world = world(&[problem], &samples);
    let summary = json_of(&world.run(&judge(&["--json", "--out", "out.jsonl"])).succeeds().stdout());
    assert_eq!(summary["judges"][0]["scores"][1]["samples_per_problem"], json!([2, 2]));
    assert_eq!(summary["reference_solutions"], 0);
    for line in world.read("out.jsonl").lines() {
        assert_eq!(json_of(line)["problem_id"], "the-sum");
    }
}
