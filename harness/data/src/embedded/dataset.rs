//! Test sets, training sets and the teacher's rows.

use super::space::{distinct_questions, has_questions};
use super::{Exclusions, Family, Question, Style, StyleMix, TaskError, TrainingMix, teacher};
use crate::Draws;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The seed of the fixed test set.
pub const TEST_SEED: u64 = 77;

/// The seed of the training questions of a run.
pub fn training_seed(run_seed: u64) -> u64 {
    1000 + run_seed
}

/// Draws before a search for something new is given up. Even the smallest family has thousands of questions.
pub(crate) const MAX_ATTEMPTS: u32 = 1_000_000;

/// The test set: `per_benchmark` different questions of each of the [standard families](Family::STANDARD), family by family.
///
/// A larger set with the same seed begins, in each family, with the questions of the smaller one.
///
/// # Errors
/// A family does not have as many.
pub fn test_set(seed: u64, per_benchmark: usize) -> Result<Vec<Question>, TaskError> {
    test_set_of(&Family::STANDARD, seed, per_benchmark)
}

/// The same for these families: a family's questions do not depend on the others.
///
/// # Errors
/// A family does not have as many.
pub fn test_set_of(families: &[Family], seed: u64, per_benchmark: usize) -> Result<Vec<Question>, TaskError> {
    families.iter().try_for_each(|&family| check_enough(family, per_benchmark))?;
    let families = families.iter().map(|&family| test_questions(family, seed, per_benchmark));
    Ok(families.collect::<Result<Vec<_>, _>>()?.concat())
}

/// The test questions of one family.
pub fn test_questions(family: Family, seed: u64, count: usize) -> Result<Vec<Question>, TaskError> {
    check_enough(family, count)?;
    let mut seen = BTreeSet::new();
    let purpose = format!("test question {family}");
    (0..count as u64)
        .map(|index| {
            let mut draws = Draws::numbered(&purpose, seed, index);
            new_question(family, &mut draws, &mut seen, &Exclusions::default())
        })
        .collect()
}

/// Checks that a family has as many questions.
pub(crate) fn check_enough(family: Family, count: usize) -> Result<(), TaskError> {
    let asked = count as u64;
    match has_questions(family, asked) {
        true => Ok(()),
        false => Err(TaskError::TooFewExist { family, asked, exist: distinct_questions(family) }),
    }
}

/// Different training questions, none of them excluded. More questions with the same seed begin with the same
/// questions.
pub fn training_questions(
    seed: u64,
    count: usize,
    mix: &TrainingMix,
    excluded: &Exclusions,
) -> Result<Vec<Question>, TaskError> {
    mix.validate()?;
    let mut seen = BTreeSet::new();
    (0..count as u64)
        .map(|index| {
            let mut draws = Draws::numbered("training question", seed, index);
            let family = mix.draw(&mut draws).unwrap_or(Family::Chain2);
            new_question(family, &mut draws, &mut seen, excluded)
        })
        .collect()
}

fn new_question(
    family: Family,
    draws: &mut Draws,
    seen: &mut BTreeSet<String>,
    excluded: &Exclusions,
) -> Result<Question, TaskError> {
    for _ in 0..MAX_ATTEMPTS {
        let question = Question::draw(family, draws);
        if !excluded.contains(question.text()) && seen.insert(question.text().to_owned()) {
            return Ok(question);
        }
    }
    Err(TaskError::Exhausted { what: format!("questions of {family}"), attempts: MAX_ATTEMPTS })
}

/// What the teacher shows for a question: a thought, and the reference answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeacherRow {
    /// The question x.
    pub question: Question,
    /// How the thought was written.
    pub style: Style,
    /// The thought z, not always complete or true.
    pub thought: String,
    /// The answer y, always right: the question's reference answer.
    pub answer: String,
}

/// The teacher's row for each question. It depends on the seed and the question alone, not on the question's
/// place in the list. Thoughts that happen to spell out an excluded question are drawn anew.
pub fn teacher_rows(
    seed: u64,
    questions: &[Question],
    styles: &StyleMix,
    excluded: &Exclusions,
) -> Result<Vec<TeacherRow>, TaskError> {
    styles.validate()?;
    questions.iter().map(|question| teacher_row(seed, question, styles, excluded)).collect()
}

fn teacher_row(
    seed: u64,
    question: &Question,
    styles: &StyleMix,
    excluded: &Exclusions,
) -> Result<TeacherRow, TaskError> {
    let mut draws = Draws::new("teacher trace", seed, question.id().as_bytes());
    for _ in 0..MAX_ATTEMPTS {
        let style = styles.draw(&mut draws);
        let thought = teacher::trace(question, style, &mut draws)?;
        if !excluded.contains(&thought) {
            let answer = question.reference().to_owned();
            return Ok(TeacherRow { question: question.clone(), style, thought, answer });
        }
    }
    Err(TaskError::Exhausted { what: format!("traces for {}", question.text()), attempts: MAX_ATTEMPTS })
}
