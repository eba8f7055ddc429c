//! The pool, with workers that are none.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use assay_sandbox::rows::{Case, Tests};
use assay_sandbox::{
    Finding, Job, Judge, Judgement, Judging, JudgingError, PoolError, Task, Until, Verdict, serve,
};
use assay_store::ErrorClass;
use camino::Utf8Path;

use crate::common::{image, judging, store};

/// A worker's line that says that a test passed.
const PASS: &str = r#"{"test":{"verdict":"pass","fuel":1,"peak_memory":1,"detail":""}}\n"#;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// A worker that passes every test of any number of programs, which must have one each.
fn passing() -> Command {
    shell(&format!(
        "echo '\"ready\"'; read -r hello; while read -r jobs; do\n\
         while case $jobs in *'{{\"judge\":{{'*) ;; *) false;; esac; do\n\
         jobs=${{jobs#*'{{\"judge\":{{'}}; printf '{PASS}\"end\"\\n'; done; done"
    ))
}

/// Judging with these workers, or `None` where there is no image, without which nothing is handed to them.
fn pool(command: impl Fn() -> Command + Send + Sync + 'static) -> Option<Judging> {
    image().map(|_| judging(command))
}

/// A program with a test for each of these inputs.
fn program(inputs: &[&str]) -> Job {
    let case = |input: &&str| Case::new((*input).to_owned(), String::new(), false);
    let tests = Tests::Scripts(inputs.iter().map(case).collect());
    Job::Judge(Task { judge: Judge::Assay, program: String::new(), tests, until: Until::Every })
}

fn judge(pool: &Judging, job: Job, workers: usize) -> Result<Judgement, JudgingError> {
    let (_guard, store) = store();
    match pool.run(&store, &[job], workers, &|| false, &|_, _| {})?.remove(0) {
        Finding::Judged(judgement) => Ok(judgement),
        graded => panic!("{graded:?}"),
    }
}

/// What a pool makes of one test if its worker writes these lines for it and dies.
fn judged_by(lines: &str) -> Option<Judgement> {
    let script = format!("echo '\"ready\"'; read hello; read jobs; printf '{lines}'");
    Some(judge(&pool(move || shell(&script))?, program(&[""]), 1).unwrap())
}

/// The results that it gave before count; a test without one is a failure of the judge, never passed.
#[test]
fn a_worker_that_breaks_the_protocol_is_one_that_died() {
    let grade = r#"{"graded":{"result":{"Err":"out-of-fuel"},"comparisons":0,"fuel":0,"peak_memory":0}}\n"#;
    let cases = [
        (format!("{PASS}\"end\"\\n"), Verdict::Pass),
        (PASS.repeat(3), Verdict::Pass),
        (format!("{}\"end\"\\n", PASS.repeat(2)), Verdict::Pass),
        ("no line\\n".to_owned(), Verdict::JudgeFailure),
        ("\"end\"\\n".to_owned(), Verdict::JudgeFailure),
        (grade.to_owned(), Verdict::JudgeFailure),
        (String::new(), Verdict::JudgeFailure),
    ];
    for (lines, expected) in cases {
        let Some(judged) = judged_by(&lines) else { return };
        let tests: Vec<Verdict> = judged.tests.iter().map(|test| test.verdict).collect();
        assert_eq!((judged.verdict, &tests[..]), (expected, &[expected][..]), "{lines}");
    }
}

#[test]
fn the_next_worker_gets_the_tests_that_are_left() {
    // Each worker ends after one result, which says whether it was asked for the first test.
    let script = r#"echo '"ready"'; read hello; read jobs
        case "$jobs" in *first*) fuel=1;; *) fuel=2;; esac
        echo '{"test":{"verdict":"pass","fuel":'$fuel',"peak_memory":1,"detail":""}}'"#;
    let Some(pool) = pool(move || shell(script)) else { return };
    let judged = judge(&pool, program(&["first", "second"]), 1).unwrap();
    let fuel: Vec<u64> = judged.tests.iter().map(|test| test.fuel).collect();
    assert_eq!((judged.verdict, fuel), (Verdict::Pass, vec![1, 2]));
}

/// A worker dies on one program of the several that it was handed. That one alone fails.
#[test]
fn only_the_test_that_workers_die_on_is_lost() {
    let script = format!(
        "echo '\"ready\"'; read -r hello; while read -r jobs; do\n\
         while case $jobs in *'\"input\":\"'*) ;; *) false;; esac; do\n\
         jobs=${{jobs#*'\"input\":\"'}}; case $jobs in deadly*) exit;; esac; printf '{PASS}\"end\"\\n'; done; done"
    );
    let Some(pool) = pool(move || shell(&script)) else { return };
    let (_guard, store) = store();
    let inputs: Vec<String> =
        (0..100).map(|i| format!("{}{i}", ["", "deadly"][usize::from(i == 60)])).collect();
    let jobs: Vec<Job> = inputs.iter().map(|input| program(&[input.as_str()])).collect();
    for workers in [1, 2] {
        let findings = pool.run(&store, &jobs, workers, &|| false, &|_, _| {}).unwrap();
        let failed: Vec<usize> = (0..100).filter(|&index| findings[index].is_judge_failure()).collect();
        assert_eq!(failed, [60]);
        let Finding::Judged(judgement) = &findings[60] else { panic!("{:?}", findings[60]) };
        assert_eq!(judgement.tests[0].detail, "the worker process died on this test, twice");
    }
}

/// The first worker cannot be started, and this shows when another has judged something. Its program is not
/// lost.
#[test]
fn the_program_of_a_worker_that_cannot_be_had_goes_to_the_others() {
    let (starts, judged) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&judged);
    let command = move || {
        if starts.fetch_add(1, Ordering::Relaxed) > 0 {
            return passing();
        }
        while seen.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        Command::new("/nonexistent/worker")
    };
    let Some(pool) = pool(command) else { return };
    let (_guard, store) = store();
    let jobs = ["a", "b", "c"].map(|input| program(&[input]));
    let progress = |done: u64, all: u64| {
        assert_eq!(all, 3);
        judged.store(done as usize, Ordering::Relaxed);
    };
    let findings = pool.run(&store, &jobs, 2, &|| false, &progress).unwrap();
    assert_eq!(judged.load(Ordering::Relaxed), 3);
    for finding in findings {
        assert!(matches!(&finding, Finding::Judged(one) if one.verdict == Verdict::Pass), "{finding:?}");
    }
}

#[test]
fn without_any_worker_judging_fails_at_once() {
    let starts = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&starts);
    let command = move || {
        seen.fetch_add(1, Ordering::Relaxed);
        Command::new("/nonexistent/worker")
    };
    let Some(pool) = pool(command) else { return };
    let (_guard, store) = store();
    let inputs: Vec<String> = (0..100).map(|i| i.to_string()).collect();
    let jobs: Vec<Job> = inputs.iter().map(|input| program(&[input.as_str()])).collect();
    let error = pool.run(&store, &jobs, 2, &|| false, &|done, _| assert_eq!(done, 0)).unwrap_err();
    assert!(matches!(error, JudgingError::Pool(PoolError::Start(_))), "{error}");
    assert!(!error.remedy().is_empty() && error.class() == ErrorClass::Environment);
    let starts = starts.load(Ordering::Relaxed);
    assert!(starts <= 2, "{starts} workers were tried");
}

#[test]
fn a_worker_is_started_when_there_is_a_job_for_it() {
    let starts = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&starts);
    let command = move || {
        seen.fetch_add(1, Ordering::Relaxed);
        passing()
    };
    let Some(pool) = pool(command) else { return };
    // As many threads as this would not even start.
    assert_eq!(judge(&pool, program(&[""]), usize::MAX).unwrap().verdict, Verdict::Pass);
    assert_eq!(starts.load(Ordering::Relaxed), 1);
    // A program without tests needs none: there is nothing to run.
    assert_eq!(judge(&pool, program(&[]), 1).unwrap().verdict, Verdict::JudgeFailure);
}

/// Workers that are killed while they start are no failure if the work was stopped.
#[test]
fn stopping_while_workers_start_is_no_failure_of_theirs() {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    let command = move || {
        raised.store(true, Ordering::Relaxed);
        shell("read hello; read jobs")
    };
    let Some(pool) = pool(command) else { return };
    let (_guard, store) = store();
    let stopped = || stop.load(Ordering::Relaxed);
    let error = pool.run(&store, &[program(&[""])], 1, &stopped, &|_, _| {}).unwrap_err();
    assert!(matches!(error, JudgingError::Stopped { kept: 0, jobs: 1 }), "{error}");
}

/// Ctrl-C at a keyboard is sent to the group of the command alone.
#[cfg(target_os = "linux")]
#[test]
fn a_worker_is_in_a_process_group_of_its_own() {
    let script = format!(
        "echo '\"ready\"'; read hello; read jobs\n\
         set -- $(cat /proc/$$/stat); [ \"$5\" = $$ ] && printf '{PASS}\"end\"\\n'"
    );
    let Some(pool) = pool(move || shell(&script)) else { return };
    assert_eq!(judge(&pool, program(&[""]), 1).unwrap().verdict, Verdict::Pass);
}

/// A worker without an image makes none: it says so, and what to do comes with it.
#[test]
fn a_worker_without_an_image_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(folder.path()).unwrap();
    let (lines, images) = (path.join("lines"), path.join("images"));
    fs_err::create_dir(&images).unwrap();
    let script = format!(
        "IFS= read -r hello; printf '%s\\n' \"$hello\" > {lines}; echo '\"ready\"'\n\
         IFS= read -r jobs; printf '%s\\n' \"$jobs\" >> {lines}\n\
         echo '{{\"unable\":{{\"message\":\"it is tired\",\"remedy\":\"let it sleep\"}}}}'"
    );
    let Some(pool) = pool(move || shell(&script)) else { return };
    let error = judge(&pool, program(&[""]), 1).unwrap_err();
    assert_eq!(
        (error.to_string(), error.remedy()),
        ("a worker cannot work: it is tired".to_owned(), "let it sleep".to_owned())
    );

    let mut written = Vec::new();
    let asked = fs_err::read_to_string(&lines).unwrap();
    let asked = asked.replace(crate::common::cache().as_str(), images.as_str());
    serve(asked.as_bytes(), &mut written).unwrap();
    let written = String::from_utf8(written).unwrap();
    let (ready, line) = written.trim_end().split_once('\n').unwrap();
    assert_eq!(ready, "\"ready\"");
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let message = line["unable"]["message"].as_str().unwrap();
    assert_eq!(message, format!("{images} does not hold the Python image"));
    assert!(line["unable"]["remedy"].as_str().unwrap().contains("makes the image"), "{line}");
    assert_eq!(images.read_dir_utf8().unwrap().count(), 0, "nothing is made");
}
