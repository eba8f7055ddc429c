//! What is run again, and what is not.
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_flow::{Event, How, InputSpec, Registry, SavedBy, State};

use crate::support::{ANY, Kind, Project, fs_write, number_kind, started, sum_kind};

/// `a` -> `half` -> `end`, where `half` keeps only the remainder by two; `other` -> `end` beside it.
fn diamond() -> Project {
    Project::arithmetic(
        "a = 4\nb = 1\n",
        "[steps.a]\nkind = 'number'\nparams = { add = '$a' }\n\
         [steps.half]\nkind = 'sum'\ninputs = { of = 'a' }\nparams = { add = 0, modulo = 2 }\n\
         [steps.other]\nkind = 'number'\nparams = { add = '$b' }\n\
         [steps.end]\nkind = 'sum'\ninputs = { of = ['half', 'other'] }\nparams = { add = 0 }\n",
    )
}

#[test]
fn the_second_run_executes_nothing() {
    let project = diamond();
    assert_eq!(project.run(), ["a", "end", "half", "other"]);
    assert!(project.plan().is_done());
    let (outcome, events) = project.try_run();
    assert!(started(&events).is_empty());
    let names: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
    assert_eq!(names.len(), 3, "start, plan, end: {names:#?}");
    assert!(outcome.is_ok_and(|outcome| outcome.ran() == 0 && outcome.plan.is_done()));
}

#[test]
fn a_set_value_reruns_what_is_downstream_of_it() {
    let mut project = diamond();
    project.run();
    project.sets = vec!["b=7".into()];
    let planned: Vec<String> = project
        .plan()
        .entries()
        .iter()
        .filter(|entry| entry.state != State::Cached)
        .map(|entry| entry.step.clone())
        .collect();
    assert_eq!(planned, ["other", "end"]);
    assert_eq!(project.run(), ["end", "other"]);
}

#[test]
fn an_equal_output_stops_the_rerun() {
    let mut project = diamond();
    let before = project.output();
    project.sets = vec!["a=6".into()];
    assert_eq!(project.plan_text().lines().last().map(|line| line.split(' ').next()), Some(Some("waits")));
    let (outcome, events) = project.try_run();
    assert_eq!(started(&events), ["a", "half"]);
    let saved: Vec<&str> = events
        .iter()
        .filter_map(|event| match event {
            Event::StepSaved { step, by: SavedBy::EarlyCutoff, .. } => Some(step.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(saved, ["end"]);
    let how: Vec<How> = outcome.map(|o| o.steps.iter().map(|step| step.how).collect()).unwrap_or_default();
    assert!(matches!(
        how[..],
        [How::Ran { .. }, How::Ran { .. }, How::Cached, How::Saved(SavedBy::EarlyCutoff)]
    ));
    assert_eq!(project.output(), before);
}

#[test]
fn an_older_value_is_still_in_the_store() {
    let mut project = diamond();
    let first = project.output();
    project.sets = vec!["b=7".into()];
    assert_ne!(project.output(), first);
    project.sets.clear();
    assert!(project.plan().is_done());
    assert_eq!(project.output(), first);
}

#[test]
fn text_that_means_the_same_reruns_nothing() {
    let project = diamond();
    project.run();
    project.write("recipes/scale/s.toml", "# a remark\nb = 0x1\n\na = 4\ntitle = 'another title'\n");
    let pipeline = "[steps]\n\
         end = { kind = 'sum', about = 'new', params = { add = 0 }, inputs.of = ['half', 'other'] }\n\
         other = { kind = 'number', params.add = 1 }\n\
         [steps.a]\nparams = { add = '$a' }\nkind = 'number'\n\
         [steps.half]\nkind = 'sum'\ninputs = { of = ['a'] }\nparams.modulo = 2\nparams.add = 0\n";
    project.write("recipes/pipeline/p.toml", pipeline);
    assert!(project.plan().is_done(), "{}", project.plan_text());
}

#[test]
fn renamed_steps_keep_their_outputs_and_so_do_those_after_them() {
    let project = diamond();
    let before = project.output();
    project.write("recipes/r.toml", "title = 't'\nkind = 'artifact'\ntarget = 'result'\n");
    let renamed = "[steps.first]\nkind = 'number'\nparams = { add = '$a' }\n\
         [steps.parity]\nkind = 'sum'\ninputs = { of = 'first' }\nparams = { add = 0, modulo = 2 }\n\
         [steps.beside]\nkind = 'number'\nparams = { add = '$b' }\n\
         [steps.result]\nkind = 'sum'\ninputs = { of = ['parity', 'beside'] }\nparams = { add = 0 }\n";
    project.write("recipes/pipeline/p.toml", renamed);
    for entry in project.plan().entries() {
        assert_eq!((entry.state, entry.reasons.len()), (State::Cached, 0), "{}", entry.step);
    }
    assert!(project.run().is_empty());
    assert_eq!(project.output(), before);
}

#[test]
fn a_raised_version_reruns_that_kind_and_what_follows() {
    let mut project = diamond();
    project.run();
    let mut registry = Registry::new();
    registry.register(number_kind()).unwrap();
    registry.register(Kind { version: 2, ..sum_kind() }).unwrap();
    project.registry = registry;
    let states: Vec<(String, State)> =
        project.plan().entries().iter().map(|entry| (entry.step.clone(), entry.state)).collect();
    let expected =
        [("a", State::Cached), ("half", State::Run), ("other", State::Cached), ("end", State::Waits)];
    assert_eq!(states, expected.map(|(step, state)| (step.to_owned(), state)));
    assert_eq!(project.run(), ["end", "half"]);
}

/// Two models that differ in name only, and one whose name is read.
#[test]
fn models_with_equal_inputs_share_outputs_unless_their_names_are_read() {
    let steps = |reader: &str| {
        format!(
            "[steps.x]\nkind = 'number'\nparams = {{ add = 3 }}\n\
             [steps.y]\nkind = 'number'\nparams = {{ add = 3 }}\n\
             [steps.x-next]\nkind = '{reader}'\ninputs = {{ of = 'x' }}\nparams = {{ add = 1 }}\n\
             [steps.y-next]\nkind = '{reader}'\ninputs = {{ of = 'y' }}\nparams = {{ add = 1 }}\n\
             [steps.end]\nkind = 'sum'\ninputs = {{ of = ['x-next', 'y-next'] }}\nparams = {{ add = 0 }}\n"
        )
    };
    for (reader, ran) in [("sum", 3), ("names", 4)] {
        let mut project = Project::arithmetic("", &steps(reader));
        let names = Kind::new("names", |context| {
            let label = context.input("of")?.label.clone();
            assert_eq!(context.params().labels("of"), label.as_slice());
            Ok(fs_write(context, &label.unwrap().name.len().to_string())?)
        });
        let names = names.inputs(const { &[InputSpec::one("of", ANY).labelled()] });
        project.registry.register(names).unwrap();
        assert_eq!(project.try_run().0.unwrap().ran(), ran, "{reader}");
        assert!(project.plan().is_done());
    }
}

#[test]
fn a_step_does_not_see_labels_that_its_kind_does_not_declare() {
    let steps = "[steps.x]\nkind = 'number'\nparams = { add = 3 }\n\
                 [steps.end]\nkind = 'blind'\ninputs = { of = 'x' }\n";
    let mut project = Project::arithmetic("", steps);
    let blind = Kind::new("blind", |context| {
        assert_eq!(context.input("of")?.label, None);
        assert!(context.params().labels("of").is_empty());
        Ok(fs_write(context, "done")?)
    });
    project.registry.register(blind.inputs(const { &[InputSpec::one("of", ANY)] })).unwrap();
    assert_eq!(project.run(), ["end", "x"]);
}

#[test]
fn steps_with_the_same_key_run_once() {
    let project = Project::arithmetic(
        "",
        "[steps.x]\nkind = 'number'\nparams = { add = 3 }\n\
         [steps.y]\nkind = 'number'\nparams = { add = 3 }\n\
         [steps.end]\nkind = 'sum'\ninputs = { of = ['x', 'y'] }\nparams = { add = 0 }\n",
    );
    let (outcome, _) = project.try_run();
    assert_eq!(outcome.map(|outcome| outcome.ran()).ok(), Some(2), "one of x and y, and end");
}

#[test]
fn order_and_names_of_inputs_are_in_the_key() {
    let steps = |order: &str| {
        format!(
            "[steps.x]\nkind = 'number'\nparams = {{ add = 3 }}\n[steps.y]\nkind = 'number'\nparams = {{ add = 4 }}\n\
             [steps.end]\nkind = 'sum'\ninputs = {{ of = [{order}] }}\nparams = {{ add = 0 }}\n"
        )
    };
    let project = Project::arithmetic("", &steps("'x', 'y'"));
    let before = project.output();
    project.write("recipes/pipeline/p.toml", &steps("'y', 'x'"));
    assert_ne!(project.output(), before);
}

#[test]
fn a_plan_changes_nothing() {
    let project = diamond();
    let first = project.plan();
    assert_eq!(project.plan(), first);
    let store = project.store();
    assert!(store.runs().is_ok_and(|runs| runs.is_empty()));
    assert_eq!(project.run().len(), first.entries().len());
}

/// A run that repeats the last one notes nothing anew; what that one noted is kept, and one after another run is no repeat.
#[test]
fn a_run_that_repeats_the_last_one_says_so() {
    let mut project =
        Project::arithmetic("a = 1\n", "[steps.end]\nkind = 'number'\nparams = { add = '$a' }\n");
    let first = project.try_run().0.unwrap();
    assert_eq!(first.repeats, None);
    for _ in 0..2 {
        let (again, events) = project.try_run();
        assert_eq!(again.unwrap().repeats, Some(first.run));
        assert!(matches!(&events[1], Event::Planned { steps } if steps.len() == 1), "{events:?}");
    }
    let rules = assay_store::GcRules { grace: std::time::Duration::ZERO, ..assay_store::GcRules::default() };
    assert!(project.store().gc_plan_with(rules).unwrap().objects.is_empty());
    // The same value, given in another way: its place is noted.
    project.sets = vec!["a=1".to_owned()];
    assert_eq!(project.try_run().0.unwrap().repeats, None);
    project.sets.clear();
    assert_eq!(project.try_run().0.unwrap().repeats, None);
    // An object that has gone is made anew.
    let output = project.try_run().0.unwrap().output;
    fs_err::remove_file(project.store().path(&output).unwrap()).unwrap();
    let (made, events) = project.try_run();
    assert_eq!((made.unwrap().repeats, started(&events)), (None, vec!["end".to_owned()]));
}
