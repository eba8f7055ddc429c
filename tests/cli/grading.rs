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

/// Results come in the order of the rows; a row that cannot be read is counted apart, and the exit code says
/// so.
#[test]
fn rows_are_graded_in_order_and_unreadable_ones_counted_apart() {
    let world = World::new();
    std::fs::write(world.path("rows.jsonl"), ROWS).unwrap();
    let arguments = [
        "grade",
        "rows.jsonl",
        "--out",
        "results.jsonl",
        "--grader",
        "choice-mmlu-pro",
        "--json",
        "--workers",
        "3",
    ];
    world.run(&arguments).fails_with(1).says(&["1 of 4 rows could not be graded"]);
    let results = results(&world);
    let of = |key: &str| results.iter().map(|row| row[key].clone()).collect::<Vec<Value>>();
    assert_eq!(of("id"), [json!("x"), json!(2), json!("y"), json!("z")]);
    assert_eq!(of("equal"), [json!(true), json!(false), Value::Null, json!(true)]);
    assert_eq!(of("how"), [json!("choice"), json!("choice"), json!("undecodable"), json!("choice")]);
    assert!(of("grader").iter().all(|grader| *grader == json!("choice-mmlu-pro f418b11")));

    std::fs::write(world.path("rows.jsonl"), ROWS.lines().take(2).collect::<Vec<_>>().join("\n")).unwrap();
    let summary: Value = serde_json::from_str(&world.run(&arguments).succeeds().stdout()).unwrap();
    assert_eq!((&summary["rows"], &summary["equal"]), (&json!(2), &json!(1)));
    assert_eq!((&summary["expected"], &summary["as_expected"]), (&json!(1), &json!(0)));
}

#[test]
fn mistakes_are_named() {
    let world = World::new();
    std::fs::write(world.path("empty.jsonl"), "\n").unwrap();
    let run = |arguments: &[&str]| world.run(&[&["grade", "--out", "out"], arguments].concat());
    std::fs::create_dir(world.path("folder")).unwrap();
    std::fs::write(world.path("latin.jsonl"), b"{}\n{\"id\": \"\xe9\"}").unwrap();
    std::fs::write(world.path("rows.jsonl.gz"), b"\x1f\x8b\x08").unwrap();
    run(&["missing.jsonl"]).fails_with(2).says(&["cannot read missing.jsonl", "help: check the name"]);
    run(&["folder"]).fails_with(2).says(&["folder is a folder", "help: name a file of rows"]);
    run(&["empty.jsonl"]).fails_with(2).says(&["empty.jsonl holds no row"]);
    run(&["latin.jsonl"]).fails_with(2).says(&["latin.jsonl:2:9: the byte 0xe9 is not UTF-8"]);
    run(&["rows.jsonl.gz"]).fails_with(2).says(&["rows.jsonl.gz is packed with gzip", "gunzip"]);
    run(&["empty.jsonl", "--grader", "me"]).fails_with(2).says(&["choice-skythought"]);
    assert!(!world.path("out").exists());
}

/// One array of rows is read as lines are, and a gold answer that is no letter is told.
#[test]
fn an_array_of_rows_is_graded() {
    let world = World::new();
    let rows = json!([
        {"id": 1, "gold": "C", "generation": "The answer is (C)."},
        {"id": "b", "gold": "42", "generation": "The answer is (C)."},
        {"id": "c", "gold": "43", "generation": "The answer is (C)."},
    ]);
    std::fs::write(world.path("rows.json"), format!("{rows:#}")).unwrap();
    let arguments = ["grade", "rows.json", "--out", "results.jsonl", "--grader", "choice-mmlu-pro"];
    world
        .run(&arguments)
        .succeeds()
        .says(&["row \"b\": the gold answer `42` is none of the letters A to J", "1 more"]);
    let results = results(&world);
    let of = |key: &str| results.iter().map(|row| row[key].clone()).collect::<Vec<Value>>();
    assert_eq!(of("equal"), [json!(true), json!(false), json!(false)]);
    assert_eq!(of("message")[1], json!("the gold answer `42` is none of the letters A to J"));
}

/// The results are the same bytes with one worker and with four, and repeated questions are asked once.
#[test]
fn the_number_of_workers_changes_no_byte() {
    let world = World::new();
    let pairs =
        [("$x+1$", "$1+x$"), ("$\\frac12$", "0.5"), ("3", "4"), ("$x+1$", "$1+x$"), ("$[1,2)$", "$(1,2]$")];
    let row = |(id, (gold, prediction)): (usize, &(&str, &str))| {
        json!({ "id": id, "gold": gold, "prediction": prediction }).to_string()
    };
    let rows: Vec<String> = pairs.iter().enumerate().map(row).collect();
    std::fs::write(world.path("rows.jsonl"), rows.join("\n")).unwrap();
    let run = |workers: &str| {
        let arguments = ["grade", "rows.jsonl", "--out", "results.jsonl", "--workers", workers];
        let finished = world.run(&arguments).succeeds();
        (finished.stdout(), world.read("results.jsonl"))
    };
    let one = run("1");
    assert_eq!(one, run("4"));
    assert!(one.0.contains("5 rows, 4 of them distinct"), "{}", one.0);
    assert!(one.0.contains("3 comparisons in the sandbox"), "{}", one.0);
    let equal: Vec<Value> = results(&world).iter().map(|row| row["equal"].clone()).collect();
    assert_eq!(equal, [json!(true), json!(true), json!(false), json!(true), json!(false)]);
}
