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
    end_with("{ id = 'C', benchmark = 'chain2' }", models, inputs)
}

/// The same with other columns.
fn end_with(columns: &str, models: &[&str], inputs: &str) -> String {
    let rows: Vec<String> =
        models.iter().map(|model| format!("{{ id = '{model}', label = 'R', model = '{model}' }}")).collect();
    format!(
        "[steps.end]\nkind = 'table'\ninputs = {{ items = 'items-given', verdicts = {models:?}{inputs} }}\n\
         params = {{ source = {{ embedded = {{ seed = 1, questions = 2 }} }}, recipe = {{ \
         columns = [{columns}], rows = [{}] }} }}\n",
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
    // Another model may have another number of samples.
    assert_eq!(project.lines(&end(&["model", "other"], ""))[0]["samples"], json!({ "chain2": 2 }));
}

/// Three measures of one benchmark. Tokens count whether a sample was judged or not.
#[test]
fn columns_have_measures() {
    let sample = |id: &str, sample: u32, tokens: u32, verdict: &str| json!({ "item": id, "sample": sample, "tokens": tokens, "verdict": verdict });
    let verdicts = vec![
        sample("p", 0, 10, "pass"),
        sample("p", 1, 20, "wrong-answer"),
        sample("q", 0, 60, "wrong-answer"),
        sample("q", 1, 90, "judge-failure"),
    ];
    let columns = |k: u32| {
        format!(
            "{{ id = 'C', benchmark = 'chain2' }}, {{ id = 'T', benchmark = 'chain2', measure = 'tokens' }}, \
             {{ id = 'P', benchmark = 'chain2', measure = {{ pass-at = {k} }} }}"
        )
    };
    let project = |test: &str| table(test, vec![item("p"), item("q")], verdicts.clone());
    let lines = project("measures").lines(&end_with(&columns(1), &["model"], ""));
    let cells = &lines[0]["cells"]["model"];
    let value = |column: &str| cells[column]["measured"]["value"].as_f64().unwrap();
    assert_eq!((value("C"), value("T"), value("P")), (25.0, 45.0, 25.0));
    assert_eq!(lines[0]["question_scores"].as_object().unwrap().keys().collect::<Vec<_>>(), ["C"]);

    let (class, message) = project("too-large").failure(&end_with(&columns(3), &["model"], ""));
    let expected = "column `P` has no value for row `model` on question `p`: pass@3 needs 1 <= k <= samples, but \
                    2 samples were drawn";
    assert!(message.contains(expected) && class == ErrorClass::User, "{message}");
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
    const TITLES: [&str; 4] = [
        "The posterior's thoughts against the reasoner's",
        "What the weights select",
        "Length bias",
        "What each objective weighs",
    ];
    let of = |models: &str| TITLES.map(|title| format!("{title}{models}"));
    let lengths = ["Completion lengths".to_owned()];
    assert_eq!(titles("one-chain", &[("pa", true)]), [&of("")[..], &lengths].concat());
    assert_eq!(titles("equal-chains", &[("pa", true), ("pb", true)]), [&of("")[..], &lengths].concat());
    // Where no question has a right answer, no objective has a weight.
    assert_eq!(
        titles("two-chains", &[("pa", true), ("pb", false), ("pc", true)]),
        [&of(": pa, pc")[..], &of(": pb")[..3], &lengths].concat()
    );
}

/// A training log whose losses fall from 4 to 1, with two spikes and rewards that rise.
fn log() -> Vec<Value> {
    let step = |step: u64| {
        let loss = if step < 15 { 4.0 } else { 1.0 + f64::from(step == 15) };
        let norm = if step == 0 || step == 15 { 40.0 } else { 2.0 };
        json!({
            "step": step, "loss": loss, "gradient_norm": norm, "learning_rate": 0.1, "reward": step as f64 / 20.0, "mixed": if step < 10 { 0.5 } else { 0.25 },
        })
    };
    (0..20).map(step).collect()
}

fn model(project: &mut Project, name: &'static str, files: Vec<(&'static str, Vec<Value>)>) {
    project.gives(name, "model", move |context| {
        fs_err::create_dir_all(context.output()).unwrap();
        fs_err::write(context.output().join("config.json"), "{}").unwrap();
        for (file, records) in &files {
            let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
            fs_err::write(context.output().join(file), lines).unwrap();
        }
    });
}

/// Gates take the figures of the models that the rows' models are made from, and of those that were trained.
#[test]
fn figures_of_models_are_found_by_gates() {
    let mut project = table("figures", vec![item("p"), item("q")], vec![verdict("p", 0), verdict("q", 0)]);
    project.records("chain", "diagnostics", diagnostics(true));
    let cut = json!({ "rows": 8, "cut": 2, "left_out": 1 });
    model(&mut project, "tuned", vec![("training.jsonl", log()), ("rows.jsonl", vec![cut])]);
    model(&mut project, "released", Vec::new());
    let expected = [
        // 20 steps: the last quarter has losses 2, 1, 1, 1, 1; of the 18 steps after the first tenth, one has a spike.
        ("tuned.loss", 1.2),
        ("tuned.gradient-norm", 2.0),
        ("tuned.gradient-spikes", 100.0 / 18.0),
        ("tuned.reward-first", 0.025),
        ("tuned.reward-last", 0.925),
        ("tuned.mixed", 37.5),
        ("tuned.cut", 25.0),
        ("chain.pi-solves", 100.0),
        ("chain.q-solves", 0.0),
        ("model.C", 100.0),
    ];
    let names: Vec<&str> =
        expected.iter().map(|(name, _)| *name).chain(["released.loss", "chain.rescued"]).collect();
    let condition: Vec<String> = names.iter().map(|name| format!("{name} >= 0")).collect();
    let gated = format!(
        "gates = [{{ id = 'g', text = 't', expression = '{}' }}], claims = [{{ id = 'c', text = 't', expression = \
         'model.C > 50', gates = ['g'] }}], columns =",
        condition.join(" and ")
    );
    let inputs = ", diagnostics = ['chain'], trained = ['released', 'tuned']";
    let end = end(&["model"], inputs).replace("columns =", &gated);
    let lines = project.lines(&end);
    let values = &lines[0]["gates"][0]["values"];
    for (name, value) in expected {
        let found = values[name].as_f64().unwrap_or_else(|| panic!("{name} in {values}"));
        assert!((found - value).abs() < 1e-12, "{name}: {found} {value}");
    }
    // What has no log, and what is not defined, was not measured.
    assert_eq!((&values["released.loss"], &values["chain.rescued"]), (&Value::Null, &Value::Null));
    assert_eq!(lines[0]["claims"][0]["outcome"], "not-attempted");

    let message = project.refused(&end.replace("tuned.loss", "tuned.los"));
    assert!(
        message.contains("there is no figure `los`") && message.contains("did you mean `loss`?"),
        "{message}"
    );
    let message = project.refused(&end.replace("tuned.loss", "tunde.loss"));
    assert!(message.contains("no model `tunde` that figures are known of"), "{message}");
}

/// Where no thought of the posterior ended, the report says that the weights compare nothing.
#[test]
fn a_table_says_that_no_thought_ended() {
    let text = |test: &str, valid: f64| {
        let mut project = table(test, vec![item("p"), item("q")], vec![verdict("p", 0), verdict("q", 0)]);
        let mut summary = diagnostics(true);
        summary[0][ALL]["valid"] = json!(valid);
        project.records("pa", "diagnostics", summary);
        let lines = project.lines(&end(&["model"], ", diagnostics = ['pa']"));
        lines[0]["sections"][0]["text"].as_str().unwrap().to_owned()
    };
    assert!(text("none-ended", 0.0).ends_with(
        "No thought of q ended: no thought has a weight, the teacher's rows stand in for all of them, and models that differ \
         by their weights alone are then the same model."
    ));
    assert!(text("one-ended", 1.0).ends_with("lost: the other way round."));
}
