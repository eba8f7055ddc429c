//! A process that is killed in the middle of a run, without any chance to tidy up.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assay_flow::{InputSpec, StepContext, StepError};
use assay_store::RunStatus;
use camino::Utf8PathBuf;

use crate::support::{ANY, Kind, Project, fs_write};

/// Tells the child process which project to run; without it, that test does nothing.
const CHILD: &str = "ASSAY_FLOW_TEST_CHILD";

const STEPS: &str = "[steps.before]
kind = 'number'
params = { add = 3 }

[steps.end]
kind = 'count'
inputs = { of = 'before' }
";

/// Counts to ten and saves each count; at five it waits for good if `stop` is true.
fn count(context: &StepContext<'_>, stop: bool) -> Result<(), StepError> {
    let dir = context.checkpoint()?;
    let file = dir.join("count");
    let from: u32 = std::fs::read_to_string(&file).map_or(0, |text| text.parse().unwrap());
    for count in from + 1..=10 {
        // Replaced as a whole, as a kill may come at any instant.
        std::fs::write(dir.join("new"), count.to_string())?;
        std::fs::rename(dir.join("new"), &file)?;
        if stop && count == 5 {
            loop {
                std::fs::write(dir.join("../../reached"), "")?;
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    Ok(fs_write(context, &format!("counted on from {from}"))?)
}

fn add_kind(project: &mut Project, stop: bool) {
    let kind = Kind::new("count", move |context| count(context, stop));
    project.registry.register(kind.inputs(const { &[InputSpec::one("of", ANY)] })).unwrap();
}

/// The process that is killed.
#[test]
fn child() {
    let Some(root) = std::env::var_os(CHILD) else { return };
    let mut project = Project::at(Utf8PathBuf::from(root.into_string().unwrap()));
    crate::support::arithmetic(&mut project.registry);
    add_kind(&mut project, true);
    project.run();
}

#[test]
fn a_killed_run_loses_nothing_that_was_finished_or_saved() {
    let mut project = Project::arithmetic("", STEPS);
    add_kind(&mut project, false);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child"])
        .env(CHILD, project.root())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let reached = project.root().join(".assay/reached");
    let begun = Instant::now();
    while !reached.exists() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(reached.exists(), "the child never got that far");

    let runs = project.store().runs().unwrap();
    assert_eq!(runs.iter().map(|run| run.status).collect::<Vec<_>>(), [RunStatus::Interrupted]);
    assert_eq!(project.run(), ["end"]);
    assert_eq!(project.output(), "counted on from 5");
}
