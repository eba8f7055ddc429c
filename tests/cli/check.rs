//! Runs against a committed report, differences between reports, and steps that are repeated.

use serde_json::Value;

use crate::world::World;

const RUN: [&str; 4] = ["run", "table-05", "--scale", "tiny"];
const CHECK: [&str; 4] = ["check", "table-05", "--scale", "tiny"];
const REPORT: &str = "reports/tiny/table-05.json";
const SCALE: &str = "recipes/scale/tiny.toml";
const CRITERIA: &str = "recipes/criteria/table-05.toml";

/// A workspace with a committed report whose models are as good as their base, since they hardly train.
fn committed() -> World {
    let world = World::new();
    let mut scale = world.read(SCALE);
    if !scale.contains("measured-as") {
        scale = format!(
            "deviations = []\n{scale}\n[measured-as]\nbase = \"a\"\nsft-1k = \"b\"\nours-1k = \"c\"\n"
        );
    }
    let scale = scale.replace("learning_rate = 1e-3", "learning_rate = 1e-6");
    std::fs::write(world.path(SCALE), scale.replace("per_benchmark = 4", "per_benchmark = 30")).unwrap();
    let criteria = world.read(CRITERIA).replace(".code", ".general");
    std::fs::write(world.path(CRITERIA), criteria.replace("acc.math > l.math", "sft.OlympiadBench > 5"))
        .unwrap();
    world.run(&RUN).succeeds();
    world
}

/// The same with a learning rate that ruins the last models.
fn broken() -> World {
    let world = committed();
    let (before, last) =
        world.read(SCALE).split_once("[final-1k]").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let last = last.replacen("learning_rate = 1e-6", "learning_rate = 3e-1", 1);
    std::fs::write(world.path(SCALE), format!("{before}[final-1k]{last}")).unwrap();
    world
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_check_passes_on_its_own_report() {
    let world = committed();
    let before = world.read(REPORT);
    let found = world.run(&CHECK).succeeds().stdout();
    assert_eq!(found, "check: no regression, 73 identical · no test was made\n");
    let check = json(&world.run(&[&CHECK[..], &["--json"]].concat()).succeeds().stdout());
    assert_eq!(check["regression"], false);
    assert!(check["steps"].as_array().unwrap().is_empty());
    // Nothing has changed, so there is nothing to fail for.
    world.run(&[&CHECK[..], &["--accept"]].concat()).succeeds().prints(&["the reports say the same"]);
    assert_eq!(world.read(REPORT), before);
    world.run(&["diff", REPORT, REPORT]).succeeds().prints(&["the reports say the same"]);
}

#[test]
fn a_broken_model_fails_the_check_which_names_claim_and_first_step() {
    let world = broken();
    let before = world.read(REPORT);
    let found = world.run(&[&CHECK[..], &["--junit", "checked.xml"]].concat()).fails_with(5);
    let found = found.says(&["worse than in", "--accept"]).prints(&[
        "regressions, ",
        "this gate sees drops of >= ",
        "sft-7b-1k.final[seed=1,2]: another key, another artefact",
        "final-1k.learning_rate 1e-6 -> 0.3",
        "on the safe side",
        "warning: ",
    ]);
    let text = found.stdout();
    let claim = text.lines().find(|line| line.starts_with("regressed") && line.contains("  T5.3  "));
    assert!(claim.is_some_and(|line| line.contains("holds")), "{text}");
    assert!(!text.contains("regressed     base."), "the base model is as it was: {text}");
    assert_eq!(world.read(REPORT), before, "a check writes no report");
    let junit = world.read("checked.xml");
    assert!(
        junit.contains("<testcase classname=\"table-05.claim\" name=\"T5.3\">\n      <failure "),
        "{junit}"
    );
    assert_eq!(junit.matches("<testcase ").count(), 73);

    // Everything that the check counts is in the JSON, each call once.
    let check = json(&world.run(&[&CHECK[..], &["--json"]].concat()).fails_with(5).stdout());
    let all: u64 = check["counts"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((all, &check["regression"]), (73, &Value::Bool(true)));

    // The reason is found again when nothing runs any more.
    let first = check["steps"].as_array().unwrap().iter().find(|step| step["first"] == true).unwrap();
    assert!(first["reasons"][0].as_str().unwrap().contains("final-1k.learning_rate"), "{first}");

    // A minimum that is larger than any difference leaves no regression.
    world.run(&[&CHECK[..], &["--min-effect", "100"]].concat()).succeeds().prints(&["no regression"]);
    let quiet = world.run(&[&CHECK[..], &["-q"]].concat()).fails_with(5);
    assert!(quiet.stdout().contains("T5.3") && !quiet.stdout().contains("first steps"), "{}", quiet.stdout());
}

#[test]
fn accepting_rewrites_the_baseline_and_fails_once() {
    let world = broken();
    let old = world.read(REPORT);
    std::fs::write(world.path("old.json"), &old).unwrap();
    let accept = [&CHECK[..], &["--accept"]].concat();
    world
        .run(&accept)
        .fails_with(5)
        .says(&["fails once"])
        .prints(&["cell sft.OlympiadBench: measured.value 17.5"]);
    assert_ne!(world.read(REPORT), old);
    world.run(&accept).succeeds();
    world.run(&CHECK).succeeds().prints(&["no regression, 73 identical"]);
    let diff = world.run(&["diff", "old.json", REPORT]).succeeds().stdout();
    assert!(diff.contains("claim T5.3: outcome \"holds\" -> "), "{diff}");
    assert!(
        diff.contains(
            "step sft-7b-1k.final[seed=1]: another key, another artefact  (the change begins here)"
        ),
        "{diff}"
    );
    let diff = json(&world.run(&["diff", "old.json", REPORT, "--json"]).succeeds().stdout());
    assert!(diff["fields"].as_array().unwrap().iter().any(|field| field["field"] == "measured.value"));
    world.run(&[&CHECK[..], &["--accept", "--set", "evaluation.samples=1"]].concat()).fails_with(2);
}

#[test]
fn github_gets_ten_annotations_and_a_summary() {
    let world = broken();
    // All four trained rows are worse in several cells.
    let check = [&CHECK[..], &["--github", "--step-summary", "summary.md"]].concat();
    let found = world.run(&check).fails_with(5).stdout();
    let errors = found.lines().filter(|line| line.starts_with("::error ")).count();
    assert!((1..=10).contains(&errors), "{found}");
    assert!(found.contains("::error file=recipes/criteria/table-05.toml,line="), "{found}");
    let once = world.read("summary.md");
    assert!(once.contains("> [!CAUTION]\n> check: ") && once.contains("| regressed | T5.3 |"), "{once}");
    world.run(&check).fails_with(5);
    assert_eq!(world.read("summary.md").matches("[!CAUTION]").count(), 2, "it is appended");
    // GitHub drops a summary of 1 MiB or more: what is there already counts.
    std::fs::write(world.path("summary.md"), "x".repeat((1 << 20) - 200)).unwrap();
    world.run(&check).fails_with(5);
    assert!(world.read("summary.md").len() < 1 << 20);
}

#[test]
fn what_cannot_be_compared_is_said() {
    let world = committed();
    let report = world.read(REPORT);
    let with = |text: &str| std::fs::write(world.path(REPORT), text).unwrap();
    for (text, said) in [
        (report.replace("assay-report 3", "assay-report 2"), "format version 2"),
        (report[..report.len() / 2].to_owned(), "not a report"),
        (report.replace("\"scale\": \"tiny\"", "\"scale\": \"huge\""), "at scale `huge`"),
    ] {
        with(&text);
        world.run(&CHECK).fails_with(2).says(&[said]);
    }
    // A column on other questions, a claim that is gone, another processor.
    let mut edited = json(&report);
    edited["columns"][0]["questions"] = Value::from(31);
    edited["facts"]["instruction-set"] = Value::from("another");
    let mut gone = edited["claims"][0].clone();
    gone["id"] = Value::from("T5.9");
    edited["claims"].as_array_mut().unwrap().push(gone);
    with(&edited.to_string());
    let found = world.run(&CHECK).fails_with(5).stdout();
    assert!(found.starts_with("check: 1 missing, "), "{found}");
    assert!(
        found.contains("not comparable (of other questions): base.MATH500, base.math, sft.MATH500"),
        "{found}"
    );
    assert!(found.contains("compared statistically"), "{found}");
    std::fs::remove_file(world.path(REPORT)).unwrap();
    world.run(&CHECK).fails_with(2).says(&["no baseline", "assay run table-05 --scale tiny"]);
    world.run(&["check", "base", "--scale", "tiny"]).fails_with(2).says(&["no table"]);
}

/// The same verdicts and another value: no sampling error excuses it.
#[test]
fn another_number_from_the_same_artefacts_is_a_regression() {
    let world = committed();
    let mut report = json(&world.read(REPORT));
    let value = &mut report["rows"][1]["cells"]["OlympiadBench"]["measured"]["value"];
    *value = Value::from(value.as_f64().unwrap() + 0.5);
    std::fs::write(world.path(REPORT), report.to_string()).unwrap();
    let found = world.run(&CHECK).fails_with(5);
    found.prints(&[
        "1 regression, 72 identical",
        "sft.OlympiadBench",
        "the numbers differ by what `table-05` computes",
    ]);
}

#[test]
fn a_run_can_fail_on_outcomes_of_claims() {
    let world = committed();
    let found = world
        .run(&[&RUN[..], &["-q", "--fail-on", "holds,reversed"]].concat())
        .fails_with(5)
        .says(&["T5.3 holds"]);
    assert!(
        found.stdout().contains("holds: T5.3") && !found.stdout().contains("MATH500"),
        "{}",
        found.stdout()
    );
    world.run(&[&RUN[..], &["--fail-on", "not-attempted"]].concat()).succeeds();
    world.run(&[&RUN[..], &["--fail-on", "fine"]].concat()).fails_with(2).says(&["not-attempted"]);
}

#[test]
fn a_challenged_step_makes_the_same_bytes_again() {
    let world = committed();
    let scale = ["table-05", "--scale", "tiny"];
    let found =
        world.run(&[&["challenge", "sft-7b-1k.verdicts[seed=1]", "-n", "2"], &scale[..]].concat()).succeeds();
    found.prints(&["bit-identical  sft-7b-1k.verdicts[seed=1]: ", " in 2 repetitions"]);
    let all = [&["challenge", "sft-7b-1k.final", "-n", "1", "--json"], &scale[..]].concat();
    let all = json(&world.run(&all).succeeds().stdout());
    assert_eq!(all.as_array().unwrap().len(), 2, "one for each seed");
    assert!(all[0]["label"] == "bit-identical" && all[0]["artefact"] == all[0]["repeated"][0], "{all}");
    world.edit(SCALE, "samples = 2", "samples = 3");
    let gone = world.run(&[&["challenge", "sft-7b-1k.verdicts"], &scale[..]].concat()).fails_with(2);
    gone.says(&["no result that could be challenged"]);
}
