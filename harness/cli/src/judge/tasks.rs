//! From samples to what is judged.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use assay_sandbox::rows::{Problem, Problems, Sample, Tests};
use assay_sandbox::{Judge, Judgement, Task, TestResult, Verdict};
use assay_store::{Hash, Hasher};

use super::Work;
use crate::failure::Failure;

/// Makes tasks of samples. The tests of the last problem stay unpacked, since its samples mostly stand
/// together.
pub(super) struct Tasks<'a> {
    problems: &'a Problems,
    last: Option<Unpacked<'a>>,
}

/// A problem with its tests, as each judge that was asked for uses them.
struct Unpacked<'a> {
    problem: &'a Problem,
    tests: Result<Tests, String>,
    used: BTreeMap<Judge, Used>,
}

struct Used {
    tests: Tests,
    hash: OnceCell<Hash>,
}

impl<'a> Tasks<'a> {
    pub(super) fn new(problems: &'a Problems) -> Self {
        Self { problems, last: None }
    }

    /// What is to be judged, or the judgement on what cannot be.
    pub(super) fn task(&mut self, sample: &Sample, judge: Judge) -> Result<Task, Judgement> {
        let (program, used) = self.find(sample, judge)?;
        Ok(Task { judge, program, tests: used.tests.clone() })
    }

    /// The key of what is to be judged: all that the judgement depends on. Or the judgement on what cannot be
    /// judged.
    pub(super) fn key(
        &mut self,
        sample: &Sample,
        judge: Judge,
        work: &Work<'_>,
    ) -> Result<Result<Hash, Judgement>, Failure> {
        let (program, used) = match self.find(sample, judge) {
            Ok(found) => found,
            Err(judgement) => return Ok(Err(judgement)),
        };
        let mut hasher = Hasher::new("assay judgement 2");
        hasher
            .str("judge", judge.version())
            .hash("image", &work.image)
            .str("limits", &work.limits.describe())
            .str("program", &program)
            .hash("tests", &used.hash()?);
        Ok(Ok(hasher.finish()))
    }

    fn find(&mut self, sample: &Sample, judge: Judge) -> Result<(String, &Used), Judgement> {
        let problem = self.problems.get(&sample.problem);
        let problem =
            problem.ok_or_else(|| unjudged(&format!("there is no problem `{}`", sample.problem), 1))?;
        if self.last.as_ref().is_some_and(|last| last.problem.id != problem.id) {
            self.last = None;
        }
        let last = self.last.get_or_insert_with(|| Unpacked {
            problem,
            tests: problem.tests(),
            used: BTreeMap::new(),
        });
        let tests = last.tests.as_ref().map_err(|message| unjudged(message, 1))?;
        if tests.is_empty() {
            return Err(unjudged("the problem has no tests", 1));
        }
        // Before anything is said about the sample: a judge without such tests knows nothing about it.
        if judge != Judge::Assay && matches!(tests, Tests::Checks(_)) {
            let message = format!("the judge {} has no tests that are Python", judge.name());
            return Err(unjudged(&message, tests.len()));
        }
        let used = last
            .used
            .entry(judge)
            .or_insert_with(|| Used { tests: judge.tests_used(tests.clone()), hash: OnceCell::new() });
        match sample.source.program(problem, judge.extraction()) {
            Some(program) => Ok((program, used)),
            None => {
                let message = "the generation holds no program";
                Err(everywhere(Verdict::WrongAnswer, message, used.tests.len()))
            }
        }
    }
}

impl Used {
    fn hash(&self) -> Result<Hash, Failure> {
        if let Some(hash) = self.hash.get() {
            return Ok(*hash);
        }
        let text = serde_json::to_vec(&self.tests)
            .map_err(|error| Failure::Internal(format!("tests have no JSON form: {error}")))?;
        Ok(*self.hash.get_or_init(|| Hash::of(&text)))
    }
}

fn unjudged(message: &str, tests: usize) -> Judgement {
    everywhere(Verdict::JudgeFailure, message, tests)
}

/// The same verdict on every test, none of which was run.
fn everywhere(verdict: Verdict, detail: &str, tests: usize) -> Judgement {
    let result = TestResult { verdict, fuel: 0, peak_memory: 0, detail: detail.to_owned() };
    Judgement { verdict, tests: vec![result; tests] }
}
