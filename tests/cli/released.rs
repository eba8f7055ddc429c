//! The scale of released models: a pipeline of its own, and recipes that are for it alone.

use serde_json::Value;

use crate::world::World;

fn steps(plan: &Value) -> Vec<&str> {
    plan["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect()
}

#[test]
fn a_released_model_and_a_benchmark_are_planned_from_their_locks() {
    let world = World::new();
    let plan = world.run(&["plan", "humaneval", "--scale", "smoke", "--json"]).succeeds().stdout();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let mut found = steps(&plan);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "HumanEval",
            "HumanEval-rows",
            "humaneval",
            "smollm2-135m.file",
            "smollm2-135m.final",
            "smollm2-135m.generations",
            "smollm2-135m.verdicts"
        ]
    );
}

/// With `--all` a recipe of another scale is left out; by its name it is refused.
#[test]
fn a_recipe_is_for_the_scales_that_it_names() {
    let world = World::new();
    let refused = world.run(&["plan", "humaneval"]).fails_with(2).stderr();
    for part in
        ["humaneval.toml:", "is for `smoke` and `served`, not for the scale `embedded`", "--scale smoke"]
    {
        assert!(refused.contains(part), "no {part:?} in\n{refused}");
    }
    let refused = world.run(&["plan", "table-05", "--scale", "smoke"]).fails_with(2).stderr();
    assert!(refused.contains("the scale `smoke` is not for the recipe `table-05`"), "{refused}");
    let unknown = world.run(&["plan", "humaneval", "--scale", "smok"]).fails_with(2).stderr();
    assert!(unknown.contains("did you mean `smoke`?") && !unknown.contains("add `--scale"), "{unknown}");
    let all = world.run(&["plan", "--all", "--json"]).succeeds().stdout();
    assert!(all.contains("table-05") && !all.contains("humaneval"));
}

/// The image is part of the keys of verdicts, so it need not be written down a second time.
#[test]
fn a_workspace_that_pins_no_image_has_that_of_the_program() {
    let world = World::new();
    let plan = |world: &World| world.run(&["plan", "table-05", "--scale", "tiny"]).succeeds().stdout();
    let pinned = plan(&world);
    std::fs::remove_file(world.path("lockfiles/python-image.lock")).unwrap();
    assert_eq!(plan(&world), pinned);
}

/// What a scale is for is what `--all` takes, and every table of it can be planned.
#[test]
fn all_tables_of_the_scales_of_released_models_are_planned() {
    let world = World::new();
    for (scale, count) in [("smoke", 8), ("served", 7), ("paper", 6)] {
        let plan = world.run(&["plan", "--all", "--scale", scale, "--json"]).succeeds().stdout();
        let plan: Value = serde_json::from_str(&plan).unwrap();
        assert_eq!(plan["recipes"].as_array().unwrap().len(), count, "{scale}");
    }
}

/// Every claim at the scale of the paper's own models is about rows that are measured there.
#[test]
fn claims_of_the_papers_scale_name_measured_rows() {
    let world = World::new();
    for number in ["01", "02", "03", "06", "07", "12"] {
        let recipe = format!("table-{number}");
        let flat = world.run(&["plan", &recipe, "--scale", "paper", "--expand"]).succeeds().stdout();
        let flat: toml::Table = toml::from_str(&flat).unwrap();
        let rows = flat["rows"].as_array().unwrap();
        let measured: Vec<&str> = rows
            .iter()
            .filter(|row| row.get("model").is_some())
            .map(|row| row["id"].as_str().unwrap())
            .collect();
        let claims = flat["claims"].as_array().unwrap();
        assert!(claims.len() >= 5, "{recipe}");
        for claim in claims {
            let expression = claim["expression"].as_str().unwrap();
            let words =
                expression.split(|letter: char| !(letter.is_alphanumeric() || "-_.".contains(letter)));
            let cells = words
                .filter_map(|word| word.split_once('.'))
                .filter(|(row, _)| !row.starts_with(|c: char| c.is_ascii_digit()));
            for (row, _) in cells {
                assert!(
                    measured.contains(&row),
                    "{recipe}: `{row}` of `{expression}` is not among {measured:?}"
                );
            }
        }
    }
}
