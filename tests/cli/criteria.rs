//! Files of criteria: what is fixed beforehand, and the hash of nothing else.

use std::process::Command;

use serde_json::Value;

use crate::world::{World, copy, repository};

/// A table of imported rows, whose criteria stand in a file of their own.
fn world() -> World {
    let world = World::new();
    copy(&repository().join("examples/other-paper"), &world.path("examples/other-paper"));
    std::fs::copy(world.path("examples/other-paper/birds.toml"), world.path("recipes/birds.toml")).unwrap();
    let claims = r#"claims = [{ id = "B.1", text = "Heron counts better than Wren", expression = "heron.Birds > wren.Birds" }]"#;
    world.edit("recipes/birds.toml", claims, "claims = \"$birds.claims\"\nhistory = \"$birds.history\"");
    let history = "history = [\"Nothing was known.\"]";
    std::fs::create_dir_all(world.path("recipes/criteria")).unwrap();
    std::fs::write(world.path("recipes/criteria/birds.toml"), format!("{claims}\n{history}\n")).unwrap();
    world
}

fn criteria(world: &World) -> Value {
    world.run(&["run", "birds", "--scale", "tiny"]).succeeds();
    let report: Value = serde_json::from_str(&world.read("reports/tiny/birds.json")).unwrap();
    report["criteria"].clone()
}

#[test]
fn the_hash_of_the_criteria_moves_with_them_and_with_nothing_else() {
    let world = world();
    let first = criteria(&world);
    assert_eq!(first["history"][0], "Nothing was known.");
    let file = |criteria: &Value| criteria["files"][0]["file"].as_str().unwrap().to_owned();
    assert_eq!(file(&first), "recipes/criteria/birds.toml");

    world.edit("recipes/birds.toml", "Counting birds", "How birds are counted");
    world.edit("recipes/scale/tiny.toml", "seeds = [1, 2]", "# A note.\nseeds = [1, 2]");
    assert_eq!(criteria(&world)["hash"], first["hash"], "a title and a note are no criteria");

    world.edit("recipes/criteria/birds.toml", "heron.Birds > wren.Birds", "heron.Birds > wren.Birds + 5");
    assert_ne!(criteria(&world)["hash"], first["hash"]);
}

#[test]
fn a_table_without_such_files_says_nothing_of_criteria() {
    let world = world();
    std::fs::remove_dir_all(world.path("recipes/criteria")).unwrap();
    world.run(&["run", "birds", "--scale", "tiny"]).fails_with(2).says(&["has a value `birds.claims`"]);
    world.edit("recipes/birds.toml", "claims = \"$birds.claims\"\nhistory = \"$birds.history\"", "");
    assert_eq!(criteria(&world), Value::Null);
}

/// The commit since when the criteria have stood, and none for what is not committed.
#[test]
fn the_first_commit_of_the_criteria_is_told() {
    let world = world();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
        let output =
            Command::new("git").arg("-C").arg(world.path("")).args(identity).args(arguments).output();
        output
            .ok()
            .filter(|output| output.status.success())
            .map(|output| String::from_utf8(output.stdout).unwrap())
    };
    if git(&["init", "-q"]).is_none() {
        eprintln!("skipped: git is not installed");
        return;
    }
    let commit = |file: &str| {
        git(&["add", file]).unwrap();
        git(&["commit", "-q", "-m", "A change."]).unwrap();
        git(&["rev-parse", "HEAD"]).unwrap().trim().to_owned()
    };
    let told = || criteria(&world)["files"][0]["first_commit"].clone();
    assert_eq!(told(), Value::Null, "not committed yet");
    let first = commit("recipes/criteria");
    commit("recipes/birds.toml");
    assert_eq!(told(), first.as_str(), "not the last commit, which left it alone");
    world.edit("recipes/criteria/birds.toml", "Nothing was known.", "Little was known.");
    assert_eq!(told(), Value::Null, "edited since");
    let second = commit("recipes/criteria");
    assert_eq!(told(), second.as_str());
}
