//! Test sets, training sets and the teacher's rows.

use super::space::distinct_questions;
use super::{Domain, Exclusions, Family, Question, Style, StyleMix, TaskError, teacher};
use crate::Draws;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The seed of the fixed test set.
pub const TEST_SEED: u64 = 77;

/// The seed of the training questions of a run.
pub fn training_seed(run_seed: u64) -> u64 {
    1000 + run_seed
}

/// Draws before a search for something new is given up. Even the smallest family has thousands of questions.
pub(crate) const MAX_ATTEMPTS: u32 = 1_000_000;

/// The test set: `per_benchmark` different questions of each family, family by family.
///
/// A larger set with the same seed begins, in each family, with the questions of the smaller one.
pub fn test_set(seed: u64, per_benchmark: usize) -> Result<Vec<Question>, TaskError> {
    Family::ALL.into_iter().try_for_each(|family| check_enough(family, per_benchmark))?;
    let families = Family::ALL.into_iter().map(|family| test_questions(family, seed, per_benchmark));
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

fn check_enough(family: Family, count: usize) -> Result<(), TaskError> {
    let (asked, exist) = (count as u64, distinct_questions(family));
    if asked > exist { Err(TaskError::TooFewExist { family, asked, exist }) } else { Ok(()) }
}

/// How often each family occurs in training, as relative weights. Multiple choice has to stay out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrainingMix(pub BTreeMap<Family, f64>);

impl Default for TrainingMix {
    /// 60 % math, with chain5 twice as often as the other four, and 40 % code in equal parts.
    fn default() -> Self {
        use Family::{Chain2, Chain3, Chain5, CodeE, CodeH, CodeM, Linear, Mod};
        let math = [(Chain2, 3.0), (Chain3, 3.0), (Chain5, 6.0), (Linear, 3.0), (Mod, 3.0)];
        let code = [(CodeE, 4.0), (CodeM, 4.0), (CodeH, 4.0)];
        Self(math.into_iter().chain(code).collect())
    }
}

impl TrainingMix {
    /// Checks that the weights are finite, none negative, some positive, and that no family lacks a teacher.
    pub fn validate(&self) -> Result<(), TaskError> {
        if let Some(&family) = self.0.keys().find(|family| family.domain() == Domain::Choice) {
            return Err(TaskError::NoTeacher { family });
        }
        let weights: Vec<_> = self.0.iter().map(|(family, &weight)| (family.id(), weight)).collect();
        check_weights("training mix", &weights)
    }

    /// Draws a family. The mix has to be valid.
    pub(crate) fn draw(&self, draws: &mut Draws) -> Option<Family> {
        let weights: Vec<_> = self.0.values().copied().collect();
        self.0.keys().copied().nth(draws.weighted(&weights))
    }
}

/// Checks relative weights: finite, none negative, some positive.
pub(crate) fn check_weights(what: &str, weights: &[(&str, f64)]) -> Result<(), TaskError> {
    if let Some((name, value)) = weights.iter().find(|(_, weight)| !(weight.is_finite() && *weight >= 0.0)) {
        let name = format!("{what}: {name}");
        return Err(TaskError::Weight { name, value: *value, rule: "a weight is finite and not negative" });
    }
    let value: f64 = weights.iter().map(|(_, weight)| weight).sum();
    if !(value.is_finite() && value > 0.0) {
        let rule = "some weight has to be positive, and the sum finite";
        return Err(TaskError::Weight { name: format!("{what}: sum of the weights"), value, rule });
    }
    Ok(())
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
