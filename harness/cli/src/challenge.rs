//! `assay challenge`: whether a step makes the same bytes again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_flow::{Diagnostic, PlanEntry, State, plan, repeat};
use assay_store::Hash;
use serde::Serialize;

use crate::args::{ChallengeArgs, Global};
use crate::display::Display;
use crate::failure::Failure;
use crate::process::{cores, stop_on_signals};
use crate::session::Session;
use crate::{run, stdio};

/// What came of one step.
#[derive(Debug, Serialize)]
struct Challenged {
    step: String,
    label: Label,
    /// What the store has.
    artefact: Hash,
    /// What each repetition made.
    repeated: Vec<Hash>,
}

/// What is said of an artefact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Label {
    BitIdentical,
    Different,
}

/// Repeats the steps of this name, each on its inputs from the store and without any remembered result.
pub(crate) fn challenge(global: &Global, args: &ChallengeArgs) -> Result<(), Failure> {
    let display = Arc::new(Display::new(false));
    let session = run::open(global, &args.target.clone().into(), &args.machine, &display)?;
    let plan = plan(&session.graph, &session.store, &session.facts)?;
    let entries = plan.why(&session.graph, &args.step)?;
    if let Some(entry) = entries.iter().find(|entry| entry.state != State::Cached) {
        let name = &session.graph.recipe().name;
        return Err(Diagnostic::user(format!("{} has no result that could be challenged", entry.step))
            .help(format!("`assay run {name}` makes it; then repeat the challenge"))
            .into());
    }
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let mut all = Vec::new();
    for entry in entries {
        let found = one(&session, entry, args, &cancel)?;
        if !global.json {
            say(&found)?;
        }
        all.push(found);
    }
    if global.json {
        let json =
            serde_json::to_string_pretty(&all).map_err(|error| Failure::Internal(error.to_string()))?;
        writeln!(stdio::out(), "{json}")?;
    }
    match all.iter().filter(|found| found.label == Label::Different).count() {
        0 => Ok(()),
        different => Err(Failure::Found(format!("{different} of {} steps made other bytes", all.len()))),
    }
}

fn one(
    session: &Session,
    entry: &PlanEntry,
    args: &ChallengeArgs,
    cancel: &AtomicBool,
) -> Result<Challenged, Failure> {
    let Some(artefact) = entry.output else {
        return Err(Failure::Internal(format!("{} is cached and has no output", entry.step)));
    };
    let threads = args.machine.threads.unwrap_or_else(cores).max(1);
    let again = |_| {
        repeat(&session.graph, &session.store, entry, threads, cancel).map_err(|failure| {
            match cancel.load(Ordering::Relaxed) {
                true => Failure::Interrupted("interrupted; nothing was kept".to_owned()),
                false => Failure::Repeated(failure),
            }
        })
    };
    let repeated: Vec<Hash> = (0..args.times).map(again).collect::<Result<_, _>>()?;
    let same = repeated.iter().all(|hash| *hash == artefact);
    let label = if same { Label::BitIdentical } else { Label::Different };
    Ok(Challenged { step: entry.step.clone(), label, artefact, repeated })
}

fn say(found: &Challenged) -> Result<(), Failure> {
    let (step, times) = (&found.step, found.repeated.len());
    let mut out = stdio::out();
    if found.label == Label::BitIdentical {
        return writeln!(out, "bit-identical  {step}: {} in {times} repetitions", found.artefact);
    }
    writeln!(out, "different      {step}: the store has {}", found.artefact)?;
    for (index, hash) in found.repeated.iter().enumerate() {
        let same = if *hash == found.artefact { " (the same)" } else { "" };
        writeln!(out, "               repetition {}: {hash}{same}", index + 1)?;
    }
    Ok(())
}
