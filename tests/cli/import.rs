//! `assay import`, and recipes whose rows are imported.

use serde_json::Value;

use crate::world::{World, copy, repository};

const LEVEL: &str = "recomputed-from-the-authors-samples";

/// A workspace with the example of another paper in it, its recipe among the others.
fn example() -> World {
    let world = World::new();
    copy(&repository().join("examples/other-paper"), &world.path("examples/other-paper"));
    std::fs::copy(world.path("examples/other-paper/birds.toml"), world.path("recipes/birds.toml")).unwrap();
    world
}

/// The arguments of an import of birds with so many questions.
fn arguments<'a>(logs: &[&'a str], questions: &'a str, more: &[&'a str], out: &'a str) -> Vec<&'a str> {
    let options =
        ["--benchmark", "birds", "--questions", questions, "--samples", "2", "--level", LEVEL, "-o", out];
    [&["import"], logs, &options, more].concat()
}

const HERON: &str = "examples/other-paper/logs/heron.csv";

#[test]
fn the_committed_example_is_imported_as_it_is_and_its_table_runs_alone() {
    let world = example();
    let wren = ["15-23-47.285735", "16-02-26.648276"]
        .map(|time| format!("examples/other-paper/logs/samples_birds_2026-01-16T{time}.jsonl"));
    let wren = wren.each_ref().map(String::as_str);
    let metric = ["--metric", "exact_match,strict-match"];
    world.run(&arguments(&[HERON], "12", &[], "heron.jsonl")).succeeds().prints(&[
        "birds: 12 questions, 2 samples each",
        "recomputed from the authors' samples",
        "75.00 %",
        "nothing",
    ]);
    world.run(&arguments(&wren, "12", &metric, "wren.jsonl")).succeeds().prints(&["41.67 %"]);
    for file in ["heron.jsonl", "wren.jsonl"] {
        assert_eq!(world.read(file), world.read(&format!("examples/other-paper/{file}")), "{file}");
    }
    world
        .run(&["run", "birds"])
        .succeeds()
        .says(&["1 of 1 steps executed"])
        .prints(&["imported: recomputed"]);
    let page = world.read("reports/embedded/birds.md");
    for part in
        ["imported: recomputed from the authors' samples", "75.00", "41.67", "Imported scores", "heron.csv"]
    {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let report: Value = serde_json::from_str(&world.read("reports/embedded/birds.json")).unwrap();
    assert_eq!(report["rows"][0]["assurance"], LEVEL);
    world.run(&["run", "birds"]).succeeds().says(&["no step executed"]);

    // The content of an imported file is in the key of the table.
    world.edit(HERON, "photo-01,0,1", "photo-01,0,0");
    world.run(&arguments(&[HERON], "12", &[], "examples/other-paper/heron.jsonl")).succeeds();
    world.run(&["run", "birds"]).succeeds().says(&["1 of 1 steps executed"]);
}

#[test]
fn logs_that_lack_questions_are_not_comparable_and_nothing_is_written() {
    let world = example();
    let message = "not comparable: 12 of 130 questions; 118 missing";
    world.run(&arguments(&[HERON], "130", &[], "out.jsonl")).fails_with(2).says(&[message, "help: "]);
    let json = world.run(&arguments(&[HERON], "130", &["--json"], "out.jsonl")).fails_with(2);
    let call: Value = serde_json::from_str(&json.stdout()).unwrap();
    assert_eq!((&call["call"], &call["coverage"]["questions"]), (&"not-comparable".into(), &12.into()));
    assert!(!world.path("out.jsonl").exists());
    let json = world.run(&arguments(&[HERON], "12", &["--json"], "out.jsonl")).succeeds();
    let call: Value = serde_json::from_str(&json.stdout()).unwrap();
    assert_eq!(call["summary"]["score"]["value"], 75.0);
}

#[test]
fn mistakes_in_imported_rows_are_found_before_anything_runs() {
    let recipe = "recipes/birds.toml";
    let file = "examples/other-paper/heron.jsonl";
    let cases: [(&str, &str, &str, &str); 5] = [
        (file, "\"scored\":24", "\"scored\":23", "heron.jsonl:1: the header says"),
        (recipe, "other-paper/heron", "other-paper/hreon", "hreon.jsonl cannot be read"),
        (recipe, "examples/other-paper/heron", "../heron", "leads out of the workspace"),
        (
            recipe,
            "benchmark = \"birds\"",
            "benchmark = \"bird\"",
            "has scores on `birds`, which no column is measured on",
        ),
        (recipe, "printed = { Birds = \"75.00\" }", "model = \"qwen7b\"", "a row has one or the other"),
    ];
    for (name, from, to, message) in cases {
        let world = example();
        world.edit(name, from, to);
        world.run(&["plan", "birds"]).fails_with(2).says(&["recipes/birds.toml:", message]);
    }
}

#[test]
fn rows_that_answer_other_questions_are_not_comparable() {
    let world = example();
    let log = world.read(HERON).replace("photo-12", "photo-13");
    std::fs::write(world.path("other.csv"), log).unwrap();
    world.run(&arguments(&["other.csv"], "12", &[], "examples/other-paper/heron.jsonl")).succeeds();
    let message = "row `wren` is not comparable on `birds`: examples/other-paper/wren.jsonl has 12 questions, 11 of them";
    world.run(&["run", "birds"]).fails_with(1).says(&[message]);
}
