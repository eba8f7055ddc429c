//! Replies of a model: what is kept of them, and when the model is loaded.

use serde_json::{Value, json};

use crate::given::Project;
use crate::training::base;

fn item(id: &str, forced: bool) -> Value {
    let check = match forced {
        true => json!({ "kind": "choice", "labels": ["a", "b", "c", "d"], "forced": true }),
        false => json!({ "kind": "exact" }),
    };
    let benchmark = if forced { "choice" } else { "number" };
    json!({ "id": id, "benchmark": benchmark, "question": "1+1?", "references": ["a"], "check": check })
}

fn generate(more: &str) -> String {
    format!(
        "[steps.end]\nkind = 'generate'\ninputs = {{ model = 'model-given', items = 'items-given' }}\n\
         params = {{ seed = 1, dialect = 'embedded', samples = 2, sampling = {{ temperature = 1.0, top_p = 1.0, \
         max_new_tokens = 4 }}, engine = {{ kind = 'candle', placement = {{ device = 'cpu', float = 'f32', \
         kernels = 'cpu-kernels' }} }}{more} }}\n"
    )
}

fn project(test: &str, items: Vec<Value>) -> Project {
    let mut project = Project::new(test);
    project.gives("model-given", "model", |context| base().save(context.output()).unwrap());
    project.records("items-given", "items", items);
    project
}

/// A step that runs again with the same prompts, options and model computes nothing.
#[test]
fn completions_and_choices_are_kept() {
    let project = project("kept", vec![item("p", true), item("q", false)]);
    let computed = |more: &str| {
        let (result, notes) = project.run(&generate(more), |_| false);
        let made = |what: &str| notes.iter().any(|note| note == what);
        (result.unwrap(), made("completions"), made("choices"))
    };
    let (first, completions, choices) = computed("");
    assert!(completions && choices);
    // Another parameter, so that the step runs, with the same results.
    assert_eq!(computed(", samples_of = { number = 2 }"), (first, false, false));
}

/// Where no result is missing, the weights are not needed.
#[test]
fn a_model_is_loaded_when_a_result_is_missing() {
    let mut project = Project::new("lazy");
    project.gives("model-given", "model", |context| {
        base().save(context.output()).unwrap();
        fs_err::write(context.output().join("model.safetensors"), "no weights").unwrap();
    });
    project.records("items-given", "items", vec![]);
    assert_eq!(project.lines(&generate("")), Vec::<Value>::new());

    let mut project = Project::new("not-lazy");
    project.gives("model-given", "model", |context| {
        base().save(context.output()).unwrap();
        fs_err::write(context.output().join("model.safetensors"), "no weights").unwrap();
    });
    project.records("items-given", "items", vec![item("p", false)]);
    assert!(project.failure(&generate("")).1.contains("model.safetensors"));
}

/// Without a source to ask before anything runs, the step names what no item is of.
#[test]
fn a_benchmark_that_no_item_is_of_is_refused() {
    let project = project("benchmark", vec![item("p", false), item("q", true)]);
    let (class, message) = project.failure(&generate(", samples_of = { numbre = 3 }"));
    assert!(message.contains("no item is of a benchmark `numbre` (did you mean `number`?)"), "{message}");
    assert_eq!(class, assay_flow::ErrorClass::User);
    assert_eq!(project.lines(&generate(", samples_of = { number = 3 }")).len(), 5);
}
