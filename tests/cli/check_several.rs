//! Several recipes against their committed reports, in one run.

use serde_json::Value;

use crate::check::{fits, hardly_trained, json, ruin};
use crate::several::{recipe, world};
use crate::world::World;

const ALL: [&str; 4] = ["check", "--all", "--scale", "tiny"];
const TWO: [&str; 5] = ["check", "tiny-a", "tiny-b", "--scale", "tiny"];

/// Two tables with a base and a trained model, and their committed reports. The second has a claim.
fn committed() -> World {
    let world = World::new();
    hardly_trained(&world);
    std::fs::write(world.path("recipes/tiny-a.toml"), recipe("tiny-a", "sft-1k-restated", "")).unwrap();
    let claim =
        "claims = [{ id = \"B1\", text = \"Not nothing\", expression = \"other.OlympiadBench > 5\" }]\n";
    std::fs::write(world.path("recipes/tiny-b.toml"), recipe("tiny-b", "sft-1k-restated", claim)).unwrap();
    world.run(&["run", "tiny-a", "tiny-b", "--scale", "tiny"]).succeeds();
    world
}

fn words(checks: &Value, list: &str) -> Vec<String> {
    checks[list].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

#[test]
fn all_recipes_with_a_report_are_checked_and_the_others_are_named() {
    let world = world();
    world.run(&["run", "table-05", "tiny-a", "--scale", "tiny"]).succeeds();
    let found = world.run(&ALL).succeeds().stdout();
    let lines: Vec<&str> = found.lines().collect();
    assert!(
        lines[0].starts_with("check of 2 recipes: no regression, ")
            && lines[0].ends_with(" · no test was made"),
        "{found}"
    );
    assert!(
        lines[2].starts_with("table-05  no regression, ")
            && lines[3].starts_with("tiny-a    no regression, "),
        "{found}"
    );
    assert!(found.contains("left out, since they hold printed values only: table-01\n"), "{found}");
    assert!(found.contains("left out, since they have no report in reports/tiny: tiny-b\n"), "{found}");
    assert_eq!(world.executed(&["table-05", "tiny-a", "--scale", "tiny"]), Vec::<String>::new());

    let checks = json(&world.run(&[&ALL[..], &["--json"]].concat()).succeeds().stdout());
    fits("checks", &checks);
    assert_eq!(
        (words(&checks, "without_report"), &checks["regression"]),
        (vec!["tiny-b".to_owned()], &Value::Bool(false))
    );
    assert!(words(&checks, "printed_only").contains(&"table-01".to_owned()));
    let of = |at: usize| {
        (checks["recipes"][at]["recipe"].as_str().unwrap(), checks["recipes"][at]["ending"].as_str().unwrap())
    };
    assert_eq!((of(0), of(1)), (("table-05", "passed"), ("tiny-a", "passed")));
    // Each is checked as it is alone.
    let alone = json(&world.run(&["check", "table-05", "--scale", "tiny", "--json"]).succeeds().stdout());
    assert_eq!(checks["recipes"][0]["check"], alone);
}

#[test]
fn what_is_named_must_have_a_report() {
    let world = world();
    world.run(&ALL).fails_with(2).says(&["no recipe has a report in ", "assay run --all --scale tiny"]);
    world.run(&["run", "tiny-a", "--scale", "tiny"]).succeeds();
    world.run(&TWO).fails_with(2).says(&["there is no baseline at ", "tiny-b.json"]);
    for named in [&["check", "table-01"][..], &["check", "tiny-a", "table-01"]] {
        world
            .run(&[named, &["--scale", "tiny"]].concat())
            .fails_with(2)
            .says(&["nothing to run: no row of `table-01` names a model"]);
    }
    world
        .run(&["check", "tiny-a", "base-m", "--scale", "tiny"])
        .fails_with(2)
        .says(&["`base-m` has no report to check"]);
    world.run(&["check", "tiny-a", "tiny-a", "--scale", "tiny"]).fails_with(2).says(&["tiny-a"]);
    world.run(&["check"]).fails_with(2).says(&["<RECIPE>..."]);
    let baseline = [&TWO[..], &["--baseline", "reports/tiny/tiny-a.json"]].concat();
    world.run(&baseline).fails_with(2).says(&["--baseline names the report of one recipe"]);
    world.run(&["check", "tiny-a", "--all"]).fails_with(2).says(&["cannot be used with"]);
}

/// All forms of a check of two tables that a change has made worse, and how it is accepted.
#[test]
fn a_broken_model_fails_the_checks_of_all_tables_that_measure_it() {
    let world = committed();
    ruin(&world);
    let found = world.run(&[&TWO[..], &["--junit", "all.xml"]].concat()).fails_with(5);
    let found = found.says(&["worse than in the baseline, or missing: tiny-a, tiny-b", "--accept"]);
    let text = found.stdout();
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("check of 2 recipes: ") && first.contains(" regressions, "), "{text}");
    assert!(
        first.contains("every gate sees drops of >= ")
            && first.contains(" points in half of its cells (80 %), tiny-"),
        "{text}"
    );
    for part in
        ["\n\ntiny-a:\ncall", "\n\ntiny-b:\ncall", "final-1k.learning_rate 1e-6 -> 0.3", "; this gate sees"]
    {
        assert_eq!(text.contains(part), !part.starts_with(';'), "{part} in {text}");
    }
    let junit = world.read("all.xml");
    assert!(
        junit.contains("<testsuite name=\"tiny-a@tiny\" ")
            && junit.contains("<testsuite name=\"tiny-b@tiny\" "),
        "{junit}"
    );

    let checks = json(&world.run(&[&TWO[..], &["--json"]].concat()).fails_with(5).stdout());
    fits("checks", &checks);
    let alone = json(&world.run(&["check", "tiny-a", "--scale", "tiny", "--json"]).fails_with(5).stdout());
    adjusted_for_all(&checks, &alone);
    let total = |value: &Value| value.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>();
    let both: u64 = (0..2).map(|at| total(&checks["recipes"][at]["check"]["counts"])).sum();
    assert_eq!((total(&checks["counts"]), junit.matches("<testcase ").count() as u64), (both, both));

    let github =
        world.run(&[&TWO[..], &["--github", "--step-summary", "all.md"]].concat()).fails_with(5).stdout();
    let errors: Vec<&str> = github.lines().filter(|line| line.starts_with("::error ")).collect();
    assert!((2..=10).contains(&errors.len()) && errors[0].contains("title=tiny-a%3A "), "{github}");
    let summary = world.read("all.md");
    assert!(
        summary.contains("> [!CAUTION]\n> check of 2 recipes: ") && summary.contains("| tiny-b | "),
        "{summary}"
    );

    let quiet = world.run(&[&TWO[..], &["-q"]].concat()).fails_with(5).stdout();
    assert_eq!(quiet.lines().count(), 4, "{quiet}");
    let accept = [&TWO[..], &["--accept"]].concat();
    world
        .run(&accept)
        .fails_with(5)
        .says(&["the baselines of tiny-a, tiny-b were rewritten, which fails once"]);
    world.run(&accept).succeeds();
    world.run(&TWO).succeeds().prints(&["check of 2 recipes: no regression, "]);
}

/// The adjustment of one recipe's tests counts those of the other.
fn adjusted_for_all(checks: &Value, alone: &Value) {
    let check = &checks["recipes"][0]["check"];
    let p = |check: &Value, cell: usize| check["cells"][cell]["difference"]["adjusted_p_value"].as_f64();
    let pairs: Vec<(f64, f64)> = (0..check["cells"].as_array().unwrap().len())
        .filter_map(|cell| Some((p(check, cell)?, p(alone, cell)?)))
        .collect();
    assert!(
        pairs.iter().all(|(among, alone)| among >= alone) && pairs.iter().any(|(among, alone)| among > alone)
    );
    assert!(check["detectable"].as_f64() > alone["detectable"].as_f64(), "{check}");
    let notes = check["notes"].to_string();
    assert!(notes.contains(" of other recipes; "), "{notes}");
    assert!(!alone["notes"].to_string().contains("of other recipes"));
    let worst = [0, 1].map(|at| checks["recipes"][at]["check"]["detectable"].as_f64().unwrap());
    assert_eq!(checks["detectable"].as_f64(), Some(worst[0].max(worst[1])));
}

/// Suspicions of several recipes are settled like those of one.
#[test]
fn suspicions_of_several_recipes_are_confirmed() {
    let world = committed();
    ruin(&world);
    // At this level single tests find drops, and none does among all.
    let checks = json(&world.run(&[&TWO[..], &["--json"]].concat()).fails_with(5).stdout());
    let cells = [0, 1].map(|at| checks["recipes"][at]["check"]["cells"].as_array().unwrap().clone()).concat();
    let worse = cells.iter().filter(|cell| cell["change"].as_f64().is_some_and(|change| change < 0.0));
    let p = worse.filter_map(|cell| cell["difference"]["p_value"].as_f64()).fold(1.0, f64::min);
    let alpha = format!("{}", p * 1.001);
    let confirm = [&TWO[..], &["--alpha", &alpha, "--confirm", "--json"]].concat();
    let checks = json(&world.run(&confirm).either_way().stdout());
    fits("checks", &checks);
    let confirmed = [0, 1].map(|at| checks["recipes"][at]["check"]["confirmation"].clone());
    assert!(
        confirmed.iter().any(|second| second["samples"] == 8 && second["suspects"].as_u64() > Some(0)),
        "{checks}"
    );
}

/// A step that fails leaves one table without a check, and the other is checked.
#[test]
fn a_recipe_whose_run_is_not_finished_fails_with_the_code_of_its_step() {
    let world = world();
    world.run(&["run", "tiny-a", "tiny-b", "--scale", "tiny"]).succeeds();
    let broken = "other = { template = \"released\", path = \"recipes/models/other\", lock = \"base.lock\", entry = \"base-m\" }";
    world.edit("recipes/pipeline/models.toml", "[models]\n", &format!("[models]\n{broken}\n"));
    std::fs::create_dir_all(world.path("recipes/models/other")).unwrap();
    std::fs::write(world.path("recipes/models/other/model.safetensors"), "nothing").unwrap();
    world.edit("recipes/tiny-a.toml", "model = \"sft-1k-restated\"", "model = \"other\"");
    let check = [&TWO[..], &["--junit", "all.xml", "--github", "--step-summary", "all.md"]].concat();
    let failed = world.run(&check).fails_with(1).says(&["step other.final failed"]);
    failed.prints(&[
        "check of 2 recipes (1 not finished): no regression, ",
        "\ntiny-a  not finished: step other.final failed: ",
        "\ntiny-b  no regression, ",
        "::error title=tiny-a not finished::step other.final failed",
    ]);
    let junit = world.read("all.xml");
    assert!(
        junit.contains(" errors=\"1\" ") && junit.contains("<error message=\"step other.final failed"),
        "{junit}"
    );
    let checks = json(&world.run(&[&TWO[..], &["--json"]].concat()).fails_with(1).stdout());
    fits("checks", &checks);
    assert_eq!(checks["recipes"][0]["ending"], "not-finished");
    assert!(checks["recipes"][0].get("check").is_none() && checks["recipes"][1]["ending"] == "passed");
    assert!(checks.get("accepted").is_none());

    // The other's baseline is rewritten, and the failed step is not forgotten over that.
    let baseline = world.path("reports/tiny/tiny-b.json");
    let right = std::fs::read_to_string(&baseline).unwrap();
    std::fs::write(&baseline, right.trim_end()).unwrap();
    let accept = [&TWO[..], &["--accept", "--json"]].concat();
    let accepted = json(&world.run(&accept).fails_with(1).says(&["step other.final failed"]).stdout());
    fits("checks", &accepted);
    assert_eq!(accepted["accepted"][0]["recipe"], "tiny-b");
    assert_eq!(accepted["accepted"].as_array().unwrap().len(), 1);
    assert_eq!(std::fs::read_to_string(&baseline).unwrap(), right);
}

/// A recipe of which nothing can be compared decides if nothing worse is found.
#[test]
fn a_baseline_of_other_questions_fails_as_it_does_alone() {
    let world = world();
    world.run(&["run", "tiny-a", "tiny-b", "--scale", "tiny"]).succeeds();
    let path = "reports/tiny/tiny-a.json";
    let report = world.read(path);
    let mut other = json(&report);
    other["columns"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(|column| column["questions"] = Value::from(31));
    other["claims"] = Value::Array(Vec::new());
    std::fs::write(world.path(path), other.to_string()).unwrap();
    world.run(&TWO).fails_with(2).says(&["nothing can be compared with the baseline of tiny-a"]);
    std::fs::write(world.path(path), &report[..report.len() / 2]).unwrap();
    world.run(&TWO).fails_with(2).says(&["not a report"]);
}
