//! What runs again, what does not, and why.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::world::{World, steps};

const RECIPE: [&str; 3] = ["table-05", "--scale", "tiny"];

#[test]
fn a_second_run_executes_nothing_and_changes_no_byte() {
    let world = World::finished();
    let files = ["reports/tiny/table-05.md", "reports/tiny/table-05.json", "reports/tiny/table-05.html"];
    let before = files.map(|file| (world.read(file), modified(&world, file)));
    assert_eq!(world.executed(&RECIPE), Vec::<String>::new());
    assert_eq!(files.map(|file| (world.read(file), modified(&world, file))), before);
}

#[test]
fn another_store_gives_the_same_report() {
    let finished = World::finished();
    let world = World::new();
    world.run(&["run", "table-05", "--scale", "tiny", "--threads", "1"]).succeeds();
    assert_eq!(world.read("reports/tiny/table-05.json"), finished.read("reports/tiny/table-05.json"));
    assert_eq!(world.read("reports/tiny/table-05.html"), finished.read("reports/tiny/table-05.html"));
}

#[test]
fn the_report_has_every_row_column_and_claim() {
    let world = World::finished();
    let report: serde_json::Value = serde_json::from_str(&world.read("reports/tiny/table-05.json")).unwrap();
    assert_eq!(report["rows"].as_array().unwrap().len(), 6);
    // Ten benchmarks, two averages, and the mean of code, which is not printed.
    assert_eq!(report["columns"].as_array().unwrap().len(), 13);
    assert_eq!(report["claims"].as_array().unwrap().len(), 9);
    for row in report["rows"].as_array().unwrap() {
        let cells = row["cells"].as_object().unwrap();
        assert_eq!(cells.len(), 13);
        for (column, cell) in cells {
            assert!(cell["measured"]["value"].is_number());
            assert_eq!(
                cell["printed"]["text"].is_string(),
                column != "code" && row["id"] != "repeated",
                "{column}"
            );
            let seeds = if row["id"] == "base" { 1 } else { 2 };
            assert_eq!(
                cell["sources"].as_array().unwrap().len(),
                seeds,
                "one for each seed of a trained model"
            );
        }
    }
    assert_eq!(report["rows"][2]["cells"]["math"]["printed"]["text"], "45.41");
}

/// `--set` of a value that only the last models use reruns them and what depends on them, and nothing else.
#[test]
fn an_overridden_value_reruns_exactly_what_depends_on_it() {
    let world = World::finished();
    let set = [&RECIPE[..], &["--set", "final-1k.learning_rate=2e-3"]].concat();
    let mut expected: Vec<String> =
        ["sft-1k-restated", "ours-1k-acc-restated", "ours-1k-gml-restated", "ours-1k-l-restated"]
            .iter()
            .flat_map(|model| {
                let steps = |step| [1, 2].map(|seed| format!("{model}.{step}[seed={seed}]"));
                ["final", "generations", "verdicts"].map(steps)
            })
            .flatten()
            .chain(["table-05".to_owned()])
            .collect();
    expected.sort();

    let plan = world.run(&[&["plan"], &set[..], &["--json"]].concat()).succeeds().stdout();
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let plan = plan["steps"].as_array().unwrap();
    let run = plan.iter().find(|entry| entry["step"] == "ours-1k-acc-restated.final[seed=1]").unwrap();
    assert_eq!(run["state"], "run");
    let text = world.run(&[&["plan"], &set[..]].concat()).succeeds().stdout();
    assert!(
        text.contains("--set final-1k.learning_rate 0.001 (recipes/scale/tiny.toml:")
            && text.contains(" -> 0.002"),
        "{text}"
    );

    let events = world.events(&set);
    let mut touched = steps(&events, "step-finished");
    touched.extend(steps(&events, "step-saved"));
    touched.sort();
    assert_eq!(touched, expected);
    // An experiment leaves the scale's own report alone.
    assert!(world.path(".assay/reports/tiny/table-05.md").is_file());
}

/// The plan names the step that an edit of the scale touches, with the line and both values.
#[test]
fn an_edited_value_is_named_with_its_place() {
    let world = World::finished();
    world.edit("recipes/scale/tiny.toml", "samples = 2", "samples = 3");
    let plan = world.run(&["plan", "table-05", "--scale", "tiny"]).succeeds().stdout();
    assert!(
        plan.contains("evaluation.samples 2 -> 3") && plan.contains("recipes/scale/tiny.toml:"),
        "{plan}"
    );
    let why = world.run(&["why", "ours-1k-acc-restated.generations", "--scale", "tiny"]).succeeds().stdout();
    assert!(
        why.contains("evaluation.samples 2 -> 3") && why.contains("ours-1k-acc-restated.generations[seed=2]"),
        "{why}"
    );
}

/// More training questions leave the first ones as they were, so what only uses those is saved.
#[test]
fn equal_outputs_stop_a_rerun() {
    let world = World::finished();
    let events = world.events(&[&RECIPE[..], &["--set", "teacher.questions=25"]].concat());
    let ran = steps(&events, "step-finished");
    let saved = steps(&events, "step-saved");
    assert!(ran.contains(&"teacher-restated[seed=1]".to_owned()), "{ran:?}");
    assert!(saved.contains(&"sft-1k-restated.final[seed=1]".to_owned()), "{saved:?}");
    assert!(!ran.contains(&"sft-1k-restated.generations[seed=1]".to_owned()), "{ran:?}");
}

#[test]
fn the_plan_says_what_the_run_does() {
    let world = World::new();
    let plan = world.run(&["plan", "table-05", "--scale", "tiny", "--json"]).succeeds().stdout();
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let plan = plan["steps"].as_array().unwrap();
    let mut planned: Vec<String> = plan
        .iter()
        .filter(|entry| entry["state"] != "cached")
        .map(|entry| entry["step"].as_str().unwrap().to_owned())
        .collect();
    planned.sort();
    // Two models whose rows come out equal are one: the second is saved by the first.
    let events = world.events(&RECIPE);
    let mut touched = steps(&events, "step-finished");
    touched.extend(steps(&events, "step-saved"));
    touched.sort();
    assert_eq!(touched, planned);
    let again = world.run(&["plan", "table-05", "--scale", "tiny"]).succeeds().stdout();
    assert!(again.contains("a run executes nothing"), "{again}");
}

const MODELS: &str = "recipes/pipeline/models.toml";
/// The files of templates whose models learn rows.
const TEMPLATES: [&str; 4] = ["baselines", "policy", "ours", "beyond"];
const TABLE: &str = "recipes/table-05.toml";

/// Comments and layout, in every file that the graph is read from.
#[test]
fn a_comment_and_another_layout_rerun_nothing() {
    let world = World::finished();
    let templates = TEMPLATES.map(|name| format!("recipes/pipeline/{name}.toml"));
    let others = [TABLE, MODELS, "recipes/pipeline/data.toml", "recipes/scale/tiny.toml"];
    for file in templates.iter().map(String::as_str).chain(others) {
        let text = world.read(file).replace("[templates.", "\n\n# A comment.\n[ templates.");
        std::fs::write(world.path(file), format!("# A comment.\n\n{text}\n# The end.\n")).unwrap();
    }
    world.edit(MODELS, "prior-s = { template = \"prior-chain\", ", "prior-s={template=\"prior-chain\",");
    let (rate, same) = ("learning_rate = 1e-3\n", "learning_rate = 0.001  # The same number.\n");
    world.edit("recipes/scale/tiny.toml", rate, same);
    assert_eq!(world.executed(&RECIPE), Vec::<String>::new());
}

/// Names of steps are in no key.
#[test]
fn a_renamed_step_reruns_nothing() {
    let world = World::finished();
    for (from, to) in [
        ("steps.rows = ", "steps.training-rows = "),
        ("\"@.rows\"", "\"@.training-rows\""),
        ("{unmixed}.rows", "{unmixed}.training-rows"),
    ] {
        let mut renamed = 0;
        for name in TEMPLATES {
            let file = format!("recipes/pipeline/{name}.toml");
            let text = world.read(&file);
            renamed += text.matches(from).count();
            std::fs::write(world.path(&file), text.replace(from, to)).unwrap();
        }
        assert!(renamed > 0, "{from}");
    }
    let plan = world.run(&["plan", "table-05", "--scale", "tiny"]).succeeds().stdout();
    assert!(plan.contains("cached  ours-1k-acc-restated.training-rows[seed=1,2]\n"), "{plan}");
    assert_eq!(world.executed(&RECIPE), Vec::<String>::new());
}

/// The table reads the names of models, and no other step does.
#[test]
fn a_renamed_model_reruns_the_table_alone() {
    let world = World::finished();
    world.edit(MODELS, "[models.\"sft-1k-{teacher}\"]", "[models.\"stratos-1k-{teacher}\"]");
    world.edit(TABLE, "model = \"sft-1k-restated\"", "model = \"stratos-1k-restated\"");
    let plan = world.run(&["plan", "table-05", "--scale", "tiny"]).succeeds().stdout();
    assert!(
        plan.contains("input trained: label sft-1k-restated[seed=1] -> stratos-1k-restated[seed=1]"),
        "{plan}"
    );
    assert_eq!(world.executed(&RECIPE), ["table-05"]);
}

/// The report names the files that the run read: an edit while it runs is for the next run.
#[test]
fn an_edit_during_a_run_changes_neither_its_results_nor_its_criteria() {
    let world = World::new();
    let mut command = world.command(&[&["run"], &RECIPE[..], &["--json"]].concat());
    let mut run = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    let started = lines.by_ref().map(Result::unwrap).find(|line| line.contains("\"step-started\""));
    assert!(started.is_some(), "no step was started");
    world.edit("recipes/criteria/table-05.toml", "id = \"T5.1\"", "id = \"T5.X\"");
    world.edit("recipes/scale/tiny.toml", "samples = 2", "samples = 3");
    lines.for_each(|line| drop(line.unwrap()));
    assert!(run.wait().unwrap().success());
    let report = "reports/tiny/table-05.json";
    assert_eq!(world.read(report), World::finished().read(report));
    // The next run reads the edited files, and its report says so.
    world.run(&[&["run"], &RECIPE[..]].concat()).succeeds();
    let hash = |text: &str| {
        let report: serde_json::Value = serde_json::from_str(text).unwrap();
        report["criteria"]["hash"].as_str().map(str::to_owned)
    };
    let (edited, before) = (hash(&world.read(report)), hash(&World::finished().read(report)));
    assert!(before.is_some() && edited != before, "{edited:?}");
}

/// Instances of a step that differ by the seed only share a line; others do not.
#[test]
fn a_plan_has_one_line_for_the_seeds_of_a_step() {
    let world = World::new();
    let plan = ["plan", "table-05", "--scale", "tiny"];
    let first = world.run(&plan).succeeds().stdout();
    assert!(first.contains("run     questions "), "{first}");
    assert!(
        first.contains("never run under this name; waits for base-m.final, sft-1k-restated.rows[seed=*]"),
        "{first}"
    );
    assert!(
        first.contains("sft-1k-restated.final[seed=1,2] ")
            && !first.contains("sft-1k-restated.final[seed=1] "),
        "{first}"
    );
    let world = World::finished();
    world.edit("recipes/scale/tiny.toml", "subset = [1, 2]", "subset = [1, 3]");
    let other = world.run(&plan).succeeds().stdout();
    assert!(other.contains("cached  sft-1k-restated.final[seed=1]\n"), "{other}");
    assert!(other.contains("waits   sft-1k-restated.final[seed=3] "), "{other}");
}

#[test]
fn runs_are_listed_and_logs_replayed_by_short_ids() {
    let world = World::finished();
    world.run(&["run", "table-05", "--scale", "tiny", "--set", "evaluation.samples=1"]).succeeds();
    let runs = world.run(&["runs", "--json"]).succeeds().stdout();
    let runs: serde_json::Value = serde_json::from_str(&runs).unwrap();
    let runs = runs["runs"].as_array().unwrap();
    let started: Vec<i64> = runs.iter().map(|run| run["started_ms"].as_i64().unwrap()).collect();
    assert!(started.len() == 2 && started[0] > started[1], "newest first: {started:?}");
    let runs = world.run(&["runs"]).succeeds().stdout();
    let line = runs.lines().next().unwrap();
    assert!(line.contains("succeeded") && line.contains("table-05"), "{line}");
    let prefix = line.split_whitespace().next().unwrap();
    let log = world.run(&["log", prefix]).succeeds().stdout();
    assert!(log.lines().next().unwrap().contains("run-started"));
    assert!(log.lines().last().unwrap().contains("run-finished"));
    world.run(&["log", "zzzz"]).fails_with(2).says(&["zzzz"]);
}

#[test]
fn what_a_report_rests_on_is_not_collected() {
    let world = World::finished();
    world.run(&["store", "gc", "--yes"]).succeeds();
    assert_eq!(world.executed(&RECIPE), Vec::<String>::new());
    let stats = world.run(&["store", "stats"]).succeeds().stdout();
    assert!(stats.contains("objects"));
}

fn modified(world: &World, file: &str) -> std::time::SystemTime {
    std::fs::metadata(world.path(file)).unwrap().modified().unwrap()
}
