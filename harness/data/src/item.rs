//! Items and demonstrations.

use std::collections::BTreeSet;

use assay_sandbox::grade::decide;
use assay_sandbox::{Finding, Job, Verdict};
use serde::{Deserialize, Serialize};

use crate::{AnswerForm, Check, ChoiceCheck, GradeCheck, Pending, ProgramForm, pending, verdict_of_any};

/// A question with its check.
///
/// A line of a file of items is one of these as JSON, such as
///
/// ```json
/// {"id": "aime24-1", "benchmark": "aime24", "question": "...", "references": ["204"],
///  "check": {"kind": "grade", "grader": "math-verify", "form": "response"}}
/// {"id": "gpqa-1", "benchmark": "gpqa", "question": "... A) .. B) ..", "references": ["B"],
///  "check": {"kind": "choice", "labels": ["A", "B", "C", "D"], "forced": true}}
/// {"id": "lcb-1", "benchmark": "lcb-e", "question": "...", "references": ["print(input())"],
///  "check": {"kind": "tests", "program": "fenced", "tests": {"scripts": [{"input": "1", "output": "1", "public": false}]}}}
/// ```
///
/// (each on one line).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Item {
    /// Its name, one of a kind among the items that it comes with.
    pub id: String,
    /// The benchmark that it belongs to.
    pub benchmark: String,
    /// The question x.
    pub question: String,
    /// Right answers, at least one. The first is the reference answer y*.
    pub references: Vec<String>,
    /// How an answer is checked.
    pub check: Check,
}

/// What a teacher shows for an item: x, z, y.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Demonstration {
    /// The question x, with its reference answer.
    pub item: Item,
    /// The thought z.
    pub thought: String,
    /// The answer y.
    pub answer: String,
    /// Where the row is from, such as `numina/17`; for people.
    pub source: String,
}

/// What is wrong with an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A text that it needs is empty.
    #[error("its `{0}` is empty")]
    Empty(&'static str),
    /// It has no reference.
    #[error("it has no reference; expected at least one")]
    NoReference,
    /// Its own check refuses a reference.
    #[error("its own check refuses the reference {reference:?}: {verdict}", verdict = .verdict.name())]
    Reference {
        /// The reference.
        reference: String,
        /// What the check says.
        verdict: Verdict,
    },
    /// Its options are not what options have to be.
    #[error("its options cannot be chosen from: {0}")]
    Options(&'static str),
    /// It has no tests, so nothing could pass.
    #[error("it has no tests")]
    NoTests,
    /// The function that an expression becomes is none.
    #[error("its expressions cannot become a function: {name:?} is no name in Python")]
    Name {
        /// The function's or the parameter's name.
        name: String,
    },
}

impl Item {
    /// The reference answer y*: the first of the references.
    pub fn reference(&self) -> &str {
        self.references.first().map_or("", String::as_str)
    }

    /// Checks what its type does not say, and that its own check accepts its references, as far as that is
    /// known without running anything.
    ///
    /// # Errors
    /// The first fault.
    pub fn validate(&self) -> Result<(), Fault> {
        for (name, text) in [("id", &self.id), ("benchmark", &self.benchmark), ("question", &self.question)] {
            if text.trim().is_empty() {
                return Err(Fault::Empty(name));
            }
        }
        if self.references.is_empty() {
            return Err(Fault::NoReference);
        }
        match &self.check {
            Check::Choice(check) => check.validate()?,
            Check::Tests(check) if check.tests.is_empty() => return Err(Fault::NoTests),
            Check::Tests(check) => check.program.validate()?,
            Check::Exact {} | Check::Grade(_) => {}
        }
        for reference in &self.references {
            match self.known_verdict(reference) {
                None | Some(Verdict::Pass) => {}
                Some(verdict) => return Err(Fault::Reference { reference: reference.clone(), verdict }),
            }
        }
        Ok(())
    }

    /// The verdict on a reference; `None` if the sandbox would have to say.
    fn known_verdict(&self, answer: &str) -> Option<Verdict> {
        if let Check::Grade(GradeCheck { form: AnswerForm::Response, .. }) = &self.check {
            // A reference is an answer, and no response that the grader would find one in.
            return None;
        }
        match pending(self, Some(answer)) {
            Pending::Decided(verdict) => Some(verdict),
            Pending::Jobs(jobs) => {
                let graded = jobs.iter().map(|job| match job {
                    Job::Grade { grader, question } => decide(*grader, question).map(Finding::Graded),
                    Job::Judge(_) => None,
                });
                Some(verdict_of_any(&graded.collect::<Option<Vec<Finding>>>()?))
            }
        }
    }
}

impl ChoiceCheck {
    fn validate(&self) -> Result<(), Fault> {
        let texts = || self.labels.iter().chain(&self.values);
        let rules = [
            (self.labels.len() >= 2, "there are fewer than two"),
            (self.values.is_empty() || self.values.len() == self.labels.len(), "not every label has a value"),
            (
                texts().all(|text| !text.is_empty() && text.trim() == text),
                "one is empty, or has space around it",
            ),
            (texts().collect::<BTreeSet<_>>().len() == texts().count(), "two labels or values are the same"),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, broken)) => Err(Fault::Options(broken)),
            None => Ok(()),
        }
    }
}

impl ProgramForm {
    fn validate(&self) -> Result<(), Fault> {
        let Self::Expression { function, parameter, .. } = self else { return Ok(()) };
        let is_name = |text: &str| {
            !text.starts_with(|first: char| first.is_ascii_digit())
                && !text.is_empty()
                && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
        };
        match [function, parameter].into_iter().find(|name| !is_name(name)) {
            Some(name) => Err(Fault::Name { name: name.clone() }),
            None => Ok(()),
        }
    }
}
