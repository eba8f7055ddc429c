//! `assay judge` and `assay calibrate`.

mod explain;
mod output;
mod scores;
mod summary;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_flow::Diagnostic;
use assay_sandbox::rows::{Problems, Sample, read_samples};
use assay_sandbox::{
    Counts, ImageLock, Judge, Judged, Judging, JudgingError, JudgingSetup, Limits, SampleEvent, SampleSet,
    Sandbox, Verdict, calibrate,
};
use assay_store::{Hash, Store};

use crate::args::{CalibrateArgs, Global, JudgeArgs};
use crate::failure::Failure;
use crate::outputs;
use crate::process::{cores, end_with_parent, stop_on_signals};
use crate::progress::Progress;
use crate::session::{judging_setup, prepare, store_path};
use crate::stdio::say;
use crate::visible::cut;

/// Judge failures that are told with their reasons.
const FAILURES_SHOWN: usize = 3;

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
    let judges = distinct(&args.judges);
    let setup = judging_setup(global, &args.python)?;
    let judging = Judging::new(JudgingSetup { limits: limits(args), ..setup });
    let image = judging.describe().image;
    if args.explain.is_some() {
        let prepared = prepare(global, &ImageLock::built_in()?, &args.python)?;
        let sandbox = Sandbox::new(&prepared, judging.limits().clone());
        return explain::explain(&sandbox, image, &problems, &samples, &judges, global.json);
    }
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let store = Store::open(&store_path(global)?)?;
    let workers = args.workers.unwrap_or_else(cores);
    let set = SampleSet { problems: &problems, samples: &samples, judges: &judges };
    let results = Results {
        judged: judge_all(&judging, &store, set, workers, &cancel, global.json)?,
        problems: &problems,
        samples: &samples,
        judges: &judges,
        limits: judging.limits(),
        image,
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

/// The judges without repetition, in their order.
fn distinct(judges: &[Judge]) -> Vec<Judge> {
    let mut seen = BTreeSet::new();
    judges.iter().copied().filter(|judge| seen.insert(*judge)).collect()
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

/// Judges all samples by all judges, except where the judgement is in the store, and shows the progress.
fn judge_all(
    judging: &Judging,
    store: &Store,
    set: SampleSet<'_>,
    workers: usize,
    cancel: &AtomicBool,
    json: bool,
) -> Result<Vec<Vec<Judged>>, Failure> {
    let progress: RefCell<Option<Progress>> = RefCell::new(None);
    let tell = |event| match event {
        SampleEvent::Start(counts) => {
            if !json {
                say(to_do(counts));
            }
            *progress.borrow_mut() = Some(Progress::new(json, counts.distinct, "judged"));
        }
        SampleEvent::Judged(done) => {
            if let Some(progress) = &*progress.borrow() {
                progress.reach(done);
            }
        }
    };
    let stopped = || cancel.load(Ordering::Relaxed);
    let judged = judging.judge_samples(store, set, workers, &stopped, &tell);
    if let Some(progress) = &*progress.borrow() {
        progress.finish();
    }
    judged.map_err(|error| match error {
        JudgingError::Stopped { kept, jobs } => {
            Failure::Interrupted(format!("{kept} of {jobs} judgements are kept; the same command goes on"))
        }
        error => error.into(),
    })
}

/// What there is to do, in one line.
fn to_do(Counts { known, unknown, distinct, decided }: Counts) -> String {
    let mut text = format!("{unknown} judgements to make, {known} known");
    if distinct < unknown {
        text.push_str(&format!("; {distinct} of those to make are of distinct programs"));
    }
    if decided > 0 {
        text.push_str(&format!("; {decided} cannot be made"));
    }
    text
}
