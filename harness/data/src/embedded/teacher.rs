//! The teacher: solutions with controlled noise. Its answers are always right; its traces are not always
//! complete or true.

use super::inverse::{Inverse, WRONG_TRIALS};
use super::problem::{CodeProblem, NEAR_MISSES, Problem, Step, VALUES};
use super::{Question, Ratio, Shape, TaskError};
use crate::Draws;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// By how much a part of an unfaithful trial of an inverse question is wrong: upwards, since parts may be 0.
const UNFAITHFUL_MISSES: [i64; 5] = [1, 2, 9, 10, 11];

/// Separates the lines of a trace.
pub const LINE_SEPARATOR: &str = ";";
/// Ends a line that the trace itself rejects.
pub const REJECTED: char = '!';

/// How a trace is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Every step.
    Full,
    /// Steps are skipped: merged into one line, left out, or (in searches) trials without their numbers.
    Skip,
    /// A wrong line, rejected, then the right one; in searches a wrong trial twice.
    Detour,
    /// A false line, from which the right end is reached all the same.
    Unfaithful,
}

impl Style {
    /// Its name, as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Skip => "skip",
            Self::Detour => "detour",
            Self::Unfaithful => "unfaithful",
        }
    }
}

/// The probabilities of the styles, which sum to one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StyleMix {
    /// Of [`Style::Full`].
    pub full: f64,
    /// Of [`Style::Skip`].
    pub skip: f64,
    /// Of [`Style::Detour`].
    pub detour: f64,
    /// Of [`Style::Unfaithful`].
    pub unfaithful: f64,
}

impl Default for StyleMix {
    fn default() -> Self {
        Self { full: 0.40, skip: 0.25, detour: 0.15, unfaithful: 0.20 }
    }
}

impl StyleMix {
    /// Checks that these are probabilities that sum to one.
    pub fn validate(&self) -> Result<(), TaskError> {
        let Self { full, skip, detour, unfaithful } = *self;
        let refuse = |name: &str, value, rule| Err(TaskError::Weight { name: name.to_owned(), value, rule });
        for (name, value) in [("full", full), ("skip", skip), ("detour", detour), ("unfaithful", unfaithful)]
        {
            if !(0.0..=1.0).contains(&value) {
                return refuse(name, value, "a probability lies between 0 and 1");
            }
        }
        let sum = full + skip + detour + unfaithful;
        if (sum - 1.0).abs() > 1e-9 {
            return refuse("full + skip + detour + unfaithful", sum, "the probabilities have to sum to 1");
        }
        Ok(())
    }

    /// Draws a style.
    pub fn draw(&self, draws: &mut Draws) -> Style {
        match draws.weighted(&[self.full, self.skip, self.detour, self.unfaithful]) {
            0 => Style::Full,
            1 => Style::Skip,
            2 => Style::Detour,
            _ => Style::Unfaithful,
        }
    }
}

/// A thought z about a question in a given style. Multiple choice has none.
pub fn trace(question: &Question, style: Style, draws: &mut Draws) -> Result<String, TaskError> {
    Ok(lines(question, style, draws)?.join(LINE_SEPARATOR))
}

/// The lines of a trace.
pub(crate) fn lines(question: &Question, style: Style, draws: &mut Draws) -> Result<Vec<String>, TaskError> {
    match question.problem() {
        Problem::Chain(_) | Problem::Linear { .. } | Problem::Mod { .. } => {
            let mergeable = matches!(question.problem(), Problem::Chain(_));
            Ok(calculation(question.steps(), style, mergeable, draws))
        }
        Problem::Code(code) => Ok(trials(code, style, draws)),
        Problem::Inverse(inverse) => Ok(search(*inverse, style, draws)),
        Problem::Choice { .. } => Err(TaskError::NoTeacher { family: question.family() }),
    }
}

/// A calculation of two or more steps.
fn calculation(steps: &[Step], style: Style, mergeable: bool, draws: &mut Draws) -> Vec<String> {
    let mut lines: Vec<_> = steps.iter().map(Step::to_string).collect();
    match style {
        Style::Full => {}
        Style::Skip if mergeable => {
            let merged = draws.within(2..=steps.len() as i64) as usize;
            let first = draws.index(steps.len() - merged + 1);
            let run = &steps[first..first + merged];
            let operations: String = run.iter().map(|step| step.operation.to_string()).collect();
            let line = format!("{}{operations}={}", run[0].from, run[merged - 1].to);
            lines.splice(first..first + merged, [line]);
        }
        Style::Skip => {
            // Some lines, neither none nor all: the bits of 1..2^n - 1 say which stay.
            let kept = draws.within(1..=(1 << lines.len()) - 2);
            let mut line = 0;
            lines.retain(|_| {
                line += 1;
                kept >> (line - 1) & 1 == 1
            });
        }
        Style::Detour => {
            let at = draws.index(steps.len());
            let wrong = Step { to: near_miss(steps[at].to, draws), ..steps[at] };
            lines.insert(at, format!("{wrong}{REJECTED}"));
        }
        Style::Unfaithful => {
            let at = draws.index(steps.len() - 1);
            let wrong = near_miss(steps[at].to, draws);
            lines[at] = Step { to: wrong, ..steps[at] }.to_string();
            lines[at + 1] = Step { from: wrong, ..steps[at + 1] }.to_string();
        }
    }
    lines
}

/// A wrong value near the right one; of a fraction, the numerator is off.
fn near_miss(value: Ratio, draws: &mut Draws) -> Ratio {
    let wrong: Vec<_> = NEAR_MISSES
        .iter()
        .map(|miss| value.numerator() + miss)
        .filter(|numerator| VALUES.contains(numerator))
        .filter_map(|numerator| Ratio::new(numerator, value.denominator()))
        .collect();
    *draws.pick(&wrong)
}

/// A shape tried on the first two points: its value and what is missing to the output there.
#[derive(Clone)]
struct Trial {
    shape: Shape,
    points: [(i64, i64); 2],
    accepted: bool,
}

impl Trial {
    fn new(code: &CodeProblem, shape: Shape) -> Self {
        let [first, second, _] = code.points();
        let measure = |(input, output)| (shape.at(input), output - shape.at(input));
        let points = [first, second].map(measure);
        Self { shape, points, accepted: shape == code.program.shape }
    }

    fn mark(&self) -> char {
        if self.accepted { '=' } else { REJECTED }
    }

    fn full(&self) -> String {
        let [(first, first_rest), (second, second_rest)] = self.points;
        format!("{}:{first}{first_rest:+},{second}{second_rest:+}{}", self.shape.text(), self.mark())
    }

    fn short(&self) -> String {
        format!("{}{}", self.shape.text(), self.mark())
    }
}

/// The search for a program: none to two wrong shapes, then the right one.
fn trials(code: &CodeProblem, style: Style, draws: &mut Draws) -> Vec<String> {
    let right = code.program.shape;
    let others: Vec<_> = Shape::ALL.into_iter().filter(|&shape| shape != right).collect();
    let count = *draws.pick(&[0, 1, 1, 2]);
    // A detour repeats a wrong trial, so there has to be one.
    let count = if style == Style::Detour { count.max(1) } else { count };
    let mut shapes = draws.sample(&others, count);
    shapes.push(right);
    let mut trials: Vec<_> = shapes.into_iter().map(|shape| Trial::new(code, shape)).collect();
    match style {
        Style::Full => {}
        Style::Skip => return trials.iter().map(Trial::short).collect(),
        Style::Detour => {
            let repeated = draws.index(count);
            trials.insert(repeated, trials[repeated].clone());
        }
        Style::Unfaithful if count > 0 && draws.chance(0.5) => {
            // A rejected trial that looks like a fit: what is missing is the same at both points.
            let [(_, rest), (_, second_rest)] = &mut trials[draws.index(count)].points;
            *second_rest = *rest;
        }
        Style::Unfaithful => {
            // The accepted trial does not fit by its own numbers.
            let point = draws.index(2);
            trials[count].points[point].1 += *draws.pick(&NEAR_MISSES);
        }
    }
    trials.iter().map(Trial::full).collect()
}

/// The search of an inverse question: none to two wrong numbers, the first of them drawn from all and each nearer than the
/// one before, then the right one.
fn search(inverse: Inverse, style: Style, draws: &mut Draws) -> Vec<String> {
    let right = inverse.answer();
    let count = *draws.pick(&WRONG_TRIALS);
    // A detour repeats a wrong trial, so there has to be one.
    let count = if style == Style::Detour { count.max(1) } else { count };
    let mut wrong = draws.sample(&inverse.wrong(), count);
    wrong.sort_by_key(|first| std::cmp::Reverse(first.abs_diff(right)));
    let mut trials: Vec<_> = wrong.into_iter().map(|first| inverse.trial(first)).collect();
    let mut last = inverse.trial(right);
    match style {
        Style::Full => {}
        Style::Skip => {
            let rejected = trials.iter().map(|trial| format!("{}{REJECTED}", trial.candidate));
            return rejected.chain([last.candidate]).collect();
        }
        Style::Detour => {
            let repeated = draws.index(count);
            trials.insert(repeated, trials[repeated].clone());
        }
        Style::Unfaithful => {
            // A part of the accepted trial is wrong, and the value right all the same.
            last.claimed = Some(last.value());
            last.parts[draws.index(2)] += *draws.pick(&UNFAITHFUL_MISSES);
        }
    }
    trials.iter().map(|trial| format!("{trial}{REJECTED}")).chain([last.to_string()]).collect()
}
