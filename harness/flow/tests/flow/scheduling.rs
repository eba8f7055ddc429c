//! Order, resources, failures, cancellation.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use assay_flow::{
    ErrorClass, Event, FlowError, InputSpec, NoParams, Observer, Record, Registry, Resources, StepContext,
    StepError,
};
use assay_store::RunStatus;

use crate::support::{ANY, Kind, Project, fs_write, started};

const MANY: &[InputSpec] = &[InputSpec::many("of", ANY)];

/// A project whose steps all do nothing but `act`; `end` takes all of `names`.
fn project(names: &[&str], kinds: impl IntoIterator<Item = Kind>) -> Project {
    let mut project = Project::new();
    project.write("recipes/r.toml", "title = 'test'\nkind = 'artifact'\ntarget = 'end'\n");
    project.write("recipes/scale/s.toml", "title = 'test'\n");
    let mut steps = format!("[steps.end]\nkind = 'end'\ninputs = {{ of = {names:?} }}\n");
    for name in names {
        // The name as a parameter, so that no two steps have the same key.
        let kind = name.split('-').next().unwrap();
        steps += &format!("[steps.{name}]\nkind = '{kind}'\nparams = {{ name = '{name}' }}\n");
    }
    project.write("recipes/pipeline/p.toml", &steps);
    project.registry = Registry::new();
    for kind in kinds {
        project.registry.register(kind).unwrap();
    }
    let end = Kind::new("end", |context| Ok(fs_write(context, "end")?)).inputs(MANY);
    project.registry.register(end.check(|params| params.parse::<NoParams>().map(drop))).unwrap();
    project
}

fn write_name(context: &StepContext<'_>) -> Result<(), StepError> {
    let name = context.params().get("name").unwrap().value.to_string();
    Ok(fs_write(context, &name)?)
}

/// Waits until two steps have come here.
fn meet(meeting: &(Mutex<usize>, Condvar), context: &StepContext<'_>) -> Result<(), StepError> {
    let (met, changed) = meeting;
    let mut count = met.lock().unwrap();
    *count += 1;
    changed.notify_all();
    let wait = changed.wait_timeout_while(count, Duration::from_secs(60), |count| *count < 2).unwrap();
    if wait.1.timed_out() { Err(StepError::internal("nobody came")) } else { write_name(context) }
}

#[test]
fn independent_steps_run_at_the_same_time() {
    let meeting = (Mutex::new(0), Condvar::new());
    let kind = Kind::new("meet", move |context| meet(&meeting, context));
    assert_eq!(project(&["meet-a", "meet-b"], [kind]).run(), ["end", "meet-a", "meet-b"]);
}

#[test]
fn running_steps_stay_within_the_budget() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let act = |threads: usize| {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        move |context: &StepContext<'_>| {
            assert!(context.threads() == threads || context.threads() == 3, "or all, if it is alone");
            let now = running.fetch_add(threads, Ordering::SeqCst) + threads;
            most.fetch_max(now, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
            running.fetch_sub(threads, Ordering::SeqCst);
            write_name(context)
        }
    };
    let names = ["one-a", "one-b", "one-c", "two-a", "two-b", "huge-a", "hungry-a", "hungry-b"];
    let kinds = [
        Kind::new("one", act(1)),
        Kind { resources: Resources { threads: 2, memory_mb: 1, device: None }, ..Kind::new("two", act(2)) },
        Kind {
            resources: Resources { threads: 99, memory_mb: 1, device: None },
            ..Kind::new("huge", act(3))
        },
        // Memory keeps everything else out: three more would be seen if it did not.
        Kind {
            resources: Resources { threads: 1, memory_mb: 5000, device: None },
            ..Kind::new("hungry", {
                let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                move |context: &StepContext<'_>| {
                    most.fetch_max(running.fetch_add(3, Ordering::SeqCst) + 3, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    running.fetch_sub(3, Ordering::SeqCst);
                    write_name(context)
                }
            })
        },
    ];
    let mut project = project(&names, kinds);
    project.threads = 3;
    assert_eq!(project.run().len(), names.len() + 1);
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
fn a_step_that_is_alone_has_all_threads() {
    let given = Arc::new(Mutex::new(Vec::new()));
    let note = {
        let given = Arc::clone(&given);
        move |context: &StepContext<'_>| {
            given.lock().unwrap().push(context.threads());
            write_name(context)
        }
    };
    let mut alone = project(&["one-a"], [Kind::new("one", note.clone())]);
    alone.threads = 3;
    alone.run();
    assert_eq!(*given.lock().unwrap(), [3]);
    // Of two that are ready, the first to start has what it declared, and so has the one that starts beside it.
    given.lock().unwrap().clear();
    let meeting = (Mutex::new(0), Condvar::new());
    let meets = Kind::new("meet", move |context| {
        note(context)?;
        meet(&meeting, context)
    });
    let mut both = project(&["meet-a", "meet-b"], [meets]);
    both.threads = 3;
    both.run();
    assert_eq!(*given.lock().unwrap(), [1, 1]);
}

#[test]
fn a_device_is_used_by_one_step_at_a_time() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let count = {
        let most = Arc::clone(&most);
        move |context: &StepContext<'_>| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
            running.fetch_sub(1, Ordering::SeqCst);
            write_name(context)
        }
    };
    let device = |name: &str| Resources { threads: 1, memory_mb: 1, device: Some(name.into()) };
    let kinds = [
        Kind { resources: device("cuda:0"), ..Kind::new("zero", count) },
        Kind { resources: device("cuda:1"), ..Kind::new("one", write_name) },
    ];
    let mut project = project(&["zero-a", "zero-b", "zero-c", "one-a"], kinds);
    project.threads = 4;
    assert_eq!(project.run(), ["end", "one-a", "zero-a", "zero-b", "zero-c"]);
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

/// Two devices are used at the same time, even with a step of the same kind on each.
#[test]
fn steps_on_two_devices_run_at_the_same_time() {
    let meeting = Arc::new((Mutex::new(0), Condvar::new()));
    let on = |name: &'static str, device: &str| {
        let meeting = Arc::clone(&meeting);
        let resources = Resources { threads: 1, memory_mb: 1, device: Some(device.into()) };
        Kind { resources, ..Kind::new(name, move |context| meet(&meeting, context)) }
    };
    let project = project(&["zero-a", "one-a"], [on("zero", "cuda:0"), on("one", "cuda:1")]);
    assert_eq!(project.run(), ["end", "one-a", "zero-a"]);
}

#[test]
fn the_longest_chain_goes_first_and_then_the_name() {
    let mut project = Project::arithmetic(
        "",
        "[steps.a]\nkind = 'number'\nparams = { add = 1 }\n\
         [steps.b]\nkind = 'number'\nparams = { add = 2 }\n\
         [steps.z]\nkind = 'number'\nparams = { add = 3 }\n\
         [steps.z-next]\nkind = 'sum'\ninputs = { of = 'z' }\nparams = { add = 0 }\n\
         [steps.z-last]\nkind = 'sum'\ninputs = { of = 'z-next' }\nparams = { add = 0 }\n\
         [steps.end]\nkind = 'sum'\ninputs = { of = ['a', 'b', 'z-last'] }\nparams = { add = 0 }\n",
    );
    project.threads = 1;
    let (_, events) = project.try_run();
    let order: Vec<&str> = events
        .iter()
        .filter_map(|event| match event {
            Event::StepStarted { step, .. } => Some(step.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["z", "z-next", "a", "b", "z-last", "end"]);
}

#[test]
fn a_failure_skips_what_depends_on_it_and_nothing_else() {
    let mend = Arc::new(AtomicUsize::new(0));
    let fails = {
        let mend = Arc::clone(&mend);
        Kind::new("bad", move |context| match mend.load(Ordering::SeqCst) {
            0 => Err(StepError::environment("no space")
                .remedy("free some")
                .caused_by(std::io::Error::other("28"))),
            _ => write_name(context),
        })
    };
    let project = project(&["bad-a", "bad-b", "good-a", "good-b"], [fails, Kind::new("good", write_name)]);
    let (result, events) = project.try_run();
    assert_eq!(started(&events), ["bad-a", "bad-b", "good-a", "good-b"]);
    let error = result.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Environment);
    let FlowError::Failed { run, mut failures, skipped } = error else { panic!("{error}") };
    failures.sort_by(|a, b| a.step.cmp(&b.step));
    let texts: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "step bad-a failed: no space: 28\n  help: free some",
            "step bad-b failed: no space: 28\n  help: free some"
        ]
    );
    assert_eq!(skipped, ["end"]);
    assert_eq!(project.store().find_run(run.as_str()).unwrap().status, RunStatus::Failed);

    mend.store(1, Ordering::SeqCst);
    assert_eq!(project.run(), ["bad-a", "bad-b", "end"], "what went well is kept");
}

#[test]
fn faults_of_a_step_kind_are_reported_as_such() {
    for (kind, expected) in [
        (Kind::new("bad", |_| panic!("at {}", 3)), "the step panicked: at 3"),
        (Kind::new("bad", |_| Ok(())), "the step made no output"),
        (Kind::new("bad", |_| Err(StepError::cancelled())), "the step gave up without having been told to"),
        (Kind::new("bad", |c| c.input("x").map(drop)), "input `x` has 0 artefacts, not one"),
    ] {
        let (result, _) = project(&["bad-a"], [kind]).try_run();
        let error = result.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Internal);
        assert_eq!(error.to_string(), format!("step bad-a failed: {expected}"));
    }
}

/// Raises the cancel flag as soon as a step has begun its work.
struct Canceller<'a>(&'a Project);

impl Observer for Canceller<'_> {
    fn observe(&self, record: &Record) {
        if let Event::StepProgress { .. } = record.event {
            self.0.cancel.store(true, Ordering::SeqCst);
        }
    }
}

/// Counts to ten, one count per call of the checkpoint file, and waits after five for the cancel flag.
fn count(context: &StepContext<'_>, wait: bool) -> Result<(), StepError> {
    let file = context.checkpoint()?.join("count");
    let mut count: u32 = std::fs::read_to_string(&file).map_or(0, |text| text.parse().unwrap());
    let from = count;
    while count < 10 {
        count += 1;
        std::fs::write(&file, count.to_string())?;
        if count == 5 && wait {
            context.progress(5, 10, "half way");
            while !context.cancelled() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        context.check_cancelled()?;
    }
    Ok(fs_write(context, &format!("{from} {count}"))?)
}

#[test]
fn a_cancelled_run_goes_on_from_its_checkpoints() {
    let slow = Kind::new("slow", |context| count(context, true));
    let mut project = project(&["slow-a"], [slow]);
    let error = project.run_watched(&Canceller(&project)).unwrap_err();
    let FlowError::Interrupted { run } = error else { panic!("{error}") };
    assert_eq!(project.store().find_run(run.as_str()).unwrap().status, RunStatus::Interrupted);

    project.cancel.store(false, Ordering::SeqCst);
    let quick = self::project(&["slow-a"], [Kind::new("slow", |context| count(context, false))]);
    project.registry = quick.registry;
    let outcome = project.try_run().0.unwrap();
    let store = project.store();
    let (slow, text) = (&outcome.steps[0], store.read(&outcome.steps[0].output).unwrap());
    assert_eq!(text, b"5 10");
    let left = store.checkpoint_dir(&slow.key).unwrap().read_dir_utf8().unwrap().count();
    assert_eq!(left, 0, "the checkpoint is cleared after success");
}

#[test]
fn a_run_that_is_cancelled_from_the_start_does_nothing() {
    let project = project(&["good-a"], [Kind::new("good", write_name)]);
    project.cancel.store(true, Ordering::SeqCst);
    let (result, events) = project.try_run();
    assert!(matches!(result, Err(FlowError::Interrupted { .. })));
    assert!(started(&events).is_empty());
    project.cancel.store(false, Ordering::SeqCst);
    project.run();
    project.cancel.store(true, Ordering::SeqCst);
    assert!(project.try_run().0.is_ok(), "there is nothing left to interrupt");
}

/// A failure outside of any step: the run cannot go on, and steps that are running are told.
#[test]
fn a_failing_store_stops_running_steps() {
    let told = Arc::new(AtomicUsize::new(0));
    let patient = Kind::new("patient", {
        let told = Arc::clone(&told);
        move |context| {
            if context.params().get("wait").is_none() {
                return write_name(context);
            }
            for _ in 0..30_000 {
                if context.cancelled() {
                    told.store(1, Ordering::SeqCst);
                    return Err(StepError::cancelled());
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(StepError::internal("nobody told it to stop"))
        }
    });
    // `quick` always writes the same, so that `after` is looked up again once `quick` has run.
    let quick = Kind::new("quick", |context| Ok(fs_write(context, "quick")?));
    let after = Kind::new("after", |context| Ok(fs_write(context, "after")?)).inputs(MANY);
    let project = project(&["patient-a", "after"], [patient, quick, after]);
    let steps = |more: &str| {
        format!(
            "[steps.end]\nkind = 'end'\ninputs = {{ of = ['patient-a', 'after'] }}\n\
             [steps.patient-a]\nkind = 'patient'\nparams = {{ name = 'a'{more} }}\n\
             [steps.quick]\nkind = 'quick'\nparams = {{ name = 'q'{more} }}\n\
             [steps.after]\nkind = 'after'\ninputs = {{ of = 'quick' }}\n"
        )
    };
    project.write("recipes/pipeline/p.toml", &steps(""));
    let outcome = project.try_run().0.unwrap();
    let after = outcome.steps.iter().find(|step| step.step == "after").unwrap();
    let object = crate::faults::object_file(&project, &after.output);
    std::fs::remove_file(&object).unwrap();
    std::fs::create_dir(&object).unwrap();

    project.write("recipes/pipeline/p.toml", &steps(", wait = true"));
    let error = project.try_run().0.unwrap_err();
    assert!(matches!(error, FlowError::Store(_)), "{error:?}");
    assert_eq!(told.load(Ordering::SeqCst), 1, "the running step was told");
    assert_eq!(project.store().runs().unwrap()[0].status, RunStatus::Failed);
}
