//! Each rerun says why.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::support::{ANY, Kind, Project, fs_write, number_kind, sum_kind};
use assay_flow::{InputSpec, Registry};

const SCALE: &str = "seeds = [1, 2]\n[noise]\nadd = 6\n";

const STEPS: &str = "[steps.noise]
kind = 'number'
each = 'seed'
params = { add = '$noise.add', modulo = 9 }

[steps.end]
kind = 'sum'
inputs = { of = 'noise' }
params = { add = 0 }
";

fn ran() -> Project {
    let project = Project::arithmetic(SCALE, STEPS);
    project.run();
    project
}

#[track_caller]
fn check(project: &Project, expected: &str) {
    assert_eq!(project.plan_text(), expected.trim());
}

#[test]
fn never_run() {
    check(
        &Project::arithmetic(SCALE, STEPS),
        "
run noise[seed=1]: never run under this name
run noise[seed=2]: never run under this name
waits end: never run under this name; waits for noise[seed=1]; waits for noise[seed=2]",
    );
}

#[test]
fn nothing() {
    check(&ran(), "cached noise[seed=1]\ncached noise[seed=2]\ncached end");
}

#[test]
fn a_value_of_the_scale() {
    let project = ran();
    project.write("recipes/scale/s.toml", "title = 'x'\nseeds = [1, 2]\n\n[noise]\nadd = 8\n");
    check(
        &project,
        "
run noise[seed=1]: recipes/scale/s.toml:5 noise.add 6 -> 8
run noise[seed=2]: recipes/scale/s.toml:5 noise.add 6 -> 8
waits end: waits for noise[seed=1]; waits for noise[seed=2]",
    );
}

#[test]
fn an_argument_and_its_absence() {
    let mut project = ran();
    project.sets = vec!["noise.add=8".into(), "seeds=[1]".into()];
    check(
        &project,
        "
run noise[seed=1]: --set noise.add 6 (recipes/scale/s.toml:4) -> 8
waits end: input of: noise[seed=2] removed; waits for noise[seed=1]",
    );
    project.run();
    project.write("recipes/scale/s.toml", "title = 'x'\nseeds = [1]\n\n[noise]\nadd = 7\n");
    project.sets.clear();
    check(
        &project,
        "
run noise[seed=1]: recipes/scale/s.toml:5 noise.add 8 (--set) -> 7
waits end: waits for noise[seed=1]",
    );
}

/// The comparison is with what was used last, not with what was run last.
#[test]
fn after_going_back_to_an_old_value() {
    let mut project = ran();
    project.sets = vec!["noise.add=8".into()];
    project.run();
    project.sets.clear();
    assert!(project.run().is_empty());
    project.sets = vec!["noise.add=7".into()];
    assert!(
        project.plan_text().contains("--set noise.add 6 (recipes/scale/s.toml:4) -> 7"),
        "{}",
        project.plan_text()
    );
}

#[test]
fn values_of_the_pipeline() {
    let project = ran();
    project.write(
        "recipes/pipeline/p.toml",
        &STEPS.replace(", modulo = 9", "").replace("add = 0", "add = 0, modulo = 5"),
    );
    check(
        &project,
        "
run noise[seed=1]: recipes/pipeline/p.toml:4 steps.noise.params.modulo removed: 9
run noise[seed=2]: recipes/pipeline/p.toml:4 steps.noise.params.modulo removed: 9
waits end: recipes/pipeline/p.toml:9 steps.end.params.modulo added: 5; waits for noise[seed=1]; waits for noise[seed=2]",
    );
}

#[test]
fn an_input() {
    let project = ran();
    let steps = STEPS.replace("of = 'noise'", "of = ['noise', 'more']")
        + "[steps.more]\nkind = 'number'\nparams = { add = 1 }\n";
    project.write("recipes/pipeline/p.toml", &steps);
    check(
        &project,
        "
run more: never run under this name
cached noise[seed=1]
cached noise[seed=2]
waits end: waits for more",
    );
    project.run();
    project.write("recipes/pipeline/p.toml", &steps.replace("'noise', 'more'", "'more', 'noise'"));
    let plan = project.plan_text();
    assert!(plan.ends_with("run end: input of: order of the steps changed"), "{plan}");
    project.write("recipes/pipeline/p.toml", &steps.replace("'noise', 'more'", "'more'"));
    let plan = project.plan_text();
    let expected = "run end: input of: noise[seed=1] removed; input of: noise[seed=2] removed";
    assert!(plan.ends_with(expected), "{plan}");
}

#[test]
fn an_input_with_another_output() {
    let project = ran();
    // Another step runs the changed inputs first, so that they are known when `end` is looked at.
    let steps = STEPS.replace("add = '$noise.add'", "add = 7");
    project.write("recipes/pipeline/p.toml", &steps);
    project.write("recipes/r.toml", "title = 't'\nkind = 'artifact'\ntarget = 'only'\n[steps.only]\nkind = 'sum'\ninputs = { of = 'noise' }\nparams = { add = 1 }\n");
    project.run();
    project.write("recipes/r.toml", "title = 't'\nkind = 'artifact'\ntarget = 'end'\n");
    check(
        &project,
        "
cached noise[seed=1]
cached noise[seed=2]
run end: input of: noise[seed=1] changed # -> #; input of: noise[seed=2] changed # -> #",
    );
}

#[test]
fn code_and_facts() {
    let mut project = ran();
    let mut registry = Registry::new();
    registry.register(Kind { fact: Some("isa"), ..number_kind() }).unwrap();
    registry.register(Kind { version: 2, ..sum_kind() }).unwrap();
    project.registry = registry;
    project.facts = [("isa".to_owned(), "avx2".to_owned()), ("colour".to_owned(), "red".to_owned())].into();
    check(
        &project,
        "
run noise[seed=1]: isa added: avx2
run noise[seed=2]: isa added: avx2
waits end: version of step kind sum 1 -> 2; waits for noise[seed=1]; waits for noise[seed=2]",
    );
    project.run();
    project.facts =
        [("isa".to_owned(), "avx512".to_owned()), ("colour".to_owned(), "blue".to_owned())].into();
    assert!(project.plan_text().starts_with("run noise[seed=1]: isa avx2 -> avx512\n"));
}

#[test]
fn a_recipe_for_the_target_only() {
    let mut project = Project::arithmetic(SCALE, STEPS);
    let table = Kind::new("table", |context| Ok(fs_write(context, "table")?))
        .inputs(const { &[InputSpec::many("of", ANY)] });
    project.registry.register(table).unwrap();
    let recipe = "title = 't'\nkind = 'table'\ntarget = 'table'\n\n[[rows]]\nname = 'a'\n\n[[rows]]\nname = 'b'\n\n\
                  [steps.table]\nkind = 'table'\ninputs = { of = 'end' }\n";
    project.write("recipes/r.toml", recipe);
    project.run();
    project.write("recipes/r.toml", &recipe.replace("'b'", "'c'").replace("'t'", "'another title'"));
    check(
        &project,
        "
cached noise[seed=1]
cached noise[seed=2]
cached end
run table: recipes/r.toml:9 rows[1].name \"b\" -> \"c\"",
    );
}

/// A value that stood on the command line is not said to have stood in a file, and the other way round.
#[test]
fn both_origins_where_they_differ() {
    let mut project = Project::arithmetic(SCALE, STEPS);
    let first = |project: &Project| project.plan_text().lines().next().unwrap().to_owned();
    project.sets = vec!["noise.add=8".into()];
    project.run();
    project.sets.clear();
    assert_eq!(first(&project), "run noise[seed=1]: recipes/scale/s.toml:4 noise.add 8 (--set) -> 6");
    project.sets = vec!["noise.add=7".into()];
    assert_eq!(first(&project), "run noise[seed=1]: --set noise.add 8 -> 7");
    // From now on the same value stands in the file, another file, or another place of the same file.
    project.write("recipes/scale/s.toml", "title = 'x'\nseeds = [1, 2]\n\n[noise]\nadd = 8\n");
    project.sets.clear();
    assert!(project.run().is_empty());
    project.sets = vec!["noise.add=7".into()];
    assert_eq!(first(&project), "run noise[seed=1]: --set noise.add 8 (recipes/scale/s.toml:5) -> 7");
    project.sets.clear();
    project.write("recipes/pipeline/p.toml", &STEPS.replace("'$noise.add'", "3"));
    let expected =
        "recipes/pipeline/p.toml:4 steps.noise.params.add 8 (recipes/scale/s.toml:5 noise.add) -> 3";
    assert_eq!(first(&project), format!("run noise[seed=1]: {expected}"));
    project.write("recipes/pipeline/p.toml", STEPS);
    project.write("recipes/scale/s.toml", "title = 'x'\nseeds = [1, 2]\nnoise.add = 9\n");
    assert_eq!(first(&project), "run noise[seed=1]: recipes/scale/s.toml:3 noise.add 8 -> 9");
}

#[test]
fn a_renamed_input_is_no_reason() {
    let project = ran();
    let renamed = STEPS.replace("noise]", "hum]").replace("of = 'noise'", "of = 'hum'");
    project.write("recipes/pipeline/p.toml", &renamed.replace("{ add = 0 }", "{ add = 1 }"));
    check(
        &project,
        "
cached hum[seed=1]
cached hum[seed=2]
run end: recipes/pipeline/p.toml:9 steps.end.params.add 0 -> 1",
    );
    project.write("recipes/pipeline/p.toml", &renamed.replace("modulo = 9", "modulo = 4"));
    check(
        &project,
        "
run hum[seed=1]: never run under this name
run hum[seed=2]: never run under this name
waits end: waits for hum[seed=1]; waits for hum[seed=2]",
    );
}

#[test]
fn a_label_that_is_read() {
    let mut project = Project::arithmetic(SCALE, STEPS);
    let mut registry = Registry::new();
    registry.register(number_kind()).unwrap();
    registry.register(sum_kind().inputs(const { &[InputSpec::many("of", ANY).labelled()] })).unwrap();
    project.registry = registry;
    project.run();
    project.write("recipes/pipeline/p.toml", &STEPS.replace("noise]", "hum]").replace("'noise'", "'hum'"));
    check(
        &project,
        "
cached hum[seed=1]
cached hum[seed=2]
run end: input of: label noise[seed=1] -> hum[seed=1]; input of: label noise[seed=2] -> hum[seed=2]",
    );
}

#[test]
fn another_kind() {
    let project = Project::arithmetic("", "[steps.end]\nkind = 'number'\nparams = { add = 0 }\n");
    project.run();
    let steps = "[steps.end]\nkind = 'sum'\nparams = { add = 0 }\ninputs = { of = 'x' }\n\
                 [steps.x]\nkind = 'number'\nparams = { add = 0 }\n";
    project.write("recipes/pipeline/p.toml", steps);
    check(&project, "cached x\nrun end: step kind number -> sum; input of: x added");
}
