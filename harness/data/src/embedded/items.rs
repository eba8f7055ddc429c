//! The world as items and demonstrations: from here on nothing of it is special.

use assay_sandbox::grade::{Grader, Options};
use assay_sandbox::rows::{Case, Tests};

use super::problem::{LETTERS, Problem};
use super::{
    Domain, Exclusions, Question, StyleMix, TaskError, TeacherRow, TrainingMix, teacher_rows, test_set,
    training_questions, training_seed,
};
use crate::{AnswerForm, Check, ChoiceCheck, Demonstration, GradeCheck, Item, ProgramForm, TestsCheck};

/// The most characters an expression may have.
const LONGEST_EXPRESSION: usize = 20;
/// The characters that an expression may be made of. Anything else is refused before it reaches Python.
const EXPRESSION_CHARACTERS: &str = "0123456789x+-*/%()";

/// The test items: `per_benchmark` of each family, family by family. See [`test_set`].
///
/// # Errors
/// A family does not have as many questions.
pub fn items(seed: u64, per_benchmark: usize) -> Result<Vec<Item>, TaskError> {
    Ok(test_set(seed, per_benchmark)?.iter().map(Question::item).collect())
}

/// The teacher's demonstrations for a run: training questions in the default mix, none of them excluded, with
/// thoughts in the default styles. See [`training_seed`], [`training_questions`] and [`teacher_rows`].
///
/// # Errors
/// Too little is left after the exclusions.
pub fn demonstrations(
    run_seed: u64,
    questions: usize,
    excluded: &Exclusions,
) -> Result<Vec<Demonstration>, TaskError> {
    let seed = training_seed(run_seed);
    let questions = training_questions(seed, questions, &TrainingMix::default(), excluded)?;
    let rows = teacher_rows(seed, &questions, &StyleMix::default(), excluded)?;
    Ok(rows.into_iter().map(Demonstration::from).collect())
}

impl From<TeacherRow> for Demonstration {
    fn from(TeacherRow { question, style, thought, answer }: TeacherRow) -> Self {
        let source = format!("embedded/{}", style.name());
        Self { item: question.item(), thought, answer, source }
    }
}

impl Question {
    /// The question as an item of its family's benchmark.
    pub fn item(&self) -> Item {
        Item {
            id: self.id().to_owned(),
            benchmark: self.family().id().to_owned(),
            question: self.text().to_owned(),
            references: vec![self.reference().to_owned()],
            check: self.check(),
        }
    }

    fn check(&self) -> Check {
        match (self.family().domain(), self.problem()) {
            (_, Problem::Choice { options, .. }) => Check::Choice(ChoiceCheck {
                labels: LETTERS.map(String::from).into(),
                values: options.map(|option| option.to_string()).into(),
                forced: true,
            }),
            (Domain::Code, _) => Check::Tests(TestsCheck {
                program: ProgramForm::Expression {
                    function: "f".to_owned(),
                    parameter: "x".to_owned(),
                    characters: EXPRESSION_CHARACTERS.to_owned(),
                    longest: LONGEST_EXPRESSION,
                },
                tests: Tests::Calls { function: "f".to_owned(), cases: self.cases() },
            }),
            (Domain::Math | Domain::Choice, _) => Check::Grade(GradeCheck {
                grader: Grader::Rational,
                form: AnswerForm::Answer,
                options: Options::default(),
            }),
        }
    }

    fn cases(&self) -> Vec<Case> {
        let case = |(input, output): (i64, i64)| Case {
            input: input.to_string(),
            output: output.to_string(),
            public: false,
        };
        self.tests().into_iter().map(case).collect()
    }
}
