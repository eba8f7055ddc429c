//! Replies of a model that a server has.

#[path = "../../../fetch/tests/serving/mod.rs"]
pub(crate) mod serving;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use assay_fetch::Server;
use assay_flow::ErrorClass;
use serde_json::{Value, json};

use crate::given::Project;
use serving::{Listening, Reply, serve};

/// A server of llama.cpp of a version, which may change, with the model `m`, which answers every prompt with `42`.
fn llama_cpp(version: &Arc<AtomicU64>) -> Listening {
    let version = Arc::clone(version);
    serve(move |asked, _| {
        let version = format!("b{}", version.load(Ordering::Relaxed));
        let document = match asked.path.as_str() {
            "/v1/models" => json!({ "data": [{ "id": "m", "meta": { "n_params": 7 } }] }),
            "/props" => json!({
                "default_generation_settings": { "n_ctx": 512 }, "total_slots": 2, "eos_token": "<end>", "build_info": version, "model_path": "/x/m.gguf",
            }),
            "/tokenize" => {
                let text = asked.body["content"].as_str().unwrap_or_default().replace("<end>", "e");
                json!({ "tokens": text.chars().map(u32::from).collect::<Vec<_>>() })
            }
            "/completion" => json!({
                "content": "42", "tokens_predicted": 3, "truncated": false, "stop_type": "eos", "stopping_word": "",
            }),
            // Nothing else is asked.
            _ => return Reply::Cut(200, "{".to_owned(), 100),
        };
        Reply::Answer(200, &[], document.to_string())
    })
}

fn completions(listening: &Listening) -> usize {
    listening.asked.lock().unwrap().iter().filter(|asked| asked.path == "/completion").count()
}

const DIALECT: &str = "{ kind = 'chat', template = '{% for message in messages %}{{ message.content }}{% endfor %}', \
    requires = ['<end>'], solution = { begin = '<s>', end = '</s>' }, \
    reasoner = { system = 'Answer.', open = '', close = '</t>' }, \
    posterior = { A = { open = '{hint}', close = '</t>' }, B = { open = '{hint}', close = '</t>' } } }";

/// The steps that ask a server; `model` and `more` are further parameters.
fn steps(model: &str, samples: u32, more: &str) -> String {
    format!(
        "[steps.model]\nkind = 'served-model'\nparams = {{ server = 'llama.cpp', name = 'm'{model} }}\n\
         [steps.end]\nkind = 'generate'\ninputs = {{ model = 'model', items = 'items-given' }}\n\
         params = {{ seed = 1, dialect = {DIALECT}, samples = {samples}, sampling = {{ temperature = 1.0, top_p = 1.0, \
         max_new_tokens = 4 }}, engine = {{ kind = 'endpoint', server = 'llama.cpp' }}{more} }}\n"
    )
}

fn item(check: &Value) -> Value {
    json!({ "id": "p", "benchmark": "b", "question": "6 * 7?", "references": ["42"], "check": check })
}

fn project(test: &str, listening: &Listening, check: &Value) -> Project {
    let servers = vec![Server::new(&listening.address, None).unwrap().with_patience(Duration::ZERO)];
    let mut project = Project::with_servers(test, servers);
    project.records("items-given", "items", vec![item(check)]);
    project
}

#[test]
fn a_server_writes_the_replies_and_is_not_asked_for_them_again() {
    let exact = json!({ "kind": "exact" });
    let listening = llama_cpp(&Arc::default());
    let project = project("served", &listening, &exact);
    let lines = project.lines(&steps("", 2, ""));
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0]["tokens"].as_u64(), completions(&listening)), (Some(3), 2));
    // Two samples more, of which the first two are known.
    assert_eq!(project.lines(&steps("", 4, "")).len(), 4);
    assert_eq!(completions(&listening), 4);
    // A parameter that changes nothing of what is asked: the step runs, and no server is needed.
    assert_eq!(project.lines(&steps("", 4, ", samples_of = { b = 4 }")).len(), 4);
    assert_eq!(completions(&listening), 4);
}

#[test]
fn another_version_of_the_server_is_refused_until_the_recipe_says_so() {
    let exact = json!({ "kind": "exact" });
    let version = Arc::default();
    let listening = llama_cpp(&version);
    let project = project("updated", &listening, &exact);
    assert_eq!(project.lines(&steps("", 1, "")).len(), 1);
    version.store(1, Ordering::Relaxed);
    // What is known needs no server; what is not would come from another one.
    assert_eq!(project.lines(&steps("", 1, ", samples_of = { b = 1 }")).len(), 1);
    let (class, message) = project.failure(&steps("", 2, ""));
    assert_eq!(class, ErrorClass::Environment);
    assert!(message.contains("serves `m` by llama.cpp b1 (file m.gguf, n_params 7)"), "{message}");
    assert!(message.contains("was made by `m` by llama.cpp b0 (file m.gguf, n_params 7)"), "{message}");
    assert_eq!(completions(&listening), 1);
    assert_eq!(project.lines(&steps(", revision = '2'", 2, "")).len(), 2);
    assert_eq!(completions(&listening), 3);
}

#[test]
fn a_choice_that_the_server_cannot_make_is_refused_before_it_is_asked_for_anything() {
    let forced = json!({ "kind": "choice", "labels": ["a", "b"], "forced": true });
    let listening = llama_cpp(&Arc::default());
    let project = project("forced", &listening, &forced);
    let (class, message) = project.failure(&steps("", 1, ""));
    assert_eq!(class, ErrorClass::User);
    assert!(message.contains("`endpoint` cannot choose among given options"), "{message}");
    assert_eq!(completions(&listening), 0);
}

#[test]
fn what_the_engine_cannot_do_is_refused_before_anything_runs() {
    let listening = llama_cpp(&Arc::default());
    let mut project = project("refused", &listening, &json!({ "kind": "exact" }));
    project.records("demonstrations-given", "demonstrations", vec![]);
    project.records("traces-given", "traces", vec![]);
    let score = format!(
        "[steps.model]\nkind = 'served-model'\nparams = {{ server = 'llama.cpp', name = 'm' }}\n\
         [steps.end]\nkind = 'score-traces'\ninputs = {{ reasoner = 'model', posterior = 'model', \
         demonstrations = 'demonstrations-given', traces = 'traces-given' }}\n\
         params = {{ dialect = {DIALECT}, hint = 'A', engine = {{ kind = 'endpoint', server = 'llama.cpp' }} }}\n"
    );
    let said = project.refused(&score);
    assert!(said.contains("`endpoint` with a server of the kind `llama.cpp` cannot score"), "{said}");
    let unnamed = steps("", 1, "").replace("name = 'm'", "name = ' '");
    assert!(project.refused(&unnamed).contains("must be the name of a model"));
    let other = steps("", 1, "").replace("server = 'llama.cpp'", "server = 'llama'");
    assert!(project.refused(&other).contains("llama.cpp"));
    assert_eq!(listening.asked.lock().unwrap().len(), 0);
}
