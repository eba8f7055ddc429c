//! `assay judge`: the same verdicts however it is run, and nothing lost when it is disturbed.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::world::World;

/// Problems of three kinds, and one without tests.
fn problems() -> String {
    let rows = [
        json!({ "id": "sum", "difficulty": "easy", "tests": [
            { "input": "1 2\n", "output": "3\n" }, { "input": "5 8\n", "output": "13" } ] }),
        json!({ "id": "double", "difficulty": "hard", "function": "double", "tests": [
            { "input": "2", "output": "4" }, { "input": "[1]", "output": "[1, 1]" } ] }),
        json!({ "task_id": "Human/0", "prompt": "def f(x):\n    \"\"\"One more.\"\"\"\n", "entry_point": "f",
            "test": "def check(c):\n    assert c(1) == 2\n" }),
        json!({ "id": "empty", "tests": [] }),
    ];
    lines(&rows)
}

fn samples() -> String {
    let sum = |id: &str, code: &str| json!({ "sample_id": id, "question_id": "sum", "code": code });
    let rows = [
        sum("sum/right", "a, b = map(int, input().split())\nprint(a + b)"),
        sum("sum/wrong", "print(3)"),
        sum("sum/error", "print(undefined)"),
        sum("sum/endless", "while True: pass"),
        sum("sum/hoard", "x = [0] * (3 * 10 ** 8)"),
        sum("sum/numpy", "import numpy"),
        sum("sum/broken", "print("),
        sum("sum/escape", "print('\\x1b]0;title\\x07', '\\x1b[2J')\nraise ValueError('\\x1b[31m')"),
        json!({ "sample_id": "double/right", "question_id": "double", "output": "So:\n```python\ndef double(x): return x * 2\n```" }),
        json!({ "sample_id": "double/unclosed", "question_id": "double", "output": "```python\ndef double(x): return x * 2" }),
        json!({ "task_id": "Human/0", "completion": "    return x + 1\n" }),
        json!({ "task_id": "Human/0", "completion": "    return x + 2\n" }),
    ];
    lines(&rows)
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// A workspace with these rows.
fn world(problems: &str, samples: &str) -> World {
    let world = World::new();
    std::fs::write(world.path("problems.jsonl"), problems).unwrap();
    std::fs::write(world.path("samples.jsonl"), samples).unwrap();
    world
}

/// A small budget, so that what does not end is soon found out.
const JUDGE: [&str; 5] = ["judge", "problems.jsonl", "samples.jsonl", "--fuel", "300000000"];

fn judge<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&JUDGE[..], more].concat()
}

fn verdicts(rows: &str) -> Vec<(String, String)> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap());
    rows.map(|row| (text(&row, "sample_id"), text(&row, "verdict"))).collect()
}

#[test]
fn verdicts_are_the_same_bytes_with_any_number_of_workers() {
    let world = world(&problems(), &samples());
    world.run(&judge(&["--out", "one.jsonl", "--workers", "1", "--store", "a"])).succeeds();
    world.run(&judge(&["--out", "four.jsonl", "--workers", "4", "--store", "b"])).succeeds();
    assert_eq!(world.read("one.jsonl"), world.read("four.jsonl"));
    let expected = [
        ("sum/right", "pass"),
        ("sum/wrong", "wrong-answer"),
        ("sum/error", "runtime-error"),
        ("sum/endless", "time-limit"),
        ("sum/hoard", "memory-limit"),
        ("sum/numpy", "unsupported-import"),
        ("sum/broken", "compile-error"),
        ("sum/escape", "runtime-error"),
        ("double/right", "pass"),
        ("double/unclosed", "pass"),
        ("Human/0/0", "pass"),
        ("Human/0/1", "wrong-answer"),
    ];
    let expected: Vec<_> = expected.map(|(id, verdict)| (id.to_owned(), verdict.to_owned())).to_vec();
    assert_eq!(verdicts(&world.read("one.jsonl")), expected);
    // A second time nothing is judged, and another judge's verdicts are not taken for this one's.
    world
        .run(&judge(&["--out", "again.jsonl", "--store", "a"]))
        .succeeds()
        .says(&["0 judgements to make, 12 known"]);
    assert_eq!(world.read("one.jsonl"), world.read("again.jsonl"));
}

#[test]
fn judges_are_compared() {
    let world = world(&problems(), &samples());
    let all = judge(&["--judges", "assay,lcb", "--out", "out.jsonl", "--eval-all", "eval.json"]);
    // The reference has no tests that are Python.
    let ran = world.run(&[&all[..], &["--disagreements"]].concat()).fails_with(1);
    for part in [
        "assay 1",
        "lcb@28fef95 1",
        "the judges disagree on 2 of 12 samples",
        "double/unclosed  assay: pass  lcb: ",
    ] {
        assert!(ran.stdout().contains(part), "no {part:?} in\n{}", ran.stdout());
    }
    assert_eq!(verdicts(&world.read("out.jsonl")).len(), 24);
    let summary = world.run(&[&all[..], &["--json"]].concat()).fails_with(1);
    let summary: Value = serde_json::from_str(&summary.stdout()).unwrap();
    let assay = &summary["judges"][0];
    assert_eq!(assay["verdicts"]["pass"], 4);
    let all = assay["scores"].as_array().unwrap().last().unwrap();
    // One of eight, two of two and one of two.
    assert_eq!(all["pass_at"]["1"].as_f64().unwrap(), (1.0 / 8.0 + 1.0 + 0.5) / 3.0);
    let evaluated: Value = serde_json::from_str(&world.read("eval.json")).unwrap();
    assert_eq!(evaluated[2]["question_id"], "sum");
    assert_eq!(evaluated[2]["graded_list"][0], true);
}

#[test]
fn what_cannot_be_judged_is_counted_apart_and_never_passes() {
    let rows = [
        json!({ "id": "empty", "code": "print(1)" }),
        json!({ "id": "absent", "code": "print(1)" }),
        json!({ "question_id": "damaged", "code": "print(1)" }),
    ];
    let damaged =
        json!({ "question_id": "damaged", "public_test_cases": "[]", "private_test_cases": "AAAA" });
    let world = world(&format!("{}{damaged}\n", problems()), &lines(&rows));
    let ran = world.run(&judge(&["--out", "out.jsonl"])).fails_with(1);
    assert!(ran.stdout().contains("judge-failure"), "{}", ran.stdout());
    let rows = world.read("out.jsonl");
    assert!(verdicts(&rows).iter().all(|(_, verdict)| verdict == "judge-failure"), "{rows}");
    for why in ["no tests", "no problem `absent`", "not zlib"] {
        assert!(rows.contains(why), "{rows}");
    }
}

#[test]
fn mistakes_of_the_user_are_named_with_their_place() {
    let world = world(&problems(), "{\"id\": \"sum\"}\n");
    world.run(&judge(&[])).fails_with(2).says(&["samples.jsonl:1:1: no sample"]);
    world.run(&["judge", "absent.jsonl", "samples.jsonl"]).fails_with(2).says(&["cannot read absent.jsonl"]);
    world.run(&judge(&["--judges", "assay,nobody"])).fails_with(2).says(&["assay, lcb, skythought"]);
    std::fs::write(world.path("samples.jsonl"), samples()).unwrap();
    for workers in ["0", "257", "1000000000"] {
        world.run(&judge(&["--workers", workers])).fails_with(2).says(&["is not in 1..=256"]);
    }
    world.run(&judge(&["--explain", "nobody"])).fails_with(2).says(&["no sample `nobody`"]);
}

#[test]
fn a_verdict_is_explained() {
    let world = world(&problems(), &samples());
    let explained = |sample: &str| world.run(&judge(&["--explain", sample])).succeeds().stdout();
    let wrong = explained("sum/wrong");
    for part in ["1 of 2 tests passed", "test 2 failed: wrong-answer 3", "5 8", "- 13", "+ 3"] {
        assert!(wrong.contains(part), "no {part:?} in\n{wrong}");
    }
    assert!(explained("sum/error").contains("NameError: name 'undefined' is not defined (line 1)"));
    let escape = explained("sum/escape");
    assert!(escape.contains("\\u{1b}[31m") && !escape.contains('\u{1b}'), "{escape:?}");
    assert!(explained("Human/0/1").contains("assert c(1) == 2"));
}

/// A budget that no program uses up while a test runs.
const ENDLESS: [&str; 2] = ["--fuel", "1000000000000000"];

/// A sample that uses up whatever it is given.
fn endless() -> String {
    lines(&[json!({ "sample_id": "endless", "question_id": "sum", "code": "while True: pass" })])
}

/// Processes that a process has started.
fn children(of: u32) -> Vec<u32> {
    // Each is listed with the thread that started it.
    let threads = std::fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

/// What the system says of a process, from its state on; nothing if it has ended.
fn stat(process: u32) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<String> =
        text.rsplit(')').next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let ended = fields.first().is_none_or(|state| state == "Z");
    if ended { Vec::new() } else { fields }
}

/// Whether a worker is at an endless test. A second of processor time is many times what it takes to start
/// and to judge what else there is, on a machine however busy.
fn is_busy(worker: u32) -> bool {
    let stat = stat(worker);
    let ticks =
        |field: usize| stat.get(field).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or_default();
    ticks(11) + ticks(12) >= 100
}

/// Signals a process, or the group of one if its number is negative.
fn signal(process: i64, name: &str) {
    _ = std::process::Command::new("kill").args([name, "--", &process.to_string()]).status();
}

const PATIENCE: Duration = Duration::from_secs(240);

/// Waits for something to happen.
fn wait_for(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs the command in a process group of its own, and disturbs it and its workers again and again until it
/// ends.
fn disturbed(world: &World, arguments: &[&str], mut disturb: impl FnMut(u32, &[u32])) -> Option<i32> {
    let mut running = world.command(arguments).process_group(0).spawn().unwrap();
    let mut status = None;
    wait_for("the end of the command", || {
        status = running.try_wait().unwrap();
        if status.is_none() {
            disturb(running.id(), &children(running.id()));
        }
        status.is_some()
    });
    status.unwrap().code()
}

#[test]
fn a_worker_that_dies_is_replaced_and_its_test_tried_once_more() {
    let world = world(&problems(), &samples());
    world.run(&judge(&["--out", "calm.jsonl", "--store", "a"])).succeeds();
    let arguments = judge(&["--out", "disturbed.jsonl", "--store", "b", "--workers", "1"]);
    let mut killed = 0;
    let code = disturbed(&world, &arguments, |_, workers| {
        if let (0, Some(worker)) = (killed, workers.first()) {
            signal((*worker).into(), "-KILL");
            killed += 1;
        }
    });
    assert_eq!((code, killed), (Some(0), 1));
    assert_eq!(world.read("calm.jsonl"), world.read("disturbed.jsonl"));
    // A test that no worker survives is a failure of the judge.
    std::fs::write(world.path("samples.jsonl"), endless()).unwrap();
    let arguments = ["judge", "problems.jsonl", "samples.jsonl", "--out", "out.jsonl", "--store", "c"];
    let code = disturbed(&world, &[&arguments[..], &ENDLESS].concat(), |_, workers| {
        for worker in workers.iter().filter(|worker| is_busy(**worker)) {
            signal((*worker).into(), "-KILL");
        }
    });
    assert_eq!(code, Some(1));
    let rows = world.read("out.jsonl");
    assert!(rows.contains("died on this test, twice"), "{rows}");
    assert_eq!(verdicts(&rows)[0].1, "judge-failure");
}

/// The command alone is signalled, or all of its process group, as Ctrl-C at a keyboard does.
#[test]
fn an_interrupted_run_goes_on_where_it_was() {
    for group in [false, true] {
        let world = world(&problems(), &samples());
        // One worker takes the samples in their order: three are done when it is at the endless one.
        let arguments = ["judge", "problems.jsonl", "samples.jsonl", "--out", "out.jsonl", "--workers", "1"];
        let slow = [&arguments[..], &ENDLESS].concat();
        let mut interrupted = false;
        let code = disturbed(&world, &slow, |process, workers| {
            if !interrupted && workers.iter().any(|worker| is_busy(*worker)) {
                let process = i64::from(process);
                signal(if group { -process } else { process }, "-INT");
                interrupted = true;
            }
        });
        assert_eq!((code, interrupted), (Some(130), true), "group: {group}");
        assert!(!world.path("out.jsonl").exists());
        let three: String = samples().lines().take(3).map(|line| format!("{line}\n")).collect();
        std::fs::write(world.path("samples.jsonl"), three).unwrap();
        world.run(&slow).succeeds().says(&["0 judgements to make, 3 known"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn workers_end_with_a_command_that_is_killed() {
    let world = world(&problems(), &endless());
    let arguments = [&["judge", "problems.jsonl", "samples.jsonl", "--workers", "1"][..], &ENDLESS].concat();
    let mut running = world.command(&arguments).spawn().unwrap();
    let mut workers = Vec::new();
    wait_for("a worker at its test", || {
        assert!(running.try_wait().unwrap().is_none(), "the command ended");
        workers = children(running.id());
        workers.iter().any(|worker| is_busy(*worker))
    });
    running.kill().unwrap();
    running.wait().unwrap();
    wait_for("the end of the workers", || workers.iter().all(|worker| stat(*worker).is_empty()));
}

/// A worker whose results nobody reads ends without a word.
#[test]
fn a_worker_that_nobody_reads_ends_silently() {
    let world = World::new();
    let mut command = world.command(&["judge-worker"]);
    let mut worker =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(worker.stdout.take());
    worker.stdin.take().unwrap().write_all(b"no hello\n").unwrap();
    let ended = worker.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}

/// Samples lie about in the current folder, and setting up the image runs none of them.
#[test]
fn setting_up_runs_no_python_of_the_current_folder() {
    let world = world(&problems(), &samples());
    for name in ["pip.py", "zipfile.py", "tarfile.py"] {
        std::fs::write(world.path(name), "open('it-ran', 'w')\nraise SystemExit('it ran')\n").unwrap();
    }
    let mut command = world.command(&judge(&["--images", "images"]));
    // Nobody listens there, so that the download fails.
    let closed =
        [("PIP_INDEX_URL", "http://127.0.0.1:9/"), ("PIP_RETRIES", "0"), ("PIP_CONFIG_FILE", "/dev/null")];
    let ended = command.envs(closed).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(!world.path("it-ran").exists() && !said.contains("it ran"), "{said}");
}
