//! The world as items and demonstrations: from here on nothing of it is special.

use assay_sandbox::grade::{Grader, Options};
use assay_sandbox::rows::{Case, Tests};

use super::problem::{LETTERS, Problem};
use super::{Domain, Exclusions, Question, TaskError, TeacherRow, World};
use crate::{AnswerForm, Check, ChoiceCheck, Demonstration, GradeCheck, Item, ProgramForm, TestsCheck};

/// The most characters an expression may have.
const LONGEST_EXPRESSION: usize = 20;
/// The characters that an expression may be made of. Anything else is refused before it reaches Python.
const EXPRESSION_CHARACTERS: &str = "0123456789x+-*/%()";

/// The test items: `per_benchmark` of each standard family, family by family. See [`World::items`].
///
/// # Errors
/// A family does not have as many questions.
pub fn items(seed: u64, per_benchmark: usize) -> Result<Vec<Item>, TaskError> {
    World::standard(seed, per_benchmark).items()
}

/// The teacher's demonstrations for a run: training questions in the default mix, none of them excluded, with
/// thoughts in the default styles and short answers. See [`World::demonstrations`].
///
/// # Errors
/// Too little is left after the exclusions.
pub fn demonstrations(
    run_seed: u64,
    questions: usize,
    excluded: &Exclusions,
) -> Result<Vec<Demonstration>, TaskError> {
    World::standard(run_seed, questions).demonstrations(excluded)
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
            references: self.references(),
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
        let case = |(input, output): (i64, i64)| Case::new(input.to_string(), output.to_string(), false);
        self.tests().into_iter().map(case).collect()
    }
}
