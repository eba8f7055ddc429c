//! Test questions and the teacher's rows.

use assay_flow::{StepContext, StepError};
use serde::Deserialize;

use super::kind::{Kind, one, within};
use crate::fingerprint::TASKS;
use crate::records;
use crate::tasks::{
    Exclusions, Question, StyleMix, TaskError, TrainingMix, teacher_rows, test_set, training_questions,
    training_seed,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuestionsParams {
    seed: u64,
    per_benchmark: usize,
}

/// `questions`: the test questions of every benchmark, as JSON lines.
pub(crate) fn questions() -> Kind<QuestionsParams> {
    Kind::new("questions", "data", &[TASKS], |params: &QuestionsParams, context| {
        let questions = test_set(params.seed, params.per_benchmark).map_err(impossible)?;
        records::write(context.output(), &questions)
    })
    // An interval needs two questions.
    .check(|params, _| within(&[("per_benchmark", params.per_benchmark as f64, 2.0..=f64::INFINITY)]))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TeacherParams {
    seed: u64,
    questions: usize,
}

/// `teacher`: training questions with the teacher's thoughts, none of them a test question.
pub(crate) fn teacher() -> Kind<TeacherParams> {
    Kind::new("teacher", "data", &[TASKS], |params: &TeacherParams, context| {
        let (seed, excluded) = (training_seed(params.seed), excluded(context)?);
        let questions = training_questions(seed, params.questions, &TrainingMix::default(), &excluded);
        let rows = questions
            .and_then(|questions| teacher_rows(seed, &questions, &StyleMix::default(), &excluded))
            .map_err(impossible)?;
        records::write(context.output(), &rows)
    })
    .inputs(const { &[one("excluded")] })
    .check(|params, _| within(&[("questions", params.questions as f64, 1.0..=f64::INFINITY)]))
}

/// The test questions, which no training data may hold.
pub(crate) fn excluded(context: &StepContext<'_>) -> Result<Exclusions, StepError> {
    let questions: Vec<Question> = records::read(&context.input("excluded")?.path)?;
    Ok(Exclusions::new(&questions))
}

/// The world cannot be what the parameters ask for.
pub(crate) fn impossible(error: TaskError) -> StepError {
    StepError::user(error.to_string())
}
