//! The JSON that commands print and write: committed schemas, one key style, a format in every document.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::world::{World, copy, repository};

/// A schema's file, and what its type says.
fn schemas() -> [(&'static str, Value); 7] {
    [
        ("harness/claims/schema/audit.schema.json", assay_claims::audit::schema().to_value()),
        ("harness/flow/schema/event.schema.json", assay_flow::Record::schema().to_value()),
        ("harness/flow/schema/plan.schema.json", assay_flow::PlanDocument::schema().to_value()),
        ("harness/import/schema/call.schema.json", assay_import::Call::schema().to_value()),
        ("harness/import/schema/import.schema.json", assay_import::file_schema().to_value()),
        ("sandbox/schema/grade.schema.json", assay_sandbox::grade::GradeRow::schema().to_value()),
        ("sandbox/schema/verdict.schema.json", assay_sandbox::VerdictRow::schema().to_value()),
    ]
}

/// Written by the test beside its types, which are the command's own.
const ERROR: &str = "harness/cli/schema/error.schema.json";

/// Writes the schemas that are not current, and fails then.
#[test]
fn the_committed_schemas_are_current() {
    let mut written = Vec::new();
    for (file, schema) in schemas() {
        let (path, text) = (repository().join(file), format!("{schema:#}\n"));
        if std::fs::read_to_string(&path).unwrap_or_default() != text {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            written.push(file);
        }
    }
    assert_eq!(written, [""; 0], "these were not current and have been written: review and commit them");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(json).collect()
}

/// What the committed schema has against a document.
fn complaints(file: &str, document: &Value) -> Vec<String> {
    let schema = json(&std::fs::read_to_string(repository().join(file)).unwrap());
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Asserts that documents fit their schema, and have a format and keys of one style.
fn fit(file: &str, documents: &[Value]) {
    assert!(!documents.is_empty(), "nothing to check for {file}");
    for document in documents {
        assert_eq!(complaints(file, document), [""; 0], "{file}: {document:#}");
        has_one_style(document);
    }
}

/// Objects whose keys are names from the data: of parameters, facts, verdicts, models, of numbers k.
const BY_NAME: [&str; 9] =
    ["params", "facts", "verdicts", "how", "not_graded", "unscored", "per_seed", "pass_at", "schema"];

/// Asserts that all keys are in snake_case.
fn has_one_style(value: &Value) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let snake = key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
                assert!(snake, "the key {key:?} in {value:#}");
                match inner {
                    Value::Object(named) if BY_NAME.contains(&key.as_str()) && key != "schema" => {
                        named.values().for_each(has_one_style);
                    }
                    _ if key == "schema" => {}
                    _ => has_one_style(inner),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(has_one_style),
        _ => {}
    }
}

const TINY: [&str; 3] = ["table-05", "--scale", "tiny"];
const PLAN: &str = "harness/flow/schema/plan.schema.json";
const EVENT: &str = "harness/flow/schema/event.schema.json";
const AUDIT: &str = "harness/claims/schema/audit.schema.json";
const CALL: &str = "harness/import/schema/call.schema.json";
const IMPORT: &str = "harness/import/schema/import.schema.json";
const VERDICT: &str = "sandbox/schema/verdict.schema.json";
const GRADE: &str = "sandbox/schema/grade.schema.json";

#[test]
fn plans_and_events_fit_their_schemas() {
    let world = World::finished();
    let plan = |more: &[&str]| {
        json(&world.run(&[&["plan", "--json"], &TINY[..], more].concat()).succeeds().stdout())
    };
    fit(PLAN, &[plan(&[]), plan(&["--set", "evaluation.samples=3"])]);
    let why = ["why", "sft-1k-restated.final", "--recipe", "table-05", "--scale", "tiny", "--json"];
    let why = json(&world.run(&why).succeeds().stdout());
    fit(PLAN, std::slice::from_ref(&why));
    assert_eq!(why["steps"][0]["description"]["kind"], "train");

    let run = [&["run", "--json"], &TINY[..], &["--set", "evaluation.samples=1"]].concat();
    let events = lines(&world.run(&run).succeeds().stdout());
    fit(EVENT, &events);
    let last = json(&world.run(&["runs", "--json"]).succeeds().stdout())["runs"][0]["id"].clone();
    let log = world.run(&["log", last.as_str().unwrap()]).succeeds().stdout();
    fit(EVENT, &lines(&log));
    assert!(events.iter().chain(&lines(&log)).all(|event| event["format"] == 1));
    // The step fails, and so does the run.
    let world = World::new();
    let weights = world.path("recipes/models/base-m/model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let failed = world.run(&[&["run", "--json"], &TINY[..]].concat()).fails_with(1);
    fit(EVENT, &lines(&failed.stdout()));
    assert!(failed.stdout().contains("step-failed"));
    let error = error_of(&failed.stderr());
    assert_eq!((&error["kind"], &error["exit_code"]), (&json!("user"), &json!(1)));
    assert!(error["message"].as_str().unwrap().contains("base-m is not what base.lock says"), "{error:#}");
}

/// What the printed plan says of a run's size is in the document too.
#[test]
fn a_plan_says_what_a_run_would_take() {
    let world = World::new();
    let plan =
        |arguments: &[&str]| json(&world.run(&[&["plan", "--json"], arguments].concat()).succeeds().stdout());
    let tiny = plan(&TINY);
    fit(PLAN, std::slice::from_ref(&tiny));
    let nothing = json!({ "downloads": { "files": 0, "bytes": 0, "unchecked": 0 }, "not_measured": [] });
    assert_eq!(tiny["work"], nothing);
    // The numbers that `what_is_unchecked_is_planned_and_refused_until_it_is_pinned` finds printed.
    let paper = plan(&["table-01", "--scale", "paper"]);
    fit(PLAN, std::slice::from_ref(&paper));
    let work = &paper["work"];
    assert_eq!(work["downloads"], json!({ "files": 10, "bytes": 0, "unchecked": 10 }));
    let generates = &work["generates"];
    assert_eq!((&generates["models"], &generates["replies"]), (&json!(5), &json!(116_260)));
    assert_eq!(generates["tokens"].as_u64().unwrap().div_ceil(1_000_000), 826, "{generates}");
    assert_eq!(generates["tokens_per_second"], json!(2500.0));
    let hours = generates["tokens"].as_f64().unwrap() / 2500.0 / 3600.0;
    assert!((generates["gpu_hours"].as_f64().unwrap() - hours).abs() < 1e-3, "{generates}");
    let absent = work["not_measured"].as_array().unwrap();
    assert!(absent.iter().any(|row| row["label"] == "Bespoke-Stratos-4B, each row twice"), "{work}");
    // Files that are known, and several recipes at once.
    let smoke = plan(&["table-01", "humaneval", "--scale", "smoke"]);
    has_one_style(&smoke);
    let downloads = &smoke["work"]["downloads"];
    assert!(
        downloads["files"].as_u64() >= Some(2) && downloads["bytes"].as_u64() > Some(90_000_000),
        "{downloads}"
    );
}

#[test]
fn audits_and_imports_fit_their_schemas() {
    let world = World::new();
    let audit = world.run(&["audit", "--json"]).succeeds();
    let found = json(&audit.stdout());
    fit(AUDIT, std::slice::from_ref(&found));
    let grid = found["findings"].as_array().unwrap().iter().find(|f| f["detector"] == "grid").unwrap();
    assert_eq!(grid["nearest"].as_array().unwrap().len(), 3, "{grid:#}");

    copy(&repository().join("examples/other-paper"), &world.path("other"));
    let import = |questions: &str| {
        let log = ["import", "other/logs/heron.csv", "--benchmark", "birds", "--samples", "2"];
        let rest = ["--questions", questions, "--level", "re-judged", "-o", "out.jsonl", "--json"];
        world.run(&[&log[..], &rest].concat())
    };
    let missing = import("13").fails_with(2);
    fit(CALL, &[json(&import("12").succeeds().stdout()), json(&missing.stdout())]);
    assert!(error_of(&missing.stderr())["remedy"].as_str().unwrap().contains("--questions"));
    for file in ["out.jsonl", "other/wren.jsonl"] {
        fit(IMPORT, &lines(&world.read(file)));
    }
    // A score that is none, and why.
    let log = "question,sample,score\na,0,1\na,1,nan\nb,0,0\nb,1,1\n";
    std::fs::write(world.path("log.csv"), log).unwrap();
    let import = ["import", "log.csv", "--benchmark", "b", "--samples", "2", "--questions", "2", "--json"];
    world.run(&[&import[..], &["--level", "re-judged", "-o", "nan.jsonl"]].concat()).succeeds();
    fit(IMPORT, &lines(&world.read("nan.jsonl")));
}

#[test]
fn verdicts_and_grades_fit_their_schemas() {
    let world = World::new();
    let problem = json!({ "id": "sum", "tests": [{ "input": "1 2\n", "output": "3\n" }] });
    std::fs::write(world.path("problems.jsonl"), format!("{problem}\n")).unwrap();
    let sample = |id: &str, code: &str| json!({ "sample_id": id, "question_id": "sum", "code": code });
    let rows = [sample("right", "print(3)"), sample("wrong", "print(4)"), sample("broken", "print(")];
    std::fs::write(world.path("samples.jsonl"), rows.map(|row| format!("{row}\n")).concat()).unwrap();
    let judge = |more: &[&str]| {
        let files = ["judge", "problems.jsonl", "samples.jsonl", "--json", "--fuel", "300000000"];
        world.run(&[&files[..], more].concat()).succeeds().stdout()
    };
    let summary = json(&judge(&["--judges", "assay,lcb", "--out", "verdicts.jsonl"]));
    assert_eq!(summary["format"], 1);
    has_one_style(&summary);
    let verdicts = lines(&world.read("verdicts.jsonl"));
    fit(VERDICT, &verdicts);
    assert_eq!(verdicts.len(), 6);
    for sample in ["right", "wrong", "broken"] {
        let explained = lines(&judge(&["--explain", sample]));
        fit(VERDICT, &explained);
        assert_eq!(explained[0]["failure"].is_null(), sample == "right");
    }
    let committed = std::fs::read_to_string(repository().join("examples/judge/verdicts.jsonl")).unwrap();
    fit(VERDICT, &lines(&committed));

    let pairs = "{\"id\": 1, \"gold\": \"C\", \"generation\": \"The answer is (C).\"}\n{\"id\": \"x\", \"gold\": \"C\"}\n[]\n";
    std::fs::write(world.path("pairs.jsonl"), pairs).unwrap();
    let grade = ["grade", "pairs.jsonl", "--out", "grades.jsonl", "--grader", "choice-mmlu-pro", "--json"];
    let summary = world.run(&grade).fails_with(1);
    assert_eq!(json(&summary.stdout())["format"], 1);
    has_one_style(&json(&summary.stdout()));
    let grades = lines(&world.read("grades.jsonl"));
    fit(GRADE, &grades);
    assert_eq!(grades.len(), 3);
}

/// Documents without a schema of their own.
#[test]
fn every_other_document_has_a_format_and_the_same_style() {
    let world = World::finished();
    for arguments in [
        &["steps", "--json"][..],
        &["steps", "train", "--json"],
        &["settings", "--scale", "tiny", "--json"],
        &["runs", "--json"],
        &["store", "stats", "--json"],
        &["store", "verify", "--json"],
        &["store", "gc", "--json"],
        &["store", "gc", "--yes", "--json"],
        &["doctor", "--json"],
    ] {
        let document = json(&world.run(arguments).succeeds().stdout());
        assert_eq!(document["format"], 1, "{arguments:?}");
        has_one_style(&document);
    }
}

/// Each schema refuses what is not of its form.
#[test]
fn the_schemas_refuse_other_forms() {
    let world = World::finished();
    let plan = json(&world.run(&[&["plan", "--json"], &TINY[..]].concat()).succeeds().stdout());
    let audit = json(&world.run(&["audit", "--json"]).succeeds().stdout());
    let lines_of = |file: &str| lines(&std::fs::read_to_string(repository().join(file)).unwrap());
    let verdict = lines_of("examples/judge/verdicts.jsonl").remove(0);
    let import = lines_of("examples/other-paper/heron.jsonl");
    let error = json(world.run(&["plan", "--json"]).fails_with(2).stderr().lines().last().unwrap());
    let grade =
        json!({ "format": 1, "id": 1, "equal": true, "grader": "choice-mmlu-pro f418b11", "how": "choice" });
    let event = json!({ "format": 1, "at_ms": 1, "event": "step-progress", "step": "s", "done": 1, "total": 2, "note": "" });
    type Bend = (&'static str, Value);
    let cases: [(&str, &Value, &[Bend]); 8] = [
        (
            PLAN,
            &plan,
            &[("/steps/0/state", json!("ready")), ("/steps/0/output", json!("ab")), ("/recipe", json!(5))],
        ),
        (EVENT, &event, &[("/event", json!("step-done")), ("/done", json!("1"))]),
        (AUDIT, &audit, &[("/cells/0/result", json!("fine")), ("/findings/0/detector", json!("Grid"))]),
        (VERDICT, &verdict, &[("/verdict", json!("passed")), ("/tests", json!(["pass", "PASS"]))]),
        (GRADE, &grade, &[("/equal", json!("yes")), ("/id", json!([]))]),
        (IMPORT, &import[0], &[("/level", json!("sure")), ("/questions", json!(-1))]),
        (IMPORT, &import[1], &[("/score", json!("1")), ("/sample", json!(0.5))]),
        (ERROR, &error, &[("/error/kind", json!("other")), ("/error/message", Value::Null)]),
    ];
    for (file, good, bends) in cases {
        assert_eq!(complaints(file, good), [""; 0], "{file}");
        let refuses =
            |bent: &Value, what: &str| assert!(!complaints(file, bent).is_empty(), "{file}: {what}");
        for (place, value) in bends {
            let mut bent = good.clone();
            *bent.pointer_mut(place).unwrap() = value.clone();
            refuses(&bent, place);
        }
        let mut bent = good.clone();
        bent["colour"] = json!(1);
        refuses(&bent, "an unknown key");
        if good.get("format").is_some() {
            let mut bent = good.clone();
            bent["format"] = json!(99);
            refuses(&bent, "a newer format");
            bent.as_object_mut().unwrap().remove("format");
            refuses(&bent, "no format");
        }
    }
}

/// The error that `--json` says, which is the last line of standard error.
fn error_of(stderr: &str) -> Value {
    let document = json(stderr.lines().last().unwrap());
    fit(ERROR, std::slice::from_ref(&document));
    document["error"].clone()
}

#[test]
fn failures_are_json_where_json_is_asked_for() {
    let world = World::new();
    world.edit("recipes/scale/tiny.toml", "batch = 8", "batches = 8");
    let last = ["loss = \"dr-sft\"\n\n[final-1k-repeated]", "loss = \"dr-stf\"\n\n[final-1k-repeated]"];
    world.edit("recipes/scale/tiny.toml", last[0], last[1]);
    let finished = world.run(&[&["plan", "--json"], &TINY[..]].concat()).fails_with(2);
    assert_eq!(finished.stdout(), "");
    let error = error_of(&finished.stderr());
    let all = error["diagnostics"].as_array().unwrap();
    assert!(all.len() >= 2, "every mistake is told: {error:#}");
    assert_eq!((&error["place"], &error["message"]), (&all[0]["place"], &all[0]["message"]));
    let scale = world.read("recipes/scale/tiny.toml");
    let line = scale.lines().position(|line| line.starts_with("batches")).unwrap() + 1;
    let misspelt = json!({ "file": "recipes/scale/tiny.toml", "line": line, "column": 1 });
    let found = all.iter().find(|one| one["place"] == misspelt).unwrap_or_else(|| panic!("{error:#}"));
    assert!(found["message"].as_str().unwrap().contains("unknown key `batches`"), "{found}");
    assert!(found["remedy"].as_str().unwrap().contains("did you mean `batch`"), "{found}");

    // Arguments, exit code, message, remedy.
    std::fs::write(world.path("newer.json"), "{\"format\": \"assay-report 99\"}").unwrap();
    std::fs::write(world.path("torn.jsonl"), "{\"id\": \"a\", \"tests\": []}\n{\"id\": \n").unwrap();
    std::fs::write(world.path("log.csv"), "question,correct\na,maybe\n").unwrap();
    let cases: [(&[&str], &str, &str, Value); 9] = [
        (&["plan", "table-5"], "no recipe `table-5`", "`table-05`", Value::Null),
        (&["audit", "table-5"], "no recipe `table-5`", "`table-05`", Value::Null),
        (&["report", "absent.json"], "absent.json", "JSON form", Value::Null),
        (
            &["report", "newer.json"],
            "newer.json: the report has format version 99",
            "`assay run`",
            Value::Null,
        ),
        (&["audit", "absent.csv"], "there is no file absent.csv", "check the path", Value::Null),
        (
            &["plan", "table-05", "--sclae", "tiny"],
            "unexpected argument '--sclae' found",
            "'--scale'",
            Value::Null,
        ),
        (&["nothing"], "unrecognized subcommand 'nothing'", "", Value::Null),
        (
            &["judge", "torn.jsonl", "torn.jsonl"],
            "no row",
            "one JSON object a line",
            json!({ "file": "torn.jsonl", "line": 2, "column": 7 }),
        ),
        (
            &[
                "import",
                "log.csv",
                "--benchmark",
                "b",
                "--questions",
                "1",
                "--samples",
                "1",
                "--level",
                "audited",
                "-o",
                "o",
            ],
            "maybe",
            "",
            json!({ "file": "log.csv", "line": 2, "column": null }),
        ),
    ];
    for (arguments, message, remedy, place) in cases {
        let error = error_of(&world.run(&[arguments, &["--json"]].concat()).fails_with(2).stderr());
        assert_eq!((&error["kind"], &error["exit_code"]), (&json!("user"), &json!(2)), "{arguments:?}");
        assert!(error["message"].as_str().unwrap().contains(message), "{error:#}");
        assert!(error["remedy"].as_str().unwrap_or_default().contains(remedy), "{error:#}");
        assert_eq!(error["place"], place, "{error:#}");
    }
    // Help is no failure.
    world.run(&["plan", "--json", "--help"]).succeeds().prints(&["Usage: assay plan"]);
}

/// A table in a file: the mistakes of its header and its cells, each with its place.
#[test]
fn mistakes_in_a_table_are_json_with_their_places() {
    let world = World::new();
    let table = "+++\nquestions = 0\nsamples = 1\nclaims = [{ id = \"C\", text = \"t\", expression = \"owl.fly > cat.fly\" }]\n+++\n\
                 method,fly\nowl,52.50\nbat,120.00\n";
    std::fs::write(world.path("fliers.csv"), table).unwrap();
    let error = error_of(&world.run(&["audit", "fliers.csv", "--json"]).fails_with(2).stderr());
    let places: Vec<String> = error["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{}:{}:{}", one["place"]["file"], one["place"]["line"], one["place"]["column"]))
        .collect();
    assert_eq!(places, ["\"fliers.csv\":2:13", "\"fliers.csv\":8:5", "\"fliers.csv\":4:59"], "{error:#}");
    // A mistake in the criteria of a recipe is in their file.
    world.edit("recipes/criteria/table-05.toml", "acc.math > l.math", "acc.math > ll.math");
    world
        .run(&["audit", "table-05"])
        .fails_with(2)
        .says(&["recipes/criteria/table-05.toml:15:84: there is no row `ll`"]);
    let path = PathBuf::from("recipes/table-05.toml");
    world
        .run(&["audit", path.to_str().unwrap()])
        .fails_with(2)
        .says(&["recipes/criteria/table-05.toml:15:84: "]);
}
