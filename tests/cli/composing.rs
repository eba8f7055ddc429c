//! Reports are composed when something that they are made from has changed, or when their files are not as they were.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use assay_store::{Hash, Store};
use camino::Utf8Path;
use serde_json::Value;

use crate::several::recipe;
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

/// The file of an object.
fn object(world: &World, object: &Hash) -> PathBuf {
    let hex = object.to_string();
    world.path(".assay/objects").join(&hex[..2]).join(&hex[2..])
}

/// Puts other bytes into the place of an object; gives those that were there.
fn replace(world: &World, hash: &Hash, bytes: &[u8]) -> Vec<u8> {
    let path = object(world, hash);
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
    // Where a file of it is gone, it is composed: the damage is met, and what is damaged is made anew.
    fs::remove_file(world.path(FILES[0])).unwrap();
    let said = world.run(&RUN).succeeds().stderr();
    assert!(said.contains("the store has lost artefacts that the report shows"), "{said}");
    assert_eq!(report(&world), before);
    assert_eq!(replace(&world, &generations, &whole), whole);
}

/// A run makes anew what its report shows, and not only what its steps take.
#[test]
fn a_lost_artefact_that_a_report_shows_is_made_anew() {
    let world = World::finished();
    let before = report(&world);
    let model = artefact(&world, "ours-1k-acc-restated.final[seed=1]");
    let store = Store::open(Utf8Path::from_path(&world.path(".assay")).unwrap()).unwrap();
    let log = store.tree(&model).unwrap().get("training.jsonl").unwrap().hash;
    drop(store);
    let whole = replace(&world, &log, b"damaged");
    fs::remove_file(world.path(FILES[1])).unwrap();
    let said = world.run(&RUN).succeeds().stderr();
    assert!(said.contains("the store has lost artefacts that the report shows"), "{said}");
    assert_eq!(report(&world), before);
    assert_eq!(replace(&world, &log, &whole), whole, "the log was made anew");
    // The same where several recipes run, and where the file is gone.
    let again = recipe("tiny-a", "sft-1k-restated", "");
    fs::write(world.path("recipes/tiny-a.toml"), again).unwrap();
    let both = ["run", "table-05", "tiny-a", "--scale", "tiny"];
    world.run(&both).succeeds();
    replace(&world, &log, b"damaged");
    fs::remove_file(world.path(FILES[1])).unwrap();
    let said = world.run(&both).succeeds().stderr();
    assert!(said.contains("the store has lost artefacts that the report shows"), "{said}");
    assert_eq!(report(&world), before);
    fs::remove_file(object(&world, &log)).unwrap();
    fs::remove_file(world.path(FILES[1])).unwrap();
    world.run(&both).succeeds();
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
