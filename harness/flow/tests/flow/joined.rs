//! Several recipes in one plan and one run.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex;

use assay_flow::{
    Event, FlowError, InputSpec, JoinedGraph, JoinedOutcome, Options, State, StepError, Workspace,
    execute_joined, load_all, plan_joined,
};

use crate::support::{ANY, Kind, Project, Watcher, fs_write, started};

/// `one` and `two` share `base` and `rows`; `three` has steps of its own.
const STEPS: &str = "[steps.base]
kind = 'number'
params = { add = '$base' }

[steps.rows]
kind = 'sum'
each = 'seed'
inputs = { of = 'base' }
params = { add = 1 }

[steps.merged]
kind = 'sum'
inputs = { of = 'rows' }
params = { add = 2 }

[steps.end-one]
kind = 'sum'
inputs = { of = 'merged' }
params = { add = 3 }

[steps.end-two]
kind = 'sum'
inputs = { of = ['base', 'merged'] }
params = { add = 4 }

[steps.other]
kind = 'number'
params = { add = 9 }

[steps.end-three]
kind = 'sum'
inputs = { of = 'other' }
params = { add = 5 }
";

const ALL: [&str; 3] = ["one", "two", "three"];

fn project() -> Project {
    let project = Project::arithmetic("base = 7\nseeds = [1, 2]\n", STEPS);
    for name in ALL {
        recipe(&project, name, "");
    }
    project
}

fn recipe(project: &Project, name: &str, more: &str) {
    let text = format!("title = '{name}'\nkind = 'artifact'\ntarget = 'end-{name}'\n{more}");
    project.write(&format!("recipes/{name}.toml"), &text);
}

fn load(project: &Project, recipes: &[&str]) -> Result<JoinedGraph, assay_flow::Diagnostics> {
    let recipes: Vec<String> = recipes.iter().map(ToString::to_string).collect();
    load_all(&Workspace::new(project.root()), &recipes, "s", &project.sets, &project.registry)
}

fn ids<'g>(graph: &'g JoinedGraph, steps: &[usize]) -> Vec<&'g str> {
    steps.iter().map(|step| graph.steps()[*step].id.as_str()).collect()
}

/// Runs all; gives the result, the recipes in the order in which they were finished, and the events.
fn run(project: &Project, recipes: &[&str]) -> (Result<JoinedOutcome, FlowError>, Vec<usize>, Vec<Event>) {
    let watcher = Watcher::default();
    let options = Options {
        verify: false,
        threads: project.threads,
        memory_mb: 1000,
        facts: project.facts.clone(),
        cancel: &project.cancel,
        observer: &watcher,
    };
    let mut finished = Vec::new();
    let graph = load(project, recipes).unwrap_or_else(|problems| panic!("{problems}"));
    let result = execute_joined(&graph, &project.store(), &options, &mut |recipe, _| finished.push(recipe));
    (result, finished, watcher.0.into_inner().unwrap())
}

#[test]
fn a_step_that_several_recipes_need_is_one_step() {
    let project = project();
    let graph = load(&project, &ALL).unwrap();
    let shared = ["base", "rows[seed=1]", "rows[seed=2]", "merged"];
    assert_eq!(ids(&graph, graph.steps_of(0)), [&shared[..], &["end-one"]].concat());
    assert_eq!(ids(&graph, graph.steps_of(1)), [&shared[..], &["end-two"]].concat());
    assert_eq!(ids(&graph, graph.steps_of(2)), ["other", "end-three"]);
    assert_eq!(graph.steps().len(), 8);
    let users: Vec<(&str, usize)> =
        graph.steps().iter().map(|step| step.id.as_str()).zip(graph.users()).collect();
    assert!(shared.iter().all(|id| users.contains(&(id, 2))), "{users:?}");
    let (result, _, events) = run(&project, &ALL);
    assert!(result.unwrap().recipes.iter().all(Result::is_ok));
    assert_eq!(started(&events).len(), 8, "{:?}", started(&events));
    assert!(plan_joined(&graph, &project.store(), &project.facts).unwrap().is_done());
}

/// The graph of a recipe of several is its graph alone, and its plan finds what the joined run made.
#[test]
fn each_recipe_keeps_its_own_graph() {
    let project = project();
    let graph = load(&project, &ALL).unwrap();
    run(&project, &ALL).0.unwrap();
    for (at, name) in ALL.iter().enumerate() {
        let workspace = Workspace::new(project.root());
        let alone = assay_flow::load(&workspace, name, "s", &[], &project.registry).unwrap();
        let part = graph.graph(at).unwrap();
        assert_eq!(format!("{:?}", part.steps()), format!("{:?}", alone.steps()));
        assert_eq!((part.target().id.as_str(), part.files()), (alone.target().id.as_str(), alone.files()));
        assert!(assay_flow::plan(&alone, &project.store(), &project.facts).unwrap().is_done());
    }
    assert!(graph.graph(3).is_none());
}

/// A step of all seeds is another step where a recipe has other seeds; its seeds' own steps are shared as far as they go.
#[test]
fn steps_of_one_name_that_differ_are_not_shared() {
    let project = project();
    recipe(&project, "two", "seeds = [2, 3]\n");
    let graph = load(&project, &ALL).unwrap();
    let count = |id: &str| graph.steps().iter().filter(|step| step.id == id).count();
    assert_eq!(
        ["rows[seed=1]", "rows[seed=2]", "rows[seed=3]", "merged", "base"].map(count),
        [1, 1, 1, 2, 1]
    );
    let (result, ..) = run(&project, &ALL);
    let result = result.unwrap();
    for (at, name) in ALL.iter().enumerate() {
        let workspace = Workspace::new(project.root());
        let alone = assay_flow::load(&workspace, name, "s", &[], &project.registry).unwrap();
        let plan = assay_flow::plan(&alone, &project.store(), &project.facts).unwrap();
        let output = plan.entries().last().unwrap().output;
        assert!(plan.is_done());
        assert_eq!(output, result.recipes[at].as_ref().ok().map(|outcome| outcome.output));
    }
}

/// Two recipes may each define a step of one name.
#[test]
fn steps_that_recipes_add_are_their_own() {
    let project = project();
    let own = |add: i64| format!("[steps.own]\nkind = 'number'\nparams = {{ add = {add} }}\n");
    for (name, add) in [("a", 1), ("b", 2), ("c", 1)] {
        let text = format!("title = 't'\nkind = 'artifact'\ntarget = 'own'\n{}", own(add));
        project.write(&format!("recipes/{name}.toml"), &text);
    }
    let graph = load(&project, &["a", "b", "c", "one"]).unwrap();
    assert_eq!(graph.steps_of(0), graph.steps_of(2), "equal in all that counts");
    assert_ne!(graph.steps_of(0), graph.steps_of(1));
    assert_eq!(graph.steps_of(3).len(), 5);
}

#[test]
fn what_is_wrong_with_any_recipe_is_said_at_once() {
    let mut project = project();
    recipe(&project, "one", "seeds = [1, 1]\n");
    recipe(&project, "two", "seeds = '$few'\n");
    let problems = load(&project, &ALL).unwrap_err().to_string();
    assert!(problems.contains("recipes/one.toml:4:13: seed 1 is listed twice"), "{problems}");
    assert!(problems.contains("recipes/two.toml:4:9: recipes/scale/s.toml has no value `few`"), "{problems}");
    let problems = load(&project, &["three", "three", "for"]).unwrap_err().to_string();
    assert!(problems.contains("recipe `three` is named twice"), "{problems}");
    assert!(problems.contains("there is no recipe `for`"), "{problems}");
    project.sets = vec!["few=[3]".to_owned()];
    assert!(load(&project, &["three"]).unwrap_err().to_string().contains("no value `few`"));
    project.sets.clear();
    assert!(load(&project, &[]).unwrap_err().to_string().contains("no recipe was named"));
}

/// `--set` reaches what was fixed beforehand for a recipe, below the recipe's name, in a run of several.
#[test]
fn an_argument_replaces_the_seeds_of_one_recipe() {
    let mut project = project();
    recipe(&project, "one", "seeds = '$one.seeds'\n");
    project.write("recipes/criteria/one.toml", "seeds = [4]\n");
    let rows = |project: &Project| {
        let graph = load(project, &ALL).unwrap();
        let rows = graph.steps().iter().filter(|step| step.name == "rows").filter_map(|step| step.seed);
        rows.collect::<Vec<u64>>()
    };
    assert_eq!(rows(&project), [4, 1, 2]);
    project.sets = vec!["one.seeds=[5, 6]".to_owned()];
    assert_eq!(rows(&project), [5, 6, 1, 2]);
    project.sets = vec!["two.seeds=[5, 6]".to_owned()];
    let problems = load(&project, &ALL).unwrap_err().to_string();
    assert!(problems.contains("`--set two.seeds=[5, 6]`: the scale has no value `two.seeds`"), "{problems}");
    // What one recipe was fixed to is not for others.
    project.sets.clear();
    recipe(&project, "two", "seeds = '$one.seeds'\n");
    let problems = load(&project, &ALL).unwrap_err().to_string();
    assert!(problems.starts_with("recipes/two.toml:4:9: "), "{problems}");
}

/// Fails while the file `broken` is there.
fn fragile(project: &mut Project) {
    let broken = project.root().join("broken");
    let kind = Kind::new("fragile", move |context| match broken.exists() {
        true => Err(StepError::user("it broke")),
        false => Ok(fs_write(context, "1")?),
    });
    project.registry.register(kind.inputs(const { &[InputSpec::any("of", ANY)] })).unwrap();
}

#[test]
fn a_failed_step_fails_the_recipes_that_need_it() {
    let mut project = project();
    fragile(&mut project);
    project.write(
        "recipes/pipeline/p.toml",
        &STEPS.replace("kind = 'number'\nparams = { add = '$base' }", "kind = 'fragile'"),
    );
    project.write("broken", "");
    let (result, finished, events) = run(&project, &ALL);
    let result = result.unwrap();
    assert_eq!(finished, [2]);
    assert_eq!(result.failures.len(), 1);
    for recipe in [0, 1] {
        let Err(FlowError::Failed { failures, skipped, .. }) = &result.recipes[recipe] else {
            panic!("{result:?}")
        };
        assert_eq!((failures[0].step.as_str(), skipped.len()), ("base", 4));
    }
    assert!(result.recipes[2].is_ok());
    assert!(matches!(events.last(), Some(Event::RunFinished { failed: 1, output: None, .. })), "{events:?}");
    std::fs::remove_file(project.root().join("broken")).unwrap();
    let (result, finished, _) = run(&project, &ALL);
    assert!(result.unwrap().recipes.iter().all(Result::is_ok));
    // What is there already is told of first; the others end at nearly the same time.
    assert_eq!(finished[0], 2);
    assert_eq!(finished.len(), 3);
}

/// Recipes are finished in their order, and told of while others go on.
#[test]
fn the_earliest_recipe_is_finished_first() {
    let mut project = Project::new();
    let order = std::sync::Arc::new(Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&order);
    project
        .registry
        .register(
            Kind::new("note", move |context| {
                let name = context.params().get("name").unwrap().value.as_str().unwrap().to_owned();
                seen.lock().unwrap().push(name);
                Ok(fs_write(context, "x")?)
            })
            .inputs(const { &[InputSpec::any("of", ANY)] }),
        )
        .unwrap();
    project.threads = 1;
    project.write("recipes/scale/s.toml", "title = 's'\n");
    let mut steps = String::new();
    for recipe in ["b", "a"] {
        for part in 1..=4 {
            steps +=
                &format!("[steps.{recipe}{part}]\nkind = 'note'\nparams = {{ name = '{recipe}{part}' }}\n");
        }
        steps += &format!(
            "[steps.{recipe}]\nkind = 'note'\nparams = {{ name = '{recipe}' }}\n\
             inputs = {{ of = ['{recipe}1', '{recipe}2', '{recipe}3', '{recipe}4'] }}\n"
        );
        project.write(
            &format!("recipes/{recipe}.toml"),
            &format!("title = 't'\nkind = 'artifact'\ntarget = '{recipe}'\n"),
        );
    }
    project.write("recipes/pipeline/p.toml", &steps);
    let (result, finished, events) = run(&project, &["b", "a"]);
    assert!(result.is_ok());
    assert_eq!(finished, [0, 1]);
    assert_eq!(*order.lock().unwrap(), ["b1", "b2", "b3", "b4", "b", "a1", "a2", "a3", "a4", "a"]);
    let told = events
        .iter()
        .position(|event| matches!(event, Event::RecipeFinished { recipe, .. } if recipe == "b"));
    let last = events.iter().rposition(|event| matches!(event, Event::StepStarted { .. }));
    assert!(told < last, "{events:?}");
}

#[test]
fn a_plan_of_several_recipes_says_what_runs() {
    let project = project();
    run(&project, &["one"]).0.unwrap();
    let graph = load(&project, &ALL).unwrap();
    let plan = plan_joined(&graph, &project.store(), &project.facts).unwrap();
    let state = |state| {
        let entries = plan.entries().iter().filter(|entry| entry.state == state);
        entries.map(|entry| entry.step.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(state(State::Run), ["end-two", "other"]);
    assert_eq!(state(State::Waits), ["end-three"]);
    let part = plan.part(graph.steps_of(1));
    assert_eq!((part.count(State::Cached), part.entries().len()), (4, 5));
}
