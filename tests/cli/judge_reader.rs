//! What helps whoever reads scores: groups by model, a count before the work, and files that are exchanged.

use serde_json::{Value, json};

use crate::world::World;

fn world() -> World {
    let world = World::new();
    let test = |id: &str| json!({ "id": id, "difficulty": "x\u{9b}31m\u{202e}", "tests": [{ "input": "1", "output": "1" }] });
    let sample = |id: &str, problem: &str, model: &str, code: &str| json!({ "sample_id": id, "question_id": problem, "model": model, "code": code });
    let problems = [test("a"), test("b")];
    let samples = [
        sample("s1", "a", "heron", "print(1)"),
        sample("s2", "b", "heron", "print(2)"),
        sample("s3\u{9b}31m\u{7f}", "a", "wren", "print('\u{9b}31m')"),
        json!({ "sample_id": "s4", "question_id": "b", "code": "print(1)" }),
    ];
    let lines = |rows: &[Value]| rows.iter().map(|row| format!("{row}\n")).collect::<String>();
    std::fs::write(world.path("problems.jsonl"), lines(&problems)).unwrap();
    std::fs::write(world.path("samples.jsonl"), lines(&samples)).unwrap();
    world
}

fn judge<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["judge", "problems.jsonl", "samples.jsonl", "--fuel", "300000000"], more].concat()
}

#[test]
fn scores_are_grouped_by_model() {
    let world = world();
    let summary: Value =
        serde_json::from_str(&world.run(&judge(&["--by", "model", "--json"])).succeeds().stdout()).unwrap();
    let scores = summary["judges"][0]["scores"].as_array().unwrap();
    let rows: Vec<_> =
        scores.iter().map(|row| json!([row["model"], row["samples"], row["average"]])).collect();
    assert_eq!(rows, [json!(["heron", 2, 0.5]), json!(["wren", 1, 0.0]), json!([null, 4, 0.5])]);
    let table = world.run(&judge(&["--by", "model"])).succeeds().stdout();
    assert!(table.contains("model  ") && table.contains("heron"), "{table}");
}

#[test]
fn json_holds_no_character_that_acts_on_a_terminal() {
    let world = world();
    for more in [&["--json"][..], &["--json", "--explain", "s3\u{9b}31m\u{7f}"]] {
        let text = world.run(&judge(more)).succeeds().stdout();
        assert!(!text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
        assert!(text.contains("\\u009b31m"), "{text}");
    }
    world.run(&judge(&["--out", "v.jsonl"])).succeeds();
    let rows = world.read("v.jsonl");
    let row: Value = serde_json::from_str(rows.lines().nth(2).unwrap()).unwrap();
    assert_eq!(row["sample_id"], "s3\u{9b}31m\u{7f}");
}

#[test]
fn a_dry_run_counts_and_judges_nothing() {
    let world = world();
    let dry = || -> Value {
        serde_json::from_str(&world.run(&judge(&["--dry-run", "--json"])).succeeds().stdout()).unwrap()
    };
    let before = dry();
    assert_eq!(
        (&before["samples"], &before["to_judge"], &before["known"]),
        (&json!(4), &json!(4), &json!(0))
    );
    assert_eq!(dry(), before, "it judged something");
    world.run(&judge(&[])).succeeds();
    let after = dry();
    assert_eq!((&after["to_judge"], &after["known"]), (&json!(0), &json!(4)));
    let text = world.run(&judge(&["--dry-run"])).succeeds().stdout();
    assert!(text.contains("4 samples for 2 problems"), "{text}");
}

#[test]
fn files_that_are_exchanged_are_recognised() {
    let world = world();
    world
        .run(&["judge", "samples.jsonl", "problems.jsonl"])
        .fails_with(2)
        .says(&["samples.jsonl holds samples, and problems.jsonl problems", "name the problems first"]);
}

#[test]
fn a_second_row_with_one_id_is_not_graded() {
    let world = world();
    let row = |id: Value| json!({ "id": id, "gold": "1", "prediction": "1" }).to_string();
    for (first, second, refused) in
        [(json!("1"), json!("1"), true), (json!(7), json!(7), true), (json!(1), json!("1"), false)]
    {
        std::fs::write(world.path("pairs.jsonl"), format!("{}\n\n{}\n", row(first), row(second))).unwrap();
        let ran = world.run(&["grade", "pairs.jsonl", "--grader", "rational", "--out", "r.jsonl"]);
        if refused {
            ran.fails_with(2).says(&["pairs.jsonl:3:1: a second row", "the first is in line 1"]);
        } else {
            ran.succeeds();
        }
    }
}

/// What is named wrongly is told with what could have been meant.
#[test]
fn samples_that_are_not_there_are_told() {
    let world = world();
    world
        .run(&judge(&["--explain", "s5"]))
        .fails_with(2)
        .says(&["samples.jsonl holds no sample `s5`", "help: did you mean `s1` or `s2`"]);
    std::fs::write(world.path("unnamed.jsonl"), "{\"code\": \"print(1)\"}\n").unwrap();
    world.run(&["judge", "problems.jsonl", "unnamed.jsonl"]).fails_with(1).says(&[
        "its row has no id of a problem (`question_id`, `task_id`, ..), and there is no problem `1`",
    ]);
}

/// EvalPlus' folders, with what a notebook and a version control leave beside them.
#[test]
fn a_folder_of_programs_finds_its_problems() {
    let world = World::new();
    let problem = json!({ "id": "HumanEval/0", "tests": [{ "input": "1", "output": "1" }] });
    std::fs::write(world.path("problems.jsonl"), problem.to_string()).unwrap();
    for name in ["HumanEval_0", ".ipynb_checkpoints"] {
        std::fs::create_dir_all(world.path("programs").join(name)).unwrap();
        std::fs::write(world.path("programs").join(name).join("0.py"), "print(1)").unwrap();
    }
    world.run(&["judge", "problems.jsonl", "programs", "--out", "v.jsonl"]).succeeds();
    let row: Value = serde_json::from_str(world.read("v.jsonl").trim()).unwrap();
    assert_eq!((&row["sample_id"], &row["verdict"]), (&json!("HumanEval_0/0"), &json!("pass")));
}
