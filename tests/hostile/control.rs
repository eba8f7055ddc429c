//! Positive controls: each attack once more where it succeeds.
//!
//! ```text
//! native WHAT         in a plain Python process (`native.py`)
//! weak WHAT           in a judge that runs programs inside itself (`weak_judge.py`)
//! raised LIMITS WHAT  in the sandbox, with limits that let it through: `raised fuel=1e10 passes`
//! ```
//!
//! where WHAT is
//!
//! ```text
//! prints TEXT         its output holds the text
//! writes FILE         the file is there afterwards
//! deletes FILE        the file, there before, is gone afterwards
//! dies SIGNAL         a signal ends it: SIGPROF after some processor time
//! exits NUMBER        it ends with this code and has printed no verdict
//! peak MIB            it takes at least so much memory
//! floods MIB          it writes at least so much output
//! waits SECONDS       it takes at least so long
//! varies              a second run prints something else
//! silent              the judge ends without a verdict
//! connects, sends     a TCP connection, a datagram arrives at a listener
//! passes              the judge's verdict is `pass` on every test
//! reaches VERDICT     the judge's verdict is another one
//! ```
#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use assay_sandbox::{Image, Verdict};
use camino::Utf8Path;
use serde::Deserialize;
use serde_json::json;

use crate::program::{Hostile, folder, raised};
use crate::start_of;

/// What `native.py` says that a script did.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    signal: Option<String>,
    exit: Option<i32>,
    pub output: String,
    output_bytes: u64,
    peak_mib: u64,
    wall_seconds: f64,
    arrived: Vec<String>,
}

/// A file that programs find in the folder where they run.
const VICTIM: &str = "victim.txt";

/// Whether there is a Python to attack.
pub(crate) fn has_python() -> bool {
    Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Why the attack did not succeed although nothing stopped it, or `None` if it did.
pub(crate) fn failure(hostile: &Hostile, control: &str, image: &Image) -> Option<String> {
    let (place, what) = control.split_once(' ').unwrap();
    if place == "raised" {
        return raised_failure(hostile, what, image);
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(folder.path()).unwrap();
    fs_err::write(folder.join(VICTIM), "a file of the user\n").unwrap();
    let run = || match place {
        "native" => native(folder, seconds(what), &[&script(folder, hostile)]),
        "weak" => weak(folder, seconds(what), hostile),
        other => panic!("{}: unknown control {other:?}", hostile.name),
    };
    let report = run();
    let succeeded = match what {
        "varies" => run().output != report.output,
        _ => report.shows(what, folder, hostile.tests.len()),
    };
    (!succeeded).then(|| format!("{}: not so: {control}; {}", hostile.name, start_of(&report)))
}

/// Seconds of processor time: few where using them up is what is waited for.
fn seconds(what: &str) -> &'static str {
    if matches!(what, "dies SIGPROF" | "dies SIGKILL") { "0.3" } else { "2" }
}

/// Runs a script in a Python process that starts in `folder`, for so many seconds of processor time.
fn native(folder: &Utf8Path, seconds: &str, script: &[&str]) -> Report {
    let output = Command::new("python3")
        .arg("-I")
        .arg(crate::program::folder().join("native.py").canonicalize_utf8().unwrap())
        .arg(seconds)
        .args(script)
        .current_dir(folder)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{script:?}: {error}\n{stderr}"))
}

/// Gives a program and its tests to the weak judge.
pub(crate) fn weak(at: &Utf8Path, seconds: &str, hostile: &Hostile) -> Report {
    let tests = match &hostile.check {
        None => json!([hostile.function(), hostile.tests]),
        Some(check) => json!(["check", [[check, null]]]),
    };
    fs_err::write(at.join("tests.json"), tests.to_string()).unwrap();
    let judge = folder().join("weak_judge.py");
    native(at, seconds, &[judge.as_str(), &script(at, hostile), "tests.json"])
}

/// Writes a program to a file and gives its name.
fn script(at: &Utf8Path, hostile: &Hostile) -> String {
    let name = "program.py".to_owned();
    fs_err::write(at.join(&name), &hostile.program.source).unwrap();
    name
}

impl Report {
    /// Whether the script, run in `folder`, did this.
    pub(crate) fn shows(&self, what: &str, folder: &Utf8Path, tests: usize) -> bool {
        let (verb, object) = what.split_once(' ').unwrap_or((what, ""));
        let verdicts = || self.output.lines().filter_map(|line| line.strip_prefix("verdict: "));
        match verb {
            "prints" => self.output.contains(object),
            "writes" => folder.join(object).exists(),
            "deletes" => !folder.join(object).exists(),
            "dies" => self.signal.as_deref() == Some(object),
            "exits" => self.exit == object.parse().ok() && verdicts().next().is_none(),
            "peak" => self.peak_mib >= object.parse().unwrap(),
            "floods" => self.output_bytes >= object.parse::<u64>().unwrap() << 20,
            "connects" => self.arrived.iter().any(|how| how == "tcp"),
            "sends" => self.arrived.iter().any(|how| how == "udp"),
            "waits" => self.wall_seconds >= object.parse().unwrap(),
            "silent" => verdicts().next().is_none(),
            "passes" => verdicts().count() == tests && verdicts().all(|verdict| verdict == "pass"),
            other => panic!("unknown control {other:?}"),
        }
    }
}

fn raised_failure(hostile: &Hostile, what: &str, image: &Image) -> Option<String> {
    let is_limit = |word: &&str| word.contains('=');
    let limits = what.split(' ').take_while(is_limit).collect::<Vec<_>>().join(" ");
    let what: Vec<&str> = what.split(' ').skip_while(is_limit).collect();
    let judgement = hostile.judge_under(image, raised(&hostile.limits, &limits).unwrap());
    let succeeded = match what[..] {
        ["passes"] => judgement.verdict == Verdict::Pass,
        ["reaches", verdict] => json!(judgement.verdict) == verdict,
        ["peak", mib] => {
            judgement.tests.iter().any(|test| test.peak_memory >> 20 >= mib.parse::<u64>().unwrap())
        }
        _ => panic!("{}: unknown control {what:?}", hostile.name),
    };
    (!succeeded)
        .then(|| format!("{}: not so under {limits}: {what:?}; {}", hostile.name, start_of(&judgement)))
}
