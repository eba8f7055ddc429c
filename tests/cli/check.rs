//! Runs against a committed report, differences between reports, and steps that are repeated.

use assay_store::{Action, Hash, Store};
use serde_json::Value;

use crate::world::{World, repository};

const RUN: [&str; 4] = ["run", "table-05", "--scale", "tiny"];
const CHECK: [&str; 4] = ["check", "table-05", "--scale", "tiny"];
const REPORT: &str = "reports/tiny/table-05.json";
const SCALE: &str = "recipes/scale/tiny.toml";
const CRITERIA: &str = "recipes/criteria/table-05.toml";

/// A workspace with a committed report whose models are as good as their base, since they hardly train.
fn committed() -> World {
    let world = World::new();
    hardly_trained(&world);
    // Every claim is tested, and the third one, which holds, is the primary one.
    world.edit("recipes/table-05.toml", "gates = \"$table-05.gates\"\n", "");
    let criteria = world.read(CRITERIA).replace(".code", ".general").replace(", primary = true", "");
    let (_, claims) = criteria.split_once("\nclaims = ").unwrap();
    let claims =
        claims.replacen("acc.math > l.math\", gates", "sft.OlympiadBench > 5\", primary = true, gates", 1);
    let claims = claims.replace(", gates = [\"long-answers\", \"sharp\"]", "");
    std::fs::write(world.path(CRITERIA), format!("claims = {claims}")).unwrap();
    world.run(&RUN).succeeds();
    world
}

/// Makes the models of a workspace as good as their base, on more questions and seeds.
pub(crate) fn hardly_trained(world: &World) {
    let scale = world.read(SCALE);
    let scale = scale.replace("learning_rate = 1e-3", "learning_rate = 1e-6");
    // Five seeds, so that something can be found.
    let scale = scale.replace("per_benchmark = 4", "per_benchmark = 30").replace("[1, 2]", "[1, 2, 3, 4, 5]");
    // Only what these tables measure.
    let scale = scale.replacen("\"chain7\", ", "", 1).replacen(", \"root\", \"factors\", \"sums\"", "", 1);
    std::fs::write(world.path(SCALE), scale).unwrap();
}

/// The same with a learning rate that ruins the last models.
fn broken() -> World {
    let world = committed();
    ruin(&world);
    world
}

/// Gives the last models a learning rate that ruins them.
pub(crate) fn ruin(world: &World) {
    let (before, last) =
        world.read(SCALE).split_once("[final-1k]").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let last = last.replacen("learning_rate = 1e-6", "learning_rate = 3e-1", 1);
    std::fs::write(world.path(SCALE), format!("{before}[final-1k]{last}")).unwrap();
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Holds a document against its published schema.
pub(crate) fn fits(schema: &str, document: &Value) {
    let path = repository().join(format!("harness/cli/schema/{schema}.schema.json"));
    let schema = json(&std::fs::read_to_string(path).unwrap());
    let validator = jsonschema::validator_for(&schema).unwrap();
    let complaints: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(complaints, [""; 0]);
    let mut odd = document.clone();
    odd["colour"] = Value::from(1);
    assert!(!validator.is_valid(&odd), "an unknown key is refused");
}

/// A source of a report.
fn source(report: &Value, id: &str) -> Value {
    let sources = report["sources"].as_array().unwrap();
    sources.iter().find(|source| source["id"] == id).unwrap_or_else(|| panic!("no {id}")).clone()
}

fn hash(value: &Value) -> Hash {
    value.as_str().unwrap().parse().unwrap()
}

fn store(world: &World) -> Store {
    Store::open(&camino::Utf8PathBuf::from_path_buf(world.path(".assay")).unwrap()).unwrap()
}

#[test]
fn a_check_passes_on_its_own_report() {
    let world = committed();
    let before = world.read(REPORT);
    let found = world.run(&CHECK).succeeds().stdout();
    assert_eq!(found, "check: no regression, 87 identical · no test was made\n");
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
        "sft-1k-restated.final[seed=1,2,3,4,5]: another key, another artefact",
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
    assert_eq!(junit.matches("<testcase ").count(), 87);

    // Everything that the check counts is in the JSON, each call once.
    let check = json(&world.run(&[&CHECK[..], &["--json"]].concat()).fails_with(5).stdout());
    let all: u64 = check["counts"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((all, &check["regression"]), (87, &Value::Bool(true)));

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
        .prints(&["cell sft.OlympiadBench: measured.value 18"]);
    assert_ne!(world.read(REPORT), old);
    world.run(&accept).succeeds();
    world.run(&CHECK).succeeds().prints(&["no regression, 87 identical"]);
    let diff = world.run(&["diff", "old.json", REPORT]).succeeds().stdout();
    assert!(diff.contains("claim T5.3: outcome \"holds\" -> "), "{diff}");
    assert!(
        diff.contains(
            "step sft-1k-restated.final[seed=1,2,3,4,5]: another key, another artefact  (the change begins here)\n  \
             recipes/scale/tiny.toml:"
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
    gone["id"] = Value::from("T5.99");
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
    world.run(&["check", "base-m", "--scale", "tiny"]).fails_with(2).says(&["no table"]);
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
        "1 regression, 86 identical",
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
    let found = world
        .run(&[&["challenge", "sft-1k-restated.verdicts[seed=1]", "-n", "2"], &scale[..]].concat())
        .succeeds();
    found.prints(&["bit-identical  sft-1k-restated.verdicts[seed=1]: ", " in 2 repetitions"]);
    let all = [&["challenge", "sft-1k-restated.final", "-n", "1", "--json"], &scale[..]].concat();
    let all = json(&world.run(&all).succeeds().stdout());
    fits("challenge", &all);
    let steps = all["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 5, "one for each seed");
    let first = &steps[0];
    assert!(
        first["label"] == "bit-identical" && first["artefact"] == first["repetitions"][0]["artefact"],
        "{all}"
    );
    // Repetitions add up, and the report names them.
    world
        .run(&["challenge", "sft-1k-restated.verdicts[seed=1]", "-n", "1", "table-05", "--scale", "tiny"])
        .succeeds();
    world.run(&RUN).succeeds();
    let found = source(&json(&world.read(REPORT)), "sft-1k-restated.verdicts[seed=1]");
    assert_eq!(found["challenge"], serde_json::json!({ "label": "bit-identical", "repetitions": 3 }));
    assert!(source(&json(&world.read(REPORT)), "sft-1k-restated.verdicts[seed=2]")["challenge"].is_null());
    for form in ["md", "html"] {
        let text = world.read(&format!("reports/tiny/table-05.{form}"));
        assert!(text.contains("bit-identical in 3 repetitions"), "{form}");
    }
    world.edit(SCALE, "samples = 2", "samples = 3");
    let gone = world.run(&[&["challenge", "sft-1k-restated.verdicts"], &scale[..]].concat()).fails_with(2);
    gone.says(&["no result that could be challenged"]);
}

/// Makes the store say that a step made something else than it does.
fn falsify(world: &World, step: &str, other: impl FnOnce(&Store, &Hash) -> Hash) {
    let (store, report) = (store(world), json(&world.read(REPORT)));
    let key = hash(&source(&report, step)["key"]);
    let action = store.action(&key).unwrap().unwrap();
    let output = other(&store, &action.output);
    store.record_action(&Action { output, ..action }).unwrap();
}

/// Verdicts with other token counts, verdicts that are all wrong, a model with another number, each with its label.
#[test]
fn a_step_that_does_not_make_the_same_again_gets_its_label() {
    let world = committed();
    let edited = |store: &Store, hash: &Hash, from: &str, to: &str| {
        let text = String::from_utf8(store.read(hash).unwrap()).unwrap();
        assert!(text.contains(from), "{text}");
        store.put_bytes(text.replace(from, to).as_bytes()).unwrap()
    };
    let (one, two) = ("sft-1k-restated.verdicts[seed=1]", "sft-1k-restated.verdicts[seed=2]");
    falsify(&world, one, |store, hash| edited(store, hash, "\"tokens\":", "\"tokens\":1"));
    falsify(&world, two, |store, hash| edited(store, hash, "\"wrong-answer\"", "\"pass\""));
    let challenge = |step: &str| world.run(&["challenge", step, "table-05", "--scale", "tiny", "-n", "2"]);
    challenge(one)
        .succeeds()
        .prints(&["statistically-equal  sft-1k-restated.verdicts[seed=1]: the store has ", "p = 1.000"]);
    challenge(two)
        .fails_with(1)
        .says(&["1 of 1 steps are unstable"])
        .prints(&["unstable  ", " % right in the store"]);
    let model = "sft-1k-restated.final[seed=1]";
    falsify(&world, model, |store, hash| {
        let folder = tempfile::TempDir::new().unwrap();
        for (name, _) in store.tree(hash).unwrap().iter() {
            let mut bytes = store.read_in_tree(hash, name).unwrap();
            if name == "model.safetensors" {
                let last = bytes.len() - 4;
                bytes[last..].copy_from_slice(&8.0_f32.to_le_bytes());
            }
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        store.put_path(camino::Utf8Path::from_path(folder.path()).unwrap()).unwrap()
    });
    let found = challenge(model)
        .fails_with(1)
        .prints(&["different  ", "model.safetensors: the first tensor that differs is "]);
    assert!(found.stdout().contains("the largest difference is "), "{}", found.stdout());
    let all = ["challenge", model, "table-05", "--scale", "tiny", "-n", "1", "--json"];
    let all = json(&world.run(&all).fails_with(1).stdout());
    fits("challenge", &all);
    assert_eq!(all["steps"][0]["repetitions"][0]["difference"]["what"], "tensor");
}

/// Which samples flipped, and what the model wrote; without the baseline's verdicts, none, and errors that are not paired.
#[test]
fn flipped_samples_are_listed_where_their_verdicts_are_at_hand() {
    let world = broken();
    let check = json(&world.run(&[&CHECK[..], &["--json"]].concat()).fails_with(5).stdout());
    fits("check", &check);
    let flipped = &check["flipped"];
    let (worse, better) =
        (flipped["pass_to_fail"].as_u64().unwrap(), flipped["fail_to_pass"].as_u64().unwrap());
    let samples = flipped["samples"].as_array().unwrap();
    assert!(
        worse > 0 && (worse + better) as usize == samples.len(),
        "{worse} and {better} of {}",
        samples.len()
    );
    let direction = |index: usize| samples[index]["direction"].as_str().unwrap();
    assert!((0..samples.len()).all(|at| (direction(at) == "pass-to-fail") == (at < worse as usize)));
    let first = &samples[0];
    assert!(first["before"]["verdict"] == "pass" && first["after"]["verdict"] != "pass", "{first}");
    assert!(first["before"]["thought"].is_string() && first["question"].is_string(), "{first}");
    let text = world.run(&CHECK).fails_with(5).stdout();
    assert!(
        text.contains(&format!("flipped samples: {worse} pass -> fail, {better} fail -> pass")),
        "{text}"
    );
    assert_eq!(text.lines().filter(|line| line.starts_with("  pass -> fail  ")).count(), 20, "{text}");

    let paired = |check: &Value, id: &str| {
        let cell = check["cells"].as_array().unwrap().iter().find(|cell| cell["id"] == id).unwrap().clone();
        cell["difference"]["paired"].as_bool().unwrap()
    };
    assert!(paired(&check, "sft.OlympiadBench"));
    // A baseline from elsewhere: its verdicts are not in this store.
    let mut baseline = json(&world.read(REPORT));
    for source in baseline["sources"].as_array_mut().unwrap() {
        if source["step"].as_str().unwrap().starts_with("sft-1k-restated.verdicts") {
            source["artefact"] = Value::from("0".repeat(64));
        }
    }
    std::fs::write(world.path(REPORT), baseline.to_string()).unwrap();
    let check = json(&world.run(&[&CHECK[..], &["--json"]].concat()).either_way().stdout());
    assert_eq!(check["flipped"]["not_at_hand"][0], "sft");
    assert!(!paired(&check, "sft.OlympiadBench"));
}

/// A level is chosen at which cells are suspected: between their p values and the adjusted ones.
#[test]
fn a_suspicion_is_settled_with_more_samples() {
    let world = broken();
    let check = json(&world.run(&[&CHECK[..], &["--json"]].concat()).fails_with(5).stdout());
    let cells = check["cells"].as_array().unwrap();
    let p = |cell: &Value, name: &str| cell["difference"][name].as_f64();
    let worse = cells.iter().filter(|cell| cell["change"].as_f64().is_some_and(|change| change < 0.0));
    let suspect = worse.filter(|cell| p(cell, "adjusted_p_value") > p(cell, "p_value").map(|p| 1.01 * p));
    let suspect = suspect.min_by(|a, b| p(a, "p_value").partial_cmp(&p(b, "p_value")).unwrap()).unwrap();
    let alpha = format!("{}", p(suspect, "p_value").unwrap() * 1.001);
    let at = [&CHECK[..], &["--alpha", &alpha]].concat();
    let before = json(&world.run(&[&at[..], &["--json"]].concat()).either_way().stdout());
    assert!(before["counts"]["suspected"].as_u64().unwrap() > 0, "{}", before["counts"]);

    let confirm = [&at[..], &["--confirm"]].concat();
    let after = json(&world.run(&[&confirm[..], &["--json"]].concat()).either_way().stdout());
    fits("check", &after);
    let second = &after["confirmation"];
    assert!(second["samples"] == 8 && second["setting"] == "evaluation.samples", "{second}");
    let settled: Vec<&Value> =
        after["cells"].as_array().unwrap().iter().filter(|cell| !cell["confirmation"].is_null()).collect();
    assert!(!settled.is_empty());
    for cell in settled {
        let confirmed = cell["confirmation"]["confirmed"] == true;
        assert_eq!(confirmed, cell["call"] == "regressed", "{cell}");
        // Thirty questions, five seeds, eight samples instead of two.
        assert!(cell["confirmation"]["now"]["n"].as_u64() >= Some(480), "{cell}");
    }
    // The second time nothing is sampled any more, and the report is that of the ordinary run.
    let text = world.run(&confirm).either_way();
    assert!(!text.stderr().contains(" done "), "{}", text.stderr());
    assert!(text.stdout().lines().next().unwrap().contains(" confirmed with 8 samples"), "{}", text.stdout());
    let gone = world.read(SCALE).replace("[confirmation]", "[other]");
    std::fs::write(world.path(SCALE), gone).unwrap();
    world.run(&confirm).fails_with(2).says(&["`confirmation.samples`", "recipes/scale/tiny.toml"]);
}

#[test]
fn recorded_runs_are_compared_by_their_ids() {
    let world = broken();
    world.run(&CHECK).fails_with(5);
    let runs = world.run(&["runs", "--json"]).succeeds().stdout();
    let runs = json(&runs)["runs"].as_array().unwrap().clone();
    let ids: Vec<String> = runs.iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect();
    let (now, before) = (&ids[0], &ids[1]);
    world.run(&["diff", before, now]).succeeds().prints(&[
        "cell sft.OlympiadBench: measured.value 18",
        "claim T5.3: outcome \"holds\" -> ",
        "step sft-1k-restated.final[seed=1,2,3,4,5]: another key, another artefact  (the change begins here)",
        "final-1k.learning_rate 1e-6 -> 0.3",
        "flipped samples: ",
    ]);
    // The report of a run is that of the file which the run wrote.
    world.run(&["diff", before, REPORT]).succeeds().prints(&["the reports say the same"]);
    let all = json(&world.run(&["diff", REPORT, now, "--json"]).succeeds().stdout());
    fits("diff", &all);
    assert!(
        all["flipped"]["pass_to_fail"].as_u64() > Some(0) && !all["steps"].as_array().unwrap().is_empty()
    );
    world.run(&["diff", "zzzz", now]).fails_with(2).says(&["zzzz"]);
}
