//! The one judging path, with workers that judge.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use assay_sandbox::grade::{Grader, Question, Undecided};
use assay_sandbox::rows::{Case, Tests};
use assay_sandbox::{
    Finding, Job, Judge, Judgement, Judging, JudgingError, Sandbox, Task, Until, Verdict, judge_task, serve,
};
use assay_store::Store;

use crate::common::{image, judging, limits, math_image, store};

const WORKER: &str = "ASSAY_TEST_WORKER";

/// No test but the body of a worker process: standard output belongs to the test harness, so answers go to
/// another descriptor.
#[test]
fn worker_process() {
    if std::env::var_os(WORKER).is_some() {
        let output = fs_err::File::options().write(true).open("/dev/fd/3").unwrap();
        serve(std::io::stdin().lock(), output).unwrap();
    }
}

pub(crate) fn worker() -> Command {
    let mut command = Command::new("sh");
    let script = "exec \"$0\" --exact judging::worker_process --nocapture --test-threads 1 3>&1 >/dev/null";
    command.args(["-c", script]).arg(std::env::current_exe().unwrap()).env(WORKER, "1");
    command
}

/// Workers, and how many were started.
fn counted() -> (Judging, Arc<AtomicUsize>) {
    let starts = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&starts);
    let judging = judging(move || {
        seen.fetch_add(1, Ordering::Relaxed);
        worker()
    });
    (judging, starts)
}

fn call(judge: Judge, program: &str, until: Until) -> Job {
    let case = |x: i64| Case::new(x.to_string(), (2 * x + 1).to_string(), false);
    let tests = Tests::Calls { function: "f".to_owned(), cases: (-3..=12).map(case).collect() };
    Job::Judge(Task { judge, program: program.to_owned(), tests, until })
}

fn function(body: &str) -> Job {
    call(Judge::Assay, &format!("def f(x):\n    return {body}\n"), Until::Every)
}

/// Programs of many ends, of every judge.
fn programs() -> Vec<Job> {
    let bodies = ["x*2+1", "x*3-1", "x//0", "(", "x+x+1", "[0]*10**9", "__import__('os')._exit(1)"];
    let mut jobs = Vec::new();
    for judge in Judge::ALL {
        for until in [Until::Every, Until::FirstFailure] {
            for body in bodies {
                jobs.push(call(judge, &format!("def f(x):\n    return {body}\n"), until));
            }
        }
    }
    jobs
}

fn run(judging: &Judging, store: &Store, jobs: &[Job], workers: usize) -> Vec<Finding> {
    judging.run(store, jobs, workers, &|| false, &|_, _| {}).unwrap()
}

fn bytes(findings: &[Finding]) -> String {
    serde_json::to_string(findings).unwrap()
}

/// With one worker, with three, with workers that are killed again and again, and in this process without any:
/// the same bytes.
#[test]
fn findings_are_the_same_bytes_with_any_number_of_workers() {
    let Some(image) = image() else { return };
    let jobs = programs();
    let sandbox = Sandbox::new(image, limits());
    let here = jobs.iter().map(|job| {
        let Job::Judge(task) = job else { panic!("{job:?}") };
        let mut results = Vec::new();
        judge_task(&sandbox, task, &mut |result| results.push(result));
        Finding::Judged(Judgement::of(results))
    });
    let here = bytes(&here.collect::<Vec<Finding>>());
    let (judging, _) = counted();
    for workers in [1, 3] {
        let (_guard, store) = store();
        assert_eq!(bytes(&run(&judging, &store, &jobs, workers)), here, "{workers}");
        // A second time it is what the memo has.
        assert_eq!(bytes(&run(&judging, &store, &jobs, workers)), here);
    }
}

/// Equal jobs are done once, and nothing that is known is done again. Until which test a program is run is
/// part of what is known.
#[test]
fn equal_jobs_are_done_once_and_never_again() {
    if image().is_none() {
        return;
    }
    let (judging, starts) = counted();
    let (_guard, store) = store();
    let jobs = [function("x*2+1"), function("x"), function("x*2+1")];
    let seen = std::sync::Mutex::new(Vec::new());
    let progress = |done: u64, all: u64| seen.lock().unwrap().push((done, all));
    let findings = judging.run(&store, &jobs, 1, &|| false, &progress).unwrap();
    assert_eq!(*seen.lock().unwrap(), [(0, 2), (1, 2), (2, 2)]);
    assert_eq!(findings[0], findings[2]);
    let verdicts = |findings: &[Finding]| -> Vec<(Verdict, usize)> {
        findings
            .iter()
            .map(|finding| match finding {
                Finding::Judged(judgement) => (judgement.verdict, judgement.tests.len()),
                Finding::Graded(_) => panic!("{finding:?}"),
            })
            .collect()
    };
    let right = (Verdict::Pass, 16);
    assert_eq!(verdicts(&findings), [right, (Verdict::WrongAnswer, 16), right]);
    assert_eq!(starts.load(Ordering::Relaxed), 1);

    // Another process, so to say, which could not judge anything.
    let idle = crate::common::judging(|| Command::new("/nonexistent/worker"));
    assert_eq!(run(&idle, &store, &jobs, 1), findings);
    let first = Job::Judge(match function("x") {
        Job::Judge(task) => Task { until: Until::FirstFailure, ..task },
        job => panic!("{job:?}"),
    });
    let refused = idle.run(&store, std::slice::from_ref(&first), 1, &|| false, &|_, _| {});
    assert!(matches!(refused, Err(JudgingError::Pool(_))), "{refused:?}");
    // -3 gives -3, not -5.
    assert_eq!(verdicts(&run(&judging, &store, &[first], 1)), [(Verdict::WrongAnswer, 1)]);
}

/// What the judge failed on is told, not kept, and tried again.
#[test]
fn a_failure_of_the_judge_is_passed_on_and_not_kept() {
    if image().is_none() {
        return;
    }
    let (judging, _) = counted();
    let (_guard, store) = store();
    let case = Case::new("no JSON", "1", false);
    let tests = Tests::Calls { function: "f".to_owned(), cases: vec![case] };
    let program = "def f(x): return 1".to_owned();
    let job = Job::Judge(Task { judge: Judge::Assay, program, tests, until: Until::FirstFailure });
    for _ in 0..2 {
        let seen = AtomicUsize::new(0);
        let progress = |_, _| _ = seen.fetch_add(1, Ordering::Relaxed);
        let findings = judging.run(&store, std::slice::from_ref(&job), 1, &|| false, &progress).unwrap();
        assert!(findings[0].is_judge_failure(), "{findings:?}");
        assert_eq!(seen.load(Ordering::Relaxed), 2, "it is tried");
    }
}

/// What was found before the work was stopped is kept, and the next run goes on from there.
#[test]
fn stopped_work_goes_on_where_it_was() {
    if image().is_none() {
        return;
    }
    let (judging, _) = counted();
    let (_guard, store) = store();
    let mut jobs: Vec<Job> = (0..20).map(|n| function(&format!("x*2+1+{n}*0"))).collect();
    let stop = AtomicBool::new(false);
    let progress = |done, _| stop.store(done >= 5, Ordering::Relaxed);
    let stopped = || stop.load(Ordering::Relaxed);
    let error = judging.run(&store, &jobs, 1, &stopped, &progress).unwrap_err();
    let JudgingError::Stopped { kept, jobs: 20 } = error else { panic!("{error}") };
    assert!((5..20).contains(&kept), "{kept}");
    let known = AtomicUsize::new(usize::MAX);
    let progress = |done: u64, _| _ = known.fetch_min(done as usize, Ordering::Relaxed);
    jobs.reverse();
    let findings = judging.run(&store, &jobs, 2, &|| false, &progress).unwrap();
    assert_eq!(known.load(Ordering::Relaxed), kept);
    assert!(findings.iter().all(|finding| !finding.is_judge_failure()));
}

/// Processes that this process has started, by their parent's number, and that have not ended.
#[cfg(target_os = "linux")]
fn alive(processes: &[u32]) -> usize {
    let lives = |id: &&u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim().starts_with('Z'))
    };
    processes.iter().filter(lives).count()
}

/// Workers are kept for the next steps, several of which share them, and end with the last of their users.
#[cfg(target_os = "linux")]
#[test]
fn workers_are_shared_and_kept_until_the_end() {
    if image().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let ids = folder.path().join("ids");
    let list = ids.clone();
    let judging = judging(move || {
        let mut command = Command::new("sh");
        let script = "echo $$ >> \"$1\"; exec \"$0\" --exact judging::worker_process --nocapture --test-threads 1 3>&1 >/dev/null";
        command.args(["-c", script]).arg(std::env::current_exe().unwrap()).arg(&list).env(WORKER, "1");
        command
    });
    let started = || -> Vec<u32> {
        let list = fs_err::read_to_string(&ids).unwrap();
        list.lines().map(|id| id.parse().unwrap()).collect()
    };
    let (_guard, store) = store();
    let step = |name: &str, workers| {
        let jobs: Vec<Job> = (0..8).map(|n| function(&format!("x*2+1 # {name} {n}"))).collect();
        run(&judging, &store, &jobs, workers);
    };
    step("first", 1);
    step("second", 1);
    assert_eq!(started().len(), 1);
    std::thread::scope(|scope| {
        for name in ["third", "fourth"] {
            scope.spawn(|| step(name, 2));
        }
    });
    assert!(started().len() <= 4, "{:?}", started());
    assert_eq!(alive(&started()), started().len());
    // One that was killed while nobody used it is replaced.
    let victim = started()[0];
    _ = Command::new("kill").args(["-KILL", &victim.to_string()]).status();
    step("fifth", 4);
    let started = started();
    drop(judging);
    assert_eq!(alive(&started), 0, "{started:?}");
}

/// Answers that need no sandbox take neither image nor worker nor memo.
#[test]
fn answers_are_graded_on_the_same_path() {
    let (_guard, store) = store();
    let nobody = judging(|| Command::new("/nonexistent/worker"));
    let rational = |gold: &str, answer: &str| Job::Grade {
        grader: Grader::Rational,
        question: Question::pair(gold, answer),
    };
    let jobs = [rational("1/2", "x=0.5"), rational("1/2", "2"), rational("1/2", "half")];
    let equal = |findings: Vec<Finding>| -> Vec<Option<bool>> {
        findings
            .iter()
            .map(|finding| match finding {
                Finding::Graded(grade) => grade.equal(),
                Finding::Judged(_) => panic!("{finding:?}"),
            })
            .collect()
    };
    assert_eq!(equal(run(&nobody, &store, &jobs, 1)), [Some(true), Some(false), Some(false)]);
    assert_eq!(store.stats().unwrap().memo_values, 0);

    if math_image().is_none() {
        return;
    }
    let (judging, starts) = counted();
    let formula = |gold: &str, answer: &str| Job::Grade {
        grader: Grader::MathVerify,
        question: Question::pair(gold, answer),
    };
    let jobs = [formula("$x+1$", "$1+x$"), rational("3", "3"), formula("$x+1$", "$x$"), function("x*2+1")];
    let findings = run(&judging, &store, &jobs, 1);
    let Finding::Judged(judgement) = &findings[3] else { panic!("{findings:?}") };
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert_eq!(equal(findings[..3].to_vec()), [Some(true), Some(true), Some(false)]);
    assert_eq!(starts.load(Ordering::Relaxed), 1);
    assert_eq!(run(&nobody, &store, &jobs, 1), findings);

    // A worker that dies on an answer is the judge's failure, which is not kept.
    let dying = crate::common::judging(|| {
        let mut command = Command::new("sh");
        command.args(["-c", "echo '\"ready\"'; read hello; read jobs"]);
        command
    });
    let findings = run(&dying, &store, &[formula("$y+1$", "$1+y$")], 1);
    let Finding::Graded(grade) = &findings[0] else { panic!("{findings:?}") };
    assert!(matches!(&grade.result, Err(Undecided::JudgeFailure(why)) if why.contains("twice")), "{grade:?}");
}
