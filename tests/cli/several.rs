//! Several recipes in one run: what they share, reports as they come, failures, kills.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::world::{World, steps};

const ALL: [&str; 3] = ["--all", "--scale", "tiny"];
const TABLES: [&str; 3] = ["table-05", "tiny-a", "tiny-b"];

/// A table of the base and the baseline, which Table 5 measures as well.
pub(crate) fn recipe(name: &str, model: &str, more: &str) -> String {
    format!(
        "title = \"Table {name}\"\nkind = \"table\"\nlocator = \"Table {name}\"\npaper = \"none\"\n\
         groups = \"$benchmarks.groups\"\ncolumns = \"$benchmarks.main\"\n{more}\
         [[rows]]\nid = \"base\"\nlabel = \"Base\"\nmodel = \"base-m\"\n\
         [[rows]]\nid = \"other\"\nlabel = \"Other\"\nmodel = \"{model}\"\n"
    )
}

/// Three recipes of tables that share steps, and one of printed values alone. The last one measures one seed alone.
pub(crate) fn world() -> World {
    let world = World::new();
    for recipe in std::fs::read_dir(world.path("recipes")).unwrap() {
        let path = recipe.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_file() && !["shared", "table-01", "table-05", "base-m"].contains(&name.as_str()) {
            std::fs::remove_file(path).unwrap();
        }
    }
    let text = world.read("recipes/table-01.toml");
    let (printed, _) = text.split_once("\n[[rows]]\nid = \"doubled\"").unwrap();
    let printed: Vec<&str> = printed.lines().filter(|line| !line.starts_with("model = ")).collect();
    std::fs::write(world.path("recipes/table-01.toml"), printed.join("\n")).unwrap();
    let claim = "claims = [{ id = \"A1\", text = \"Better than the base\", expression = \"other.math > base.math\", primary = true }]\n";
    std::fs::write(world.path("recipes/tiny-a.toml"), recipe("tiny-a", "sft-1k-restated", claim)).unwrap();
    let seeds = "seeds = \"$tiny-b.seeds\"\n";
    std::fs::write(world.path("recipes/tiny-b.toml"), recipe("tiny-b", "sft-1k-restated", seeds)).unwrap();
    std::fs::write(world.path("recipes/criteria/tiny-b.toml"), "seeds = [2]\n").unwrap();
    world
}

fn reports(world: &World) -> Vec<String> {
    let read = |table: &&str| world.read(&format!("reports/tiny/{table}.json"));
    TABLES.iter().map(read).collect()
}

fn summary(stdout: &str) -> Value {
    let last = stdout.lines().last().unwrap();
    let summary: Value = serde_json::from_str(last).unwrap();
    assert_eq!(summary["event"], "summary", "{last}");
    summary
}

#[test]
fn tables_share_their_steps_and_each_has_the_report_that_it_has_alone() {
    let world = world();
    let stdout = world.run(&[&["run"], &ALL[..], &["--json"]].concat()).succeeds().stdout();
    let events: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut ran = steps(&events, "step-finished");
    let all = ran.len();
    ran.dedup();
    assert_eq!(ran.len(), all, "no step ran twice: {ran:?}");
    let summary = summary(&stdout);
    assert_eq!(summary["ran"], all, "{summary}");
    let named: Vec<&str> =
        summary["tables"].as_array().unwrap().iter().map(|t| t["recipe"].as_str().unwrap()).collect();
    assert_eq!(named, TABLES);
    assert!(summary["printed_only"].as_array().unwrap().contains(&"table-01".into()), "{summary}");
    assert_eq!(summary["tables"][1]["primary"]["claim"], "A1");
    // All that the second table needs, but its own step, is of the first one too.
    assert_eq!(
        (&summary["tables"][1]["ran_first"], &summary["tables"][2]["ran_first"]),
        (&1.into(), &1.into())
    );
    // A report is there before the run is over.
    let at = |kind: &str| events.iter().position(|event| event["event"] == kind).unwrap();
    assert!(at("recipe-finished") < at("run-finished"));

    let together = reports(&world);
    for table in TABLES {
        let events = world.events(&[table, "--scale", "tiny"]);
        assert_eq!(steps(&events, "step-started"), Vec::<String>::new(), "{table}");
    }
    assert_eq!(reports(&world), together);
    assert_eq!(
        world.executed(&TABLES.iter().chain(&["--scale", "tiny"]).copied().collect::<Vec<_>>()),
        Vec::<String>::new()
    );
    let text = world.run(&[&["run"], &ALL[..]].concat()).succeeds().stdout();
    assert!(text.contains("3 tables; claims: ") && text.contains(" 0 executed, "), "{text}");
    assert!(text.lines().find(|line| line.starts_with("tiny-a")).unwrap().contains(" A1 "), "{text}");
    assert!(text.contains("left out, since they hold printed values only: table-01 (see"), "{text}");
}

#[test]
fn a_plan_of_all_tables_says_what_each_needs() {
    let world = world();
    let plan = world.run(&[&["plan"], &ALL[..]].concat()).succeeds().stdout();
    assert!(plan.contains("tiny-b        10 steps: 0 cached, 2 to run, 8 waiting"), "{plan}");
    assert!(plan.contains(" are shared by several tables"), "{plan}");
    let json = world.run(&[&["plan"], &ALL[..], &["--json"]].concat()).succeeds().stdout();
    let json: Value = serde_json::from_str(&json).unwrap();
    let of = |at: usize| json["recipes"][at]["indices"].as_array().unwrap().clone();
    let last = of(2).last().unwrap().as_u64().unwrap() as usize;
    assert_eq!(json["steps"][last]["step"], "tiny-b");
    assert!(of(1).iter().filter(|index| of(0).contains(index)).count() > 10, "shared with the first");
    let together = ["plan", "tiny-a", "tiny-b", "--scale", "tiny", "--expand"];
    world.run(&together).fails_with(2).says(&["--expand prints the steps of one recipe"]);
    let one = world.run(&["plan", "tiny-b", "--scale", "tiny", "--expand"]).succeeds().stdout();
    assert!(one.contains("\nseeds = [2]\n"), "{one}");
    let set = ["plan", "tiny-b", "--scale", "tiny", "--set", "tiny-b.seeds=[1, 3]"];
    assert!(world.run(&set).succeeds().stdout().contains("sft-1k-restated.final[seed=1,3]"));
}

#[test]
fn a_mistake_in_one_recipe_is_reported_with_the_others_before_anything_runs() {
    let world = world();
    world.edit("recipes/tiny-a.toml", "\"sft-1k-restated\"", "\"sft-1k-restatd\"");
    world.edit("recipes/criteria/tiny-b.toml", "[2]", "[2, 2]");
    let failed = world.run(&[&["run"], &ALL[..]].concat()).fails_with(2);
    failed.says(&[
        "unknown model `sft-1k-restatd`",
        "recipes/criteria/tiny-b.toml:1:13: seed 2 is listed twice",
    ]);
    assert!(!world.path(".assay/index.sqlite").exists() && !world.path("reports").exists());
    world.run(&["run", "tiny-a", "--all"]).fails_with(2);
    world.run(&["run"]).fails_with(2);
    world.run(&["run", "base-m", "table-05", "--scale", "tiny"]).fails_with(2).says(&["run it by itself"]);
}

/// A checkpoint that is not what its lock says fails the table that measures it, and no other.
#[test]
fn a_failed_step_fails_the_tables_that_need_it_alone() {
    let world = world();
    let broken = "other = { template = \"released\", path = \"recipes/models/other\", lock = \"base.lock\", entry = \"base-m\" }";
    world.edit("recipes/pipeline/models.toml", "[models]\n", &format!("[models]\n{broken}\n"));
    std::fs::create_dir_all(world.path("recipes/models/other")).unwrap();
    std::fs::write(world.path("recipes/models/other/model.safetensors"), "nothing").unwrap();
    std::fs::write(world.path("recipes/tiny-a.toml"), recipe("tiny-a", "other", "")).unwrap();
    let failed = world.run(&["run", "tiny-a", "tiny-b", "--scale", "tiny"]).fails_with(1);
    let failed = failed.says(&["step other.final failed"]).prints(&["2 tables, 1 not finished", "1 failed"]);
    assert!(failed.stdout().lines().any(|line| line.starts_with("tiny-a") && line.contains("not finished")));
    assert!(
        world.path("reports/tiny/tiny-b.html").is_file() && !world.path("reports/tiny/tiny-a.html").exists()
    );
}

/// Killed while a step runs and others are done: the next run repeats none of them and ends in the same bytes.
#[test]
fn a_killed_run_of_several_tables_goes_on_where_it_stopped() {
    let undisturbed = world();
    undisturbed.run(&[&["run"], &ALL[..]].concat()).succeeds();
    let world = world();
    let mut command = world.command(&[&["run"], &ALL[..], &["--json"]].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut done = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        match event["event"].as_str() {
            Some("step-finished") => done.push(event["step"].as_str().unwrap().to_owned()),
            Some("step-started") if done.len() >= 12 => break,
            _ => {}
        }
    }
    let status = Command::new("kill").args(["-KILL", &child.id().to_string()]).status();
    assert!(status.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), None, "the run ended before it could be killed");
    let again = world.executed(&ALL);
    assert!(done.len() >= 12 && done.iter().all(|step| !again.contains(step)), "{done:?} and {again:?}");
    assert_eq!(reports(&world), reports(&undisturbed));
}

/// The values that say which seeds a recipe has are used by its steps.
#[test]
fn settings_know_the_seeds_of_a_recipe() {
    let world = world();
    world.edit("recipes/scale/tiny.toml", "[runs]\n", "[runs]\nfew = [1]\n");
    world.edit("recipes/tiny-b.toml", "$tiny-b.seeds", "$runs.few");
    let listed = world.run(&["settings", "tiny-b", "--scale", "tiny", "--json"]).succeeds().stdout();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let used_by = |path: &str| {
        let setting =
            listed["settings"].as_array().unwrap().iter().find(|setting| setting["path"] == path).unwrap();
        setting["used_by"].as_array().unwrap().clone()
    };
    assert!(used_by("runs.few").contains(&"sft-1k-restated.final".into()));
    assert!(used_by("seeds").is_empty());
}

/// A summary of one table is not one of several.
#[test]
fn a_single_table_is_counted_as_one() {
    let world = world();
    std::fs::remove_file(world.path("recipes/table-05.toml")).unwrap();
    std::fs::remove_file(world.path("recipes/criteria/table-05.toml")).unwrap();
    std::fs::remove_file(world.path("recipes/tiny-b.toml")).unwrap();
    std::fs::remove_file(world.path("recipes/criteria/tiny-b.toml")).unwrap();
    let text = world.run(&[&["run"], &ALL[..]].concat()).succeeds().stdout();
    assert!(
        text.contains("\n1 table; claims: ") && text.contains("0 are shared by several tables"),
        "{text}"
    );
}
