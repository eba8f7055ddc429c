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

/// A dialect whose chat template is the checkpoint's: the tokens of the test's model, so that it can be asked.
const OF_CHECKPOINT: &str = "{ kind = 'chat', template = { from = 'checkpoint' }, reasoner = { open = '<think>', close = '</think>' }, \
    posterior.A = { open = '{hint}', close = '</expl>' }, posterior.B = { open = '{hint}', close = '</think>' }, \
    solution = { begin = '<ans>', end = '</ans>' } }";

fn of_checkpoint(more: &str) -> String {
    generate("")
        .replace("'embedded'", OF_CHECKPOINT)
        .replace("items = 'items-given'", &format!("items = 'items-given'{more}"))
}

/// Adds a file to the model's folder, or gives it as an artefact of its own.
fn with_template(test: &str, template: &'static str, in_folder: bool) -> Project {
    let config = json!({ "bos_token": "<bos>", "chat_template": template }).to_string();
    let mut project = Project::new(test);
    let in_model = config.clone();
    project.gives("model-given", "model", move |context| {
        base().save(context.output()).unwrap();
        if in_folder {
            fs_err::write(context.output().join("tokenizer_config.json"), &in_model).unwrap();
        }
    });
    project.gives("template-given", "file", move |context| fs_err::write(context.output(), &config).unwrap());
    project.records("items-given", "items", vec![item("p", false)]);
    project
}

/// The template is the model's own, and where its folder has none, that of the file that is connected.
#[test]
fn a_checkpoints_template_lays_out_the_questions() {
    let plain = "{{ bos_token }}{{ messages[0].content }}";
    let asked = with_template("own-template", plain, true).lines(&of_checkpoint(""));
    assert_eq!(asked.len(), 2);
    // The same template in the recipe: the same prompts have the same replies.
    let written = format!("'{plain}', bos_token = '<bos>'");
    let written = of_checkpoint("").replace("{ from = 'checkpoint' }", &written);
    assert_eq!(asked, with_template("written-template", plain, true).lines(&written));
    let file = ", template = 'template-given'";
    assert_eq!(asked, with_template("file-template", plain, false).lines(&of_checkpoint(file)));
    let (_, message) = with_template("no-template", plain, false).failure(&of_checkpoint(""));
    assert!(
        message.contains("the checkpoint has neither chat_template.jinja nor tokenizer_config.json"),
        "{message}"
    );
}

#[test]
fn a_checkpoints_template_that_raises_names_its_file_and_line() {
    let raises = "{{ messages[0].content }}\n{% if '1+1' in messages[0].content %}{{ raise_exception('not that one') }}{% endif %}";
    let (class, message) = with_template("raises", raises, true).failure(&of_checkpoint(""));
    let said = "the chat template, `chat_template` of tokenizer_config.json, line 2, refuses: not that one";
    assert!(message.contains(said), "{message}");
    assert_eq!(class, assay_flow::ErrorClass::User);
}

/// Where nothing would read it, it is refused before anything runs.
#[test]
fn a_checkpoints_template_is_refused_where_it_cannot_be_had() {
    let mut project = with_template("template-refused", "x", true);
    project.records("rows-given", "demonstrations", vec![]);
    let unused =
        generate("").replace("items = 'items-given'", "items = 'items-given', template = 'template-given'");
    let said = project.refused(&unused);
    assert!(said.contains("nothing would read the input `template`"), "{said}");
    let rows = "[steps.end]\nkind = 'reasoner-rows'\ninputs = { demonstrations = 'rows-given' }\n";
    let said = project.refused(&format!("{rows}params = {{ dialect = {OF_CHECKPOINT} }}\n"));
    assert!(said.contains("steps of this kind do not read the template of a checkpoint"), "{said}");
}
