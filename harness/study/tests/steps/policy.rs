//! Models that learn from their own samples.

use assay_flow::ErrorClass;
use serde_json::{Value, json};

use crate::given::Project;
use crate::training::{base, checkpoints};

const PLACEMENT: &str = "{ device = 'cpu', float = 'f32', kernels = 'cpu-kernels' }";

/// A step that trains a tiny model, `tiny`, on rows until it knows them.
fn learned(name: &str, rows: &str) -> String {
    format!(
        "[steps.{name}]\nkind = 'train'\ninputs = {{ base = 'base-given', rows = '{rows}' }}\n\
         params = {{ seed = 1, placement = {PLACEMENT}, training = {{ learning_rate = 1e-2, betas = [0.9, 0.95], \
         epsilon = 1e-8, weight_decay = 0.0, clip = 1.0, warmup = 0.1, batch = 4, epochs = 150, loss = 'dr-sft' }} }}\n"
    )
}

fn policy(kind: &str, inputs: &str, more: &str) -> String {
    format!(
        "[steps.end]\nkind = '{kind}'\ninputs = {{ demonstrations = 'demonstrations-given', {inputs} }}\n\
         params = {{ seed = 1, dialect = 'embedded', group = 8, advantage = 'normalised', {more}\
         sampling = {{ temperature = 1.0, top_p = 1.0, max_new_tokens = 12 }}, \
         engine = {{ kind = 'candle', placement = {PLACEMENT} }}, \
         training = {{ learning_rate = 3e-3, betas = [0.9, 0.95], epsilon = 1e-8, weight_decay = 0.0, clip = 1.0, \
         warmup = 0.1, batch = 1, epochs = 60, loss = 'per-response' }} }}\n"
    )
}

fn row(segments: &[(&str, bool)]) -> Value {
    let segments: Vec<Value> =
        segments.iter().map(|(text, loss)| json!({ "text": text, "loss": loss })).collect();
    json!({ "rows": [{ "weight": 1.0, "segments": segments }] })
}

fn demonstration() -> Value {
    json!({ "item": { "id": "a", "benchmark": "b", "question": "1+1?", "references": ["2"], "check": { "kind": "exact" } },
            "thought": "1", "answer": "2", "source": "test" })
}

/// Models that write the thought 1 or 2 and the answer 2 after the first, 3 after the second; and a posterior that
/// writes either thought.
fn project(test: &str) -> Project {
    let mut project = Project::new(test);
    project.gives("base-given", "model", |context| base().save(context.output()).unwrap());
    project.records("demonstrations-given", "demonstrations", vec![demonstration()]);
    let solutions = ["1</think><ans>2</ans>", "2</think><ans>3</ans>"];
    let reasoner = solutions.map(|solution| row(&[("<bos>1+1?<think>", false), (solution, true)])).to_vec();
    project.records("rows-given", "rows", reasoner);
    let hinted = "<bos><qb>1+1?<hint>2</hint><think>";
    let posterior =
        ["1</think>", "2</think>"].map(|thought| row(&[(hinted, false), (thought, true)])).to_vec();
    project.records("hinted-given", "rows", posterior);
    project
}

/// The mean reward of each step, from the training log of the model that the steps make.
fn rewards(project: &Project, steps: &str) -> Vec<f64> {
    let output = project.run(steps, |_| false).0.unwrap_or_else(|(_, message)| panic!("{message}"));
    let log = project.file(&output, "training.jsonl");
    let steps = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let rewards: Vec<f64> = steps.map(|step| step["reward"].as_f64().unwrap()).collect();
    assert_eq!(rewards.len(), 60);
    rewards
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Half of the answers are right at first; nearly all are once the right ones were rewarded.
#[test]
fn grpo_makes_right_answers_likelier() {
    let project = project("grpo");
    let steps = learned("tiny", "rows-given") + &policy("grpo", "base = 'tiny'", "");
    let rewards = rewards(&project, &steps);
    let (first, last) = (mean(&rewards[..8]), mean(&rewards[52..]));
    assert!((0.2..0.8).contains(&first) && last > 0.9, "{first} to {last}");
}

/// The reward of a posterior is higher for the thought after which the reasoner gives the reference answer.
#[test]
fn rlt_raises_the_evidence_lower_bound() {
    let project = project("rlt");
    let steps = learned("tiny", "rows-given")
        + &learned("posterior", "hinted-given")
        + &policy("rlt", "reasoner = 'tiny', posterior = 'posterior'", "hint = 'B', ");
    let rewards = rewards(&project, &steps);
    let (first, last) = (mean(&rewards[..8]), mean(&rewards[52..]));
    // Of the thought 1 alone the bound is log pi(z) + log pi(y|z), about log 1/2.
    assert!(first < -1.5 && (-0.9..-0.5).contains(&last), "{first} to {last}");
}

/// A run that was stopped goes on to the same model.
#[test]
fn a_stopped_run_ends_in_the_same_model() {
    let (whole, stopped) = (project("grpo-whole"), project("grpo-stopped"));
    let steps = learned("tiny", "rows-given") + &policy("grpo", "base = 'tiny'", "");
    let expected = whole.run(&steps, |_| false).0.unwrap();
    let stop = |note: &str| note.starts_with("reward");
    assert_eq!(stopped.run(&steps, stop).0.unwrap_err().1, "interrupted");
    assert!(!checkpoints(&stopped).is_empty());
    assert_eq!(stopped.run(&steps, |_| false).0.unwrap(), expected);
}

/// Without a right answer there is nothing to learn from. It is said after 25 steps, or after all if there are fewer.
#[test]
fn groups_without_a_mixed_reward_are_refused() {
    let project = project("unmixed");
    let end = policy("grpo", "base = 'base-given'", "");
    for (end, said, most) in [
        (end.replace("epochs = 60", "epochs = 4"), "in the first 4 of 4 steps", 4),
        (end, "in the first 25 of 60 steps", 25),
    ] {
        let (result, notes) = project.run(&end, |_| false);
        let (class, message) = result.unwrap_err();
        assert_eq!(class, ErrorClass::User);
        assert!(
            message.contains(&format!("{said} no group of 8 completions earned different rewards")),
            "{message}"
        );
        let steps = notes.iter().filter(|note| note.starts_with("reward")).count();
        assert!(steps <= most, "nobody waits for the rest: {notes:?}");
    }
}
