//! The pool, with workers that are none.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use assay_sandbox::rows::{Case, Tests};
use assay_sandbox::{Judge, Judgement, Limits, Pool, PoolError, Task, Verdict, serve};
use camino::Utf8Path;

use crate::common::lock;

/// A worker's line that says that a test passed.
const PASS: &str = r#"{"test":{"verdict":"pass","fuel":1,"peak_memory":1,"detail":""}}\n"#;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// A worker that passes every test of any number of tasks, which must have one each.
fn passing() -> Command {
    shell(&format!("echo '\"ready\"'; read hello; while read task; do printf '{PASS}\"end\"\\n'; done"))
}

fn pool(command: impl Fn() -> Command + Sync + 'static, workers: usize) -> Pool {
    Pool::new(command, "images".into(), &lock(), &Limits::default(), workers)
}

/// A task with a test for each of these inputs.
fn task(inputs: &[&str]) -> Task {
    let case = |input: &&str| Case { input: (*input).to_owned(), output: String::new(), public: false };
    let tests = Tests::Scripts(inputs.iter().map(case).collect());
    Task { judge: Judge::Assay, program: String::new(), tests }
}

fn judge(pool: &Pool, task: Task) -> Result<Judgement, PoolError> {
    let mut judgements = Vec::new();
    let done = &mut |(), judgement| judgements.push(judgement);
    pool.judge([((), task)].into_iter(), &AtomicBool::new(false), done)?;
    Ok(judgements.remove(0))
}

/// What a pool makes of one test if its worker writes these lines for it and dies.
fn judged_by(lines: &str) -> Judgement {
    let script = format!("echo '\"ready\"'; read hello; read task; printf '{lines}'");
    judge(&pool(move || shell(&script), 1), task(&[""])).unwrap()
}

/// The results that it gave before count; a test without one is a failure of the judge, never passed.
#[test]
fn a_worker_that_breaks_the_protocol_is_one_that_died() {
    let cases = [
        (format!("{PASS}\"end\"\\n"), Verdict::Pass),
        (PASS.repeat(3), Verdict::Pass),
        (format!("{}\"end\"\\n", PASS.repeat(2)), Verdict::Pass),
        ("no line\\n".to_owned(), Verdict::JudgeFailure),
        ("\"end\"\\n".to_owned(), Verdict::JudgeFailure),
        (String::new(), Verdict::JudgeFailure),
    ];
    for (lines, expected) in cases {
        let judged = judged_by(&lines);
        let tests: Vec<Verdict> = judged.tests.iter().map(|test| test.verdict).collect();
        assert_eq!((judged.verdict, &tests[..]), (expected, &[expected][..]), "{lines}");
    }
}

#[test]
fn the_next_worker_gets_the_tests_that_are_left() {
    // Each worker ends after one result, which says whether it was asked for the first test.
    let script = r#"echo '"ready"'; read hello; read task
        case "$task" in *first*) fuel=1;; *) fuel=2;; esac
        echo '{"test":{"verdict":"pass","fuel":'$fuel',"peak_memory":1,"detail":""}}'"#;
    let judged = judge(&pool(move || shell(script), 1), task(&["first", "second"])).unwrap();
    let fuel: Vec<u64> = judged.tests.iter().map(|test| test.fuel).collect();
    assert_eq!((judged.verdict, fuel), (Verdict::Pass, vec![1, 2]));
}

/// The first worker cannot be started, and this shows when another has judged something. Its task is not
/// lost, and each judgement comes with the id of its own task.
#[test]
fn the_task_of_a_worker_that_cannot_be_had_goes_to_the_others() {
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
    let tasks = ["a", "b", "c"].into_iter().map(|id| (id, task(&[id])));
    let mut ids = Vec::new();
    let result = pool(command, 2).judge(tasks, &AtomicBool::new(false), &mut |id, judgement| {
        assert_eq!(judgement.verdict, Verdict::Pass);
        judged.fetch_add(1, Ordering::Relaxed);
        ids.push(id);
    });
    result.unwrap();
    ids.sort();
    assert_eq!(ids, ["a", "b", "c"]);
}

#[test]
fn without_any_worker_judging_fails_at_once() {
    let mut taken = 0;
    let tasks = (0..100).map(|id| {
        taken += 1;
        (id, task(&[""]))
    });
    let pool = pool(|| Command::new("/nonexistent/worker"), 2);
    let result = pool.judge(tasks, &AtomicBool::new(false), &mut |id, _| panic!("{id} was judged"));
    let error = result.unwrap_err();
    assert!(matches!(error, PoolError::Start(_)) && !error.remedy().is_empty(), "{error}");
    assert!(taken <= 2, "{taken} tasks were taken");
}

#[test]
fn a_worker_is_started_when_there_is_a_task_for_it() {
    let starts = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&starts);
    let command = move || {
        seen.fetch_add(1, Ordering::Relaxed);
        passing()
    };
    // As many threads as this would not even start.
    let pool = pool(command, usize::MAX);
    assert_eq!(judge(&pool, task(&[""])).unwrap().verdict, Verdict::Pass);
    assert_eq!(starts.load(Ordering::Relaxed), 1);
}

/// Workers that are killed while they start are no failure if the work was cancelled.
#[test]
fn cancelling_while_workers_start_is_no_failure() {
    let cancel = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&cancel);
    let command = move || {
        raised.store(true, Ordering::Relaxed);
        shell("read hello; read task")
    };
    let result = pool(command, 1).judge([((), task(&[""]))].into_iter(), &cancel, &mut |(), _| {});
    result.unwrap();
}

/// Ctrl-C at a keyboard is sent to the group of the command alone.
#[cfg(target_os = "linux")]
#[test]
fn a_worker_is_in_a_process_group_of_its_own() {
    let script = format!(
        "echo '\"ready\"'; read hello; read task\n\
         set -- $(cat /proc/$$/stat); [ \"$5\" = $$ ] && printf '{PASS}\"end\"\\n'"
    );
    assert_eq!(judge(&pool(move || shell(&script), 1), task(&[""])).unwrap().verdict, Verdict::Pass);
}

/// A worker without an image makes none: it says so, and what to do comes with it.
#[test]
fn a_worker_without_an_image_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(folder.path()).unwrap();
    let (hello, images) = (path.join("hello"), path.join("images"));
    fs_err::create_dir(&images).unwrap();
    let script = format!(
        "IFS= read -r hello; printf '%s\\n' \"$hello\" > {hello}\n\
         echo '{{\"unable\":{{\"message\":\"it is tired\",\"remedy\":\"let it sleep\"}}}}'"
    );
    let pool = Pool::new(move || shell(&script), &images, &lock(), &Limits::default(), 1);
    let error = judge(&pool, task(&[""])).unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.remedy()),
        ("a worker cannot work: it is tired", "let it sleep")
    );

    let mut written = Vec::new();
    serve(fs_err::read(&hello).unwrap().as_slice(), &mut written).unwrap();
    let line: serde_json::Value = serde_json::from_slice(&written).unwrap();
    let message = line["unable"]["message"].as_str().unwrap();
    assert_eq!(message, format!("{images} does not hold the Python image"));
    assert!(line["unable"]["remedy"].as_str().unwrap().contains("makes the image"), "{line}");
    assert_eq!(images.read_dir_utf8().unwrap().count(), 0, "nothing is made");
}
