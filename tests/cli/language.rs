//! Recipes by path, the flat graph, step kinds and settings, as commands show them.

use serde_json::Value;

use crate::world::{World, repository};

const PLAN: [&str; 6] = ["plan", "table-05", "--scale", "tiny", "--json", "--color=never"];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The steps of a plan with their keys, which are known for those that take no input.
fn keys(plan: &str) -> Vec<(String, Value)> {
    let entries = json(plan);
    let entries = entries["steps"].as_array().unwrap().iter();
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
    let again = json(&again);
    assert!(again["steps"].as_array().unwrap().iter().all(|entry| entry["state"] == "cached"), "{again}");
}

/// The new model and its row, as README.md has them, are the only steps to run besides the table.
#[test]
fn the_example_of_the_readme_adds_a_model() {
    let world = World::finished();
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let blocks: Vec<&str> =
        readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [model, row] = blocks[..] else { panic!("README.md has {} blocks of TOML", blocks.len()) };
    let models = "recipes/pipeline/models.toml";
    world.edit(models, "[models]\n", &format!("[models]\n{model}"));
    let table = format!("{}\n{row}", world.read("recipes/table-05.toml"));
    std::fs::write(world.path("recipes/table-05.toml"), table).unwrap();
    let plan = json(&world.run(&PLAN).succeeds().stdout());
    let to_run = plan["steps"].as_array().unwrap().iter().filter(|entry| entry["state"] != "cached");
    let to_run: Vec<&str> = to_run.map(|entry| entry["step"].as_str().unwrap()).collect();
    assert!(to_run.contains(&"sft-2k.final[seed=2]"), "{to_run:?}");
    assert!(to_run.iter().all(|step| step.starts_with("sft-2k.") || *step == "table-05"), "{to_run:?}");
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
    // What is shown is for users: no links of the code's documentation.
    for kind in ["table", "pretrain"] {
        let shown = world.run(&["steps", kind]).succeeds().stdout();
        assert!(!shown.contains("[`") && !shown.contains("crate::"), "{shown}");
    }
    let all = json(&world.run(&["steps", "--json"]).succeeds().stdout());
    let train = all["kinds"].as_array().unwrap().iter().find(|kind| kind["name"] == "train").unwrap();
    assert_eq!(train["makes"], "model");
    assert!(
        all["kinds"]
            .as_array()
            .unwrap()
            .iter()
            .all(|kind| kind["about"].as_str().is_some_and(|about| !about.is_empty()))
    );
    world.run(&["steps", "trian"]).fails_with(2).says(&["trian", "did you mean `train`?"]);
}

/// A command's own options come first in its help, then those of every command.
#[test]
fn the_help_of_a_command_tells_its_own_options_apart() {
    let help = World::new().run(&["grade", "--help"]).succeeds().stdout();
    let (own, of_all) = help.split_once("Options of every command:").unwrap();
    assert!(own.contains("--grader") && own.contains("--python") && !own.contains("--store"), "{help}");
    assert!(of_all.contains("--store") && of_all.contains("--json"), "{help}");
}

#[test]
fn settings_name_their_users_and_what_none_uses() {
    let world = World::new();
    let all = world.run(&["settings", "--scale", "tiny"]).succeeds().stdout();
    assert!(all.contains("final-1k.epochs = 1  best-1k-clean.final"), "{all}");
    assert!(all.contains("every value is used"), "{all}");
    let table = world.run(&["settings", "table-05", "--scale", "tiny"]).succeeds().stdout();
    assert!(
        table.contains("are not used by this recipe:") && table.contains("  pretraining.seed = 11"),
        "{table}"
    );
    // The path of a value stands before it, so that its place is the line alone.
    let unused = table.lines().find(|line| line.starts_with("  pretraining.seed = 11")).unwrap();
    let (_, line) = unused.rsplit_once("recipes/scale/tiny.toml:").unwrap();
    assert!(line.parse::<usize>().is_ok(), "{unused}");
    world.edit("recipes/scale/tiny.toml", "title", "spare = 3\ntitle");
    let all = world.run(&["settings", "--scale", "tiny"]).succeeds().stdout();
    assert!(all.contains("1 value is not used by any of attribution, base-l, base-m,"), "{all}");
    let listed = json(&world.run(&["settings", "--scale", "tiny", "--json"]).succeeds().stdout());
    let spare =
        listed["settings"].as_array().unwrap().iter().find(|setting| setting["path"] == "spare").unwrap();
    assert_eq!(spare["used_by"], Value::Array(Vec::new()));
}

#[test]
fn the_end_of_a_path_is_enough_for_a_suggestion() {
    let world = World::new();
    let set = ["plan", "table-05", "--scale", "tiny", "--set", "epochs=8"];
    world.run(&set).fails_with(2).says(&[
        "`pretraining.training.epochs`",
        "`final-1k.epochs`",
        "`reasoner.epochs`",
    ]);
}

/// A step is found in whichever recipe has it, and where recipes mean different steps by a name, they are listed.
#[test]
fn a_step_is_looked_for_in_all_recipes() {
    let world = World::new();
    let why =
        |step: &str, more: &[&str]| world.run(&[&["why", step, "--scale", "tiny", "--json"], more].concat());
    let found = |step: &str, more: &[&str]| json(&why(step, more).succeeds().stdout());
    // Of one recipe alone, of several that have the same, and of the one that has more than another.
    for (step, recipe) in [("table-03", "table-03"), ("table-05", "table-05"), ("figure-2", "figure-2")] {
        let document = found(step, &[]);
        assert_eq!((&document["recipe"], &document["steps"][0]["step"]), (&recipe.into(), &step.into()));
    }
    let all = found("sft-1k-restated.final", &[]);
    assert_eq!(all["steps"], found("sft-1k-restated.final", &["--recipe", "table-05"])["steps"]);
    let model = found("rlt-m.final", &[]);
    assert_ne!(model["recipe"], "table-05", "{model}");
    why("rlt-m.final", &["--recipe", "table-05"]).fails_with(2).says(&["has no step `rlt-m.final`"]);
    // Every table has steps of this name, each of other models.
    for (command, example) in [("why", "assay why final --recipe "), ("challenge", "assay challenge final ")]
    {
        world.run(&[command, "final", "--scale", "tiny"]).fails_with(2).says(&[
            "`final` means other steps in one recipe than in another: ",
            "attribution (",
            "figure-1 (",
            " more\n",
            &format!("help: name the recipe, as in `{example}"),
        ]);
    }
    world
        .run(&["challenge", "rlt-m.final", "--scale", "tiny", "-n", "1"])
        .fails_with(2)
        .says(&["rlt-m.final[seed=1] has no result that could be challenged", "`assay run table-"]);
}
