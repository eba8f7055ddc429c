//! Table 5: diagnostics of several chains, and its weights against equation 8.

use std::collections::BTreeMap;

use assay_store::Store;
use camino::Utf8Path;
use serde_json::Value;

use crate::world::World;

/// A table of models from two chains of traces, of other questions and with another hint, tells of both.
#[test]
fn two_chains_have_sections_of_their_own() {
    let world = World::finished();
    let other = "chain-pa-1k = { template = \"posterior-chain\", base = \"base-m\", teacher = \"restated\", hint = \"A\", \
                 questions = 5, skip = 0, learned = 24, traces = 2 }\n\
                 ours-pa = { template = \"weighted\", base = \"base-m\", chain = \"chain-pa-1k\", teacher = \"restated\", \
                 estimator = \"gml\", answer = \"reference\", training = \"$final-1k\" }\n";
    world.edit("recipes/pipeline/models.toml", "[models]\n", &format!("[models]\n{other}"));
    let row = "[[rows]]\nid = \"l\"";
    let more = "[[rows]]\nid = \"pa\"\nlabel = \"Ours-PA\"\nmodel = \"ours-pa\"\n\n";
    world.edit("recipes/table-05.toml", row, &format!("{more}{row}"));
    world.run(&["run", "table-05", "--scale", "tiny", "--out", "out"]).succeeds();
    let report: Value = serde_json::from_str(&world.read("out/table-05.json")).unwrap();
    let sections = report["diagnostics"].as_array().unwrap();
    let titles: Vec<&str> = sections.iter().map(|section| section["title"].as_str().unwrap()).collect();
    for chain in ["chain-pa-1k", "chain-1k-restated"] {
        assert!(titles.contains(&format!("What the weights select: {chain}").as_str()), "{titles:?}");
    }
}

/// Equation 8 from what the store holds: `rho = (pi/q)^(1/|z|) * pi(Y|x,z)`, normalised over an item's traces,
/// recomputed here from the stored scores and verdicts.
#[test]
fn stored_weights_are_those_of_equation_8() {
    let world = World::finished();
    let plan = world.run(&["plan", "table-05", "--scale", "tiny", "--json"]).succeeds().stdout();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let plan = plan["steps"].as_array().unwrap();
    let folder = world.path(".assay");
    let store = Store::open(Utf8Path::from_path(&folder).unwrap()).unwrap();
    let of = |step: &str| -> Vec<Value> {
        let id = format!("chain-1k-restated.{step}[seed=1]");
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
