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
    for part in [
        "imported: recomputed from the authors' samples",
        "75.00",
        "Imported scores",
        "heron.csv",
        // What the authors print does not follow from their own samples.
        "the authors' samples give 41.6667, and 45.80 is printed",
    ] {
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

/// Scores between 0 and 1 become cells like verdicts, and the page says what was done: nothing was recomputed here.
#[test]
fn graded_scores_become_cells() {
    let world = example();
    let log = world.read(HERON).replace("correct", "score").replace("photo-01,0,1", "photo-01,0,0.5");
    std::fs::write(world.path("graded.csv"), log).unwrap();
    world
        .run(&arguments(&["graded.csv"], "12", &[], "examples/other-paper/heron.jsonl"))
        .succeeds()
        .prints(&["72.92 %"]);
    world.run(&["run", "birds"]).succeeds();
    let report: Value = serde_json::from_str(&world.read("reports/embedded/birds.json")).unwrap();
    let value = report["rows"][0]["cells"]["Birds"]["measured"]["value"].as_f64().unwrap();
    assert!((value - 100.0 * 17.5 / 24.0).abs() < 1e-9, "{value}");
    let page = world.read("reports/embedded/birds.html");
    for absent in ["recomputed at", "Recomputed at", "measured here"] {
        assert!(!page.contains(absent), "{absent}");
    }
    assert!(page.contains("imported scores: recomputed from the authors"));
    assert!(page.contains("id=\"questions-Birds\""), "the questions' scores stand on the page");
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
    let cases: [(&str, &str, &str, &str); 6] = [
        (
            recipe,
            "paper_questions = 12",
            "paper_questions = 130",
            "is not comparable: it has 12 questions of `birds`, for which the column states 130",
        ),
        (file, "\"scored\":24", "\"scored\":23", "heron.jsonl:1: the header says"),
        (recipe, "other-paper/heron", "other-paper/hreon", "hreon.jsonl cannot be read"),
        (recipe, "examples/other-paper/heron", "../heron", "leads out of the workspace"),
        (
            recipe,
            "benchmark = \"birds\"",
            "benchmark = \"bird\"",
            "has scores on `birds`, which no column is measured on",
        ),
        (recipe, "printed = { Birds = \"75.00\" }", "model = \"base-m\"", "a row has one or the other"),
    ];
    for (name, from, to, message) in cases {
        let world = example();
        world.edit(name, from, to);
        world.run(&["plan", "birds"]).fails_with(2).says(&["recipes/birds.toml:", message]);
    }
}

/// One question has no spread; fewer samples than the paper has are said.
#[test]
fn few_questions_and_samples_are_named() {
    let world = example();
    world.edit("recipes/birds.toml", "paper_samples = 2", "paper_samples = 8");
    world.run(&["run", "birds", "--out", "out"]).succeeds();
    let note = " are of 2 samples a question, the printed values of 8";
    assert!(world.read("out/birds.md").contains(note));

    world.edit("recipes/birds.toml", "paper_questions = 12", "paper_questions = 1");
    for row in ["heron", "wren"] {
        std::fs::write(world.path("one.csv"), "question,correct\na,1\na,0\n").unwrap();
        let out = format!("examples/other-paper/{row}.jsonl");
        world.run(&arguments(&["one.csv"], "1", &[], &out)).succeeds();
    }
    let message =
        "row `heron` has scores on 1 question of column `Birds`: a column needs at least 2 questions";
    world.run(&["run", "birds"]).fails_with(1).says(&[message, "measure the column on more questions"]);
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
