//! `assay judge` and `assay calibrate`.

mod explain;
mod output;
mod scores;
mod summary;
mod tasks;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::ErrorKind;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use assay_flow::Diagnostic;
use assay_sandbox::rows::{Problems, Sample, read_samples};
use assay_sandbox::{ImageLock, Judge, Judgement, Limits, Pool, Sandbox, Verdict, calibrate};
use assay_store::{Hash, Store};

use crate::args::{CalibrateArgs, Global, JudgeArgs};
use crate::failure::Failure;
use crate::outputs;
use crate::process::{cores, end_with_parent, stop_on_signals};
use crate::progress::Progress;
use crate::session::{images, prepare, store_path};
use crate::stdio::say;
use crate::visible::cut;
use tasks::Tasks;

/// The argument that makes this program a worker process.
pub(crate) const WORKER: &str = "judge-worker";

/// Judgements between two writes to the store, and the longest time between them.
const STORE_EVERY: usize = 64;
const STORE_AFTER: Duration = Duration::from_secs(2);

/// Judge failures that are told with their reasons.
const FAILURES_SHOWN: usize = 3;

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
    outputs::check(
        &[&args.problems, &args.samples],
        &[
            ("--out", args.out.as_deref()),
            ("--eval-all", args.eval_all.as_deref()),
            ("--report", args.report.as_deref()),
        ],
    )?;
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
        let sandbox = Sandbox::new(&image, limits);
        return explain::explain(&sandbox, image.identity(), &problems, &samples, &judges, global.json);
    }
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let store = Store::open(&store_path(global)?)?;
    let executable = std::env::current_exe()
        .map_err(Failure::refused("find this program, which workers run", "run it by its full path"))?;
    let command = move || {
        let mut command = Command::new(&executable);
        command.arg(WORKER);
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
        let left_out = output::write_eval_all(&results, path)?;
        if left_out > 0 && !global.json {
            say(format_args!("{path} leaves out {left_out} samples that could not be judged"));
        }
    }
    if let Some(path) = &args.report {
        outputs::write(path, summary::markdown(&results)?.as_bytes())?;
    }
    summary::print(&results, global.json, args.disagreements)?;
    let judged = samples.iter().zip(&results.judged);
    all_judged(
        judged.flat_map(|(sample, judged)| judged.iter().map(move |one| (sample, one))),
        Some("--explain SAMPLE shows what was judged"),
    )
}

/// Fails if there was anything that could not be judged, and names the first such samples.
fn all_judged<'a>(
    judged: impl Iterator<Item = (&'a Sample, &'a Judged)>,
    help: Option<&str>,
) -> Result<(), Failure> {
    let (mut all, mut failed, mut shown) = (0_usize, 0_usize, String::new());
    for (sample, Judged { judge, judgement }) in judged {
        all += 1;
        if judgement.verdict == Verdict::JudgeFailure {
            failed += 1;
            if failed <= FAILURES_SHOWN {
                let why = judgement.first_failure().map_or("", |(_, test)| test.detail.as_str());
                shown.push_str(&format!("\n  {} by {}: {}", cut(&sample.id), judge.name(), cut(why)));
            }
        }
    }
    if failed == 0 {
        return Ok(());
    }
    if failed > FAILURES_SHOWN {
        shown.push_str(&format!("\n  and {} more", failed - FAILURES_SHOWN));
    }
    let help = help.map_or_else(String::new, |help| format!("\n  help: {help}"));
    Err(Failure::Unjudged(format!("{failed} of {all} judgements failed{shown}{help}")))
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
    // Equal programs for one problem have one key. It is judged once, for all who asked.
    let (mut keys, mut askers, mut places) = (Vec::new(), Vec::<Vec<(usize, Judge)>>::new(), HashMap::new());
    for (index, sample) in samples.iter().enumerate() {
        if cancel.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted("nothing was judged yet".to_owned()));
        }
        for &judge in judges {
            match tasks.key(sample, judge, work)? {
                Ok(key) => {
                    let place = *places.entry(key).or_insert_with(|| {
                        keys.push(key);
                        askers.push(Vec::new());
                        keys.len() - 1
                    });
                    askers[place].push((index, judge));
                }
                Err(judgement) => _ = found.insert((index, judge), judgement),
            }
        }
    }
    let (impossible, mut known, mut unknown) = (found.len(), 0, 0);
    let mut missing = Vec::new();
    for ((asked, key), stored) in askers.into_iter().zip(&keys).zip(work.store.samples(&keys)?) {
        match stored.and_then(|bytes| serde_json::from_slice::<Judgement>(&bytes).ok()) {
            Some(judgement) => {
                known += asked.len();
                found.extend(asked.into_iter().map(|asker| (asker, judgement.clone())));
            }
            None => {
                unknown += asked.len();
                missing.push((asked, *key));
            }
        }
    }
    if !json {
        let mut text = format!("{unknown} judgements to make, {known} known");
        if missing.len() < unknown {
            text.push_str(&format!("; {} of those to make are of distinct programs", missing.len()));
        }
        if impossible > 0 {
            text.push_str(&format!("; {impossible} cannot be made"));
        }
        say(text);
    }
    let progress = Progress::new(json, missing.len(), "judged");
    // Tests are unpacked again when their turn comes: all problems' together may not fit into memory.
    let tasks = missing.iter().filter_map(|one| {
        let (index, judge) = *one.0.first()?;
        Some((one, tasks.task(&samples[index], judge).ok()?))
    });
    let mut fresh: Vec<(Hash, Vec<u8>)> = Vec::new();
    let (mut stored, mut failure) = (Instant::now(), None);
    let pooled = work.pool.judge(tasks, cancel, &mut |(asked, key), judgement| {
        if let (true, Ok(bytes)) = (is_kept(&judgement), serde_json::to_vec(&judgement)) {
            fresh.push((*key, bytes));
        }
        found.extend(asked.iter().map(|asker| (*asker, judgement.clone())));
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
            found.values().filter(|judgement| is_kept(judgement)).count()
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

/// Whether a judgement goes to the store: a failure of the judge does not, so that the next run tries again.
fn is_kept(judgement: &Judgement) -> bool {
    judgement.tests.iter().all(|test| test.verdict != Verdict::JudgeFailure)
}
