//! Samples of a benchmark under one or more judges.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assay_store::{Hash, Store};

use super::job::{Finding, ImageKind, Job, TaskParts, hash_of_tests};
use super::{Judging, JudgingError, Told, Wanted};
use crate::judges::{Judge, Task, Until};
use crate::rows::{Problem, Problems, Sample, Source, Tests};
use crate::verdict::{Judgement, TestResult, Verdict};

/// Samples of a benchmark's problems, and the judges that each is judged by.
#[derive(Clone, Copy)]
pub struct SampleSet<'a> {
    /// The problems with their tests.
    pub problems: &'a Problems,
    /// The samples.
    pub samples: &'a [Sample],
    /// The judges, each named once.
    pub judges: &'a [Judge],
}

/// A sample under one judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The judge.
    pub judge: Judge,
    /// What it says.
    pub judgement: Judgement,
    /// Whether the program ran in the image with packages.
    pub with_packages: bool,
}

/// What [`Judging::judge_samples`] tells while it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleEvent {
    /// Before anything is judged.
    Start(Counts),
    /// So many of the distinct programs are judged.
    Judged(usize),
}

/// What there is to do, in pairs of sample and judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Pairs whose judgement is in the memo.
    pub known: usize,
    /// Pairs to be judged.
    pub unknown: usize,
    /// Distinct programs among those.
    pub distinct: usize,
    /// Pairs of which it is certain without running anything what comes of them: there are no tests, or no
    /// program.
    pub decided: usize,
}

impl Judging {
    /// Judges all samples by all judges: by sample, then by judge, in their orders. Every test is run.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn judge_samples(
        &self,
        store: &Store,
        set: SampleSet<'_>,
        workers: usize,
        stopped: &(dyn Fn() -> bool + Sync),
        tell: &dyn Fn(SampleEvent),
    ) -> Result<Vec<Vec<Judged>>, JudgingError> {
        let mut tasks = Tasks { problems: set.problems, last: None };
        let Sorted { pairs, mut decided, keys, images, open } = self.sort(set, &mut tasks, stopped)?;
        let start = |told: Option<Told>| {
            let (unknown, distinct) = told.map_or((0, 0), |told| (told.missing, told.distinct - told.done));
            let known = keys.len() - unknown;
            tell(SampleEvent::Start(Counts { known, unknown, distinct, decided: decided.len() }));
        };
        let before = OnceCell::new();
        let watch = |told: Told| match before.get() {
            None => {
                start(Some(told));
                _ = before.set(told.done);
            }
            Some(before) => tell(SampleEvent::Judged(told.done - before)),
        };
        let placed = open.iter().zip(&images);
        let with_packages: BTreeSet<usize> =
            placed.filter(|(_, kind)| **kind == ImageKind::Packages).map(|(place, _)| *place).collect();
        let wanted = Wanted { keys: &keys, images };
        // Tests are unpacked again when their turn comes: all problems' together may not fit into memory.
        let mut job = |index: usize| {
            let (sample, judge) = pairs[*open.get(index)?];
            tasks.task(sample, judge).ok().map(Job::Judge)
        };
        let found = self.find(store, &wanted, &mut job, workers, stopped, &watch);
        let found = found.map_err(|error| match error {
            JudgingError::Stopped { kept, .. } => {
                let certain = decided.values().filter(|one| one.verdict != Verdict::JudgeFailure).count();
                JudgingError::Stopped { kept: kept + certain, jobs: pairs.len() }
            }
            error => error,
        })?;
        if before.get().is_none() {
            start(None);
        }
        for (place, finding) in open.into_iter().zip(found) {
            if let Finding::Judged(judgement) = finding {
                decided.insert(place, judgement);
            }
        }
        let mut judged = pairs.iter().zip(decided);
        let row = |_: &Sample| {
            let row = judged.by_ref().take(set.judges.len());
            row.map(|(&(_, judge), (place, judgement))| {
                let with_packages = with_packages.contains(&place);
                Judged { judge, judgement, with_packages }
            })
            .collect()
        };
        Ok(set.samples.iter().map(row).collect())
    }

    /// Tells what has to be judged from what is certain without running anything.
    fn sort<'a>(
        &self,
        set: SampleSet<'a>,
        tasks: &mut Tasks<'_>,
        stopped: &(dyn Fn() -> bool + Sync),
    ) -> Result<Sorted<'a>, JudgingError> {
        let pairs =
            set.samples.iter().flat_map(|sample| set.judges.iter().map(move |&judge| (sample, judge)));
        let mut sorted = Sorted { pairs: pairs.collect(), ..Sorted::default() };
        for (place, &(sample, judge)) in sorted.pairs.iter().enumerate() {
            if stopped() {
                return Err(JudgingError::Stopped { kept: 0, jobs: sorted.pairs.len() });
            }
            match tasks.key(self, sample, judge) {
                Ok((kind, key)) => {
                    sorted.keys.push(key);
                    sorted.images.push(kind);
                    sorted.open.push(place);
                }
                Err(judgement) => _ = sorted.decided.insert(place, judgement),
            }
        }
        Ok(sorted)
    }
}

/// Pairs of sample and judge, and what is known of them before anything is run.
#[derive(Default)]
struct Sorted<'a> {
    /// By sample, then by judge.
    pairs: Vec<(&'a Sample, Judge)>,
    /// Judgements that are certain, by place among the pairs.
    decided: BTreeMap<usize, Judgement>,
    /// Keys of the pairs that have to be judged, the images that they run in, and their places among the pairs.
    keys: Vec<Hash>,
    images: Vec<ImageKind>,
    open: Vec<usize>,
}

/// What is judged of a sample, every test of it; or the judgement on what cannot be judged, such as a sample
/// whose problem has no tests.
pub fn task_of_sample(problems: &Problems, sample: &Sample, judge: Judge) -> Result<Task, Judgement> {
    Tasks { problems, last: None }.task(sample, judge)
}

/// Makes tasks of samples. The tests of the last problem stay unpacked, since its samples mostly stand
/// together.
struct Tasks<'a> {
    problems: &'a Problems,
    last: Option<Unpacked<'a>>,
}

/// A problem with its tests, as each judge that was asked for uses them.
struct Unpacked<'a> {
    problem: &'a Problem,
    tests: Result<Arc<Tests>, String>,
    used: BTreeMap<Judge, Used>,
}

struct Used {
    tests: Arc<Tests>,
    hash: OnceCell<Hash>,
}

impl Tasks<'_> {
    /// What is to be judged, or the judgement on what cannot be.
    fn task(&mut self, sample: &Sample, judge: Judge) -> Result<Task, Judgement> {
        let (program, used) = self.find(sample, judge)?;
        Ok(Task { judge, program, tests: Tests::clone(&used.tests), until: Until::Every })
    }

    /// The image and the key of what is to be judged, or the judgement on what cannot be.
    fn key(
        &mut self,
        judging: &Judging,
        sample: &Sample,
        judge: Judge,
    ) -> Result<(ImageKind, Hash), Judgement> {
        let (program, used) = self.find(sample, judge)?;
        let tests = *used.hash.get_or_init(|| hash_of_tests(&used.tests));
        let kind = judging.each.of_program(&program);
        let parts = TaskParts { judge, until: Until::Every, program: &program, tests };
        Ok((kind, judging.each.get(kind).key_of_program(&parts)))
    }

    fn find(&mut self, sample: &Sample, judge: Judge) -> Result<(String, &Used), Judgement> {
        if let Source::Unreadable(why) = &sample.source {
            return Err(unjudged(&format!("the sample cannot be read: {why}"), 1));
        }
        let problem = self.problems.find(sample).map_err(|why| unjudged(&why, 1))?;
        if self.last.as_ref().is_some_and(|last| last.problem.id != problem.id) {
            self.last = None;
        }
        let last = self.last.get_or_insert_with(|| Unpacked {
            problem,
            tests: problem.tests().map(Arc::new),
            used: BTreeMap::new(),
        });
        let tests = last.tests.as_ref().map_err(|message| unjudged(message, 1))?;
        if tests.is_empty() {
            return Err(unjudged("the problem has no tests", 1));
        }
        // Before anything is said about the sample: a judge without such tests knows nothing about it.
        if judge != Judge::Assay && matches!(**tests, Tests::Checks(_)) {
            let message = format!("the judge {} has no tests that are Python", judge.name());
            return Err(unjudged(&message, tests.len()));
        }
        let used = last.used.entry(judge).or_insert_with(|| {
            let tests = match judge {
                Judge::SkyThought => Arc::new(judge.tests_used(Tests::clone(tests))),
                // All of them, of which there may be many.
                Judge::Assay | Judge::Lcb => Arc::clone(tests),
            };
            Used { tests, hash: OnceCell::new() }
        });
        if let Some(fault) = sample.source.fault(problem) {
            return Err(unjudged(fault, used.tests.len()));
        }
        match sample.source.program(problem, judge.extraction()) {
            Some(program) => Ok((program, used)),
            None => {
                let message = "the generation holds no program";
                Err(everywhere(Verdict::WrongAnswer, message, used.tests.len()))
            }
        }
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
