//! Kills: the next run goes on, and ends in the same bytes.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::world::{World, steps};

/// Long enough to be caught at work on any machine.
const LONG_TRAINING: [&str; 5] = ["table-05", "--scale", "tiny", "--set", "reasoner.epochs=120"];
const MUCH_SAMPLING: [&str; 5] = ["table-05", "--scale", "tiny", "--set", "evaluation.samples=60"];
const LONG_POSTERIOR: [&str; 5] = ["table-05", "--scale", "tiny", "--set", "posterior.epochs=120"];
const REWARDED: [&str; 5] = ["rewarded", "--scale", "tiny", "--set", "grpo.training.epochs=200"];
const PATIENCE: Duration = Duration::from_secs(240);

const GRPO_RECIPE: &str = r#"
title = "A model that learned from verdicts"
kind = "table"
locator = "none"
paper = "none"
groups = "$benchmarks.groups"
columns = "$benchmarks.main"
rows = [{ id = "rewarded", label = "Rewarded", model = "general-reasoner-s" }]
"#;

#[test]
fn a_kill_during_training_changes_no_bit() {
    killed_and_resumed(&World::new, &LONG_TRAINING, &is_training, "reasoner[");
}

#[test]
fn a_kill_during_training_of_the_posterior_changes_no_bit() {
    killed_and_resumed(&World::new, &LONG_POSTERIOR, &is_training, "posterior[");
}

#[test]
fn a_kill_during_grpo_changes_no_bit() {
    killed_and_resumed(&with_grpo, &REWARDED, &is_training, "general-reasoner-s.final[");
}

/// A workspace with a table of a model that learns from verdicts.
fn with_grpo() -> World {
    let world = World::new();
    std::fs::write(world.path("recipes/rewarded.toml"), GRPO_RECIPE).unwrap();
    world
}

#[test]
fn a_kill_during_sampling_changes_no_bit() {
    let sampling = |world: &World| {
        let stats = world.run(&["store", "stats", "--json"]).either_way();
        let stats: serde_json::Value = serde_json::from_str(&stats.stdout()).unwrap_or_default();
        // More than the few that training questions take: the evaluation is at work.
        stats["memo_values"].as_u64().is_some_and(|results| results > 900)
    };
    killed_and_resumed(&World::new, &MUCH_SAMPLING, &sampling, ".");
}

/// Ctrl-C ends a run in order: running steps save what they have, and the run is recorded as interrupted.
#[test]
fn an_interrupted_run_says_so_and_is_resumed() {
    let world = World::new();
    let mut child = start(&world, &LONG_TRAINING);
    wait_for(&world, &mut child, &is_training);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let runs = world.run(&["runs"]).succeeds().stdout();
    assert!(runs.contains("interrupted"), "{runs}");
    world.run(&[&["run"], &LONG_TRAINING[..]].concat()).succeeds();
}

/// Whether a training run has saved a checkpoint: a folder in the folder of its action.
fn is_training(world: &World) -> bool {
    let checkpoints = std::fs::read_dir(world.path(".assay/checkpoints"));
    checkpoints.into_iter().flatten().flatten().any(|folder| {
        std::fs::read_dir(folder.path()).into_iter().flatten().flatten().any(|step| step.path().is_dir())
    })
}

/// A run that is killed while a step is at work, and the next one, end in the artefacts of an undisturbed run.
fn killed_and_resumed(
    new: &dyn Fn() -> World,
    arguments: &[&str],
    at_work: &dyn Fn(&World) -> bool,
    step: &str,
) {
    let undisturbed = new();
    undisturbed.run(&[&["run"], arguments].concat()).succeeds();

    let killed = || {
        let world = new();
        let mut child = start(&world, arguments);
        wait_for(&world, &mut child, at_work);
        signal(&child, "-KILL");
        assert_eq!(child.wait().unwrap().code(), None, "the run ended before it could be killed");
        // Now and then a kill falls between two steps.
        unfinished(&world).iter().any(|name| name.contains(step)).then_some(world)
    };
    let Some(world) = (0..5).find_map(|_| killed()) else { panic!("no kill fell into a step like {step}") };
    world.run(&["store", "verify"]).succeeds();
    world.run(&[&["run"], arguments].concat()).succeeds();
    let report = format!(".assay/reports/tiny/{}.json", arguments[0]);
    assert_eq!(world.read(&report), undisturbed.read(&report));
}

/// The steps that the last run has started and not finished, by its log.
fn unfinished(world: &World) -> Vec<String> {
    let lines = |text: String| -> Vec<serde_json::Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let runs = world.run(&["runs", "--json"]).succeeds().stdout();
    let runs: serde_json::Value = serde_json::from_str(&runs).unwrap();
    let log = lines(world.run(&["log", runs["runs"][0]["id"].as_str().unwrap()]).succeeds().stdout());
    let finished = steps(&log, "step-finished");
    steps(&log, "step-started").into_iter().filter(|step| !finished.contains(step)).collect()
}

fn start(world: &World, arguments: &[&str]) -> Child {
    let mut command = world.command(&[&["run"], arguments].concat());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn wait_for(world: &World, child: &mut Child, condition: &dyn Fn(&World) -> bool) {
    let started = Instant::now();
    while !condition(world) {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it was at work");
        assert!(started.elapsed() < PATIENCE, "the run never got to work");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn signal(child: &Child, signal: &str) {
    let status = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}
