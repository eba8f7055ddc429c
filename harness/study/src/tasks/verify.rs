//! Whether an answer is right.
//!
//! What counts is the text after the last `=`, so that `35`, `x=35` and `12+30-7=35` are the same answer.
//! Numbers are compared exactly; a choice may be named by letter or by value. Whether a program is right only
//! running it can tell: [`check`] turns the answer into Python, which the judge runs on hidden inputs
//! ([`Question::tests`]).

use super::problem::LETTERS;
use super::ratio::Numeral;
use super::{Question, Truth};
use serde::{Deserialize, Serialize};

/// The most characters a program may have.
pub const MAX_PROGRAM_CHARACTERS: usize = 20;
/// The characters that a program may be made of. Anything else is refused before it reaches Python.
pub const PROGRAM_CHARACTERS: &str = "0123456789x+-*/%()";

/// The verdict on an answer, or what has to be run to reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The answer is right.
    Right,
    /// The answer is a number or a choice, and not the right one.
    Wrong,
    /// The answer cannot be read; it counts as wrong.
    Malformed(Malformed),
    /// The answer is a program to be run.
    Run(PythonProgram),
}

/// Why an answer cannot be read. For code this is the verdict "compile error", given without running
/// anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Malformed {
    /// Nothing stands after the last `=`.
    #[error("nothing after the last =")]
    Empty,
    /// Neither an integer nor a decimal nor a fraction.
    #[error("not a number")]
    NotANumber,
    /// Neither a letter from a to d nor a number.
    #[error("neither an option's letter nor a number")]
    NotAChoice,
    /// A program longer than [`MAX_PROGRAM_CHARACTERS`].
    #[error("a program of {characters} characters, at most {MAX_PROGRAM_CHARACTERS} are allowed")]
    TooLong {
        /// How many characters it has.
        characters: usize,
    },
    /// A character outside [`PROGRAM_CHARACTERS`].
    #[error("character {character:?} may not stand in a program")]
    Character {
        /// The first such character.
        character: char,
    },
}

/// An answer as Python source: a function `f` of one integer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PythonProgram {
    /// The expression as answered: at most 20 characters of `0-9x+-*/%()`, not necessarily valid Python.
    pub expression: String,
}

impl PythonProgram {
    /// The source text. Python alone decides whether it compiles and what it computes.
    pub fn source(&self) -> String {
        format!("def f(x):\n    return {}\n", self.expression)
    }
}

/// Checks an answer y, the text between `<ans>` and `</ans>`.
pub fn check(question: &Question, answer: &str) -> Check {
    let answer = answer.rsplit('=').next().unwrap_or(answer);
    if answer.is_empty() {
        return Check::Malformed(Malformed::Empty);
    }
    match question.truth() {
        Truth::Number(value) => match Numeral::parse(answer) {
            Some(number) => right_if(number.equals(value)),
            None => Check::Malformed(Malformed::NotANumber),
        },
        Truth::Choice { letter, value } => {
            let mut characters = answer.chars();
            match (characters.next(), characters.next(), Numeral::parse(answer)) {
                (Some(named), None, _) if LETTERS.contains(&named) => right_if(named == letter),
                (_, _, Some(number)) => right_if(number.equals(value.into())),
                _ => Check::Malformed(Malformed::NotAChoice),
            }
        }
        Truth::Program(_) => program(answer),
    }
}

fn right_if(condition: bool) -> Check {
    if condition { Check::Right } else { Check::Wrong }
}

fn program(expression: &str) -> Check {
    let characters = expression.chars().count();
    if characters > MAX_PROGRAM_CHARACTERS {
        return Check::Malformed(Malformed::TooLong { characters });
    }
    match expression.chars().find(|&character| !PROGRAM_CHARACTERS.contains(character)) {
        Some(character) => Check::Malformed(Malformed::Character { character }),
        None => Check::Run(PythonProgram { expression: expression.to_owned() }),
    }
}
