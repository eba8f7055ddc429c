//! What others have released: files of packages, and benchmarks of programs.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use assay_store::{ErrorClass, Hash};
use serde_json::{Value, json};

use crate::given::Project;

const FILE: &str = "bench-1.0-py3-none-any.whl";
const PACKAGE: &str = "[steps.end]\nkind = 'package-file'\nparams = { lock = 'x.lock', entry = 'bench', member = 'bench/rows.txt' }\n";

/// A wheel with one file, a Python that gives it in the place of an index, and a lock of it; `None` without a Python.
fn package(project: &Project, pinned: impl Fn(&[u8]) -> Hash) -> Option<()> {
    const MAKE: &str = "import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z: z.writestr('bench/rows.txt', 'what others wrote')";
    let root = project.root();
    let wheel = root.join("wheel.zip");
    let made = Command::new("python3").args(["-c", MAKE, wheel.as_str()]).status();
    if !made.is_ok_and(|made| made.success()) {
        eprintln!("skipped: there is no python3");
        return None;
    }
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = -I ]; then exec python3 \"$@\"; fi\nfor last; do :; done\ncp {wheel} \"$last/{FILE}\"\n"
    );
    fs_err::write(root.join("python"), script).unwrap();
    fs_err::set_permissions(root.join("python"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let bytes = fs_err::read(&wheel).unwrap();
    let lock = format!(
        "format = 1\n[entries.bench]\npackage = 'bench'\nversion = '1.0'\nfile = '{FILE}'\nsize = {}\nsha256 = '{}'\nblake3 = '{}'\n\n[entries.other]\nsize = 1\nblake3 = '{}'\n",
        bytes.len(),
        "0".repeat(64),
        pinned(&bytes),
        pinned(&bytes),
    );
    fs_err::create_dir_all(root.join("lockfiles")).unwrap();
    fs_err::write(root.join("lockfiles/x.lock"), lock).unwrap();
    Some(())
}

#[test]
fn a_file_of_a_locked_package_is_an_artefact() {
    let project = Project::new("package");
    if package(&project, Hash::of).is_none() {
        return;
    }
    let (output, _) = project.run(PACKAGE, |_| false);
    assert_eq!(output.unwrap(), Hash::of(b"what others wrote"));
    let refused = project.refused(&PACKAGE.replace("'bench',", "'other',"));
    assert!(refused.contains("`other` of x.lock is no wheel that runs anywhere"), "{refused}");
    let refused = project.refused(&PACKAGE.replace("'bench',", "'bank',"));
    assert!(refused.contains("known here: `bench`, `other`"), "{refused}");
    let (class, message) = project.failure(&PACKAGE.replace("rows.txt", "row.txt"));
    assert!(class == ErrorClass::User && message.contains("holds no `bench/row.txt`"), "{message}");
}

#[test]
fn another_package_than_the_locked_one_is_refused() {
    let project = Project::new("another-package");
    if package(&project, |_| Hash::of(b"another")).is_none() {
        return;
    }
    let (class, message) = project.failure(PACKAGE);
    assert!(class == ErrorClass::Environment && message.contains("but x.lock pins"), "{message}");
}

fn problem(id: &str) -> Value {
    json!({
        "task_id": id,
        "prompt": "from typing import List\n\n\ndef total(xs: List[int]) -> int:\n    \"\"\"The sum.\"\"\"\n",
        "entry_point": "total",
        "canonical_solution": "    return sum(xs)\n",
        "test": "def check(candidate):\n    assert candidate([1, 2]) == 3\n",
    })
}

const PROBLEMS: &str =
    "[steps.end]\nkind = 'problems'\ninputs = { file = 'rows' }\nparams = { benchmark = 'bench' }\n";

/// A program that leaves out what the prompt imports is right as well: nobody repeats it.
#[test]
fn problems_are_items_in_their_order() {
    let mut project = Project::new("problems");
    project.records("rows", "file", ["b/10", "b/2", "b/1"].map(problem).to_vec());
    let items = project.lines(PROBLEMS);
    let ids: Vec<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["b/10", "b/2", "b/1"]);
    let first = &items[0];
    assert_eq!((&first["benchmark"], &first["question"]), (&json!("bench"), &problem("x")["prompt"]));
    assert!(first["references"][0].as_str().unwrap().ends_with("\"\"\"The sum.\"\"\"\n    return sum(xs)\n"));
    let check = &first["check"]["tests"]["checks"][0];
    assert_eq!((&check["entry"], &check["prelude"]), (&json!("total"), &json!("benchmark")));
    let cut = PROBLEMS.replace("'bench' }", "'bench', first = 2 }");
    assert_eq!(project.lines(&cut).len(), 2);
    let refused = project.refused(&PROBLEMS.replace("'bench' }", "'bench', first = 0 }"));
    assert!(refused.contains("first"), "{refused}");
}

#[test]
fn rows_that_are_no_problems_are_named_by_their_line() {
    let without = |key: &str| {
        let mut row = problem("b/2");
        row.as_object_mut().unwrap().remove(key);
        row
    };
    for (test, row, part) in [
        ("no-prompt", without("prompt"), "bench:2:1: a problem without `prompt`"),
        ("no-test", without("test"), "bench:2:1: a problem of unknown form"),
        ("same-id", problem("b/1"), "b/1"),
    ] {
        let mut project = Project::new(test);
        project.records("rows", "file", vec![problem("b/1"), row]);
        let (class, message) = project.failure(PROBLEMS);
        assert!(class == ErrorClass::User && message.contains(part), "{test}: {message}");
    }
}

const JOINED: &str = "[steps.end]\nkind = 'joined-items'\ninputs = { items = ['one', 'two'] }\n";

#[test]
fn items_of_several_benchmarks_are_joined_in_order() {
    let item = |id: &str, benchmark: &str| json!({ "id": id, "benchmark": benchmark, "question": "?", "references": ["1"], "check": { "kind": "exact" } });
    let mut project = Project::new("joined-items");
    project.records("one", "items", vec![item("b", "x"), item("a", "x")]);
    project.records("two", "items", vec![item("c", "y")]);
    assert_eq!(project.lines(JOINED), [item("b", "x"), item("a", "x"), item("c", "y")]);
    let mut project = Project::new("joined-items-twice");
    project.records("one", "items", vec![item("a", "x")]);
    project.records("two", "items", vec![item("a", "y")]);
    let (class, message) = project.failure(JOINED);
    assert!(class == ErrorClass::User && message.contains("x and y have an item of the name a"), "{message}");
}

#[test]
fn a_file_of_the_workspace_is_known_by_its_content() {
    let project = Project::new("workspace-file");
    let step = |path: &str| format!("[steps.end]\nkind = 'workspace-file'\nparams = {{ path = '{path}' }}\n");
    fs_err::write(project.root().join("rows.jsonl"), "{\"a\": 1}\n").unwrap();
    assert_eq!(project.lines(&step("rows.jsonl")), [json!({ "a": 1 })]);
    fs_err::write(project.root().join("rows.jsonl"), "{\"a\": 2}\n").unwrap();
    assert_eq!(project.lines(&step("rows.jsonl")), [json!({ "a": 2 })]);
    for (path, part) in
        [("../rows.jsonl", "leads out of the workspace"), ("rows.json", "there is no file `rows.json`")]
    {
        let refused = project.refused(&step(path));
        assert!(refused.contains(part), "{refused}");
    }
}

/// Who reads the provenance of a run knows kinds by what they are for.
#[test]
fn every_kind_of_step_has_the_role_that_its_output_has() {
    use assay_study::roles::{brings_a_released_model, brings_questions, brings_replies, judges, trains};
    let project = Project::new("roles");
    for kind in project.registry().kinds() {
        let (name, output) = (kind.name(), kind.output().0);
        assert_eq!(brings_questions(name), output == "items", "{name}");
        assert_eq!(brings_replies(name), output == "generations", "{name}");
        // A model is one of others, or it was trained; of a folder in the workspace nobody knows.
        let known = output == "model" && name != "checkpoint";
        assert_eq!(brings_a_released_model(name) != trains(name), known, "{name}");
        if ["verdicts", "answer-verdicts"].contains(&output) {
            assert!(judges(name), "{name}");
        }
    }
}
