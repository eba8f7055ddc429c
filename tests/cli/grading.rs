//! `assay grade`.

use serde_json::{Value, json};

use crate::world::World;

const ROWS: &str = r#"{"id": "x", "gold": "C", "generation": "The answer is (C)."}
{"id": 2, "gold": "C", "generation": "The answer is (D).", "correct": true}
{"id": "y", "gold": "C"}

{"id": "z", "gold": "C", "generation": "The answer is (C).", "note": "as the first", "correct": true}
"#;

fn results(world: &World) -> Vec<Value> {
    world.read("results.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Results come in the order of the rows; a row that cannot be read is counted apart, and the exit code says so.
#[test]
fn rows_are_graded_in_order_and_unreadable_ones_counted_apart() {
    let world = World::new();
    std::fs::write(world.path("rows.jsonl"), ROWS).unwrap();
    let arguments =
        ["grade", "rows.jsonl", "--out", "results.jsonl", "--grader", "choice-mmlu-pro", "--json", "--workers", "3"];
    let output = world.run(&arguments);
    output.fails_with(1, "1 of 4 rows could not be graded");
    let results = results(&world);
    let of = |key: &str| results.iter().map(|row| row[key].clone()).collect::<Vec<Value>>();
    assert_eq!(of("id"), [json!("x"), json!(2), json!("y"), json!("z")]);
    assert_eq!(of("equal"), [json!(true), json!(false), Value::Null, json!(true)]);
    assert_eq!(of("how"), [json!("choice"), json!("choice"), json!("undecodable"), json!("choice")]);
    assert!(of("grader").iter().all(|grader| *grader == json!("choice-mmlu-pro f418b11")));

    std::fs::write(world.path("rows.jsonl"), ROWS.lines().take(2).collect::<Vec<_>>().join("\n")).unwrap();
    let output = world.run(&arguments);
    output.succeeds();
    let summary: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&summary["rows"], &summary["equal"]), (&json!(2), &json!(1)));
    assert_eq!((&summary["expected"], &summary["as_expected"]), (&json!(1), &json!(0)));
}

#[test]
fn mistakes_are_named() {
    let world = World::new();
    std::fs::write(world.path("empty.jsonl"), "\n").unwrap();
    let run = |arguments: &[&str]| world.run(&[&["grade", "--out", "out"], arguments].concat());
    run(&["missing.jsonl"]).fails_with(2, "missing.jsonl");
    run(&["empty.jsonl", "--grader", "choice-mmlu-pro"]).fails_with(2, "has no rows");
    run(&["empty.jsonl", "--grader", "me"]).fails_with(2, "choice-skythought");
    assert!(!world.path("out").exists());
}
