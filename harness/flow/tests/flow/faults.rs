//! Damaged and missing objects, and runs that share a store.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assay_flow::{Event, InputSpec, Outcome, Reason};
use assay_store::Hash;

use crate::support::{ANY, Kind, Project, fs_write, number_kind, started, sum_kind};

/// `folder` makes a folder, `middle` reads it, `end` reads that; each also has its own parameter.
fn chain() -> Project {
    let mut project = Project::arithmetic(
        "a = 4\nb = 1\nc = 1\n",
        "[steps.folder]\nkind = 'folder'\nparams = { add = '$a' }\n\
         [steps.middle]\nkind = 'inside'\ninputs = { folder = 'folder' }\nparams = { add = '$b' }\n\
         [steps.end]\nkind = 'sum'\ninputs = { of = 'middle' }\nparams = { add = '$c' }\n",
    );
    let folder = Kind::new("folder", |context| {
        std::fs::create_dir(context.output())?;
        std::fs::write(context.output().join("about"), "a folder")?;
        let text = context.params().get("add").unwrap().value.to_string();
        Ok(std::fs::write(context.output().join("number"), text)?)
    });
    let inside = Kind::new("inside", |context| {
        let path = context.input("folder")?.path.join("number");
        let number: i64 = std::fs::read_to_string(path)?.parse().unwrap();
        let add: i64 = context.params().get("add").unwrap().value.to_string().parse().unwrap();
        Ok(fs_write(context, &(number + add).to_string())?)
    });
    project.registry.register(folder).unwrap();
    project.registry.register(inside.inputs(const { &[InputSpec::one("folder", ANY)] })).unwrap();
    project
}

fn output(outcome: &Outcome, step: &str) -> Hash {
    outcome.steps.iter().find(|s| s.step == step).unwrap().output
}

/// Where an object lies; found by its name, as the layout is the store's affair.
pub(crate) fn object_file(project: &Project, hash: &Hash) -> std::path::PathBuf {
    let hex = hash.to_string();
    let mut queue = vec![project.root().join(".assay").into_std_path_buf()];
    while let Some(dir) = queue.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                queue.push(path);
            } else if path.to_string_lossy().replace('/', "").ends_with(&hex) {
                return path;
            }
        }
    }
    panic!("no object {hash}");
}

fn damage(project: &Project, hash: &Hash) {
    let file = object_file(project, hash);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[0] ^= 1;
    // Objects are read-only; a disk does not ask.
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, bytes).unwrap();
}

fn reasons(events: &[Event], wanted: &str) -> Vec<Reason> {
    events
        .iter()
        .find_map(|event| match event {
            Event::StepStarted { step, reasons, .. } if step == wanted => Some(reasons.clone()),
            _ => None,
        })
        .unwrap()
}

#[test]
fn a_damaged_input_is_named_and_made_anew() {
    let mut project = chain();
    let before = project.try_run().0.unwrap();
    let damaged = output(&before, "middle");
    damage(&project, &damaged);
    assert!(project.run().is_empty(), "nothing reads it, so nothing happens");

    project.sets = vec!["c=2".into()];
    let (result, events) = project.try_run();
    assert_eq!(started(&events), ["end", "end", "middle"], "end is started, sent back, started again");
    assert_eq!(reasons(&events, "middle"), [Reason::Corrupt { hash: damaged }]);
    assert!(events.contains(&Event::ObjectCorrupt { step: "middle".into(), hash: damaged }));
    let after = result.unwrap();
    assert_eq!(output(&after, "middle"), damaged);
    assert_eq!(project.store().read(&after.output).unwrap(), b"17");
}

#[test]
fn a_damaged_file_in_a_folder_is_named_and_made_anew() {
    let mut project = chain();
    project.run();
    let file = Hash::of(b"a folder");
    damage(&project, &file);
    project.sets = vec!["b=2".into()];
    let (result, events) = project.try_run();
    assert_eq!(started(&events), ["end", "folder", "middle", "middle"]);
    assert_eq!(reasons(&events, "folder"), [Reason::Corrupt { hash: file }]);
    assert_eq!(project.store().read(&result.unwrap().output).unwrap(), b"16");
}

#[test]
fn a_damaged_target_is_planned_and_made_anew() {
    let project = chain();
    let target = project.try_run().0.unwrap().output;
    damage(&project, &target);
    for _ in 0..2 {
        let plan = project.plan();
        assert_eq!(plan.entry("end").unwrap().reasons, [Reason::Corrupt { hash: target }]);
    }
    let (result, events) = project.try_run();
    assert_eq!(started(&events), ["end"]);
    assert_eq!(result.unwrap().output, target);
    assert!(project.plan().is_done());
}

#[test]
fn a_damaged_list_of_a_folder_s_files_is_noticed() {
    let mut project = chain();
    let tree = output(&project.try_run().0.unwrap(), "folder");
    damage(&project, &tree);
    project.sets = vec!["b=2".into()];
    let (result, _) = project.try_run();
    assert_eq!(output(&result.unwrap(), "folder"), tree);
}

#[test]
fn a_missing_output_is_made_anew() {
    let project = chain();
    let outcome = project.try_run().0.unwrap();
    let gone = output(&outcome, "middle");
    std::fs::remove_file(object_file(&project, &gone)).unwrap();
    assert_eq!(project.plan().entry("middle").unwrap().reasons, [Reason::Missing { hash: gone }]);
    let (result, events) = project.try_run();
    assert_eq!(started(&events), ["middle"], "it comes out the same, so end is not run");
    assert_eq!(result.unwrap().output, outcome.output);
}

#[test]
fn two_runs_at_the_same_time_share_the_work() {
    let mut project = Project::arithmetic(
        "",
        "[steps.a]\nkind = 'number'\nparams = { add = 1 }\n[steps.b]\nkind = 'number'\nparams = { add = 2 }\n\
         [steps.end]\nkind = 'sum'\ninputs = { of = ['a', 'b'] }\nparams = { add = 0 }\n",
    );
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = |kind: Kind| {
        let (calls, act) = (Arc::clone(&calls), kind.act);
        Kind {
            act: Arc::new(move |context| {
                calls.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(std::time::Duration::from_millis(20));
                act(context)
            }),
            ..kind
        }
    };
    project.registry = assay_flow::Registry::new();
    project.registry.register(counted(number_kind())).unwrap();
    project.registry.register(counted(sum_kind())).unwrap();
    let outputs: Vec<Hash> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| project.run_watched(&()).unwrap().output)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(outputs.iter().all(|output| *output == outputs[0]));
    assert_eq!(calls.load(Ordering::SeqCst), 3, "each step was done once");
}

/// A kind that reads a file beside its inputs, whose content is a fact.
struct Reader {
    kind: Kind,
    file: camino::Utf8PathBuf,
}

impl assay_flow::StepKind for Reader {
    fn name(&self) -> &'static str {
        self.kind.name
    }

    fn about(&self) -> &'static str {
        "Reads a file."
    }

    fn version(&self) -> u32 {
        1
    }

    fn inputs(&self) -> &'static [InputSpec] {
        &[]
    }

    fn output(&self) -> assay_flow::ArtifactType {
        ANY
    }

    fn parameters(&self) -> serde_json::Value {
        self.kind.schema.clone()
    }

    fn check(&self, _: &assay_flow::Params) -> Result<(), assay_flow::ParamError> {
        Ok(())
    }

    fn facts(&self, _: &assay_flow::Params, _: &assay_flow::Facts) -> assay_flow::Facts {
        let content = std::fs::read_to_string(&self.file).unwrap();
        assay_flow::Facts::from([("file".to_owned(), content)])
    }

    fn resources(&self, params: &assay_flow::Params) -> assay_flow::Resources {
        assay_flow::StepKind::resources(&self.kind, params)
    }

    fn run(&self, context: &assay_flow::StepContext<'_>) -> Result<(), assay_flow::StepError> {
        (self.kind.act)(context)
    }
}

/// An edit between the plan and the end of a step would put what was read under the key of what was planned.
#[test]
fn a_result_of_what_was_changed_meanwhile_is_not_kept() {
    let mut project = Project::arithmetic("a = 1\n", "[steps.end]\nkind = 'reader'\n");
    let file = project.root().join("beside");
    std::fs::write(&file, "1").unwrap();
    let edits = Arc::new(AtomicUsize::new(1));
    let (left, read) = (Arc::clone(&edits), file.clone());
    let kind = Kind::new("reader", move |context| {
        let edited =
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if edited {
            std::fs::write(&read, "2")?;
        }
        Ok(fs_write(context, &std::fs::read_to_string(&read)?)?)
    });
    project.registry.register(Reader { kind, file }).unwrap();
    let (result, events) = project.try_run();
    assert!(result.is_err());
    let said = events.iter().find_map(|event| match event {
        Event::StepFailed { class, message, .. } => Some((*class, message.clone())),
        _ => None,
    });
    let (class, message) = said.unwrap();
    assert!(class == assay_flow::ErrorClass::User && message.contains("was changed"), "{message}");
    // The same command gives what the file holds now.
    project.try_run().0.unwrap();
    assert_eq!(project.output(), "2");
}
