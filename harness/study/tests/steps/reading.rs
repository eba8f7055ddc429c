//! What a model writes that cannot be read, on its way through the steps.

use assay_data::{Dialect, InvalidSpan};
use serde_json::json;

use crate::given::Project;

/// A stop string that never comes, or comes in part, gives an invalid thought and no answer.
#[test]
fn a_completion_that_is_cut_is_not_an_answer() {
    let dialect = Dialect::embedded();
    for cut in ["1+1=2", "1+1=2</thi", "1+1=2</think"] {
        assert_eq!(dialect.read_thought(cut, None), Err(InvalidSpan::Unfinished));
        assert_eq!(dialect.read_solution(cut, None), Err(InvalidSpan::Unfinished));
    }
    for cut in ["2", "2</an"] {
        assert_eq!(dialect.read_answer(cut, None), Err(InvalidSpan::Unfinished));
    }
}

/// An answer that did not end is judged as wrong, and its verdict stands in its place.
#[test]
fn a_reply_without_an_answer_is_a_wrong_one() {
    let item = |id: &str| json!({ "id": id, "benchmark": "b", "question": "?", "references": ["2"], "check": { "kind": "exact" } });
    let reply = |id: &str, sample: u32, answer: Option<&str>| json!({ "item": id, "sample": sample, "thought": "t", "answer": answer, "tokens": 7 });
    let judge = "[steps.end]\nkind = 'judge'\ninputs = { items = 'items-given', generations = 'replies' }\n";
    let project = |test: &str, replies: Vec<serde_json::Value>| {
        let mut project = Project::new(test);
        project.records("items-given", "items", vec![item("p"), item("q")]);
        project.records("replies", "generations", replies);
        project
    };
    let replies = vec![reply("p", 0, Some("2")), reply("q", 0, None), reply("p", 1, Some(" 2\n"))];
    let lines = project("judge", replies).lines(judge);
    let verdicts: Vec<&str> = lines.iter().map(|line| line["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["pass", "wrong-answer", "pass"]);
    assert_eq!(
        (&lines[2]["item"], &lines[2]["sample"], &lines[2]["tokens"]),
        (&json!("p"), &json!(1), &json!(7))
    );
    let (_, message) = project("judge-stranger", vec![reply("z", 0, None)]).failure(judge);
    assert!(message.contains("the answer of item z has no item"), "{message}");
}

/// A line that is no record names its place: file, line and what is wrong.
#[test]
fn a_broken_record_is_named_by_its_line() {
    let mut project = Project::new("broken");
    let good = json!({ "item": "a", "sample": 0, "thought": "", "answer": null, "tokens": 1 });
    project.records("replies", "generations", vec![good.clone(), json!({ "item": "a" })]);
    project.records("items-given", "items", vec![]);
    let judge = "[steps.end]\nkind = 'judge'\ninputs = { items = 'items-given', generations = 'replies' }\n";
    let (_, message) = project.failure(judge);
    assert!(message.contains(":2: missing field `sample`"), "{message}");
}

/// A chat template that refuses a question is met by the step that lays it out, and is the user's to correct.
#[test]
fn a_chat_template_that_raises_fails_the_step() {
    let mut project = Project::new("template");
    let row = |question: &str| {
        json!({ "item": { "id": "a", "benchmark": "b", "question": question, "references": ["2"], "check": { "kind": "exact" } },
        "thought": "t", "answer": "2", "source": "test" })
    };
    project.records("rows-given", "demonstrations", vec![row("short"), row("a forbidden question")]);
    let end = r#"
[steps.end]
kind = "reasoner-rows"
inputs = { demonstrations = "rows-given" }
[steps.end.params.dialect]
kind = "chat"
template = "{% if 'forbidden' in messages[0].content %}{{ raise_exception('a forbidden word') }}{% endif %}{{ messages[0].content }}"
reasoner = { open = "<t>", close = "</t>" }
posterior.A = { open = "<e>{hint}", close = "</e>" }
posterior.B = { open = "<t>{hint}", close = "</t>" }
solution = { begin = "<a>", end = "</a>" }
"#;
    let (class, message) = project.failure(end);
    assert!(message.contains("the chat template, line 1, refuses: a forbidden word"), "{message}");
    assert_eq!(class, assay_flow::ErrorClass::User);
}
