//! Verdicts and diagnostics of several models in one table.

use std::collections::BTreeMap;

use assay_flow::ErrorClass;
use assay_study::inference::diagnostics::{ALL, ItemTraces, summarise};
use serde_json::{Value, json};

use crate::given::Project;

fn item(id: &str) -> Value {
    json!({ "id": id, "benchmark": "chain2", "question": "?", "references": ["2"], "check": { "kind": "exact" } })
}

fn verdict(id: &str, sample: u32) -> Value {
    judged(id, sample, "pass")
}

fn judged(id: &str, sample: u32, verdict: &str) -> Value {
    json!({ "item": id, "sample": sample, "tokens": 3, "verdict": verdict })
}

/// A table of these models, each with a row.
fn end(models: &[&str], inputs: &str) -> String {
    let rows: Vec<String> =
        models.iter().map(|model| format!("{{ id = '{model}', label = 'R', model = '{model}' }}")).collect();
    format!(
        "[steps.end]\nkind = 'table'\ninputs = {{ items = 'items-given', verdicts = {models:?}{inputs} }}\n\
         params = {{ source = {{ embedded = {{ seed = 1, questions = 2 }} }}, recipe = {{ \
         columns = [{{ id = 'C', benchmark = 'chain2' }}], rows = [{}] }} }}\n",
        rows.join(", ")
    )
}

fn table(test: &str, items: Vec<Value>, verdicts: Vec<Value>) -> Project {
    let mut project = Project::new(test);
    project.records("items-given", "items", items);
    project.records("model", "verdicts", verdicts);
    project
}

#[test]
fn a_table_refuses_a_sample_that_is_judged_twice() {
    let end = end(&["model"], "");
    let lines =
        table("table", vec![item("p"), item("q")], vec![verdict("p", 0), verdict("q", 0)]).lines(&end);
    assert_eq!(lines[0]["cells"]["model"]["C"]["measured"]["value"], 100.0);
    // A paper of which no more is known gets nothing of another one.
    assert_eq!(lines[0]["sections"].as_array().unwrap().len(), 1);
    assert_eq!(lines[0]["sections"][0]["title"], "Completion lengths");
    assert_eq!(lines[0]["notes"], json!(["An interval is about the choice of questions"]));
    for (test, items, verdicts, complaint) in [
        (
            "sample",
            vec![item("p"), item("q")],
            vec![verdict("p", 0), verdict("q", 0), verdict("p", 0)],
            "the verdict on sample 0 of item p occurs twice",
        ),
        ("item", vec![item("p"), item("p")], vec![verdict("p", 0)], "item p occurs twice"),
        ("stranger", vec![item("p"), item("q")], vec![verdict("z", 0)], "z is not a test item"),
    ] {
        let (_, message) = table(test, items, verdicts).failure(&end);
        assert!(message.contains(complaint), "{message}");
    }
}

/// k is what was sampled and judged, also where the judge failed.
#[test]
fn samples_are_counted() {
    let verdicts = |samples: u32| -> Vec<Value> {
        ["p", "q"].iter().flat_map(|id| (0..samples).map(|sample| verdict(id, sample))).collect()
    };
    for samples in [1, 3] {
        let mut verdicts = verdicts(samples);
        verdicts[0] = judged("p", 0, if samples > 1 { "judge-failure" } else { "pass" });
        let project = table(&format!("counted-{samples}"), vec![item("p"), item("q")], verdicts);
        assert_eq!(project.lines(&end(&["model"], ""))[0]["samples"], json!({ "chain2": samples }));
    }

    let mut uneven = verdicts(2);
    uneven.push(verdict("q", 2));
    let (class, message) = table("uneven", vec![item("p"), item("q")], uneven).failure(&end(&["model"], ""));
    assert!(
        message.contains("item p of model has 2, item q of model has 3") && class == ErrorClass::User,
        "{message}"
    );

    let mut project = table("two-models", vec![item("p"), item("q")], verdicts(2));
    project.records("other", "verdicts", verdicts(1));
    let (class, message) = project.failure(&end(&["model", "other"], ""));
    assert!(
        message.contains("item p of model has 2, item p of other has 1") && class == ErrorClass::User,
        "{message}"
    );
}

/// A summary in which the posterior solves its question, or does not.
fn diagnostics(solved: bool) -> Vec<Value> {
    let item = ItemTraces { q: vec![None], pi: vec![f64::from(u8::from(solved))], weights: BTreeMap::new() };
    vec![json!({ ALL: summarise(&[item]).unwrap() })]
}

/// Each chain of traces has its sections, those with equal diagnostics once.
#[test]
fn a_table_has_the_diagnostics_of_each_chain() {
    let titles = |test: &str, chains: &[(&'static str, bool)]| -> Vec<String> {
        let mut project = table(test, vec![item("p"), item("q")], vec![verdict("p", 0), verdict("q", 0)]);
        for (name, solved) in chains {
            project.records(name, "diagnostics", diagnostics(*solved));
        }
        let names: Vec<&str> = chains.iter().map(|(name, _)| *name).collect();
        let lines = project.lines(&end(&["model"], &format!(", diagnostics = {names:?}")));
        let sections = lines[0]["sections"].as_array().unwrap().iter();
        sections.map(|section| section["title"].as_str().unwrap().to_owned()).collect()
    };
    const TITLES: [&str; 3] =
        ["The posterior's thoughts against the reasoner's", "What the weights select", "Length bias"];
    let of = |models: &str| TITLES.map(|title| format!("{title}{models}"));
    let lengths = ["Completion lengths".to_owned()];
    assert_eq!(titles("one-chain", &[("pa", true)]), [&of("")[..], &lengths].concat());
    assert_eq!(titles("equal-chains", &[("pa", true), ("pb", true)]), [&of("")[..], &lengths].concat());
    assert_eq!(
        titles("two-chains", &[("pa", true), ("pb", false), ("pc", true)]),
        [&of(": pa, pc")[..], &of(": pb"), &lengths].concat()
    );
}
