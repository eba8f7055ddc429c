//! Rows that are not what they should be: nothing that a row gives is passed over.
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_sandbox::Prelude;
use assay_sandbox::rows::{
    Case, Check, Problems, RowsError, Sample, Source, Tests, parse_samples, read_samples,
};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use crate::common::{shared_rows, workspace};

fn problems(text: &str) -> Result<Problems, RowsError> {
    Problems::parse(text, "folder/rows.jsonl".into())
}

fn tests(row: &str) -> Result<Tests, String> {
    let problems = problems(row).unwrap();
    let id = problems.ids().next().unwrap().to_owned();
    problems.get(&id).unwrap().tests()
}

fn samples(text: &str) -> Result<Vec<Sample>, RowsError> {
    parse_samples(text, "folder/rows.jsonl".into())
}

fn ids(text: &str) -> Vec<String> {
    problems(text).unwrap().ids().map(str::to_owned).collect()
}

fn programs(text: &str) -> Vec<(String, String, Source)> {
    samples(text).unwrap().into_iter().map(|sample| (sample.id, sample.problem, sample.source)).collect()
}

/// A row with one key set to a value.
fn with(row: &Value, key: &str, value: Value) -> String {
    let mut row = row.clone();
    row[key] = value;
    row.to_string()
}

fn a_hub_row() -> Value {
    json!({
        "question_id": "a", "metadata": "{}", "public_test_cases": "[]",
        "private_test_cases": r#"[{"input": "1", "output": "2", "testtype": "stdin"}]"#,
    })
}

/// Values that are no text.
fn no_texts() -> [Value; 4] {
    [json!(["f"]), json!({ "name": "f" }), json!(true), json!(3)]
}

#[test]
fn a_value_of_the_wrong_type_never_counts_as_absent() {
    let own = json!({ "id": "a", "tests": [{ "input": "1", "output": "1" }] });
    let checks = json!({ "id": "a", "checks": ["assert f(1)"] });
    let human = json!({ "id": "a", "prompt": "", "entry_point": "f", "test": "def check(c): assert c(1)" });
    let lists = json!({ "id": "a", "tests": { "inputs": ["1"], "outputs": ["1"] } });
    let of_rows: [(&Value, &[&str]); 5] = [
        (&own, &["func_name", "function", "fn_name", "difficulty", "level"]),
        (&checks, &["entry", "entry_point", "setup", "test_setup_code", "prelude", "checks", "test_imports"]),
        (&human, &["entry_point", "test", "prompt"]),
        (&lists, &["func_name", "function", "input_output"]),
        (&a_hub_row(), &["metadata", "func_name"]),
    ];
    for (row, keys) in of_rows {
        tests(&row.to_string()).unwrap();
        for key in keys {
            for value in no_texts() {
                let row = with(row, key, value.clone());
                let right = match *key {
                    "difficulty" | "level" => value.is_number(),
                    "metadata" => value.is_object(),
                    "checks" | "test_imports" => value.is_array(),
                    _ => false,
                };
                match tests(&row) {
                    // A list of one text is a list of checks, which tests or imports something.
                    Ok(_) => assert!(right, "{row}"),
                    Err(message) => {
                        assert!(!right && message.starts_with("rows.jsonl:1: "), "{row} {message}")
                    }
                }
            }
        }
    }
    // In a test, in `metadata`, among APPS' tests.
    for value in no_texts() {
        let case = |key: &str| json!({ "id": "a", "tests": [{ "input": "1", "output": "1", key: value }] });
        let metadata = with(&a_hub_row(), "metadata", json!({ "func_name": value }));
        let apps = json!({ "id": "a", "input_output": { "fn_name": value, "inputs": [], "outputs": [] } });
        for row in [case("origin").to_string(), case("testtype").to_string(), metadata, apps.to_string()] {
            tests(&row).unwrap_err();
        }
    }
    // What is null gives nothing.
    for (row, keys) in of_rows {
        for key in keys.iter().filter(|key| !["checks", "entry_point", "test"].contains(*key)) {
            assert_eq!(tests(&with(row, key, Value::Null)), tests(&row.to_string()), "{key}");
        }
    }
}

#[test]
fn a_check_that_no_program_can_fail_is_refused() {
    let human =
        r#"METADATA = {\n    'author': 'x'\n}\n\n\ndef check(candidate):\n    assert candidate(1) == 2\n"#;
    let refused = [
        format!(r#"{{"id": "a", "checks": ["{human}"]}}"#),
        format!(r#"{{"id": "a", "checks": ["{human}"], "entry": null}}"#),
        format!(r#"{{"id": "a", "checks": ["{human}"], "entry": ""}}"#),
        format!(r#"{{"id": "a", "checks": ["assert f(1)", "{human}"]}}"#),
        format!(r#"{{"id": "a", "test_list": ["{human}"]}}"#),
        format!(r#"{{"id": "a", "tests": {{"functional": "{human}"}}}}"#),
        format!(r#"{{"id": "a", "prompt": "", "test": "{human}"}}"#),
        format!(r#"{{"id": "a", "prompt": "", "test": "{human}", "entry_point": null}}"#),
        format!(r#"{{"id": "a", "prompt": "", "test": "{human}", "entrypoint": "f"}}"#),
        r##"{"id": "a", "checks": ["# assert f(1)\n\nimport math\n\"\"\"\nassert f(1)\n\"\"\""]}"##
            .to_owned(),
    ];
    for row in refused {
        let message = tests(&row).unwrap_err();
        assert!(message.contains("entry"), "{row}: {message}");
    }
    for key in ["entry", "entry_point"] {
        let row = format!(r#"{{"id": "a", "checks": ["{human}"], "{key}": "f"}}"#);
        let Ok(Tests::Checks(checks)) = tests(&row) else { panic!("{row}") };
        assert_eq!(checks[0].entry.as_deref(), Some("f"));
    }
}

#[test]
fn a_damaged_row_of_the_hub_is_no_problem_that_is_easier() {
    let functional = json!([{ "input": "1", "output": "2", "testtype": "functional" }]);
    let refused = [
        (with(&a_hub_row(), "public_test_cases", functional.clone()), "the row names none"),
        (with(&a_hub_row(), "private_test_cases", functional.clone()), "the row names none"),
        (with(&a_hub_row(), "metadata", json!({ "func_name": "f" })), "is for standard input"),
        (with(&a_hub_row(), "metadata", json!({ "func_name": "" })), "`func_name` is empty"),
        (with(&a_hub_row(), "metadata", json!("[]")), "`metadata` is a list"),
        (with(&a_hub_row(), "metadata", json!("null")), "`metadata` is null"),
        (
            with(&a_hub_row(), "public_test_cases", json!([{ "input": "", "output": "", "testtype": "x" }])),
            "`testtype` of test 1 is `x`",
        ),
        (json!({ "id": "a", "tests": functional }).to_string(), "the row names none"),
    ];
    for (row, why) in refused {
        let message = tests(&row).unwrap_err();
        assert!(message.contains(why), "{row}: {message}");
    }
    let mut public_only = a_hub_row();
    public_only["private_test_cases"] = json!([]);
    public_only["public_test_cases"] = functional;
    public_only["metadata"] = json!({ "func_name": "f" });
    let case = Case::new("1", "2", true);
    let expected = Tests::Calls { function: "f".to_owned(), cases: vec![case] };
    assert_eq!(tests(&public_only.to_string()), Ok(expected));
}

#[test]
fn ids_are_what_is_written_and_nothing_else() {
    let problem = |id: &str| format!(r#"{{"id": {id}, "tests": []}}"#);
    for id in ["12345678901234567890123", "-7", "18446744073709551616"] {
        assert_eq!(ids(&problem(id)), [id]);
        let sample = format!(r#"{{"id": {id}, "sample_id": {id}, "code": "x"}}"#);
        assert_eq!(programs(&sample)[0].0, id);
        assert_eq!(programs(&sample)[0].1, id);
    }
    for id in ["true", "{}", "[1]", "1.0", "1e3", r#""""#] {
        for text in [
            format!("\n{}", problem(id)),
            format!("\n{{\"task_id\": {id}, \"id\": 1, \"code\": \"x\", \"tests\": []}}"),
        ] {
            let error = problems(&text).unwrap_err();
            assert!(error.to_string().starts_with("folder/rows.jsonl:2:1: its id `"), "{error}");
            assert!(samples(&format!("\n{{\"sample_id\": {id}, \"code\": \"x\"}}")).is_err(), "{id}");
        }
    }
    // TACO leaves most names empty.
    let taco = r#"{"name": "", "input_output": "{\"inputs\": [], \"outputs\": []}"}"#;
    assert_eq!(ids(&format!("\n{taco}\n{taco}")), ["2", "3"]);
}

#[test]
fn items_of_an_array_have_numbers_and_lines() {
    let item = r#"{"tests": []}"#;
    assert_eq!(ids(&format!("[{item},\n\n {item}, {item}]")), ["1", "2", "3"]);
    let found = programs("[{\"code\": \"a\"},\n{\"code\": \"b\"}]");
    assert_eq!(found.iter().map(|(_, problem, _)| problem.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    let cases = [
        ("[\n\n {\"cases\": 1}, {}]".to_owned(), "rows.jsonl:3:2: a problem of unknown form"),
        (format!("[{item},\n{item}, 7]"), "rows.jsonl:2:16: no row: "),
        (format!("[{item},\n{item}, ]"), "rows.jsonl:2:16: no row: "),
        (
            r#"[{"id": 1, "tests": []},
            {"id": 1, "tests": []}]"#
                .to_owned(),
            "rows.jsonl:2:13: a second problem `1`; the first is in line 1",
        ),
    ];
    for (text, message) in cases {
        let error = problems(&text).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
    let error =
        problems("[\n{\"id\": \"a\",\n \"tests\": 3}]").unwrap().get("a").unwrap().tests().unwrap_err();
    assert!(error.starts_with("rows.jsonl:2: its `tests`"), "{error}");
}

#[test]
fn two_samples_with_one_id_are_refused() {
    let cases = [
        "{\"sample_id\": \"s\", \"id\": \"a\", \"code\": \"1\"}\n\n{\"sample_id\": \"s\", \"id\": \"b\", \"code\": \"2\"}",
        // The second one of `a` is called so.
        "{\"sample_id\": \"a/1\", \"id\": \"a\", \"code\": \"1\"}\n\n{\"id\": \"a\", \"code\": \"2\"}",
    ];
    for text in cases {
        let error = samples(text).unwrap_err();
        assert!(error.to_string().contains("rows.jsonl:3:1: a second sample `"), "{error}");
        assert!(error.to_string().ends_with("the first is in line 1"), "{error}");
        assert_eq!(error.remedy(), "give each row an id of its own");
    }
}

#[test]
fn a_function_named_beside_the_tests_is_called() {
    let case = Case::new("1\n2", "3", false);
    let calls = Tests::Calls { function: "f".to_owned(), cases: vec![case] };
    for row in [
        r#"{"id": "a", "func_name": "f", "tests": {"inputs": [[1, 2]], "outputs": [3]}}"#,
        r#"{"id": "a", "function": "f", "tests": {"fn_name": "f", "inputs": [[1, 2]], "outputs": [[3]]}}"#,
        r#"{"id": "a", "fn_name": "f", "input_output": {"inputs": [[1, 2]], "outputs": [3]}}"#,
    ] {
        let Ok(Tests::Calls { function, mut cases }) = tests(row) else { panic!("{row}") };
        cases[0].alternative = None;
        assert_eq!(Tests::Calls { function, cases }, calls, "{row}");
    }
    let two = r#"{"id": "a", "func_name": "g", "tests": {"fn_name": "f", "inputs": [], "outputs": []}}"#;
    assert!(tests(two).unwrap_err().contains("two functions, `f` and `g`"));
    assert!(tests(r#"{"id": "a", "tests": [], "checks": []}"#).unwrap_err().contains("both"));
    // MBPP's second edition keeps imports apart.
    let row = r#"{"task_id": 2, "test_imports": ["import math", "import re"], "test_list": ["assert f(1)"]}"#;
    let check = Check {
        setup: "import math\nimport re".to_owned(),
        code: "assert f(1)".to_owned(),
        entry: None,
        prelude: Prelude::None,
        functions: Vec::new(),
    };
    assert_eq!(tests(row), Ok(Tests::Checks(vec![check])));
}

#[test]
fn solutions_that_come_with_problems_are_samples() {
    let of = |programs: &[&str]| -> Vec<_> {
        let source = |(index, text): (usize, &&str)| {
            (format!("q/{index}"), "q".to_owned(), Source::Program((*text).to_owned()))
        };
        programs.iter().enumerate().map(source).collect()
    };
    let cases: [(&str, &[&str]); 5] = [
        (r#"{"problem_id": "q", "solutions": "[\"a\", \"b\"]"}"#, &["a", "b"]),
        (r#"{"problem_id": "q", "solutions": ["a", "b"]}"#, &["a", "b"]),
        (r#"{"problem_id": "q", "solutions": "print(1)"}"#, &["print(1)"]),
        (r#"{"problem_id": "q", "solutions": "[print(1)]"}"#, &["[print(1)]"]),
        (
            r#"{"name": "q", "solutions": {"language": [1, 3, 2, 3], "solution": ["p", "a", "c", "b"]}}"#,
            &["a", "b"],
        ),
    ];
    for (row, expected) in cases {
        assert_eq!(programs(row), of(expected), "{row}");
    }
    for row in [
        r#"{"id": "q", "solutions": {"language": [3], "solution": ["a", "b"]}}"#,
        r#"{"id": "q", "solutions": [1]}"#,
        r#"{"id": "q", "code": {"a": 1}, "output": "b"}"#,
        r#"{"id": "q", "code_list": "a", "output": "b"}"#,
    ] {
        let error = samples(row).unwrap_err().to_string();
        assert!(error.contains("rows.jsonl:1:1: no sample: "), "{row}: {error}");
    }
    assert_eq!(
        programs(r#"{"id": "q", "code": null, "output": "b"}"#)[0].2,
        Source::Generation("b".to_owned())
    );
}

fn in_a_folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    (folder, root)
}

#[test]
fn files_that_other_programs_write_are_read_or_refused_with_a_remedy() {
    let (_folder, root) = in_a_folder();
    let read = |bytes: &[u8]| {
        let path = root.join("rows.jsonl");
        fs_err::write(&path, bytes).unwrap();
        Problems::read(&path)
    };
    // A byte order mark, line ends of Windows.
    let marked = "\u{feff}{\"id\": \"a\", \"tests\": []}\r\n{\"id\": \"b\", \"tests\": []}\r\n";
    assert_eq!(read(marked.as_bytes()).unwrap().len(), 2);
    assert_eq!(ids(marked), ["a", "b"]);
    let refused: [(&[u8], &str, &str); 3] = [
        (
            b"{\"id\": \"a\", \"tests\": []}\n{\"id\": \"\xff\"}",
            "rows.jsonl:2:9: the byte 0xff is not UTF-8",
            "save the file as UTF-8",
        ),
        (
            b"{\n  \"id\": \"a\"\n}\n",
            "rows.jsonl:1:1: no row: ",
            "write one JSON object a line, or one array of objects",
        ),
        (b"\n", "rows.jsonl holds no problem", "check that it is the right file; it needs at least one row"),
    ];
    for (bytes, message, remedy) in refused {
        let error = read(bytes).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(error.remedy(), remedy);
    }
    for error in [
        Problems::read(&root.join("absent.jsonl")).unwrap_err(),
        read_samples(&root.join("absent")).unwrap_err(),
    ] {
        assert!(error.remedy().starts_with("check the name"), "{error}");
    }
    assert!(Problems::read(&root).unwrap_err().remedy().contains("name a file"));
}

#[test]
fn a_lone_surrogate_costs_one_row_at_most() {
    // As Python's `json.dumps` writes them; a pair is a character, and after two backslashes stands none.
    let text = r#"{"id": "a", "code": "x = '\ud800' \ud83d\ude00 \\ud800", "tests": [{"input": "\udfff", "output": ""}]}
        {"id": "b", "code": "\ud83d\ude00 \\ud800", "tests": []}"#;
    let problems = problems(text).unwrap();
    assert!(
        problems.get("a").unwrap().tests().unwrap_err().contains("rows.jsonl:1: it holds a lone surrogate")
    );
    assert_eq!(problems.get("b").unwrap().tests(), Ok(Tests::Scripts(vec![])));
    for text in [text.to_owned(), format!("[{}]", text.replace('\n', ","))] {
        let sources: Vec<_> = samples(&text).unwrap().into_iter().map(|sample| sample.source).collect();
        let program = |text: &str| Source::Program(text.to_owned());
        assert_eq!(sources, [program("x = '\u{fffd}' \u{1f600} \\ud800"), program("\u{1f600} \\ud800")]);
    }
}

#[cfg(unix)]
#[test]
fn a_folder_with_links_in_a_circle_is_read_once() {
    let (_folder, root) = in_a_folder();
    fs_err::create_dir_all(root.join("q")).unwrap();
    fs_err::write(root.join("q/a.py"), "\u{feff}1").unwrap();
    for (target, name) in [("..", "q/up"), (".", "here"), ("q", "q.py"), ("q/a.py", "r.py")] {
        fs_err::os::unix::fs::symlink(target, root.join(name)).unwrap();
    }
    let found: Vec<_> =
        read_samples(&root).unwrap().into_iter().map(|sample| (sample.id, sample.source)).collect();
    let program = Source::Program("1".to_owned());
    assert_eq!(found, [("q/a".to_owned(), program.clone()), ("r".to_owned(), program)]);
    fs_err::write(root.join("q/b.py"), b"1\n2\xff").unwrap();
    // It costs no other sample.
    let found = read_samples(&root).unwrap();
    assert_eq!((found.len(), &found[1].source), (3, &Source::Unreadable("its file is not UTF-8".to_owned())));
}

/// The types that a property of a schema may have.
fn types(property: &Value) -> Vec<String> {
    let name = |value: &Value| value.as_str().unwrap().to_owned();
    match (&property["type"], &property["enum"]) {
        (Value::Array(names), _) => names.iter().map(name).collect(),
        (Value::String(only), _) => vec![only.clone()],
        (_, words) => {
            let null = words.as_array().unwrap().contains(&Value::Null);
            ["string".to_owned()].into_iter().chain(null.then(|| "null".to_owned())).collect()
        }
    }
}

/// Each type of value for each property is read if the schema allows it, and is not if it does not.
#[test]
fn the_schemas_say_what_is_read() {
    let schema = |path: &Utf8Path| -> Value {
        serde_json::from_str(&fs_err::read_to_string(workspace().join("sandbox/schema").join(path)).unwrap())
            .unwrap()
    };
    let (problem, sample) = (schema("problem.schema.json".into()), schema("sample.schema.json".into()));
    let case = json!({ "input": "1", "output": "1" });
    // What a row of the schema is completed to, with one property set to a value.
    let row = |key: &str, value: Value| -> String {
        let base = match key {
            "checks" => json!({}),
            "setup" | "entry" | "prelude" => json!({ "checks": ["assert f(1)"] }),
            _ => json!({ "tests": [case] }),
        };
        with(&base, key, value)
    };
    let is_problem = |text: &str| {
        problems(text).is_ok_and(|found| found.ids().all(|id| found.get(id).unwrap().tests().is_ok()))
    };
    let values = |word: Value| {
        [
            ("string", word),
            ("integer", json!(3)),
            ("number", json!(1.5)),
            ("boolean", json!(true)),
            ("null", Value::Null),
            ("object", json!({ "a": 1 })),
        ]
    };
    let mut seen = 0;
    let mut compare = |property: &Value, kind: &str, text: &str, read: bool| {
        let types = types(property);
        let allowed = types.iter().any(|name| name == kind || (name == "number" && kind == "integer"));
        assert_eq!(read, allowed, "{text}: {types:?}");
        seen += 1;
    };
    for (key, property) in problem["properties"].as_object().unwrap() {
        let word = if key == "prelude" { "none" } else { "word" };
        for (kind, value) in values(json!(word)) {
            let text = row(key, value);
            compare(property, kind, &text, is_problem(&text));
        }
    }
    for (key, property) in problem["properties"]["tests"]["items"]["properties"].as_object().unwrap() {
        let word = if key == "testtype" { "stdin" } else { "word" };
        for (kind, value) in values(json!(word)) {
            let text = json!({ "tests": [serde_json::from_str::<Value>(&with(&case, key, value)).unwrap()] });
            compare(property, kind, &text.to_string(), is_problem(&text.to_string()));
        }
    }
    for (key, property) in sample["properties"].as_object().unwrap() {
        for (kind, value) in values(json!("word")) {
            // A generation, which counts after all others.
            let text = with(&json!({ "generations": ["x"] }), key, value);
            compare(property, kind, &text, samples(&text).is_ok());
        }
    }
    assert!(seen > 80, "{seen}");
    // A row may have several forms of a sample: the first in the schema's order counts.
    let mut text = json!({});
    for key in ["output_list", "output", "completion", "code_list", "code"] {
        text[key] = if key.ends_with("_list") { json!([key]) } else { json!(key) };
        let (Source::Program(found) | Source::Generation(found) | Source::Completion(found)) =
            samples(&text.to_string()).unwrap().remove(0).source
        else {
            panic!("{text}")
        };
        assert_eq!(found, key);
    }
}

/// Published benchmarks lose no row to strictness.
#[test]
fn every_row_of_the_benchmarks_is_read() {
    let files = [
        ("lcb/problems.jsonl", 539),
        ("lcb/lite_format.jsonl", 80),
        ("lcb/judge_probes.jsonl", 66),
        ("code_bench/code_contests_test.jsonl", 165),
        ("code_bench/codeforces_test.jsonl", 408),
        ("code_bench/humaneval.jsonl", 164),
        ("code_bench/leetcode_test.jsonl", 200),
        ("code_bench/leetcode_train.jsonl", 1889),
        ("code_bench/mbpp.jsonl", 974),
        ("code_bench/taco_problems_nemo_gym.jsonl", 5),
    ];
    for (name, count) in files {
        if shared_rows(name).is_none() {
            continue;
        }
        let path = workspace().join("../shared/data").join(name);
        let problems = Problems::read(&path).unwrap();
        assert_eq!(problems.len(), count, "{name}");
        let undecodable = problems.ids().find_map(|id| problems.get(id).unwrap().tests().err());
        assert_eq!(undecodable, None, "{name}");
    }
    for (name, count) in [("lcb/samples.jsonl", 1078), ("code_bench/leetcode_test.jsonl", 200)] {
        if shared_rows(name).is_some() {
            let samples = read_samples(&workspace().join("../shared/data").join(name)).unwrap();
            assert_eq!(samples.len(), count, "{name}");
        }
    }
}
