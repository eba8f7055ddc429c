//! `assay judge` and `assay calibrate`.

mod explain;
mod output;
mod scores;
mod summary;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_flow::Diagnostic;
use assay_sandbox::rows::{Problems, RowsError, Sample, read_samples};
use assay_sandbox::{
    Counts, ImageLock, Judge, Judged, Judging, JudgingError, JudgingFacts, JudgingSetup, Limits, SampleEvent,
    SampleSet, Sandbox, Tools, Verdict, calibrate,
};
use assay_store::Store;
use camino::Utf8Path;
use serde_json::json;

use crate::args::{By, CalibrateArgs, Global, JudgeArgs, PackagesImage};
use crate::document;
use crate::failure::Failure;
use crate::findings::Findings;
use crate::outputs;
use crate::process::{cores, end_on_signals, end_with_parent, go_on, stop_on_signals};
use crate::progress::Progress;
use crate::session::{judging_setup, prepare};
use crate::stdio::{self, say, warn};
use crate::visible::cut;

/// Judge failures that are told with their reasons.
const FAILURES_SHOWN: usize = 3;

/// Everything that output and summary are made from.
struct Results<'a> {
    problems: &'a Problems,
    samples: &'a [Sample],
    judges: &'a [Judge],
    limits: &'a Limits,
    facts: JudgingFacts,
    /// What the scores are grouped by.
    by: By,
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
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let problems = Problems::read(&args.problems).map_err(|error| exchanged(args, error))?;
    let mut samples = read_samples(&args.samples)?;
    problems.resolve(&mut samples)?;
    if let Some(wanted) = &args.explain {
        samples = only(wanted, samples, &args.samples)?;
    }
    go_on(&cancel)?;
    let judges = distinct(&args.judges);
    let setup = judging_setup(global, &args.python)?;
    let packages = args.image.map(|PackagesImage::Numpy| ImageLock::built_in_numpy()).transpose()?;
    let judging = Judging::new(JudgingSetup { limits: limits(args), packages, ..setup })
        .even_unkept(|error| warn(format_args!("judgements are not kept: {error}")));
    let facts = judging.describe();
    if args.explain.is_some() {
        let tools = Tools::with_python(&args.python);
        let explained = explain::Explained { problems: &problems, samples: &samples, judges: &judges };
        return explained.explain(
            &judging,
            &|lock| prepare(global, lock, &tools, &cancel),
            &cancel,
            global.json,
        );
    }
    let findings = Findings::open(global, "judgements")?;
    let workers = args.workers.unwrap_or_else(cores);
    let set = SampleSet { problems: &problems, samples: &samples, judges: &judges };
    if args.dry_run {
        return dry_run(&judging, &findings.store, set, &cancel, global.json);
    }
    let results = Results {
        judged: judge_all(&judging, &findings, set, workers, &cancel, global.json)?,
        problems: &problems,
        samples: &samples,
        judges: &judges,
        limits: judging.limits(),
        facts,
        by: args.by,
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

/// The sample of this id.
fn only(wanted: &str, samples: Vec<Sample>, path: &Utf8Path) -> Result<Vec<Sample>, Failure> {
    let (found, others): (Vec<_>, Vec<_>) = samples.into_iter().partition(|sample| sample.id == wanted);
    if !found.is_empty() {
        return Ok(found);
    }
    let ids = others.iter().map(|sample| sample.id.as_str());
    let message = format!("{path} holds no sample `{}`", cut(wanted));
    Err(Diagnostic { message, ..Diagnostic::unknown("sample", wanted, ids) }.into())
}

/// What is wrong with the problems, or that they are the samples.
fn exchanged(args: &JudgeArgs, error: RowsError) -> Failure {
    let is_form = matches!(error, RowsError::Form { .. });
    if is_form && Problems::read(&args.samples).is_ok() && read_samples(&args.problems).is_ok() {
        let message = format!("{} holds samples, and {} problems", args.problems, args.samples);
        return Diagnostic::user(message).help("name the problems first, then the samples").into();
    }
    error.into()
}

/// Says what there is to judge.
fn dry_run(
    judging: &Judging,
    store: &Store,
    set: SampleSet<'_>,
    cancel: &AtomicBool,
    json: bool,
) -> Result<(), Failure> {
    let counts: Cell<Option<Counts>> = Cell::new(None);
    let counted = AtomicBool::new(false);
    let tell = |event| {
        if let SampleEvent::Start(found) = event {
            counts.set(Some(found));
            counted.store(true, Ordering::Relaxed);
        }
    };
    let stopped = || counted.load(Ordering::Relaxed) || cancel.load(Ordering::Relaxed);
    let ended = judging.judge_samples(store, set, 1, &stopped, &tell);
    let Some(counts) = counts.get() else {
        return match ended {
            Err(JudgingError::Stopped { .. }) => Err(Failure::Interrupted("nothing was judged".to_owned())),
            Err(error) => Err(error.into()),
            Ok(_) => Err(Failure::Internal("nothing was counted".to_owned())),
        };
    };
    let untried = set.samples.iter().filter(|sample| set.problems.find(sample).is_err()).count();
    if json {
        return document::print(&json!({
            "problems": set.problems.len(),
            "samples": set.samples.len(),
            "samples_without_problem": untried,
            "judges": set.judges.iter().map(|judge| judge.version()).collect::<Vec<_>>(),
            "limits": judging.limits().describe(),
            "known": counts.known,
            "to_judge": counts.unknown,
            "distinct": counts.distinct,
            "decided": counts.decided,
        }));
    }
    let mut out = stdio::out();
    let (samples, problems) = (set.samples.len(), set.problems.len());
    writeln!(
        out,
        "{samples} samples for {problems} problems; {untried} of them name no problem of the file"
    )?;
    writeln!(out, "{}", to_do(counts))?;
    writeln!(out, "limits {}", judging.limits().describe())
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
    for (sample, Judged { judge, judgement, .. }) in judged {
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
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let image = prepare(global, &ImageLock::built_in()?, &Tools::with_python(&args.python), &cancel)?;
    end_on_signals(&cancel)?;
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
    findings: &Findings,
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
    let judged = judging.judge_samples(&findings.store, set, workers, &stopped, &tell);
    if let Some(progress) = &*progress.borrow() {
        progress.finish();
    }
    judged.map_err(|error| findings.failure(error, "judgements"))
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
