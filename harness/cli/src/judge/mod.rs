//! `assay judge` and `assay calibrate`.

mod explain;
mod output;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use assay_flow::Diagnostic;
use assay_report::replace;
use assay_sandbox::rows::{Problems, Sample, Tests, read_samples};
use assay_sandbox::{
    ImageLock, Judge, Judgement, Limits, Pool, Sandbox, Task, TestResult, Verdict, calibrate,
};
use assay_store::{Hash, Hasher, Store};

use crate::args::{CalibrateArgs, Global, JudgeArgs};
use crate::failure::Failure;
use crate::process::{cores, end_with_parent, stop_on_signals};
use crate::progress::Progress;
use crate::session::{images, prepare, store_path};

/// Judgements between two writes to the store, and the longest time between them.
const STORE_EVERY: usize = 64;
const STORE_AFTER: Duration = Duration::from_secs(2);

/// One sample judged by one judge.
struct Judged {
    judge: Judge,
    judgement: Judgement,
}

/// Everything that output and summary are made from.
struct Results<'a> {
    problems: &'a Problems,
    samples: &'a [Sample],
    judges: &'a [Judge],
    limits: &'a Limits,
    image: Hash,
    /// By sample, then by judge, in their orders.
    judged: Vec<Vec<Judged>>,
}

/// Judges samples and writes verdicts.
pub(crate) fn judge(global: &Global, args: &JudgeArgs) -> Result<(), Failure> {
    let problems = Problems::read(&args.problems)?;
    let mut samples = read_samples(&args.samples)?;
    if let Some(wanted) = &args.explain {
        samples.retain(|sample| sample.id == *wanted);
        if samples.is_empty() {
            return Err(Diagnostic::user(format!("{} holds no sample `{wanted}`", args.samples)).into());
        }
    }
    let mut judges = args.judges.clone();
    let mut seen = BTreeSet::new();
    judges.retain(|judge| seen.insert(*judge));
    let limits = limits(args);
    let (images, lock) = (images(global)?, ImageLock::built_in()?);
    let image = prepare(global, &lock, &args.python)?;
    if args.explain.is_some() {
        return explain::explain(&Sandbox::new(&image, limits), &problems, &samples, &judges);
    }
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let store = Store::open(&store_path(global)?)?;
    let executable = std::env::current_exe()?;
    let command = move || {
        let mut command = Command::new(&executable);
        command.arg("judge-worker");
        command
    };
    let workers = args.workers.unwrap_or_else(cores);
    let pool = Pool::new(command, &images, &lock, &limits, workers);
    let results = Results {
        judged: judge_all(
            &Work { pool: &pool, store: &store, limits: &limits, image: image.identity() },
            &problems,
            &samples,
            &judges,
            &cancel,
            global.json,
        )?,
        problems: &problems,
        samples: &samples,
        judges: &judges,
        limits: &limits,
        image: image.identity(),
    };
    if let Some(path) = &args.out {
        output::write_rows(&results, path)?;
    }
    if let Some(path) = &args.eval_all {
        output::write_eval_all(&results, path)?;
    }
    if let Some(path) = &args.report {
        replace(path, summary::markdown(&results)?.as_bytes())?;
    }
    summary::print(&results, global.json, args.disagreements)?;
    let failed =
        results.judged.iter().flatten().filter(|one| one.judgement.verdict == Verdict::JudgeFailure).count();
    match failed {
        0 => Ok(()),
        _ => {
            Err(Failure::Unjudged(format!("{failed} of {} judgements failed", samples.len() * judges.len())))
        }
    }
}

/// The body of a worker process.
pub(crate) fn work() -> Result<(), Failure> {
    end_with_parent();
    match assay_sandbox::serve(std::io::stdin().lock(), std::io::stdout()) {
        // Nobody waits for the results any more.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        served => Ok(served?),
    }
}

/// Measures how much fuel a native second is.
pub(crate) fn calibration(global: &Global, args: &CalibrateArgs) -> Result<(), Failure> {
    let image = prepare(global, &ImageLock::built_in()?, &args.python)?;
    let generous = Limits::benchmark_fuel(u64::MAX / 4);
    let measured = calibrate::calibrate(&Sandbox::new(&image, generous), &args.against, args.repetitions)
        .map_err(|error| Diagnostic::environment(error.to_string()).help(error.remedy()))?;
    summary::print_calibration(&measured, &args.against, global.json)
}

fn limits(args: &JudgeArgs) -> Limits {
    let limits = match args.fuel {
        Some(fuel) => Limits::benchmark_fuel(fuel),
        None => Limits::benchmark(args.time_limit),
    };
    Limits { memory_bytes: args.memory << 20, ..limits }
}

/// What judging needs.
struct Work<'a> {
    pool: &'a Pool,
    store: &'a Store,
    limits: &'a Limits,
    image: Hash,
}

/// Judges all samples by all judges, as far as the store does not have the judgements.
fn judge_all(
    work: &Work<'_>,
    problems: &Problems,
    samples: &[Sample],
    judges: &[Judge],
    cancel: &AtomicBool,
    json: bool,
) -> Result<Vec<Vec<Judged>>, Failure> {
    let mut found: BTreeMap<(usize, Judge), Judgement> = BTreeMap::new();
    let mut tasks = Tasks::new(problems);
    let (mut wanted, mut keys) = (Vec::new(), Vec::new());
    for (index, sample) in samples.iter().enumerate() {
        for &judge in judges {
            match tasks.task(sample, judge) {
                Ok(task) => {
                    wanted.push((index, judge));
                    keys.push(key(work, &task));
                }
                Err(judgement) => _ = found.insert((index, judge), judgement),
            }
        }
    }
    let mut missing = Vec::new();
    for ((&(index, judge), &key), known) in wanted.iter().zip(&keys).zip(work.store.samples(&keys)?) {
        match known.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            Some(judgement) => _ = found.insert((index, judge), judgement),
            None => missing.push((index, judge, key)),
        }
    }
    if !json {
        anstream::eprintln!("{} judgements to make, {} known", missing.len(), found.len());
    }
    let progress = Progress::new(json, missing.len(), "judged");
    // Tests are unpacked again when their turn comes: all problems' together may not fit into memory.
    let tasks = missing.iter().filter_map(|&(index, judge, key)| {
        let task = tasks.task(&samples[index], judge).ok()?;
        Some(((index, judge, key), task))
    });
    let mut fresh: Vec<(Hash, Vec<u8>)> = Vec::new();
    let (mut stored, mut failure) = (Instant::now(), None);
    let pooled = work.pool.judge(tasks, cancel, &mut |(index, judge, key), judgement| {
        // A failure of the judge is not kept, so that the next run tries again.
        let failed = judgement.tests.iter().any(|test| test.verdict == Verdict::JudgeFailure);
        if let (false, Ok(bytes)) = (failed, serde_json::to_vec(&judgement)) {
            fresh.push((key, bytes));
        }
        found.insert((index, judge), judgement);
        progress.advance();
        if fresh.len() >= STORE_EVERY || stored.elapsed() >= STORE_AFTER {
            failure = failure.take().or(work.store.put_samples(&std::mem::take(&mut fresh)).err());
            stored = Instant::now();
        }
    });
    work.store.put_samples(&fresh)?;
    progress.finish();
    pooled?;
    if let Some(error) = failure {
        return Err(error.into());
    }
    let total = samples.len() * judges.len();
    if cancel.load(Ordering::Relaxed) && found.len() < total {
        return Err(Failure::Interrupted(format!(
            "{} of {total} judgements are kept; the same command goes on",
            found.len()
        )));
    }
    let judged = samples.iter().enumerate().map(|(index, _)| {
        let one = |&judge| {
            let judgement = found.remove(&(index, judge));
            let judgement = judgement.ok_or_else(|| Failure::Internal("a task was not judged".to_owned()))?;
            Ok(Judged { judge, judgement })
        };
        judges.iter().map(one).collect()
    });
    judged.collect()
}

/// Makes tasks of samples. The tests of the last problem stay unpacked, since its samples mostly stand
/// together.
struct Tasks<'a> {
    problems: &'a Problems,
    last: Option<(&'a str, Result<Tests, String>)>,
}

impl<'a> Tasks<'a> {
    fn new(problems: &'a Problems) -> Self {
        Self { problems, last: None }
    }

    /// What is to be judged, or the judgement on what cannot be.
    fn task(&mut self, sample: &'a Sample, judge: Judge) -> Result<Task, Judgement> {
        let problem = self.problems.get(&sample.problem);
        let problem = problem.ok_or_else(|| unjudged(format!("there is no problem `{}`", sample.problem)))?;
        if self.last.as_ref().is_none_or(|(id, _)| *id != problem.id) {
            self.last = Some((&problem.id, problem.tests()));
        }
        let tests = match &self.last {
            Some((_, Ok(tests))) => tests,
            Some((_, Err(message))) => return Err(unjudged(message.clone())),
            None => return Err(unjudged("the problem has no tests".to_owned())),
        };
        if tests.is_empty() {
            return Err(unjudged("the problem has no tests".to_owned()));
        }
        let tests = judge.tests_used(tests.clone());
        match sample.source.program(problem, judge.extraction()) {
            Some(program) => Ok(Task { judge, program, tests }),
            None => Err(everywhere(Verdict::WrongAnswer, "the generation holds no program", tests.len())),
        }
    }
}

fn unjudged(message: String) -> Judgement {
    everywhere(Verdict::JudgeFailure, &message, 1)
}

/// The same verdict on every test, none of which was run.
fn everywhere(verdict: Verdict, detail: &str, tests: usize) -> Judgement {
    let result = TestResult { verdict, fuel: 0, peak_memory: 0, detail: detail.to_owned() };
    Judgement { verdict, tests: vec![result; tests] }
}

/// What a judgement depends on.
fn key(work: &Work<'_>, task: &Task) -> Hash {
    let mut hasher = Hasher::new("assay judgement 1");
    hasher
        .str("judge", task.judge.version())
        .hash("image", &work.image)
        .str("limits", &work.limits.describe())
        .str("program", &task.program)
        .str("tests", &serde_json::to_string(&task.tests).unwrap_or_default());
    hasher.finish()
}
