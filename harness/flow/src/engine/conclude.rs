//! The end of a run: its last event, what it used, and its result.

use assay_store::{Action, Hash, RunStatus, StoreError};

use crate::engine::error::{FlowError, StepFailure};
use crate::engine::event::{Event, EventLog};
use crate::engine::key::Description;
use crate::engine::outcome::{How, Outcome, Provenance};
use crate::engine::plan::{Plan, PlanEntry};
use crate::engine::state::{Progress, States};
use crate::language::graph::Graph;

/// Closes the run's log and turns its final state into a result. `result` is how its steps ended.
pub(crate) fn conclude(
    graph: &Graph,
    log: &EventLog<'_>,
    plan: Plan,
    states: States<'_>,
    failures: Vec<StepFailure>,
    result: Result<(), FlowError>,
) -> Result<Outcome, FlowError> {
    let output = states.outputs()[graph.target];
    let status = match (&result, output) {
        (Ok(()), Some(_)) => RunStatus::Succeeded,
        (Ok(()), None) if failures.is_empty() => RunStatus::Interrupted,
        _ => RunStatus::Failed,
    };
    let ran = states.all().iter().filter(|step| matches!(step, Progress::Done(_, How::Ran { .. }))).count();
    let reused: Vec<&PlanEntry> = states.all().iter().filter_map(reused).collect();
    let keys: Vec<Hash> = reused.iter().filter_map(|entry| entry.key).collect();
    let closed =
        refresh(log, &reused).and_then(|()| log.store.touch_actions(&log.run, &keys)).and_then(|()| {
            log.append(Event::RunFinished {
                status,
                output,
                ran,
                reused: keys.len(),
                failed: failures.len(),
                seconds: log.started.elapsed().as_secs_f64(),
            })
        });
    let finished = log.store.finish_run(&log.run, status);
    // What stopped the run says more than a failure to record its end.
    result?;
    closed?;
    finished?;
    outcome(graph, log, plan, states, failures)
}

/// The entry of a step whose output was used without running it.
fn reused(step: &Progress) -> Option<&PlanEntry> {
    match step {
        Progress::Done(entry, How::Cached | How::Saved(_)) => Some(entry),
        _ => None,
    }
}

/// Records where the parameters of reused outputs are written now, so that a later plan compares with that:
/// a value may have moved from `--set` into a file.
fn refresh(log: &EventLog<'_>, reused: &[&PlanEntry]) -> Result<(), StoreError> {
    for entry in reused {
        let (Some(key), Some(description)) = (&entry.key, &entry.description) else { continue };
        let action = match log.store.action(key) {
            // An action under another name is that of a step that shares the output.
            Ok(Some(action)) if action.step == entry.step => action,
            // The output was damaged or removed since it was used: there is nothing to record.
            Ok(_) | Err(StoreError::Corrupt { .. }) => continue,
            Err(error) => return Err(error),
        };
        if Description::from_bytes(&action.description).is_none_or(|old| old.differs_in_origin(description)) {
            let description = description.to_bytes().map_err(StoreError::BadEvent)?;
            log.store.record_action(&Action { description, ..action })?;
        }
    }
    Ok(())
}

fn outcome(
    graph: &Graph,
    log: &EventLog<'_>,
    plan: Plan,
    states: States<'_>,
    failures: Vec<StepFailure>,
) -> Result<Outcome, FlowError> {
    let run = log.run;
    let all = graph.steps.iter().zip(states.all()).zip(states.outputs());
    if !failures.is_empty() {
        let skipped = all.filter(|((_, progress), _)| matches!(progress, Progress::Waiting));
        let skipped = skipped.map(|((step, _), _)| step.id.clone()).collect();
        return Err(FlowError::Failed { run, failures, skipped });
    }
    let Some(output) = states.outputs()[graph.target] else { return Err(FlowError::Interrupted { run }) };
    let steps = all.map(|((step, progress), output)| match (progress, output) {
        (
            Progress::Done(PlanEntry { key: Some(key), description: Some(description), .. }, how),
            Some(output),
        ) => {
            let (key, output, how, description) = (*key, *output, *how, description.clone());
            Ok(Provenance { step: step.id.clone(), name: step.name.clone(), key, output, how, description })
        }
        _ => Err(FlowError::Internal(format!("the target is done before its input {}", step.id))),
    });
    let steps = steps.collect::<Result<_, _>>()?;
    Ok(Outcome { run, output, plan, steps })
}
