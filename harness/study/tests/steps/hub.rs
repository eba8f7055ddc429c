//! Files and models of the hub, and the rows of a benchmark.

use assay_fetch::Hub;
use assay_flow::ErrorClass;
use assay_store::Hash;
use serde_json::json;

use crate::given::Project;
use crate::served::serving::{Listening, Reply, serve};

const ROWS: &str =
    "{\"problem\": \"6 * 7?\", \"answer\": \"42\"}\n{\"problem\": \"1 + 1?\", \"answer\": \"2\"}\n";
const CONFIG: &str = "{\"hidden_size\": 8}";

/// A hub with a data set and a model.
fn hub() -> Listening {
    serve(|asked, _| match asked.path.as_str() {
        "/datasets/maker/rows/resolve/c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ff/data/test.jsonl" => {
            Reply::Answer(200, &[], ROWS.to_owned())
        }
        "/maker/model/resolve/c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ff/config.json" => {
            Reply::Answer(200, &[], CONFIG.to_owned())
        }
        "/maker/model/resolve/c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ff/f32/model.safetensors" => {
            Reply::Answer(200, &[], "weights".to_owned())
        }
        _ => Reply::Answer(404, &[], "{\"error\": \"Entry not found\"}".to_owned()),
    })
}

fn entry(name: &str, hub: &str, path: &str, content: &str) -> String {
    format!(
        "[entries.{name}]\nhub = '{hub}'\nversion = 'c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ff'\npath = '{path}'\nsize = {}\nblake3 = '{}'\n",
        content.len(),
        Hash::of(content.as_bytes())
    )
}

fn project(test: &str, listening: &Listening) -> Project {
    let project =
        Project::reaching(test, Hub::new(&listening.address, None, None, None).unwrap(), Vec::new());
    fs_err::create_dir_all(project.root().join("lockfiles")).unwrap();
    let lock = [
        "format = 1\n".to_owned(),
        entry("rows", "datasets/maker/rows", "data/test.jsonl", ROWS),
        entry("config", "maker/model", "config.json", CONFIG),
        entry("weights", "maker/model", "f32/model.safetensors", "weights"),
        entry("other", "maker/model", "config.json", "{\"hidden_size\": 9}"),
        entry("branch", "maker/model", "config.json", CONFIG)
            .replace("c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ff", "main"),
        entry("gone", "maker/model", "gone.json", "gone"),
        entry("outside", "maker/model", "../../x", "x"),
        format!("[entries.plain]\nsize = 1\nblake3 = '{}'\n", Hash::of(b"x")),
    ];
    fs_err::write(project.root().join("lockfiles/x.lock"), lock.concat()).unwrap();
    project
}

const ITEMS: &str = "[steps.file]\nkind = 'hub-file'\nparams = { lock = 'x.lock', entry = 'rows' }\n\
    [steps.end]\nkind = 'published-items'\ninputs = { file = 'file' }\nparams = { benchmark = 'b', format = 'json-lines', \
    question = '{{ problem }}', answer = '{{ answer }}', grader = 'math-verify' }\n";

#[test]
fn a_data_set_of_the_hub_becomes_items() {
    let listening = hub();
    let project = project("hub-items", &listening);
    let items = project.lines(ITEMS);
    assert_eq!(items.len(), 2);
    assert_eq!((&items[0]["question"], &items[0]["references"]), (&json!("6 * 7?"), &json!(["42"])));
    // What is there is not fetched again.
    assert_eq!(project.lines(&ITEMS.replace("'b'", "'c'"))[0]["benchmark"], "c");
    assert_eq!(listening.asked.lock().unwrap().len(), 1);
    let refused = project.refused(&ITEMS.replace("{{ answer }}", "{{ answer"));
    assert!(refused.contains("`answer`: is no template"), "{refused}");
    let (class, message) = project.failure(&ITEMS.replace("{{ answer }}", "{{ answers }}"));
    assert_eq!(class, ErrorClass::User);
    assert!(message.contains("b, row 1: `answer`: names something that the row does not have"), "{message}");
}

fn model(entries: &str) -> String {
    format!("[steps.end]\nkind = 'hub-model'\nparams = {{ lock = 'x.lock', entries = {entries} }}\n")
}

#[test]
fn a_model_of_the_hub_is_a_folder_of_its_files() {
    let listening = hub();
    let project = project("hub-model", &listening);
    let (output, _) = project.run(&model("['config', 'weights']"), |_| false);
    let output = output.unwrap();
    assert_eq!(project.file(&output, "config.json"), CONFIG);
    assert_eq!(project.file(&output, "model.safetensors"), "weights");

    let (class, message) = project.failure(&model("['other', 'weights']"));
    assert_eq!(class, ErrorClass::Environment);
    assert!(message.contains("has the hash"), "{message}");
    let (class, message) = project.failure(&model("['config', 'gone']"));
    assert_eq!(class, ErrorClass::User);
    assert!(message.contains("(404): Entry not found"), "{message}");
}

#[test]
fn entries_that_are_no_files_of_the_hub_are_refused_before_anything_runs() {
    let listening = hub();
    let project = project("hub-refused", &listening);
    for (entries, said) in [
        ("['weights']", "`entries`: name no `config.json`"),
        ("['config', 'other']", "two files are called `config.json`"),
        ("['branch', 'weights']", "`version` of `branch` in x.lock is no commit"),
        ("['config', 'plain']", "`plain` of x.lock is no file of the hub"),
        ("['config', 'outside']", "`outside` of x.lock leads out of its repository"),
        ("['config', 'weight']", "did you mean `weights`?"),
    ] {
        let refused = project.refused(&model(entries));
        assert!(refused.contains(said), "{entries}: {refused}");
    }
    let refused = project.refused(&ITEMS.replace("'rows'", "'plain'"));
    assert!(refused.contains("give it `hub`, `version` and `path`"), "{refused}");
    assert_eq!(listening.asked.lock().unwrap().len(), 0);
}
