//! From an answer to a verdict.

use assay_sandbox::grade::{Answer, Grade, Grader, How, Question};
use assay_sandbox::rows::{Extraction, extract};
use assay_sandbox::{Finding, Job, Judge, Task, Until, Verdict};

use crate::check::after_equals;
use crate::{AnswerForm, Check, ChoiceCheck, GradeCheck, Item, ProgramForm, TestsCheck};

/// What remains to be done for a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pending {
    /// Nothing.
    Decided(Verdict),
    /// These jobs, one for each reference that the answer may equal; see [`verdict_of_any`].
    Jobs(Vec<Job>),
}

/// What an answer to an item needs for its verdict. No answer is a wrong one, and one that cannot be read is
/// a compile error.
///
/// A program is judged up to the first test that it fails.
pub fn pending(item: &Item, answer: Option<&str>) -> Pending {
    let Some(answer) = answer else { return Pending::Decided(Verdict::WrongAnswer) };
    match &item.check {
        Check::Exact {} => {
            let answer = answer.trim();
            Pending::Decided(right_if(item.references.iter().any(|reference| reference == answer)))
        }
        Check::Grade(check) => graded(check, &item.references, answer),
        Check::Choice(check) => chosen(check, &item.references, answer),
        Check::Tests(check) => tested(check, answer),
    }
}

/// What a finding says of the answer.
pub fn verdict(finding: &Finding) -> Verdict {
    match finding {
        Finding::Judged(judgement) => judgement.verdict,
        Finding::Graded(Grade { result: Ok(decision), .. }) => match decision.how {
            _ if decision.equal => Verdict::Pass,
            How::NothingFound => Verdict::CompileError,
            _ => Verdict::WrongAnswer,
        },
        // Not known to be wrong.
        Finding::Graded(Grade { result: Err(_), .. }) => Verdict::JudgeFailure,
    }
}

/// What the findings of one answer's jobs say of it: a pass if one is, else a judge failure if one is, else
/// what the first says. No finding is a judge failure.
pub fn verdict_of_any(findings: &[Finding]) -> Verdict {
    let verdicts: Vec<Verdict> = findings.iter().map(verdict).collect();
    let decisive = [Verdict::Pass, Verdict::JudgeFailure].into_iter().find(|one| verdicts.contains(one));
    decisive.or(verdicts.first().copied()).unwrap_or(Verdict::JudgeFailure)
}

/// A verdict for each (item, answer), in order; `judge` gets all jobs at once and gives a finding for each.
///
/// # Errors
/// Those of `judge`.
pub fn verdicts<E>(
    answers: &[(&Item, Option<&str>)],
    judge: impl FnOnce(&[Job]) -> Result<Vec<Finding>, E>,
) -> Result<Vec<Verdict>, E> {
    let mut jobs = Vec::new();
    let waiting: Vec<Result<Verdict, usize>> = answers
        .iter()
        .map(|(item, answer)| match pending(item, *answer) {
            Pending::Decided(verdict) => Ok(verdict),
            Pending::Jobs(more) => {
                let count = more.len();
                jobs.extend(more);
                Err(count)
            }
        })
        .collect();
    let findings = judge(&jobs)?;
    let mut rest = findings.as_slice();
    let next = |waiting| match waiting {
        Ok(verdict) => verdict,
        Err(count) => {
            let (these, others) = rest.split_at(rest.len().min(count));
            rest = others;
            verdict_of_any(these)
        }
    };
    Ok(waiting.into_iter().map(next).collect())
}

fn right_if(condition: bool) -> Verdict {
    if condition { Verdict::Pass } else { Verdict::WrongAnswer }
}

fn graded(check: &GradeCheck, references: &[String], answer: &str) -> Pending {
    let jobs = references.iter().map(|gold| {
        let answer = match check.form {
            AnswerForm::Answer => Answer::Extracted(answer.to_owned()),
            AnswerForm::Response => Answer::Response(answer.to_owned()),
        };
        let question = Question { gold: gold.clone(), answer, options: check.options.clone() };
        Job::Grade { grader: check.grader, question }
    });
    Pending::Jobs(jobs.collect())
}

fn chosen(check: &ChoiceCheck, references: &[String], answer: &str) -> Pending {
    let answer = if check.values.is_empty() { answer.trim() } else { after_equals(answer).trim() };
    if let Some(named) = check.labels.iter().position(|label| label == answer) {
        return Pending::Decided(right_if(references.iter().any(|right| check.option(right) == Some(named))));
    }
    let right = references.iter().filter_map(|right| check.values.get(check.option(right)?));
    let jobs: Vec<Job> = right
        .map(|value| Job::Grade { grader: Grader::Rational, question: Question::pair(value, answer) })
        .collect();
    if jobs.is_empty() { Pending::Decided(Verdict::CompileError) } else { Pending::Jobs(jobs) }
}

impl ChoiceCheck {
    /// The option that a reference names, by label or by value.
    pub(crate) fn option(&self, reference: &str) -> Option<usize> {
        let among = |texts: &[String]| texts.iter().position(|text| text == reference);
        among(&self.labels).or_else(|| among(&self.values))
    }
}

fn tested(check: &TestsCheck, answer: &str) -> Pending {
    let program = match &check.program {
        ProgramForm::Fenced => extract(answer, Extraction::Assay),
        ProgramForm::Plain => Some(answer.to_owned()),
        ProgramForm::Expression { function, parameter, characters, longest } => {
            let expression = after_equals(answer);
            let allowed = !expression.is_empty()
                && expression.chars().count() <= *longest
                && expression.chars().all(|character| characters.contains(character));
            allowed.then(|| format!("def {function}({parameter}):\n    return {expression}\n"))
        }
    };
    match program {
        Some(program) => Pending::Jobs(vec![Job::Judge(task(program, check))]),
        None => Pending::Decided(Verdict::CompileError),
    }
}

fn task(program: String, check: &TestsCheck) -> Task {
    Task { judge: Judge::Assay, program, tests: check.tests.clone(), until: Until::FirstFailure }
}
