//! What is judged, what comes of it, and the key under which the memo keeps it.

use assay_store::{Hash, Hasher};
use serde::{Deserialize, Serialize};

use super::imports::Imports;
use crate::grade::{self, Answer, Grade, Grader, Question, Undecided};
use crate::judges::Task;
use crate::limits::Limits;
use crate::rows::Tests;
use crate::setup::ImageLock;
use crate::verdict::{Judgement, Verdict};

/// Something to be judged; equal jobs are done once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Job {
    /// A program and its tests.
    Judge(Task),
    /// An answer and the right one.
    Grade {
        /// The rule.
        grader: Grader,
        /// The two answers.
        question: Question,
    },
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Finding {
    /// Of [`Job::Judge`].
    Judged(Judgement),
    /// Of [`Job::Grade`].
    Graded(Grade),
}

impl Finding {
    /// Whether the judge failed, at least in part. Such a finding says nothing about the program or the
    /// answer and is never kept: the next run tries again.
    pub fn is_judge_failure(&self) -> bool {
        match self {
            Finding::Judged(judgement) => {
                judgement.tests.is_empty()
                    || judgement.tests.iter().any(|test| test.verdict == Verdict::JudgeFailure)
            }
            Finding::Graded(grade) => matches!(grade.result, Err(Undecided::JudgeFailure(_))),
        }
    }
}

impl Job {
    /// What came of it, if that takes no sandbox.
    pub(crate) fn decided(&self) -> Option<Finding> {
        match self {
            Job::Judge(task) if task.tests.is_empty() => Some(Finding::Judged(Judgement::of(Vec::new()))),
            Job::Judge(_) => None,
            Job::Grade { grader, question } => grade::decide(*grader, question).map(Finding::Graded),
        }
    }
}

/// The images there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ImageKind {
    /// Runs programs.
    Python,
    /// Runs programs that import its packages.
    Packages,
    /// Compares answers; has sympy.
    Math,
}

/// An image and the limits of what runs in it: what a finding depends on besides the job.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    pub(crate) lock: ImageLock,
    pub(crate) limits: Limits,
}

/// The conditions of each image that there is.
#[derive(Debug, Clone)]
pub(crate) struct EachImage {
    python: Conditions,
    packages: Option<Conditions>,
    math: Conditions,
    imports: Imports,
}

impl EachImage {
    pub(crate) fn new(python: Conditions, packages: Option<Conditions>, math: Conditions) -> Self {
        let imports = Imports::of(packages.iter().flat_map(|packages| packages.lock.packages().keys()));
        EachImage { python, packages, math, imports }
    }

    pub(crate) fn get(&self, kind: ImageKind) -> &Conditions {
        match kind {
            ImageKind::Python => &self.python,
            ImageKind::Packages => self.packages.as_ref().unwrap_or(&self.python),
            ImageKind::Math => &self.math,
        }
    }

    pub(crate) fn packages(&self) -> Option<&Conditions> {
        self.packages.as_ref()
    }

    /// The image that a program runs in.
    pub(crate) fn of_program(&self, program: &str) -> ImageKind {
        if self.imports.are_in(program) { ImageKind::Packages } else { ImageKind::Python }
    }

    /// The image that a job needs.
    pub(crate) fn of_job(&self, job: &Job) -> ImageKind {
        match job {
            Job::Judge(task) => self.of_program(&task.program),
            Job::Grade { .. } => ImageKind::Math,
        }
    }
}

impl Conditions {
    fn hasher(&self, domain: &'static str) -> Hasher {
        let mut hasher = Hasher::new(domain);
        hasher.hash("image", &self.lock.identity()).str("limits", &self.limits.describe());
        hasher
    }

    /// The key of a program under tests that have this [hash](hash_of_tests).
    pub(crate) fn key_of_program(&self, task: &TaskParts<'_>) -> Hash {
        let mut hasher = self.hasher("assay judgement 3");
        hasher
            .str("judge", task.judge.version())
            .str("until", task.until.name())
            .str("program", task.program)
            .hash("tests", &task.tests);
        hasher.finish()
    }

    /// The key of an answer.
    pub(crate) fn key_of_answer(&self, grader: Grader, question: &Question) -> Hash {
        let mut hasher = self.hasher("assay grade 1");
        let (form, answer) = match &question.answer {
            Answer::Extracted(answer) => ("extracted", answer),
            Answer::Response(answer) => ("response", answer),
        };
        hasher
            .str("grader", &grader.to_string())
            .str("implementation", grader.implementation())
            .str("gold", &question.gold)
            .str("form", form)
            .str("answer", answer)
            .str("options", &serde_json::json!(question.options).to_string());
        hasher.finish()
    }
}

/// A task with its tests as a hash: problems have many samples, and tests may be long.
pub(crate) struct TaskParts<'a> {
    pub(crate) judge: crate::judges::Judge,
    pub(crate) until: crate::judges::Until,
    pub(crate) program: &'a str,
    pub(crate) tests: Hash,
}

/// Hash over all that a judge reads of tests. Their JSON, which may be long, goes into it piece by piece.
pub(crate) fn hash_of_tests(tests: &Tests) -> Hash {
    let mut json = HashedText(blake3::Hasher::new());
    // Tests are strings and lists of them, which always have a JSON form.
    _ = serde_json::to_writer(&mut json, tests);
    json.0.finalize().into()
}

/// A text of which only the hash is kept.
struct HashedText(blake3::Hasher);

impl std::io::Write for HashedText {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
