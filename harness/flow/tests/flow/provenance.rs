//! What a run tells about itself: its outcome, its log, its graph.
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_flow::{Event, Graph, How, Options, Origin, Record, RecordError, execute};
use assay_store::{Hash, RunStatus};
use camino::Utf8PathBuf;

use crate::support::{Kind, Project, Watcher, fs_write};

fn project() -> Project {
    let mut project = Project::arithmetic(
        "seeds = [5, 6]\nnoise = 2\n",
        "[steps.noise]\nkind = 'number'\neach = 'seed'\nabout = 'some noise'\nparams = { add = '$noise' }\n\
         [steps.end]\nkind = 'sum'\ninputs = { of = 'noise' }\nparams = { add = 0 }\n",
    );
    project.sets = vec!["noise=3".into()];
    project
}

#[test]
fn the_outcome_says_what_each_output_depends_on() {
    let project = project();
    for ran in [true, false] {
        let outcome = project.try_run().0.unwrap();
        assert_eq!(
            outcome.steps.iter().map(|s| s.step.as_str()).collect::<Vec<_>>(),
            ["noise[seed=5]", "noise[seed=6]", "end"]
        );
        let noise = &outcome.steps[1];
        assert_eq!(matches!(noise.how, How::Ran { .. } | How::Saved(_)), ran);
        assert_eq!((noise.name.as_str(), noise.description.seed), ("noise", Some(6)));
        assert_eq!(noise.description.params["add"].value, "3");
        assert_eq!(noise.description.params["add"].origin, Origin::Set { path: "noise".into() });
        let end = &outcome.steps[2];
        assert_eq!(end.output, outcome.output);
        assert_eq!(end.description.inputs[1].output, Some(noise.output));
        assert_eq!(project.store().action(&end.key).unwrap().unwrap().output, end.output);
    }
}

#[test]
fn the_log_is_what_was_shown_without_the_progress() {
    let mut project = project();
    project.registry = assay_flow::Registry::new();
    project.registry.register(crate::support::sum_kind()).unwrap();
    let number = Kind::new("number", |context| {
        (0..=1000).for_each(|i| context.progress(i, 1000, "counting"));
        Ok(fs_write(context, "1")?)
    });
    project.registry.register(number).unwrap();
    let watcher = Watcher::default();
    let outcome = project.run_watched(&watcher).unwrap();
    let shown = watcher.0.into_inner().unwrap();
    let (progress, shown): (Vec<Event>, Vec<Event>) =
        shown.into_iter().partition(|event| matches!(event, Event::StepProgress { .. }));
    assert!(progress.len() < 100, "{} of 2002 calls shown", progress.len());
    assert!(progress.iter().any(|event| matches!(event, Event::StepProgress { done: 1000, .. })));

    let lines = project.store().events(&outcome.run).unwrap();
    let stored: Vec<Record> = lines.iter().map(|line| Record::from_json(line).unwrap()).collect();
    assert!(stored.iter().zip(&lines).all(|(record, line)| record.to_json().unwrap() == *line));
    // A line of a log that was made before lines had a format means the first one; a newer one is refused.
    let older = lines[0].replacen("\"format\":1,", "", 1);
    assert_ne!(older, lines[0]);
    assert_eq!(Record::from_json(&older).unwrap(), stored[0]);
    let newer = lines[0].replacen("\"format\":1", "\"format\":2", 1);
    let error = Record::from_json(&newer).unwrap_err();
    assert!(matches!(error, RecordError::Newer { found: 2 }), "{error}");
    let kinds =
        |events: &mut dyn Iterator<Item = &Event>| events.map(std::mem::discriminant).collect::<Vec<_>>();
    assert_eq!(kinds(&mut stored.iter().map(|record| &record.event)), kinds(&mut shown.iter()));
    assert!(lines[0].contains("\"event\":\"run-started\"") && lines[0].contains("\"sets\":[\"noise=3\"]"));
    assert!(lines.last().unwrap().contains("\"event\":\"run-finished\""));
    let runs = project.store().runs().unwrap();
    assert_eq!((runs[0].title.as_str(), runs[0].status), ("r --scale s", RunStatus::Succeeded));
}

#[test]
fn steps_are_found_by_name_and_by_id() {
    let project = project();
    let (graph, plan) = (project.graph(), project.plan());
    let ids = |name: &str| plan.why(&graph, name).unwrap().iter().map(|e| e.step.clone()).collect::<Vec<_>>();
    assert_eq!(ids("noise"), ["noise[seed=5]", "noise[seed=6]"]);
    assert_eq!(ids("noise[seed=6]"), ["noise[seed=6]"]);
    assert_eq!(
        graph.find("nois").unwrap_err().to_string(),
        "recipe `r` has no step `nois`\n  help: did you mean `noise`?"
    );
    assert_eq!(
        graph.find("noise[seed=7]").unwrap_err().to_string(),
        "recipe `r` has no step `noise[seed=7]`\n  help: did you mean `noise[seed=5]` or `noise[seed=6]`?"
    );
    let noise = graph.find("noise[seed=5]").unwrap()[0];
    assert_eq!(noise.about.as_deref(), Some("some noise"));
    assert_eq!(graph.users(noise).map(|step| step.id.as_str()).collect::<Vec<_>>(), ["end"]);
    assert_eq!(graph.target().id, "end");
    assert_eq!(graph.scale().seeds().collect::<Vec<_>>(), [5, 6]);
}

#[test]
fn a_graph_names_the_files_that_it_was_read_from_as_they_were() {
    let project = project();
    let graph = project.graph();
    let read = |path: &str| Hash::of(&std::fs::read(project.root().join(path)).unwrap());
    let paths = ["recipes/r.toml", "recipes/scale/s.toml", "recipes/pipeline/p.toml"];
    let expected: Vec<_> = paths.iter().map(|path| (Utf8PathBuf::from(path), read(path))).collect();
    project.write("recipes/r.toml", "changed since");
    assert_eq!(graph.files(), expected);
}

#[test]
fn outputs_say_which_input_steps_they_were_made_from() {
    let outcome = project().try_run().0.unwrap();
    let inputs = &outcome.steps.last().unwrap().description.inputs;
    let steps: Vec<&str> = inputs.iter().map(|input| input.step.as_str()).collect();
    assert_eq!(steps, ["noise[seed=5]", "noise[seed=6]"]);
    assert!(inputs.iter().all(|input| input.label.is_none() && input.output.is_some()));
}

/// A part of a graph has what its steps need, and runs as it would in the whole.
#[test]
fn a_part_of_a_graph_runs_alone() {
    let project = project();
    let part =
        |names: &[&str]| project.graph().towards(&names.iter().map(|name| (*name).to_owned()).collect());
    let ids = |graph: &Graph| graph.steps().iter().map(|step| step.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&part(&["end"]).unwrap()), ["noise[seed=5]", "noise[seed=6]", "end"]);
    assert!(part(&["nothing"]).is_none());
    let one = part(&["noise[seed=6]"]).unwrap();
    assert_eq!((ids(&one), one.target().id.as_str()), (vec!["noise[seed=6]".to_owned()], "noise[seed=6]"));
    let watcher = Watcher::default();
    let options = Options {
        verify: false,
        threads: 1,
        memory_mb: 100,
        facts: project.facts.clone(),
        cancel: &project.cancel,
        observer: &watcher,
    };
    let alone = execute(&one, &project.store(), &options).unwrap();
    let whole = project.try_run().0.unwrap();
    assert_eq!(alone.output, whole.steps[1].output);
    assert!(matches!(whole.steps[1].how, How::Cached) && matches!(whole.steps[0].how, How::Ran { .. }));
}
