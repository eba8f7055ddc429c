//! What uses each value of a scale.
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_flow::{Setting, Workspace, settings};

use crate::corpus::{corpus, read, registry};
use crate::support::Project;

fn all(project: &Project, recipes: &[&str]) -> Vec<Setting> {
    let recipes: Vec<String> = recipes.iter().map(ToString::to_string).collect();
    settings(&Workspace::new(project.root()), &recipes, "small", &project.sets, &registry()).unwrap()
}

#[test]
fn every_value_is_listed_with_its_users() {
    let project = Project::new();
    read(&corpus().join("models"), &project);
    let scale = std::fs::read_to_string(project.root().join("recipes/scale/small.toml")).unwrap();
    project.write("recipes/scale/small.toml", &format!("{scale}\n[left-over]\nrate = 3\n"));
    let found = all(&project, &["table"]);
    let line =
        |setting: &Setting| format!("{} = {}: {}", setting.path, setting.value, setting.used_by.join(" "));
    let lines: Vec<String> = found.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "evaluation.samples = 4: table",
            "final.epochs = 8: ours-acc.final ours-gml.final",
            "final.rate = 0.001: ours-acc.final ours-gml.final",
            "left-over.rate = 3: ",
            "notes = [\"${evaluation.samples} samples of ${questions.count} questions, 100 % generated\"]: table",
            "posterior.epochs = 6: chain-b.posterior",
            "posterior.rate = 0.001: chain-b.posterior",
            "questions.count = 12: questions table",
            "questions.seed = \"$questions-seed\": questions",
            "seeds = [1, 2]: base.verdicts chain-b.diagnostics chain-b.posterior chain-b.weights-acc \
             chain-b.weights-gml ours-acc.final ours-acc.verdicts ours-gml.final ours-gml.verdicts",
            "stands-in.MATH500 = \"chain2\": table",
        ]
    );
    assert_eq!(found[0].origin.to_string(), "recipes/scale/small.toml:10 evaluation.samples");
}

#[test]
fn the_users_of_several_recipes_are_put_together() {
    let mut project = Project::new();
    read(&corpus().join("models"), &project);
    project.write("recipes/q.toml", "title = 'questions'\nkind = 'artifact'\ntarget = 'questions'\n");
    let used_by = |found: &[Setting], path: &str| {
        found.iter().find(|setting| setting.path == path).unwrap().used_by.join(" ")
    };
    let one = all(&project, &["q"]);
    assert_eq!(used_by(&one, "questions.count"), "questions");
    assert_eq!(used_by(&one, "final.epochs"), "");
    let both = all(&project, &["q", "table"]);
    assert_eq!(used_by(&both, "questions.count"), "questions table");
    project.sets = vec!["final.epochs=9".into()];
    let set = all(&project, &["table"]);
    let epochs = set.iter().find(|setting| setting.path == "final.epochs").unwrap();
    assert_eq!((epochs.value.as_str(), epochs.origin.to_string().as_str()), ("9", "--set final.epochs"));
}
