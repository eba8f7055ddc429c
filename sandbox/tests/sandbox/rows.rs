//! Files of problems and samples, in every form.
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_sandbox::Prelude;
use assay_sandbox::rows::{Case, Check, Extraction, Problems, Source, Tests, read_samples};
use camino::Utf8PathBuf;
use tempfile::TempDir;

/// A file with this text, in a folder that lives as long as the first value.
fn file(text: &str) -> (TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("rows.jsonl")).unwrap();
    fs_err::write(&path, text).unwrap();
    (folder, path)
}

fn tests_of(row: &str) -> (String, Result<Tests, String>) {
    let (_folder, path) = file(row);
    let problems = Problems::read(&path).unwrap();
    let id = problems.ids().next().unwrap().to_owned();
    let tests = problems.get(&id).unwrap().tests();
    (id, tests)
}

fn case(input: &str, output: &str, public: bool) -> Case {
    Case::new(input, output, public)
}

fn calls(function: &str, cases: Vec<Case>) -> Tests {
    Tests::Calls { function: function.to_owned(), cases }
}

fn check(setup: &str, code: &str, entry: Option<&str>, prelude: Prelude) -> Check {
    Check {
        setup: setup.to_owned(),
        code: code.to_owned(),
        entry: entry.map(str::to_owned),
        prelude,
        functions: Vec::new(),
    }
}

#[test]
fn every_form_of_problem_is_read() {
    // The hidden tests are what CPython 3.11 makes of one test: base64 of zlib of a pickle (protocol 4) of
    // JSON.
    let hub = r#"{"question_id": "a", "difficulty": "easy", "metadata": "{\"func_name\": \"f\"}",
        "public_test_cases": "[{\"input\": \"1\", \"output\": \"2\", \"testtype\": \"functional\"}]",
        "private_test_cases": "eJxrYJlqywABPZbR1UqZeQWlJUpWCkqGSjoKSvmlJVCuEYhbklpcUlJZkAoSSCvNSy7JzM9LzFGqjZ2iBwChkRTF"}"#
        .replace('\n', "");
    let cases: Vec<(&str, &str, Tests)> = vec![
        (&hub, "a", calls("f", vec![case("1", "2", true), case("1", "2", false)])),
        (
            r#"{"question_id": "b", "func_name": null, "tests": [{"input": "1\n", "output": "2", "origin": "public"}]}"#,
            "b",
            Tests::Scripts(vec![case("1\n", "2", true)]),
        ),
        (
            r#"{"id": "own", "function": "g", "tests": [{"input": "1\n2", "output": "3"}]}"#,
            "own",
            calls("g", vec![case("1\n2", "3", false)]),
        ),
        (
            r#"{"problem": "text", "tests": {"inputs": ["1\n"], "outputs": [["2", "3"]]}}"#,
            "1",
            Tests::Scripts(vec![case("1\n", "2\n3", false)]),
        ),
        (
            r#"{"name": "cc", "public_tests": {"input": ["1"], "output": ["2"]}, "private_tests": {"input": ["3"], "output": ["4"]}}"#,
            "cc",
            Tests::Scripts(vec![case("1", "2", true), case("3", "4", false)]),
        ),
        (
            r#"{"problem_id": 7, "input_output": "{\"inputs\": [\"1\"], \"outputs\": [\"2\"]}"}"#,
            "7",
            Tests::Scripts(vec![case("1", "2", false)]),
        ),
        (
            r#"{"id": "apps", "input_output": {"fn_name": "h", "inputs": [[1, [2]]], "outputs": [["x"]]}}"#,
            "apps",
            calls(
                "h",
                vec![Case { alternative: Some("[\"x\"]".to_owned()), ..case("1\n[2]", "\"x\"", false) }],
            ),
        ),
        // What is written is what counts, whatever its size and order.
        (
            r#"{"id": "big", "input_output": "{\"fn_name\": \"h\", \"inputs\": [[100000000000000000001]],\n \"outputs\": [{\"b\":\n 1e300, \"a\": 2}]}"}"#,
            "big",
            calls("h", vec![case("100000000000000000001", r#"{"b":  1e300, "a": 2}"#, false)]),
        ),
        (
            r#"{"id": "lists", "input_output": {"fn_name": "h", "inputs": [[1], [2]], "outputs": [[5], [5, 6]]}}"#,
            "lists",
            calls(
                "h",
                vec![
                    Case { alternative: Some("5".to_owned()), ..case("1", "[5]", false) },
                    case("2", "[5, 6]", false),
                ],
            ),
        ),
        (
            r#"{"hash_id": "taco", "verifier_metadata": {"unit_tests": {"inputs": ["1"], "outputs": ["2"]}}}"#,
            "taco",
            Tests::Scripts(vec![case("1", "2", false)]),
        ),
        (
            r#"{"task_id": "HumanEval/0", "prompt": "def f():\n", "entry_point": "f", "test": "def check(c): pass"}"#,
            "HumanEval/0",
            Tests::Checks(vec![check("def f():\n", "def check(c): pass", Some("f"), Prelude::None)]),
        ),
        (
            r#"{"task_id": 2, "test_setup_code": "x = 1", "test_list": ["assert f(x)", "assert g(x)"]}"#,
            "2",
            Tests::Checks(vec![
                check("x = 1", "assert f(x)", None, Prelude::None),
                check("x = 1", "assert g(x)", None, Prelude::None),
            ]),
        ),
        (
            r#"{"id": "l", "tests": {"functional": "check(Solution().f)"}}"#,
            "l",
            Tests::Checks(vec![check("", "check(Solution().f)", None, Prelude::Benchmark)]),
        ),
    ];
    for (row, id, tests) in cases {
        assert_eq!(tests_of(row), (id.to_owned(), Ok(tests)), "{row}");
    }
}

#[test]
fn a_row_that_cannot_be_decoded_is_a_problem_without_tests_and_says_why() {
    let cases = [
        (
            r#"{"question_id": "a", "public_test_cases": "[", "private_test_cases": "[]"}"#,
            "rows.jsonl:1: its tests are no list of tests",
        ),
        (
            r#"{"question_id": "a", "public_test_cases": "[]", "private_test_cases": "%%"}"#,
            "neither JSON nor base64",
        ),
        (r#"{"question_id": "a", "public_test_cases": "[]", "private_test_cases": "AAAA"}"#, "not zlib data"),
        (r#"{"question_id": "a", "metadata": "{", "private_test_cases": "[]"}"#, "`metadata` is no JSON"),
        (r#"{"id": "a", "input_output": "{"}"#, "no JSON"),
        (r#"{"id": "a", "input_output": {"inputs": ["1"], "outputs": []}}"#, "1 inputs and 0 outputs"),
        (
            r#"{"id": "a", "input_output": {"fn_name": "f", "inputs": ["1"], "outputs": ["1"]}}"#,
            "no list of arguments",
        ),
        (r#"{"id": "a", "tests": [{"input": "1"}]}"#, "test 1 has no `output`"),
        (r#"{"id": "a", "tests": 3}"#, "`tests` is a number; expected a list or an object"),
        (r#"{"id": "a", "test_list": [3]}"#, "no list of texts"),
        (r#"{"id": "a", "test_list": ["assert f(1)", " "]}"#, "one is empty"),
        (r#"{"id": "a", "tests": {"functional": null}}"#, "no list of texts"),
        (r#"{"id": "a", "checks": ["assert f(1)"], "prelude": "bench"}"#, "expected `none` or `benchmark`"),
        (
            r#"{"question_id": "a", "public_test_cases": "[]", "private_test_cases": 3}"#,
            "neither a text nor a list",
        ),
    ];
    for (row, message) in cases {
        let error = tests_of(row).1.unwrap_err();
        assert!(error.contains(message), "{row}: {error}");
    }
}

#[test]
fn files_with_a_mistake_are_refused_with_the_place() {
    let cases = [
        ("{\"id\": \"a\", \"tests\": []}\n{\"id\" 1}", "rows.jsonl:2:7: no row: "),
        (
            "{\"id\": \"a\", \"tests\": []}\n\n{\"id\": \"a\", \"tests\": []}",
            "rows.jsonl:3:1: a second problem `a`",
        ),
        ("{\"id\": \"a\", \"cases\": []}", "rows.jsonl:1:1: a problem of unknown form"),
        ("[1]", "rows.jsonl:1:2: no row: "),
        ("\n \n", "holds no problem"),
    ];
    for (text, message) in cases {
        let (_folder, path) = file(text);
        let error = Problems::read(&path).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
    let (_folder, path) = file("{\"id\": \"a\"}");
    assert!(read_samples(&path).unwrap_err().to_string().contains("rows.jsonl:1:1: no sample"));
    assert!(read_samples("absent".into()).unwrap_err().to_string().contains("cannot read absent"));
}

#[test]
fn every_form_of_sample_is_read() {
    use Source::{Completion, Generation, Program};
    let text = |text: &str| text.to_owned();
    let rows = r#"
        {"sample_id": "s", "question_id": "q", "output": "ignored", "code": "x"}
        {"question_id": "q", "code_list": ["a", "b"]}
        {"task_id": "q", "completion": "c"}
        {"task": "q", "output_list": ["d"]}
        {"id": "own", "generation": "e"}
    "#;
    let (_folder, path) = file(rows);
    let found: Vec<_> =
        read_samples(&path).unwrap().into_iter().map(|s| (s.id, s.problem, s.source)).collect();
    let expected = [
        (text("s"), text("q"), Program(text("x"))),
        (text("q/1"), text("q"), Program(text("a"))),
        (text("q/2"), text("q"), Program(text("b"))),
        (text("q/3"), text("q"), Completion(text("c"))),
        (text("q/4"), text("q"), Generation(text("d"))),
        (text("own/0"), text("own"), Generation(text("e"))),
    ];
    assert_eq!(found, expected);
    // LiveCodeBench's custom outputs are one array.
    let (_folder, path) = file(r#"[{"question_id": "q", "code_list": ["a"]}]"#);
    assert_eq!(read_samples(&path).unwrap()[0].source, Program(text("a")));
    // A folder with a program per file.
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    for name in ["q2", ".git", "HumanEval_0"] {
        fs_err::create_dir_all(root.join(name)).unwrap();
    }
    let hidden = [(".hidden.py", "no"), (".git/hook.py", "no"), ("q2/.#a.py", "no"), ("notes.txt", "no")];
    let shown = [("q1.py", "1"), ("q2/b.py", "3"), ("q2/a.py", "2"), ("HumanEval_0/0.py", "4")];
    for (name, program) in hidden.into_iter().chain(shown) {
        fs_err::write(root.join(name), program).unwrap();
    }
    // EvalPlus writes `_` for the `/` of an id, which no folder's name can have.
    let problems = |ids: &[&str]| {
        let row = |id: &&str| format!(r#"{{"id": "{id}", "tests": [{{"input": "1", "output": "1"}}]}}"#);
        Problems::parse(&ids.iter().map(row).collect::<Vec<_>>().join("\n"), "p.jsonl".into()).unwrap()
    };
    let mut samples = read_samples(&root).unwrap();
    problems(&["q1", "HumanEval/0", "HumanEval/0_", "a/b_c", "a_b/c"]).resolve(&mut samples).unwrap();
    let found: Vec<_> = samples.into_iter().map(|s| (s.id, s.problem, s.source)).collect();
    assert_eq!(
        found,
        [
            (text("HumanEval_0/0"), text("HumanEval/0"), Program(text("4"))),
            (text("q1"), text("q1"), Program(text("1"))),
            (text("q2/a"), text("q2"), Program(text("2"))),
            (text("q2/b"), text("q2"), Program(text("3"))),
        ]
    );
    // A name that is an id stays, and so does one that could be two.
    for ids in [&["HumanEval_0", "HumanEval/0"][..], &["Human/Eval_0", "Human_Eval/0", "HumanEval/1"]] {
        let mut samples = read_samples(&root).unwrap();
        problems(ids).resolve(&mut samples).unwrap();
        assert_eq!(samples[0].problem, "HumanEval_0", "{ids:?}");
    }
}

#[test]
fn a_completion_goes_on_from_the_prompt() {
    let (_folder, path) = file(
        r#"{"task_id": "h", "prompt": "def f():\n", "entry_point": "f", "test": "t", "canonical_solution": "    return 1"}"#,
    );
    let problems = Problems::read(&path).unwrap();
    let sample = read_samples(&path).unwrap().remove(0);
    let program = sample.source.program(problems.get("h").unwrap(), Extraction::Assay);
    assert_eq!(program.as_deref(), Some("def f():\n    return 1"));
}
