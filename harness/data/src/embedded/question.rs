//! Questions: drawn by family, with one reference answer each.

use super::answers::restated;
use super::inverse::{Inverse, ROOT_TERMS, ROOTS, SUMMANDS, TWO_DIGITS};
pub use super::problem::Truth;
use super::problem::{
    Chain, CodeProblem, FACTORS, INPUTS, LINEAR_RIGHT, MOD_FIRST, MOD_TERMS, MODULI, NEAR_MISSES, OFFSETS,
    Operation, Problem, STARTS, Solution, Step, TERMS, VALUES, chain_rule, operands, shapes,
};
use super::{Answers, Family, Program, Shape, TaskError};
use crate::Draws;
use serde::{Deserialize, Serialize};

/// The inputs on which a program is judged. The question shows three of 0 to 8.
pub const HIDDEN_INPUTS: std::ops::RangeInclusive<i64> = -3..=12;

/// A question with a checkable truth. Stored as JSON; reading one back checks that it is a question of its
/// family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Question {
    id: String,
    family: Family,
    text: String,
    reference: String,
    problem: Problem,
    solution: Solution,
}

impl Question {
    /// Draws a question of a family.
    pub fn draw(family: Family, draws: &mut Draws) -> Self {
        // The proposals are uniform over boxes; rejection keeps those that follow the family's rules.
        loop {
            let problem = propose(family, draws);
            if let Some(solution) = problem.solve(family) {
                let reference = draw_reference(&problem, &solution, draws);
                let text = problem.text();
                return Self { id: id(family, &text), family, text, reference, problem, solution };
            }
        }
    }

    /// A stable name: the family and the first 12 hex digits of the BLAKE3 hash of the text.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The family.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The question x, which ends in `?`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is asked for.
    pub fn truth(&self) -> Truth {
        self.solution.truth
    }

    /// The reference answer y*: one of several right ones.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// All right answers that the question has by its rule: the reference answer, and where two numbers are right the
    /// other one.
    pub fn references(&self) -> Vec<String> {
        let other = match &self.problem {
            Problem::Inverse(inverse) => inverse.other(),
            _ => None,
        };
        let other = other.map(|number| number.to_string());
        [self.reference.clone()].into_iter().chain(other).collect()
    }

    /// The same question with its reference answer, as drawn, written in this form.
    #[must_use]
    pub fn answered(self, answers: Answers) -> Self {
        let reference = match answers {
            Answers::Short => self.reference,
            Answers::Restated => restated(&self.problem, &self.solution.steps, &self.reference),
        };
        Self { reference, ..self }
    }

    /// For code: inputs and expected outputs, which stay with the judge. Empty for other questions.
    pub fn tests(&self) -> Vec<(i64, i64)> {
        match self.solution.truth {
            Truth::Program(program) => HIDDEN_INPUTS.map(|input| (input, program.at(input))).collect(),
            Truth::Number(_) | Truth::Either(_) | Truth::Choice { .. } => Vec::new(),
        }
    }

    pub(crate) fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The calculation, empty for code and the inverse families.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.solution.steps
    }
}

fn id(family: Family, text: &str) -> String {
    format!("{family}-{}", &blake3::hash(text.as_bytes()).to_hex()[..12])
}

/// The stored form of a question.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    id: String,
    family: Family,
    text: String,
    reference: String,
    problem: Problem,
}

impl From<Question> for Stored {
    fn from(Question { id, family, text, reference, problem, solution: _ }: Question) -> Self {
        Self { id, family, text, reference, problem }
    }
}

impl TryFrom<Stored> for Question {
    type Error = TaskError;

    fn try_from(stored: Stored) -> Result<Self, TaskError> {
        let Stored { id: stored_id, family, text, reference, problem } = stored;
        let refuse = |reason| TaskError::NotAQuestion { id: stored_id.clone(), reason };
        let solution =
            problem.solve(family).ok_or_else(|| refuse("the problem breaks its family's rules"))?;
        if problem.text() != text {
            return Err(refuse("the text is not the problem's"));
        }
        if id(family, &text) != stored_id {
            return Err(refuse("the id is not the text's"));
        }
        Ok(Self { id: stored_id, family, text, reference, problem, solution })
    }
}

/// A candidate problem, which may break the family's rules.
fn propose(family: Family, draws: &mut Draws) -> Problem {
    match family {
        Family::Chain2 | Family::Chain3 | Family::Chain5 | Family::Chain7 => {
            Problem::Chain(propose_chain(family, draws))
        }
        Family::Linear => Problem::Linear {
            a: draws.within(FACTORS),
            b: draws.within(TERMS),
            c: draws.within(LINEAR_RIGHT),
        },
        Family::Mod => Problem::Mod {
            a: draws.within(MOD_FIRST),
            b: draws.within(FACTORS),
            c: draws.within(MOD_TERMS),
            m: draws.within(MODULI),
        },
        Family::CodeE | Family::CodeM | Family::CodeH => {
            let program = draw_program(shapes(family), draws);
            Problem::Code(CodeProblem { program, inputs: [0; 3].map(|_: i64| draws.within(INPUTS)) })
        }
        Family::Mc1 | Family::Mc2 => propose_choice(family, draws),
        Family::Root => {
            Problem::Inverse(Inverse::Root { x: draws.within(ROOTS), c: draws.within(ROOT_TERMS) })
        }
        Family::Factors => {
            Problem::Inverse(Inverse::Factors { a: draws.within(TWO_DIGITS), b: draws.within(TWO_DIGITS) })
        }
        Family::Sums => {
            Problem::Inverse(Inverse::Sums { a: draws.within(SUMMANDS), b: draws.within(SUMMANDS) })
        }
    }
}

/// A program of one of these shapes.
pub(crate) fn draw_program(shapes: &[Shape], draws: &mut Draws) -> Program {
    let shape = *draws.pick(shapes);
    let offset = loop {
        let offset = draws.within(OFFSETS);
        if offset != 0 {
            break offset;
        }
    };
    Program { shape, offset }
}

fn propose_chain(family: Family, draws: &mut Draws) -> Chain {
    let (length, operators) = chain_rule(family);
    let start = draws.within(STARTS);
    let operations = (0..length)
        .map(|_| {
            let op = *draws.pick(operators);
            Operation { op, operand: draws.within(operands(op)) }
        })
        .collect();
    Chain { start, operations }
}

fn propose_choice(family: Family, draws: &mut Draws) -> Problem {
    let chain = propose_chain(family, draws);
    // A chain without a value in range proposes distractors around 0 and is rejected as a whole.
    let value = chain.steps().and_then(|steps| steps.last()?.to.integer()).unwrap_or(0);
    let near: Vec<_> =
        NEAR_MISSES.iter().map(|miss| value + miss).filter(|option| VALUES.contains(option)).collect();
    let mut options = draws.sample(&near, 3);
    options.push(value);
    let options = draws.sample(&options, 4);
    Problem::Choice { chain, options: options.try_into().unwrap_or([value; 4]) }
}

/// A right answer, in one of the forms that the family allows.
fn draw_reference(problem: &Problem, solution: &Solution, draws: &mut Draws) -> String {
    match (problem, solution.truth) {
        (Problem::Linear { a, b, c }, Truth::Number(value)) => {
            let reduced = value.to_string();
            let unreduced = format!("{}/{a}", c - b);
            let mut forms = vec![reduced.clone()];
            forms.extend((unreduced != reduced).then_some(unreduced));
            forms.extend(value.decimal(3));
            let prefix = if draws.chance(0.4) { "x=" } else { "" };
            format!("{prefix}{}", draws.pick(&forms))
        }
        (Problem::Inverse(inverse), _) => draws.pick(&inverse.short_forms()).clone(),
        // Only inverse questions have two right numbers.
        (_, Truth::Either([number, _])) => number.to_string(),
        (_, Truth::Number(value)) => match draws.weighted(&[0.5, 0.3, 0.2]) {
            0 => value.to_string(),
            1 => format!("{}={value}", problem.text().trim_end_matches('?')),
            _ => format!("x={value}"),
        },
        (_, Truth::Program(program)) => draw_expression(program, draws),
        (_, Truth::Choice { letter, value }) => {
            if draws.chance(0.5) {
                letter.to_string()
            } else {
                value.to_string()
            }
        }
    }
}

/// A program as an expression, uniformly in one of the forms that apply to it.
pub(crate) fn draw_expression(program: Program, draws: &mut Draws) -> String {
    draws.pick(&expressions(program)).clone()
}

/// All forms in which the teacher writes a program.
fn expressions(Program { shape, offset }: Program) -> Vec<String> {
    let text = shape.text();
    let mut forms = vec![format!("{text}{offset:+}")];
    if offset > 0 {
        forms.push(format!("{offset}+{text}"));
    }
    match shape {
        Shape::Identity | Shape::Square => {}
        Shape::SquarePlus => forms.push(format!("x*(x+1){offset:+}")),
        Shape::SquareMinus => forms.push(format!("x*(x-1){offset:+}")),
        Shape::Double => forms.extend([format!("2*x{offset:+}"), format!("x+x{offset:+}")]),
        Shape::Triple | Shape::Quadruple | Shape::Quintuple => {
            forms.extend(shape.factor().map(|factor| format!("{factor}*x{offset:+}")));
        }
    }
    forms
}
