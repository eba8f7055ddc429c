//! The flat graph is a recipe that gives the same graph.
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_flow::{Facts, Graph, Workspace, flat, load, plan};
use assay_store::Store;

use crate::corpus::{corpus, read, registry};
use crate::support::Project;

/// Each step with its label, connections and key; keys are known for steps without inputs, so parameters are
/// compared by their description too.
fn described(project: &Project, graph: &Graph) -> Vec<String> {
    let store = Store::open(&project.root().join(".assay")).unwrap();
    let plan = plan(graph, &store, &Facts::new()).unwrap();
    let entries = plan.entries().iter().zip(graph.steps());
    let line = |(entry, step): (&assay_flow::PlanEntry, &assay_flow::Step)| {
        let params = assay_flow::Value::Table(step.params.table().clone());
        let inputs: Vec<String> = graph
            .inputs(step)
            .map(|(name, steps)| {
                let ids: Vec<&str> = steps.iter().map(|step| step.id.as_str()).collect();
                format!("{name}: {}", ids.join(" "))
            })
            .collect();
        format!("{} {:?} {:?} {params} {inputs:?} {:?}", entry.step, step.label, entry.key, step.about)
    };
    entries.map(line).collect()
}

fn reads_back(project: &Project, recipe: &str) -> String {
    let (registry, workspace) = (registry(), Workspace::new(project.root()));
    let graph = load(&workspace, recipe, "small", &project.sets, &registry).unwrap();
    let text = flat(&workspace, recipe, "small", &project.sets, &registry).unwrap();
    let other = Project::new();
    let sets: Vec<String> = project.sets.iter().filter(|set| set.starts_with("seeds")).cloned().collect();
    other.write(&format!("recipes/{recipe}.toml"), &text);
    other.write("recipes/scale/small.toml", "title = 'seeds only'\nseeds = [1, 2]\n");
    std::fs::create_dir_all(other.root().join("recipes/pipeline")).unwrap();
    let read = load(&Workspace::new(other.root()), recipe, "small", &sets, &registry)
        .unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    assert_eq!(described(&other, &read), described(project, &graph), "{text}");
    text
}

#[test]
fn the_flat_graph_reads_back() {
    let mut project = Project::new();
    read(&corpus().join("models"), &project);
    let text = reads_back(&project, "table");
    for part in [
        "[steps.\"ours-acc.final\"]\nkind = \"fit\"\nmodel = \"ours-acc\"\nabout = \"trained with acc\"\neach = \"seed\"\n",
        "    { id = \"acc\", model = \"ours-acc\" },\n",
        "params = { seed = \"$seed\" }",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    assert!(!text.contains("{estimator}") && !text.contains("$final") && !text.contains('@'), "{text}");
    project.sets = vec!["final.epochs=9".into(), "seeds=[2]".into()];
    assert!(reads_back(&project, "table").contains("epochs = 9"));
}

/// Dollar signs and braces that are text, seeds inside values, odd characters.
#[test]
fn what_is_no_reference_stays_none() {
    let project = Project::new();
    read(&corpus().join("models"), &project);
    project.write(
        "recipes/shared.toml",
        "dollar = '$$five'\nopen = 'a $${b} c'\nof-seed = 'run ${seed}'\nquestions-seed = 1\n[benchmarks]\nmain = []\n",
    );
    let steps = "[steps.odd]\nkind = 'checkpoint'\neach = 'seed'\nparams = { a = '$dollar', b = '$open', \
                 c = '${dollar} and ${of-seed} and ${open}', d = ['$seed', '$of-seed'], e = '$$$$', \
                 f = { g = \"tab \\t quote \\\" back \\\\ bell \\u0007\", \"odd key\" = 1e-8 }, h = '${dollar}' }\n\
                 [steps.all]\nkind = 'sheet'\ninputs = { items = 'questions', verdicts = 'base.verdicts' }\n\
                 params = { samples = 1, recipe = { columns = [], rows = [] } }\n\
                 [steps.weighed]\nkind = 'weigh'\neach = 'seed'\ninputs = { model = 'odd' }\n\
                 [steps.end]\nkind = 'diagnose'\ninputs = { weights = 'weighed' }\n";
    project.write("recipes/pipeline/odd.toml", steps);
    project.write("recipes/odd.toml", "title = '$ {x}'\nkind = 'artifact'\ntarget = 'end'\n");
    reads_back(&project, "odd");
    let graph = load(&Workspace::new(project.root()), "odd", "small", &[], &registry()).unwrap();
    let odd = graph.find("odd[seed=2]").unwrap()[0].params.table();
    let text = |key: &str| odd[key].value.as_str().unwrap().to_owned();
    assert_eq!(text("a"), "$five");
    assert_eq!(text("b"), "a ${b} c");
    assert_eq!(text("c"), "$five and run 2 and a ${b} c");
    assert_eq!(text("e"), "$$$");
    assert_eq!(text("h"), "$five");
}

#[test]
fn steps_of_models_are_found_by_their_parts() {
    let project = Project::new();
    read(&corpus().join("models"), &project);
    let graph =
        load(&Workspace::new(project.root()), "table", "small", &["seeds=[1]".into()], &registry()).unwrap();
    let ids = |name: &str| graph.find(name).unwrap().iter().map(|step| step.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids("ours-acc"), ["ours-acc.final[seed=1]", "ours-acc.verdicts[seed=1]"]);
    assert_eq!(ids("final"), ["base.final", "ours-acc.final[seed=1]", "ours-gml.final[seed=1]"]);
    assert_eq!(ids("ours-gml.final"), ["ours-gml.final[seed=1]"]);
    let error = graph.find("posterio").unwrap_err().to_string();
    assert!(error.ends_with("did you mean `posterior`?"), "{error}");
}
