//! Rows as Python, benchmarks and models write them: none is lost for its form.
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_sandbox::rows::{Case, Check, Extraction, Problems, Source, Tests, parse_samples, read_samples};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

fn tests(row: &str) -> Result<Tests, String> {
    let problems = Problems::parse(row, "rows.jsonl".into()).unwrap();
    problems.get(problems.ids().next().unwrap()).unwrap().tests()
}

fn sources(rows: &str) -> Vec<Source> {
    parse_samples(rows, "rows.jsonl".into()).unwrap().into_iter().map(|sample| sample.source).collect()
}

fn checks(row: &serde_json::Value) -> Vec<Check> {
    let Ok(Tests::Checks(checks)) = tests(&row.to_string()) else { panic!("{row}") };
    checks
}

#[test]
fn json_is_read_as_python_writes_it() {
    let deep = "[".repeat(500) + &"]".repeat(500);
    let large = format!("1{}", "0".repeat(400));
    for value in ["NaN", "Infinity", "-Infinity", "1e999", &large, &deep, r#"{"a": [NaN, "NaN]"]}"#] {
        let problem =
            format!(r#"{{"id": "a", "other": {value}, "tests": [{{"input": "1", "output": "2"}}]}}"#);
        let expected = Ok(Tests::Scripts(vec![Case::new("1", "2", false)]));
        assert_eq!(tests(&problem), expected, "{value}");
        assert_eq!(tests(&format!("[{problem}]")), expected, "{value}");
        let sample = format!(r#"{{"id": "a", "score": {value}, "code": "x"}}"#);
        assert_eq!(sources(&format!("[{sample}, {sample}]")), [(); 2].map(|()| Source::Program("x".into())));
        // What a test holds stays what is written, in a text or not.
        let apps = format!(r#"{{"fn_name": "f", "inputs": [[{value}]], "outputs": [{value}]}}"#);
        for tests_of_row in [apps.clone(), json!(apps).to_string()] {
            let Ok(Tests::Calls { cases, .. }) = tests(&format!(r#"{{"input_output": {tests_of_row}}}"#))
            else {
                panic!("{value}")
            };
            assert_eq!(
                (cases[0].input.as_str(), cases[0].output.len()),
                (value, value.len() - 2 * usize::from(value == deep))
            );
        }
    }
    // A value that is missing is none, as pandas has it.
    assert_eq!(sources(r#"{"id": "a", "code": NaN, "output": "x"}"#), [Source::Generation("x".into())]);
    let sample = parse_samples(&format!(r#"{{"id": {large}, "code": ""}}"#), "s".into()).unwrap().remove(0);
    assert_eq!(sample.problem, large);
    for broken in [r#"{"id": "a", "tests": nan}"#, r#"{"id": "a", "tests": [Infinit]}"#, r#"{"id": NaN "a"}"#]
    {
        Problems::parse(broken, "rows.jsonl".into()).unwrap_err();
    }
}

/// APPS says of each test alone whether its output is the value or a list that holds it.
#[test]
fn an_output_that_is_a_list_of_one_is_right_as_what_it_holds() {
    let row = r#"{"input_output": {"fn_name": "f", "inputs": [[1], [2], [3], [4]], "outputs": [[5], 6, [7, 8], [[9]]]}}"#;
    let Ok(Tests::Calls { cases, .. }) = tests(row) else { panic!() };
    let right =
        cases.iter().map(|case| (case.output.as_str(), case.alternative.as_deref())).collect::<Vec<_>>();
    assert_eq!(right, [("[5]", Some("5")), ("6", None), ("[7, 8]", None), ("[[9]]", Some("[9]"))]);
    let row = r#"{"input_output": {"fn_name": "f", "inputs": [[1], [2]], "outputs": [[5], [[]]]}}"#;
    let Ok(Tests::Calls { cases, .. }) = tests(row) else { panic!() };
    let right =
        cases.iter().map(|case| (case.output.as_str(), case.alternative.as_deref())).collect::<Vec<_>>();
    assert_eq!(right, [("5", Some("[5]")), ("[]", Some("[[]]"))]);
}

#[test]
fn the_tests_of_mbpp_plus_are_run_beside_those_of_mbpp() {
    let mut row = json!({ "task_id": 2, "prompt": "Add one.", "test_imports": ["import math"],
        "test_list": ["assert f(1) == 2"], "test": "for x in [1, 2]:\n    assert f(x) == x + 1" });
    let found = checks(&row);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|check| check.setup == "import math" && check.entry.is_none()));
    row["entry_point"] = json!("f");
    row["test"] = json!("def check(f):\n    assert f(1) == 2");
    assert_eq!(checks(&row)[1].entry.as_deref(), Some("f"));
    row["entry_point"] = json!(null);
    assert!(tests(&row.to_string()).unwrap_err().contains("only defines"));
}

#[test]
fn a_function_has_a_name_of_pythons() {
    let human = |entry: &str| json!({ "entry_point": entry, "test": "def check(c): assert c(1)" });
    for entry in ["f", "Solution().f", "Solution.f", "größe", "a.b.c", "_f1"] {
        assert_eq!(checks(&human(entry))[0].entry.as_deref(), Some(entry));
    }
    let call = |name: &str| {
        [
            json!({ "function": name, "tests": [{ "input": "1", "output": "2" }] }),
            json!({ "input_output": { "fn_name": name, "inputs": [[1]], "outputs": [2] } }),
            json!({ "metadata": { "func_name": name }, "public_test_cases": "[]", "private_test_cases": "[]" }),
        ]
    };
    for name in ["f", "Solution().f", "Solution.f"] {
        for row in call(name) {
            let Ok(Tests::Calls { function, .. }) = tests(&row.to_string()) else { panic!("{row}") };
            assert_eq!(function, "f");
        }
    }
    for name in
        ["f\n5", "f 5", "5", "f(1)", "f;g", "f\u{0}", "Solution()", "f.", "__import__('os').f", "a b.c"]
    {
        for row in call(name).into_iter().chain([human(name)]) {
            let error = tests(&row.to_string()).unwrap_err();
            assert!(!error.contains('\n') && error.contains("name"), "{row}: {error}");
        }
    }
    for row in call("other.f") {
        tests(&row.to_string()).unwrap_err();
    }
}

#[test]
fn prose_in_a_prompt_is_no_part_of_the_program() {
    let stub = "def f(x):\n    \"\"\"Add one. For example:\n    >>> f(1)\n    \"\"\"\n";
    let code = "import math\nfrom typing import List\n\nN = 10 ** 9\n\n@cache\ndef f(xs: List[int],\n      y=1):\n    ";
    let prompts = [
        ("Write a function f(x) that adds one to x.", ""),
        ("", ""),
        ("class of all functions\nimport taxes, then exports", ""),
        (stub, stub),
        (code, code),
        (&format!("Complete this function:\n\n{stub}"), stub),
        (&format!("Complete it:\n```python\n{stub}```\nThanks."), stub.trim_end()),
    ];
    for (prompt, python) in prompts {
        let row = json!({ "id": "a", "prompt": prompt, "entry_point": "f", "test": "def check(c): assert c(1)",
                          "completion": "    return x + 1" });
        assert_eq!(checks(&row)[0].setup.trim_end(), python.trim_end(), "{prompt}");
        let problems = Problems::parse(&row.to_string(), "rows.jsonl".into()).unwrap();
        let program =
            sources(&row.to_string())[0].program(problems.get("a").unwrap(), Extraction::Assay).unwrap();
        assert!(program.starts_with(python) && program.ends_with("    return x + 1"), "{program}");
        assert!(!program.contains("Complete"), "{program}");
    }
}

#[test]
fn what_a_model_made_counts_before_the_benchmarks_solution() {
    let generation = |text: &str| Source::Generation(text.to_owned());
    let program = |text: &str| Source::Program(text.to_owned());
    let completion = |text: &str| Source::Completion(text.to_owned());
    let cases = [
        (r#"{"id": "a", "canonical_solution": "r", "generation": "g"}"#, generation("g")),
        (r#"{"id": "a", "solution": "r", "output": "g"}"#, generation("g")),
        (r#"{"id": "a", "solutions": ["r"], "completion": "c"}"#, completion("c")),
        (
            r#"{"id": "a", "code": "r", "text": "question", "test_list": ["assert f(1)"], "output": "g"}"#,
            generation("g"),
        ),
        (r#"{"id": "a", "code": "r", "text": "question", "test_list": ["assert f(1)"]}"#, program("r")),
        (r#"{"id": "a", "code": "extracted", "output": "g"}"#, program("extracted")),
        (r#"{"id": "a", "solution": "r"}"#, program("r")),
        (r#"{"id": "a", "canonical_solution": "r", "generation": null}"#, completion("r")),
    ];
    for (row, expected) in cases {
        assert_eq!(sources(row), [expected], "{row}");
    }
}

#[test]
fn a_sample_that_is_null_costs_no_other() {
    let found = sources(
        "{\"id\": \"a\", \"output\": null}\n{\"id\": \"b\", \"output_list\": [\"x\", null]}\n{\"id\": \"c\", \"code\": \"y\"}",
    );
    assert!(matches!(&found[0], Source::Unreadable(why) if why == "its `output` is null"), "{found:?}");
    assert!(matches!(&found[2], Source::Unreadable(why) if why.contains("an item of its `output_list`")));
    assert_eq!((&found[1], &found[3]), (&Source::Generation("x".into()), &Source::Program("y".into())));
}

#[test]
fn a_mark_before_a_program_is_none_of_it() {
    let problems = Problems::parse(r#"{"id": "a", "tests": []}"#, "rows.jsonl".into()).unwrap();
    let source = Source::Program("\u{feff}print(1)".to_owned());
    let program = |how| source.program(problems.get("a").unwrap(), how).unwrap();
    assert_eq!(program(Extraction::Assay), "print(1)");
    // To the other judges it is what it is.
    assert_eq!(program(Extraction::LiveCodeBench), "\u{feff}print(1)");
}

#[cfg(unix)]
#[test]
fn a_file_of_a_folder_that_cannot_be_read_costs_no_other() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = Utf8PathBuf::from_path_buf(inside.path().to_owned()).unwrap();
    fs_err::write(outside.path().join("secret.py"), "secret").unwrap();
    fs_err::write(root.join("good.py"), "\u{feff}good").unwrap();
    fs_err::write(root.join("latin.py"), b"s = '\xe9'").unwrap();
    fs_err::write(root.as_std_path().join(OsStr::from_bytes(b"bad\xff.py")), "x").unwrap();
    fs_err::write(root.as_std_path().join(OsStr::from_bytes(b"notes\xff.txt")), "x").unwrap();
    symlink(outside.path().join("secret.py"), root.join("link.py")).unwrap();
    symlink(root.join("good.py"), root.join("same.py")).unwrap();
    symlink(root.join("absent"), root.join("torn.py")).unwrap();
    pipe(&root.join("pipe.py"));
    let found = read_samples(&root).unwrap();
    let of = |id: &str| {
        &found.iter().find(|sample| sample.id == id).unwrap_or_else(|| panic!("{id}: {found:?}")).source
    };
    for id in ["good", "same"] {
        assert_eq!(of(id), &Source::Program("good".into()));
    }
    assert_eq!(of("bad\u{fffd}"), &Source::Program("x".into()));
    let cases =
        [("latin", "UTF-8"), ("link", "outside"), ("torn", "cannot be read"), ("pipe", "no regular file")];
    for (id, why) in cases {
        assert!(matches!(of(id), Source::Unreadable(reason) if reason.contains(why)), "{:?}", of(id));
    }
    assert_eq!(found.len(), 7);
    // Where rows are expected, a pipe would be waited for without end.
    let path = root.join("rows.jsonl");
    pipe(&path);
    for error in [Problems::read(&path).unwrap_err(), read_samples(&path).unwrap_err()] {
        assert!(error.to_string().ends_with("is no regular file"), "{error}");
        assert!(error.remedy().contains("to a file"));
    }
}

#[cfg(unix)]
fn pipe(path: &Utf8Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}
