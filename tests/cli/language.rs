//! Recipes by path, the flat graph, step kinds and settings, as commands show them.

use serde_json::Value;

use crate::world::World;

const PLAN: [&str; 6] = ["plan", "table-05", "--scale", "tiny", "--json", "--color=never"];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The steps of a plan with their keys, which are known for those that take no input.
fn keys(plan: &str) -> Vec<(String, Value)> {
    let entries = json(plan);
    let entries = entries.as_array().unwrap().iter();
    entries.map(|entry| (entry["step"].as_str().unwrap().to_owned(), entry["key"].clone())).collect()
}

#[test]
fn a_recipe_can_be_given_by_its_path() {
    let world = World::new();
    let by_name = world.run(&PLAN).succeeds().stdout();
    let tail = &PLAN[2..];
    for (folder, path) in [
        ("", "recipes/table-05.toml"),
        ("", "./recipes/table-05.toml"),
        ("recipes", "table-05.toml"),
        ("recipes/pipeline", "../table-05.toml"),
    ] {
        let arguments = [&["plan", path][..], tail].concat();
        let output = world.command(&arguments).current_dir(world.path(folder)).output().unwrap();
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stdout), by_name, "{path}");
    }
    let elsewhere = ["plan", "recipes/scale/tiny.toml", "--scale", "tiny"];
    world.run(&elsewhere).fails_with(2).says(&["is not in", "recipes"]);
}

/// The flat graph of a finished run, read back, finds every step in the store.
#[test]
fn the_flat_graph_is_the_same_graph() {
    let world = World::finished();
    let planned = keys(&world.run(&PLAN).succeeds().stdout());
    let flat = world.run(&["plan", "table-05", "--scale", "tiny", "--expand"]).succeeds().stdout();
    std::fs::remove_dir_all(world.path("recipes/pipeline")).unwrap();
    std::fs::create_dir(world.path("recipes/pipeline")).unwrap();
    std::fs::write(world.path("recipes/table-05.toml"), flat).unwrap();
    let again = world.run(&PLAN).succeeds().stdout();
    assert_eq!(keys(&again), planned);
    assert!(json(&again).as_array().unwrap().iter().all(|entry| entry["state"] == "cached"), "{again}");
}

#[test]
fn step_kinds_are_described() {
    let world = World::new();
    world.run(&["steps"]).succeeds().prints(&["train", "base: model", "-> model"]);
    world.run(&["steps", "train"]).succeeds().prints(&[
        "makes `model`",
        "rows = rows (one)",
        "training.epochs",
    ]);
    let all = json(&world.run(&["steps", "--json"]).succeeds().stdout());
    let train = all.as_array().unwrap().iter().find(|kind| kind["name"] == "train").unwrap();
    assert_eq!(train["makes"], "model");
    assert!(
        all.as_array()
            .unwrap()
            .iter()
            .all(|kind| kind["about"].as_str().is_some_and(|about| !about.is_empty()))
    );
    world.run(&["steps", "trian"]).fails_with(2).says(&["trian", "did you mean `train`?"]);
}

#[test]
fn settings_name_their_users_and_what_none_uses() {
    let world = World::new();
    let all = world.run(&["settings", "--scale", "tiny"]).succeeds().stdout();
    assert!(all.contains("final-1k.epochs = 1  ours-acc-7b-1k.final"), "{all}");
    assert!(all.contains("every value is used"), "{all}");
    let table = world.run(&["settings", "table-05", "--scale", "tiny"]).succeeds().stdout();
    assert!(table.contains("are not used by this recipe:") && table.contains("  base.seed = 1"), "{table}");
    world.edit("recipes/scale/tiny.toml", "title", "spare = 3\ntitle");
    let all = world.run(&["settings", "--scale", "tiny"]).succeeds().stdout();
    assert!(all.contains("1 value is not used by any of base, table-05:"), "{all}");
    let listed = json(&world.run(&["settings", "--scale", "tiny", "--json"]).succeeds().stdout());
    let spare = listed.as_array().unwrap().iter().find(|setting| setting["path"] == "spare").unwrap();
    assert_eq!(spare["used_by"], Value::Array(Vec::new()));
}

#[test]
fn the_end_of_a_path_is_enough_for_a_suggestion() {
    let world = World::new();
    let set = ["plan", "table-05", "--scale", "tiny", "--set", "epochs=8"];
    world.run(&set).fails_with(2).says(&["`base.training.epochs`", "`final-1k.epochs`", "`reasoner.epochs`"]);
}
