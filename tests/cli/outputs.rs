//! Where a command's results go: files that must not be lost, and a standard output that may fail.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::{World, repository};

const PROBLEM: &str = r#"{"id": "sum", "tests": [{"input": "1 2", "output": "3"}]}"#;
const SAMPLE: &str = r#"{"sample_id": "s", "question_id": "sum", "code": "print(3)"}"#;

fn world() -> World {
    let world = World::new();
    std::fs::write(world.path("p.jsonl"), PROBLEM).unwrap();
    std::fs::write(world.path("s.jsonl"), SAMPLE).unwrap();
    std::fs::create_dir(world.path("programs")).unwrap();
    std::fs::write(world.path("programs/sum.py"), "print(3)").unwrap();
    std::fs::write(world.path("rows.jsonl"), r#"{"id": 1, "gold": "C", "prediction": "C"}"#).unwrap();
    world
}

fn assert_no_panic(command: &mut Command, code: i32) {
    let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{stderr}");
    assert!(!stderr.contains("panicked"), "{command:?}\n{stderr}");
    assert_eq!(code == 3, stderr.contains("cannot write to standard output"), "{command:?}\n{stderr}");
}

/// A full disk is the environment's fault; a reader that has seen enough is none.
#[test]
fn a_standard_output_that_fails_ends_the_command_in_order() {
    let world = world();
    let judge = ["judge", "p.jsonl", "s.jsonl"];
    let grade = ["grade", "rows.jsonl", "--grader", "choice-mmlu-pro", "--out", "graded.jsonl"];
    let commands: [&[&str]; 7] = [
        &["completions", "bash"],
        &judge,
        &[&judge[..], &["--json"]].concat(),
        &[&judge[..], &["--explain", "s"]].concat(),
        &grade,
        &["plan", "table-05", "--scale", "tiny"],
        &["store", "stats"],
    ];
    for arguments in commands {
        if let Ok(full) = File::options().write(true).open("/dev/full") {
            assert_no_panic(world.command(arguments).stdout(full), 3);
        }
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_no_panic(world.command(arguments).stdout(writer), 0);
    }
}

#[test]
fn nothing_that_is_read_is_written_over() {
    let world = world();
    #[cfg(unix)]
    std::os::unix::fs::symlink("s.jsonl", world.path("link.jsonl")).unwrap();
    let judge = |more: &[&str]| world.run(&[&["judge", "p.jsonl", "s.jsonl"], more].concat());
    for (arguments, part) in [
        (&["--out", "p.jsonl"][..], "--out p.jsonl would overwrite p.jsonl"),
        (&["--report", "./programs/../s.jsonl"], "would overwrite s.jsonl"),
        (&["--eval-all", "link.jsonl"], "--eval-all link.jsonl would overwrite s.jsonl"),
        (&["--out", "new", "--report", "./new"], "--report ./new would overwrite what --out writes"),
        (&["--out", "-"], "--out takes a file"),
        (&["--out", "programs"], "programs is a folder"),
    ] {
        judge(arguments).fails_with(2).says(&[part]);
    }
    world
        .run(&["judge", "p.jsonl", "programs", "--out", "programs/sum.py"])
        .fails_with(2)
        .says(&["would overwrite a program of programs"]);
    world
        .run(&["grade", "rows.jsonl", "--grader", "choice-mmlu-pro", "--out", "rows.jsonl"])
        .fails_with(2)
        .says(&["would overwrite rows.jsonl"]);
    assert_eq!((world.read("p.jsonl"), world.read("s.jsonl")), (PROBLEM.to_owned(), SAMPLE.to_owned()));
    // Refused before there was any work, and before the store was made.
    judge(&["--out", "p.jsonl/deeper/out"]).fails_with(3).says(&[
        "cannot write p.jsonl/deeper/out",
        "--out",
        "help",
    ]);
    assert!(!world.path(".assay").exists() && !world.path("new").exists());
    judge(&["--out", "deep/er/out.jsonl", "--report", "/dev/null", "--eval-all", "/dev/null"]).succeeds();
    assert!(world.read("deep/er/out.jsonl").contains("\"pass\""));
}

/// What stands in a row is quoted, never obeyed: neither escape sequences nor marks that reorder text.
#[test]
fn messages_cannot_act_on_the_terminal() {
    let world = world();
    let id = "\u{1b}]0;title\u{7}\u{202e}x\u{9b}";
    let row = json!({ "sample_id": id, "question_id": id, "code": "" });
    std::fs::write(world.path("s.jsonl"), format!("{row}\n")).unwrap();
    let problems = format!("{0}\n{0}\n", json!({ "id": id, "tests": [] }));
    std::fs::write(world.path("twice.jsonl"), problems).unwrap();
    for arguments in [
        &["judge", "twice.jsonl", "s.jsonl"][..],
        &["judge", "p.jsonl", "s.jsonl"],
        &["judge", "p.jsonl", "s.jsonl", "--explain", id],
        &["judge", "p.jsonl", "s.jsonl", "--explain", "\u{1b}[31mno"],
    ] {
        let ran = world.run(arguments).either_way();
        let text = ran.stdout() + &ran.stderr();
        let acts = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(text.contains("\\u{1b}") && !text.contains(acts), "{text:?}");
    }
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let world = world();
    for (option, value, part) in [
        ("--time-limit", "0", "whole seconds from 1 to 3600"),
        ("--time-limit", "1.5", "--fuel is finer"),
        ("--time-limit", "3601", "whole seconds"),
        ("--fuel", "0", "not in 1.."),
        ("--memory", "127", "128..=1024"),
    ] {
        world.run(&["judge", "p.jsonl", "s.jsonl", option, value]).fails_with(2).says(&[part]);
    }
    world.run(&["grade", "rows.jsonl", "--out", "o", "--fuel", "0"]).fails_with(2).says(&["not in 1.."]);
}

/// Nothing is done that no number of threads or amount of memory could do, also where neither is used.
#[test]
fn no_threads_and_no_memory_are_refused() {
    let world = World::finished();
    for command in [
        &["run", "table-05", "--scale", "tiny"][..],
        &["run", "table-05", "table-04", "--scale", "tiny"],
        &["check", "table-05", "--scale", "tiny"],
        &["challenge", "nothing"],
        &["plan", "table-05"],
    ] {
        for option in ["--threads", "--memory"] {
            world.run(&[command, &[option, "0"]].concat()).fails_with(2).says(&["error", option]);
        }
    }
    world.run(&["calibrate", "--repetitions", "0"]).fails_with(2).says(&["not in 1.."]);
}

/// A place that cannot be written is refused before hours of work are done for it.
#[test]
fn a_place_for_reports_that_cannot_be_written_is_refused_at_once() {
    let world = world();
    let table = ["run", "table-05", "--scale", "tiny"];
    let tables = ["run", "table-05", "table-04", "--scale", "tiny"];
    for recipes in [&table[..], &tables] {
        let out = |place| world.run(&[recipes, &["--out", place]].concat());
        out("p.jsonl").fails_with(2).says(&["--out takes a folder, and p.jsonl is none", "help"]);
        out("p.jsonl/deeper").fails_with(3).says(&["cannot write p.jsonl/deeper/table-05.md", "help"]);
        std::fs::create_dir_all(world.path("taken/table-05.json")).unwrap();
        out("taken").fails_with(3).says(&["cannot write taken/table-05.json", "help"]);
    }
    let artefact = |place| world.run(&["run", "base-s", "--scale", "tiny", "--out", place]);
    artefact("programs").fails_with(2).says(&["programs exists already", "help"]);
    artefact("p.jsonl/deeper").fails_with(3).says(&["cannot write p.jsonl/deeper", "--out", "help"]);
    let runs = world.run(&["runs", "--json"]).succeeds().stdout();
    let runs: serde_json::Value = serde_json::from_str(&runs).unwrap();
    assert_eq!(runs["runs"], json!([]), "something was run");
}

#[test]
fn completions_offer_what_a_user_can_choose() {
    let script = World::new().run(&["completions", "bash"]).succeeds().stdout();
    assert!(script.contains("assay lcb skythought"), "{script}");
    assert!(script.contains("choice-mmlu-pro"));
    assert!(!script.contains("worker\""), "{script}");
    assert!(!script.contains("judge-worker"), "{script}");
}

#[test]
fn the_readme_and_the_help_give_the_same_exit_codes() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let help = words(&World::new().run(&["--help"]).succeeds().stdout());
    let (_, codes) = help.split_once("Exit codes: ").unwrap();
    let readme = words(&std::fs::read_to_string(repository().join("README.md")).unwrap());
    assert!(readme.contains(&format!("Exit codes: {codes}.")), "not in README.md: {codes}");
}

/// A signal ends grading in order: nothing is written, and what was graded is kept for the next time.
#[test]
fn interrupted_grading_writes_nothing() {
    let world = World::new();
    let row = |n: u32| {
        format!("{}\n", json!({ "id": n, "gold": format!("$x+{n}$"), "prediction": format!("${n}+x$") }))
    };
    std::fs::write(world.path("rows.jsonl"), (0..100_000).map(row).collect::<String>()).unwrap();
    let arguments = ["grade", "rows.jsonl", "--out", "out.jsonl", "--workers", "1"];
    let mut command = world.command(&arguments);
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while !handles_interrupts(running.id()) || !world.path(".assay/format").exists() {
        assert!(running.try_wait().unwrap().is_none() && Instant::now() < deadline, "it never got to work");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap().success());
    let output = running.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("grades are kept, and the same command goes on"), "{stderr}");
    assert!(!world.path("out.jsonl").exists());
}

/// Whether a process has a handler for SIGINT.
fn handles_interrupts(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 2 != 0)
}
