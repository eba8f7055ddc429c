//! A diagnosis of a thought: does it contain every step, is every line true, does it end in the right place?
//!
//! It tells thoughts that derive their answer from those that only state it, which accuracy cannot.

use super::inverse::{Inverse, first_number};
use super::problem::{CodeProblem, Op, Operation, Problem};
use super::ratio::Numeral;
use super::teacher::{LINE_SEPARATOR, REJECTED};
use super::{Question, Ratio, Shape, Truth};
use serde::{Deserialize, Serialize};

/// What is to be said for a thought. Lines of a calculation that it rejects itself (`12+30=43!`) are not held against it;
/// a rejected trial of a search has to be true like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Soundness {
    /// Each step is there, in order, on a line of its own, and starts from the value that the line before
    /// ended in. For code and the inverse families: each trial shows its numbers, and the last is the only one
    /// accepted.
    pub complete: bool,
    /// Every line is true.
    pub truthful: bool,
    /// The last line ends in the right value, or accepts the right shape.
    pub right_end: bool,
}

impl Soundness {
    /// Complete, truthful and right in the end.
    pub fn is_sound(self) -> bool {
        self.complete && self.truthful && self.right_end
    }
}

/// Diagnoses a thought about a math or code question; `None` for multiple choice, where no steps are
/// prescribed.
pub fn soundness(question: &Question, thought: &str) -> Option<Soundness> {
    let lines = || thought.split(LINE_SEPARATOR);
    match (question.problem(), question.truth()) {
        (Problem::Code(code), _) => Some(trials(code, lines())),
        (Problem::Inverse(inverse), _) => Some(search(*inverse, lines())),
        (_, Truth::Number(truth)) => {
            Some(calculation(question, truth, lines().filter(|line| !line.ends_with(REJECTED))))
        }
        _ => None,
    }
}

fn calculation<'a>(question: &Question, truth: Ratio, lines: impl Iterator<Item = &'a str>) -> Soundness {
    let lines: Vec<_> = lines.map(Line::parse).collect();
    let steps = question.steps();
    let mut expected_start = steps.first().map(|step| step.from);
    let mut complete = lines.len() == steps.len();
    for (line, step) in lines.iter().zip(steps) {
        complete &= line
            .as_ref()
            .is_some_and(|line| Some(line.start) == expected_start && line.operations == [step.operation]);
        expected_start = line.as_ref().map(|line| line.value);
    }
    let truthful = lines.iter().all(|line| line.as_ref().is_some_and(Line::is_true));
    let end = lines.last().and_then(|line| line.as_ref()).map(|line| line.value);
    Soundness { complete, truthful, right_end: end == Some(truth) }
}

/// A line `start operation ... = value`.
struct Line {
    start: Ratio,
    operations: Vec<Operation>,
    value: Ratio,
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let (left, value) = line.split_once('=')?;
        // A sign in front belongs to the number, every other one is an operation.
        let body = left.get(1..)?.find(|character| op(character).is_some()).map_or(left.len(), |at| at + 1);
        let (start, mut rest) = left.split_at_checked(body)?;
        let mut operations = Vec::new();
        while let Some(op) = rest.chars().next().and_then(op) {
            rest = &rest[1..];
            let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
            let operand = Numeral::parse(&rest[..end])?.ratio()?.integer()?;
            operations.push(Operation { op, operand });
            rest = &rest[end..];
        }
        let number = |text| Numeral::parse(text)?.ratio();
        rest.is_empty().then_some(Self { start: number(start)?, operations, value: number(value)? })
    }

    /// Whether the left side, evaluated from left to right, has this value.
    fn is_true(&self) -> bool {
        let left = self.operations.iter().try_fold(self.start, |value, operation| operation.apply(value));
        !self.operations.is_empty() && left == Some(self.value)
    }
}

fn op(character: char) -> Option<Op> {
    Op::ALL.into_iter().find(|op| op.symbol() == character)
}

fn trials<'a>(code: &CodeProblem, lines: impl Iterator<Item = &'a str>) -> Soundness {
    let trials: Vec<_> = lines.map(Trial::parse).collect();
    let right = code.program.shape;
    let last = trials.len() - 1;
    let all = |holds: &dyn Fn(usize, &Trial) -> bool| {
        trials.iter().enumerate().all(|(at, trial)| trial.as_ref().is_some_and(|trial| holds(at, trial)))
    };
    Soundness {
        complete: all(&|at, trial| trial.points.is_some() && trial.accepted == (at == last)),
        truthful: all(&|_, trial| trial.is_true(code)),
        right_end: trials[last].as_ref().is_some_and(|trial| trial.accepted && trial.shape == right),
    }
}

fn search<'a>(inverse: Inverse, lines: impl Iterator<Item = &'a str>) -> Soundness {
    let tries: Vec<_> = lines.map(|line| Tried::parse(inverse, line)).collect();
    let last = tries.len() - 1;
    let all = |holds: &dyn Fn(usize, &Tried) -> bool| {
        tries.iter().enumerate().all(|(at, tried)| tried.as_ref().is_some_and(|tried| holds(at, tried)))
    };
    Soundness {
        complete: all(&|at, tried| tried.has_numbers && tried.accepted == (at == last)),
        truthful: all(&|_, tried| tried.true_numbers && tried.accepted == tried.right),
        right_end: tries[last].as_ref().is_some_and(|tried| tried.accepted && tried.right),
    }
}

/// A line `13:156+45=201`, or `13` alone; rejected if it ends in `!`.
struct Tried {
    accepted: bool,
    has_numbers: bool,
    /// The numbers are those of the candidate, or there are none.
    true_numbers: bool,
    /// The candidate solves the question.
    right: bool,
}

impl Tried {
    fn parse(inverse: Inverse, line: &str) -> Option<Self> {
        let (body, accepted) = match line.strip_suffix(REJECTED) {
            Some(body) => (body, false),
            None => (line, true),
        };
        let (candidate, numbers) = match body.split_once(':') {
            Some((candidate, numbers)) => (candidate, Some(numbers)),
            None => (body, None),
        };
        let first = first_number(candidate)?;
        let truth = inverse.trial(first);
        let well_formed = candidate == truth.candidate;
        well_formed.then(|| Self {
            accepted,
            has_numbers: numbers.is_some(),
            true_numbers: numbers.is_none() || body == truth.to_string(),
            right: [Some(inverse.answer()), inverse.other()].contains(&Some(first)),
        })
    }
}

/// A line `shape:value+rest,value+rest=` (or `!`), the numbers optional.
struct Trial {
    shape: Shape,
    points: Option<[(i64, i64); 2]>,
    accepted: bool,
}

impl Trial {
    fn parse(line: &str) -> Option<Self> {
        let (body, accepted) = match line.strip_suffix('=') {
            Some(body) => (body, true),
            None => (line.strip_suffix(REJECTED)?, false),
        };
        let (shape, points) = match body.split_once(':') {
            Some((shape, points)) => {
                let (first, second) = points.split_once(',')?;
                (shape, Some([point(first)?, point(second)?]))
            }
            None => (body, None),
        };
        let shape = Shape::ALL.into_iter().find(|candidate| candidate.text() == shape)?;
        Some(Self { shape, points, accepted })
    }

    /// Whether shape, numbers and mark agree with the question.
    fn is_true(&self, code: &CodeProblem) -> bool {
        let [first, second, _] = code.points();
        let truth = [first, second].map(|(input, output)| {
            let value = self.shape.at(input);
            (value, output - value)
        });
        self.points.is_none_or(|points| points == truth)
            && self.accepted == (self.shape == code.program.shape)
    }
}

/// Reads `72+20` or `9-1`: a value and what is missing, always signed.
fn point(text: &str) -> Option<(i64, i64)> {
    let (value, rest) = text.split_at_checked(text.find(['+', '-'])?)?;
    let number = |text: &str| Numeral::parse(text)?.ratio()?.integer();
    Some((number(value)?, number(rest.strip_prefix('+').unwrap_or(rest))?))
}
