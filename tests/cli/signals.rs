//! Signals: a command that is told to end does so in order, with what it started, and says what it keeps.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(240);
const HUP: u32 = 1;
const INT: u32 = 2;
const TERM: u32 = 15;

/// A Python that starts another program and then waits for ever, as a download does whose other end says nothing.
const HANGING_PYTHON: &str = "#!/bin/sh\nsleep 100000 &\necho $! > child\necho $$ > parent\nwait\n";

const JUDGE: [&str; 5] = ["judge", "problems.jsonl", "samples.jsonl", "--out", "out.jsonl"];
const GRADE: [&str; 4] = ["grade", "rows.jsonl", "--out", "out.jsonl"];

/// A workspace with more to judge and to grade than a test waits for.
fn world() -> World {
    let world = World::new();
    fs::write(world.path("problems.jsonl"), r#"{"id": "sum", "tests": [{"input": "1 2", "output": "3"}]}"#)
        .unwrap();
    let sample = |n: u32| {
        let code = format!("print({n} - {n} + 3)");
        format!("{}\n", json!({ "sample_id": n.to_string(), "question_id": "sum", "code": code }))
    };
    fs::write(world.path("samples.jsonl"), (0..100_000).map(sample).collect::<String>()).unwrap();
    let row = |n: u32| {
        format!("{}\n", json!({ "id": n, "gold": format!("$x+{n}$"), "prediction": format!("${n}+x$") }))
    };
    fs::write(world.path("rows.jsonl"), (0..100_000).map(row).collect::<String>()).unwrap();
    world
}

/// What `nohup` ignores, and a shell for a job in the background, stays ignored.
#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let world = world();
    let mut running = start(&mut world.command_after(r#"trap "" HUP INT"#, &GRADE));
    wait_for(&mut running, |process| has(process, "SigCgt:", TERM) && world.path(".assay/format").exists());
    for signal in [HUP, INT] {
        assert!(has(running.id(), "SigIgn:", signal) && !has(running.id(), "SigCgt:", signal), "{signal}");
    }
    send(&running, "-HUP");
    send(&running, "-INT");
    send(&running, "-TERM");
    let output = running.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    // Had one of the first two counted, the third would have ended it without a word.
    assert!(stderr.contains("grades are kept"), "{stderr}");
}

/// A supervisor's TERM is heard as Ctrl-C is.
#[test]
fn termination_ends_judging_in_order() {
    let world = world();
    let mut running = start(&mut world.command(&JUDGE));
    wait_for(&mut running, |process| has(process, "SigCgt:", TERM));
    send(&running, "-TERM");
    let output = running.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("stopping") && stderr.contains("interrupted"), "{stderr}");
    assert!(!world.path("out.jsonl").exists());
}

/// What is told to be kept is known to the next command.
#[test]
fn judgements_that_are_said_to_be_kept_are_kept() {
    let world = world();
    let known = |world: &World| {
        let stats = world.run(&["store", "stats", "--json"]).either_way().stdout();
        let stats: serde_json::Value = serde_json::from_str(&stats).unwrap_or_default();
        stats["memo_values"].as_u64().unwrap_or_default()
    };
    let mut running = start(&mut world.command(&JUDGE));
    wait_for(&mut running, |_| known(&world) > 0);
    send(&running, "-INT");
    let output = running.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    let kept = known(&world);
    assert!(stderr.contains(&format!("{kept} of 100000 judgements are kept")), "{kept} {stderr}");
}

/// A second signal does not wait for anything: here not for the other end of a pipe.
#[test]
fn a_second_signal_ends_at_once() {
    let world = world();
    assert!(Command::new("mkfifo").arg(world.path("pipe")).status().unwrap().success());
    let mut running = start(&mut world.command(&["grade", "pipe", "--out", "out.jsonl"]));
    wait_for(&mut running, |process| has(process, "SigCgt:", INT));
    send(&running, "-INT");
    std::thread::sleep(Duration::from_millis(500));
    assert!(running.try_wait().unwrap().is_none(), "it did not wait for the pipe");
    send(&running, "-INT");
    assert_eq!(running.wait().unwrap().code(), Some(130));
}

/// Whatever sets the image up ends with it, with all that it has started.
#[test]
fn a_set_up_that_hangs_can_be_stopped_everywhere() {
    let world = World::finished();
    one_of_each(&world);
    let sampled = ["run", "table-05", "--scale", "tiny", "--set", "evaluation.samples=3"];
    let commands: [(&[&str], &str); 4] =
        [(&JUDGE, "-TERM"), (&GRADE, "-INT"), (&["calibrate"], "-TERM"), (&sampled, "-INT")];
    for (arguments, signal) in commands {
        let python = world.path("python");
        let arguments = [arguments, &["--python", python.to_str().unwrap(), "--images", "images"]].concat();
        let mut running = start(&mut world.command(&arguments));
        let pids = || {
            let folder = fs::read_dir(world.path("images/downloads")).into_iter().flatten().flatten();
            let mut folders = folder.map(|entry| entry.path()).filter(|path| path.join("parent").exists());
            folders.next().map(|path| [pid(&path.join("parent")), pid(&path.join("child"))])
        };
        wait_for(&mut running, |_| pids().is_some_and(|pids| pids.iter().all(Option::is_some)));
        let [parent, child] = pids().unwrap().map(Option::unwrap);
        send(&running, signal);
        let output = running.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(130), "{arguments:?}\n{stderr}");
        // What was killed ends when the system gets to it.
        let started = Instant::now();
        while runs(parent) || runs(child) {
            assert!(started.elapsed() < PATIENCE, "{arguments:?} left what it started\n{stderr}");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(fs::read_dir(world.path("images/downloads")).unwrap().count(), 0, "{arguments:?}");
    }
}

/// Nobody can wait for what it has started when it is killed: the system ends it.
#[cfg(target_os = "linux")]
#[test]
fn a_download_ends_with_a_killed_command() {
    let world = World::finished();
    one_of_each(&world);
    let python = world.path("python");
    let arguments = [&JUDGE[..], &["--python", python.to_str().unwrap(), "--images", "images"]].concat();
    let mut running = start(&mut world.command(&arguments));
    let parent = || {
        let mut folders = fs::read_dir(world.path("images/downloads")).into_iter().flatten().flatten();
        folders.find_map(|folder| pid(&folder.path().join("parent")))
    };
    wait_for(&mut running, |_| parent().is_some());
    let parent = parent().unwrap();
    running.kill().unwrap();
    running.wait().unwrap();
    let started = Instant::now();
    while runs(parent) {
        assert!(started.elapsed() < PATIENCE, "it left its download running");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One sample, one row and a Python that hangs.
fn one_of_each(world: &World) {
    fs::write(world.path("problems.jsonl"), r#"{"id": "sum", "tests": [{"input": "1 2", "output": "3"}]}"#)
        .unwrap();
    let sample = json!({ "sample_id": "s", "question_id": "sum", "code": "print(3)" });
    fs::write(world.path("samples.jsonl"), sample.to_string()).unwrap();
    fs::write(
        world.path("rows.jsonl"),
        json!({ "id": 1, "gold": "$x+1$", "prediction": "$1+x$" }).to_string(),
    )
    .unwrap();
    let python = world.path("python");
    fs::write(&python, HANGING_PYTHON).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
}

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0).spawn().unwrap()
}

fn wait_for(running: &mut Child, condition: impl Fn(u32) -> bool) {
    let started = Instant::now();
    while !condition(running.id()) {
        assert!(running.try_wait().unwrap().is_none(), "it ended before it was at work");
        assert!(started.elapsed() < PATIENCE, "it never got to work");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn send(running: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &running.id().to_string()]).status().unwrap().success());
}

/// The number of a process that a file holds.
fn pid(file: &Path) -> Option<u32> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Whether a process runs: one that has ended and that nobody has waited for does not.
fn runs(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    state.is_some_and(|state| !state.trim().starts_with(['Z', 'X']))
}

/// Whether a signal is in a set of a process: `SigCgt:`, those with a handler, or `SigIgn:`, those that it ignores.
fn has(process: u32, set: &str, signal: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix(set));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}
