//! Files of criteria: what is fixed beforehand, and the hash of nothing else.

use std::process::{Command, Stdio};
use std::time::Duration;

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

/// A report names the criteria that its run has read, whatever becomes of the files meanwhile.
#[test]
fn criteria_that_are_edited_during_a_run_are_named_as_they_were_read() {
    let (world, path) = (World::new(), "recipes/criteria/table-05.toml");
    let mut command = world.command(&["run", "table-05", "--scale", "tiny"]);
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while world.run(&["runs"]).either_way().stdout().is_empty() {
        assert!(running.try_wait().unwrap().is_none(), "it ended before it was at work");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::fs::write(world.path(path), format!("{}# A note.\n", world.read(path))).unwrap();
    assert!(running.try_wait().unwrap().is_none(), "it ended before the edit");
    assert!(running.wait().unwrap().success());
    let named = |world: &World| -> Value {
        let report: Value = serde_json::from_str(&world.read("reports/tiny/table-05.json")).unwrap();
        report["criteria"].clone()
    };
    assert!(named(&world)["files"].to_string().contains(path));
    assert_eq!(named(&world), named(&World::finished()));
}

/// What stands in the criteria moves their hash, so that all of it must be in use.
#[test]
fn criteria_that_nothing_refers_to_are_refused() {
    let world = world();
    let path = "recipes/criteria/birds.toml";
    std::fs::write(world.path(path), format!("{}unused = 3\n", world.read(path))).unwrap();
    world
        .run(&["plan", "birds", "--scale", "tiny"])
        .fails_with(2)
        .says(&["nothing refers to `$birds.unused`"]);
}

/// The same, with a gate that asks how much room the weaker row leaves.
fn gated(most: u32) -> World {
    let world = world();
    world.edit("recipes/birds.toml", "history =", "gates = \"$birds.gates\"\nhistory =");
    world.edit("recipes/criteria/birds.toml", "wren.Birds\" }", "wren.Birds\", gates = [\"room\"] }");
    let gates = format!(
        "gates = [{{ id = \"room\", text = \"Wren leaves room\", expression = \"wren.Birds <= {most}\" }}]\n"
    );
    let path = world.path("recipes/criteria/birds.toml");
    let criteria = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, criteria + &gates).unwrap();
    world
}

fn report(world: &World) -> Value {
    serde_json::from_str(&world.read("reports/tiny/birds.json")).unwrap()
}

#[test]
fn a_claim_whose_gate_does_not_pass_is_not_testable() {
    let world = gated(40);
    let first = criteria(&world)["hash"].clone();
    let run = ["run", "birds", "--scale", "tiny"];
    let refused = world.run(&[&run[..], &["--fail-on", "not-testable"]].concat()).fails_with(5);
    refused.says(&["B.1 not testable here"]);
    world.run(&[&run[..], &["--fail-on", "open"]].concat()).succeeds();
    let found = report(&world);
    let claim = &found["claims"][0];
    assert_eq!(claim["outcome"], "not-testable");
    assert_eq!(claim["note"], "gate `room` (Wren leaves room) does not pass: `wren.Birds` is 41.7, above 40");
    assert!(claim["p_value"].is_null() && claim["parts"][0]["estimate"].is_object(), "{claim}");
    assert_eq!(
        (&found["gates"][0]["passed"], &found["gates"][0]["claims"][0]),
        (&Value::Bool(false), &claim["id"])
    );
    let shown = world.run(&["report", "reports/tiny/birds.json"]).succeeds().stdout();
    assert!(
        shown.contains("0 of 1 gate passes") && shown.contains("`wren.Birds` is 41.7, above 40"),
        "{shown}"
    );
    let summary = world.run(&["report", "--all", "--scale", "tiny"]).succeeds().stdout();
    assert!(
        summary.contains("1 not testable here") && summary.contains("does not pass: `wren.Birds`"),
        "{summary}"
    );

    // A check passes on its own report, and says where a gate has come to pass, or passes no longer.
    let check = ["check", "birds", "--scale", "tiny"];
    world.run(&check).succeeds();
    world.edit("recipes/criteria/birds.toml", "<= 40", "<= 50");
    let now = world.run(&check).succeeds().stdout();
    assert!(now.contains("not testable in the baseline"), "{now}");
    assert_ne!(criteria(&world)["hash"], first, "a gate is fixed beforehand");
    assert_eq!(report(&world)["gates"][0]["passed"], true);
    world.edit("recipes/criteria/birds.toml", "<= 50", "<= 40");
    let now = world.run(&check).succeeds().stdout();
    assert!(now.contains("a gate does not pass any more"), "{now}");
}

#[test]
fn a_mistake_in_a_gate_is_found_where_it_is() {
    let world = gated(40);
    world.edit("recipes/criteria/birds.toml", "wren.Birds <=", "wern.Birds <=");
    world.run(&["plan", "birds", "--scale", "tiny"]).fails_with(2).says(&[
        "recipes/criteria/birds.toml:3:66",
        "there is no row `wern` and no model `wern` that figures are known of",
    ]);
}

/// Imported scores are no artefacts of steps: a check names them where they are other than before.
#[test]
fn a_check_names_rows_whose_imported_scores_have_changed() {
    let world = world();
    criteria(&world);
    let check = ["check", "birds", "--scale", "tiny"];
    assert!(!world.run(&check).succeeds().stdout().contains("imported"));
    let file = "examples/other-paper/heron.jsonl";
    let changed = world.read(file).replace("\"score\":1.0", "\"score\":0.0");
    std::fs::write(world.path(file), changed).unwrap();
    let run = world.run(&check).either_way();
    let found = run.stdout();
    assert!(found.contains("the scores of row `heron` are imported, and differ"), "{found}");
    assert!(!found.contains("every artefact is that of the baseline"), "{found}");
    assert!(!found.starts_with("no test was made"), "{found}");
}

#[test]
fn a_table_without_such_files_says_nothing_of_criteria() {
    let world = world();
    std::fs::remove_dir_all(world.path("recipes/criteria")).unwrap();
    world
        .run(&["run", "birds", "--scale", "tiny"])
        .fails_with(2)
        .says(&["there is no file recipes/criteria/birds.toml, which would have the value `claims`"]);
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
