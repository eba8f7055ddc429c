//! How many thoughts, answers and rows the steps of a pipeline would make, as far as their parameters say.

use assay_flow::{Step, Value};

/// What a step would make of training data, in that unit which steps of its kind make; `None` where that is not known before a run.
///
/// Traces and answers are counted one by one, rows as training learns them. The amounts are those of a run in which every question
/// has all its traces.
pub(super) fn amounts(steps: &[Step]) -> Vec<Option<f64>> {
    let mut amounts = Vec::with_capacity(steps.len());
    for step in steps {
        let amount = amount(step, steps, &amounts);
        amounts.push(amount);
    }
    amounts
}

fn amount(step: &Step, steps: &[Step], before: &[Option<f64>]) -> Option<f64> {
    let input = |name: &str| step.inputs().find(|(input, _)| *input == name).map(|(_, steps)| steps);
    let of_input = |name: &str| input(name)?.iter().map(|index| before[*index]).sum::<Option<f64>>();
    match step.kind.name() {
        "reasoner-rows" | "posterior-rows" => param(step, "limit"),
        "sample-traces" => Some(param(step, "limit")? * param(step, "traces")?),
        "sample-answers" => Some(of_input("traces")? * param(step, "answers")?),
        // One row a question.
        "selected-rows" => param(&steps[*input("traces")?.first()?], "limit"),
        "weighted-rows" | "weighted-posterior-rows" => of_input("traces"),
        "joined-rows" => Some(of_input("rows")? * param(step, "times").unwrap_or(1.0)),
        "train" => Some(of_input("rows")? * param(step, "training.epochs")?),
        _ => None,
    }
}

/// A number among a step's parameters.
pub(super) fn param(step: &Step, path: &str) -> Option<f64> {
    number(&step.params.get(path)?.value)
}

/// A number of a recipe or a scale.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}
