//! Hostile programs: what each does in the sandbox, what it does where nothing stops it, and a thousand of
//! them in one process.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

#[path = "../../sandbox/tests/sandbox/common.rs"]
#[expect(dead_code, reason = "shared with the sandbox's own tests")]
mod common;
mod control;
mod crowd;
mod program;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use assay_sandbox::{Judge, Limits, TestResult, Verdict};
use camino::Utf8Path;

use program::Hostile;

/// Memory that the image with numpy has beyond the other one.
const NUMPY_MEMORY: u64 = 64 << 20;

/// Programs run at once.
const THREADS: usize = 2;

/// Held by each test while it runs programs: one of them measures the memory of the process.
static ALONE: Mutex<()> = Mutex::new(());

/// The start of what a thing looks like: reports hold megabytes of output.
fn start_of(thing: &impl std::fmt::Debug) -> String {
    format!("{thing:?}").chars().take(1000).collect()
}

/// Looks at every program, some at once, and gives all complaints in the order of the programs.
fn complaints(programs: &[Hostile], look: impl Fn(&Hostile) -> Vec<String> + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    found.lock().unwrap().extend(look(program));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort();
    found
}

#[test]
fn every_program_ends_as_its_header_says() {
    let Some(image) = common::image() else { return };
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let found =
        complaints(&program::all(), |program| program.complaint(&program.judge(image)).into_iter().collect());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The reference judges compare where programs can reach the comparison, as the originals do: they may be
/// fooled, and some programs fool them. But they run in the sandbox: no program gets further than a verdict
/// on itself.
#[test]
fn reference_judges_may_be_fooled_and_nothing_else() {
    let Some(image) = common::image() else { return };
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let fooled = AtomicUsize::new(0);
    let found = complaints(&program::all(), |program| {
        let judges = [Judge::Lcb, Judge::SkyThought].into_iter();
        let judgements = judges.filter_map(|judge| {
            let judgement = program.judge_as(image, judge)?;
            fooled.fetch_add(usize::from(judgement.verdict == Verdict::Pass), Ordering::Relaxed);
            let failed = |test: &TestResult| test.verdict == Verdict::JudgeFailure;
            let wrong = judgement.tests.is_empty() || judgement.tests.iter().any(failed);
            let again = program.judge_as(image, judge)? != judgement;
            (wrong || again).then(|| format!("{} {judge:?}: {}", program.name, start_of(&judgement)))
        });
        judgements.collect()
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(fooled.into_inner() >= 3, "the flaws that these judges exist for are gone");
}

/// The image with numpy holds them as the other one does: none passes, none gets a failure of the judge, and each does the same
/// again. (Its interpreter is a later one, with another C stack and more memory of its own: what stops a program may differ.)
#[test]
fn the_image_with_numpy_holds_every_program() {
    let Some(image) = common::numpy_image() else { return };
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let found = complaints(&program::all(), |program| {
        let memory_bytes = (program.limits.memory_bytes + NUMPY_MEMORY).min(1 << 30);
        let limits = Limits { memory_bytes, ..program.limits.clone() };
        let judgement = program.judge_under(image, limits.clone());
        let failed = |test: &TestResult| test.verdict == Verdict::JudgeFailure;
        let wrong = judgement.verdict == Verdict::Pass
            || judgement.tests.is_empty()
            || judgement.tests.iter().any(failed);
        let again = program.judge_under(image, limits) != judgement;
        (wrong || again).then(|| format!("{}: {}", program.name, start_of(&judgement))).into_iter().collect()
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_attack_succeeds_where_nothing_stops_it() {
    let Some(image) = common::image() else { return };
    let python = control::has_python();
    if !python {
        eprintln!("skipped: there is no python3 for the controls outside the sandbox");
    }
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let found = complaints(&program::all(), |program| {
        let runs = |control: &&String| python || control.starts_with("raised ");
        let failures = program.controls.iter().filter(runs);
        failures.filter_map(|control| control::failure(program, control, image)).collect()
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn there_are_programs_of_every_class() {
    let programs = program::all();
    let classes: BTreeSet<&str> = programs.iter().map(Hostile::class).collect();
    let expected = [
        "big-integers",
        "codecs",
        "compiler",
        "cpu",
        "environment",
        "expected-values",
        "files",
        "internals",
        "memory",
        "network",
        "other-tests",
        "output",
        "processes",
        "recursion",
        "regex",
        "tampering",
        "time",
    ];
    assert_eq!(classes.into_iter().collect::<Vec<_>>(), expected);
    assert!(programs.len() >= 60, "{}", programs.len());
}

/// The checks of this suite can fail: each is shown what it must not accept.
#[test]
fn the_checks_notice() {
    let read = |header: &str, body: &str| {
        Hostile::read(Utf8Path::new("class/name.py"), &format!("{header}\n{body}"))
    };
    let header =
        "# attack: none\n# entry: f\n# test: [1] -> 2\n# sandbox: wrong-answer: 3\n# control: weak passes";
    for (from, to) in [
        ("# attack: none\n", ""),
        ("# control: weak passes", ""),
        ("# sandbox: wrong-answer: 3\n", ""),
        ("wrong-answer: 3", "pass"),
        ("wrong-answer: 3", "judge-failure"),
        ("wrong-answer: 3", "harmless"),
        ("[1] -> 2", "[1]"),
        ("entry", "enter"),
    ] {
        assert!(header.contains(from), "{from}");
        assert!(read(&header.replace(from, to), "").is_err(), "{to:?} for {from:?}");
    }

    let Some(image) = common::image() else { return };
    for (body, accepted) in [
        ("def f(x): return 3", true),
        ("def f(x): return 2", false),
        ("def f(x): return 33", false),
        ("def f(x): return 1 // 0", false),
        ("while True: pass", false),
    ] {
        let hostile = read(header, body).unwrap();
        assert_eq!(hostile.complaint(&hostile.judge(image)).is_none(), accepted, "{body}");
    }

    if !control::has_python() {
        eprintln!("skipped: there is no python3 for the controls outside the sandbox");
        return;
    }
    // A program that does nothing shows nothing, and the weak judge is right about honest programs.
    let at = tempfile::tempdir().unwrap();
    let at = Utf8Path::from_path(at.path()).unwrap();
    for (body, verdict) in [("def f(x): return 2", "pass"), ("def f(x): return 3", "wrong-answer")] {
        let hostile = read(header, body).unwrap();
        fs_err::write(at.join("victim.txt"), "").unwrap();
        let report = control::weak(at, "5", &hostile);
        assert!(report.output.starts_with(&format!("verdict: {verdict}\n")), "{report:?}");
        let shown = [
            "prints open-sesame",
            "writes marker",
            "deletes victim.txt",
            "dies SIGPROF",
            "exits 0",
            "peak 100",
            "floods 1",
            "connects",
            "sends",
            "silent",
            "waits 20",
            "passes",
        ]
        .map(|what| report.shows(what, at, 1));
        assert_eq!(shown, [[false; 11].as_slice(), &[verdict == "pass"]].concat()[..], "{report:?}");
    }
}

/// Every test that `SECURITY.md` names is there.
#[test]
fn promises_are_held_by_tests_that_exist() {
    let text = fs_err::read_to_string(common::workspace().join("SECURITY.md")).unwrap();
    let mut code = String::new();
    for folder in ["tests/hostile", "sandbox/tests/sandbox", "sandbox/src"] {
        for file in common::workspace().join(folder).read_dir_utf8().unwrap() {
            let path = file.unwrap().into_path();
            if path.extension() == Some("rs") {
                code += &fs_err::read_to_string(path).unwrap();
            }
        }
    }
    let is_test =
        |name: &&str| name.contains('_') && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let named: Vec<&str> = text.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(named.len() >= 10, "{named:?}");
    for name in named {
        assert!(code.contains(&format!("fn {name}(")), "SECURITY.md names `{name}`, which is no test");
    }
}
