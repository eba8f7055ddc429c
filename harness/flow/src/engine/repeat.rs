//! Making the output of one step again, without the cache.

use std::sync::atomic::{AtomicBool, Ordering};

use assay_store::{Hash, Store, StoreError};
use camino::Utf8Path;

use crate::engine::error::StepFailure;
use crate::engine::plan::PlanEntry;
use crate::kind::context::{Artifact, StepContext};
use crate::kind::error::StepError;
use crate::language::graph::{Graph, Step};

/// Runs a step that is cached once more, on the same inputs, and returns the hash of what it makes, and what `look` says of
/// the file or folder while it is there.
///
/// The step sees a store of its own, which is empty and goes afterwards: it finds neither remembered results nor a
/// checkpoint, and what it makes is kept nowhere. `store` is only read.
///
/// # Errors
/// The step's own failure; an internal one if the entry is not cached; that of the store if an input is gone or damaged.
pub fn repeat<T>(
    graph: &Graph,
    store: &Store,
    entry: &PlanEntry,
    threads: usize,
    cancel: &AtomicBool,
    look: impl FnOnce(&Hash, &Utf8Path) -> T,
) -> Result<(Hash, T), StepFailure> {
    again(graph, store, entry, threads, cancel, look).map_err(|error| StepFailure::new(&entry.step, &error))
}

fn again<T>(
    graph: &Graph,
    store: &Store,
    entry: &PlanEntry,
    threads: usize,
    cancel: &AtomicBool,
    look: impl FnOnce(&Hash, &Utf8Path) -> T,
) -> Result<(Hash, T), StepError> {
    let step = graph.steps.iter().find(|step| step.id == entry.step);
    let (Some(step), Some(key), Some(description)) = (step, entry.key, &entry.description) else {
        return Err(StepError::internal(format!("the inputs of {} are not known", entry.step)));
    };
    let known = |id: &str| {
        let input = description.inputs.iter().find(|input| input.step == id);
        input.and_then(|input| input.output)
    };
    let scratch = store.scratch()?;
    let inputs = inputs(graph, store, step, &scratch.path().join("inputs"), known)?;
    let own = scratch.path().join("scratch");
    fs_err::create_dir(&own)?;
    let empty = Store::open(&scratch.path().join("store"))?;
    let context = StepContext {
        params: &step.params,
        key,
        store: &empty,
        inputs,
        scratch: &own,
        output: scratch.path().join("output"),
        threads,
        stopped: &|| cancel.load(Ordering::Relaxed),
        progress: &|_, _, _| {},
    };
    step.kind.run(&context)?;
    if !context.output().exists() {
        return Err(StepError::internal("the step made no output"));
    }
    let hash = empty.put_path(context.output())?;
    let seen = look(&hash, context.output());
    Ok((hash, seen))
}

/// The inputs as files, verified.
fn inputs(
    graph: &Graph,
    store: &Store,
    step: &Step,
    folder: &Utf8Path,
    known: impl Fn(&str) -> Option<Hash>,
) -> Result<Vec<(String, Vec<Artifact>)>, StepError> {
    let mut inputs = Vec::new();
    for input in &step.inputs {
        let labelled = step.reads_labels(&input.name);
        let mut artifacts = Vec::new();
        for (i, producer) in input.steps.iter().enumerate() {
            let producer = &graph.steps[*producer];
            let path = folder.join(&input.name).join(i.to_string());
            let Some(hash) = known(&producer.id) else {
                return Err(StepError::internal(format!("{} has no output yet", producer.id)));
            };
            store.materialize(&hash, &path).map_err(|error| match error {
                StoreError::Corrupt { .. } | StoreError::Missing { .. } => {
                    StepError::environment(format!("the output of {} is damaged or gone", producer.id))
                        .remedy("run the recipe, which makes it anew")
                }
                other => other.into(),
            })?;
            let label = labelled.then(|| producer.label());
            artifacts.push(Artifact { label, hash, path });
        }
        inputs.push((input.name.clone(), artifacts));
    }
    Ok(inputs)
}
