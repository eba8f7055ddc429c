//! The structure behind a question: what its text is written from, its steps, and the rules that its family
//! sets.

use super::inverse::Inverse;
use super::{Family, Ratio};
use serde::{Deserialize, Serialize};
use std::{fmt, ops::RangeInclusive};

/// Every running value of a calculation stays in this range.
pub(crate) const VALUES: RangeInclusive<i64> = 0..=99;
/// What chains start from.
pub(crate) const STARTS: RangeInclusive<i64> = 1..=60;
/// What chains add and subtract.
pub(crate) const TERMS: RangeInclusive<i64> = 1..=49;
/// What chains multiply by; also the factor of linear equations and of remainders.
pub(crate) const FACTORS: RangeInclusive<i64> = 2..=9;
/// The first factor in remainders.
pub(crate) const MOD_FIRST: RangeInclusive<i64> = 2..=19;
/// What remainders add.
pub(crate) const MOD_TERMS: RangeInclusive<i64> = 1..=40;
/// What remainders divide by.
pub(crate) const MODULI: RangeInclusive<i64> = 3..=9;
/// The right-hand side of linear equations.
pub(crate) const LINEAR_RIGHT: RangeInclusive<i64> = 1..=99;
/// What is left of the right-hand side after subtraction.
pub(crate) const LINEAR_LEFT_OVER: RangeInclusive<i64> = 1..=60;
/// What programs add to their shape, without 0.
pub(crate) const OFFSETS: RangeInclusive<i64> = -9..=20;
/// Inputs shown in code questions; the first two are at least 1.
pub(crate) const INPUTS: RangeInclusive<i64> = 0..=8;
/// How far wrong values and wrong options lie from the right one.
pub(crate) const NEAR_MISSES: [i64; 10] = [-11, -10, -9, -2, -1, 1, 2, 9, 10, 11];

/// An arithmetic operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Op {
    #[serde(rename = "+")]
    Add,
    #[serde(rename = "-")]
    Subtract,
    #[serde(rename = "*")]
    Multiply,
    #[serde(rename = "/")]
    Divide,
    #[serde(rename = "%")]
    Remainder,
}

impl Op {
    pub(crate) const ALL: [Self; 5] =
        [Self::Add, Self::Subtract, Self::Multiply, Self::Divide, Self::Remainder];

    pub(crate) fn symbol(self) -> char {
        match self {
            Self::Add => '+',
            Self::Subtract => '-',
            Self::Multiply => '*',
            Self::Divide => '/',
            Self::Remainder => '%',
        }
    }
}

/// An operation with its right operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(crate) op: Op,
    pub(crate) operand: i64,
}

impl Operation {
    /// The result; `None` for division by zero, the remainder of a fraction or of a negative number, and
    /// overflow.
    pub(crate) fn apply(self, value: Ratio) -> Option<Ratio> {
        match self.op {
            Op::Add => value.plus(self.operand),
            Op::Subtract => value.plus(self.operand.checked_neg()?),
            Op::Multiply => value.times(self.operand),
            Op::Divide => value.over(self.operand),
            Op::Remainder => {
                let value = value.integer().filter(|&value| value >= 0)?;
                (self.operand > 0).then(|| Ratio::from(value % self.operand))
            }
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.op.symbol(), self.operand)
    }
}

/// One step of a calculation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) from: Ratio,
    pub(crate) operation: Operation,
    pub(crate) to: Ratio,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}={}", self.from, self.operation, self.to)
    }
}

/// A calculation, evaluated strictly from left to right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chain {
    pub(crate) start: i64,
    pub(crate) operations: Vec<Operation>,
}

impl Chain {
    /// The steps, if each has a value.
    pub(crate) fn steps(&self) -> Option<Vec<Step>> {
        let mut from = Ratio::from(self.start);
        self.operations
            .iter()
            .map(|&operation| {
                let step = Step { from, operation, to: operation.apply(from)? };
                from = step.to;
                Some(step)
            })
            .collect()
    }

    /// The steps, if the chain follows the rules of this family.
    fn checked(&self, family: Family) -> Option<Vec<Step>> {
        let (length, operators) = chain_rule(family);
        let well_formed = self.operations.len() == length
            && STARTS.contains(&self.start)
            && self.operations.iter().all(|operation| {
                operators.contains(&operation.op) && operands(operation.op).contains(&operation.operand)
            });
        let multiplies = || self.operations.iter().any(|operation| operation.op == Op::Multiply);
        let well_formed = well_formed && (family != Family::Chain7 || multiplies());
        let steps = well_formed.then(|| self.steps()).flatten()?;
        let in_range = |value: Ratio| value.integer().is_some_and(|value| VALUES.contains(&value));
        steps.iter().all(|step| in_range(step.to)).then_some(steps)
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.start)?;
        self.operations.iter().try_for_each(|operation| write!(f, "{operation}"))
    }
}

/// How many operations the chains of a family have, and which; none for families without chains.
pub(crate) fn chain_rule(family: Family) -> (usize, &'static [Op]) {
    const SUMS: &[Op] = &[Op::Add, Op::Subtract];
    match family {
        Family::Mc1 => (1, SUMS),
        Family::Chain2 | Family::Mc2 => (2, SUMS),
        Family::Chain3 => (3, SUMS),
        Family::Chain5 => (5, &[Op::Add, Op::Subtract, Op::Multiply]),
        Family::Chain7 => (7, &[Op::Add, Op::Subtract, Op::Multiply]),
        Family::Linear | Family::Mod | Family::CodeE | Family::CodeM | Family::CodeH => (0, &[]),
        Family::Root | Family::Factors | Family::Sums => (0, &[]),
    }
}

/// What the operations of a chain may have on their right.
pub(crate) fn operands(op: Op) -> RangeInclusive<i64> {
    match op {
        Op::Add | Op::Subtract => TERMS,
        Op::Multiply | Op::Divide | Op::Remainder => FACTORS,
    }
}

/// The part of a program that depends on x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Shape {
    /// `x`
    #[serde(rename = "x")]
    Identity,
    /// `x*2`
    #[serde(rename = "x*2")]
    Double,
    /// `x*3`
    #[serde(rename = "x*3")]
    Triple,
    /// `x*4`
    #[serde(rename = "x*4")]
    Quadruple,
    /// `x*5`
    #[serde(rename = "x*5")]
    Quintuple,
    /// `x*x`
    #[serde(rename = "x*x")]
    Square,
    /// `x*x+x`
    #[serde(rename = "x*x+x")]
    SquarePlus,
    /// `x*x-x`
    #[serde(rename = "x*x-x")]
    SquareMinus,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 8] = [
        Self::Identity,
        Self::Double,
        Self::Triple,
        Self::Quadruple,
        Self::Quintuple,
        Self::Square,
        Self::SquarePlus,
        Self::SquareMinus,
    ];

    /// The shape as traces write it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Identity => "x",
            Self::Double => "x*2",
            Self::Triple => "x*3",
            Self::Quadruple => "x*4",
            Self::Quintuple => "x*5",
            Self::Square => "x*x",
            Self::SquarePlus => "x*x+x",
            Self::SquareMinus => "x*x-x",
        }
    }

    /// The factor, when the shape is a multiple of x.
    pub(crate) fn factor(self) -> Option<i64> {
        match self {
            Self::Identity => Some(1),
            Self::Double => Some(2),
            Self::Triple => Some(3),
            Self::Quadruple => Some(4),
            Self::Quintuple => Some(5),
            Self::Square | Self::SquarePlus | Self::SquareMinus => None,
        }
    }

    /// The value at x, for |x| up to a billion.
    pub fn at(self, x: i64) -> i64 {
        match self {
            Self::Square => x * x,
            Self::SquarePlus => x * x + x,
            Self::SquareMinus => x * x - x,
            multiple => x * multiple.factor().unwrap_or(1),
        }
    }
}

/// The program a code question hides: shape plus offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The part that depends on x.
    pub shape: Shape,
    /// What is added to it: -9 to 20, not 0.
    pub offset: i64,
}

impl Program {
    /// The output for an input (of at most a billion in magnitude).
    pub fn at(self, x: i64) -> i64 {
        self.shape.at(x) + self.offset
    }
}

/// A program and the inputs at which the question shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeProblem {
    pub(crate) program: Program,
    pub(crate) inputs: [i64; 3],
}

impl CodeProblem {
    /// Inputs and outputs as the question shows them.
    pub(crate) fn points(&self) -> [(i64, i64); 3] {
        self.inputs.map(|input| (input, self.program.at(input)))
    }

    fn obeys(&self, shapes: &[Shape]) -> bool {
        let Program { shape, offset } = self.program;
        let [first, second, third] = self.inputs;
        let rise = |shape: Shape| shape.at(second) - shape.at(first);
        shapes.contains(&shape)
            && OFFSETS.contains(&offset)
            && offset != 0
            && self.inputs.iter().all(|input| INPUTS.contains(input))
            && (first != second && second != third && first != third)
            && (first >= 1 && second >= 1)
            && self.points().iter().all(|(_, output)| VALUES.contains(output))
            // An unknown offset cancels in the difference of the first two outputs, so that alone tells
            // shapes apart.
            && Shape::ALL.into_iter().all(|other| other == shape || rise(other) != rise(shape))
    }
}

/// Writes `1>3,2>5`.
pub(crate) fn points_text(points: &[(i64, i64)]) -> String {
    points.iter().map(|(input, output)| format!("{input}>{output}")).collect::<Vec<_>>().join(",")
}

/// The letters of the four options.
pub(crate) const LETTERS: [char; 4] = ['a', 'b', 'c', 'd'];

/// The structure of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Problem {
    Chain(Chain),
    Linear { a: i64, b: i64, c: i64 },
    Mod { a: i64, b: i64, c: i64, m: i64 },
    Code(CodeProblem),
    Choice { chain: Chain, options: [i64; 4] },
    Inverse(Inverse),
}

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// A number.
    Number(Ratio),
    /// One of the options `a` to `d`, by letter or by value.
    Choice {
        /// The letter of the right option.
        letter: char,
        /// Its value.
        value: i64,
    },
    /// Any program that agrees with this one on the hidden inputs.
    Program(Program),
    /// Either of two numbers.
    Either([i64; 2]),
}

/// A problem worked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Solution {
    /// The calculation, empty for code and the inverse families.
    pub(crate) steps: Vec<Step>,
    pub(crate) truth: Truth,
}

impl Problem {
    /// The question's text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Chain(chain) => format!("{chain}?"),
            Self::Linear { a, b, c } => format!("{a}*x+{b}={c}?"),
            Self::Mod { a, b, c, m } => format!("({a}*{b}+{c})%{m}?"),
            Self::Code(code) => format!("f:{}?", points_text(&code.points())),
            Self::Choice { chain, options } => {
                let options: Vec<_> =
                    LETTERS.iter().zip(options).map(|(letter, option)| format!("{letter}{option}")).collect();
                format!("{chain}?{}?", options.join(","))
            }
            Self::Inverse(inverse) => inverse.text(),
        }
    }

    /// The solution, if the problem follows every rule of this family. This is the one statement of those
    /// rules.
    pub(crate) fn solve(&self, family: Family) -> Option<Solution> {
        match (family, self) {
            (Family::Chain2 | Family::Chain3 | Family::Chain5 | Family::Chain7, Self::Chain(chain)) => {
                number(chain.checked(family)?)
            }
            (Family::Linear, &Self::Linear { a, b, c }) => {
                let ranges = FACTORS.contains(&a) && TERMS.contains(&b) && LINEAR_RIGHT.contains(&c);
                let subtract = Operation { op: Op::Subtract, operand: b };
                let divide = Operation { op: Op::Divide, operand: a };
                (ranges && LINEAR_LEFT_OVER.contains(&(c - b)))
                    .then(|| Chain { start: c, operations: vec![subtract, divide] })
                    .and_then(|chain| number(chain.steps()?))
            }
            (Family::Mod, &Self::Mod { a, b, c, m }) => {
                let ranges = MOD_FIRST.contains(&a)
                    && FACTORS.contains(&b)
                    && MOD_TERMS.contains(&c)
                    && MODULI.contains(&m);
                let operation = |op, operand| Operation { op, operand };
                let operations =
                    vec![operation(Op::Multiply, b), operation(Op::Add, c), operation(Op::Remainder, m)];
                (ranges && VALUES.contains(&(a * b + c)))
                    .then_some(Chain { start: a, operations })
                    .and_then(|chain| number(chain.steps()?))
            }
            (Family::CodeE | Family::CodeM | Family::CodeH, Self::Code(code)) => code
                .obeys(shapes(family))
                .then(|| Solution { steps: Vec::new(), truth: Truth::Program(code.program) }),
            (Family::Mc1 | Family::Mc2, Self::Choice { chain, options }) => {
                choice(chain.checked(family)?, options)
            }
            (Family::Root, Self::Inverse(inverse @ Inverse::Root { .. }))
            | (Family::Factors, Self::Inverse(inverse @ Inverse::Factors { .. }))
            | (Family::Sums, Self::Inverse(inverse @ Inverse::Sums { .. })) => {
                let truth = match inverse.other() {
                    Some(other) => Truth::Either([inverse.answer(), other]),
                    None => Truth::Number(Ratio::from(inverse.answer())),
                };
                inverse.is_lawful().then_some(Solution { steps: Vec::new(), truth })
            }
            _ => None,
        }
    }
}

/// The shapes of a code family, none for others.
pub(crate) fn shapes(family: Family) -> &'static [Shape] {
    match family {
        Family::CodeE => &[Shape::Identity, Shape::Double],
        Family::CodeM => &[Shape::Triple, Shape::Quadruple, Shape::Quintuple],
        Family::CodeH => &[Shape::Square, Shape::SquarePlus, Shape::SquareMinus],
        _ => &[],
    }
}

fn number(steps: Vec<Step>) -> Option<Solution> {
    let truth = Truth::Number(steps.last()?.to);
    Some(Solution { steps, truth })
}

fn choice(steps: Vec<Step>, options: &[i64; 4]) -> Option<Solution> {
    let value = steps.last()?.to.integer()?;
    let right = options.iter().position(|&option| option == value)?;
    let lawful = options.iter().enumerate().all(|(at, option)| {
        at == right
            || (VALUES.contains(option)
                && NEAR_MISSES.contains(&(option - value))
                && !options[..at].contains(option))
    });
    lawful.then(|| Solution { steps, truth: Truth::Choice { letter: LETTERS[right], value } })
}
