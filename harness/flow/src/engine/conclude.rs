//! The end of a run: its last event, what it used, and its result.

use std::collections::BTreeSet;
use std::sync::Arc;

use assay_store::{Action, Hash, RunStatus, StoreError};

use crate::engine::error::{FlowError, StepFailure};
use crate::engine::event::{Event, EventLog};
use crate::engine::key::Description;
use crate::engine::outcome::{How, Outcome, Provenance};
use crate::engine::plan::{Plan, PlanEntry};
use crate::engine::state::{Progress, States};
use crate::engine::work::{Goal, Work};

/// Closes the run's log and notes what it used. `result` is how its steps ended.
pub(crate) fn close(
    work: &Work<'_>,
    log: &EventLog<'_>,
    states: &States<'_>,
    failed: usize,
    result: Result<(), FlowError>,
) -> Result<(), FlowError> {
    let made = |goal: &Goal<'_>| states.outputs()[goal.target];
    let status = match (&result, work.goals.iter().all(|goal| made(goal).is_some())) {
        (Ok(()), true) => RunStatus::Succeeded,
        (Ok(()), false) if failed == 0 => RunStatus::Interrupted,
        _ => RunStatus::Failed,
    };
    let output = match &work.goals[..] {
        [only] => made(only),
        _ => None,
    };
    let ran = states.all().iter().filter(|step| matches!(step, Progress::Done(_, How::Ran { .. }))).count();
    let reused: Vec<&PlanEntry> = states.all().iter().filter_map(reused).collect();
    let keys: Vec<Hash> = reused.iter().filter_map(|entry| entry.key).collect();
    // A run that repeats the last one would only note what that one has noted.
    let noted = match log.repeats {
        _ if !log.recorded => Ok(()),
        Some(_) => Ok(()),
        None => refresh(log, &reused).and_then(|()| log.store.touch_actions(&log.run, &keys)),
    };
    let closed = noted.and_then(|()| {
        log.append(Event::RunFinished {
            status,
            output,
            ran,
            reused: keys.len(),
            failed,
            seconds: log.started.elapsed().as_secs_f64(),
        })
    });
    let finished = log.finish(status);
    // What stopped the run says more than a failure to record its end.
    result?;
    closed?;
    Ok(finished?)
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

/// What a recipe has come to: its outcome, or the failures of the steps that it needs.
pub(crate) fn outcome(
    work: &Work<'_>,
    goal: &Goal<'_>,
    log: &EventLog<'_>,
    plan: &Plan,
    states: &States<'_>,
    failures: &[(usize, StepFailure)],
) -> Result<Outcome, FlowError> {
    let (run, repeats) = (log.run, log.repeats);
    let Some(output) = states.outputs()[goal.target] else {
        let needed: BTreeSet<usize> = goal.steps.iter().copied().collect();
        let failures: Vec<StepFailure> = failures
            .iter()
            .filter(|(step, _)| needed.contains(step))
            .map(|(_, failure)| failure.clone())
            .collect();
        if failures.is_empty() {
            return Err(FlowError::Interrupted { run });
        }
        let waits = |step: &&usize| matches!(states.all()[**step], Progress::Waiting);
        let skipped = goal.steps.iter().filter(waits).map(|step| work.steps[*step].id.clone()).collect();
        return Err(FlowError::Failed { run, failures, skipped });
    };
    let provenance = |index: &usize| {
        let step = &work.steps[*index];
        match (&states.all()[*index], states.outputs()[*index]) {
            (
                Progress::Done(PlanEntry { key: Some(key), description: Some(description), .. }, how),
                Some(output),
            ) => Ok(Provenance {
                step: step.id.clone(),
                name: step.name.clone(),
                key: *key,
                output,
                how: *how,
                description: Arc::clone(description),
            }),
            _ => Err(FlowError::Internal(format!("the target is done before its input {}", step.id))),
        }
    };
    let steps = goal.steps.iter().map(provenance).collect::<Result<_, _>>()?;
    Ok(Outcome { run, repeats, output, plan: plan.part(&goal.steps), steps })
}
