//! What an item's type does not say: whether it can be asked, and whether its own check accepts its references.

use std::collections::BTreeSet;

use assay_sandbox::grade::decide;
use assay_sandbox::{Finding, Job, Verdict};

use crate::{
    AnswerForm, Check, ChoiceCheck, GradeCheck, Item, Pending, ProgramForm, pending, verdict_of_any,
};

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
    /// Its options break a rule.
    #[error("its options are not usable: {0}")]
    Options(&'static str),
    /// It has no tests, so nothing could pass.
    #[error("it has no tests")]
    NoTests,
    /// The name of the function, or of its parameter, that an expression becomes is not a name in Python.
    #[error("its expressions cannot become a function: {name:?} is not a name in Python")]
    Name {
        /// The function's or the parameter's name.
        name: String,
    },
}

impl Item {
    /// Checks what its type does not say, and that its own check accepts its references, as far as that is
    /// known without running anything.
    ///
    /// # Errors
    /// The first fault.
    pub fn validate(&self) -> Result<(), Fault> {
        self.validate_to_ask()?;
        if self.references.is_empty() { Err(Fault::NoReference) } else { Ok(()) }
    }

    /// The same for an item that is only asked, which needs no reference where tests say what is right.
    pub(crate) fn validate_to_ask(&self) -> Result<(), Fault> {
        for (name, text) in [("id", &self.id), ("benchmark", &self.benchmark), ("question", &self.question)] {
            if text.trim().is_empty() {
                return Err(Fault::Empty(name));
            }
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
