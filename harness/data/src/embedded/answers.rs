//! How a reference answer is written: short, or as a restatement of the whole calculation.

use super::problem::{CodeProblem, Problem, Step, points_text};
use crate::check::after_equals;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How reference answers are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answers {
    /// The result, alone or after a few symbols: `35`, `x=35`, `12+30-7=35`.
    #[default]
    Short,
    /// The calculation, and the result after the last `=`: `12+30-7:12+30=42,42-7=35`. Of code, the points and then the
    /// program: `3>8,5>12,1>4,f=x*2+2`. Choices stay short.
    Restated,
}

/// A restatement has at most so many symbols. Of a calculation that needs more, less is restated.
pub const LONGEST_RESTATEMENT: usize = 40;

/// The restated form of a short reference answer: the result is written as it is there.
pub(crate) fn restated(problem: &Problem, steps: &[Step], short: &str) -> String {
    let result = after_equals(short);
    match problem {
        Problem::Code(code) => code_restated(code, result),
        Problem::Inverse(inverse) => inverse.restated(),
        Problem::Choice { .. } => short.to_owned(),
        Problem::Chain(_) | Problem::Linear { .. } | Problem::Mod { .. } => {
            let text = problem.text();
            calculation_restated(text.trim_end_matches('?'), steps, result)
        }
    }
}

fn code_restated(code: &CodeProblem, program: &str) -> String {
    format!("{},f={program}", points_text(&code.points()))
}

/// The question and all steps; or, as far as there is room, the steps alone, the question and its running values, or the
/// question and the result.
fn calculation_restated(question: &str, steps: &[Step], result: &str) -> String {
    let (last, before) = match steps.split_last() {
        Some((last, before)) => (format!("{}{}={result}", last.from, last.operation), before),
        None => return result.to_owned(),
    };
    let lines: Vec<String> = before.iter().map(Step::to_string).chain([last]).collect();
    let values: Vec<String> = before.iter().map(|step| step.to.to_string()).collect();
    let forms = [
        format!("{question}:{}", lines.join(",")),
        lines.join(","),
        format!("{question}:{}={result}", values.join(",")),
    ];
    let fits = |form: &String| form.len() <= LONGEST_RESTATEMENT;
    forms.into_iter().find(fits).unwrap_or_else(|| format!("{question}={result}"))
}
