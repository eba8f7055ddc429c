//! The committed Table 5 against the one that was committed before items, dialects and engines came between the
//! method and its world (`fixtures/table-05.json`): same questions, same models, same samples, so the same
//! numbers. And the weights behind it against equation 8.

use std::collections::BTreeMap;

use assay_store::Store;
use camino::Utf8Path;
use serde_json::Value;

use crate::world::{World, repository};

fn read(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(repository().join(path)).unwrap()).unwrap()
}

/// Each seed's own value, to the last digit, and what was measured without seeds.
#[test]
fn every_measured_cell_is_what_it_was() {
    let (before, now) = (read("tests/cli/fixtures/table-05.json"), read("reports/embedded/table-05.json"));
    let mut compared = 0;
    for (before, now) in rows(&before).zip(rows(&now)) {
        assert_eq!(before["id"], now["id"]);
        for (column, cell) in before["cells"].as_object().unwrap() {
            let (old, new) = (&cell["measured"], &now["cells"][column]["measured"]);
            let place = format!("{} {column}", before["id"]);
            match old["per-seed"].as_object() {
                Some(seeds) => same_seeds(seeds, &new["per_seed"], &place),
                None => assert_eq!(
                    (&old["value"], &old["standard-error"]),
                    (&new["value"], &new["question_error"])
                ),
            }
            let printed = |cell: &Value| cell["printed"]["text"].as_str().unwrap().parse::<f64>().unwrap();
            assert_eq!(printed(&now["cells"][column]), printed(cell), "{place}");
            compared += 1;
        }
    }
    assert_eq!(compared, 5 * 12);
}

/// Each seed's own margin of the claims that are the same.
#[test]
fn every_margin_of_a_seed_is_what_it_was() {
    let (before, now) = (read("tests/cli/fixtures/table-05.json"), read("reports/embedded/table-05.json"));
    let parts = |report: &Value| -> BTreeMap<String, Value> {
        let parts =
            report["claims"].as_array().unwrap().iter().flat_map(|claim| claim["parts"].as_array().unwrap());
        parts.map(|part| (part["label"].as_str().unwrap().to_owned(), part["estimate"].clone())).collect()
    };
    let (before, now) = (parts(&before), parts(&now));
    let shared: Vec<&String> = before.keys().filter(|label| now.contains_key(*label)).collect();
    assert_eq!(shared.len(), 6, "the claims about maths: {shared:?}");
    for label in shared {
        same_seeds(before[label]["per-seed"].as_object().unwrap(), &now[label]["per_seed"], label);
    }
}

/// The seeds that there were have the values that they had.
#[track_caller]
fn same_seeds(before: &serde_json::Map<String, Value>, now: &Value, place: &str) {
    assert_eq!(before.len(), 3);
    for (seed, value) in before {
        assert_eq!(*value, now[seed], "{place}, seed {seed}");
    }
}

/// A table of models from two chains of traces, of other questions and with another hint, tells of both.
#[test]
fn two_chains_have_sections_of_their_own() {
    let world = World::finished();
    let models = "[models.\"ours-{estimator}-7b-1k\"]";
    let other = "qwen7b-pa-1k = { template = \"posterior-chain\", base = \"qwen7b\", hint = \"A\", questions = 5 }\n\
                 ours-pa = { template = \"ours\", base = \"qwen7b\", chain = \"qwen7b-pa-1k\", estimator = \"gml\", \
                 answer = \"reference\", training = \"$final-1k\" }\n";
    world.edit("recipes/pipeline/models.toml", models, &format!("{other}\n{models}"));
    let row = "[[rows]]\nid = \"l\"";
    let more = "[[rows]]\nid = \"pa\"\nlabel = \"Ours-PA\"\nmodel = \"ours-pa\"\n\n";
    world.edit("recipes/table-05.toml", row, &format!("{more}{row}"));
    world.run(&["run", "table-05", "--scale", "tiny", "--out", "out"]).succeeds();
    let report: Value = serde_json::from_str(&world.read("out/table-05.json")).unwrap();
    let sections = report["diagnostics"].as_array().unwrap();
    let titles: Vec<&str> = sections.iter().map(|section| section["title"].as_str().unwrap()).collect();
    for chain in ["qwen7b-pa-1k", "qwen7b-pb-1k"] {
        assert!(titles.contains(&format!("What the weights select: {chain}").as_str()), "{titles:?}");
    }
}

fn rows(report: &Value) -> impl Iterator<Item = &Value> {
    report["rows"].as_array().unwrap().iter()
}

/// Equation 8 from what the store holds: `rho = (pi/q)^(1/|z|) * pi(Y|x,z)`, normalised over an item's traces,
/// recomputed here from the stored scores and verdicts.
#[test]
fn stored_weights_are_those_of_equation_8() {
    let world = World::finished();
    let plan = world.run(&["plan", "table-05", "--scale", "tiny", "--json"]).succeeds().stdout();
    let plan: Vec<Value> = serde_json::from_str(&plan).unwrap();
    let folder = world.path(".assay");
    let store = Store::open(Utf8Path::from_path(&folder).unwrap()).unwrap();
    let of = |step: &str| -> Vec<Value> {
        let id = format!("qwen7b-pb-1k.{step}[seed=1]");
        let entry = plan.iter().find(|entry| entry["step"] == id).unwrap();
        let bytes = store.read(&entry["output"].as_str().unwrap().parse().unwrap()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (traces, scores, verdicts) = (of("traces"), of("scores"), of("answer-verdicts"));
    let mut right: BTreeMap<(String, u64), (f64, f64)> = BTreeMap::new();
    for verdict in &verdicts {
        let (passed, all) = right.entry(key(verdict, "trace")).or_default();
        *passed += f64::from(u8::from(verdict["verdict"] == "pass"));
        *all += 1.0;
    }
    let scores: BTreeMap<_, _> = scores.iter().map(|score| (key(score, "trace"), score)).collect();
    for (estimator, weights) in
        [("acc", of("weights-acc")), ("gml", of("weights-gml")), ("l", of("weights-l"))]
    {
        assert!(!weights.is_empty());
        for weights in weights {
            let item = weights["item"].as_str().unwrap();
            let traces: Vec<&Value> = traces.iter().filter(|trace| trace["item"] == item).collect();
            let rho: Vec<f64> = traces
                .iter()
                .map(|trace| match scores.get(&key(trace, "index")) {
                    Some(score) if trace["valid"] == true => rho(estimator, trace, score, &traces, &right),
                    _ => 0.0,
                })
                .collect();
            let total: f64 = rho.iter().sum();
            match weights["weights"]["weights"].as_array() {
                Some(stored) => {
                    assert_eq!(stored.len(), rho.len());
                    for (stored, rho) in stored.iter().zip(&rho) {
                        assert!((stored.as_f64().unwrap() - rho / total).abs() < 1e-9, "{estimator} {item}");
                    }
                }
                None => assert_eq!(total, 0.0, "{estimator} {item} fell back, but has weights"),
            }
        }
    }
}

fn key(record: &Value, index: &str) -> (String, u64) {
    (record["item"].as_str().unwrap().to_owned(), record[index].as_u64().unwrap())
}

fn rho(
    estimator: &str,
    trace: &Value,
    score: &Value,
    traces: &[&Value],
    right: &BTreeMap<(String, u64), (f64, f64)>,
) -> f64 {
    let number = |part: &str, field: &str| score[part][field].as_f64().unwrap();
    let ratio = (number("log_ratio", "sum") / number("log_ratio", "tokens")).exp();
    let answer = number("answer", "sum");
    let likelihood = match estimator {
        // Equal thoughts of an item share the answers of the first of them.
        "acc" => {
            let first = traces.iter().find(|one| one["valid"] == true && one["thought"] == trace["thought"]);
            let (passed, all) = right[&key(first.unwrap(), "index")];
            passed / all
        }
        "gml" => (answer / number("answer", "tokens")).exp(),
        _ => answer.exp(),
    };
    ratio * likelihood
}
