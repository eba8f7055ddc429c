//! Reports are composed when something that they are made from has changed, or when their files are not as they were.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use assay_store::{Hash, Store};
use camino::Utf8Path;
use serde_json::Value;

use crate::world::World;

const RUN: [&str; 4] = ["run", "table-05", "--scale", "tiny"];
const FILES: [&str; 3] =
    ["reports/tiny/table-05.md", "reports/tiny/table-05.json", "reports/tiny/table-05.html"];

fn report(world: &World) -> [String; 3] {
    FILES.map(|file| world.read(file))
}

/// The artefact of a step.
fn artefact(world: &World, step: &str) -> Hash {
    let plan = world.run(&["plan", "table-05", "--scale", "tiny", "--json"]).succeeds().stdout();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let entry = plan["steps"].as_array().unwrap().iter().find(|entry| entry["step"] == step).unwrap();
    entry["output"].as_str().unwrap().parse().unwrap()
}

/// Puts other bytes into the place of an object; gives those that were there.
fn replace(world: &World, object: &Hash, bytes: &[u8]) -> Vec<u8> {
    let hex = object.to_string();
    let path: PathBuf = world.path(".assay/objects").join(&hex[..2]).join(&hex[2..]);
    let before = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    before
}

#[test]
fn files_of_a_report_that_were_edited_or_removed_are_restored() {
    let world = World::finished();
    let before = report(&world);
    for file in FILES {
        fs::write(world.path(file), world.read(file).replacen("assay", "essay", 1) + "\n").unwrap();
        world.run(&RUN).succeeds();
        assert_eq!(report(&world), before, "{file} was edited");
        fs::remove_file(world.path(file)).unwrap();
        let shown = world.run(&[&RUN[..], &["--quiet"]].concat()).succeeds().stdout();
        assert!(shown.contains("T5.1"), "{shown}");
        assert_eq!(report(&world), before, "{file} was removed");
    }
    // In another folder, and what is printed, alike.
    let again = world.run(&RUN).succeeds().stdout();
    world.run(&[&RUN[..], &["--out", "other"]].concat()).succeeds();
    assert_eq!(FILES.map(|file| world.read(&file.replace("reports/tiny", "other"))), before);
    let composed = world.run(&[&RUN[..], &["--out", "third"]].concat()).succeeds().stdout();
    assert_eq!(composed.replace("third", "reports/tiny"), again.replace(&root(&world), ""));
}

/// The workspace, as files in it are named.
fn root(world: &World) -> String {
    format!("{}/", world.path("").canonicalize().unwrap().display())
}

/// Nothing is read of what stands behind a report that is there already.
#[test]
fn a_report_that_is_there_is_not_composed_again() {
    let world = World::finished();
    let before = report(&world);
    let generations = artefact(&world, "base-m.generations");
    let whole = replace(&world, &generations, b"damaged");
    let said = world.run(&RUN).succeeds();
    assert!(said.stderr().contains("no step executed"), "{}", said.stderr());
    assert_eq!(report(&world), before);
    // Where a file of it is gone, it is composed, and the damage is met.
    fs::remove_file(world.path(FILES[0])).unwrap();
    world.run(&RUN).fails_with(3).says(&["corrupt"]);
    replace(&world, &generations, &whole);
    world.run(&RUN).succeeds();
    assert_eq!(report(&world), before);
}

/// A report that was composed without an artefact is not taken for the one with it.
#[test]
fn a_report_without_a_lost_artefact_is_not_remembered() {
    let world = World::finished();
    let before = report(&world);
    let model = artefact(&world, "ours-1k-acc-restated.final[seed=1]");
    let store = Store::open(Utf8Path::from_path(&world.path(".assay")).unwrap()).unwrap();
    let log = store.tree(&model).unwrap().get("training.jsonl").unwrap().hash;
    drop(store);
    let whole = replace(&world, &log, b"damaged");
    fs::remove_file(world.path(FILES[1])).unwrap();
    world.run(&RUN).succeeds();
    let without = report(&world);
    assert_ne!(without, before, "the log is not in the report");
    world.run(&RUN).succeeds();
    assert_eq!(report(&world), without);
    replace(&world, &log, &whole);
    world.run(&RUN).succeeds();
    assert_eq!(report(&world), before);
}

/// What was found out about an artefact later is in the next report.
#[test]
fn a_challenge_changes_the_report() {
    let world = World::finished();
    let before = report(&world);
    world.run(&["challenge", "questions", "-n", "1", "table-05", "--scale", "tiny"]).succeeds();
    world.run(&RUN).succeeds();
    let after = report(&world);
    assert!(after[1].contains("\"label\": \"bit-identical\"") && !before[1].contains("\"challenge\""));
    assert!(FILES.iter().zip(after.iter().zip(&before)).any(|(_, (after, before))| after != before));
}

#[test]
fn two_processes_may_see_to_the_same_report() {
    let world = World::finished();
    let before = report(&world);
    fs::remove_dir_all(world.path("reports")).unwrap();
    let mut children: Vec<_> =
        (0..3).map(|_| world.command(&RUN).stdout(Stdio::null()).spawn().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(report(&world), before);
}
